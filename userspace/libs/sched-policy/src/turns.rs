//! Turns: strict class order, round robin inside a class. What the kernel uses until it keeps the entities of
//! [`crate::RunQueue`].
//!
//! The rules, which the kernel only executes:
//!
//! 1. A runnable task of a higher class runs before any of a lower one.
//! 2. Inside a class tasks run in the order in which they became runnable.
//! 3. A task that has run for [`SLICE`] while another of its class waits goes to the end of the queue.
//!    With nobody waiting there is no slice and no timer.
//! 4. A task preempted by a higher class goes back to the front of its queue: it keeps its turn.
//! 5. Giving work away ([`RunQueue::take_surplus`]) takes the task that would run last of the highest
//!    class that has one the taker may run.
//!
//! ```text
//! ready: 0b1010      PerfBurst   ─ head → task → task ─ tail
//!                    Interactive ─
//!                    Normal      ─ head → task ─ tail
//!                    Idle        ─
//! ```
//!
//! The queue owns no memory: tasks carry the link, and [`Links`] reaches it. Every operation is O(1) but
//! `take_surplus`, which is O(n) in the tasks it passes over and bounded by its caller.

use nexus_abi::{Nanos, QosClass};

/// How long a task runs while others of its class wait.
///
/// 4 ms: long enough that switching costs well under 0.1 %, short enough that ten busy tasks still each
/// get their turn within a frame or two of a 60 Hz screen.
pub const SLICE: Nanos = Nanos::from_millis(4);

const CLASSES: usize = QosClass::ALL.len();

/// The highest class whose bit is set, by the set of bits: the look-up is shorter than the search.
const HIGHEST: [Option<QosClass>; 1 << CLASSES] = {
    let mut table = [None; 1 << CLASSES];
    let mut class = 0;
    while class < CLASSES {
        let mut ready = 1 << class;
        while ready < 2 << class {
            table[ready] = Some(QosClass::ALL[class]);
            ready += 1;
        }
        class += 1;
    }
    table
};

/// Reaches the link that each task carries for the queue it is in.
pub trait Links<Id> {
    /// The task behind `id`.
    fn next(&self, id: Id) -> Option<Id>;
    /// Puts `next` behind `id`.
    fn set_next(&mut self, id: Id, next: Option<Id>);
}

/// The runnable tasks of one hart, the running one excepted.
#[derive(Debug)]
pub struct RunQueue<Id> {
    classes: [Fifo<Id>; CLASSES],
    /// Bit `c` is set when class `c` has a task.
    ready: u8,
    len: usize,
}

#[derive(Debug)]
struct Fifo<Id> {
    ends: Option<(Id, Id)>,
}

impl<Id: Copy + Eq> RunQueue<Id> {
    /// An empty queue.
    pub const fn new() -> Self {
        Self { classes: [const { Fifo { ends: None } }; CLASSES], ready: 0, len: 0 }
    }

    /// Tasks waiting.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// True when no task waits.
    pub const fn is_empty(&self) -> bool {
        self.ready == 0
    }

    /// The highest class with a task waiting. O(1).
    #[inline]
    pub fn highest(&self) -> Option<QosClass> {
        HIGHEST[usize::from(self.ready) % HIGHEST.len()]
    }

    /// True when a task of `class` waits, and none of a higher one: it competes with a running task of that
    /// class. O(1).
    #[inline]
    pub const fn contests(&self, class: QosClass) -> bool {
        self.ready >> class as u8 == 1
    }

    /// True when a task of `class` or above waits. O(1).
    #[inline]
    pub const fn has_at_least(&self, class: QosClass) -> bool {
        self.ready >> class as u8 != 0
    }

    /// The task of `class` that would run next. O(1).
    #[inline]
    pub fn first_of(&self, class: QosClass) -> Option<Id> {
        self.classes[class as usize].ends.map(|(head, _)| head)
    }

    /// True when a task of a class above `class` waits. O(1).
    #[inline]
    pub const fn outranks(&self, class: QosClass) -> bool {
        self.ready >> (class as u8 + 1) != 0
    }

