//! Classes, shares, hints and places: asked of policyd, set in the kernel, said in the log.
//!
//! ```text
//!   recipe or spawner ─▶ Plan ─▶ granted: policyd agrees, or the default ─▶ schedule: kernel, then marker
//!   client's Change ───▶ reschedule: policyd agrees, or it is refused ────▶ kernel, then answer
//! ```
//!
//! What a recipe asks for and policyd denies is left at its default, and the log says so: a service that runs
//! slower than planned is better than one that does not run. What a client asks for and policyd denies is refused:
//! it is there to hear it. Either way policyd has it in its audit.
//!
//! policyd itself is started like any program and asked about itself afterwards. While it does not run, nothing is
//! allowed that needs its leave.

use nexus_abi::{AffinityPolicy, BurstHint, Error, HartMask, LatencyHint, QosClass, Shares, TaskId};
use nexus_proof::Marker;
use nexus_service::Caller;
use nexus_wire::execd::{Answer, Change, Image, Refusal};
use nexus_wire::policyd::{Action, Decision, May};
use nexus_wire::recipe::{Placement, Qos, Service};

use crate::plan::Plan;
use crate::{Execd, JUDGE, Machine};

/// What follows when a spawner's wish is denied.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Denied {
    /// The spawner hears it.
    Refuses,
    /// Nobody is there to hear it: the default it is.
    FallsBack,
}

impl<M: Machine> Execd<M> {
    /// What policyd grants of a plan.
    pub(crate) fn granted(&mut self, plan: &Plan, denied: Denied) -> Result<Qos, Refusal> {
        let mut qos = plan.qos;
        for action in plan.qos.actions() {
            let allowed = self.may(plan.subject(action), action, &plan.image);
            let recipe = self.recipe.find(&plan.image);
            let written = action != Action::QosPerfBurst || recipe.is_some_and(asks_for_burst);
            let Err(refusal) = allowed.and(if written { Ok(()) } else { Err(Refusal::NoRecipe) }) else {
                continue;
            };
            let wished = plan.class_for.is_some() && action != Action::SharesAbove500;
            if wished && denied == Denied::Refuses {
                return Err(refusal);
            }
            match action {
                Action::SharesAbove500 => qos.shares = Shares::DEFAULT,
                _ => qos.class = QosClass::Normal,
            }
            self.machine.log(format_args!(
                "[execd] {} goes without {}: {refusal}",
                plan.image,
                action.name()
            ));
        }
        Ok(qos)
    }

    /// Schedules a new task. Markers tell what the kernel has accepted of a recipe, and nothing else.
    pub(crate) fn schedule(&mut self, task: TaskId, plan: &Plan, qos: Qos) {
        let svc = plan.image.as_str();
        if let Some(place) = plan.affinity {
            match self.machine.set_affinity(task, place) {
                Ok(mask) => {
                    let marker = Marker::AffinitySet { svc, mask, policy: place.policy };
                    self.machine.log(format_args!("{marker}"));
                }
                Err(_) if self.machine.image_of(task).is_none() => return,
                Err(error) => self.machine.log(format_args!("[execd] {svc} runs anywhere: {error}")),
            }
        }
        match self.set(task, qos) {
            Ok(Qos { class, shares, latency, burst }) => {
                if self.recipe.find(svc).is_some_and(|entry| entry.qos.is_some()) {
                    let marker = Marker::QosSet { svc, class, shares, latency, burst };
                    self.machine.log(format_args!("{marker}"));
                }
            }
            // It has ended already, which is reported when the kernel says so.
            Err(_) if self.machine.image_of(task).is_none() => {}
            Err(error) => self.machine.log(format_args!("[execd] {svc} runs as it is: {error}")),
        }
    }

    /// Sets what a new task does not have already; answers what the kernel stored.
    fn set(&mut self, task: TaskId, wanted: Qos) -> Result<Qos, Error> {
        let mut stored = Qos::default();
        if wanted.class != stored.class {
            self.machine.set_class(task, wanted.class)?;
            stored.class = wanted.class;
        }
        if wanted.shares != stored.shares {
            stored.shares = self.machine.set_shares(task, wanted.shares)?;
        }
        if wanted.latency != stored.latency {
            stored.latency = self.machine.set_latency(task, wanted.latency)?;
        }
        if wanted.burst != stored.burst {
            stored.burst = self.machine.set_burst(task, wanted.burst)?;
        }
        Ok(stored)
    }

