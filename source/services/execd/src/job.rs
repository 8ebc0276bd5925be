//! The jobs: a table of slots, one per bit of execd's endpoint.

use alloc::string::String;
use alloc::vec::Vec;

use lifecycle::Supervision;
use nexus_abi::{Handle, Nanos, TaskId};
use nexus_service::Ticket;

use crate::plan::Plan;

/// Jobs at a time: an endpoint's word has this many bits.
pub const JOBS_MAX: usize = 64;
/// Tasks that may wait for an end, over all jobs.
pub const WAITERS_MAX: usize = 64;

/// A program that is looked after, over all its restarts.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) number: u32,
    pub(crate) plan: Plan,
    pub(crate) args: String,
    pub(crate) supervision: Supervision,
    pub(crate) phase: Phase,
    /// The current task, or the last while the job rests.
    pub(crate) task: TaskId,
    pub(crate) restarts: u32,
    /// Somebody asked for its end: its policy has no say any more.
    pub(crate) stopping: bool,
    waiters: Vec<(TaskId, Ticket)>,
}

/// What a job is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Phase {
    /// A task of it lives.
    Running { task: Handle, started: Nanos },
    /// It is started again at this moment.
    Resting { at: Nanos },
}

/// All jobs. Scans are O([`JOBS_MAX`]).
#[derive(Debug)]
pub(crate) struct Jobs {
    /// [`JOBS_MAX`] of them, on the heap: a stack is small.
    slots: Vec<Option<Job>>,
    /// The number of the next job; numbers are not used again.
    next: u32,
}

impl Default for Jobs {
    fn default() -> Self {
        Self { slots: (0..JOBS_MAX).map(|_| None).collect(), next: 1 }
    }
}

impl Jobs {
    pub(crate) fn free_slot(&self) -> Option<usize> {
        self.slots.iter().position(Option::is_none)
    }

    pub(crate) fn is_free(&self, slot: usize) -> bool {
        self.slots.get(slot).is_some_and(Option::is_none)
    }

    /// Fills a free slot; answers the job's number.
    pub(crate) fn insert(
        &mut self,
        slot: usize,
        plan: Plan,
        args: String,
        phase: Phase,
        task: TaskId,
    ) -> u32 {
        let number = self.next;
        self.next += 1;
        self.slots[slot] = Some(Job {
            number,
            supervision: Supervision::new(plan.restart),
            plan,
            args,
            phase,
            task,
            restarts: 0,
            stopping: false,
            waiters: Vec::new(),
        });
        number
    }

    pub(crate) fn get_mut(&mut self, slot: usize) -> Option<&mut Job> {
        self.slots.get_mut(slot)?.as_mut()
    }

    /// Frees a slot; answers who waited for it.
    pub(crate) fn remove(&mut self, slot: usize) -> Vec<(TaskId, Ticket)> {
        self.slots.get_mut(slot).and_then(Option::take).map_or_else(Vec::new, |job| job.waiters)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Job> {
        self.slots.iter().flatten()
    }

    /// Whether a task of this image runs, of those looked after.
    pub(crate) fn runs(&self, image: &str) -> bool {
        self.iter().any(|job| job.plan.image == image && matches!(job.phase, Phase::Running { .. }))
    }

    pub(crate) fn slot_of_task(&self, task: u64) -> Option<usize> {
        self.slots.iter().position(|job| job.as_ref().is_some_and(|job| job.task.to_wire() == task))
    }

    pub(crate) fn slot_of_number(&self, number: u32) -> Option<usize> {
        self.slots.iter().position(|job| job.as_ref().is_some_and(|job| job.number == number))
    }

    /// A job whose rest is over.
    pub(crate) fn rested(&self, now: Nanos) -> Option<usize> {
        let due = |job: &Job| matches!(job.phase, Phase::Resting { at } if at <= now);
        self.slots.iter().position(|job| job.as_ref().is_some_and(due))
    }

    /// When the next rest is over.
    pub(crate) fn next_start(&self) -> Nanos {
        let resting = self.iter().filter_map(|job| match job.phase {
            Phase::Resting { at } => Some(at),
            Phase::Running { .. } => None,
        });
        resting.min().unwrap_or(Nanos::NEVER)
    }

    /// Keeps a ticket until the job in `slot` ends; gives it back when too many wait.
    pub(crate) fn wait(&mut self, slot: usize, who: TaskId, ticket: Ticket) -> Result<(), Ticket> {
        if self.iter().map(|job| job.waiters.len()).sum::<usize>() >= WAITERS_MAX {
            return Err(ticket);
        }
        match self.get_mut(slot) {
            Some(job) => {
                job.waiters.push((who, ticket));
                Ok(())
            }
            None => Err(ticket),
        }
    }

    /// Takes back what a task waits for. A task is in one call at a time: when it asks again or is dead, its
    /// earlier call is over.
    pub(crate) fn take_tickets_of(&mut self, task: u64) -> Vec<Ticket> {
        let mut taken = Vec::new();
        for job in self.slots.iter_mut().flatten() {
            let theirs = job.waiters.extract_if(.., |(who, _)| who.to_wire() == task);
            taken.extend(theirs.map(|(_, ticket)| ticket));
        }
        taken
    }
}
