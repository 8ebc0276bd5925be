//! How long classes have been passed over, and what they get for it.
//!
//! A class is passed over while it has tasks waiting and none running. When that has lasted as long as its
//! bound it gets a grant: [`GRANT`](crate::time::GRANT) of the hart, whatever else is runnable. If several
//! bounds are closer together than a grant is long, the earlier grants begin so much sooner that the later
//! ones begin in time: nobody waits longer than its bound.
//!
//! ```text
//!     PerfBurst    ████████████████████░██████████████████░░█████
//!     Interactive                      ▒                  ▒          every 40 ms
//!     Normal                                               ▒         every 80 ms
//! ```
//!
//! One comparison a decision; the plan is made anew when the running class changes, over three classes at most.

use nexus_abi::QosClass;

use crate::run_queue::{CLASSES, bit};
use crate::time::{GRANT, Tempo, Ticks, starvation_bound};

/// The record of one queue.
#[derive(Debug)]
pub(crate) struct Starvation {
    /// From when on each class has been passed over, if it is.
    since: [Ticks; CLASSES],
    bounds: [Ticks; CLASSES],
    grant: Ticks,
    granted: Option<(QosClass, Ticks)>,
    /// From when on a pick must look here.
    attention: Ticks,
    /// When a pick is due because of what is known here.
    decision: Ticks,
}

impl Starvation {
    pub(crate) fn new(tempo: Tempo) -> Self {
        let bound = |class| starvation_bound(class).map_or(Ticks::NEVER, |bound| tempo.at_most(bound));
        Self {
            since: [Ticks(0); CLASSES],
            bounds: QosClass::ALL.map(bound),
            grant: tempo.at_least(GRANT),
            granted: None,
            attention: Ticks::NEVER,
            decision: Ticks::NEVER,
        }
    }

    /// The moment from which on a pick must ask [`Self::attend`]. O(1).
    #[inline(always)]
    pub(crate) const fn attention(&self) -> Ticks {
        self.attention
    }

    /// When the hart must decide anew on behalf of a class that is passed over, or because a grant ends. O(1).
    #[inline(always)]
    pub(crate) const fn next_decision(&self) -> Ticks {
        self.decision
    }

    /// A class runs because it was its turn, not because it is the highest.
    #[inline(always)]
    pub(crate) const fn is_granting(&self) -> bool {
        self.granted.is_some()
    }

    /// From now on a class is passed over, if tasks of it wait and none runs. O(1).
    #[inline(always)]
    pub(crate) fn note_waiting(&mut self, class: QosClass, now: Ticks) {
        self.since[class as usize] = now;
    }

    /// The class that runs next: one with a grant, or the highest of those `ready`. O(1).
    pub(crate) fn attend(&mut self, ready: u8, highest: QosClass, now: Ticks) -> QosClass {
        if let Some((class, until)) = self.granted
            && now < until
            && ready & bit(class) != 0
        {
            return class;
        }
        self.granted = None;
        let (order, count) = self.due(ready & (bit(highest) - 1));
        match order.first() {
            Some((_, class)) if count > 0 && self.latest_start(&order, count) <= now => {
                self.granted = Some((*class, now.after(self.grant)));
                *class
            }
            _ => highest,
        }
    }

    /// Plans for those of the `ready` classes that `running` passes over. O(1).
    #[inline(always)]
    pub(crate) fn plan(&mut self, ready: u8, running: QosClass) {
        let waiting = ready & (bit(running) - 1);
        if waiting == 0 && self.granted.is_none() {
            (self.attention, self.decision) = (Ticks::NEVER, Ticks::NEVER);
        } else {
            self.plan_for(waiting, running);
        }
    }

    #[cold]
    fn plan_for(&mut self, waiting: u8, running: QosClass) {
        self.granted = self.granted.filter(|(class, _)| *class == running);
        (self.attention, self.decision) = match self.granted {
            // What follows is decided when the grant ends.
            Some((_, until)) => (Ticks(0), until),
            None => {
                let (order, count) = self.due(waiting);
                let start = self.latest_start(&order, count);
                (start, start)
            }
        };
    }

    /// The running task of a class is gone. What is left of a grant is for others of the class. O(1).
    pub(crate) fn note_left(&mut self, class: QosClass, ready: u8) {
        if ready & bit(class) == 0 && self.granted.is_some_and(|(granted, _)| granted == class) {
            self.granted = None;
        }
    }

    /// When the classes in a mask reach their bounds, soonest first, and how many they are.
    fn due(&self, waiting: u8) -> ([(Ticks, QosClass); CLASSES], usize) {
        let mut order = [(Ticks::NEVER, QosClass::PerfBurst); CLASSES];
        let mut count = 0;
        for class in QosClass::ALL.into_iter().rev().filter(|class| waiting & bit(*class) != 0) {
            let due = self.since[class as usize].after(self.bounds[class as usize]);
            let place = order.iter().position(|(other, _)| *other > due).unwrap_or(count);
            order.copy_within(place..count, place + 1);
            order[place] = (due, class);
            count += 1;
        }
        (order, count)
    }

    /// The latest moment at which the first grant can begin so that each begins in time.
    fn latest_start(&self, order: &[(Ticks, QosClass); CLASSES], count: usize) -> Ticks {
        let mut start = Ticks::NEVER;
        for (due, _) in order[..count].iter().rev() {
            start = start.before(self.grant).min(*due);
        }
        start
    }
}