    /// A client wants a task scheduled differently. Decoded and decided first; then the kernel has the last word.
    pub(crate) fn reschedule(&mut self, caller: Caller, task: u64, change: Change) -> Answer {
        let decided = Wish::decode(change).and_then(|wish| {
            let target = if task == TaskId::NONE.to_wire() { caller.task } else { TaskId::from_wire(task) };
            self.allow(caller, target, &wish).map(|()| (target, wish))
        });
        let stored = decided.and_then(|(target, wish)| self.fulfil(target, wish).map_err(Refusal::from));
        stored.map_or_else(Answer::Refused, |stored| Answer::Scheduled { stored })
    }

    /// Whether policyd lets `caller` do this to `target`. It is asked before anybody hears whether there is such a
    /// task, so the attempt is in its audit, and guessing at ids tells nothing to those who may not touch others.
    fn allow(&mut self, caller: Caller, target: TaskId, wish: &Wish) -> Result<(), Refusal> {
        let subject = self.name_of(caller);
        let (touch, found) = if target == caller.task {
            (Action::SchedSelf, Some(subject.clone()))
        } else {
            (Action::SchedOthers, self.machine.image_of(target))
        };
        self.may(&subject, touch, found.as_ref().unwrap_or(&NOBODY))?;
        let object = found.ok_or(Refusal::NoSuchTask)?;
        for action in wish.as_qos().actions() {
            self.may(&subject, action, &object)?;
        }
        if wish.as_qos().class == QosClass::PerfBurst && !self.recipe_asks_for_burst(target) {
            return Err(Refusal::NoRecipe);
        }
        Ok(())
    }

    /// Only of what execd itself has started: a name alone proves nothing.
    fn recipe_asks_for_burst(&mut self, target: TaskId) -> bool {
        let slot = self.jobs.slot_of_task(target.to_wire());
        let job = slot.and_then(|slot| self.jobs.get_mut(slot));
        job.and_then(|job| self.recipe.find(&job.plan.image)).is_some_and(asks_for_burst)
    }

    fn fulfil(&mut self, task: TaskId, wish: Wish) -> Result<u64, Error> {
        Ok(match wish {
            Wish::Class(class) => self.machine.set_class(task, class).map(|()| class.to_wire())?,
            Wish::Affinity(place) => self.machine.set_affinity(task, place)?.0,
            Wish::Shares(shares) => self.machine.set_shares(task, shares)?.get().into(),
            Wish::Latency(latency) => self.machine.set_latency(task, latency)?.as_ms().into(),
            Wish::Burst(burst) => self.machine.set_burst(task, burst)?.as_ms().into(),
        })
    }

    /// Asks policyd. Without an answer nothing is allowed.
    pub(crate) fn may(&mut self, subject: &Image, action: Action, object: &Image) -> Result<(), Refusal> {
        if !self.jobs.runs(JUDGE) {
            return Err(Refusal::NoPolicy);
        }
        let question = May { subject: subject.clone(), action, object: object.clone() };
        match self.machine.decide(&question) {
            Some(Decision::Allow(_)) => Ok(()),
            Some(Decision::Deny(denial)) => Err(Refusal::Denied(denial)),
            None => Err(Refusal::NoPolicy),
        }
    }
}

/// What policyd is asked about a task that does not exist: no program is called that, so only a rule about all
/// objects allows it.
const NOBODY: Image = Image::new();

fn asks_for_burst(entry: &Service) -> bool {
    entry.qos.is_some_and(|qos| qos.class == QosClass::PerfBurst)
}

/// A change, as far as it makes sense.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Wish {
    Class(QosClass),
    Affinity(Placement),
    Shares(Shares),
    Latency(LatencyHint),
    Burst(BurstHint),
}

impl Wish {
    /// A class or policy out of range and zero shares are refused; other numbers clamp.
    fn decode(change: Change) -> Result<Self, Refusal> {
        let wish = match change {
            Change::Class(class) => QosClass::from_wire(class).map(Self::Class),
            Change::Affinity { harts, policy } => AffinityPolicy::from_wire(policy)
                .filter(|_| harts != 0)
                .map(|policy| Self::Affinity(Placement { harts: HartMask(harts), policy })),
            Change::Shares(shares) => Shares::clamped(shares).ok().map(Self::Shares),
            Change::LatencyMs(ms) => Some(Self::Latency(LatencyHint::clamped_ms(ms))),
            Change::BurstMs(ms) => Some(Self::Burst(BurstHint::clamped_ms(ms))),
        };
        wish.ok_or(Refusal::Invalid)
    }

    /// What of it needs policyd's leave stands where recipes have it.
    fn as_qos(&self) -> Qos {
        match *self {
            Self::Class(class) => Qos { class, ..Qos::default() },
            Self::Shares(shares) => Qos { shares, ..Qos::default() },
            Self::Affinity(_) | Self::Latency(_) | Self::Burst(_) => Qos::default(),
        }
    }
}
