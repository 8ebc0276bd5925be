//! All harts.

use core::fmt;

use nexus_abi::{HARTS_MAX, Nanos};

use crate::ring::Ring;
use crate::share::Rest;
use crate::spent::{Idle, Spent};
use crate::windows::{Range, Windows};

/// Whose residency.
///
/// ```
/// use nexus_abi::Nanos;
/// use power_residency::{Idle, Of, Range, Residency};
///
/// let mut residency = Residency::new(Nanos(0), &[Idle::default(); 4])?;
/// residency.record(Nanos::from_millis(60_000), &[Idle::default(); 4])?;
/// let length = |of| residency.window(Range::Status, of).map(|window| window.spent.total());
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
/// let window = residency.window(Range::Status, Of::All)?;
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
/// let spent = residency.window(Range::Status, Of::Hart(0))?.spent;
/// assert_eq!(spent.at(IdleLevel::L1), Nanos::from_millis(30_000));
/// assert_eq!(spent.total(), Nanos::from_millis(60_000));
/// assert_eq!(residency.buckets(Range::Graph, Of::All)?.count(), 6);
/// # Ok::<(), power_residency::Refusal>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Residency {
    windows: Windows,
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
    status: Ring,
    graph: Ring,
}

impl Residency {
    /// Begins at `start` with what the counters of each hart are then.
    pub fn new(start: Nanos, counters: &[Idle]) -> Result<Self, Refusal> {
        Self::with_windows(Windows::DEFAULT, start, counters)
    }

    /// The same with other windows.
    pub fn with_windows(windows: Windows, start: Nanos, counters: &[Idle]) -> Result<Self, Refusal> {
        if counters.is_empty() || counters.len() > HARTS_MAX {
            return Err(Refusal::Harts);
        }
        let mut harts = [Hart::new(windows, Idle::default()); HARTS_MAX];
        for (hart, counters) in harts.iter_mut().zip(counters) {
            hart.counted = *counters;
        }
        Ok(Self { windows, start, at: start, count: counters.len(), harts })
    }

    /// Takes a sample: each hart's counters at `at`. O(harts × status buckets since the last one, at most as many as
    /// 61 of the graph are long).
    pub fn record(&mut self, at: Nanos, counters: &[Idle]) -> Result<(), Refusal> {
        if counters.len() != self.count {
            return Err(Refusal::Harts);
        }
        if at < self.at {
            return Err(Refusal::Stale);
        }
        let [from, to] = [self.at, at].map(|moment| moment.since(self.start).0);
        for (hart, counters) in self.harts.iter_mut().zip(counters) {
            hart.record(self.windows, from, to, *counters);
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
        let width = self.windows.bucket(range);
        let mut length = Nanos(0);
        for bucket in self.buckets(range, of)? {
            spent += bucket;
            length = length.after(width);
        }
        let passed = self.at.since(self.start).0;
        let to = self.start.after(Nanos(passed - passed % width.0));
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
    fn new(windows: Windows, counted: Idle) -> Self {
        let ring = |range| Ring::new(windows.bucket(range));
        Self { counted, status: ring(Range::Status), graph: ring(Range::Graph) }
    }

    const fn ring(&self, range: Range) -> &Ring {
        match range {
            Range::Status => &self.status,
            Range::Graph => &self.graph,
        }
    }

    /// From `from` to `to`, reckoned from the start, the counters have grown to `counters`.
    fn record(&mut self, windows: Windows, from: u64, to: u64, counters: Idle) {
        // Where a counter went back, it begins anew.
        self.counted = Idle { l1: self.counted.l1.min(counters.l1), l2: self.counted.l2.min(counters.l2) };
        let grown = Idle { l1: counters.l1.since(self.counted.l1), l2: counters.l2.since(self.counted.l2) };
        let mut rest = Rest::fitting(Nanos(to - from), grown);
        self.counted += rest.idle();
        let mut at = from;
        let [status, graph] = [Range::Status, Range::Graph].map(|range| windows.bucket(range));
        // What no window reaches back to need not be put into buckets one by one.
        let oldest = (to - to % graph.0).saturating_sub(windows.length(Range::Graph).0);
        if at < oldest {
            let _forgotten = rest.take(Nanos(oldest - at));
            // For the status nobody could tell: its first buckets are gone by the end of this.
            self.status.skip();
            self.graph.skip();
            at = oldest;
        }
        while at < to {
            // Past the end of time there is no end of a bucket.
            let end = (at - at % status.0).saturating_add(status.0).min(to);
            let idle = rest.take(Nanos(end - at));
            self.status.fill(idle, end);
            self.graph.fill(idle, end);
            at = end;
        }
    }
}
