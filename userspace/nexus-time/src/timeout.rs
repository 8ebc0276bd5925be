//! How long something may take, over all of its steps.

use core::time::Duration;

use crate::{Clock, Instant};

/// An end that does not move: of several calls that share one, each gets what the earlier ones have left.
///
/// Every call that waits takes its end as a moment, so a whole operation is bounded by handing the same one on:
///
/// ```
/// use core::time::Duration;
/// use nexus_time::{Clock, Instant, ManualClock, Timeout};
///
/// # fn connect(_: Instant, clock: &ManualClock) { clock.advance(Duration::from_millis(80)); }
/// let clock = ManualClock::at(Instant::BOOT);
/// let timeout = Timeout::after(Duration::from_millis(100), &clock);
/// connect(timeout.end(), &clock);
/// assert_eq!(timeout.left(&clock), Some(Duration::from_millis(20)));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timeout {
    end: Instant,
}

impl Timeout {
    /// None: as long as it takes.
    pub const NEVER: Self = Self { end: Instant::NEVER };

    /// This long from now.
    pub fn after(span: Duration, clock: &impl Clock) -> Self {
        Self { end: clock.now() + span }
    }

    /// No longer than `other` either.
    pub fn at_most(self, other: Self) -> Self {
        Self { end: self.end.min(other.end) }
    }

    /// The end.
    pub const fn end(&self) -> Instant {
        self.end
    }

    /// How long there is still; nothing when it is over.
    pub fn left(&self, clock: &impl Clock) -> Option<Duration> {
        Some(self.end.since(clock.now())).filter(|left| !left.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ManualClock;

    #[test]
    fn the_end_does_not_move_and_is_the_end() {
        let clock = ManualClock::at(Instant::BOOT);
        let outer = Timeout::after(Duration::from_millis(10), &clock);
        clock.advance(Duration::from_millis(4));
        let inner = Timeout::after(Duration::from_millis(100), &clock).at_most(outer);
        assert_eq!(inner.left(&clock), Some(Duration::from_millis(6)));
        clock.advance(Duration::from_millis(6));
        assert_eq!((inner.left(&clock), inner.end()), (None, Instant::BOOT + Duration::from_millis(10)));
        assert_eq!(Timeout::NEVER.end(), Instant::NEVER);
    }
}
