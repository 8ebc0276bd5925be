//! The runnable tasks of one hart, and what the hart asks about them.
//!
//! ```text
//!              wake                     pick
//!     away ───────────► queued ─────────────────────► running
//!      ▲ ▲               │  ▲  ▲  put_back, yield_to   │ │
//!      │ └───────────────┘  │  └───────────────────────┘ │
//!      │   remove           └── charge: as often as      │
//!      │   take_surplus         one likes                │
//!      └─────────────────────────────────────────────────┘
//!                             leave
//! ```
//!
//! One hart owns a queue, and calls it with the moment its clock shows. Before it asks anything about the
//! running task it charges it for what it ran; between two charges any number of tasks may run on its
//! account, as servers do on their clients'.

use nexus_abi::QosClass;

use crate::class_queue::ClassQueue;
use crate::entity::Entities;
use crate::starvation::Starvation;
use crate::time::{Tempo, Ticks};
use crate::virtual_time::Service;

pub(crate) const CLASSES: usize = QosClass::ALL.len();

/// The runnable tasks of one hart.
#[derive(Debug)]
pub struct RunQueue<Id> {
    pub(crate) classes: [ClassQueue<Id>; CLASSES],
    /// Bit `c` is set when a task of class `c` waits.
    pub(crate) ready: u8,
    /// The class of the running task.
    pub(crate) running: Option<QosClass>,
    pub(crate) starvation: Starvation,
    pub(crate) len: usize,
    pub(crate) tempo: Tempo,
}

/// What a task is owed, for people, traces and tests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Standing {
    /// Service owed by the queue (negative: had in advance), in 2⁻¹⁶ ticks.
    pub lag: i64,
    /// Service that the present request still asks for, in 2⁻¹⁶ ticks.
    pub request_left: i64,
    /// Of that, what it asks for first.
    pub part_left: i64,
    /// Virtual time from the class's clock to the deadline of that part.
    pub deadline: i64,
    /// The same to that of the request.
    pub end: i64,
    /// May run: is not ahead of its share.
    pub is_eligible: bool,
}

impl<Id: Copy + Eq> RunQueue<Id> {
    /// An empty queue whose clock has this tempo. Two queues that tasks move between have different `number`s.
    pub fn new(tempo: Tempo, number: u16) -> Self {
        let tag = |class: QosClass| u32::from(number) * CLASSES as u32 + class as u32 + 1;
        Self {
            classes: QosClass::ALL.map(|class| ClassQueue::new(tempo, tag(class))),
            ready: 0,
            running: None,
            starvation: Starvation::new(tempo),
            len: 0,
            tempo,
        }
    }

    /// Tasks waiting.
    #[inline(always)]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// True when no task waits.
    #[inline(always)]
    pub const fn is_empty(&self) -> bool {
        self.ready == 0
    }

    /// How fast its clock is.
    pub const fn tempo(&self) -> Tempo {
        self.tempo
    }

    /// The highest class with a task waiting. O(1).
    #[inline(always)]
    pub const fn highest(&self) -> Option<QosClass> {
        highest(self.ready)
    }

    /// True when a task of a class above `class`, which runs, waits and may take the hart: during a grant it
    /// may not. O(1).
    #[inline(always)]
    pub const fn outranks(&self, class: QosClass) -> bool {
        self.ready >> (class as u8 + 1) != 0 && !self.starvation.is_granting()
    }

    /// True when a task of `class`, which runs, waits and none of a higher one. O(1).
    #[inline(always)]
    pub const fn contests(&self, class: QosClass) -> bool {
        self.ready >> class as u8 == 1
    }

    /// A task that was away is runnable and waits. O(log n).
    pub fn wake(&mut self, id: Id, now: Ticks, entities: &mut impl Entities<Id>) {
        let class = entities.entity(id).class();
        self.class(class).clock.join(entities.entity(id), now);
        self.class(class).push(id, entities);
        self.len += 1;
        if self.ready & bit(class) == 0 {
            self.ready |= bit(class);
            self.note_passed_over(class, now);
        }
    }

