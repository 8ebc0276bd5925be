//! The harts: what they work on, how deeply they idle, and what that costs.
//!
//! ```text
//!            work ends                     interrupt, or work for it
//!   working ───────────▶ idle at a level ───────────────────────────▶ working, after its exit latency
//!              the governor says which          costs energy by level
//! ```
//!
//! A hart that sleeps towards a deadline it knows leaves its level by the exit latency before it, as hardware does that
//! is told when to wake up; so a timer is never late because of the level. An interrupt nobody knew of pays afterwards.

use nexus_abi::{IdleLevel, Nanos};
use power_governor::IdleDecision;
use power_residency::Idle;

use crate::battery::Energy;
use crate::scenario::Device;

/// One hart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Hart {
    /// It works until then.
    busy_until: Nanos,
    /// Where it last idled.
    level: IdleLevel,
    /// Time by level.
    spent: [Nanos; IdleLevel::ALL.len()],
}

/// All harts. The first takes interrupts and runs timed; the others wake up when there is work for them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Harts {
    harts: Vec<Hart>,
    costs: Device,
    /// Since what moment everything is accounted for.
    at: Nanos,
    /// What has been used and not been taken.
    used: Energy,
}

/// What comes next, as far as the device knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ahead {
    /// The deadline that timed has set.
    pub deadline: Nanos,
}

impl Harts {
    /// All idle.
    pub fn new(costs: Device, at: Nanos) -> Self {
        let hart = Hart { busy_until: at, level: IdleLevel::L1, spent: Default::default() };
        Self { harts: vec![hart; costs.harts.0], costs, at, used: Energy::default() }
    }

    /// Time passes up to `to`. `decide` is the governor: how deeply to idle, given what is expected.
    pub fn pass(&mut self, to: Nanos, ahead: Ahead, decide: impl Fn(Nanos) -> IdleDecision) {
        let from = self.at;
        for (place, hart) in self.harts.iter_mut().enumerate() {
            let idle_from = hart.busy_until.clamp(from, to);
            hart.spend(IdleLevel::L0, idle_from.since(from), &self.costs, &mut self.used);
            let idle = to.since(idle_from);
            if idle == Nanos(0) {
                continue;
            }
            let deadline = if place == 0 { ahead.deadline } else { Nanos::NEVER };
            let decision = decide(deadline.since(idle_from));
            hart.level = decision.level;
            let leaves_early = if deadline == to { decision.exit_latency.min(idle) } else { Nanos(0) };
            hart.spend(decision.level, idle.since(leaves_early), &self.costs, &mut self.used);
            hart.spend(IdleLevel::L0, leaves_early, &self.costs, &mut self.used);
        }
        self.at = to;
    }

    /// Work for a hart that is free, else for the one that is free soonest. When it is done.
    pub fn work(&mut self, span: Nanos, exit: impl Fn(IdleLevel) -> Nanos) -> Nanos {
        let soonest = self.harts.iter().map(|hart| hart.busy_until.max(self.at)).enumerate();
        let place = soonest.min_by_key(|(place, free)| (*free, *place)).map_or(0, |(place, _)| place);
        let before = if place == 0 { Nanos(0) } else { self.rouse(place, &exit) };
        let hart = &mut self.harts[place];
        hart.busy_until = hart.busy_until.max(self.at).after(before).after(span);
        hart.busy_until
    }

    /// The first hart handles an interrupt for `span`. True when it was idle: this is a wake-up.
    pub fn interrupt(&mut self, span: Nanos, known: bool, exit: impl Fn(IdleLevel) -> Nanos) -> bool {
        let is_wakeup = self.is_idle();
        let latency = self.rouse(0, &exit);
        let before = if known { Nanos(0) } else { latency };
        let hart = &mut self.harts[0];
        hart.busy_until = hart.busy_until.max(self.at).after(before).after(span);
        is_wakeup
    }

    /// True when the first hart has nothing to do.
    pub fn is_idle(&self) -> bool {
        self.harts[0].busy_until <= self.at
    }

    /// Everything stops.
    pub fn stop(&mut self) {
        for hart in &mut self.harts {
            hart.busy_until = hart.busy_until.min(self.at);
        }
    }

    /// Time passes up to `to` while the device is off.
    pub fn skip(&mut self, to: Nanos) {
        self.at = to;
    }

    /// The level at which the first hart idled last.
    pub fn level(&self) -> IdleLevel {
        self.harts[0].level
    }

    /// The deepest level any hart idled at in the last stretch.
    pub fn deepest(&self) -> IdleLevel {
        let idle = self.harts.iter().filter(|hart| hart.busy_until < self.at);
        idle.map(|hart| hart.level).max().unwrap_or(IdleLevel::L0)
    }

    /// What has been used since this was asked last.
    pub fn take_used(&mut self) -> Energy {
        std::mem::take(&mut self.used)
    }

    /// Time by level, of each hart.
    pub fn spent(&self) -> impl Iterator<Item = [Nanos; IdleLevel::ALL.len()]> {
        self.harts.iter().map(|hart| hart.spent)
    }

    /// The counters that residency is reckoned from.
    pub fn counters(&self) -> Vec<Idle> {
        self.spent().map(|[_, l1, l2]| Idle { l1, l2 }).collect()
    }

    /// A hart leaves its level: what that takes, zero if it works.
    fn rouse(&mut self, place: usize, exit: &impl Fn(IdleLevel) -> Nanos) -> Nanos {
        let hart = &self.harts[place];
        if hart.busy_until > self.at {
            return Nanos(0);
        }
        self.used += Energy::units(match hart.level {
            IdleLevel::L0 => 0,
            IdleLevel::L1 => self.costs.leave_l1.into(),
            IdleLevel::L2 => self.costs.leave_l2.into(),
        });
        exit(hart.level)
    }
}

impl Hart {
    fn spend(&mut self, level: IdleLevel, span: Nanos, costs: &Device, used: &mut Energy) {
        let power = [costs.l0, costs.l1, costs.l2][level as usize];
        let spent = &mut self.spent[level as usize];
        *spent = spent.after(span);
        *used += Energy::spent(power.into(), span);
    }
}
