//! When a program that died is started again.
//!
//! A [`Supervision`] remembers the recent deaths of one program. Each death asks it once, and it answers with
//! a [`Verdict`]: start again after a delay, leave it ended, or give up.
//!
//! 1. [`Restart`] says which endings count as a reason to start again.
//! 2. The delay is [`DELAY_FIRST`] and doubles with every further crash up to [`DELAY_MAX`]; a program that
//!    has run for [`STEADY`] begins anew.
//! 3. The [`CRASHES_MAX`]-th crash within [`CRASH_WINDOW`] is the last: what dies that often is broken, and
//!    starting it once more only hides that.
//!
//! Services and apps share these rules: `execd` and `init` use a [`Supervision`] as it is, [`crate::Lifecycle`] has one
//! for each app.

use nexus_abi::{ExitReason, Nanos};

/// Delay before the first restart: long enough that a program which dies at once does not take the machine.
pub const DELAY_FIRST: Nanos = Nanos::from_millis(500);
/// Longest delay: a person still waits for it.
pub const DELAY_MAX: Nanos = Nanos::from_millis(60_000);
/// Crashes that are too many, when they fall into one [`CRASH_WINDOW`].
pub const CRASHES_MAX: usize = 5;
/// The span in which crashes are counted. Delays count too, so only programs that die young reach the limit.
pub const CRASH_WINDOW: Nanos = Nanos::from_millis(60_000);
/// A program that ran this long is taken to work.
pub const STEADY: Nanos = CRASH_WINDOW;

/// Which endings are a reason to start a program again. Wire values are append-only.
///
/// ```
/// use lifecycle::Restart;
/// use nexus_abi::ExitReason;
///
/// assert!(!Restart::OnFailure.wants(ExitReason::Exited(0)));
/// assert!(Restart::OnFailure.wants(ExitReason::Exited(1)));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Restart {
    /// None.
    #[default]
    Never,
    /// Anything but exit code 0.
    OnFailure,
    /// Every ending.
    Always,
}

impl Restart {
    /// True when `reason` asks for a restart.
    pub fn wants(self, reason: ExitReason) -> bool {
        match self {
            Self::Never => false,
            Self::OnFailure => reason != ExitReason::Exited(0),
            Self::Always => true,
        }
    }
}

/// What to do about a death.
///
/// ```
/// use lifecycle::{Restart, Supervision, Verdict};
/// use nexus_abi::{ExitReason, Nanos};
///
/// let mut never = Supervision::new(Restart::Never);
/// assert_eq!(never.died(ExitReason::Exited(1), Nanos(0), Nanos(1)), Verdict::Ended);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Verdict {
    /// Leave it ended.
    Ended,
    /// Start it again at this moment.
    StartAt(Nanos),
    /// It died too often: leave it ended and say so.
    GiveUp,
}

/// What is remembered of one program's deaths.
///
/// ```
/// use lifecycle::{Restart, Supervision, Verdict};
/// use nexus_abi::{ExitReason, Nanos};
///
/// let ms = Nanos::from_millis;
/// let mut supervision = Supervision::new(Restart::OnFailure);
/// // Two crashes, each a second after the start.
/// assert_eq!(supervision.died(ExitReason::Exited(1), ms(0), ms(1_000)), Verdict::StartAt(ms(1_500)));
/// assert_eq!(supervision.died(ExitReason::Exited(1), ms(1_500), ms(2_500)), Verdict::StartAt(ms(3_500)));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Supervision {
    restart: Restart,
    delay: Nanos,
    /// The latest deaths, oldest first; `None` before there were so many.
    deaths: [Option<Nanos>; CRASHES_MAX],
}

impl Supervision {
    /// Nothing has happened yet.
    pub const fn new(restart: Restart) -> Self {
        Self { restart, delay: DELAY_FIRST, deaths: [None; CRASHES_MAX] }
    }

    /// Which endings count.
    pub const fn restart(&self) -> Restart {
        self.restart
    }

