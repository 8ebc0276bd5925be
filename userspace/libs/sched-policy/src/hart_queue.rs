//! What a hart asks: a [`RunQueue`] that is only troubled when tasks compete.
//!
//! Most of the time one task runs on a hart and nobody waits, or two take turns, one waking the other before
//! it sleeps. Then there is nothing to weigh, and no claim is entered:
//!
//! ```text
//!          add                    add, or the first request is over
//!  alone ───────► one waits, or some in line ─────────────────────► contest
//!    ▲ ▲              │ ▲ │                                             │
//!    │ └──────────────┘ └─┘ leave, pick, yield: the first one's turn    │
//!    │ nobody waits                                                     │
//!    └──────────────────── nobody waits, and nobody owes ───────────────┘
//! ```
//!
//! - *Alone*: whoever runs has the hart for itself. Its claim is away, and time pays what it owes.
//! - *One waits* at the door while one runs, both of the same class, of ordinary weight, without hints or debts.
//!   The one that runs keeps the hart until the other has waited for a [`TRIFLE`], or not at all if its request is
//!   over, half of [`LATENCY`] after it began to run. If it gives way before, nothing had to be entered.
//! - *Line*: some wait, all plain ([`crate::Entity::is_plain`]), none above the one that runs, and that one plain too if
//!   it is of their class. They run class by class in the order in which they came. It ends as the door does, when one
//!   of them keeps others of its class waiting for more than a [`TRIFLE`], or a higher class keeps them waiting for
//!   [`OUTRANKED`].
//! - *Contest*: everything else. The running claim and all that wait are in the [`RunQueue`].
//!
//! The *claim* is the entity in whose name the hart runs. It need not be the task that runs: a server runs on its
//! client's.

use crate::crowd::is_plain_below;
use crate::entity::{Entities, Settings};
use crate::line::Lines;
use crate::run_queue::RunQueue;
use crate::time::{LATENCY, OUTRANKED, TRIFLE, Tempo, Ticks};

/// The runnable tasks of one hart.
#[derive(Debug)]
pub struct HartQueue<Id> {
    pub(crate) mode: Mode,
    /// In whose name the hart runs.
    pub(crate) claim: Option<Id>,
    /// When it began to run.
    pub(crate) began: Ticks,
    /// Who waits at the door, and since when.
    pub(crate) door: Option<Id>,
    pub(crate) came: Ticks,
    /// Who waits in line.
    pub(crate) lines: Lines<Id>,
    /// When those at the door or in line need not wait any longer.
    pub(crate) turn_ends: Ticks,
    /// How long the first request lasts of one that runs alone.
    turn: Ticks,
    trifle: Ticks,
    pub(crate) outranked: Ticks,
    /// In a contest: up to when the claim has been charged.
    charged: Ticks,
    pub(crate) queue: RunQueue<Id>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Mode {
    /// Nobody waits, and the running claim, if there is one, is a plain one.
    Alone = 0,
    /// Nobody waits, and the running claim has a weight, hints, or debts.
    AloneOdd = 1,
    Contest,
    /// One waits at the door. This and the next come last, so that telling both from the others is one comparison.
    OneWaits,
    /// Some wait in line.
    Line,
}

impl<Id: Copy + Eq> HartQueue<Id> {
    /// An empty queue whose clock has this tempo. Two queues that tasks move between have different `number`s.
    pub fn new(tempo: Tempo, number: u16) -> Self {
        Self {
            mode: Mode::Alone,
            claim: None,
            began: Ticks(0),
            door: None,
            came: Ticks(0),
            lines: Lines::new(),
            turn_ends: Ticks(0),
            turn: Ticks(tempo.at_least(LATENCY).0 / 2),
            trifle: tempo.at_most(TRIFLE),
            outranked: tempo.at_most(OUTRANKED),
            charged: Ticks(0),
            queue: RunQueue::new(tempo, number),
        }
    }

    /// In whose name the hart runs.
    #[inline(always)]
    pub const fn claim(&self) -> Option<Id> {
        self.claim
    }

