//! Something that comes again and again, without drifting.

use core::num::NonZeroU64;
use core::time::Duration;

use nexus_abi::Nanos;

use crate::instant::nanos;
use crate::{Clock, Instant};

/// Moments at equal distances from the first.
///
/// ```
/// use core::time::Duration;
/// use nexus_time::{Clock, Instant, Interval, ManualClock};
///
/// let clock = ManualClock::at(Instant::BOOT);
/// let mut interval = Interval::every(Duration::from_secs(1), &clock).expect("not zero");
/// for _ in 0..3 {
///     interval.tick(&clock);
///     clock.advance(Duration::from_millis(300)); // the work
/// }
/// assert_eq!(clock.now(), Instant::BOOT + Duration::from_millis(3_300));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Interval {
    next: Instant,
    period: NonZeroU64,
}

/// One turn of an [`Interval`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tick {
    /// When it was due.
    pub due: Instant,
    /// How many were due since, which it stands for as well.
    pub missed: u64,
}

impl Interval {
    /// Every `period`, the first time one period from now; nothing when the period is zero.
    pub fn every(period: Duration, clock: &impl Clock) -> Option<Self> {
        Self::from(clock.now() + period, period)
    }

    /// Every `period`, the first time at `first`; nothing when the period is zero.
    pub fn from(first: Instant, period: Duration) -> Option<Self> {
        NonZeroU64::new(nanos(period).0).map(|period| Self { next: first, period })
    }

    /// When it comes next.
    pub const fn next(&self) -> Instant {
        self.next
    }

    /// Sleeps until it comes next.
    pub fn tick(&mut self, clock: &impl Clock) -> Tick {
        clock.sleep_until(self.next);
        // A coarse clock may show a moment before the one that it has woken for.
        self.pass(clock.now().max(self.next))
    }

    /// Takes what has come by `now`, if anything has. Whatever has come is one tick.
    pub fn take(&mut self, now: Instant) -> Option<Tick> {
        (now >= self.next).then(|| self.pass(now))
    }

    /// Moves on past `now`, which is not before the next time.
    fn pass(&mut self, now: Instant) -> Tick {
        let due = self.next;
        let missed = now.nanos().since(due.nanos()).0 / self.period;
        let passed = (missed + 1).saturating_mul(self.period.get());
        self.next = due.nanos().after(Nanos(passed)).into();
        Tick { due, missed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ManualClock;
    use proptest::prelude::*;

    fn at(ms: u64) -> Instant {
        Instant::BOOT + Duration::from_millis(ms)
    }

    #[test]
    fn work_between_ticks_does_not_move_them() {
        let clock = ManualClock::at(at(0));
        let mut interval = Interval::every(Duration::from_millis(10), &clock).expect("not zero");
        for k in 1..=100 {
            assert_eq!(interval.tick(&clock), Tick { due: at(10 * k), missed: 0 });
            clock.advance(Duration::from_millis(7));
        }
    }

    /// Shows full milliseconds only, as a task without the right to more sees them.
    struct Coarse(ManualClock);

    impl Clock for Coarse {
        fn now(&self) -> Instant {
            at(self.0.now().since(Instant::BOOT).as_millis() as u64)
        }

        fn sleep_until(&self, moment: Instant) {
            self.0.sleep_until(moment);
        }
    }

    #[test]
    fn a_coarse_clock_makes_no_tick_come_twice() {
        let clock = Coarse(ManualClock::at(at(0)));
        let period = Duration::from_micros(2_500);
        let mut interval = Interval::every(period, &clock).expect("not zero");
        for k in 1..=100 {
            assert_eq!(interval.tick(&clock), Tick { due: Instant::BOOT + period * k, missed: 0 });
        }
    }

    #[test]
    fn what_was_missed_is_one_tick_that_says_how_many() {
        let mut interval = Interval::from(at(10), Duration::from_millis(10)).expect("not zero");
        assert_eq!(interval.take(at(9)), None);
        assert_eq!(interval.take(at(45)), Some(Tick { due: at(10), missed: 3 }));
        assert_eq!(interval.take(at(45)), None);
        assert_eq!(interval.next(), at(50));
    }

    #[test]
    fn test_reject_period_of_zero() {
        assert_eq!(Interval::from(at(0), Duration::ZERO), None);
    }

    proptest! {
        #[test]
        fn no_occurrence_is_lost_or_doubled(
            first in 0u64..1_000, period in 1u64..1_000, steps in proptest::collection::vec(0u64..5_000, 1..100),
        ) {
            let (first, span) = (Instant::from(Nanos(first)), Duration::from_nanos(period));
            let mut interval = Interval::from(first, span).expect("not zero");
            let (mut now, mut count) = (Instant::BOOT, 0);
            for step in steps {
                now += Duration::from_nanos(step);
                if let Some(tick) = interval.take(now) {
                    prop_assert_eq!(tick.due.nanos().0, first.nanos().0 + count * period);
                    count += 1 + tick.missed;
                }
                prop_assert!(interval.next() > now);
            }
        }
    }
}
