//! Who and when: tasks, services, classes, harts, moments.

/// A task, for its whole life and never again: slot and generation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct TaskId(u64);

impl TaskId {
    /// No task; as a target it means the caller itself. Generations start at 1.
    pub const NONE: Self = Self(0);

    /// Composes an id; the kernel's task table uses this.
    pub const fn new(index: u32, generation: u32) -> Self {
        Self((generation as u64) << 32 | index as u64)
    }

    /// The slot in the kernel's task table. Shown to people as the short number.
    pub const fn index(self) -> u32 {
        self.0 as u32
    }

    /// The generation of the slot.
    pub const fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The value that travels in a register.
    pub const fn to_wire(self) -> u64 {
        self.0
    }

    /// Reads a register.
    pub const fn from_wire(value: u64) -> Self {
        Self(value)
    }
}

impl core::fmt::Debug for TaskId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "task {}.{}", self.index(), self.generation())
    }
}

/// The identity the kernel stamps on messages: it follows from the boot-image entry a task was spawned
/// from, so nobody can claim it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(transparent)]
pub struct ServiceId(pub u32);

/// The boot-image entries with an identity of their own, by name. All others are [`ServiceId::APP`].
const SERVICES: [(&str, ServiceId); 7] = [
    ("init", ServiceId::INIT),
    ("execd", ServiceId::EXECD),
    ("shell", ServiceId::SHELL),
    ("selftest-client", ServiceId::SELFTEST),
    ("policyd", ServiceId::POLICYD),
    ("bench", ServiceId::BENCH),
    ("timed", ServiceId::TIMED),
];

impl ServiceId {
    /// Any program without an identity of its own.
    pub const APP: Self = Self(0);
    /// The first task.
    pub const INIT: Self = Self(1);
    /// The spawner and supervisor.
    pub const EXECD: Self = Self(2);
    /// The console.
    pub const SHELL: Self = Self(3);
    /// The device tests.
    pub const SELFTEST: Self = Self(4);
    /// Decides who may do what.
    pub const POLICYD: Self = Self(5);
    /// The benchmark.
    pub const BENCH: Self = Self(6);
    /// Every timer.
    pub const TIMED: Self = Self(7);

    /// The identity of the boot-image entry called `name`.
    pub fn of_image(name: &str) -> Self {
        SERVICES.iter().find(|(known, _)| *known == name).map_or(Self::APP, |(_, id)| *id)
    }

    /// True for the services that may change the QoS of others.
    pub const fn may_set_qos_of_others(self) -> bool {
        self.0 == Self::EXECD.0 || self.0 == Self::POLICYD.0
    }

    /// The name, for people.
    pub fn name(self) -> &'static str {
        SERVICES.iter().find(|(_, id)| *id == self).map_or("app", |(name, _)| name)
    }
}

/// Scheduling class, lowest first. Wire values are append-only.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[repr(u8)]
pub enum QosClass {
    /// Maintenance: runs when nothing else wants to.
    Idle = 0,
    /// The default.
    #[default]
    Normal = 1,
    /// Somebody is waiting at the screen.
    Interactive = 2,
    /// Deadlines of milliseconds; needs a recipe and a policy rule.
    PerfBurst = 3,
}

impl QosClass {
    /// Every class, lowest first.
    pub const ALL: [Self; 4] = [Self::Idle, Self::Normal, Self::Interactive, Self::PerfBurst];

    /// Reads a wire value; anything unknown is refused, never clamped.
    pub const fn from_wire(value: u64) -> Option<Self> {
        match value {
            0 => Some(Self::Idle),
            1 => Some(Self::Normal),
            2 => Some(Self::Interactive),
            3 => Some(Self::PerfBurst),
            _ => None,
        }
    }

    /// The value that travels in a register.
    pub const fn to_wire(self) -> u64 {
        self as u64
    }

    /// The name, for people and recipes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Normal => "normal",
            Self::Interactive => "interactive",
            Self::PerfBurst => "perf_burst",
        }
    }
}

/// A set of harts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(transparent)]
pub struct HartMask(pub u64);

impl HartMask {
    /// Wherever there is room.
    pub const ANY: Self = Self(u64::MAX);

    /// Just one hart.
    pub const fn only(hart: usize) -> Self {
        Self(1 << hart)
    }

    /// True when `hart` is in the set.
    pub const fn contains(self, hart: usize) -> bool {
        hart < 64 && self.0 >> hart & 1 == 1
    }
}

/// A moment or a span in nanoseconds of monotonic time since boot.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[repr(transparent)]
pub struct Nanos(pub u64);

impl Nanos {
    /// As a deadline: wait for ever.
    pub const NEVER: Self = Self(u64::MAX);
    /// As a deadline: do not wait at all.
    pub const NOW: Self = Self(0);

    /// A span of milliseconds.
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms.saturating_mul(1_000_000))
    }

    /// A span of microseconds.
    pub const fn from_micros(us: u64) -> Self {
        Self(us.saturating_mul(1_000))
    }

    /// The moment `span` later; [`Nanos::NEVER`] when that is past the end of time.
    pub const fn after(self, span: Self) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// The span since `earlier`, zero when `earlier` is later.
    pub const fn since(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_round_trip() {
        for class in QosClass::ALL {
            assert_eq!(QosClass::from_wire(class.to_wire()), Some(class));
        }
    }

    #[test]
    fn test_reject_invalid_qos_class_on_the_wire() {
        for wrong in [4, 5, 255, 256, 257, 1 << 32, u64::MAX] {
            assert_eq!(QosClass::from_wire(wrong), None, "never clamped, never cut to a byte");
        }
    }

    #[test]
    fn identity_follows_the_image_name_only() {
        assert_eq!(ServiceId::of_image("execd"), ServiceId::EXECD);
        assert_eq!(ServiceId::of_image("execd2"), ServiceId::APP);
        assert_eq!(ServiceId::EXECD.name(), "execd");
    }

    #[test]
    fn time_saturates_instead_of_wrapping() {
        assert_eq!(Nanos(u64::MAX - 1).after(Nanos(5)), Nanos::NEVER);
        assert_eq!(Nanos(3).since(Nanos(5)), Nanos(0));
    }
}
