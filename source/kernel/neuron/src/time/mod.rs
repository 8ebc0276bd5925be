//! Time: the clock's units, and the deadlines of one hart.
//!
//! Inside the kernel time is counted in ticks of the hardware timer, because every switch reads it; the
//! conversion to nanoseconds happens at the edge. A deadline is rounded up so that it never comes early, the end of
//! its window down so that it never comes too late.

pub mod deadlines;

use nexus_abi::Nanos;
use sched_policy::Tempo;
pub use sched_policy::Ticks;
use timer_coalescer::queue::Window;

use crate::arch;
pub use deadlines::Deadlines;

/// Moments from here on do not come: 146 years after reset. A timer is never set so far ahead, because what lies
/// below it counts in signed nanoseconds: QEMU 7.2 overflows, fires at once, sets its timer again, and so never
/// lets go of its own lock.
const FAR_FUTURE: Nanos = Nanos(1 << 62);

/// Converts between ticks and nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    hz: u64,
    /// Nanoseconds of a tick, when that is a whole number.
    whole: u64,
}

const NANOS_PER_SECOND: u64 = 1_000_000_000;

impl Clock {
    /// A timer of `hz` ticks per second, not 0.
    pub const fn new(hz: u64) -> Self {
        let hz = if hz == 0 { 1 } else { hz };
        let whole = if NANOS_PER_SECOND.is_multiple_of(hz) { NANOS_PER_SECOND / hz } else { 0 };
        Self { hz, whole }
    }

    /// The same for the scheduling policy, which counts in ticks too.
    pub const fn tempo(&self) -> Tempo {
        Tempo::clamped(self.hz)
    }

    /// The time of a tick, rounded down.
    #[inline]
    pub fn nanos(&self, ticks: Ticks) -> Nanos {
        if self.whole != 0 {
            return Nanos(ticks.0.saturating_mul(self.whole));
        }
        let nanos = u128::from(ticks.0) * u128::from(NANOS_PER_SECOND) / u128::from(self.hz);
        Nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// The same where that takes no division: [`Nanos::NEVER`] elsewhere.
    #[inline(always)]
    pub const fn nanos_if_whole(&self, ticks: Ticks) -> Nanos {
        // A clock that starts at zero gets round in 584 years.
        if self.whole == 0 { Nanos::NEVER } else { Nanos(ticks.0.wrapping_mul(self.whole)) }
    }

    /// The first tick at or after a moment; never, when that is too far ahead.
    #[inline]
    pub fn ticks(&self, moment: Nanos) -> Ticks {
        if moment >= FAR_FUTURE {
            return Ticks::NEVER;
        }
        if self.whole != 0 {
            return Ticks(moment.0.div_ceil(self.whole));
        }
        let ticks = (u128::from(moment.0) * u128::from(self.hz)).div_ceil(u128::from(NANOS_PER_SECOND));
        Ticks(u64::try_from(ticks).unwrap_or(u64::MAX))
    }

    /// From the first tick at or after a deadline to the last that is at most `slack` later. When there is none
    /// between, the deadline is late by the rest of a tick.
    pub fn window(&self, deadline: Nanos, slack: Nanos) -> Window<Ticks> {
        Window::new(self.ticks(deadline), self.ticks_until(deadline.after(slack)))
    }

    /// The last tick at or before a moment.
    fn ticks_until(&self, moment: Nanos) -> Ticks {
        if let Some(ticks) = moment.0.checked_div(self.whole) {
            return Ticks(ticks);
        }
        let ticks = u128::from(moment.0) * u128::from(self.hz) / u128::from(NANOS_PER_SECOND);
        Ticks(u64::try_from(ticks).unwrap_or(u64::MAX))
    }
}

/// Now.
#[inline(always)]
pub fn now() -> Ticks {
    Ticks(arch::ticks())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_never_comes_early_and_conversion_never_overflows() {
        for hz in [1, 32_768, 10_000_000, 24_000_000, 1_000_000_000, 3_000_000_007] {
            let clock = Clock::new(hz);
            for moment in [0, 1, 99, 100, 101, 1_000_000_007, 1 << 40, FAR_FUTURE.0 - 1] {
                let ticks = clock.ticks(Nanos(moment));
                if ticks == Ticks::NEVER {
                    // Beyond what the counter can count: it never comes.
                    assert!(clock.nanos(ticks).0 <= moment, "{hz} {moment}: never, though it would come");
                    continue;
                }
                assert!(clock.nanos(ticks).0 >= moment, "{hz} {moment}: early");
                if ticks.0 > 0 {
                    assert!(clock.nanos(Ticks(ticks.0 - 1)).0 < moment, "{hz} {moment}: not the first tick");
                }
            }
            for moment in [FAR_FUTURE, Nanos(u64::MAX - 1), Nanos::NEVER] {
                assert_eq!(clock.ticks(moment), Ticks::NEVER);
                assert_eq!(clock.window(moment, Nanos(u64::MAX)).latest(), Ticks::NEVER);
            }
        }
    }

    #[test]
    fn a_window_ends_at_its_last_tick_and_never_before_it_begins() {
        for hz in [1, 32_768, 10_000_000, 24_000_000, 1_000_000_000] {
            let clock = Clock::new(hz);
            for moment in [0, 1, 99, 100, 101, 1_000_000_007, 1 << 40] {
                for slack in [0, 1, 99, 1_000_000, 4_000_000, 8_000_000] {
                    let window = clock.window(Nanos(moment), Nanos(slack));
                    assert_eq!(window.earliest(), clock.ticks(Nanos(moment)));
                    let last = window.latest();
                    if last > window.earliest() {
                        assert!(clock.nanos(last).0 <= moment + slack, "{hz} {moment} {slack}: too late");
                    }
                    let next = Ticks(last.0 + 1);
                    assert!(clock.nanos(next).0 > moment + slack, "{hz} {moment} {slack}: not the last tick");
                }
            }
        }
    }
}