    /// Tasks waiting.
    #[inline(always)]
    pub const fn len(&self) -> usize {
        match self.mode {
            Mode::Alone | Mode::AloneOdd => 0,
            Mode::OneWaits => 1,
            Mode::Line => self.lines.len(),
            Mode::Contest => self.queue.len(),
        }
    }

    /// True when no task waits.
    #[inline(always)]
    pub const fn is_empty(&self) -> bool {
        matches!(self.mode, Mode::Alone | Mode::AloneOdd)
            || matches!(self.mode, Mode::Contest) && self.queue.is_empty()
    }

    /// True when nothing is entered: what the claim has of the hart is nobody's loss.
    #[inline(always)]
    pub const fn is_uncontested(&self) -> bool {
        matches!(self.mode, Mode::Alone | Mode::AloneOdd)
    }

    /// True when tasks are weighed against each other.
    #[inline(always)]
    pub const fn is_contest(&self) -> bool {
        matches!(self.mode, Mode::Contest)
    }

    /// True when no task waits, and nothing is known of one that runs.
    #[inline(always)]
    pub const fn is_at_rest(&self) -> bool {
        matches!(self.mode, Mode::Alone)
    }

    /// How fast its clock is.
    pub const fn tempo(&self) -> Tempo {
        self.queue.tempo()
    }

    /// True when one that wakes may be put at the door by [`Self::wait_at_door`].
    #[inline(always)]
    pub const fn has_free_door(&self) -> bool {
        matches!(self.mode, Mode::Alone) && self.claim.is_some()
    }

    /// A task wakes whose claim is plain ([`crate::Entity::is_plain`]) and of the running claim's class; the door
    /// is free. The short way for [`Self::add`]. O(1).
    #[inline(always)]
    pub const fn wait_at_door(&mut self, id: Id, now: Ticks) {
        (self.mode, self.door, self.came) = (Mode::OneWaits, Some(id), now);
        self.turn_ends = self.notice_of_rival(now);
    }

    /// Who waits at the door, if the one that runs may give way to it by [`Self::follow`] or [`Self::alternate`].
    #[inline(always)]
    pub const fn next_at_door(&self, now: Ticks) -> Option<Id> {
        match self.mode {
            Mode::OneWaits if now.0.wrapping_sub(self.came.0) <= self.trifle.0 => self.door,
            _ => None,
        }
    }

    /// The running task sleeps, and the one at the door is next: the short way for [`Self::leave`] and
    /// [`Self::pick`]. O(1).
    #[inline(always)]
    pub const fn follow(&mut self, next: Id, now: Ticks) {
        (self.mode, self.claim, self.began) = (Mode::Alone, Some(next), now);
    }

    /// The running task and the one at the door change places: the short way for [`Self::yield_to`]. O(1).
    #[inline(always)]
    pub const fn alternate(&mut self, next: Id, now: Ticks) {
        (self.door, self.claim) = (self.claim, Some(next));
        (self.came, self.began, self.turn_ends) = (now, now, self.patience_ends(now));
    }

    /// True when one waits at the door, or some in line.
    #[inline(always)]
    pub const fn has_patience(&self) -> bool {
        matches!(self.mode, Mode::OneWaits | Mode::Line)
    }

    /// True when some wait in line.
    #[inline(always)]
    pub const fn has_line(&self) -> bool {
        matches!(self.mode, Mode::Line)
    }

    /// When those who wait are owed more than patience. Meaningful while [`Self::has_patience`]. O(1).
    #[inline(always)]
    pub const fn turn_ends(&self) -> Ticks {
        self.turn_ends
    }

    /// When the request is over that began when the running one did.
    #[inline(always)]
    const fn request_ends(&self) -> Ticks {
        Ticks(self.began.0.wrapping_add(self.turn.0))
    }