    /// The program started at `started` died at `now`. O(1).
    pub fn died(&mut self, reason: ExitReason, started: Nanos, now: Nanos) -> Verdict {
        if !self.restart.wants(reason) {
            return Verdict::Ended;
        }
        if now.since(started) >= STEADY {
            *self = Self::new(self.restart);
        }
        self.deaths.rotate_left(1);
        self.deaths[CRASHES_MAX - 1] = Some(now);
        if self.deaths[0].is_some_and(|oldest| now.since(oldest) <= CRASH_WINDOW) {
            return Verdict::GiveUp;
        }
        let start = now.after(self.delay);
        self.delay = Nanos(self.delay.0.saturating_mul(2).min(DELAY_MAX.0));
        Verdict::StartAt(start)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    const CRASH: ExitReason = ExitReason::Exited(101);

    fn ms(ms: u64) -> Nanos {
        Nanos::from_millis(ms)
    }

    #[test]
    fn each_policy_restarts_exactly_what_it_says() {
        let cases = [
            (Restart::Never, ExitReason::Killed, false),
            (Restart::Never, ExitReason::Exited(0), false),
            (Restart::OnFailure, ExitReason::Exited(0), false),
            (Restart::OnFailure, ExitReason::Exited(1), true),
            (Restart::OnFailure, ExitReason::Killed, true),
            (Restart::OnFailure, ExitReason::Fault { cause: 13, pc: 0, address: 0 }, true),
            (Restart::Always, ExitReason::Exited(0), true),
        ];
        for (restart, reason, expected) in cases {
            let mut supervision = Supervision::new(restart);
            assert_eq!(supervision.restart(), restart);
            let verdict = supervision.died(reason, ms(0), ms(1));
            assert_eq!(matches!(verdict, Verdict::StartAt(_)), expected, "{restart:?} {reason:?}");
        }
    }

    #[test]
    fn delays_double_from_half_a_second_to_a_minute() {
        let mut supervision = Supervision::new(Restart::Always);
        let mut now = ms(0);
        let mut delays = Vec::new();
        for _ in 0..9 {
            // Every incarnation lives 59 s: too short to be steady, long enough not to be given up.
            let started = now;
            now = now.after(ms(59_000));
            let Verdict::StartAt(start) = supervision.died(CRASH, started, now) else { panic!() };
            delays.push(start.since(now).0 / 1_000_000);
            now = start;
        }
        assert_eq!(delays, [500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
    }

    #[test]
    fn the_fifth_crash_in_a_minute_is_the_last() {
        let mut supervision = Supervision::new(Restart::OnFailure);
        let mut now = ms(0);
        for _ in 0..4 {
            let Verdict::StartAt(start) = supervision.died(CRASH, now, now) else { panic!() };
            now = start;
        }
        assert_eq!(supervision.died(CRASH, now, now), Verdict::GiveUp);
    }

    #[test]
    fn a_steady_run_wipes_the_slate() {
        let mut supervision = Supervision::new(Restart::Always);
        let _first = supervision.died(CRASH, ms(0), ms(1));
        let _second = supervision.died(CRASH, ms(2), ms(3));
        let verdict = supervision.died(CRASH, ms(1000), ms(61_000));
        assert_eq!(verdict, Verdict::StartAt(ms(61_500)));
    }

    proptest! {
        #[test]
        fn restarts_come_after_the_death_and_never_more_than_four_in_a_minute(
            lives in proptest::collection::vec(0u64..120_000, 1..40),
        ) {
            let mut supervision = Supervision::new(Restart::Always);
            let mut now = ms(0);
            let mut starts: Vec<Nanos> = Vec::new();
            for life in lives {
                let started = now;
                now = now.after(ms(life));
                match supervision.died(CRASH, started, now) {
                    Verdict::StartAt(start) => {
                        prop_assert!(start >= now.after(DELAY_FIRST) && start <= now.after(DELAY_MAX));
                        starts.push(start);
                        now = start;
                    }
                    Verdict::GiveUp => break,
                    Verdict::Ended => prop_assert!(false, "always means always"),
                }
            }
            for window in starts.windows(CRASHES_MAX + 1) {
                prop_assert!(window[CRASHES_MAX].since(window[0]) >= CRASH_WINDOW);
            }
        }

        #[test]
        fn no_moment_makes_it_panic(started: u64, now: u64) {
            let _verdict = Supervision::new(Restart::Always).died(CRASH, Nanos(started), Nanos(now));
        }
    }
}
