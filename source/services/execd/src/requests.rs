//! What clients ask, and what they hear.

use nexus_abi::{Error, ExitReason, Nanos};
use nexus_service::{Call, Caller, Effects, Service};
use nexus_wire::execd::{Answer, Execd as Protocol, Job as Listed, Refusal, Request};
use nexus_wire::recipe::Privilege;

use crate::job::Phase;
use crate::{Execd, Machine};

impl<M: Machine> Service for Execd<M> {
    type Protocol = Protocol;

    fn call(&mut self, call: Call<'_, Request>, now: Nanos, effects: &mut Effects<Answer>) {
        let Call { caller, request, ticket, attached } = call;
        for stale in self.jobs.take_tickets_of(caller.task.to_wire()) {
            effects.abandon(stale);
        }
        // Everybody may look and wait; how tasks are scheduled is policyd's to allow.
        let controls = matches!(request, Request::Spawn(_) | Request::Kill { .. });
        if controls && !self.recipe.grants(caller.service, Privilege::Programs) {
            self.audit_denial(caller, now);
            return effects.answer(ticket, Answer::Refused(Refusal::NotAllowed));
        }
        let answer = match request {
            Request::Spawn(spawn) => {
                let spawner = self.name_of(caller);
                match self.start(&spawn, Some(spawner), *attached, now) {
                    Ok((job, task)) => {
                        // It is the child's now.
                        *attached = None;
                        Answer::Spawned { job, task }
                    }
                    Err(refusal) => Answer::Refused(refusal),
                }
            }
            Request::Schedule { task, change } => self.reschedule(caller, task, change),
            Request::Kill { task } => self.kill(task, now, effects),
            Request::List { from } => self.list(from),
            Request::History { skip } => Answer::History(self.history.page(skip as usize)),
            Request::Wait { job } => match self.jobs.slot_of_number(job) {
                Some(slot) => match self.jobs.wait(slot, caller.task, ticket) {
                    Ok(()) => return,
                    Err(ticket) => {
                        return effects.answer(ticket, Answer::Refused(Refusal::WaitersFull));
                    }
                },
                None => self
                    .history
                    .of(job)
                    .map_or(Answer::Refused(Refusal::NoSuchJob), |ended| Answer::Ended(ended.clone())),
            },
        };
        effects.answer(ticket, answer);
    }

    fn bits(&mut self, bits: u64, now: Nanos, effects: &mut Effects<Answer>) {
        for slot in (0..crate::JOBS_MAX).filter(|slot| bits >> slot & 1 == 1) {
            let Some(job) = self.jobs.get_mut(slot) else { continue };
            let Phase::Running { task, .. } = job.phase else { continue };
            if let Some(reason) = self.machine.ended(task) {
                self.ended(slot, reason, now, effects);
            }
        }
    }

    fn tick(&mut self, now: Nanos, effects: &mut Effects<Answer>) -> Nanos {
        self.start_rested(now, effects);
        self.jobs.next_start()
    }
}

impl<M: Machine> Execd<M> {
    fn audit_denial(&mut self, caller: Caller, now: Nanos) {
        if self.denials.take(now) {
            let (name, pid) = (self.name_of(caller), caller.task.index());
            self.machine.log(format_args!(
                "[execd] audit decision=deny reason=not_privileged caller={name} pid={pid}"
            ));
        }
    }

    /// Ends a job by its current task. A job at rest ends at once, a running one when its task is dead.
    fn kill(&mut self, task: u64, now: Nanos, effects: &mut Effects<Answer>) -> Answer {
        let found = self.jobs.slot_of_task(task);
        let Some((slot, job)) = found.and_then(|slot| Some((slot, self.jobs.get_mut(slot)?))) else {
            return Answer::Refused(Refusal::NoSuchJob);
        };
        match job.phase {
            Phase::Running { task, .. } => match self.machine.kill(task) {
                // One that is dying already needs no help.
                Ok(()) | Err(Error::Dead) => job.stopping = true,
                Err(error) => return Answer::Refused(error.into()),
            },
            Phase::Resting { .. } => {
                job.stopping = true;
                self.ended(slot, ExitReason::Killed, now, effects);
            }
        }
        Answer::Killed
    }

    fn list(&self, from: u32) -> Answer {
        let mut jobs: alloc::vec::Vec<_> = self.jobs.iter().filter(|job| job.number >= from).collect();
        jobs.sort_unstable_by_key(|job| job.number);
        let listed = jobs.into_iter().map(|job| Listed {
            job: job.number,
            image: job.plan.image.clone(),
            task: match job.phase {
                Phase::Running { .. } => job.task.to_wire(),
                Phase::Resting { .. } => 0,
            },
            restarts: job.restarts,
        });
        Answer::Jobs(listed.take(nexus_wire::execd::PAGE).collect())
    }
}
