//! From an outcome to the next running task.
//!
//! ```text
//! outcome ─► mail in ─► candidate, if the queue agrees, or its next ─► killed? a step of dying, and again
//!                                     │ none                      │ no
//!                                     ▼                           ▼
//!                                   sleep                  load its space, set the timer, go
//! ```

use core::sync::atomic::Ordering;

use nexus_abi::info::{TaskState, TraceKind};

use super::{Hart, Outcome};
use crate::arch;
use crate::task::{Flags, OwnedTask, death};
use crate::time::{self, Ticks};

/// By this part of itself a sleep is cut at most for the sake of waking together. Tasks that count their next sleep from
/// when they wake make a hart wake more often by as much, in the worst case.
const CUT: u64 = 8;

impl Hart {
    /// The hart's first decision. What it did before, booting, is nobody's time.
    pub fn begin(&mut self) {
        self.charge_nobody(time::now());
        self.shared.counters().began_at.store(time::now().0, Ordering::Relaxed);
        self.settle(Outcome::Blocked);
    }

    /// Puts the next task in place. Sleeps until there is one. O(log n) plus the mail that came; O(1) when nothing
    /// has changed for the task that ran.
    #[inline(always)]
    pub fn settle(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Resume(task) => {
                if self.shared.has_no_mail() && task.flags() & Flags::LOOK == 0 && !self.stale {
                    // The timer stays: deadlines can only have gone, and then it comes too early at worst.
                    self.load_space(&task);
                    self.current = Some(task);
                    return;
                }
                self.charge(&task);
                // If it goes on after all, its registers are loaded again.
                self.save_fpu(&task);
                self.settle_slowly(Some(task));
            }
            Outcome::Yield(task) => {
                self.charge(&task);
                self.save_fpu(&task);
                self.claim_for(&task);
                self.stale = false;
                let next = self.let_others_first(task);
                self.settle_slowly(next);
            }
            Outcome::HandOver(task) => self.settle_slowly(Some(task)),
            Outcome::Blocked => {
                if !self.queue.is_at_rest() || !self.sleep() {
                    self.settle_slowly(None);
                }
            }
        }
    }

    fn settle_slowly(&mut self, mut candidate: Option<OwnedTask>) {
        loop {
            let Some(task) = self.choose_ready(candidate.take()) else {
                if self.sleep() {
                    return;
                }
                continue;
            };
            let flags = task.flags();
            if flags & Flags::LOOK == 0 {
                self.enter(task);
                self.plan();
                return self.publish();
            }
            // What it waits for next, and how late it may be told, is not what it was.
            self.disarm(&task);
            candidate = if flags & Flags::KILL != 0 {
                self.take_a_step_of_dying(task)
            } else if flags & Flags::MOVE != 0 {
                self.look_where_it_may_run(task)
            } else {
                self.weigh_running(&task);
                Some(task)
            };
        }
    }

    /// The candidate, or one of the queue.
    #[inline(always)]
    fn choose_ready(&mut self, candidate: Option<OwnedTask>) -> Option<OwnedTask> {
        self.collect_mail();
        match candidate {
            Some(task) if self.stale => {
                // It may have come from another hart to take this one over, and may have to wait here now.
                task.set_hart(self.index);
                if task.flags_after_publishing() & Flags::WEIGH != 0 {
                    self.weigh_running(&task);
                } else {
                    self.claim_for(&task);
                }
                self.stale = false;
                self.reconsider(task)
            }
            Some(task) => Some(task),
            None => {
                self.stale = false;
                self.pick()
            }
        }
    }

    /// What the task may have was changed: its claim, which runs, gets that.
    #[inline(never)]
    fn weigh_running(&mut self, task: &OwnedTask) {
        task.clear_flag(Flags::WEIGH);
        self.claim_for(task);
        self.weigh(task);
    }

    /// Where the task may run was changed: it goes there, or on.
    #[inline(never)]
    fn look_where_it_may_run(&mut self, task: OwnedTask) -> Option<OwnedTask> {
        task.clear_flag(Flags::MOVE);
        // What was loaded, or unmapped, while it was being changed has put bits back.
        task.tlb_ok.fetch_and(task.affinity().0, Ordering::SeqCst);
        if task.affinity().contains(self.index) {
            return Some(task);
        }
        self.save_fpu(&task);
        self.drop_claim();
        self.make_ready(task);
        None
    }

    /// A dying task's remaining work is in the kernel, done in its own turn, a bounded step at a time.
    #[inline(never)]
    fn take_a_step_of_dying(&mut self, task: OwnedTask) -> Option<OwnedTask> {
        self.save_fpu(&task);
        let left = death::step(self, task);
        self.poll_interrupts();
        self.decide_at = self.next_decision();
        self.stale |= self.decision() <= time::now();
        left
    }

    /// Makes `task` the running one.
    #[inline(always)]
    fn enter(&mut self, task: OwnedTask) {
        self.load_space(&task);
        if !arch::fpu_is_idle(task.flags()) {
            arch::fpu_switch_to(&task);
        }
        self.trace(TraceKind::Switch, Some(&task), 0);
        self.run(task);
    }

    /// The task, whose space and floating-point registers are in place, is the running one from now on.
    #[inline(always)]
    pub(super) fn run(&mut self, task: OwnedTask) {
        self.class = self.class_of_claim();
        self.take_hart(task);
    }

    /// The same, in the class that ran before.
    #[inline(always)]
    pub(super) fn take_hart(&mut self, task: OwnedTask) {
        task.set_hart(self.index);
        task.state.store(TaskState::Running as u8, Ordering::Relaxed);
        task.switches.store(task.switches.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        self.shared.count_switch();
        self.current = Some(task);
    }

    /// Selects the task's address space, and forgets old translations of it if there may be any.
    #[inline(always)]
    pub(crate) fn load_space(&mut self, task: &crate::task::Task) {
        if self.loaded.get() != task.space_id() {
            self.loaded.set(task.space_id());
            arch::load_space(task.space_id());
        }
        if task.tlb_ok.load(Ordering::Relaxed) & self.bit() == 0 {
            task.tlb_ok.fetch_or(task.trustworthy_on(self.bit()), Ordering::SeqCst);
            task.ran_on.fetch_or(self.bit(), Ordering::SeqCst);
            arch::flush_space(task.asid());
        }
    }

    /// Selects the kernel's own space: the one loaded belongs to a task that may die any moment.
    pub(crate) fn forget_space(&self) {
        self.loaded.set(self.machine.kernel_space);
        arch::load_space(self.machine.kernel_space);
    }

    /// Puts back the task that was taken out.
    #[cfg(test)]
    pub(crate) fn put_current(&mut self, task: OwnedTask) {
        self.current = Some(task);
    }

    /// Lets a task of this hart's queue run next, whatever the queue thinks of it.
    #[cfg(test)]
    pub(crate) fn bring(&mut self, task: &crate::task::Task) {
        let Some(task) = self.take_waiting(task) else { return };
        if let Some(left) = self.current.take() {
            self.charge(&left);
            self.save_fpu(&left);
            self.drop_claim();
            self.disarm(&left);
            self.queue_up(left);
        }
        self.claim_for(&task);
        if task.flags() & Flags::LOOK != 0 {
            return self.settle_slowly(Some(task));
        }
        self.enter(task);
        self.plan();
    }

    /// Makes sure that no hart uses the page table of a task that is about to lose it.
    pub(crate) fn leave_space(&mut self, task: &crate::task::Task) {
        if self.loaded.get() == task.space_id() {
            self.forget_space();
        }
        let others = task.ran_on.load(Ordering::SeqCst) & !self.bit();
        if others != 0 {
            self.flush_on(others);
        }
    }

    /// Asks the queue when it decides anew, and sets the timer to the next thing this hart must not sleep through. O(1).
    #[inline(always)]
    pub(super) fn plan(&mut self) {
        self.decide_at = self.next_decision();
        self.arm_if_new(self.deadlines.wake_by().min(self.decide_at));
    }

    /// Sets the timer when it is to be set to something else than it is. O(1).
    #[inline(always)]
    pub(crate) fn set_timer(&mut self) {
        self.arm_if_new(self.deadlines.wake_by().min(self.decision()));
    }

    /// When the queue decides anew, if nothing happens before. O(1).
    #[inline(always)]
    fn decision(&self) -> Ticks {
        if self.queue.has_line() {
            self.queue.turn_ends().min(self.offer_at)
        } else if self.queue.has_patience() {
            self.queue.turn_ends()
        } else if self.queue.is_contest() {
            self.decide_at
        } else {
            Ticks::NEVER
        }
    }

    /// The same for a hart that runs nothing.
    #[inline(always)]
    pub(crate) fn arm_for_deadlines(&mut self) {
        self.arm_if_new(self.deadlines.wake_by());
    }

    #[inline(always)]
    pub(super) fn arm_if_new(&mut self, wanted: Ticks) {
        if wanted != self.armed {
            self.arm(wanted);
        }
    }

    /// Sets the timer for that moment, and says so to others if it is for deadlines: it is set to an earlier one then if
    /// another hart wakes when waking is as good. O(harts + log n).
    #[inline(never)]
    pub(super) fn arm(&mut self, at: Ticks) {
        let (mut moment, mut wakeup) = (at, Ticks::NEVER);
        if at == self.deadlines.wake_by() && at != Ticks::NEVER {
            moment = self.shared_moment(at);
            wakeup = moment;
        }
        self.shared.publish_wakeup(wakeup);
        arch::set_timer(self.timer.0, moment.0);
        (self.armed, self.timer) = (at, moment);
    }

    /// The last moment up to `latest` at which another hart wakes while waking is as good as then, and not much earlier;
    /// else that.
    fn shared_moment(&self, latest: Ticks) -> Ticks {
        let others = self.online.load(Ordering::Relaxed) & !self.bit;
        if others == 0 {
            return latest;
        }
        let cut = latest.since(time::now()).0 / CUT;
        let first = self.deadlines.as_good_from().max(Ticks(latest.0 - cut));
        let harts = self.machine.harts.iter().enumerate().filter(|(index, _)| others >> index & 1 == 1);
        let wakeups = harts.map(|(_, hart)| hart.wakeup());
        wakeups.filter(|at| (first..=latest).contains(at)).max().unwrap_or(latest)
    }

    /// The timer interrupt: deadlines, perhaps before the moment it was set for, and the end of a slice.
    pub(crate) fn on_timer(&mut self) {
        self.shared.count_timer_irq();
        self.trace(TraceKind::Timer, None, 0);
        self.expire_deadlines(time::now());
        // At once: who comes by mail to a hart that sleeps runs without a look at the timer.
        self.arm(self.deadlines.wake_by().min(self.decision()));
    }

    /// True when the queue decides anew.
    pub(crate) fn decision_is_due(&mut self, now: Ticks) -> bool {
        let is_due = self.decision() <= now;
        self.stale |= is_due;
        is_due
    }

    /// Serves interrupts without a trap: asleep, or between steps of long work. Mail is left to the caller.
    #[inline(always)]
    pub(crate) fn poll_interrupts(&mut self) {
        let pending = arch::pending_interrupts();
        if pending.software {
            self.on_ipi();
        }
        if pending.timer || pending.external {
            self.serve(pending);
        }
    }

    #[inline(never)]
    fn serve(&mut self, pending: arch::Pending) {
        if pending.timer {
            self.on_timer();
        }
        if pending.external {
            crate::ipc::irq::on_external(self);
        }
    }
}
