//! How tasks leave a queue: to sleep, to another hart, or for a moment in which their settings change.

use nexus_abi::QosClass;

use crate::entity::{Entities, Settings};
use crate::run_queue::{RunQueue, bit};
use crate::time::Ticks;

impl<Id: Copy + Eq> RunQueue<Id> {
    /// The running task sleeps. O(1).
    pub fn leave(&mut self, current: Id, now: Ticks, entities: &mut impl Entities<Id>) {
        let entity = entities.entity(current);
        let class = entity.class();
        self.class(class).clock.leave(entity, now);
        entity.forfeit();
        self.starvation.note_waiting(class, now);
        self.starvation.note_left(class, self.ready);
        self.running = None;
    }

    /// A waiting task leaves for another hart. O(log n).
    pub fn remove(&mut self, id: Id, now: Ticks, entities: &mut impl Entities<Id>) {
        let class = entities.entity(id).class();
        self.take_waiting(class, id, entities);
        self.class(class).clock.leave(entities.entity(id), now);
    }

    /// A waiting task of `class` waits no longer; its clock still counts it.
    pub(crate) fn take_waiting(&mut self, class: QosClass, id: Id, entities: &mut impl Entities<Id>) {
        self.class(class).remove(id, entities);
        self.len -= 1;
        if self.class(class).is_empty() {
            self.ready &= !bit(class);
        }
    }

    /// A task to give to another hart (rule 11), taken out. `may` says whether the taker can run it. Looks at
    /// no more than `bound` tasks: O(bound + log n).
    pub fn take_surplus(
        &mut self,
        bound: usize,
        now: Ticks,
        entities: &mut impl Entities<Id>,
        mut may: impl FnMut(Id) -> bool,
    ) -> Option<Id> {
        let mut left = bound;
        for class in QosClass::ALL.into_iter().rev().filter(|class| self.ready & bit(*class) != 0) {
            if let Some(id) = self.classes[class as usize].last(&mut left, entities, &mut may) {
                self.remove(id, now, entities);
                return Some(id);
            }
        }
        None
    }

    /// New settings for a waiting task. O(log n).
    pub fn adjust_waiting(
        &mut self,
        id: Id,
        settings: Settings,
        now: Ticks,
        entities: &mut impl Entities<Id>,
    ) {
        let class = entities.entity(id).class();
        if settings.class != class {
            self.remove(id, now, entities);
            entities.entity(id).change(self.tempo, settings);
            return self.wake(id, now, entities);
        }
        let tempo = self.tempo;
        let queue = self.class(class);
        queue.remove(id, entities);
        let entity = entities.entity(id);
        queue.clock.leave(entity, now);
        entity.change(tempo, settings);
        queue.clock.join(entity, now);
        queue.push(id, entities);
    }

    /// New settings for the running task, which runs on; if others wait, the next decision is now. O(1).
    pub fn adjust_running(
        &mut self,
        current: Id,
        settings: Settings,
        now: Ticks,
        entities: &mut impl Entities<Id>,
    ) {
        self.leave(current, now, entities);
        let entity = entities.entity(current);
        entity.change(self.tempo, settings);
        self.class(settings.class).clock.join(entity, now);
        // Its turn is over: what it had left of a request was another one.
        entity.ask(0);
        self.begin(settings.class);
    }
}
