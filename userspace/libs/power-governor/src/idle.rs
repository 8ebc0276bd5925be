//! How deeply an idle hart may sleep.

use nexus_abi::{IdleLevel, Nanos, TaskId};

use crate::mode::Mode;

/// What idle levels cost, and when they pay. L0 costs nothing and L1 pays at once.
///
/// ```
/// use nexus_abi::{IdleLevel, Nanos};
/// use power_governor::{Costs, Mode};
///
/// let costs = Costs::default();
/// assert_eq!(costs.l2_after(Mode::Frugal), Some(Nanos::from_millis(10)));
/// assert_eq!(costs.l2_after(Mode::Performance), None);
/// assert_eq!(costs.exit_latency(IdleLevel::L2), Nanos::from_millis(2));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Costs {
    /// From the interrupt to the first instruction of a task, out of L1.
    pub l1_exit: Nanos,
    /// The same out of L2.
    pub l2_exit: Nanos,
    /// Expected idleness from which on L2 pays in balanced mode.
    pub l2_after_balanced: Nanos,
    /// The same in frugal mode.
    pub l2_after_frugal: Nanos,
    /// Ordinary wake-ups of a hart in L2 wait for the next multiple of this.
    pub tick: Nanos,
}

impl Costs {
    /// A `wfi` returns within microseconds; with caches to warm up it is ten.
    pub const L1_EXIT: Nanos = Nanos::from_micros(10);
    /// Stated, since deep idle is simulated: what a core takes whose power has been off.
    pub const L2_EXIT: Nanos = Nanos::from_millis(2);
    /// Twenty-five exit latencies: a wake-up that comes too soon after falling asleep is rare then.
    pub const L2_AFTER_BALANCED: Nanos = Nanos::from_millis(50);
    /// Five exit latencies: sooner, leaving costs more than sleeping gains.
    pub const L2_AFTER_FRUGAL: Nanos = Nanos::from_millis(10);
    /// As long as the widest window of an ordinary timer: what may be 50 ms late anyway loses nothing.
    pub const TICK: Nanos = Nanos::from_millis(50);

    /// What leaving a level takes.
    pub const fn exit_latency(&self, level: IdleLevel) -> Nanos {
        match level {
            IdleLevel::L0 => Nanos(0),
            IdleLevel::L1 => self.l1_exit,
            IdleLevel::L2 => self.l2_exit,
        }
    }

    /// The expected idleness from which on L2 pays; nothing when the mode never allows it.
    pub const fn l2_after(&self, mode: Mode) -> Option<Nanos> {
        match mode {
            Mode::Balanced => Some(self.l2_after_balanced),
            Mode::Performance => None,
            Mode::Frugal => Some(self.l2_after_frugal),
        }
    }

    /// When an ordinary wake-up for `deadline` comes if the hart is in L2: at the first tick that is not before it.
    ///
    /// ```
    /// use nexus_abi::Nanos;
    /// use power_governor::Costs;
    ///
    /// let ms = Nanos::from_millis;
    /// assert_eq!(Costs::default().deferred(ms(120)), ms(150));
    /// ```
    pub fn deferred(&self, deadline: Nanos) -> Nanos {
        let tick = self.tick.0.max(1);
        deadline.0.checked_next_multiple_of(tick).map_or(Nanos::NEVER, Nanos)
    }
}

impl Default for Costs {
    fn default() -> Self {
        Self {
            l1_exit: Self::L1_EXIT,
            l2_exit: Self::L2_EXIT,
            l2_after_balanced: Self::L2_AFTER_BALANCED,
            l2_after_frugal: Self::L2_AFTER_FRUGAL,
            tick: Self::TICK,
        }
    }
}

/// Whether wake locks forbid deep idle.
///
/// ```
/// use nexus_abi::{IdleLevel, Nanos};
/// use power_governor::{Governor, Locks};
///
/// let mut governor = Governor::default();
/// governor.speak();
/// let level = |locks| governor.idle(Nanos::from_millis(1000), locks).level;
/// assert_eq!([Locks::None, Locks::Held].map(level), [IdleLevel::L2, IdleLevel::L1]);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Locks {
    /// There is none that counts.
    #[default]
    None,
    /// There is at least one.
    Held,
}

/// The level of a hart that has nothing to run, and why no deeper.
///
/// ```
/// use nexus_abi::{IdleLevel, Nanos};
/// use power_governor::{Governor, IdleReason, Locks};
///
/// let mut governor = Governor::default();
/// governor.speak();
/// let decision = governor.idle(Nanos::from_millis(50), Locks::Held);
/// assert_eq!((decision.level, decision.because), (IdleLevel::L1, IdleReason::WakeLock));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IdleDecision {
    /// How deep.
    pub level: IdleLevel,
    /// What waking up will take.
    pub exit_latency: Nanos,
    /// What forbids the next deeper one.
    pub because: IdleReason,
}

/// What forbids a deeper level, strongest first.
///
/// ```
/// use nexus_abi::{Nanos, TaskId};
/// use power_governor::{Governor, IdleReason, Locks};
///
/// let mut governor = Governor::default();
/// governor.speak();
/// governor.latency.set(TaskId::new(7, 1), Nanos::from_millis(1))?;
/// let because = governor.idle(Nanos::from_millis(1000), Locks::None).because;
/// assert_eq!((because, because.name()), (IdleReason::Latency(TaskId::new(7, 1)), "latency request"));
/// # Ok::<(), power_governor::Full>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum IdleReason {
    /// The hart has something to run.
    Busy,
    /// The governor has not spoken yet.
    Silent,
    /// The mode.
    Mode(Mode),
    /// A wake lock.
    WakeLock,
    /// The strictest latency request, which is this task's.
    Latency(TaskId),
    /// The idleness is expected to be too short.
    TooShort,
    /// Nothing: there is no deeper one.
    Deepest,
}

impl IdleReason {
    /// The name, for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Silent => "governor silent",
            Self::Mode(_) => "mode",
            Self::WakeLock => "wake lock",
            Self::Latency(_) => "latency request",
            Self::TooShort => "too short",
            Self::Deepest => "deepest",
        }
    }
}
