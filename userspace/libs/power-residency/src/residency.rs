//! All harts.

use core::fmt;

use nexus_abi::{HARTS_MAX, Nanos};

use crate::BUCKETS;
use crate::ring::Ring;
use crate::share::Rest;
use crate::spent::{Idle, Spent};

/// Which of the two windows.
///
/// ```
/// use nexus_abi::Nanos;
/// use power_residency::Range;
///
/// assert_eq!(Range::Minute.bucket(), Nanos::from_millis(1_000));
/// assert_eq!(Range::TenMinutes.length(), Nanos::from_millis(600_000));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Range {
    /// 60 s, in buckets of one second: how the machine is doing.
    Minute,
    /// 10 min, in buckets of ten seconds: the graph.
    TenMinutes,
}

impl Range {
    /// The width of a bucket.
    pub const fn bucket(self) -> Nanos {
        match self {
            Self::Minute => Nanos::from_millis(1_000),
            Self::TenMinutes => Nanos::from_millis(10_000),
        }
    }

    /// The length of the window once enough time has passed.
    pub const fn length(self) -> Nanos {
        Nanos(self.bucket().0 * BUCKETS as u64)
    }
}

/// Whose residency.
///
/// ```
/// use nexus_abi::Nanos;
/// use power_residency::{Idle, Of, Range, Residency};
///
/// let mut residency = Residency::new(Nanos(0), &[Idle::default(); 4])?;
/// residency.record(Nanos::from_millis(60_000), &[Idle::default(); 4])?;
/// let length = |of| residency.window(Range::Minute, of).map(|window| window.spent.total());
/// assert_eq!(length(Of::Hart(3))?, Nanos::from_millis(60_000));
/// assert_eq!(length(Of::All)?, Nanos::from_millis(240_000));
/// # Ok::<(), power_residency::Refusal>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Of {
    /// One hart's.
    Hart(usize),
    /// That of all harts together: as many times as long.
    All,
}

/// Where the time of a window went.
///
/// ```
/// use nexus_abi::{IdleLevel, Nanos};
/// use power_residency::{Idle, Of, Range, Residency};
///
/// let second = Nanos::from_millis(1_000);
/// let mut residency = Residency::new(Nanos(0), &[Idle::default(); 2])?;
/// residency.record(second, &[Idle { l1: second, l2: Nanos(0) }, Idle { l1: Nanos(0), l2: second }])?;
/// let window = residency.window(Range::Minute, Of::All)?;
/// assert_eq!((window.from, window.to), (Nanos(0), second));
/// assert_eq!(window.spent.percent(), [0, 50, 50]);
/// # Ok::<(), power_residency::Refusal>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    /// When it begins.
    pub from: Nanos,
    /// When it ends: with the last full bucket.
    pub to: Nanos,
    /// Where its time went.
    pub spent: Spent,
}

/// Why a question has no answer, or a sample changed nothing.
///
/// ```
/// use nexus_abi::Nanos;
/// use power_residency::{Idle, Refusal, Residency};
///
/// let mut residency = Residency::new(Nanos(100), &[Idle::default()])?;
/// assert_eq!(residency.record(Nanos(99), &[Idle::default()]), Err(Refusal::Stale));
/// # Ok::<(), Refusal>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Refusal {
    /// The sample is older than the last one.
    Stale,
    /// There is no such hart, or another number of harts.
    Harts,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stale => "older than the last sample",
            Self::Harts => "no such hart or number of harts",
        })
    }
}

impl core::error::Error for Refusal {}

/// What the harts have been doing.
///
/// ```
/// use nexus_abi::{IdleLevel, Nanos};
/// use power_residency::{Idle, Of, Range, Residency};
///
/// let mut residency = Residency::new(Nanos(0), &[Idle::default()])?;
/// let half = Idle { l1: Nanos::from_millis(30_000), l2: Nanos(0) };
/// residency.record(Nanos::from_millis(60_000), &[half])?;
/// let spent = residency.window(Range::Minute, Of::Hart(0))?.spent;
/// assert_eq!(spent.at(IdleLevel::L1), Nanos::from_millis(30_000));
/// assert_eq!(spent.total(), Nanos::from_millis(60_000));
/// assert_eq!(residency.buckets(Range::TenMinutes, Of::All)?.count(), 6);
/// # Ok::<(), power_residency::Refusal>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Residency {
    start: Nanos,
    /// Of the last sample.
    at: Nanos,
    /// So many are there.
    count: usize,
    harts: [Hart; HARTS_MAX],
}

