//! The governor.

use nexus_abi::{IdleLevel, Nanos};

use crate::idle::{Costs, IdleDecision, IdleReason, Locks};
use crate::latency::LatencyRequests;
use crate::mode::{Heat, Hints, Mode, ModeDecision, ModeReason, Percent, Supply};

/// What holds for every decision.
///
/// ```
/// use power_governor::{Percent, Rules};
///
/// let never_by_battery = Rules { low_enter: Percent::clamped(0), ..Rules::default() };
/// assert!(never_by_battery.low_enter < never_by_battery.low_leave);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Rules {
    /// A discharging battery at or below this is low.
    pub low_enter: Percent,
    /// A low battery at or above this is low no longer.
    pub low_leave: Percent,
    /// How much timers may be coalesced.
    pub hints: Hints,
    /// What idle levels cost.
    pub costs: Costs,
}

impl Rules {
    /// An evening's worth: late enough not to annoy, early enough to help.
    pub const LOW_ENTER: Percent = Percent::clamped(15);
    /// Far enough from [`Self::LOW_ENTER`] that a reading that jitters does not change the mode each time.
    pub const LOW_LEAVE: Percent = Percent::clamped(20);
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            low_enter: Self::LOW_ENTER,
            low_leave: Self::LOW_LEAVE,
            hints: Hints::default(),
            costs: Costs::default(),
        }
    }
}

/// Something that decides the mode has changed.
///
/// ```
/// use power_governor::{Governor, Heat, Input, Mode};
///
/// let mut governor = Governor::default();
/// governor.speak();
/// let decision = governor.hear(Input::Heat(Heat::Hot));
/// assert_eq!(decision.map(|decision| decision.mode), Some(Mode::Frugal));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Input {
    /// The person set a mode, or took that back.
    Setting(Option<Mode>),
    /// The battery was read.
    Battery {
        /// How full it is.
        charge: Percent,
        /// What feeds the device.
        supply: Supply,
    },
    /// The heat demands something else.
    Heat(Heat),
}

/// Everything that decisions depend on.
///
/// ```
/// use nexus_abi::{IdleLevel, Nanos};
/// use power_governor::{Governor, Input, Locks, Mode};
///
/// let mut governor = Governor::default();
/// assert_eq!(governor.hint(), Nanos(0));
/// governor.speak();
/// assert_eq!(governor.hint(), Nanos::from_millis(20));
/// governor.hear(Input::Setting(Some(Mode::Frugal)));
/// assert_eq!(governor.hint(), Nanos::from_millis(50));
/// assert_eq!(governor.idle(Nanos::from_millis(10), Locks::None).level, IdleLevel::L2);
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Governor {
    rules: Rules,
    setting: Option<Mode>,
    battery: Charge,
    heat: Heat,
    /// The last decision, once there is one.
    spoken: Option<ModeDecision>,
    /// Who needs the machine to wake quickly.
    pub latency: LatencyRequests,
}

/// Whether the battery has been found to be low.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Charge {
    #[default]
    Enough,
    Low,
}

impl Governor {
    /// One that has heard nothing and said nothing.
    pub fn new(rules: Rules) -> Self {
        Self { rules, ..Self::default() }
    }

    /// Begins to speak: what has been heard so far counts from now on. The decision, even if it is the last one again.
    pub fn speak(&mut self) -> ModeDecision {
        let decision = self.decide();
        self.spoken = Some(decision);
        decision
    }

    /// Takes note. The decision, if the governor has spoken and says something else now.
    pub fn hear(&mut self, input: Input) -> Option<ModeDecision> {
        match input {
            Input::Setting(setting) => self.setting = setting,
            Input::Battery { charge, supply } => self.battery = self.judge(charge, supply),
            Input::Heat(heat) => self.heat = heat,
        }
        let last = self.spoken?;
        Some(self.speak()).filter(|decision| *decision != last)
    }

    /// The last decision; nothing before the governor has spoken.
    pub const fn mode(&self) -> Option<ModeDecision> {
        self.spoken
    }

    /// The coalescing hint for `timed`: zero before the governor has spoken.
    pub fn hint(&self) -> Nanos {
        self.spoken.map_or(Nanos(0), |decision| self.rules.hints.of(decision.mode))
    }

    /// The level for a hart that has nothing to run for `expected`; zero means that it has something.
    pub fn idle(&self, expected: Nanos, locks: Locks) -> IdleDecision {
        let costs = &self.rules.costs;
        let (level, because) = if expected == Nanos(0) {
            (IdleLevel::L0, IdleReason::Busy)
        } else if let Some(task) = self.latency.forbids(costs.l1_exit) {
            (IdleLevel::L0, IdleReason::Latency(task))
        } else if let Some(reason) = self.forbids_l2(expected, locks) {
            (IdleLevel::L1, reason)
        } else {
            (IdleLevel::L2, IdleReason::Deepest)
        };
        IdleDecision { level, exit_latency: costs.exit_latency(level), because }
    }

    /// What forbids L2, strongest first.
    fn forbids_l2(&self, expected: Nanos, locks: Locks) -> Option<IdleReason> {
        let costs = &self.rules.costs;
        let Some(ModeDecision { mode, .. }) = self.spoken else { return Some(IdleReason::Silent) };
        let Some(after) = costs.l2_after(mode) else { return Some(IdleReason::Mode(mode)) };
        if locks == Locks::Held {
            return Some(IdleReason::WakeLock);
        }
        let latency = self.latency.forbids(costs.l2_exit).map(IdleReason::Latency);
        latency.or((expected < after).then_some(IdleReason::TooShort))
    }

    /// The rules of the crate's documentation, in their order.
    fn decide(&self) -> ModeDecision {
        let (mode, because) = match (self.heat, self.battery, self.setting) {
            (Heat::Hot, ..) => (Mode::Frugal, ModeReason::Hot),
            (_, Charge::Low, _) => (Mode::Frugal, ModeReason::LowBattery),
            (Heat::Warm, _, Some(Mode::Performance)) => (Mode::Balanced, ModeReason::Warm),
            (_, _, Some(mode)) => (mode, ModeReason::Setting),
            (_, _, None) => (Mode::default(), ModeReason::Default),
        };
        ModeDecision { mode, because }
    }

    fn judge(&self, charge: Percent, supply: Supply) -> Charge {
        let enough = match self.battery {
            _ if supply == Supply::Mains => true,
            Charge::Enough => charge > self.rules.low_enter,
            Charge::Low => charge >= self.rules.low_leave,
        };
        if enough { Charge::Enough } else { Charge::Low }
    }
}
