//! Moments, as a type of their own.

use core::ops::{Add, AddAssign, Sub};
use core::time::Duration;

use nexus_abi::Nanos;

/// A moment of monotonic time. Spans are [`Duration`]s, so that the two cannot be mixed up.
///
/// Arithmetic does not overflow: what would be past the end of time is [`Instant::NEVER`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(transparent)]
pub struct Instant(Nanos);

impl Instant {
    /// The start of the machine.
    pub const BOOT: Self = Self(Nanos(0));
    /// A moment that does not come.
    pub const NEVER: Self = Self(Nanos::NEVER);

    /// The moment as the kernel counts it.
    pub const fn nanos(self) -> Nanos {
        self.0
    }

    /// The span since `earlier`; zero when that is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.since(earlier.0).0)
    }
}

impl From<Nanos> for Instant {
    fn from(moment: Nanos) -> Self {
        Self(moment)
    }
}

impl From<Instant> for Nanos {
    fn from(moment: Instant) -> Self {
        moment.0
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.after(nanos(span)))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, span: Duration) {
        *self = *self + span;
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;

    /// The moment earlier by `span`; no earlier than [`Instant::BOOT`].
    fn sub(self, span: Duration) -> Self {
        Self(Nanos(self.0.0.saturating_sub(nanos(span).0)))
    }
}

/// The span as the kernel counts it; one of more than 584 years is for ever.
pub fn nanos(span: Duration) -> Nanos {
    const PER_SECOND: u64 = 1_000_000_000;
    let whole = span.as_secs().checked_mul(PER_SECOND);
    let all = whole.and_then(|whole| whole.checked_add(span.subsec_nanos().into()));
    Nanos(all.unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_ends_at_the_ends_of_time() {
        let moment = Instant::BOOT + Duration::from_millis(5);
        assert_eq!(moment.nanos(), Nanos::from_millis(5));
        assert_eq!(moment - Duration::from_millis(2), Instant::BOOT + Duration::from_millis(3));
        assert_eq!(moment - Duration::MAX, Instant::BOOT);
        assert_eq!(moment + Duration::MAX, Instant::NEVER);
        assert_eq!(Instant::NEVER + Duration::from_nanos(1), Instant::NEVER);
    }

    #[test]
    fn a_span_since_a_later_moment_is_zero() {
        let later = Instant::BOOT + Duration::from_secs(1);
        assert_eq!(later.since(Instant::BOOT), Duration::from_secs(1));
        assert_eq!(Instant::BOOT.since(later), Duration::ZERO);
    }
}
