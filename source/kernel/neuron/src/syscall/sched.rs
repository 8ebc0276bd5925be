//! How a task is scheduled: class, affinity, shares, hints.
//!
//! The same split everywhere: a task may ask for less for itself, only execd and policyd (as the kernel stamped
//! them at their spawn) may do anything else. What is asked is decoded and decided before anything changes, and
//! every decision is audited.

use core::fmt;

use nexus_abi::{
    Affinity, AffinityPolicy, BurstHint, Error, HartMask, LatencyHint, QosClass, SchedField, Shares, TaskId,
    call,
};
use sched_policy::LATENCY;

use super::Values;
use crate::cap::Ref;
use crate::sched::Hart;
use crate::smp;
use crate::task::{OwnedTask, Schedule, Task, spawn};
use crate::time;

/// The class of oneself, or setting a task's. Decided before anything changes, and audited.
pub(super) fn task_qos(hart: &mut Hart, task: &mut OwnedTask) -> Values {
    let registers = task.registers();
    match registers.arg(0) {
        call::QOS_GET => return Ok((task.class().to_wire(), 0)),
        call::QOS_SET => {}
        _ => return Err(nonsense(hart, task, "QOS-AUDIT", registers.arg(1))),
    }
    let class = QosClass::from_wire(registers.arg(2)).ok_or(Error::Invalid);
    let decoded = class.and_then(|class| Ok((class, target(hart, task, registers.arg(1))?)));
    let Ok((class, target)) = decoded else {
        return Err(nonsense(hart, task, "QOS-AUDIT", registers.arg(1)));
    };
    let from = target.class();
    let decision = decide(task, &target, class <= from);
    if decision.allowed() {
        target.set_class(class);
        hart.spread_own(&target);
    }
    if let Some(audit) = Audit::of(hart, task, &target, decision) {
        hart.machine.print(format_args!("QOS-AUDIT {audit} from={} to={}", from.name(), class.name()));
    }
    hart.release_task(target);
    decision.result().map(|()| (class.to_wire(), 0))
}

/// The class that a spawner wants for a new task: at most Normal, unless it may start others with more. A refusal is
/// audited; the task that would have been has no id.
pub(super) fn class_of_new(hart: &Hart, spawner: &OwnedTask, wanted: u32) -> Result<QosClass, Error> {
    let Some(class) = QosClass::from_wire(u64::from(wanted)) else {
        return Err(nonsense(hart, spawner, "QOS-AUDIT", 0));
    };
    if class > QosClass::Normal && !spawn::is_privileged(spawner.stamp().service()) {
        let raise = (TaskId::NONE, QosClass::Normal.name(), class.name());
        audit_refusal(hart, spawner, "QOS-AUDIT", "spawn_raise", raise);
        return Err(Error::Denied);
    }
    Ok(class)
}

/// A change of one field, decoded: what is stored may differ from what was asked for.
#[derive(Clone, Copy, Debug)]
enum Change {
    Affinity(Affinity),
    Shares(Shares),
    Latency(LatencyHint),
    Burst(BurstHint),
}

/// The `sched_set` call.
pub(super) fn set(hart: &mut Hart, task: &mut OwnedTask) -> Values {
    let registers = task.registers();
    let field = SchedField::from_wire(registers.arg(1)).ok_or(Error::Invalid);
    let decoded = field.and_then(|field| {
        let change = Change::decode(hart, field, registers.arg(2), registers.arg(3))?;
        Ok((field, change, target(hart, task, registers.arg(0))?))
    });
    let Ok((field, change, target)) = decoded else {
        return Err(nonsense(hart, task, "SCHED-AUDIT", registers.arg(0)));
    };
    let decision = decide(task, &target, change.asks_for_less(target.schedule(), hart.machine.online()));
    let before = read(target.schedule(), field);
    if decision.allowed() {
        change.apply(hart, &target);
    }
    let stored = change.to_wire();
    if let Some(audit) = Audit::of(hart, task, &target, decision) {
        hart.machine.print(format_args!(
            "SCHED-AUDIT {audit} field={} from={:#x} to={:#x}",
            field.name(),
            before.0,
            stored.0
        ));
    }
    hart.release_task(target);
    decision.result().map(|()| stored)
}

/// The `sched_get` call.
pub(super) fn get(hart: &mut Hart, task: &mut OwnedTask) -> Values {
    let registers = task.registers();
    let field = SchedField::from_wire(registers.arg(1)).ok_or(Error::Invalid)?;
    let target = target(hart, task, registers.arg(0))?;
    // Reading asks for nothing, so for oneself it is allowed.
    let decision = decide(task, &target, true);
    let value = read(target.schedule(), field);
    hart.release_task(target);
    decision.result().map(|()| value)
}

/// The task of this id; 0 is the caller.
fn target(hart: &Hart, task: &OwnedTask, id: u64) -> Result<Ref<Task>, Error> {
    let id = TaskId::from_wire(id);
    if id == TaskId::NONE || id == task.id() {
        return Ok(task.share());
    }
    hart.machine.tasks.lock().get(id).ok_or(Error::Invalid)
}

fn read(schedule: &Schedule, field: SchedField) -> (u64, u64) {
    match field {
        SchedField::Affinity => Change::Affinity(schedule.affinity()).to_wire(),
        SchedField::Shares => Change::Shares(schedule.shares()).to_wire(),
        SchedField::LatencyMs => Change::Latency(schedule.latency()).to_wire(),
        SchedField::BurstMs => Change::Burst(schedule.burst()).to_wire(),
    }
}