    /// A task that was away is runnable and takes the hart at once, on which nothing runs. O(1).
    pub fn start(&mut self, id: Id, now: Ticks, entities: &mut impl Entities<Id>) {
        let class = entities.entity(id).class();
        self.class(class).clock.join(entities.entity(id), now);
        self.class(class).start(id, entities);
        self.begin(class);
    }

    /// The running task is in a request of which it has had this much. O(1).
    pub(crate) fn renew_request(&mut self, current: Id, had: Ticks, entities: &mut impl Entities<Id>) {
        let entity = entities.entity(current);
        let request = self.classes[entity.class() as usize].clock.request(entity);
        let had = entity.inverse.spread(Service::of(had));
        entity.ask(request.saturating_sub(had));
        entity.uncut = entity.progress.at.plus(entity.burst.saturating_sub(had));
    }

    /// The running task's request is over, whatever rounding has left of it. O(1).
    pub(crate) fn end_request(&mut self, current: Id, entities: &mut impl Entities<Id>) {
        let entity = entities.entity(current);
        entity.ask(0);
    }

    /// The running task has run for a while. O(1).
    #[inline(always)]
    pub fn charge(&mut self, current: Id, ran: Ticks, entities: &mut impl Entities<Id>) {
        let class = entities.entity(current).class();
        self.class(class).charge(current, ran, entities);
    }

    /// The running task waits again: preempted, or at the end of its request. O(log n).
    #[inline(always)]
    pub fn put_back(&mut self, current: Id, now: Ticks, entities: &mut impl Entities<Id>) {
        let class = entities.entity(current).class();
        self.class(class).put_back(current, entities);
        self.ready |= bit(class);
        self.len += 1;
        self.starvation.note_waiting(class, now);
    }

    /// The task to run next, taken out. O(log n), O(1) with few waiting.
    #[inline(always)]
    pub fn pick(&mut self, now: Ticks, entities: &mut impl Entities<Id>) -> Option<Id> {
        let class = self.choose(self.ready, now)?;
        self.take(class, entities)
    }

    /// The running task lets others of its class go first: the one that runs now, itself if nobody waits. The
    /// same as putting it back and picking, but for rule 9. O(log n), O(1) with few waiting.
    #[inline(always)]
    pub fn yield_to(&mut self, current: Id, now: Ticks, entities: &mut impl Entities<Id>) -> Id {
        let class = entities.entity(current).class();
        if self.is_plain(class, now) {
            return self.class(class).rotate_if(current, entities, |_| true).unwrap_or(current);
        }
        self.yield_to_class(class, current, now, entities)
    }

    #[cold]
    fn yield_to_class(
        &mut self,
        class: QosClass,
        current: Id,
        now: Ticks,
        entities: &mut impl Entities<Id>,
    ) -> Id {
        self.starvation.note_waiting(class, now);
        match self.choose(self.ready | bit(class), now) {
            Some(other) if other != class => {
                self.class(class).put_behind(current, entities);
                self.ready |= bit(class);
                self.len += 1;
                self.take(other, entities).unwrap_or(current)
            }
            _ => {
                self.begin(class);
                self.class(class).rotate_if(current, entities, |_| true).unwrap_or(current)
            }
        }
    }

    /// The moment at which the hart must decide anew, if nothing happens before: the running task's request
    /// ends and others wait, one with an earlier deadline becomes eligible, a lower class reaches its bound, or
    /// a grant ends. Never, when nobody competes. O(log n), O(1) with few waiting.
    #[inline(always)]
    pub fn next_decision(&self, current: Id, now: Ticks, entities: &mut impl Entities<Id>) -> Ticks {
        let class = entities.entity(current).class();
        let others = self.starvation.next_decision();
        match self.classes[class as usize].uncontested(current, entities) {
            Some(span) => others.min(Ticks(now.0 + span.0)),
            None => others,
        }
    }

