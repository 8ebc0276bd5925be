//! Evening out between harts that all have something to do (rule 14).

use core::cmp::Ordering;

use nexus_abi::QosClass;

use crate::entity::{Entities, Entity};
use crate::hart_queue::{HartQueue, Mode};
use crate::run_queue::{RunQueue, bit};
use crate::time::Ticks;

/// What there is to do on a hart: its highest class, and the weight of all in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Pressure {
    class: QosClass,
    /// 0 when there is nothing to do.
    weight: u64,
}

impl Pressure {
    const CLASS_SHIFT: u32 = 56;

    /// Of so much weight in a class.
    #[inline(always)]
    pub const fn of(class: QosClass, weight: u64) -> Self {
        Self { class, weight }
    }

    /// Of one task of ordinary weight.
    #[inline(always)]
    pub const fn of_plain(class: QosClass) -> Self {
        Self::of(class, nexus_abi::Shares::DEFAULT.get() as u64)
    }

    /// As a word.
    #[inline(always)]
    pub const fn to_word(self) -> u64 {
        (self.class as u64) << Self::CLASS_SHIFT | self.weight
    }

    /// From a word.
    pub fn from_word(word: u64) -> Self {
        let class = QosClass::from_wire(word >> Self::CLASS_SHIFT).unwrap_or_default();
        Self { class, weight: word & ((1 << Self::CLASS_SHIFT) - 1) }
    }

    /// The weight that a task of `class` competes with; nothing helps it while a higher class runs.
    fn upon(self, class: QosClass) -> Option<u64> {
        match self.class.cmp(&class) {
            _ if self.weight == 0 => Some(0),
            Ordering::Greater => None,
            Ordering::Equal => Some(self.weight),
            Ordering::Less => Some(0),
        }
    }

    /// True when a task of `class` that is part of this would be better off there.
    fn is_worse_than(self, there: Self, class: QosClass) -> bool {
        match (self.upon(class), there.upon(class)) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(here), Some(there)) => there < here,
        }
    }
}

impl<Id: Copy + Eq> HartQueue<Id> {
    /// What there is to do. O(1).
    pub fn pressure(&self, entities: &mut impl Entities<Id>) -> Pressure {
        let Some(claim) = self.claim else { return self.queue.pressure(None) };
        let entity = entities.entity(claim);
        match self.mode {
            Mode::Alone | Mode::AloneOdd => Pressure::of(entity.class(), entity.weight),
            // The other is like it.
            Mode::OneWaits => Pressure::of(entity.class(), 2 * entity.weight),
            // And so are those of its class in line.
            Mode::Line => {
                let alike = self.lines.len_of(entity.class()) as u64 + 1;
                Pressure::of(entity.class(), alike * entity.weight)
            }
            Mode::Contest => self.queue.pressure(Some(entity.class())),
        }
    }

    /// A task for a hart that has less to do, taken out: of the highest class of which one waits that would be better
    /// off there, the lightest. `may` says whether that hart can run it. Looks at no more than `bound` tasks:
    /// O(bound + log n).
    pub fn give_evenly(
        &mut self,
        there: Pressure,
        bound: usize,
        now: Ticks,
        entities: &mut impl Entities<Id>,
        may: impl FnMut(Id) -> bool,
    ) -> Option<Id> {
        let here = self.pressure(entities);
        self.enter(now, entities);
        self.queue.give_evenly((here, there), bound, now, entities, may)
    }
}

impl<Id: Copy + Eq> RunQueue<Id> {
    /// What there is to do, when a task of class `running` runs.
    fn pressure(&self, running: Option<QosClass>) -> Pressure {
        match self.highest().max(running) {
            Some(class) => Pressure::of(class, self.classes[class as usize].clock.members_weight()),
            None => Pressure::default(),
        }
    }

    fn give_evenly(
        &mut self,
        (here, there): (Pressure, Pressure),
        bound: usize,
        now: Ticks,
        entities: &mut impl Entities<Id>,
        mut may: impl FnMut(Id) -> bool,
    ) -> Option<Id> {
        let mut left = bound;
        for class in QosClass::ALL.into_iter().rev() {
            if self.ready & bit(class) == 0 || !here.is_worse_than(there, class) {
                continue;
            }
            if let Some(id) = self.classes[class as usize].lightest(&mut left, entities, &mut may) {
                self.depart(id, now, entities);
                return Some(id);
            }
        }
        None
    }

    /// A waiting task leaves for a hart with less to do.
    fn depart(&mut self, id: Id, now: Ticks, entities: &mut impl Entities<Id>) {
        let class = entities.entity(id).class();
        self.take_waiting(class, id, entities);
        self.class(class).clock.depart(entities.entity(id), now);
    }

    /// The running task had the hart for itself for so long, uncounted.
    pub(crate) fn run_ahead(&mut self, claim: Id, had: Ticks, entities: &mut impl Entities<Id>) {
        let entity: &Entity<Id> = entities.entity(claim);
        let inverse = entity.inverse;
        let class = entity.class();
        self.class(class).clock.run_ahead(inverse, had);
    }
}
