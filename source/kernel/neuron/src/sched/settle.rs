//! From an outcome to the next running task.
//!
//! ```text
//! outcome ─► mail in ─► candidate or next of the queue ─► killed? a step of dying, and again
//!                                     │ none                      │ no
//!                                     ▼                           ▼
//!                                   sleep                  load its space, set the timer, go
//! ```

use core::sync::atomic::Ordering;

use nexus_abi::info::{TaskState, TraceKind};
use sched_policy::SLICE;

use super::{Hart, Outcome};
use crate::arch;
use crate::task::owned::QueueLinks;
use crate::task::{Flags, OwnedTask, death};
use crate::time::{self, Ticks};

impl Hart {
    /// Puts the next task in place. Sleeps until there is one. O(1) plus the mail that came.
    #[inline(always)]
    pub fn settle(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Resume(task) => {
                if self.shared.has_no_mail()
                    && task.flags() & Flags::KILL == 0
                    && !self.queue.outranks(task.class())
                {
                    self.load_space(&task);
                    self.current = Some(task);
                    self.set_timer();
                    return;
                }
                self.charge(&task);
                self.settle_slowly(Some(task));
            }
            Outcome::Yield(task) => {
                self.charge(&task);
                self.slice_end = Ticks::NEVER;
                self.push_back(task);
                self.settle_slowly(None);
            }
            Outcome::HandOver(task) => self.settle_slowly(Some(task)),
            Outcome::Blocked => {
                self.slice_end = Ticks::NEVER;
                self.settle_slowly(None);
            }
        }
    }

    fn settle_slowly(&mut self, mut candidate: Option<OwnedTask>) {
        loop {
            self.collect_mail();
            let task = match candidate.take() {
                Some(task) if !self.queue.outranks(task.class()) => task,
                Some(task) => {
                    // Rule 4: outranked, it keeps its turn.
                    self.push_front(task);
                    continue;
                }
                None => match self.pop() {
                    Some(task) => task,
                    None => {
                        self.sleep();
                        continue;
                    }
                },
            };
            if task.flags() & Flags::KILL == 0 {
                self.enter(task);
                break;
            }
            // A dying task's remaining work is in the kernel, done in its own turn, a bounded step at a time.
            candidate = death::step(self, task);
            self.poll_interrupts();
        }
        self.set_timer();
        self.shared.publish_load(self.queue.len());
    }

    /// Makes `task` the running one.
    #[inline(always)]
    fn enter(&mut self, task: OwnedTask) {
        self.load_space(&task);
        if !arch::fpu_is_idle(task.flags()) {
            arch::fpu_switch_to(&task);
        }
        task.set_hart(self.index);
        task.state.store(TaskState::Running as u8, Ordering::Relaxed);
        task.switches.store(task.switches.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        self.shared.count_switch();
        self.trace(TraceKind::Switch, Some(&task), 0);
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
            task.tlb_ok.fetch_or(self.bit(), Ordering::SeqCst);
            task.ran_on.fetch_or(self.bit(), Ordering::SeqCst);
            arch::flush_space(task.asid());
        }
    }

    /// Selects the kernel's own space: the one loaded belongs to a task that may die any moment.
    pub(crate) fn forget_space(&self) {
        self.loaded.set(self.machine.kernel_space);
        arch::load_space(self.machine.kernel_space);
    }

    /// True when the running task has any flag set, or this hart keeps a trace.
    #[inline(always)]
    pub(crate) fn must_go_slow(&self) -> bool {
        self.tracing || self.current.as_ref().is_none_or(|task| task.flags() != 0)
    }

    /// True when a waiting task can take this hart without further ado. That its translations are good
    /// here implies that it may run here.
    #[inline(always)]
    pub(crate) fn can_take_over(&self, task: &crate::task::Task) -> bool {
        task.flags() == 0
            && task.tlb_ok.load(Ordering::Relaxed) & self.bit != 0
            && !self.queue.outranks(task.class())
    }

    /// Puts back the task that was taken out.
    #[inline(always)]
    pub(crate) fn put_current(&mut self, task: OwnedTask) {
        self.current = Some(task);
    }

    /// The fast path's switch: what [`Self::can_take_over`] allowed. The timer stays as it is, because the
    /// run queue and the slice do; so does the account, because the clock is not read: the time goes to
    /// whichever of the two next takes the general path.
    #[inline(always)]
    pub(crate) fn run_instead(&mut self, task: OwnedTask) -> *const crate::task::Task {
        self.loaded.set(task.space_id());
        arch::load_space(task.space_id());
        task.set_hart(self.index);
        task.switches.store(task.switches.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        let chosen = task.as_ptr().as_ptr().cast_const();
        self.current = Some(task);
        chosen
    }

    /// The caller that has just begun to await a reply may have been killed a moment before.
    #[inline(always)]
    #[expect(unsafe_code, reason = "the reply handle keeps the caller alive")]
    pub(crate) fn check_killed(&mut self, caller: crate::task::TaskPtr, call: u32) {
        core::sync::atomic::fence(Ordering::SeqCst);
        // SAFETY: the server's reply handle, made just now, holds a reference, and the server runs here next.
        let caller = unsafe { caller.shared() };
        if caller.flags() & Flags::KILL != 0
            && let Some(caller) = crate::ipc::reply::claim(caller, call)
        {
            self.make_ready(caller);
        }
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
        let contested = match &self.current {
            Some(task) => self.queue.highest() == Some(task.class()),
            None => false,
        };
        if !contested {
            self.slice_end = Ticks::NEVER;
        } else if self.slice_end == Ticks::NEVER {
            self.slice_end = Ticks(time::now().0 + self.machine.clock.ticks(SLICE).0);
        }
        let wanted = self.deadlines.first().min(self.slice_end);
        if wanted != self.armed {
            arch::set_timer(self.armed.0, wanted.0);
            self.armed = wanted;
        }
    }

    /// The timer interrupt: deadlines, and the end of a slice.
    pub(crate) fn on_timer(&mut self) {
        self.shared.count_timer_irq();
        self.trace(TraceKind::Timer, None, 0);
        arch::set_timer(self.armed.0, Ticks::NEVER.0);
        self.armed = Ticks::NEVER;
        self.expire_deadlines();
    }

    /// True when the running task's slice is over and another of its class waits.
    pub(crate) fn slice_is_over(&self) -> bool {
        self.slice_end != Ticks::NEVER && self.slice_end <= time::now()
    }

    /// Serves interrupts without a trap: asleep, or between steps of long work.
    pub(crate) fn poll_interrupts(&mut self) {
        let pending = arch::pending_interrupts();
        if pending.timer {
            self.on_timer();
        }
        if pending.software {
            self.on_ipi();
        }
        if pending.external {
            crate::ipc::irq::on_external(self);
        }
    }

    /// The next task of the queue.
    #[expect(unsafe_code, reason = "the run queue keeps tokens as pointers")]
    #[inline(always)]
    fn pop(&mut self) -> Option<OwnedTask> {
        // SAFETY: the queue is this hart's own and holds the tokens of its tasks.
        unsafe {
            let links = QueueLinks::new();
            self.queue.pop(&links).map(|ptr| ptr.take())
        }
    }

    /// Rule 2 or 3: the task waits behind the others of its class.
    #[expect(unsafe_code, reason = "the run queue keeps tokens as pointers")]
    #[inline(always)]
    pub(crate) fn push_back(&mut self, task: OwnedTask) {
        let class = task.class();
        task.state.store(TaskState::Ready as u8, Ordering::Relaxed);
        self.save_fpu(&task);
        // SAFETY: as in `pop`.
        let mut links = unsafe { QueueLinks::new() };
        self.queue.push_back(class, task.into_ptr(), &mut links);
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
