//! Power modes, and what they are chosen by.

use nexus_abi::Nanos;

/// What the machine is run for. Wire values are append-only.
///
/// ```
/// use power_governor::Mode;
///
/// assert_eq!(Mode::default(), Mode::Balanced);
/// assert_eq!(Mode::from_wire(2), Some(Mode::Frugal));
/// assert_eq!(Mode::Frugal.name(), "frugal");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[repr(u8)]
pub enum Mode {
    /// Both.
    #[default]
    Balanced = 0,
    /// Speed.
    Performance = 1,
    /// Endurance.
    Frugal = 2,
}

impl Mode {
    /// Every mode, in wire order.
    pub const ALL: [Self; 3] = [Self::Balanced, Self::Performance, Self::Frugal];

    /// Reads a wire value; anything unknown is refused, never clamped.
    pub const fn from_wire(value: u64) -> Option<Self> {
        match value {
            0 => Some(Self::Balanced),
            1 => Some(Self::Performance),
            2 => Some(Self::Frugal),
            _ => None,
        }
    }

    /// The value that travels.
    pub const fn to_wire(self) -> u64 {
        self as u64
    }

    /// The name, for people, settings and markers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Balanced => "balanced",
            Self::Performance => "performance",
            Self::Frugal => "frugal",
        }
    }
}

/// How much later than asked for `timed` may fire an ordinary timer, by mode.
///
/// ```
/// use nexus_abi::Nanos;
/// use power_governor::{Hints, Mode};
///
/// let hints = Hints { frugal: Nanos::from_millis(80), ..Hints::default() };
/// assert_eq!(hints.of(Mode::Frugal), Nanos::from_millis(80));
/// assert_eq!(hints.of(Mode::Balanced), Hints::BALANCED);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Hints {
    /// In balanced mode.
    pub balanced: Nanos,
    /// In performance mode.
    pub performance: Nanos,
    /// In frugal mode.
    pub frugal: Nanos,
}

impl Hints {
    /// 50 wake-ups a second at the most for whatever is not urgent, and nobody notices.
    pub const BALANCED: Nanos = Nanos::from_millis(20);
    /// None: what is asked for is what is done.
    pub const PERFORMANCE: Nanos = Nanos(0);
    /// 20 wake-ups a second at the most. This begins to be seen.
    pub const FRUGAL: Nanos = Nanos::from_millis(50);

    /// The hint of a mode.
    pub const fn of(&self, mode: Mode) -> Nanos {
        match mode {
            Mode::Balanced => self.balanced,
            Mode::Performance => self.performance,
            Mode::Frugal => self.frugal,
        }
    }
}

impl Default for Hints {
    fn default() -> Self {
        Self { balanced: Self::BALANCED, performance: Self::PERFORMANCE, frugal: Self::FRUGAL }
    }
}

/// A part of a hundred.
///
/// ```
/// use power_governor::Percent;
///
/// assert_eq!(Percent::clamped(101), Percent::FULL);
/// assert_eq!(Percent::clamped(15).get(), 15);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Percent(u8);

impl Percent {
    /// All of it.
    pub const FULL: Self = Self(100);

    /// At most a hundred.
    pub const fn clamped(percent: u8) -> Self {
        Self(if percent > Self::FULL.0 { Self::FULL.0 } else { percent })
    }

    /// The number.
    pub const fn get(self) -> u8 {
        self.0
    }
}

/// Where the power comes from.
///
/// ```
/// use power_governor::{Governor, Input, Mode, Percent, Supply};
///
/// let charge = Percent::clamped(5);
/// for (supply, mode) in [(Supply::Battery, Mode::Frugal), (Supply::Mains, Mode::Balanced)] {
///     let mut governor = Governor::default();
///     governor.hear(Input::Battery { charge, supply });
///     assert_eq!(governor.speak().mode, mode);
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Supply {
    /// The battery: it gets less.
    Battery,
    /// A charger.
    Mains,
}

/// What the heat of the device demands, least first.
///
/// ```
/// use power_governor::{Governor, Heat, Input, Mode};
///
/// let modes = [(Heat::Cool, Mode::Performance), (Heat::Warm, Mode::Balanced), (Heat::Hot, Mode::Frugal)];
/// for (heat, mode) in modes {
///     let mut governor = Governor::default();
///     governor.hear(Input::Setting(Some(Mode::Performance)));
///     governor.hear(Input::Heat(heat));
///     assert_eq!(governor.speak().mode, mode);
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Heat {
    /// Nothing.
    #[default]
    Cool,
    /// No more than balanced.
    Warm,
    /// As little as possible.
    Hot,
}

/// A mode, and why it.
///
/// ```
/// use power_governor::{Governor, Mode, ModeReason};
///
/// let decision = Governor::default().speak();
/// assert_eq!((decision.mode, decision.because), (Mode::Balanced, ModeReason::Default));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ModeDecision {
    /// What the machine is run for.
    pub mode: Mode,
    /// The rule that says so.
    pub because: ModeReason,
}

/// Which rule chose a mode, strongest first.
///
/// ```
/// use power_governor::{Governor, Input, Mode, ModeReason};
///
/// let mut governor = Governor::default();
/// governor.hear(Input::Setting(Some(Mode::Frugal)));
/// let because = governor.speak().because;
/// assert_eq!((because, because.name()), (ModeReason::Setting, "setting"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ModeReason {
    /// The device is hot.
    Hot,
    /// The battery is low.
    LowBattery,
    /// The device is too warm for the performance that is set.
    Warm,
    /// The person set it.
    Setting,
    /// Nobody said anything.
    Default,
}

impl ModeReason {
    /// The name, for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hot => "hot",
            Self::LowBattery => "low battery",
            Self::Warm => "warm",
            Self::Setting => "setting",
            Self::Default => "default",
        }
    }
}
