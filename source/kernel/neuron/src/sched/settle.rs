//! From an outcome to the next running task.
//!
//! ```text
//! outcome ─► mail in ─► candidate or next of the queue ─► killed? a step of dying, and again
//!                                     │ none                      │ no
//!                                     ▼                           ▼
//!                                   sleep                  load its space, set the timer, go
//! ```

use core::sync::atomic::Ordering;

use nexus_abi::QosClass;
use nexus_abi::info::{TaskState, TraceKind};

use super::{Hart, Outcome};
use crate::arch;
use crate::task::owned::QueueLinks;
use crate::task::{Flags, OwnedTask, death};
use crate::time::{self, Ticks};

impl Hart {
    /// The hart's first decision. What it did before, booting, is nobody's time.
    pub fn begin(&mut self) {
        self.charge_nobody(time::now());
        self.shared.counters().began_at.store(time::now().0, Ordering::Relaxed);
        self.settle(Outcome::Blocked);
    }

    /// Puts the next task in place. Sleeps until there is one. O(1) plus the mail that came.
    #[inline(always)]
    pub fn settle(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Resume(task) => {
                if self.shared.has_no_mail()
                    && task.flags() & (Flags::KILL | Flags::MOVE) == 0
                    && !self.queue.outranks(task.class())
                {
                    self.load_space(&task);
                    self.current = Some(task);
                    self.set_timer();
                    return;
                }
                self.charge(&task);
                // If it goes on after all, its registers are loaded again.
                self.save_fpu(&task);
                self.settle_slowly(Some(task));
            }
            Outcome::Yield(task) => {
                self.charge(&task);
                self.push_back(task);
                self.settle_slowly(None);
            }
            Outcome::HandOver(task) => self.settle_slowly(Some(task)),
            Outcome::Blocked => {
                if self.has_ready() || !self.sleep() {
                    self.settle_slowly(None);
                }
            }
        }
    }

    fn settle_slowly(&mut self, mut candidate: Option<OwnedTask>) {
        if candidate.is_none() {
            self.slice_end = Ticks::NEVER;
        }
        loop {
            let Some(task) = self.choose_ready(candidate.take()) else {
                if self.sleep() {
                    return;
                }
                continue;
            };
            if task.flags() & (Flags::KILL | Flags::MOVE) == 0 {
                self.enter(task);
                self.set_timer();
                return self.shared.publish_load(self.queue.len());
            }
            candidate = if task.flags() & Flags::KILL != 0 {
                self.take_a_step_of_dying(task)
            } else {
                self.look_where_it_may_run(task)
            };
        }
    }

    /// The candidate, or one of the queue.
    #[inline(always)]
    fn choose_ready(&mut self, candidate: Option<OwnedTask>) -> Option<OwnedTask> {
        self.collect_mail();
        match candidate {
            Some(task) if !self.queue.outranks(task.class()) => return Some(task),
            // Rule 4: outranked, it keeps its turn.
            Some(task) => self.push_front(task),
            None => (),
        }
        self.pop()
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
        self.make_ready(task);
        None
    }

    /// A dying task's remaining work is in the kernel, done in its own turn, a bounded step at a time.
    #[inline(never)]
    fn take_a_step_of_dying(&mut self, task: OwnedTask) -> Option<OwnedTask> {
        self.save_fpu(&task);
        let left = death::step(self, task);
        self.poll_interrupts();
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
        task.set_hart(self.index);
        task.state.store(TaskState::Running as u8, Ordering::Relaxed);
        task.switches.store(task.switches.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        self.shared.count_switch();
        self.class = task.class();
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

    /// Sets the timer to the next thing this hart must not sleep through. O(1).
    #[inline(always)]
    pub(crate) fn set_timer(&mut self) {
        // A server does not take the slice from whoever waits beside its caller.
        let is_contested = |task: &&OwnedTask| self.queue.has_at_least(task.class().min(self.class));
        let contested = self.current.as_ref().filter(is_contested);
        match contested {
            None => self.slice_end = Ticks::NEVER,
            Some(task) if self.slice_end == Ticks::NEVER => {
                self.slice_end = Ticks(time::now().0 + task.schedule().slice());
            }
            Some(_) => (),
        }
        let wanted = self.deadlines.first().min(self.slice_end);
        if wanted != self.armed {
            self.arm(wanted);
        }
    }

    /// The same for a hart that runs nothing.
    #[inline(always)]
    pub(crate) fn arm_for_deadlines(&mut self) {
        self.slice_end = Ticks::NEVER;
        let wanted = self.deadlines.first();
        if wanted != self.armed {
            self.arm(wanted);
        }
    }

    #[inline(never)]
    pub(super) fn arm(&mut self, at: Ticks) {
        arch::set_timer(self.armed.0, at.0);
        self.armed = at;
    }

    /// The timer interrupt: deadlines, and the end of a slice.
    pub(crate) fn on_timer(&mut self) {
        self.shared.count_timer_irq();
        self.trace(TraceKind::Timer, None, 0);
        self.expire_deadlines();
        // At once: who comes by mail to a hart that sleeps runs without a look at the timer.
        self.arm(self.deadlines.first());
    }

    /// True when the running task's slice is over and another of its class waits.
    pub(crate) fn slice_is_over(&self) -> bool {
        self.slice_end != Ticks::NEVER && self.slice_end <= time::now()
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

    /// The next task of the queue.
    #[expect(unsafe_code, reason = "the run queue keeps tokens as pointers")]
    #[inline(always)]
    pub(super) fn pop(&mut self) -> Option<OwnedTask> {
        // SAFETY: the queue is this hart's own and holds the tokens of its tasks.
        unsafe {
            let links = QueueLinks::new();
            self.queue.pop(&links).map(|ptr| ptr.take())
        }
    }

    /// The next task of this class.
    #[expect(unsafe_code, reason = "the run queue keeps tokens as pointers")]
    #[inline(always)]
    pub(super) fn first(&self) -> Option<&crate::task::Task> {
        // SAFETY: tasks in the queue are alive, and stay while the hart is borrowed.
        self.queue.first_of(self.class).map(|ptr| unsafe { ptr.shared() })
    }

    /// Rule 2 or 3: the task waits behind the others of its class.
    #[inline(always)]
    pub(crate) fn push_back(&mut self, task: OwnedTask) {
        self.save_fpu(&task);
        let class = task.class();
        self.enqueue(task, class);
    }

    /// The same for a task that did not run here just now: the floating-point registers in the hart are another's.
    #[expect(unsafe_code, reason = "the run queue keeps tokens as pointers")]
    #[inline(always)]
    pub(super) fn enqueue(&mut self, task: OwnedTask, class: QosClass) {
        task.state.store(TaskState::Ready as u8, Ordering::Relaxed);
        // SAFETY: as in `pop`.
        let mut links = unsafe { QueueLinks::new() };
        self.queue.push_back(class, task.into_ptr(), &mut links);
    }

    /// Rules 2 and 3 at once: `task`, which ran, gives way to the next of its class.
    #[expect(unsafe_code, reason = "the run queue keeps tokens as pointers")]
    #[inline(always)]
    pub(super) fn rotate(&mut self, task: OwnedTask) -> Option<OwnedTask> {
        task.state.store(TaskState::Ready as u8, Ordering::Relaxed);
        // SAFETY: as in `pop`.
        unsafe {
            let mut links = QueueLinks::new();
            self.queue.rotate(self.class, task.into_ptr(), &mut links).map(|ptr| ptr.take())
        }
    }

    /// Rule 4: the task keeps its turn.
    #[expect(unsafe_code, reason = "the run queue keeps tokens as pointers")]
    fn push_front(&mut self, task: OwnedTask) {
        let class = task.class();
        task.state.store(TaskState::Ready as u8, Ordering::Relaxed);
        self.save_fpu(&task);
        // SAFETY: as in `pop`.
        let mut links = unsafe { QueueLinks::new() };
        self.queue.push_front(class, task.into_ptr(), &mut links);
    }

    /// Rule 5: a task for hart `taker`, if there is one it may run.
    #[expect(unsafe_code, reason = "the run queue keeps tokens as pointers")]
    pub(crate) fn take_surplus(&mut self, taker: usize) -> Option<OwnedTask> {
        // SAFETY: as in `pop`; tasks in the queue are alive.
        unsafe {
            let mut links = QueueLinks::new();
            let may = |ptr: crate::task::TaskPtr| ptr.shared().affinity().contains(taker);
            self.queue.take_surplus(super::place::STEAL_SCAN, &mut links, may).map(|ptr| ptr.take())
        }
    }
}
