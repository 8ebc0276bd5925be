//! Clocks: the machine's, and one that a test moves.

use core::cell::Cell;
use core::time::Duration;

use crate::Instant;

/// Says what time it is, and waits.
pub trait Clock {
    /// The moment it is.
    fn now(&self) -> Instant;

    /// Returns when `moment` has come; not before.
    fn sleep_until(&self, moment: Instant);

    /// Returns when this span has passed; not before.
    fn sleep(&self, span: Duration) {
        self.sleep_until(self.now() + span);
    }
}

/// A clock that stands still until somebody moves it; to sleep moves it to the end of the sleep.
///
/// For tests and simulations: a program that takes a [`Clock`] lives through a year in no time.
#[derive(Debug)]
pub struct ManualClock {
    now: Cell<Instant>,
}

impl ManualClock {
    /// Stands at this moment.
    pub const fn at(now: Instant) -> Self {
        Self { now: Cell::new(now) }
    }

    /// Moves on by `span`.
    pub fn advance(&self, span: Duration) {
        self.now.set(self.now.get() + span);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        self.now.get()
    }

    fn sleep_until(&self, moment: Instant) {
        self.now.set(self.now.get().max(moment));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleeping_moves_a_manual_clock_and_never_back() {
        let clock = ManualClock::at(Instant::BOOT);
        clock.sleep(Duration::from_secs(3));
        clock.advance(Duration::from_secs(1));
        clock.sleep_until(Instant::BOOT + Duration::from_secs(2));
        assert_eq!(clock.now(), Instant::BOOT + Duration::from_secs(4));
    }
}
