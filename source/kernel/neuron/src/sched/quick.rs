//! Switching when there is little to decide: what the short paths of `notify`, `wait` and `yield` share.
//!
//! One task runs, perhaps one more waits at the queue's door, and they take turns. Neither has a flag set, the one
//! that comes has run here before, no mail waits, no trace is kept. What is left of [`Hart::settle`] is the account.
//! The timer is only ever set for an earlier moment here: one that is left too early costs an interrupt a turn at
//! most, and the interrupt sets it right.
#![expect(unsafe_code, reason = "the queue keeps tokens as pointers")]

use core::sync::atomic::Ordering;

use nexus_abi::{Nanos, QosClass};
use sched_policy::Entities;

use super::Hart;
use crate::arch;
use crate::task::owned::Claims;
use crate::task::{OwnedTask, Task, TaskPtr};
use crate::time::{self, Ticks};

/// How long somebody of a lower class may be unknown to the queue: far less than any class waits for its turn, and time
/// enough for a server to answer a crowd before it waits.
const DECIDE_LATE: Nanos = Nanos::from_millis(1);

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

    /// True when the hart runs in the name of `task`.
    #[inline(always)]
    pub(crate) fn runs_for(&self, task: &Task) -> bool {
        self.queue.claim() == Some(TaskPtr::to(task))
    }

    /// True when the running task, in whose name the hart runs, goes on before one that becomes ready, whatever the
    /// queue decides; and no trace is kept.
    #[inline(always)]
    pub(crate) fn goes_on_before(&self, ready: &Task) -> bool {
        ready.class_index() < self.class as u8 && self.fast_bit != 0
    }

    /// True when the hart runs in a higher class than the task's own.
    #[inline(always)]
    pub(crate) fn runs_above(&self, task: &Task) -> bool {
        self.class as u8 > task.class_index()
    }

    /// Somebody of a lower class than the one that runs may have become ready, and the queue was not asked yet. It will
    /// be when the hart next decides for any reason; if there is none before, at the end of [`DECIDE_LATE`].
    #[inline(always)]
    pub(crate) fn decide_soon(&mut self) {
        if self.queue.has_line() {
            // It knows of them, and for how long they wait.
            if self.turn_ends_before_timer() {
                self.arm_for_turn();
            }
            return;
        }
        let latest = time::now().after(self.queue.tempo().at_most(DECIDE_LATE));
        if self.stale && latest < self.armed {
            self.arm(latest);
        }
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

    /// True when a waiting task that becomes ready waits at this hart's door: the answer of [`Hart::make_ready`] for
    /// the common case.
    #[inline(always)]
    pub(crate) fn keeps(&self, task: &Task) -> bool {
        self.queue.has_free_door()
            && self.can_take_over(task)
            && task.hart() == self.index
            && self.is_like_running(task)
            && self.needs_no_other(task.schedule().preferred().0)
    }

    /// True when a task of the class that runs, which prefers these harts, need not wake one of them.
    #[inline(always)]
    fn needs_no_other(&self, preferred: u64) -> bool {
        self.class <= QosClass::Normal && preferred & self.bit != 0
            || self.idle.load(Ordering::Relaxed) & preferred == 0
    }

    /// True when nothing sets the claim of a task, which waits where nobody else can take it, apart from others of
    /// the class that runs.
    #[inline(always)]
    fn is_like_running(&self, task: &Task) -> bool {
        // SAFETY: the lock of the port it waits at is held.
        let mut claims = unsafe { Claims::new() };
        let claim = claims.entity(TaskPtr::to(task));
        claim.is_plain() && claim.class() == self.class
    }

    /// Puts a task that this hart [`Self::keeps`] at the door. Call [`Self::arm_for_turn`] at the end, if
    /// [`Self::turn_ends_before_timer`].
    #[inline(always)]
    pub(crate) fn queue_quickly(&mut self, task: OwnedTask) {
        self.mark_ready(&task);
        self.queue.wait_at_door(task.into_ptr(), time::now());
        self.shared.publish_load(1);
    }

    /// True when the timer must be set for the end of the running task's turn; [`Self::arm_for_turn`] does it.
    #[inline(always)]
    pub(crate) fn turn_ends_before_timer(&self) -> bool {
        self.queue.has_patience() && self.queue.turn_ends() < self.armed
    }

    /// Sets the timer to the end of the turn.
    #[cold]
    #[inline(never)]
    pub(crate) fn arm_for_turn(&mut self) {
        self.arm(self.queue.turn_ends());
    }

    /// The task at the door, if it can follow the running one without further ado.
    #[inline(always)]
    pub(crate) fn next_quickly(&self, now: Ticks) -> Option<TaskPtr> {
        if !self.shared.has_no_mail() {
            return None;
        }
        // SAFETY: the queue holds the token of a task at the door, which is alive.
        self.queue.next_at_door(now).filter(|next| is_fit(unsafe { next.shared() }, self.fast_bit))
    }

    /// The running task waits from now on, and the one at the door runs: the task that ran.
    #[inline(always)]
    pub(crate) fn give_way_to(&mut self, next: TaskPtr, now: Ticks) -> Option<OwnedTask> {
        let left = self.current.take()?;
        left.history.waits();
        self.charge_until(&left, now);
        self.queue.follow(next, now);
        self.publish_alone();
        self.switch(next);
        Some(left)
    }

    /// The running task is about to wait, and is charged: nobody runs in the name of the claim any more, and this one is
    /// next, if it can be run without further ado. O(1).
    #[inline(always)]
    pub(crate) fn leave_to_next(&mut self) -> Option<OwnedTask> {
        if !self.shared.has_no_mail() {
            return None;
        }
        let (now, fast_bit) = (time::now(), self.fast_bit);
        // SAFETY: the queue holds the tokens of tasks at the door and in line, which are alive.
        let is_fit = |next: TaskPtr| is_fit(unsafe { next.shared() }, fast_bit);
        let next = match self.queue.next_at_door(now) {
            Some(next) if is_fit(next) => {
                self.queue.follow(next, now);
                next
            }
            Some(_) => return None,
            // SAFETY: the claims are in this hart's queue.
            None => self.queue.follow_line(now, &mut unsafe { Claims::new() }, is_fit)?,
        };
        Some(self.take_out(next, now))
    }

    /// Runs the task that [`Self::leave_to_next`] has chosen. O(1).
    #[inline(always)]
    pub(crate) fn run_next(&mut self, next: OwnedTask) {
        self.stale = false;
        self.loaded.set(next.space_id());
        arch::load_space(next.space_id());
        // SAFETY: the running claim is the task's own.
        self.class = unsafe { Claims::new() }.entity(next.ptr()).class();
        self.take_hart(next);
        if self.idle.load(Ordering::Relaxed) != 0 {
            // Those who wait are offered to harts that sleep, some time.
            self.plan();
            return self.publish();
        }
        if self.queue.has_line() {
            self.arm_if_new(self.deadlines.wake_by().min(self.queue.turn_ends()));
            return self.shared.publish_load(self.queue.len());
        }
        self.set_timer();
        self.publish();
    }

    /// A task of which nothing was asked becomes ready, in whose name nobody runs: the short way for
    /// [`Hart::make_ready`] of an ordinary one that is at home here, where somebody runs who goes on.
    #[inline(always)]
    pub(crate) fn stands_in_line(&mut self, task: OwnedTask) -> Result<(), OwnedTask> {
        let is_at_home = task.hart() == self.index && task.schedule().preferred().0 & self.bit != 0;
        let is_ordinary = task.class_index() <= QosClass::Normal as u8;
        // What is asked of it meanwhile is looked at when it is its turn.
        if !is_at_home || !is_ordinary || !self.translations_are_good(&task) {
            return Err(task);
        }
        // SAFETY: we have the token until the queue has it.
        let mut claims = unsafe { Claims::new() };
        if self.queue.join_line(task.ptr(), time::now(), &mut claims) {
            let _in_line = self.wait(task);
        } else {
            self.queue_at_home(task);
        }
        Ok(())
    }

    /// The `yield` call: false, and nothing done, when the general path must decide.
    #[inline(always)]
    pub(crate) fn yield_quickly(&mut self) -> bool {
        let in_own_name = self.current().is_some_and(|task| task.flags() == 0 && self.runs_for(task));
        if !in_own_name {
            return false;
        }
        let now = time::now();
        let Some(next) = self.next_quickly(now) else { return false };
        let Some(left) = self.current.take() else { return false };
        self.mark_ready(&left);
        self.charge_until(&left, now);
        self.queue.alternate(next, now);
        self.switch(next);
        // The queue has its token now.
        let _at_the_door = left.into_ptr();
        true
    }

    /// To another plain task of the class that ran.
    #[inline(always)]
    fn switch(&mut self, next: TaskPtr) {
        // SAFETY: the queue held the token and has forgotten it.
        let next = unsafe { next.take() };
        next.queued_on.store(0, Ordering::Relaxed);
        self.loaded.set(next.space_id());
        arch::load_space(next.space_id());
        self.take_hart(next);
    }

    /// Runs the first task in the mail of a hart that has nothing else to do, its queue being at rest; false, with
    /// all of them in the queue, when there is more to it.
    #[inline(always)]
    pub(crate) fn run_mail(&mut self) -> bool {
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
        // SAFETY: we have the token.
        let mut claims = unsafe { Claims::new() };
        self.class = claims.entity(task.ptr()).class();
        self.queue.start_at_rest(task.ptr(), self.charged_at(), &mut claims);
        self.take_hart(task);
        true
    }
}

/// True when a task can be run by the hart of `fast_bit` without further ado.
#[inline(always)]
fn is_fit(task: &Task, fast_bit: u64) -> bool {
    task.flags() == 0 && task.tlb_ok.load(Ordering::Relaxed) & fast_bit != 0
}
