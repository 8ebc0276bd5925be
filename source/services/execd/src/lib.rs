//! The spawner and supervisor, as a state machine.
//!
//! [`Execd`] starts programs from the boot image with the rights of their [`profile`], hears of their deaths as
//! bits, keeps a bounded history of how they ended, and starts them again as their policy says. It asks the
//! kernel through the [`Machine`] trait, whose calls never wait, so execd never waits for a child: the answer
//! to "tell me when it ends" is a ticket kept until then.
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

mod history;
mod job;
mod machine;
pub mod profile;
mod requests;

pub use job::{JOBS_MAX, WAITERS_MAX};
pub use machine::{Launch, Machine, Orphan};

use alloc::string::String;

use nexus_abi::{ExitReason, HartMask, Nanos};
use nexus_service::Effects;
use nexus_wire::execd::{Answer, Ended, Image, Next, Refusal, Spawn};
use restart_policy::{Restart, Verdict};

use crate::history::History;
use crate::job::{Jobs, Phase};
use crate::profile::Profile;

/// The app that runs when nothing else is asked for, or what is asked for does not exist.
pub const DEFAULT_APP: &str = "shell";

/// The spawner and supervisor of everything but init and itself.
#[derive(Debug)]
pub struct Execd<M> {
    machine: M,
    jobs: Jobs,
    history: History,
}

impl<M: Machine> Execd<M> {
    /// Looks after nothing yet.
    pub fn new(machine: M) -> Self {
        Self { machine, jobs: Jobs::default(), history: History::default() }
    }

    /// Starts the app of this boot, or the default one if there is no such program; `args` is its text.
    ///
    /// What an earlier incarnation of execd started is looked after again, first; the app is then not started a
    /// second time.
    pub fn start_app(&mut self, app: &str, args: &str, now: Nanos) {
        self.adopt_orphans(app, args, now);
        if self.jobs.iter().any(|job| job.image == app) {
            return;
        }
        if let Err(refusal) = self.start_named(app, args, now) {
            self.machine.log(format_args!("[execd] cannot start {app}: {refusal}"));
            if app != DEFAULT_APP
                && let Err(refusal) = self.start_named(DEFAULT_APP, args, now)
            {
                self.machine.log(format_args!("[execd] cannot start {DEFAULT_APP}: {refusal}"));
            }
        }
    }

    /// Makes a job of every task that lives on. The arguments of all but the app are forgotten, so those are not
    /// started again when they end: with other arguments they would be other programs.
    fn adopt_orphans(&mut self, app: &str, args: &str, now: Nanos) {
        let mut from = 0;
        while let Some(orphan) = self.machine.orphan(from) {
            let Orphan { image, task, id, death_bit } = orphan;
            from = id.index() + 1;
            let slot = death_bit.trailing_zeros() as usize;
            if !self.jobs.is_free(slot) {
                self.machine.close(task);
                continue;
            }
            self.machine.log(format_args!("[execd] looks after {image} again"));
            let (args, restart) =
                if image == app { (args, Profile::of(&image).restart) } else { ("", Restart::Never) };
            let profile = Profile { restart, ..Profile::of(&image) };
            let phase = Phase::Running { task, started: now };
            self.jobs.insert(slot, &image, String::from(args), profile, HartMask::ANY, phase, id);
        }
    }

    fn start_named(&mut self, image: &str, args: &str, now: Nanos) -> Result<(), Refusal> {
        let spawn = Spawn::new(image, args).ok_or(Refusal::Invalid)?;
        self.start(&spawn, None, now).map(drop)
    }

    /// Makes a job and starts its first task.
    fn start(
        &mut self,
        spawn: &Spawn,
        extra: Option<nexus_abi::Handle>,
        now: Nanos,
    ) -> Result<(u32, u64), Refusal> {
        let profile = Profile::of(&spawn.image).adjusted(spawn)?;
        let slot = self.jobs.free_slot().ok_or(Refusal::JobsFull)?;
        let launch = launch(slot, &spawn.image, &spawn.args, &profile, HartMask(spawn.harts), extra);
        let (task, id) = self.machine.spawn(&launch).map_err(Refusal::from)?;
        let phase = Phase::Running { task, started: now };
        let args = String::from(spawn.args.as_str());
        let job = self.jobs.insert(slot, &spawn.image, args, profile, HartMask(spawn.harts), phase, id);
        Ok((job, id.to_wire()))
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
        let ended = Ended {
            job: job.number,
            image: job.image.clone(),
            task: job.task.to_wire(),
            reason: reason.into(),
            at_ns: now.0,
            next,
        };
        report(&mut self.machine, &ended, job.stopping);
        self.history.add(ended.clone());
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
            let launch = launch(slot, &job.image, &job.args, &job.profile, job.harts, None);
            match self.machine.spawn(&launch) {
                Ok((task, id)) => {
                    job.phase = Phase::Running { task, started: now };
                    job.task = id;
                    job.restarts = job.restarts.saturating_add(1);
                }
                Err(error) => self.ended(slot, ExitReason::OutOfMemory(error), now, effects),
            }
        }
    }
}

fn launch<'a>(
    slot: usize,
    image: &'a Image,
    args: &'a str,
    profile: &Profile,
    harts: HartMask,
    extra: Option<nexus_abi::Handle>,
) -> Launch<'a> {
    Launch { image, args, profile: *profile, harts, death_bit: 1 << slot, extra }
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