    /// True when a task that has just become runnable here takes the hart from the running one. O(1).
    #[inline(always)]
    pub fn should_preempt(&self, woken: Id, current: Id, entities: &mut impl Entities<Id>) -> bool {
        let (new, old) = (entities.entity(woken).class(), entities.entity(current).class());
        if new == old {
            return self.classes[old as usize].preempts(woken, current, entities);
        }
        new > old && !self.starvation.is_granting()
    }

    /// Where a task that is queued or runs stands. O(1).
    pub fn standing(&self, id: Id, entities: &mut impl Entities<Id>) -> Standing {
        let entity = entities.entity(id);
        let now = self.classes[entity.class() as usize].clock.now();
        let weight = entity.weight.cast_signed();
        let at = entity.progress.at;
        let deadline = if entity.deadline.is_past(at) { entity.deadline } else { entity.end };
        Standing {
            lag: now.lead_over(at).saturating_mul(weight),
            request_left: entity.end.lead_over(at).saturating_mul(weight),
            part_left: deadline.lead_over(at).saturating_mul(weight),
            deadline: deadline.lead_over(now),
            end: entity.end.lead_over(now),
            is_eligible: !at.is_past(now),
        }
    }

    /// True when nobody of the class of `id` who is away owes more than a trifle. O(1).
    pub(crate) fn is_settled(&self, id: Id, entities: &mut impl Entities<Id>) -> bool {
        self.classes[entities.entity(id).class() as usize].clock.is_settled()
    }

    /// The class to run next of those that are ready.
    #[inline(always)]
    fn choose(&mut self, ready: u8, now: Ticks) -> Option<QosClass> {
        let highest = highest(ready)?;
        if now < self.starvation.attention() {
            return Some(highest);
        }
        // The plan is of no use any more.
        self.running = None;
        Some(self.starvation.attend(ready, highest, now))
    }

    /// True when the running class goes on running: none outranks it, and no bound or grant asks for attention.
    #[inline(always)]
    const fn is_plain(&self, class: QosClass, now: Ticks) -> bool {
        now.0 < self.starvation.attention().0 && self.ready >> (class as u8 + 1) == 0
    }

    /// Takes out the next task of a class.
    #[inline(always)]
    fn take(&mut self, class: QosClass, entities: &mut impl Entities<Id>) -> Option<Id> {
        let id = self.class(class).pop_if(entities, |_| true)?;
        self.len -= 1;
        if self.class(class).is_empty() {
            self.ready &= !bit(class);
        }
        self.begin(class);
        Some(id)
    }

    /// A task of this class runs from now on.
    #[inline(always)]
    pub(crate) fn begin(&mut self, class: QosClass) {
        if self.running != Some(class) {
            self.running = Some(class);
            self.starvation.plan(self.ready, class);
        }
    }

    /// The first task of a class waits: it is passed over from now on, unless the class runs.
    pub(crate) fn note_passed_over(&mut self, class: QosClass, now: Ticks) {
        match self.running {
            Some(running) if class < running => {
                self.starvation.note_waiting(class, now);
                self.starvation.plan(self.ready, running);
            }
            Some(running) if class == running => {}
            _ => self.starvation.note_waiting(class, now),
        }
    }

    #[inline(always)]
    pub(crate) fn class(&mut self, class: QosClass) -> &mut ClassQueue<Id> {
        &mut self.classes[class as usize]
    }
}

/// The bit of a class in a mask of classes.
#[inline(always)]
pub(crate) const fn bit(class: QosClass) -> u8 {
    1 << class as u8
}

/// The highest class in a mask.
#[inline(always)]
pub(crate) const fn highest(ready: u8) -> Option<QosClass> {
    match ready {
        0 => None,
        1 => Some(QosClass::Idle),
        2..4 => Some(QosClass::Normal),
        4..8 => Some(QosClass::Interactive),
        _ => Some(QosClass::PerfBurst),
    }
}
