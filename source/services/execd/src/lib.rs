//! The spawner and supervisor, as a state machine.
//!
//! [`Execd`] starts programs from the boot image as the compiled recipe says, hears of their deaths as bits, keeps a
//! bounded history of how they ended, and starts them again as their policy says. It asks the kernel, policyd and
//! timed through the [`Machine`] trait and never waits for a child: the answer to "tell me when it ends" is a ticket
//! kept until then.
//!
//! ```text
//!             spawn                    death, policy says again
//!   (nothing) ─────▶ Running ──────────────────────────────────▶ Resting ──┐
//!                     ▲  │ death, policy says no / killed on request       │ its moment comes
//!                     │  ▼                                                 │
//!                     │ (gone: waiters are answered, history remembers)    │
//!                     └────────────────────────────────────────────────────┘
//! ```
//!
//! One job has one bit of the endpoint's word, hence [`JOBS_MAX`]. A bit only says "look": that a task is dead
//! is read from the kernel, so stray bits do nothing.

#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

mod denials;
mod history;
mod job;
mod machine;
mod plan;
mod requests;
mod schedule;

pub use job::{JOBS_MAX, WAITERS_MAX};
pub use machine::{Launch, Machine, Orphan};

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use lifecycle::Verdict;
use nexus_abi::{Error, ExitReason, Handle, Nanos, ServiceId, TaskId};
use nexus_service::{Caller, Effects};
use nexus_wire::execd::{Answer, Ended, Image, Next, Refusal, Restart, Spawn};
use nexus_wire::recipe::{Qos, Recipe, Start};

use crate::denials::Denials;
use crate::history::History;
use crate::job::{Jobs, Phase};
use crate::plan::Plan;
use crate::schedule::Denied;

/// The program that decides what others may.
pub const JUDGE: &str = "policyd";
/// The program that keeps timers.
pub const TIMEKEEPER: &str = "timed";

/// The spawner and supervisor of everything but init and itself.
#[derive(Debug)]
pub struct Execd<M> {
    machine: M,
    /// On the heap: a stack is small.
    recipe: Box<Recipe>,
    jobs: Jobs,
    history: History,
    denials: Denials,
}

impl<M: Machine> Execd<M> {
    /// Looks after nothing yet.
    pub fn new(machine: M, recipe: Recipe) -> Self {
        Self {
            machine,
            recipe: Box::new(recipe),
            jobs: Jobs::default(),
            history: History::default(),
            denials: Denials::default(),
        }
    }

    /// Begins the work: takes over what an earlier incarnation of execd has left, then starts what is not there of
    /// the recipe's services, in its order, and the app of this boot; `args` is the app's text.
    ///
    /// An app that does not exist, or a boot that names none, gets the recipe's default.
    pub fn begin(&mut self, app: Option<&str>, args: &str, now: Nanos) {
        let default = self.recipe.starting(Start::Default).next().map(|service| service.name.clone());
        self.adopt_orphans([app, default.as_deref()], args, now);
        let services: Vec<_> =
            self.recipe.starting(Start::Boot).map(|service| service.name.clone()).collect();
        for name in services {
            self.keep_running(&name, "", now);
        }
        for name in app.into_iter().chain(default.as_deref()) {
            if self.keep_running(name, args, now) {
                return;
            }
        }
    }

    /// Makes a job of every task that lives on, scheduled as it is. Of what is neither service nor app the
    /// arguments are forgotten, so it is not started again when it ends: with other arguments it would be another
    /// program.
    fn adopt_orphans(&mut self, apps: [Option<&str>; 2], args: &str, now: Nanos) {
        let mut from = 0;
        while let Some(orphan) = self.machine.orphan(from) {
            let Orphan { image, task, id, death_bit } = orphan;
            from = id.index() + 1;
            let is_app = apps.contains(&Some(image.as_str()));
            let is_service = self.recipe.find(&image).is_some_and(|entry| entry.start == Start::Boot);
            let args = if is_app { args } else { "" };
            let restart = if is_app || is_service { Restart::Profile } else { Restart::Never };
            let spawn = Spawn::new(&image, args).map(|spawn| spawn.restarting(restart));
            let plan = spawn.and_then(|spawn| Plan::new(&self.recipe, &spawn, None).ok());
            let slot = death_bit.trailing_zeros() as usize;
            let Some(plan) = plan.filter(|_| self.jobs.is_free(slot)) else {
                self.machine.close(task);
                continue;
            };
            self.machine.log(format_args!("[execd] looks after {image} again"));
            let phase = Phase::Running { task, started: now };
            self.jobs.insert(slot, plan, String::from(args), phase, id);
        }
    }

    /// Starts a program unless it was taken over.
    fn keep_running(&mut self, image: &str, args: &str, now: Nanos) -> bool {
        self.jobs.runs(image) || self.start_named(image, args, now)
    }

    /// Whether it started; the log says why not.
    fn start_named(&mut self, image: &str, args: &str, now: Nanos) -> bool {
        let spawn = Spawn::new(image, args).ok_or(Refusal::Invalid);
        let started = spawn.and_then(|spawn| self.start(&spawn, None, None, now));
        if let Err(refusal) = &started {
            self.machine.log(format_args!("[execd] cannot start {image}: {refusal}"));
        }
        started.is_ok()
    }

