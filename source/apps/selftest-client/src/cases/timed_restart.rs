//! timed is killed and started again: who sleeps sleeps on, timers that are still wanted fire, and none fires twice.

use alloc::format;
use alloc::vec::Vec;
use core::time::Duration;

use nexus_abi::user;
use nexus_abi::{Handle, Nanos, TaskId};
use nexus_proof::Service;
use nexus_rt::startup::TIMED;
use nexus_time::os::Os;
use nexus_time::{Clock, Expired, Instant, Key, Plan, TimerSet};
use nexus_wire::execd::{Answer, Reason, Request, Spawn};
use selftest_client::Op;

use super::time_is_virtual;
use crate::check::{Because, Verdict, Why, holds, same};
use crate::partner::{Partner, patience};
use crate::services::{self, execd};

const PERIOD: Duration = Duration::from_millis(400);

/// What is heard of the timers, from the beginning on.
struct Listener {
    set: TimerSet<Os>,
    bell: Handle,
    heard: Vec<Expired>,
}

impl Listener {
    fn new() -> Result<Self, Why> {
        let bell = user::notification_create().because("notification")?;
        let set = TimerSet::told_by(Os::new(TIMED).with_bell(bell), 1).because("listening")?;
        Ok(Self { set, bell, heard: Vec::new() })
    }

    fn set(&mut self, plan: Plan) -> Result<Key, Why> {
        self.set.set(plan).because("setting a timer")
    }

    fn look(&mut self) -> Verdict {
        let heard = &mut self.heard;
        self.set.fired(|expired| heard.push(expired)).because("asking what has fired")
    }

    /// Waits for bits until a timer has fired.
    fn hear(&mut self, key: Key) -> Verdict {
        while !self.heard.iter().any(|expired| expired.key == key) {
            user::wait(self.bell, patience()).because("waiting for a timer")?;
            self.look()?;
        }
        Ok(())
    }

    fn keys(&self) -> Vec<Key> {
        self.heard.iter().map(|expired| expired.key).collect()
    }
}

pub fn run() -> Verdict {
    let os = Os::new(TIMED);
    let mut listener = Listener::new()?;
    // A full millisecond, which a coarse clock shows as it is.
    let now = os.now().nanos().0;
    let begin = Instant::from(Nanos(now - now % Nanos::from_millis(1).0));
    let ms = |ms| begin + Duration::from_millis(ms);
    let early = listener.set(Plan::at(ms(5)))?;
    let overdue = listener.set(Plan::at(ms(30)))?;
    let ahead = listener.set(Plan::at(ms(1_000)))?;
    let again = listener.set(Plan::at(ms(20)).every(PERIOD))?;
    let sleeper = Partner::with_timed()?;
    sleeper.ask(Op::Doze, &[ms(900).nanos().0])?;

    listener.hear(early)?;
    if time_is_virtual() {
        same("what was heard of before the crash", listener.keys(), [early].into())?;
    }
    let before = timed_task()?;
    restart()?;
    holds("it is another task", timed_task()? != before)?;
    os.sleep_until(ms(40));
    // Asking is what tells the new one; what is overdue fires at once.
    listener.look()?;
    holds("what was overdue has fired", listener.keys().contains(&overdue))?;
    listener.hear(ahead)?;
    let (woke, _) = sleeper.last()?.because("a sleeper")?;
    holds("who slept through it wakes, and not early", woke >= ms(900).nanos().0)?;

    for key in [early, overdue, ahead] {
        let times = listener.heard.iter().filter(|expired| expired.key == key).count();
        same("how often a timer has fired", times, 1)?;
    }
    let mut due = ms(20);
    for expired in listener.heard.iter().filter(|expired| expired.key == again) {
        same("when a period was due", expired.due, due)?;
        due += PERIOD * expired.times as u32;
    }
    holds("a period has gone on", due >= ms(900))?;
    holds("it is live until it is cancelled", listener.set.cancel(again).because("cancelling")?)?;
    same("timers left", services::timers_of(user::task_self())?.len(), 0)?;
    sleeper.end()?;
    user::handle_close(listener.bell).because("closing")
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