    /// When the one that runs has to make room for one that comes now and is like it.
    #[inline(always)]
    pub(crate) const fn notice_of_rival(&self, now: Ticks) -> Ticks {
        if self.request_ends().0 < now.0 { now } else { self.patience_ends(now) }
    }

    /// When one that comes to the door now has waited for more than a trifle.
    #[inline(always)]
    pub(crate) const fn patience_ends(&self, now: Ticks) -> Ticks {
        Ticks(now.0.wrapping_add(self.trifle.0 + 1))
    }

    /// A task that was away is runnable and waits. O(log n), O(1) at the door and in line.
    pub fn add(&mut self, id: Id, now: Ticks, entities: &mut impl Entities<Id>) {
        debug_assert!(self.claim != Some(id), "the hart runs in its name");
        match self.mode {
            Mode::Alone | Mode::AloneOdd => match self.claim {
                Some(claim) if !are_alike(claim, id, entities) => {
                    if is_plain_below(claim, id, entities) {
                        return self.begin_line(id, now, entities);
                    }
                }
                _ => return self.wait_at_door(id, now),
            },
            Mode::OneWaits | Mode::Line => {
                if self.may_stand_in_line(id, entities) && self.door_goes_in_line(entities) {
                    return self.stand_in_line(id, now, entities);
                }
            }
            Mode::Contest => {}
        }
        self.enter(now, entities);
        self.queue.wake(id, now, entities);
    }

    /// A task that was away takes the hart, on which nothing runs in anybody's name. O(log n).
    #[inline(always)]
    pub fn start(&mut self, id: Id, now: Ticks, entities: &mut impl Entities<Id>) {
        debug_assert!(self.claim.is_none(), "two claims run");
        if matches!(self.mode, Mode::Alone | Mode::AloneOdd) {
            return self.run_alone(id, now, entities);
        }
        self.start_among(id, now, entities);
    }

    /// The same for a queue that [`Self::is_at_rest`]. O(1).
    #[inline(always)]
    pub fn start_at_rest(&mut self, id: Id, now: Ticks, entities: &mut impl Entities<Id>) {
        debug_assert!(self.is_at_rest() && self.claim.is_none(), "somebody runs");
        self.run_alone(id, now, entities);
    }

    #[inline(never)]
    fn start_among(&mut self, id: Id, now: Ticks, entities: &mut impl Entities<Id>) {
        if self.has_patience() && self.door_goes_in_line(entities) && self.goes_before_line(id, now, entities)
        {
            return self.push_in(id, now, entities);
        }
        self.enter(now, entities);
        self.queue.start(id, now, entities);
        (self.claim, self.charged) = (Some(id), now);
    }

    /// The same as [`Self::leave`], if nobody waits; else false, and nothing is done. O(1).
    #[inline(always)]
    pub const fn leave_alone(&mut self) -> bool {
        if !matches!(self.mode, Mode::Alone | Mode::AloneOdd) {
            return false;
        }
        (self.mode, self.claim) = (Mode::Alone, None);
        true
    }

    /// Nothing runs in the name of the claim any more. O(log n).
    pub fn leave(&mut self, now: Ticks, entities: &mut impl Entities<Id>) {
        match self.mode {
            Mode::OneWaits if now.since(self.came) > self.trifle => self.enter(now, entities),
            Mode::Line if now >= self.turn_ends => self.enter(now, entities),
            _ => self.charge(now, entities),
        }
        let Some(claim) = self.claim.take() else { return };
        if self.mode == Mode::Contest {
            self.queue.leave(claim, now, entities);
            self.relax(now, entities);
        } else if self.mode == Mode::AloneOdd {
            self.mode = Mode::Alone;
        }
    }

    /// The task to run next, when none does. O(log n), O(1) with few waiting.
    #[inline(always)]
    pub fn pick(&mut self, now: Ticks, entities: &mut impl Entities<Id>) -> Option<Id> {
        match self.mode {
            Mode::Alone | Mode::AloneOdd => return None,
            Mode::OneWaits => {
                let id = self.door?;
                self.run_alone(id, now, entities);
            }
            Mode::Line => {
                let (id, class) = self.lines.pop(entities)?;
                self.run_before_line(id, class, now, entities);
            }
            Mode::Contest => {
                self.claim = self.queue.pick(now, entities);
                self.charged = now;
                self.relax(now, entities);
            }
        }
        self.claim
    }

