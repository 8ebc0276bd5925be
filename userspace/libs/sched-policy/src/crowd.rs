//! A [`HartQueue`] while some wait in line: crowds that have little to do each.
//!
//! A timer, a broadcast or a server that answers many makes many tasks ready at one moment. Weighing them against each
//! other costs each of them more than most of them have to do, and comes to the order in which they came. So they only
//! stand in [`crate::line`], and what they have of the hart is counted from where somebody overstays: those who came
//! before that are then entered from when they came, or from when one of their class last began to run.

use nexus_abi::QosClass;

use crate::entity::Entities;
use crate::hart_queue::{HartQueue, Mode, are_alike};
use crate::time::Ticks;

impl<Id: Copy + Eq> HartQueue<Id> {
    /// The running task sleeps, and the first in line is next, if it `is_fit`: the short way for [`Self::leave`] and
    /// [`Self::pick`]. Else nothing is done. O(1).
    #[inline(always)]
    pub fn follow_line(
        &mut self,
        now: Ticks,
        entities: &mut impl Entities<Id>,
        is_fit: impl FnOnce(Id) -> bool,
    ) -> Option<Id> {
        if !matches!(self.mode, Mode::Line) || now >= self.turn_ends {
            return None;
        }
        let (next, class) = self.lines.first().filter(|(next, _)| is_fit(*next))?;
        self.lines.remove_first(next, class, entities);
        self.run_before_line(next, class, now, entities);
        Some(next)
    }

    /// A task wakes that [`crate::Entity::is_plain`], while some are in line and one of a higher class runs: the short
    /// way for [`Self::add`]. False when nothing is done. O(1).
    #[inline(always)]
    pub fn join_line(&mut self, id: Id, now: Ticks, entities: &mut impl Entities<Id>) -> bool {
        let is_below = self.claim.is_some_and(|claim| is_plain_below(claim, id, entities));
        let may_join = matches!(self.mode, Mode::Line) && is_below && !self.lines.is_full();
        if may_join {
            // The first of its class tells until when they wait, unless a lower one has come before.
            self.stand_in_line(id, now, entities);
        }
        may_join
    }

    /// A line begins, while a task runs that outranks the first in it.
    pub(crate) fn begin_line(&mut self, id: Id, now: Ticks, entities: &mut impl Entities<Id>) {
        (self.mode, self.turn_ends) = (Mode::Line, now.after(self.outranked));
        self.lines.push(id, now, entities);
    }

    /// True when a task may wait in line, or wait for those who do: plain, and not above the one that runs. Behind one
    /// that has the hart for itself and one at the door no line begins: who wakes others goes on until they are weighed.
    #[inline(always)]
    pub(crate) fn may_stand_in_line(&self, id: Id, entities: &mut impl Entities<Id>) -> bool {
        !self.lines.is_full()
            && (self.mode == Mode::Line || self.claim.is_none())
            && match self.claim {
                Some(claim) => is_plain_below(claim, id, entities) || are_alike(claim, id, entities),
                None => entities.entity(id).is_plain(),
            }
    }

    /// The one at the door is the first in line, if it may: true then, and if there is none at the door.
    #[inline(always)]
    pub(crate) fn door_goes_in_line(&mut self, entities: &mut impl Entities<Id>) -> bool {
        if self.mode == Mode::Line {
            return true;
        }
        let Some(door) = self.door.filter(|door| entities.entity(*door).is_plain()) else { return false };
        self.mode = Mode::Line;
        self.lines.push(door, self.came, entities);
        true
    }

    /// A task waits in line. The one that runs has been given notice by the first of its class.
    #[inline(always)]
    pub(crate) fn stand_in_line(&mut self, id: Id, now: Ticks, entities: &mut impl Entities<Id>) {
        let class = entities.entity(id).class();
        if self.lines.len_of(class) == 0 {
            let is_rival = self.claim.is_some_and(|claim| entities.entity(claim).class() == class);
            let notice = if is_rival { self.notice_of_rival(now) } else { now.after(self.outranked) };
            self.turn_ends = self.turn_ends.min(notice);
        }
        self.lines.push(id, now, entities);
    }

