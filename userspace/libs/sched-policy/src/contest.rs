//! When the running task must make room for another of its class: at the end of its request, or earlier for an
//! eligible one with an earlier deadline (rules 7 and 8).
//!
//! ```text
//!     running:  point ├─── burst ───┤ uncut               ├ deadline
//!     others:            a rival's point here: at `uncut`
//!                                      a rival's point here: at once
//! ```

use crate::class_queue::ClassQueue;
use crate::entity::Entities;
use crate::time::Ticks;
use crate::virtual_time::{Service, Virtual};

impl<Id: Copy + Eq> ClassQueue<Id> {
    /// The time until the running member must make room for another of its class (rules 7 and 8), if nobody
    /// comes or goes. `None`: nobody waits. O(log n), O(1) with a tree that is empty.
    #[inline(always)]
    pub(crate) fn uncontested(&self, current: Id, entities: &mut impl Entities<Id>) -> Option<Ticks> {
        if self.is_empty() {
            return None;
        }
        let entity = entities.entity(current);
        let (deadline, left) = (entity.deadline, entity.deadline.lead_over(entity.progress.at));
        let end = if left > 0 { served_in(left, entity.weight) } else { Ticks(0) };
        match self.only() {
            Some(only) if !deadline.is_past(entities.entity(only).deadline) => Some(end),
            _ => Some(self.until_rival(current, end, entities)),
        }
    }

    /// The same, when others may have an earlier deadline.
    #[inline(never)]
    fn until_rival(&self, current: Id, end: Ticks, entities: &mut impl Entities<Id>) -> Ticks {
        let entity = entities.entity(current);
        let uncut = entity.uncut.lead_over(entity.progress.at);
        let uncut = if uncut > 0 { served_in(uncut, entity.weight) } else { Ticks(0) };
        let deadline = entity.deadline;
        match self.rival(deadline, entities) {
            Some(rival) => end.min(self.clock.until(rival).max(uncut)),
            None => end,
        }
    }

    /// Where the first of those who wait with an earlier deadline becomes eligible.
    #[inline(always)]
    fn rival(&self, deadline: Virtual, entities: &mut impl Entities<Id>) -> Option<Virtual> {
        let mut soonest = None;
        if !self.tree.is_empty() {
            soonest = self.tree.soonest_before(deadline, entities);
        }
        for id in self.shortlist.iter() {
            let entity = entities.entity(id);
            if !deadline.is_past(entity.deadline) {
                break;
            }
            let at = entity.progress.at;
            soonest = Some(soonest.map_or(at, |soonest: Virtual| soonest.earlier(at)));
        }
        soonest
    }

    /// True when a task of this class that became runnable takes the hart from the one that runs (rule 8).
    pub(crate) fn preempts(&self, woken: Id, current: Id, entities: &mut impl Entities<Id>) -> bool {
        let entity = entities.entity(woken);
        let (at, deadline) = (entity.progress.at, entity.deadline);
        if at.is_past(self.clock.now()) {
            return false;
        }
        let current = entities.entity(current);
        let point = current.progress.at;
        !current.deadline.is_past(point)
            || !current.uncut.is_past(point) && current.deadline.is_past(deadline)
    }
}

/// The time in which a weight moves on by that much. One unit more: so much may rounding leave it short.
#[inline(always)]
fn served_in(lead: i64, weight: u64) -> Ticks {
    Service((lead.cast_unsigned() + 1) * weight).ticks()
}