    /// The claim to run in the name of from now on: the running one, or one that it must make room for. O(log n).
    pub fn reconsider(&mut self, now: Ticks, entities: &mut impl Entities<Id>) -> Option<Id> {
        match self.mode {
            Mode::OneWaits | Mode::Line if now >= self.turn_ends => {
                let is_over = now >= self.request_ends();
                self.enter(now, entities);
                if let Some(claim) = self.claim.filter(|_| is_over) {
                    self.queue.end_request(claim, entities);
                }
            }
            _ => self.charge(now, entities),
        }
        if self.mode == Mode::Contest
            && let Some(claim) = self.claim
        {
            let class = entities.entity(claim).class();
            if self.queue.outranks(class) || self.queue.next_decision(claim, now, entities) <= now {
                self.queue.put_back(claim, now, entities);
                self.claim = self.queue.pick(now, entities);
            }
            self.relax(now, entities);
        }
        self.claim
    }

    /// The running task lets others of its class go first: the claim that runs now. O(log n), O(1) with few waiting.
    pub fn yield_to(&mut self, now: Ticks, entities: &mut impl Entities<Id>) -> Option<Id> {
        if let Some(next) = self.next_at_door(now) {
            self.alternate(next, now);
            return self.claim;
        }
        match self.mode {
            Mode::Line if now < self.turn_ends => self.go_to_end_of_line(now, entities),
            Mode::OneWaits | Mode::Line => self.enter(now, entities),
            _ => self.charge(now, entities),
        }
        if self.mode == Mode::Contest
            && let Some(claim) = self.claim
        {
            self.claim = Some(self.queue.yield_to(claim, now, entities));
            self.relax(now, entities);
        }
        self.claim
    }

    /// The moment at which the hart must decide anew, if nothing happens before; never, when nobody competes.
    /// O(log n), O(1) with few waiting.
    #[inline(always)]
    pub fn next_decision(&mut self, now: Ticks, entities: &mut impl Entities<Id>) -> Ticks {
        match (self.mode, self.claim) {
            (Mode::OneWaits | Mode::Line, _) => self.turn_ends,
            (Mode::Contest, Some(claim)) => {
                self.charge(now, entities);
                self.queue.next_decision(claim, now, entities)
            }
            _ => Ticks::NEVER,
        }
    }

    /// A task to give to another hart, taken out: see [`RunQueue::take_surplus`].
    pub fn take_surplus(
        &mut self,
        bound: usize,
        now: Ticks,
        entities: &mut impl Entities<Id>,
        mut may: impl FnMut(Id) -> bool,
    ) -> Option<Id> {
        match self.mode {
            Mode::Alone | Mode::AloneOdd => None,
            Mode::OneWaits => {
                let id = self.door.filter(|id| may(*id))?;
                self.mode = Mode::Alone;
                Some(id)
            }
            Mode::Line | Mode::Contest => {
                self.enter(now, entities);
                self.queue.take_surplus(bound, now, entities, may)
            }
        }
    }

    /// A waiting task is taken out. O(log n).
    pub fn remove(&mut self, id: Id, now: Ticks, entities: &mut impl Entities<Id>) {
        match self.mode {
            Mode::OneWaits => self.mode = Mode::Alone,
            _ => {
                self.enter(now, entities);
                self.queue.remove(id, now, entities);
            }
        }
    }

    /// New settings for the claim or for a task that waits. O(log n).
    pub fn adjust(&mut self, id: Id, settings: Settings, now: Ticks, entities: &mut impl Entities<Id>) {
        let is_claim = self.claim == Some(id);
        if is_claim && matches!(self.mode, Mode::Alone | Mode::AloneOdd) {
            entities.entity(id).set_away(self.tempo(), settings);
            return self.run_alone(id, now, entities);
        }
        self.enter(now, entities);
        if is_claim {
            self.queue.adjust_running(id, settings, now, entities);
        } else {
            self.queue.adjust_waiting(id, settings, now, entities);
        }
    }