    /// True when a task that comes to a hart on which nothing runs may go before those in line: one of a higher class, or
    /// one like the first of them, as long as these need not wait any more for that.
    pub(crate) fn goes_before_line(&self, id: Id, now: Ticks, entities: &mut impl Entities<Id>) -> bool {
        let entity = entities.entity(id);
        let (class, is_plain) = (entity.class(), entity.is_plain());
        let may_push_in = is_plain && now < self.turn_ends;
        self.lines.highest().is_none_or(|highest| class > highest || class == highest && may_push_in)
    }

    /// A task that [`Self::goes_before_line`] runs. For one that is like the first in line nobody waits any longer than
    /// for the one that ran: else those who come and go could keep the others waiting for ever.
    pub(crate) fn push_in(&mut self, id: Id, now: Ticks, entities: &mut impl Entities<Id>) {
        let class = entities.entity(id).class();
        let before = if self.lines.len_of(class) == 0 { Ticks::NEVER } else { self.turn_ends };
        self.run_before_line(id, class, now, entities);
        self.turn_ends = self.turn_ends.min(before);
    }

    /// A task of this class that goes before those in line runs: one like the first of them, or of a higher class.
    #[inline(always)]
    pub(crate) fn run_before_line(
        &mut self,
        id: Id,
        class: QosClass,
        now: Ticks,
        entities: &mut impl Entities<Id>,
    ) {
        self.lines.note_served(class, now);
        if self.lines.len() <= 1 {
            if self.lines.len() == 0 {
                return self.run_alone(id, now, entities);
            }
            if let Some((door, _)) = self.lines.take(class, entities) {
                (self.claim, self.began) = (Some(id), now);
                return self.wait_at_door(door, now);
            }
        }
        (self.mode, self.claim, self.began) = (Mode::Line, Some(id), now);
        self.turn_ends = self.notice(class, now);
    }

    /// When the one that begins to run, of this class, has kept those in line waiting for long enough.
    #[inline(always)]
    fn notice(&self, class: QosClass, now: Ticks) -> Ticks {
        let rivals = if self.lines.len_of(class) == 0 { Ticks::NEVER } else { self.patience_ends(now) };
        match self.lines.passed_over_since(class) {
            Some(since) => rivals.min(Ticks(since.0.wrapping_add(self.outranked.0))),
            None => rivals,
        }
    }

    /// The running task lets those in line go first who are like it.
    pub(crate) fn go_to_end_of_line(&mut self, now: Ticks, entities: &mut impl Entities<Id>) {
        let Some(claim) = self.claim else { return };
        if self.lines.len_of(entities.entity(claim).class()) != 0 {
            self.lines.push(claim, now, entities);
            if let Some((next, class)) = self.lines.pop(entities) {
                self.run_before_line(next, class, now, entities);
            }
        }
    }

    /// The first of those in line of the class that runs, and since when it waits for the one that runs; now, if there
    /// is none.
    pub(crate) fn first_rival(
        &mut self,
        now: Ticks,
        entities: &mut impl Entities<Id>,
    ) -> (Option<Id>, Ticks) {
        let class = self.claim.map(|claim| entities.entity(claim).class());
        let first = class.and_then(|class| self.lines.take(class, entities));
        first.map_or((None, now), |(id, came)| (Some(id), came))
    }

    /// Those left in line take part in the contest, each from when it came.
    pub(crate) fn enter_line(&mut self, entities: &mut impl Entities<Id>) {
        while let Some(class) = self.lines.highest() {
            let Some((id, came)) = self.lines.take(class, entities) else { return };
            if self.claim.is_some_and(|claim| entities.entity(claim).class() == class) {
                self.charge(came, entities);
            }
            self.queue.wake(id, came, entities);
        }
    }
}

/// True when the one, which runs, outranks the other, which is plain.
pub(crate) fn is_plain_below<Id: Copy>(running: Id, other: Id, entities: &mut impl Entities<Id>) -> bool {
    let class = entities.entity(running).class();
    let other = entities.entity(other);
    other.is_plain() && other.class() < class
}
