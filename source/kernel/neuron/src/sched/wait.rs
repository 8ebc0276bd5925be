//! A task stops, until something comes or its deadline passes.
//!
//! A deadline is armed on the hart where its task waits, which is *anchored* there: to go anywhere else it has to come by,
//! and its deadline is lifted then. One that is called and waits again, over and over, keeps the one that is armed.

use nexus_abi::{Error, Nanos};

use super::Hart;
use crate::cap::Ref;
use crate::task::{Flags, OwnedTask, Task, TaskPtr};
use crate::time::{self, Ticks};

impl Hart {
    /// True when a deadline has come already, so that waiting would be pointless.
    pub fn deadline_passed(&self, deadline: Nanos) -> bool {
        deadline == Nanos::NOW
            || (deadline != Nanos::NEVER && self.machine.clock.ticks(deadline) <= time::now())
    }

    /// The running task is about to wait: its time is charged, its claim leaves the queue, and its deadline is
    /// armed. Call it before the token goes where others can take it.
    pub fn before_waiting(&mut self, task: &OwnedTask, deadline: Nanos) {
        self.charge(task);
        self.drop_claim();
        self.stop(task, deadline);
    }

    /// The same, with the claim left to whoever works for the task from now on, or for its caller.
    pub fn before_calling(&mut self, task: &OwnedTask, deadline: Nanos) {
        self.charge(task);
        self.stop(task, deadline);
    }

    /// The same for one that is charged already.
    #[inline(always)]
    pub(crate) fn stop(&mut self, task: &OwnedTask, deadline: Nanos) {
        task.history.waits();
        self.save_fpu(task);
        self.anchor(task, deadline);
        if task.flags() & Flags::WEIGH != 0 && self.queue.claim() != Some(task.ptr()) {
            self.weigh_away(task);
        }
    }

    /// Arms the deadline of a task that is about to wait. One that is armed since it waited last stays, if it is the
    /// same; but how late it may be told follows its class.
    #[inline(always)]
    fn anchor(&mut self, task: &OwnedTask, deadline: Nanos) {
        let is_as_it_was = task.waits_until() == deadline;
        if is_as_it_was && (deadline == Nanos::NEVER || task.flags() & (Flags::EXPIRED | Flags::WEIGH) == 0) {
            return;
        }
        self.disarm(task);
        if deadline != Nanos::NEVER {
            let window = self.machine.clock.window(deadline, task.slack());
            task.anchor(self.index, deadline);
            self.deadlines.arm(task.ptr(), window);
            if self.timer < self.armed {
                // That was as good for those who waited.
                self.arm(self.armed.min(self.deadlines.wake_by()));
            }
        }
    }

    /// The same apart, for the short ways, on which it mostly stays.
    #[inline(never)]
    pub(crate) fn anchor_anew(&mut self, task: &OwnedTask, deadline: Nanos) {
        self.anchor(task, deadline);
    }

    /// A task that goes on, or goes elsewhere, has no deadline: one that is armed is armed here.
    #[inline(always)]
    pub(crate) fn disarm(&mut self, task: &OwnedTask) {
        if task.is_anchored() {
            self.lift_anchor_apart(task);
        }
    }

    #[cold]
    #[inline(never)]
    fn lift_anchor_apart(&mut self, task: &OwnedTask) {
        self.lift_anchor(task);
    }

    /// The same for one whose deadline is armed.
    #[inline(always)]
    pub(crate) fn lift_anchor(&mut self, task: &OwnedTask) {
        if task.flags() & Flags::EXPIRED == 0 {
            // Else it left the queue when it passed.
            self.deadlines.disarm(task.ptr());
        }
        task.lift_anchor();
    }

    /// True when a task that waits can be called by the fast path on this hart, for all that these flags of its say.
    #[inline(always)]
    pub(crate) fn are_fit(&self, flags: u32) -> bool {
        flags & self.unfit == 0
    }

    /// A task waits where others can take it. If it was killed, or its deadline passed, while its token was
    /// on the way there, nobody else will notice: so this looks once more.
    pub fn after_waiting(&mut self, task: Ref<Task>) {
        if let Some(mut taken) = self.take_if_unwanted(&task) {
            taken.registers_mut().set_result(Err(Error::TimedOut));
            self.make_ready(taken);
        }
        self.release_task(task);
    }

    /// Deadlines that have come: their tasks are taken out of whatever they wait for, in the order of the deadlines.
    #[inline(always)]
    pub(crate) fn expire_deadlines(&mut self, now: Ticks) {
        while let Some(ptr) = self.deadlines.expire(now) {
            self.expire(ptr);
        }
    }

    /// True when a deadline has come.
    #[inline(always)]
    pub(crate) fn somebody_is_due(&self, now: Ticks) -> bool {
        self.deadlines.due_from() <= now
    }

    #[expect(unsafe_code, reason = "an anchored task is alive until its hart makes it ready")]
    fn expire(&mut self, ptr: TaskPtr) {
        // SAFETY: the task's deadline was armed here. If it waits, it can become ready, and so go elsewhere or die,
        // only by passing through this hart; and if it runs, it runs here.
        let task: &Task = unsafe { ptr.shared() };
        task.set_flag(Flags::EXPIRED);
        if let Some(mut taken) = self.interrupt_wait(task) {
            taken.registers_mut().set_result(Err(Error::TimedOut));
            self.make_ready(taken);
        }
    }
}
