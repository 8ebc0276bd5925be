//! Those who wait in line: first come, first served, class by class.
//!
//! Between tasks of one class and weight that come with nothing owed to them or by them, EEVDF's order is the order in
//! which they came. So as long as each has little to do there is nothing to weigh, and coming and going cost a few
//! instructions whatever their number. When that ends is the business of [`crate::hart_queue`].
//!
//! A list for each class, whose links live in the tasks.

use nexus_abi::QosClass;

use crate::entity::Entities;
use crate::run_queue::{CLASSES, bit, highest};
use crate::time::Ticks;

/// Most tasks in line. 256: when one of them runs for longer than a trifle all are entered into the contest at once,
/// and that shall not take much longer than a trifle itself.
const LINE_MAX: usize = 256;

/// The part of a line that lives in an entity.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<Id> {
    next: Option<Id>,
    came: Ticks,
}

impl<Id> Place<Id> {
    /// In no line.
    pub(crate) const fn new() -> Self {
        Self { next: None, came: Ticks(0) }
    }
}

/// The lines of all classes.
#[derive(Debug)]
pub(crate) struct Lines<Id> {
    lines: [Line<Id>; CLASSES],
    /// Bit `c` is set when a task of class `c` is in line.
    ready: u8,
    len: usize,
}

#[derive(Clone, Copy, Debug)]
struct Line<Id> {
    first: Option<Id>,
    last: Option<Id>,
    len: usize,
    /// Since when the first one has waited without any of the class running.
    since: Ticks,
}

impl<Id: Copy + Eq> Lines<Id> {
    pub(crate) const fn new() -> Self {
        let line = Line { first: None, last: None, len: 0, since: Ticks(0) };
        Self { lines: [line; CLASSES], ready: 0, len: 0 }
    }

    /// Tasks of all classes.
    #[inline(always)]
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    #[inline(always)]
    pub(crate) const fn is_full(&self) -> bool {
        self.len >= LINE_MAX
    }

    /// Tasks of a class.
    #[inline(always)]
    pub(crate) const fn len_of(&self, class: QosClass) -> usize {
        self.lines[class as usize].len
    }

    /// The highest class with a task in line.
    #[inline(always)]
    pub(crate) const fn highest(&self) -> Option<QosClass> {
        highest(self.ready)
    }

    /// The first of the highest class, and the class.
    #[inline(always)]
    pub(crate) fn first(&self) -> Option<(Id, QosClass)> {
        let class = self.highest()?;
        self.lines[class as usize].first.map(|first| (first, class))
    }

    /// The earliest moment since which a class below this one has waited. O(1).
    #[inline(always)]
    pub(crate) fn passed_over_since(&self, class: QosClass) -> Option<Ticks> {
        let lower = self.ready & (bit(class) - 1);
        if lower == 0 {
            return None;
        }
        let since = |class: QosClass| match lower & bit(class) {
            0 => Ticks::NEVER,
            _ => self.lines[class as usize].since,
        };
        Some(since(QosClass::Idle).min(since(QosClass::Normal)).min(since(QosClass::Interactive)))
    }

    /// A task comes. O(1).
    #[inline(always)]
    pub(crate) fn push(&mut self, id: Id, now: Ticks, entities: &mut impl Entities<Id>) {
        let entity = entities.entity(id);
        entity.place = Place { next: None, came: now };
        let class = entity.class();
        let line = &mut self.lines[class as usize];
        match line.last {
            Some(last) if line.len != 0 => entities.entity(last).place.next = Some(id),
            _ => (line.first, line.since) = (Some(id), now),
        }
        line.last = Some(id);
        line.len += 1;
        self.len += 1;
        self.ready |= bit(class);
    }

    /// The first of the highest class goes. O(1).
    #[inline(always)]
    pub(crate) fn pop(&mut self, entities: &mut impl Entities<Id>) -> Option<(Id, QosClass)> {
        let (first, class) = self.first()?;
        self.remove_first(first, class, entities);
        Some((first, class))
    }

    /// The one that is the first of this class goes. O(1).
    #[inline(always)]
    pub(crate) fn remove_first(&mut self, first: Id, class: QosClass, entities: &mut impl Entities<Id>) {
        let line = &mut self.lines[class as usize];
        line.first = entities.entity(first).place.next;
        line.len -= 1;
        self.len -= 1;
        if line.len == 0 {
            self.ready &= !bit(class);
        }
    }

    /// A task of this class runs from now on: the others of the class have not been passed over.
    #[inline(always)]
    pub(crate) const fn note_served(&mut self, class: QosClass, now: Ticks) {
        self.lines[class as usize].since = now;
    }

    /// The first of this class goes: with the moment from which on it counts as waiting. O(1).
    #[inline(always)]
    pub(crate) fn take(&mut self, class: QosClass, entities: &mut impl Entities<Id>) -> Option<(Id, Ticks)> {
        let line = &self.lines[class as usize];
        let (first, since) = (line.first.filter(|_| line.len != 0)?, line.since);
        let came = entities.entity(first).place.came;
        self.remove_first(first, class, entities);
        Some((first, came.max(since)))
    }
}