/// One hart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Hart {
    /// What of its counters is in the rings.
    counted: Idle,
    minute: Ring,
    ten_minutes: Ring,
}

impl Residency {
    /// Begins at `start` with what the counters of each hart are then.
    pub fn new(start: Nanos, counters: &[Idle]) -> Result<Self, Refusal> {
        if counters.is_empty() || counters.len() > HARTS_MAX {
            return Err(Refusal::Harts);
        }
        let mut harts = [Hart::new(Idle::default()); HARTS_MAX];
        for (hart, counters) in harts.iter_mut().zip(counters) {
            hart.counted = *counters;
        }
        Ok(Self { start, at: start, count: counters.len(), harts })
    }

    /// Takes a sample: each hart's counters at `at`. O(harts × seconds since the last one, at most 610).
    pub fn record(&mut self, at: Nanos, counters: &[Idle]) -> Result<(), Refusal> {
        if counters.len() != self.count {
            return Err(Refusal::Harts);
        }
        if at < self.at {
            return Err(Refusal::Stale);
        }
        let [from, to] = [self.at, at].map(|moment| moment.since(self.start).0);
        for (hart, counters) in self.harts.iter_mut().zip(counters) {
            hart.record(from, to, *counters);
        }
        self.at = at;
        Ok(())
    }

    /// When the last sample was taken.
    pub const fn at(&self) -> Nanos {
        self.at
    }

    /// Where the time of a window went. O(buckets), and harts for all of them.
    pub fn window(&self, range: Range, of: Of) -> Result<Window, Refusal> {
        let mut spent = Spent::default();
        let mut length = Nanos(0);
        for bucket in self.buckets(range, of)? {
            spent += bucket;
            length = length.after(range.bucket());
        }
        let passed = self.at.since(self.start).0;
        let to = self.start.after(Nanos(passed - passed % range.bucket().0));
        Ok(Window { from: to.since(length), to, spent })
    }

    /// The same by bucket, oldest first.
    pub fn buckets(&self, range: Range, of: Of) -> Result<impl Iterator<Item = Spent>, Refusal> {
        let harts = match of {
            Of::All => &self.harts[..self.count],
            Of::Hart(hart) if hart < self.count => &self.harts[hart..=hart],
            Of::Hart(_) => return Err(Refusal::Harts),
        };
        let mut rings = [const { None }; HARTS_MAX];
        for (ring, hart) in rings.iter_mut().zip(harts) {
            *ring = Some(hart.ring(range).spent());
        }
        // The rings of all harts are filled by the same samples, so they end together.
        Ok(core::iter::from_fn(move || {
            let mut rings = rings.iter_mut().flatten();
            let mut spent = rings.next()?.next()?;
            rings.filter_map(Iterator::next).for_each(|its| spent += its);
            Some(spent)
        }))
    }
}

impl Hart {
    const fn new(counted: Idle) -> Self {
        Self {
            counted,
            minute: Ring::new(Range::Minute.bucket()),
            ten_minutes: Ring::new(Range::TenMinutes.bucket()),
        }
    }

    const fn ring(&self, range: Range) -> &Ring {
        match range {
            Range::Minute => &self.minute,
            Range::TenMinutes => &self.ten_minutes,
        }
    }

    /// From `from` to `to`, reckoned from the start, the counters have grown to `counters`.
    fn record(&mut self, from: u64, to: u64, counters: Idle) {
        // Where a counter went back, it begins anew.
        self.counted = Idle { l1: self.counted.l1.min(counters.l1), l2: self.counted.l2.min(counters.l2) };
        let grown = Idle { l1: counters.l1.since(self.counted.l1), l2: counters.l2.since(self.counted.l2) };
        let mut rest = Rest::fitting(Nanos(to - from), grown);
        self.counted += rest.idle();
        let mut at = from;
        // What no window reaches back to need not be put into buckets one by one.
        let oldest = (to - to % Range::TenMinutes.bucket().0).saturating_sub(Range::TenMinutes.length().0);
        if at < oldest {
            let _forgotten = rest.take(Nanos(oldest - at));
            // For the minute nobody could tell: its first buckets are gone by the end of this.
            self.minute.skip();
            self.ten_minutes.skip();
            at = oldest;
        }
        while at < to {
            let second = Range::Minute.bucket().0;
            // Past the end of time there is no end of a bucket.
            let end = (at - at % second).saturating_add(second).min(to);
            let idle = rest.take(Nanos(end - at));
            self.minute.fill(idle, end);
            self.ten_minutes.fill(idle, end);
            at = end;
        }
    }
}