impl Change {
    fn decode(hart: &Hart, field: SchedField, value: u64, policy: u64) -> Result<Self, Error> {
        Ok(match field {
            SchedField::Affinity => {
                let policy = AffinityPolicy::from_wire(policy).ok_or(Error::Invalid)?;
                let online = value & hart.machine.online();
                if online == 0 {
                    return Err(Error::Invalid);
                }
                let harts = if policy == AffinityPolicy::Any { HartMask::ANY } else { HartMask(online) };
                Self::Affinity(Affinity { harts, policy })
            }
            SchedField::Shares => Self::Shares(Shares::clamped(value)?),
            SchedField::LatencyMs => Self::Latency(LatencyHint::clamped_ms(value)),
            SchedField::BurstMs => Self::Burst(BurstHint::clamped_ms(value)),
        })
    }

    /// True when nobody is worse off for it: fewer harts, fewer shares, a longer wait, shorter slices. No hint
    /// means to wait as long as it takes, and ordinary slices.
    fn asks_for_less(self, now: &Schedule, online: u64) -> bool {
        let patience = |hint: LatencyHint| if hint == LatencyHint::NONE { u16::MAX } else { hint.as_ms() };
        let length = |hint: BurstHint| {
            if hint == BurstHint::NONE { LATENCY.0 } else { u64::from(hint.as_ms()) * 1_000_000 }
        };
        match self {
            Self::Affinity(affinity) => {
                let wanted = match affinity.policy {
                    AffinityPolicy::Pin => affinity.harts.0,
                    AffinityPolicy::Prefer | AffinityPolicy::Any => online,
                };
                wanted & !now.allowed().0 == 0
            }
            Self::Shares(shares) => shares <= now.shares(),
            Self::Latency(latency) => patience(latency) >= patience(now.latency()),
            Self::Burst(burst) => length(burst) <= length(now.burst()),
        }
    }

    fn apply(self, hart: &mut Hart, target: &Task) {
        match self {
            Self::Affinity(affinity) => {
                target.set_affinity(affinity);
                // Wherever it runs, its hart looks at once.
                smp::interrupt(hart.machine, hart.machine.online() & !hart.bit());
            }
            Self::Shares(shares) => target.schedule().set_shares(shares),
            Self::Latency(latency) => target.schedule().set_latency(latency),
            Self::Burst(burst) => target.schedule().set_burst(burst),
        }
        hart.spread_own(target);
    }

    fn to_wire(self) -> (u64, u64) {
        match self {
            Self::Affinity(affinity) => (affinity.harts.0, affinity.policy.to_wire()),
            Self::Shares(shares) => (shares.get().into(), 0),
            Self::Latency(latency) => (latency.as_ms().into(), 0),
            Self::Burst(burst) => (burst.as_ms().into(), 0),
        }
    }
}

/// Whether a change is made, and why.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Decision {
    Privileged,
    SelfLowerOrEqual,
    SelfRaise,
    OtherTask,
}

fn decide(caller: &OwnedTask, target: &Task, asks_for_less: bool) -> Decision {
    match (caller.stamp().service().may_set_qos_of_others(), target.id() == caller.id()) {
        (true, _) => Decision::Privileged,
        (false, false) => Decision::OtherTask,
        (false, true) if asks_for_less => Decision::SelfLowerOrEqual,
        (false, true) => Decision::SelfRaise,
    }
}

impl Decision {
    fn allowed(self) -> bool {
        matches!(self, Self::Privileged | Self::SelfLowerOrEqual)
    }

    fn result(self) -> Result<(), Error> {
        if self.allowed() { Ok(()) } else { Err(Error::Denied) }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::Privileged => "privileged",
            Self::SelfLowerOrEqual => "self_lower_or_equal",
            Self::SelfRaise => "self_raise",
            Self::OtherTask => "other_task",
        }
    }
}

/// Audits a request that cannot be decoded or names no task: whoever guesses at ids is seen guessing.
fn nonsense(hart: &Hart, caller: &OwnedTask, kind: &str, target: u64) -> Error {
    audit_refusal(hart, caller, kind, "invalid_args", (TaskId::from_wire(target), "none", "none"));
    Error::Invalid
}

/// Audits what is refused before there is a target: the one named, and from and to which class.
fn audit_refusal(
    hart: &Hart,
    caller: &OwnedTask,
    kind: &str,
    reason: &str,
    (target, from, to): (TaskId, &str, &str),
) {
    let now = hart.machine.clock.nanos(time::now());
    if hart.machine.audit.take(now) {
        hart.machine.print(format_args!(
            "{kind} decision=deny reason={reason} caller={} pid={} target={} from={from} to={to}",
            caller.stamp().service().name(),
            caller.id().index(),
            target.index(),
        ));
    }
}

/// What every audit line says first.
struct Audit<'a> {
    caller: &'a OwnedTask,
    target: &'a Task,
    decision: Decision,
}

impl<'a> Audit<'a> {
    /// Nothing when this second's lines are used up.
    fn of(hart: &Hart, caller: &'a OwnedTask, target: &'a Task, decision: Decision) -> Option<Self> {
        let now = hart.machine.clock.nanos(time::now());
        hart.machine.audit.take(now).then_some(Self { caller, target, decision })
    }
}

impl fmt::Display for Audit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "decision={} reason={} caller={} pid={} target={}",
            if self.decision.allowed() { "allow" } else { "deny" },
            self.decision.reason(),
            self.caller.stamp().service().name(),
            self.caller.id().index(),
            self.target.id().index(),
        )
    }
}
