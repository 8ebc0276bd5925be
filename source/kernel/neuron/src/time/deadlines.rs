//! The deadlines that a hart holds, and when it must be awake for them.
//!
//! A task that waits until a deadline has a window: from the deadline to the end of its class's slack. The library's
//! queue says when the hart must be awake at the latest, and who is due when it is. So the hart sleeps until the first
//! *latest*, or a little less if it can wake with another one then. Whoever has a deadline behind it is woken then, or
//! before when the hart is awake anyway. The places of the queue are in the tasks: waiting needs no memory. Every
//! operation is O(log n), owner hart only.
#![expect(unsafe_code, reason = "reaches the node in the task")]

use sched_policy::Ticks;
use timer_coalescer::queue::{Nodes, Queue, Window};

use crate::task::{TaskPtr, owned::TimerNodes};

/// The deadlines.
#[derive(Debug)]
pub struct Deadlines {
    queue: Queue<TaskPtr, Ticks>,
    /// From when on somebody is due, so that looking costs nothing when nobody is.
    due_from: Ticks,
    /// Until when the hart may sleep; likewise.
    wake_by: Ticks,
}

impl Deadlines {
    /// None.
    pub const fn new() -> Self {
        Self { queue: Queue::new(), due_from: Ticks::NEVER, wake_by: Ticks::NEVER }
    }

    /// The first deadline: from then on somebody may be woken.
    #[inline(always)]
    pub const fn due_from(&self) -> Ticks {
        self.due_from
    }

    /// The first end of a window: somebody must be woken by then.
    #[inline(always)]
    pub const fn wake_by(&self) -> Ticks {
        self.wake_by
    }

    /// From when on waking is as good as at [`Self::wake_by`].
    pub fn as_good_from(&self) -> Ticks {
        // SAFETY: the nodes are in the queue of this hart.
        let mut nodes = unsafe { TimerNodes::new() };
        self.queue.as_good_from(&mut nodes).unwrap_or(Ticks::NEVER)
    }

    /// Arms a deadline for a task that has none.
    pub fn arm(&mut self, ptr: TaskPtr, window: Window<Ticks>) {
        // SAFETY: the task is not in any deadline queue, and this hart owns the one it enters.
        let mut nodes = unsafe { TimerNodes::new() };
        self.queue.insert(ptr, window, &mut nodes);
        self.due_from = self.due_from.min(window.earliest());
        self.wake_by = self.wake_by.min(window.latest());
    }

    /// Takes out the task with the first deadline if that has come by `now`.
    #[inline(always)]
    pub fn expire(&mut self, now: Ticks) -> Option<TaskPtr> {
        if self.due_from > now {
            return None;
        }
        let task = self.queue.first()?;
        self.disarm(task);
        Some(task)
    }

    /// Disarms the deadline of a task that has one here.
    #[inline(always)]
    pub fn disarm(&mut self, ptr: TaskPtr) {
        // Most harts hold one at most, most of the time.
        if self.queue.remove_only() {
            (self.due_from, self.wake_by) = (Ticks::NEVER, Ticks::NEVER);
        } else {
            self.disarm_among(ptr);
        }
    }

    #[inline(never)]
    fn disarm_among(&mut self, ptr: TaskPtr) {
        // SAFETY: the node is in the queue of this hart.
        let mut nodes = unsafe { TimerNodes::new() };
        self.queue.remove(ptr, &mut nodes);
        self.due_from =
            self.queue.first().map_or(Ticks::NEVER, |first| nodes.node(first).window().earliest());
        self.wake_by = self.queue.next_wakeup().unwrap_or(Ticks::NEVER);
    }
}

impl Default for Deadlines {
    fn default() -> Self {
        Self::new()
    }
}
