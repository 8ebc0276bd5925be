//! Which hart a task that became ready goes to.
//!
//! In this order: the hart that holds its deadline; for Normal and Idle, the hart that wakes it, which is awake
//! already, if the task prefers that; a sleeping hart that it prefers, its last one first; a sleeping hart it may use;
//! its last hart, if it prefers that; the first hart that it prefers. Who waits on a hart for a slice, or for half a
//! round, is offered to those that sleep. Sleeping harts ask the busiest one for surplus before they sleep, and get at
//! most one task for each question.

use core::sync::atomic::Ordering;

use nexus_abi::info::{TaskState, TraceKind};
use nexus_abi::ipc::Shape;
use nexus_abi::{Call, HARTS_MAX, Handle, QosClass};

use super::{Hart, Outcome};
use crate::ipc::message::Parts;
use crate::smp;
use crate::sync::mailbox::Parcels;
use crate::task::registers::Reg;
use crate::task::{Flags, OwnedTask, Task};
use crate::time::Ticks;

/// Tasks a hart looks at when it is asked for surplus.
pub const STEAL_SCAN: usize = 16;

impl Hart {
    /// A task can run again: it goes into this hart's queue or another's mailbox.
    #[inline(always)]
    pub fn make_ready(&mut self, task: OwnedTask) {
        if self.queue.claim() == Some(task.ptr()) {
            self.take_back_claim();
        }
        self.make_others_ready(task);
    }

    /// The same for a task in whose name nobody runs.
    #[inline(always)]
    pub(crate) fn make_others_ready(&mut self, task: OwnedTask) {
        let home = task.hart();
        let preferred = task.schedule().preferred().0;
        let sleeps_at_home = (self.idle.load(Ordering::Relaxed) & preferred) >> home & 1 == 1;
        let is_plain = sleeps_at_home && !self.tracing && home != self.index;
        if is_plain && (preferred & self.bit == 0 || !is_ordinary(&task)) {
            self.send(task, home);
        } else {
            self.place(task);
        }
    }

    #[inline(never)]
    fn place(&mut self, task: OwnedTask) {
        let target = self.target_of(&task);
        self.trace(TraceKind::Wake, Some(&task), target as u64);
        if target != task.hart() {
            task.history.migrates();
        }
        if target == self.index {
            self.adopt(task);
        } else {
            self.send(task, target);
        }
    }

    /// The running task waits now, and `task` goes on in its name if it may run here; else it is made ready like any
    /// other.
    #[inline(always)]
    pub fn hand_over(&mut self, task: OwnedTask) -> Outcome {
        if self.may_take_hart(&task) {
            return self.take_hart_over(task);
        }
        self.drop_claim();
        self.make_others_ready(task);
        Outcome::Blocked
    }

    /// The same, when the one that waits has left the hart to nobody.
    #[inline(always)]
    pub fn take_free_hart(&mut self, task: OwnedTask) -> Outcome {
        if self.may_take_hart(&task) {
            return self.take_hart_over(task);
        }
        self.make_others_ready(task);
        Outcome::Blocked
    }

    #[inline(always)]
    fn take_hart_over(&mut self, task: OwnedTask) -> Outcome {
        self.disarm(&task);
        if self.queue.is_uncontested() && task.flags() & Flags::WEIGH == 0 {
            self.claim_alone(&task);
        } else {
            self.claim_for(&task);
        }
        Outcome::HandOver(task)
    }

    /// True when a task that waited may run here next.
    #[inline(always)]
    pub(super) fn may_take_hart(&self, task: &Task) -> bool {
        task.affinity().contains(self.index) && (!task.is_anchored() || task.hart() == self.index)
    }

    /// A server that was taken out of its queue for a message it did not get begins to receive again.
    pub fn retry(&mut self, mut server: OwnedTask) {
        let room = Parts::of(&server).map_or(0, |parts| parts.room);
        let registers = server.registers_mut();
        let endpoint = Handle::from_wire(registers.get(Reg::T1));
        registers.set(Reg::T0, Call::Receive.to_wire());
        registers.set(Reg::T1, endpoint.to_wire());
        registers.set(Reg::T2, Shape::new(0, room, Handle::NONE).unwrap_or(Shape::REGISTERS).0);
        registers.set(Reg::Pc, registers.get(Reg::Pc).wrapping_sub(smp::ECALL_LEN));
        self.make_ready(server);
    }