    /// What the hart runs for goes on in the name of `by`, which was away. If others compete it gets what the claim
    /// had of the hart, and the claim, which is away, what `by` had: true then. O(1).
    #[inline(always)]
    pub fn hand_on(&mut self, by: Id, now: Ticks, entities: &mut impl Entities<Id>) -> bool {
        if matches!(self.mode, Mode::Alone | Mode::AloneOdd) {
            self.run_alone(by, now, entities);
            return false;
        }
        if let Some(claim) = self.claim {
            exchange(claim, by, entities);
        }
        self.claim.replace(by).is_some()
    }

    /// What the claim had of the hart counts.
    #[inline(always)]
    pub(crate) fn charge(&mut self, now: Ticks, entities: &mut impl Entities<Id>) {
        if self.mode == Mode::Contest {
            let ran = now.since(self.charged);
            self.charged = now;
            if let Some(claim) = self.claim {
                self.queue.charge(claim, ran, entities);
            }
        }
    }

    /// Everybody takes part in the contest from now on, and is charged up to now.
    pub(crate) fn enter(&mut self, now: Ticks, entities: &mut impl Entities<Id>) {
        let (first, since) = match self.mode {
            Mode::Contest => return self.charge(now, entities),
            Mode::Alone | Mode::AloneOdd => (None, now),
            Mode::OneWaits => (self.door, self.came),
            Mode::Line => self.first_rival(now, entities),
        };
        let had = since.since(self.began);
        let had_line = self.mode == Mode::Line;
        self.mode = Mode::Contest;
        if let Some(claim) = self.claim {
            self.queue.run_ahead(claim, had, entities);
            self.queue.start(claim, since, entities);
        }
        if let Some(first) = first {
            self.queue.wake(first, since, entities);
        }
        self.charged = since;
        if let Some(claim) = self.claim {
            self.queue.renew_request(claim, had, entities);
        }
        if had_line {
            self.enter_line(entities);
        }
        self.charge(now, entities);
    }

    /// If nobody waits any more, and nobody owes, there is nothing left to weigh.
    #[inline(always)]
    fn relax(&mut self, now: Ticks, entities: &mut impl Entities<Id>) {
        if self.queue.is_empty() {
            self.relax_if_settled(now, entities);
        }
    }

    #[inline(never)]
    fn relax_if_settled(&mut self, now: Ticks, entities: &mut impl Entities<Id>) {
        match self.claim {
            None => self.mode = Mode::Alone,
            Some(claim) if self.queue.is_settled(claim, entities) => {
                self.queue.leave(claim, now, entities);
                self.run_alone(claim, now, entities);
            }
            Some(_) => {}
        }
    }

    #[inline(always)]
    pub(crate) fn run_alone(&mut self, id: Id, now: Ticks, entities: &mut impl Entities<Id>) {
        (self.claim, self.began) = (Some(id), now);
        self.mode = if entities.entity(id).is_plain() { Mode::Alone } else { Mode::AloneOdd };
    }
}

/// True when neither of two has an advantage: they are plain and of the same class.
pub(crate) fn are_alike<Id: Copy>(one: Id, other: Id, entities: &mut impl Entities<Id>) -> bool {
    let first = entities.entity(one);
    let (class, is_plain) = (first.class(), first.is_plain());
    let second = entities.entity(other);
    is_plain && second.is_plain() && second.class() == class
}

/// Two entities change places; neither waits in a queue.
#[inline(never)]
fn exchange<Id>(one: Id, other: Id, entities: &mut impl Entities<Id>)
where
    Id: Copy,
{
    let first = *entities.entity(one);
    let second = core::mem::replace(entities.entity(other), first);
    *entities.entity(one) = second;
}
