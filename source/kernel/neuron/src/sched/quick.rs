//! Switching when there is little to decide: what the short paths of `notify`, `wait` and `yield` share.
//!
//! The tasks have no flag set, the one that comes has run here before, no mail waits, no trace is kept. What
//! is left of [`Hart::settle`] is the account, the queue, and a slice for the next task. The timer is only
//! ever set to an earlier moment here: one that is left too early costs an interrupt per slice at most, and
//! the interrupt sets it right.

use core::sync::atomic::Ordering;

use super::Hart;
use crate::arch;
use crate::task::owned::QueueLinks;
use crate::task::{OwnedTask, Task, TaskPtr};
use crate::time::Ticks;

impl Hart {
    /// True when a waiting task can be run here without further ado, and no trace is kept. That its
    /// translations are good here implies that it may run here.
    #[inline(always)]
    pub(crate) fn can_take_over(&self, task: &Task) -> bool {
        is_fit(task, self.fast_bit)
    }

    /// True when this hart's translations of the task's space are good, which implies that it may run here,
    /// and no trace is kept.
    #[inline(always)]
    pub(crate) fn translations_are_good(&self, task: &Task) -> bool {
        task.tlb_ok.load(Ordering::Relaxed) & self.fast_bit != 0
    }

    /// True when the hart was given to whoever works for `task`, or to one of its class.
    #[inline(always)]
    pub(crate) fn runs_for(&self, task: &Task) -> bool {
        self.class as u8 == task.class_index()
    }

    /// Switches to a task that [`Self::can_take_over`] in the middle of a decision, which stands: the task
    /// that ran.
    #[inline(always)]
    pub(crate) fn run_instead(&mut self, task: OwnedTask) -> Option<OwnedTask> {
        self.loaded.set(task.space_id());
        arch::load_space(task.space_id());
        task.set_hart(self.index);
        self.current.replace(task)
    }

    /// True when a waiting task that becomes ready goes into this hart's queue and does not outrank whoever
    /// runs: the answer of [`Hart::make_ready`] for the common case.
    #[inline(always)]
    pub(crate) fn keeps(&self, task: &Task) -> bool {
        self.can_take_over(task)
            && task.hart() == self.index
            && task.class_index() <= self.class as u8
            && self.idle.load(Ordering::Relaxed) & task.schedule().preferred().0 == 0
    }

    /// Puts a task that this hart [`Self::keeps`] into the queue. Call [`Self::arm_quickly`] at the end.
    #[inline(always)]
    pub(crate) fn queue_quickly(&mut self, task: OwnedTask) {
        let class = task.class();
        self.enqueue(task, class);
        if class as u8 == self.class as u8
            && self.slice_end == Ticks::NEVER
            && let Some(running) = self.current()
        {
            self.slice_end = Ticks(crate::time::now().0 + running.schedule().slice());
        }
        self.shared.publish_load(self.queue.len());
    }

    /// True when the timer must be set for the running task's slice; [`Self::arm_for_slice`] does it.
    #[inline(always)]
    pub(crate) fn slice_ends_before_timer(&self) -> bool {
        self.slice_end < self.armed
    }

    /// Sets the timer to the end of the slice.
    #[cold]
    #[inline(never)]
    pub(crate) fn arm_for_slice(&mut self) {
        self.arm(self.slice_end);
    }

    /// The next task of the queue, if it can follow the running one without further ado.
    #[inline(always)]
    #[expect(unsafe_code, reason = "the run queue keeps tokens as pointers")]
    pub(crate) fn pop_quickly(&mut self) -> Option<OwnedTask> {
        if !self.shared.has_no_mail() {
            return None;
        }
        let (fast_bit, links) = (self.fast_bit, unsafe {
            // SAFETY: the queue is this hart's own and holds the tokens of its tasks, which are alive.
            QueueLinks::new()
        });
        // SAFETY: as above.
        let is_fit = |ptr: TaskPtr| is_fit(unsafe { ptr.shared() }, fast_bit);
        // SAFETY: as above.
        self.queue.pop_if(&links, is_fit).map(|ptr| unsafe { ptr.take() })
    }

    /// Runs the first task in the mail of a hart that has nothing else to do; false, with all of them in the
    /// queue, when there is more to it.
    #[inline(always)]
    pub(crate) fn run_mail(&mut self) -> bool {
        if !self.queue.is_empty() {
            return false;
        }
        let mut mail = self.shared.take_mail();
        let Some(task) = mail.next() else { return false };
        if !mail.is_empty() || !self.can_take_over(&task) {
            self.adopt_all(task, mail);
            return false;
        }
        if self.loaded.get() != task.space_id() {
            self.loaded.set(task.space_id());
            arch::load_space(task.space_id());
        }
        self.run(task);
        true
    }

    /// Switches to `next`: the task that ran.
    #[inline(always)]
    pub(crate) fn give_way_to(&mut self, next: OwnedTask) -> Option<OwnedTask> {
        let left = self.current.take()?;
        self.charge(&left);
        self.follow(next);
        Some(left)
    }

    /// The `yield` call: false, and nothing done, when the general path must decide.
    #[inline(always)]
    pub(crate) fn yield_quickly(&mut self) -> bool {
        let own_class = self.current().is_some_and(|task| task.flags() == 0 && self.runs_for(task));
        if !own_class || !self.shared.has_no_mail() || !self.queue.contests(self.class) {
            return false;
        }
        if !self.first().is_some_and(|next| self.can_take_over(next)) {
            return false;
        }
        let Some(task) = self.current.take() else { return false };
        self.charge(&task);
        if let Some(next) = self.rotate(task) {
            self.follow(next);
        }
        true
    }

    /// `next` runs from now on; the account is settled.
    #[inline(always)]
    fn follow(&mut self, next: OwnedTask) {
        self.loaded.set(next.space_id());
        arch::load_space(next.space_id());
        let slice = next.schedule().slice();
        self.run(next);
        self.slice_end =
            if self.queue.contests(self.class) { Ticks(self.switched_at.0 + slice) } else { Ticks::NEVER };
        self.shared.publish_load(self.queue.len());
    }
}

/// True when a task can be run by the hart of `fast_bit` without further ado.
#[inline(always)]
fn is_fit(task: &Task, fast_bit: u64) -> bool {
    task.flags() == 0 && task.tlb_ok.load(Ordering::Relaxed) & fast_bit != 0
}
