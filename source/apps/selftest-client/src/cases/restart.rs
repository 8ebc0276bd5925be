//! execd starts programs, says how they ended, and starts crashing ones again, later each time.

use alloc::format;

use nexus_abi::Nanos;
use nexus_abi::user;
use nexus_wire::execd::{Answer, Next, Reason, Refusal, Request, Restart, Spawn};

use crate::check::{Verdict, Why, holds, same};
use crate::partner::{PATIENCE, patience, rest};
use crate::services::{self, execd};

/// Rests before the first and the second restart.
const RESTS_MS: [u64; 2] = [500, 1_000];
/// Exit code of a peer that is told to crash.
const CRASHED: i32 = 9;

pub fn run() -> Verdict {
    once()?;
    refusals()?;
    again()
}

fn spawn(image: &str, args: &str, restart: Restart) -> Result<u32, Why> {
    let spawn = Spawn::new(image, args).ok_or("too long for execd")?.restarting(restart);
    services::start(spawn, None).map(|(job, _)| job)
}

/// A program that ends well stays ended, and whoever waits is told.
fn once() -> Verdict {
    let job = spawn("tiny", "", Restart::OnFailure)?;
    let ended = services::ended(job)?;
    same("how it ended", (ended.reason, ended.next), (Reason::Exited(0), Next::Nothing))
}

fn refusals() -> Verdict {
    let none = Spawn::new("none", "").ok_or("too long for execd")?;
    same(
        "a program that is not there",
        execd(&Request::Spawn(none))?,
        Answer::Refused(Refusal::NoSuchImage),
    )?;
    same("a task of nobody", execd(&Request::Kill { task: 99 })?, Answer::Refused(Refusal::NoSuchJob))
}

/// Each crash is followed by a rest and another start; a kill ends that for good.
fn again() -> Verdict {
    let job = spawn("peer", "crash", Restart::OnFailure)?;
    let end = patience();
    let mut endings = history(job)?;
    while endings.len() < RESTS_MS.len() + 1 {
        holds("the crashes come in time", user::clock_now() < end)?;
        // POLL: execd tells of a job's end, not of a restart.
        rest(20_000);
        endings = history(job)?;
    }
    for (reason, _) in &endings {
        same("how it ended", *reason, Reason::Exited(CRASHED))?;
    }
    // Latest first.
    for (pair, rest_ms) in endings.windows(2).rev().zip(RESTS_MS) {
        let between = pair[0].1.since(pair[1].1);
        holds("the rest before a restart is not short", between >= Nanos::from_millis(rest_ms))?;
        holds("and not endless", between < PATIENCE)?;
    }
    let Answer::Jobs(jobs) = execd(&Request::List { from: job })? else {
        return Err("no list of jobs".into());
    };
    holds("the job rests", jobs.iter().any(|listed| listed.job == job && listed.task == 0))?;
    let task = last_task(job)?;
    same("killing a job that rests", execd(&Request::Kill { task })?, Answer::Killed)?;
    same("what follows", services::ended(job)?.next, Next::Nothing)
}

fn entries(job: u32) -> Result<alloc::vec::Vec<nexus_wire::execd::Ended>, Why> {
    match execd(&Request::History { skip: 0 })? {
        Answer::History(history) => Ok(history.into_iter().filter(|ended| ended.job == job).collect()),
        other => Err(format!("no history: {other:?}")),
    }
}

fn history(job: u32) -> Result<alloc::vec::Vec<(Reason, Nanos)>, Why> {
    Ok(entries(job)?.into_iter().map(|ended| (ended.reason, Nanos(ended.at_ns))).collect())
}

fn last_task(job: u32) -> Result<u64, Why> {
    Ok(entries(job)?.first().ok_or("no ending")?.task)
}
