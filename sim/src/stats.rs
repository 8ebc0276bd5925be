//! What a run amounts to: totals, and a fixed number of buckets for the charts, however long it is.

use nexus_abi::{IdleLevel, Nanos};

use crate::battery::Energy;
use crate::promise::Late;

/// Most buckets of a run: as many as a chart has room for.
pub const BUCKETS_MAX: u64 = 360;
/// No bucket is shorter: less than this is no trend.
const BUCKET_MIN: Nanos = Nanos::from_millis(60_000);

/// What woke the machine up.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Cause {
    /// A timer.
    Timer,
    /// An alarm.
    Alarm,
    /// The network.
    Network,
    /// The person.
    User,
    /// The charger.
    Charger,
    /// Something that went wrong, and what follows from it.
    Fault,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Timer, Self::Alarm, Self::Network, Self::User, Self::Charger, Self::Fault];

    /// For people.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Timer => "timer",
            Self::Alarm => "alarm",
            Self::Network => "network",
            Self::User => "person",
            Self::Charger => "charger",
            Self::Fault => "fault",
        }
    }
}

/// A stretch of the run.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Bucket {
    /// What the gauge showed at its end.
    pub battery: u8,
    /// Hart time by level.
    pub levels: [u64; IdleLevel::ALL.len()],
    /// How long the screen was on, the charger plugged in, the device off.
    pub screen: u64,
    #[expect(missing_docs, reason = "as above")]
    pub charging: u64,
    #[expect(missing_docs, reason = "as above")]
    pub off: u64,
    /// Wake-ups by cause.
    pub wakeups: [u32; Cause::ALL.len()],
    /// Timers that fired, by the reason for being late.
    pub late: [u32; Late::ALL.len()],
    /// Of each app: how long its locks counted, and how long it was in standby.
    pub locks: Vec<u64>,
    #[expect(missing_docs, reason = "as above")]
    pub standby: Vec<u64>,
}

/// What an app amounts to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AppTotals {
    /// Its name.
    pub name: String,
    /// Wake-ups for it.
    pub wakeups: u64,
    /// Hart time it worked.
    pub work: u64,
    /// How long its locks counted.
    pub locks: u64,
    /// How often one of them was reported because it was held for too long.
    pub reports: u64,
    /// How long it was in standby.
    pub standby: u64,
    /// Work that standby denied it a connection or a sensor for.
    pub denied: u64,
    /// Messages that waited for the end of standby, and the longest wait.
    pub waited: u64,
    #[expect(missing_docs, reason = "as above")]
    pub longest_wait: u64,
}

/// A distribution of spans: eight buckets to the octave, so quantiles are right to an eighth.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Spread {
    counts: Vec<u64>,
    count: u64,
    sum: u128,
    max: u64,
}

impl Default for Spread {
    fn default() -> Self {
        Self { counts: vec![0; 64 * 8], count: 0, sum: 0, max: 0 }
    }
}

impl Spread {
    /// One more span.
    pub fn add(&mut self, span: Nanos) {
        self.counts[Self::place(span.0)] += 1;
        self.count += 1;
        self.sum += u128::from(span.0);
        self.max = self.max.max(span.0);
    }

    /// How many.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// On average, rounded down; zero of none.
    pub fn mean(&self) -> Nanos {
        Nanos(self.sum.checked_div(self.count.into()).unwrap_or(0) as u64)
    }

    /// The longest.
    pub const fn max(&self) -> Nanos {
        Nanos(self.max)
    }

    /// The span that so many of a hundred do not exceed, rounded up to the end of its bucket.
    pub fn percentile(&self, percent: u64) -> Nanos {
        let wanted = (self.count * percent).div_ceil(100);
        let mut seen = 0;
        for (place, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted && seen > 0 {
                return Nanos(Self::end(place).min(self.max));
            }
        }
        Nanos(0)
    }

    fn place(span: u64) -> usize {
        if span < 8 {
            return span as usize;
        }
        let octave = span.ilog2() as usize;
        let eighth = (span >> (octave - 3)) as usize & 7;
        (octave - 2) * 8 + eighth
    }

    fn end(place: usize) -> u64 {
        if place < 8 {
            return place as u64;
        }
        let (octave, eighth) = (place / 8 + 2, place as u64 % 8);
        ((9 + eighth) << (octave - 3)) - 1
    }
}

/// All of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stats {
    /// How long a bucket is.
    pub width: Nanos,
    /// The buckets.
    pub buckets: Vec<Bucket>,
    /// The run as one bucket.
    pub all: Bucket,
    /// The apps.
    pub apps: Vec<AppTotals>,
    /// How late timers fired, by reason, and in all.
    pub lateness: [Spread; Late::ALL.len()],
    #[expect(missing_docs, reason = "as above")]
    pub late: Spread,
    /// Energy used.
    pub used: Energy,
    /// How often the battery ran empty.
    pub empty: u64,
    /// Alarms that rang.
    pub alarms: u64,
    /// Changes of the mode.
    pub modes: u64,
    /// Events of the simulation, and messages to timed.
    pub events: u64,
    #[expect(missing_docs, reason = "as above")]
    pub messages: u64,
    /// Faults, by what they are.
    pub faults: std::collections::BTreeMap<&'static str, u64>,
}