    /// A task became runnable, or used up its slice (rules 2 and 3). O(1).
    #[inline]
    pub fn push_back(&mut self, class: QosClass, id: Id, links: &mut impl Links<Id>) {
        links.set_next(id, None);
        let fifo = self.fifo(class);
        fifo.ends = match fifo.ends {
            None => Some((id, id)),
            Some((head, tail)) => {
                links.set_next(tail, Some(id));
                Some((head, id))
            }
        };
        self.ready |= 1 << class as u8;
        self.len += 1;
    }

    /// A running task was preempted (rule 4). O(1).
    #[inline]
    pub fn push_front(&mut self, class: QosClass, id: Id, links: &mut impl Links<Id>) {
        let fifo = self.fifo(class);
        links.set_next(id, fifo.ends.map(|(head, _)| head));
        fifo.ends = Some((id, fifo.ends.map_or(id, |(_, tail)| tail)));
        self.ready |= 1 << class as u8;
        self.len += 1;
    }

    /// The task to run next (rules 1 and 2), taken out. O(1).
    #[inline]
    pub fn pop(&mut self, links: &impl Links<Id>) -> Option<Id> {
        self.pop_if(links, |_| true)
    }

    /// The same, if `is_fit` likes it.
    #[inline]
    pub fn pop_if(&mut self, links: &impl Links<Id>, is_fit: impl FnOnce(Id) -> bool) -> Option<Id> {
        let class = self.highest()?;
        let fifo = self.fifo(class);
        let (head, tail) = fifo.ends.filter(|(head, _)| is_fit(*head))?;
        fifo.ends = links.next(head).map(|next| (next, tail));
        if fifo.ends.is_none() {
            self.ready &= !(1 << class as u8);
        }
        self.len -= 1;
        Some(head)
    }

    /// A running task used up its slice and the next of its class takes its place (rules 2 and 3): what
    /// [`Self::push_back`] and [`Self::pop`] come to when [`Self::contests`] is true. O(1).
    #[inline]
    pub fn rotate(&mut self, class: QosClass, id: Id, links: &mut impl Links<Id>) -> Option<Id> {
        let fifo = self.fifo(class);
        let (head, tail) = fifo.ends?;
        links.set_next(id, None);
        links.set_next(tail, Some(id));
        fifo.ends = links.next(head).map(|next| (next, id));
        Some(head)
    }

    /// A task to give to another hart (rule 5), taken out. `may` says whether the taker can run it.
    /// Looks at no more than `bound` tasks.
    pub fn take_surplus(
        &mut self,
        bound: usize,
        links: &mut impl Links<Id>,
        mut may: impl FnMut(Id) -> bool,
    ) -> Option<Id> {
        let mut left = bound;
        for class in QosClass::ALL.into_iter().rev() {
            let mut before = None;
            let mut found = None;
            let mut at = self.fifo(class).ends.map(|(head, _)| head);
            while let Some(id) = at {
                if left == 0 {
                    break;
                }
                left -= 1;
                if may(id) {
                    found = Some((before, id));
                }
                before = Some(id);
                at = links.next(id);
            }
            if let Some((before, id)) = found {
                self.unlink(class, before, id, links);
                return Some(id);
            }
        }
        None
    }

    fn unlink(&mut self, class: QosClass, before: Option<Id>, id: Id, links: &mut impl Links<Id>) {
        let after = links.next(id);
        let fifo = self.fifo(class);
        if let Some((head, tail)) = fifo.ends {
            let head = if head == id { after } else { Some(head) };
            let tail = if tail == id { before } else { Some(tail) };
            fifo.ends = head.zip(tail);
        }
        if let Some(before) = before {
            links.set_next(before, after);
        }
        if self.fifo(class).ends.is_none() {
            self.ready &= !(1 << class as u8);
        }
        self.len -= 1;
    }

    #[inline]
    fn fifo(&mut self, class: QosClass) -> &mut Fifo<Id> {
        &mut self.classes[class as usize]
    }
}

impl<Id: Copy + Eq> Default for RunQueue<Id> {
    fn default() -> Self {
        Self::new()
    }
}

/// True when a task of class `new` that becomes runnable takes the hart from one of class `running`.
#[inline]
pub fn preempts(new: QosClass, running: QosClass) -> bool {
    new > running
}

#[cfg(test)]
mod tests;
