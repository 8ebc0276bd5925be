//! The test's side of execd, policyd and timed.

use alloc::format;
use alloc::vec::Vec;

use nexus_abi::{Handle, Nanos, TaskId};
use nexus_rt::startup::{EXECD, POLICYD, TIMED};
use nexus_service::os::ask;
use nexus_wire::execd::{Answer, Change, Ended, Execd, Request, Spawn};
use nexus_wire::policyd::{self, PAGE, Policyd, Record};
use nexus_wire::timed::{self, Govern, Listed, Refusal, Tier, Timed, Timer};

use crate::check::{Verdict, Why, same};
use crate::partner::patience;

/// Pages of the audit that are read before it is taken to have no end.
const PAGES_MAX: usize = 64;

/// Asks execd.
pub fn execd(request: &Request) -> Result<Answer, Why> {
    execd_with(request, None)
}

/// Asks execd and sends a handle along.
pub fn execd_with(request: &Request, attached: Option<Handle>) -> Result<Answer, Why> {
    ask::<Execd>(EXECD, request, attached, patience()).map_err(|error| format!("asking execd: {error}"))
}

/// Has execd start a program: its job and its task.
pub fn start(spawn: Spawn, attached: Option<Handle>) -> Result<(u32, TaskId), Why> {
    match execd_with(&Request::Spawn(spawn), attached)? {
        Answer::Spawned { job, task } => Ok((job, TaskId::from_wire(task))),
        other => Err(format!("execd started nothing: {other:?}")),
    }
}

/// Waits until a job has ended for good.
pub fn ended(job: u32) -> Result<Ended, Why> {
    match execd(&Request::Wait { job })? {
        Answer::Ended(ended) => Ok(ended),
        other => Err(format!("waiting for a program: {other:?}")),
    }
}

/// Asks execd to schedule a task differently.
pub fn schedule(task: TaskId, change: Change) -> Result<Answer, Why> {
    execd(&Request::Schedule { task: task.to_wire(), change })
}

/// The same, and it does, with this value stored.
pub fn scheduled(task: TaskId, change: Change, stored: u64) -> Verdict {
    same("what execd has stored", schedule(task, change)?, Answer::Scheduled { stored })
}

/// Asks policyd.
pub fn policyd(request: &policyd::Request) -> Result<policyd::Answer, Why> {
    ask::<Policyd>(POLICYD, request, None, patience()).map_err(|error| format!("asking policyd: {error}"))
}

/// Asks timed.
pub fn timed(request: &timed::Request) -> Result<timed::Answer, Why> {
    ask::<Timed>(TIMED, request, None, patience()).map_err(|error| format!("asking timed: {error}"))
}

/// Has timed set a timer: its id.
pub fn set_timer(due: Nanos) -> Result<Result<u64, Refusal>, Why> {
    let timer = Timer { due_ns: due.0, period_ns: None, late_by_ns: 0, tier: Tier::Ordinary };
    match timed(&timed::Request::Set(timer))? {
        timed::Answer::Set { id, .. } => Ok(Ok(id)),
        timed::Answer::Refused(refusal) => Ok(Err(refusal)),
        other => Err(format!("setting a timer: {other:?}")),
    }
}

/// The live timers of one task.
pub fn timers_of(task: TaskId) -> Result<Vec<Listed>, Why> {
    let (mut listed, mut from) = (Vec::new(), 0);
    loop {
        let page = match timed(&timed::Request::Govern(Govern::List { from }))? {
            timed::Answer::Timers(page) => page,
            other => return Err(format!("no list of timers: {other:?}")),
        };
        listed.extend(page.iter().filter(|timer| timer.task == task.to_wire()).copied());
        match page.last() {
            Some(last) if page.len() == timed::PAGE => from = last.place + 1,
            _ => return Ok(listed),
        }
    }
}

/// policyd's audit from record `from` on.
pub fn audit(mut from: u32) -> Result<Vec<Record>, Why> {
    let mut records: Vec<Record> = Vec::new();
    for _ in 0..PAGES_MAX {
        let page = match policyd(&policyd::Request::Audit { from })? {
            policyd::Answer::Audit(page) => page,
            other => return Err(format!("no audit: {other:?}")),
        };
        let last = page.len() < PAGE;
        records.extend(page);
        if last {
            break;
        }
        from = next_after(&records);
    }
    Ok(records)
}

/// The number of the next record that policyd makes.
pub fn audit_end() -> Result<u32, Why> {
    audit(0).map(|records| next_after(&records))
}

fn next_after(records: &[Record]) -> u32 {
    records.last().map_or(0, |record| record.number.wrapping_add(1))
}