    /// Takes in what other harts sent.
    pub(crate) fn collect_mail(&mut self) {
        if self.shared.has_no_mail() {
            return;
        }
        for task in self.shared.take_mail() {
            self.adopt(task);
        }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn adopt_all(&mut self, first: OwnedTask, others: Parcels<OwnedTask>) {
        self.adopt(first);
        for task in others {
            self.adopt(task);
        }
    }

    /// Answers harts that asked for surplus: one task each. Not one of those in line, who will be done before it pays;
    /// if not, they are offered.
    pub(crate) fn answer_steals(&mut self) {
        let mut asking = self.shared.take_steal_requests();
        if self.queue.has_line() {
            return;
        }
        while asking != 0 {
            let taker = asking.trailing_zeros() as usize;
            asking &= asking - 1;
            self.give_surplus(taker);
        }
    }

    /// A task has waited here for a slice, or for as long as others may sleep meanwhile: each hart that sleeps gets one
    /// of those who wait. It has asked for surplus once, perhaps before there was any. O(1) if no hart sleeps, else a look
    /// for surplus for each that does.
    pub(crate) fn offer_surplus(&mut self, now: Ticks) {
        if self.queue.has_line() && now < self.offer_at {
            // They have waited for one that stays longer than they would, as far as anybody knows.
            return;
        }
        self.offer_at = Ticks::NEVER;
        if self.idle.load(Ordering::Relaxed) & !self.bit == 0 {
            return;
        }
        for further in 1..HARTS_MAX {
            // The next one first: else all who offer would choose the same.
            let taker = (self.index + further) % HARTS_MAX;
            let sleeps = self.idle.load(Ordering::Relaxed) >> taker & 1 == 1;
            if sleeps && self.give_surplus(taker) {
                self.idle.fetch_and(!(1 << taker), Ordering::Relaxed);
            }
        }
    }

    fn give_surplus(&mut self, taker: usize) -> bool {
        let Some(task) = self.take_surplus(taker) else { return false };
        if let Some(shared) = self.machine.harts.get(taker) {
            shared.count_steal();
        }
        self.move_to(task, taker);
        true
    }

    /// A ready task goes to another hart.
    pub(super) fn move_to(&self, task: OwnedTask, taker: usize) {
        task.set_hart(taker);
        task.history.migrates();
        self.send(task, taker);
    }

    /// The task belongs to this hart now and waits for its turn.
    #[inline(never)]
    fn adopt(&mut self, task: OwnedTask) {
        if self.queue.claim() == Some(task.ptr()) {
            // It was killed elsewhere while its server ran in its name.
            self.take_back_claim();
        }
        if task.is_anchored() {
            self.lift_anchor(&task);
        }
        self.queue_up(task);
    }

    #[inline(never)]
    fn send(&self, task: OwnedTask, target: usize) {
        task.state.store(TaskState::Ready as u8, Ordering::Relaxed);
        if let Some(shared) = self.machine.harts.get(target)
            && shared.push_mail(task)
        {
            shared.interrupt();
        }
    }

    fn target_of(&self, task: &OwnedTask) -> usize {
        let last = task.hart();
        // There is its deadline, or perhaps somebody who works in its name.
        if task.is_anchored() || task.flags() & Flags::KILL != 0 {
            return last;
        }
        let online = self.machine.online();
        let allowed = task.affinity().0 & online;
        let preferred = task.schedule().preferred().0 & allowed;
        if preferred & self.bit != 0 && is_ordinary(task) {
            return self.index;
        }
        let idle = self.machine.idle.load(Ordering::Relaxed) & allowed;
        let free = if idle & preferred != 0 { idle & preferred } else { idle };
        if free != 0 {
            let first = if free >> last & 1 == 1 { last } else { free.trailing_zeros() as usize };
            if first != last {
                // Claimed, so that the next task that becomes ready picks another.
                self.machine.idle.fetch_and(!(1 << first), Ordering::Relaxed);
            }
            return first;
        }
        let busy = if preferred != 0 { preferred } else { allowed };
        if busy >> last & 1 == 1 { last } else { busy.trailing_zeros() as usize % nexus_abi::HARTS_MAX }
    }
}

/// True for a task that can wait: Normal or Idle, and nobody more urgent waits for it.
#[inline(always)]
fn is_ordinary(task: &Task) -> bool {
    task.class() <= QosClass::Normal && task.flags() & Flags::LENT == 0
}
