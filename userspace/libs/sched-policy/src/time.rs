//! Time as the queue's owner counts it, and the spans the rules are made of.
//!
//! A hart reads its clock in ticks at every switch, so the policy counts in ticks too and converts nothing on
//! the way. [`Tempo`] turns the rules' milliseconds into ticks once, when a queue or an entity is made.

use nexus_abi::{Nanos, QosClass};

/// A moment or a span of the clock that the queue's owner reads.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[repr(transparent)]
pub struct Ticks(pub u64);

impl Ticks {
    /// A moment that does not come.
    pub const NEVER: Self = Self(u64::MAX);

    /// The moment `span` later; [`Ticks::NEVER`] when that is past the end of time.
    #[inline(always)]
    pub const fn after(self, span: Self) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// The moment `span` earlier, zero at the least.
    #[inline(always)]
    pub const fn before(self, span: Self) -> Self {
        Self(self.0.saturating_sub(span.0))
    }

    /// The span since `earlier`, zero when `earlier` is later.
    #[inline(always)]
    pub const fn since(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }
}

/// How many ticks a second has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tempo {
    hz: u64,
}

impl Tempo {
    /// Slowest clock the rules make sense with: a tick is a millisecond, the length of a grant.
    pub const HZ_MIN: u64 = 1_000;
    /// Fastest clock for which no product of this library overflows.
    pub const HZ_MAX: u64 = 1_000_000_000;

    /// A clock of `hz` ticks a second, taken as the nearest between [`Self::HZ_MIN`] and [`Self::HZ_MAX`].
    pub const fn clamped(hz: u64) -> Self {
        match hz {
            0..Self::HZ_MIN => Self { hz: Self::HZ_MIN },
            Self::HZ_MIN..=Self::HZ_MAX => Self { hz },
            _ => Self { hz: Self::HZ_MAX },
        }
    }

    /// The fewest ticks that last `span`; for spans up to 10 seconds.
    pub const fn at_least(self, span: Nanos) -> Ticks {
        Ticks(span.0.saturating_mul(self.hz).div_ceil(NANOS_PER_SECOND))
    }

    /// The most ticks that fit into `span`; for spans up to 10 seconds.
    pub const fn at_most(self, span: Nanos) -> Ticks {
        Ticks(span.0.saturating_mul(self.hz) / NANOS_PER_SECOND)
    }
}

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// How long a task without a latency hint is willing to wait: the round in which each gets its share.
///
/// 4 ms: with two busy tasks a switch every 2 ms costs well under 0.1 %, and in any half second even shares of
/// 100 to 1 come out within 1 %, because there are 125 rounds in it.
pub const LATENCY: Nanos = Nanos::from_millis(4);

/// The shortest slice on average: with more than eight tasks in a class the round grows by this much for each.
///
/// 0.5 ms: a hundred times what a switch with cold caches costs.
pub const GRAIN: Nanos = Nanos::from_micros(500);

/// What a task that wakes asks for first, before the rest of its request.
///
/// 25 µs: enough to look at what came and to say so, for a hundred system calls; and with two others that are busy all
/// the time it comes within three times as much.
pub const FIRST_PART: Nanos = Nanos::from_micros(25);

/// Service that is not worth keeping an account of while two tasks take turns.
///
/// 50 µs: a round trip between two tasks takes a few, and a hundredth of a round is lost in the noise of a cache.
pub const TRIFLE: Nanos = Nanos::from_micros(50);

/// How long a task waits at the door for one of a higher class before anybody counts it as passed over.
///
/// 1 ms: time enough for a server to answer a crowd before it waits, and a fortieth of the shortest bound.
pub const OUTRANKED: Nanos = Nanos::from_millis(1);

/// How often a hart looks whether another has less to do.
pub const EVEN_OUT: Nanos = Nanos::from_millis(10);

/// For how long a hart that has less to do may have been ahead of another: more than a task takes to come round eight
/// harts.
pub(crate) const CATCH_UP: Nanos = Nanos::from_millis(250);

/// What a class gets that has waited as long as its bound.
pub const GRANT: Nanos = Nanos::from_millis(1);

/// How long a runnable class waits at most while higher ones take all the time; the highest never waits.
///
/// Short enough that a screen that lost to a runaway still moves (Interactive: 25 times a second), long enough
/// that all three grants together take less than 4.2 % from those above.
pub const fn starvation_bound(class: QosClass) -> Option<Nanos> {
    match class {
        QosClass::Idle => Some(Nanos::from_millis(240)),
        QosClass::Normal => Some(Nanos::from_millis(80)),
        QosClass::Interactive => Some(Nanos::from_millis(40)),
        QosClass::PerfBurst => None,
    }
}