/// What has been going on for a stretch of time.
#[derive(Clone, Copy, Debug)]
pub struct Stretch {
    /// From.
    pub from: Nanos,
    /// To.
    pub to: Nanos,
    /// What the gauge showed.
    pub battery: u8,
    /// Hart time by level.
    pub levels: [u64; IdleLevel::ALL.len()],
    /// How long the screen was on.
    pub screen: u64,
    /// Whether the charger was plugged in, and whether the device was off.
    pub charging: bool,
    #[expect(missing_docs, reason = "as above")]
    pub off: bool,
}

impl Stats {
    /// Of a run of this length.
    pub fn new(length: Nanos, apps: Vec<String>) -> Self {
        let width = Nanos(length.0.div_ceil(BUCKETS_MAX)).max(BUCKET_MIN);
        let count = length.0.div_ceil(width.0).max(1) as usize;
        let empty = Bucket { locks: vec![0; apps.len()], standby: vec![0; apps.len()], ..Bucket::default() };
        Self {
            width,
            buckets: vec![empty.clone(); count],
            all: empty,
            apps: apps.into_iter().map(|name| AppTotals { name, ..AppTotals::default() }).collect(),
            lateness: Default::default(),
            late: Spread::default(),
            used: Energy::default(),
            empty: 0,
            alarms: 0,
            modes: 0,
            events: 0,
            messages: 0,
            faults: Default::default(),
        }
    }

    /// The bucket of a moment, and the run.
    pub fn at(&mut self, moment: Nanos) -> [&mut Bucket; 2] {
        let last = self.buckets.len() - 1;
        let place = ((moment.0 / self.width.0) as usize).min(last);
        [&mut self.buckets[place], &mut self.all]
    }

    /// Time has passed. `locks` and `standby` say for each app whether it had a lock that counts, and was in standby.
    pub fn pass(&mut self, stretch: Stretch, apps: impl Iterator<Item = (bool, bool)> + Clone) {
        let whole = stretch.to.since(stretch.from).0;
        let mut from = stretch.from;
        while from < stretch.to {
            let bucket = from.0 / self.width.0;
            let to = Nanos((bucket + 1) * self.width.0).min(stretch.to);
            let part =
                |amount: u64| (u128::from(amount) * u128::from(to.since(from).0) / u128::from(whole)) as u64;
            let last = self.buckets.len() - 1;
            self.buckets[(bucket as usize).min(last)].add(&stretch, to.since(from).0, part, apps.clone());
            from = to;
        }
        self.all.add(&stretch, whole, |amount| amount, apps.clone());
        for (app, (locked, in_standby)) in self.apps.iter_mut().zip(apps) {
            app.locks += if locked { whole } else { 0 };
            app.standby += if in_standby { whole } else { 0 };
        }
    }
}

impl Bucket {
    fn add(
        &mut self,
        stretch: &Stretch,
        span: u64,
        part: impl Fn(u64) -> u64,
        apps: impl Iterator<Item = (bool, bool)>,
    ) {
        for (mine, its) in self.levels.iter_mut().zip(stretch.levels) {
            *mine += part(its);
        }
        self.battery = stretch.battery;
        self.screen += part(stretch.screen);
        self.charging += if stretch.charging { span } else { 0 };
        self.off += if stretch.off { span } else { 0 };
        for ((locks, standby), (locked, in_standby)) in self.locks.iter_mut().zip(&mut self.standby).zip(apps)
        {
            *locks += if locked { span } else { 0 };
            *standby += if in_standby { span } else { 0 };
        }
    }

    /// Percent of the hart time at each level; nothing when the device was off.
    pub fn residency(&self) -> Option<[f64; IdleLevel::ALL.len()]> {
        let total = self.levels.iter().sum::<u64>();
        (total > 0).then(|| self.levels.map(|level| level as f64 * 100.0 / total as f64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_right_to_an_eighth() {
        let mut spread = Spread::default();
        (1..=1_000).for_each(|ms| spread.add(Nanos::from_millis(ms)));
        for percent in [1, 10, 50, 90, 99] {
            let exact = percent * 10_000_000;
            let told = spread.percentile(percent).0;
            assert!(told >= exact && told <= exact + exact / 8 + 1, "{percent}: {told} for {exact}");
        }
        assert_eq!((spread.percentile(100), spread.mean()), (Nanos::from_millis(1_000), Nanos(500_500_000)));
        assert_eq!(Spread::default().percentile(50), Nanos(0));
    }

    #[test]
    fn a_stretch_over_several_buckets_is_shared_out() {
        let minute = 60_000_000_000;
        let mut stats = Stats::new(Nanos(10 * minute), vec!["a".to_owned()]);
        assert_eq!((stats.width.0, stats.buckets.len()), (minute, 10));
        let (from, to) = (Nanos(minute / 2), Nanos(2 * minute));
        let levels = [0, 0, to.0 - from.0];
        let stretch = Stretch { from, to, battery: 40, levels, screen: 0, charging: true, off: false };
        stats.pass(stretch, [(true, false)].into_iter());
        assert_eq!(stats.buckets[0].levels[2], minute / 2);
        assert_eq!((stats.buckets[1].levels[2], stats.buckets[1].charging), (minute, minute));
        assert_eq!([0, 1, 2].map(|place| stats.buckets[place].battery), [40, 40, 0]);
        assert_eq!((stats.all.levels[2], stats.apps[0].locks), (to.0 - from.0, to.0 - from.0));
    }
}