    /// Makes a job and starts its first task.
    fn start(
        &mut self,
        spawn: &Spawn,
        spawner: Option<Image>,
        extra: Option<Handle>,
        now: Nanos,
    ) -> Result<(u32, u64), Refusal> {
        let plan = Plan::new(&self.recipe, spawn, spawner)?;
        let slot = self.jobs.free_slot().ok_or(Refusal::JobsFull)?;
        let qos = if plan.image == JUDGE { None } else { Some(self.granted(&plan, Denied::Refuses)?) };
        let (task, id) = self.launch(slot, &plan, &spawn.args, extra).map_err(Refusal::from)?;
        let phase = Phase::Running { task, started: now };
        let args = String::from(spawn.args.as_str());
        let job = self.jobs.insert(slot, plan.clone(), args, phase, id);
        self.settle(id, &plan, qos);
        Ok((job, id.to_wire()))
    }

    /// Starts a task, at Normal for now. A recipe may pin a program to harts that this machine does not have: then
    /// it runs anywhere, because running matters more than where.
    fn launch(
        &mut self,
        slot: usize,
        plan: &Plan,
        args: &str,
        extra: Option<Handle>,
    ) -> Result<(Handle, TaskId), Error> {
        let image = plan.image.as_str();
        let death_bit = 1 << slot;
        let launch =
            Launch { image, args, profile: &plan.profile, harts: plan.first_harts(), death_bit, extra };
        match self.machine.spawn(&launch) {
            Err(Error::Invalid) if launch.harts != plan.harts => {
                self.machine.spawn(&Launch { harts: plan.harts, ..launch })
            }
            result => result,
        }
    }

    /// Schedules a task that was just started. The judge could not be asked about itself before.
    fn settle(&mut self, task: TaskId, plan: &Plan, granted: Option<Qos>) {
        let qos = granted.unwrap_or_else(|| self.granted(plan, Denied::FallsBack).unwrap_or_default());
        self.schedule(task, plan, qos);
    }

    /// The program that a caller is. What the kernel vouches for comes first; of others execd knows those it
    /// started, and a name that any program could have is no name.
    fn name_of(&mut self, caller: Caller) -> Image {
        let slot = self.jobs.slot_of_task(caller.task.to_wire());
        let job = slot.and_then(|slot| self.jobs.get_mut(slot));
        match job {
            Some(job) if caller.service == ServiceId::APP => job.plan.image.clone(),
            _ => caller.service.name().chars().collect(),
        }
    }

    /// The task in `slot` is dead: remember it, then start it again, or let the job go.
    fn ended(&mut self, slot: usize, reason: ExitReason, now: Nanos, effects: &mut Effects<Answer>) {
        let Some(job) = self.jobs.get_mut(slot) else { return };
        let started = match job.phase {
            Phase::Running { task, started } => {
                self.machine.close(task);
                started
            }
            Phase::Resting { .. } => now,
        };
        let verdict = if job.stopping { Verdict::Ended } else { job.supervision.died(reason, started, now) };
        let next = match verdict {
            Verdict::Ended => Next::Nothing,
            Verdict::StartAt(at) => {
                job.phase = Phase::Resting { at };
                Next::Restart
            }
            Verdict::GiveUp => Next::GivenUp,
        };
        let job_task = job.task;
        let ended = Ended {
            job: job.number,
            image: job.plan.image.clone(),
            task: job.task.to_wire(),
            reason: reason.into(),
            at_ns: now.0,
            next,
        };
        report(&mut self.machine, &ended, job.stopping);
        self.history.add(ended.clone());
        // Its timers go with it. timed itself remembers nothing.
        if ended.image != TIMEKEEPER && self.jobs.runs(TIMEKEEPER) {
            self.machine.forget_timers(job_task);
        }
        if next != Next::Restart {
            for (_, ticket) in self.jobs.remove(slot) {
                effects.answer(ticket, Answer::Ended(ended.clone()));
            }
        }
        // Should the dead task itself have been waiting for a job, nobody is left to answer.
        for ticket in self.jobs.take_tickets_of(ended.task) {
            effects.abandon(ticket);
        }
    }

    /// Starts again what has rested; what cannot be started has died once more.
    fn start_rested(&mut self, now: Nanos, effects: &mut Effects<Answer>) {
        while let Some(slot) = self.jobs.rested(now) {
            let Some(job) = self.jobs.get_mut(slot) else { return };
            let (plan, args) = (job.plan.clone(), job.args.clone());
            let judge = plan.image == JUDGE;
            // Whoever asked for its class is not there any more: what is denied now falls back.
            let qos = if judge { None } else { self.granted(&plan, Denied::FallsBack).ok() };
            let launched = self.launch(slot, &plan, &args, None);
            let Some(job) = self.jobs.get_mut(slot) else { return };
            match launched {
                Ok((task, id)) => {
                    job.phase = Phase::Running { task, started: now };
                    job.task = id;
                    job.restarts = job.restarts.saturating_add(1);
                    self.settle(id, &plan, qos);
                }
                Err(error) => self.ended(slot, ExitReason::OutOfMemory(error), now, effects),
            }
        }
    }
}

/// Says in the log how a task ended, unless that is what everybody expected.
fn report(machine: &mut impl Machine, ended: &Ended, stopping: bool) {
    let reason = ExitReason::from(ended.reason);
    if ended.next == Next::Nothing && (stopping || reason == ExitReason::Exited(0)) {
        return;
    }
    let follows = match ended.next {
        Next::Nothing => "",
        Next::Restart => "; it is started again",
        Next::GivenUp => "; it ended too often and stays ended",
    };
    machine.log(format_args!("[execd] {} ended: {reason}{follows}", ended.image));
}

#[cfg(test)]
mod tests;
