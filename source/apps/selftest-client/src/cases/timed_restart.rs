//! timed is killed and started again: who sleeps sleeps on, timers that are still wanted fire, and none fires twice.

use alloc::format;
use alloc::vec::Vec;
use core::time::Duration;

use nexus_abi::user;
use nexus_abi::{Nanos, TaskId};
use nexus_proof::Service;
use nexus_rt::startup::TIMED;
use nexus_time::os::Os;
use nexus_time::{Clock, Expired, Instant, Key, Plan, TimerSet};
use nexus_wire::execd::{Answer, Reason, Request, Spawn};
use selftest_client::Op;

use crate::check::{Because, Verdict, Why, holds, same};
use crate::partner::{Partner, patience};
use crate::services::{self, execd};

type Set = TimerSet<Os>;

pub fn run() -> Verdict {
    let os = Os::new(TIMED);
    let bell = user::notification_create().because("notification")?;
    let mut set = TimerSet::told_by(os.with_bell(bell), 1).because("listening")?;
    // A full millisecond, which a coarse clock shows as it is.
    let now = os.now().nanos().0;
    let begin = Instant::from(Nanos(now - now % Nanos::from_millis(1).0));
    let ms = |ms| begin + Duration::from_millis(ms);
    let mut plan = |plan| set.set(plan).because("setting a timer");
    let heard = plan(Plan::at(ms(5)))?;
    let overdue = plan(Plan::at(ms(30)))?;
    let ahead = plan(Plan::at(ms(1_000)))?;
    let again = plan(Plan::at(ms(20)).every(Duration::from_millis(500)))?;
    let sleeper = Partner::with_timed()?;
    sleeper.ask(Op::Doze, &[ms(900).nanos().0])?;

    // The next one is heard of only after the crash.
    os.sleep_until(ms(10));
    same("before the crash", keys(&mut set)?, [heard].into())?;
    let before = timed_task()?;
    restart()?;
    holds("it is another task", timed_task()? != before)?;
    let first = first_of(&mut set, bell)?;
    let counted = first.iter().filter(|expired| expired.key == overdue).count();
    same("what was overdue fires at once, and once", counted, 1)?;
    holds("what was heard of is not heard of again", first.iter().all(|expired| expired.key != heard))?;
    let (woke, _) = sleeper.last()?.because("a sleeper")?;
    holds("who slept through it wakes, and not early", woke >= ms(900).nanos().0)?;

    os.sleep_until(ms(1_100));
    let rest = keys(&mut set)?;
    same("the one ahead", rest.iter().filter(|key| **key == ahead).count(), 1)?;
    holds("a period goes on", rest.contains(&again) || first.iter().any(|expired| expired.key == again))?;
    holds("nothing else", rest.iter().all(|key| [ahead, again].contains(key)))?;
    holds("a period is live until it is cancelled", set.cancel(again).because("cancelling")?)?;
    same("timers left", services::timers_of(user::task_self())?.len(), 0)?;
    sleeper.end()?;
    user::handle_close(bell).because("closing")
}

fn keys(set: &mut Set) -> Result<Vec<Key>, Why> {
    Ok(fired(set)?.iter().map(|expired| expired.key).collect())
}

fn fired(set: &mut Set) -> Result<Vec<Expired>, Why> {
    let mut all = Vec::new();
    set.fired(|expired| all.push(expired)).because("asking what has fired")?;
    Ok(all)
}

/// What the new timed says of the time before it. It was not told of anything yet; asking is what tells it.
fn first_of(set: &mut Set, bell: nexus_abi::Handle) -> Result<Vec<Expired>, Why> {
    Os::new(TIMED).sleep_until(Nanos(user::clock_now().0 + Nanos::from_millis(30).0).into());
    let mut all = fired(set)?;
    if all.is_empty() {
        user::wait(bell, patience()).because("waiting for what was overdue")?;
        all = fired(set)?;
    }
    Ok(all)
}

fn job() -> Result<(u32, TaskId), Why> {
    let Answer::Jobs(jobs) = execd(&Request::List { from: 0 })? else { return Err("no list of jobs".into()) };
    let timed = jobs.iter().find(|job| job.image == Service::Timed.name()).ok_or("timed does not run")?;
    Ok((timed.job, TaskId::from_wire(timed.task)))
}

fn timed_task() -> Result<TaskId, Why> {
    job().map(|(_, task)| task)
}

/// A kill is the end of a job, so it is started as a person would.
fn restart() -> Verdict {
    let (job, task) = job()?;
    same("killing timed", execd(&Request::Kill { task: task.to_wire() })?, Answer::Killed)?;
    same("how it ended", services::ended(job)?.reason, Reason::Killed)?;
    let spawn = Spawn::new(Service::Timed.name(), "").ok_or("too long for execd")?;
    services::start(spawn, None).map(drop).map_err(|why| format!("timed again: {why}"))
}
