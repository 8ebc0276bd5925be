//! A hostile program tries to be scheduled better, and to have others scheduled worse: everything is refused,
//! everything is in an audit, nothing has changed.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use nexus_abi::info::TaskInfo;
use nexus_abi::user;
use nexus_abi::{QosClass, ServiceId, TaskId};
use nexus_rt::startup::SYSTEM;
use nexus_wire::execd::{Answer, Change, Image, Reason, Refusal, Restart, Spawn};
use nexus_wire::policyd::{Action, Decision, Denial, May, Question, Record};
use selftest_client::Op;
use selftest_client::intrusion::{
    CLAIM, GONE, INVALID, OTHER_TASKS, RACE, ROLE, SELF_RAISES, SERVICE, VICTIM,
};

use crate::check::{Because, Verdict, Why, same};
use crate::journal::Journal;
use crate::partner::{Partner, rest};
use crate::services::{audit, audit_end, ended, schedule, start};

const PROGRAM: &str = "intruder";
const RACES: usize = 8;

pub fn run() -> Verdict {
    claims()?;
    races()
}

/// What it claims: a task's class, its own and others', by their ids and by forged ones, in its name and in others'.
fn claims() -> Verdict {
    let victim = Partner::spawn()?;
    let gone = Partner::spawn()?;
    let gone_id = gone.id();
    gone.end()?;
    let service = task_named("execd")?;
    let before = fields(&victim)?;
    let (mut journal, from) = (Journal::end()?, audit_end()?);
    let args = format!(
        "{ROLE}={CLAIM} {VICTIM}={} {GONE}={} {SERVICE}={}",
        victim.id().to_wire(),
        gone_id.to_wire(),
        service.id
    );
    let intruder = intrude(&args)?;
    same("the victim afterwards", fields(&victim)?, before)?;
    let after = task_named("execd")?;
    same("the service's class afterwards", (after.id, after.class), (service.id, service.class))?;
    victim.end()?;
    in_the_kernels_audit(&journal.read()?, intruder)?;
    same("what policyd has heard", asked(from)?, expected_questions(intruder)?)
}

/// Runs the intruder to its end: its task.
fn intrude(args: &str) -> Result<TaskId, Why> {
    let spawn = Spawn::new(PROGRAM, args).ok_or("too long for execd")?.restarting(Restart::Never);
    let (job, task) = start(spawn, None)?;
    same("how the intruder ended", ended(job)?.reason, Reason::Exited(0))?;
    Ok(task)
}

/// Class, and everything that `sched_set` sets, as the task itself reads it.
fn fields(peer: &Partner) -> Result<Vec<(u64, u64)>, Why> {
    let class = peer.ask(Op::Qos, &[0, 0, 0]);
    core::iter::once(class).chain((0..4).map(|field| peer.ask(Op::Sched, &[field]))).collect()
}

fn task_named(name: &str) -> Result<TaskInfo, Why> {
    let mut slot = 0;
    loop {
        let task = user::task_info_from(SYSTEM, slot).because("looking for a service")?;
        if task.name() == name {
            return Ok(task);
        }
        slot = TaskId::from_wire(task.id).index() + 1;
    }
}

/// One line for each attempt, and none that says it was allowed.
fn in_the_kernels_audit(log: &str, intruder: TaskId) -> Verdict {
    let who = format!(" caller=app pid={} ", intruder.index());
    let lines: Vec<&str> = log.lines().filter(|line| line.contains(&who)).collect();
    for (reason, times) in
        [("self_raise", SELF_RAISES), ("other_task", OTHER_TASKS), ("invalid_args", INVALID)]
    {
        let said = format!("-AUDIT decision=deny reason={reason}{who}");
        same(reason, lines.iter().filter(|line| line.contains(&said)).count(), times)?;
    }
    // And execd's two, about starting and ending programs.
    let control = "decision=deny reason=not_privileged caller=intruder pid=";
    same("control of programs", log.lines().filter(|line| line.contains(control)).count(), 2)?;
    same("all lines about it", lines.len(), SELF_RAISES + OTHER_TASKS + INVALID)
}

/// What policyd was asked since record `from`, and answered; numbers and moments left out.
fn asked(from: u32) -> Result<Vec<Record>, Why> {
    Ok(audit(from)?.into_iter().map(|record| Record { number: 0, at_ns: 0, ..record }).collect())
}

/// What execd asked on its behalf, and what it asked itself.
fn expected_questions(intruder: TaskId) -> Result<Vec<Record>, Why> {
    let name = |text: &str| Image::try_from(text).map_err(|_| String::from("a name too long"));
    let record = |service: ServiceId, asker, question, denial, times| Record {
        number: 0,
        at_ns: 0,
        times,
        asker,
        service: service.0,
        question,
        decision: Decision::Deny(denial),
    };
    let execd = task_named("execd")?.id;
    let mut expected = Vec::new();
    for (action, object, times) in [
        (Action::SchedSelf, PROGRAM, 3),
        (Action::SchedOthers, "peer", 1),
        (Action::SchedOthers, "", 1),
        (Action::SchedOthers, "execd", 1),
    ] {
        let question = Question::May(May { subject: name(PROGRAM)?, action, object: name(object)? });
        expected.push(record(ServiceId::EXECD, execd, question, Denial::NoRuleForSubject, times));
    }
    let own = |question| record(ServiceId::APP, intruder.to_wire(), question, Denial::NotPrivileged, 1);
    for subject in ["execd", "shell", "peer"] {
        let object = name(PROGRAM)?;
        let may = May { subject: name(subject)?, action: Action::QosPerfBurst, object };
        expected.push(own(Question::May(may)));
    }
    expected.push(own(Question::ReadAudit));
    Ok(expected)
}

/// A victim that dies while its class is being set: by the intruder, who may not, and by execd, who may.
fn races() -> Verdict {
    for round in 0..RACES {
        let victim = Partner::spawn()?;
        let id = victim.id();
        let args = format!("{ROLE}={RACE} {VICTIM}={}", id.to_wire());
        let spawn = Spawn::new(PROGRAM, &args).ok_or("too long for execd")?.restarting(Restart::Never);
        let (job, _) = start(spawn, None)?;
        // Each time it dies a little later.
        rest(200 + 37 * round as u64);
        user::task_kill(victim.task()).because("killing the victim")?;
        let late = schedule(id, Change::Class(QosClass::Interactive.to_wire()))?;
        match late {
            // On another hart it lives until that has been interrupted.
            Answer::Scheduled { .. } | Answer::Refused(Refusal::NoSuchTask | Refusal::Invalid) => {}
            other => return Err(format!("the class of a task that was killed: {other:?}")),
        }
        victim.ended()?;
        victim.bury()?;
        same("how the intruder ended", ended(job)?.reason, Reason::Exited(0))?;
        // Whoever is born in the same place has nothing of it.
        let next = Partner::spawn()?;
        same("a new task's fields", fields(&next)?, DEFAULTS.into())?;
        next.end()?;
    }
    Ok(())
}

/// Class, affinity with its policy, shares, hints.
const DEFAULTS: [(u64, u64); 5] = [(1, 0), (u64::MAX, 2), (100, 0), (0, 0), (0, 0)];
