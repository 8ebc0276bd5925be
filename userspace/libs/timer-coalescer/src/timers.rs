//! The table of all timers: who has which, when to wake, what fires.
//!
//! ```text
//!              register, rearm                    cancel: true, or purge
//!   (nothing) ─────────────────▶ live ─────────────────────────────────▶ gone
//!                               ▲    │ fire                              ▲
//!                      periodic └────┴───────────────────────────────────┘ once
//! ```
//!
//! [`Timers::next_wakeup`] says until when to sleep, [`Timers::fire`] what is due: call it until it answers `None`,
//! whenever awake. Every operation is O(log n) in the timers, but for those that say otherwise. Memory is taken when
//! the table is made and never again.
//!
//! Whoever keeps the table has mostly something of its own to keep for each task ([`Keep`]): it stands beside the
//! task's timers and is found with them. This half is for those who name a task each time; who has more to do for one
//! takes its [`Seat`] and looks it up once: see `seats`.

mod seats;

use nexus_abi::{Error, Nanos, QosClass, TaskId};

use crate::accounts::Accounts;
use crate::compose::Regime;
use crate::course::{Ask, Course};
use crate::id::TimerId;
use crate::queue::Window;
use crate::slab::{Slab, Slot};
use crate::tournament::Tournament;

/// Live timers in all: a quarter of the tasks there can be.
pub const TIMERS_MAX: usize = 4096;
/// Live timers of one task: no program needs more, and 64 of them that try cannot keep others out.
pub const TIMERS_PER_OWNER_MAX: usize = 64;
/// Tasks that can have a standby floor at once: more apps than a person keeps.
pub const FLOORS_MAX: usize = 256;

/// Why something is refused. Nothing has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// The task has as many timers as one may have.
    OwnerFull,
    /// There are as many as there can be.
    Full,
    /// The id was not given to this task, whatever else it may be.
    NotFound,
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::OwnerFull | Refusal::Full => Self::NoSpace,
            Refusal::NotFound => Self::NotFound,
        }
    }
}

/// A timer that is live.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pending {
    /// Its name.
    pub id: TimerId,
    /// Whose it is.
    pub owner: TaskId,
    /// The class it was asked for at.
    pub class: QosClass,
    /// What was asked; of a periodic timer, `due` is the next occurrence.
    pub ask: Ask,
    /// When it may and must fire.
    pub window: Window<Nanos>,
}

/// A timer that fires.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fired {
    /// Its name.
    pub id: TimerId,
    /// Whose it is.
    pub owner: TaskId,
    /// When it was due; of several occurrences the first.
    pub due: Nanos,
    /// How many occurrences this is: more than one if a window or a floor is longer than the period.
    pub times: u64,
    /// Whether it is gone now, because it was to fire once.
    pub is_over: bool,
}

/// What became of a timer that was set anew.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rearmed {
    /// Its name from now on: what the old name may still fire is told apart from what the new one will.
    pub id: TimerId,
    /// Whether it had been live, as cancelling would have answered.
    pub was_live: bool,
}

/// What whoever keeps the table keeps for each task, from nothing on.
pub trait Keep: Default {
    /// Whether there is nothing to keep: the task is forgotten when it has no timers either.
    fn is_idle(&self) -> bool;
    /// Gives back what memory it has while there is nothing to keep, but for a little that the task will need again.
    fn let_go(&mut self);
}

impl Keep for () {
    fn is_idle(&self) -> bool {
        true
    }

    fn let_go(&mut self) {}
}

/// Where a task is in the table. Good until the task is forgotten, by [`Timers::settle`] or by [`Timers::purge`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seat(Slot);

/// The table.
#[derive(Debug)]
pub struct Timers<D = ()> {
    timers: Slab<Timer>,
    orders: Tournament,
    accounts: Accounts<D>,
    hint: Nanos,
    floors: usize,
}

#[derive(Debug)]
struct Timer {
    course: Course,
    owner: TaskId,
    account: Slot,
    /// The list of the owner's timers.
    older: Option<Slot>,
    newer: Option<Slot>,
}

impl Timers {
    /// A table for [`TIMERS_MAX`] timers.
    pub fn new() -> Self {
        Self::with_capacity(TIMERS_MAX)
    }

    /// A table for fewer.
    pub fn with_capacity(capacity: usize) -> Self {
        Self::keeping(capacity, 0)
    }
}

impl<D: Keep> Timers<D> {
    /// A table for so many timers, in which no more than `others` tasks stand because of what is kept for them alone.
    pub fn keeping(capacity: usize, others: usize) -> Self {
        let capacity = capacity.min(TIMERS_MAX);
        Self {
            timers: Slab::with_capacity(capacity),
            orders: Tournament::with_capacity(capacity),
            // Whoever has an account has a timer, a floor or something kept: this is enough.
            accounts: Accounts::with_capacity(capacity + FLOORS_MAX + others),
            hint: Nanos(0),
            floors: 0,
        }
    }

    /// The moment until which one may sleep; [`Nanos::NEVER`] when nothing waits. O(1).
    #[inline]
    pub fn next_wakeup(&self) -> Nanos {
        self.orders.next_wakeup()
    }

    /// Live timers. O(1).
    pub const fn len(&self) -> usize {
        self.timers.len()
    }

    /// True when nothing waits. O(1).
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Live timers of a task. O(1).
    pub fn len_of(&self, owner: TaskId) -> usize {
        self.accounts.find(owner).map_or(0, |account| self.accounts[account].timers)
    }

    /// The governor's hint. O(1).
    pub const fn hint(&self) -> Nanos {
        self.hint
    }

    /// A task's standby floor; zero is none. O(1).
    pub fn floor(&self, owner: TaskId) -> Nanos {
        self.accounts.find(owner).map_or(Nanos(0), |account| self.accounts[account].floor)
    }

    /// Sets a timer for `owner`, which runs at `class`.
    pub fn register(
        &mut self,
        owner: TaskId,
        class: QosClass,
        ask: Ask,
        now: Nanos,
    ) -> Result<TimerId, Refusal> {
        if !self.timers.has_room() {
            return Err(Refusal::Full);
        }
        let seat = self.open(owner).ok_or(Refusal::Full)?;
        self.register_at(seat, class, ask, now)
    }

    /// Cancels and sets in one. A timer that is live keeps its place, so this cannot be refused for want of room.
    pub fn rearm(
        &mut self,
        owner: TaskId,
        class: QosClass,
        id: TimerId,
        ask: Ask,
        now: Nanos,
    ) -> Result<Rearmed, Refusal> {
        match self.find(owner, id)? {
            Some(slot) => Ok(self.set_anew(slot, class, ask, now)),
            None => self.register(owner, class, ask, now).map(|id| Rearmed { id, was_live: false }),
        }
    }

    /// Makes a timer of `owner`'s fire no more. False when it had fired already, once, or was cancelled before.
    pub fn cancel(&mut self, owner: TaskId, id: TimerId) -> Result<bool, Refusal> {
        let slot = self.find(owner, id)?;
        if let Some(slot) = slot {
            let account = self.release(slot);
            self.accounts.close_if_empty(account);
        }
        Ok(slot.is_some())
    }

    /// A timer of `owner`'s, if it is still live. O(1).
    pub fn get(&self, owner: TaskId, id: TimerId) -> Result<Option<Pending>, Refusal> {
        Ok(self.find(owner, id)?.map(|slot| self.pending(slot)))
    }

    /// Takes out the next timer that is due at `now`: by deadline, then by registration. A periodic one stays, for its
    /// first occurrence after `now`.
    pub fn fire(&mut self, now: Nanos) -> Option<Fired> {
        self.fire_for(now, |fired, _| fired)
    }

    /// Takes out all timers of a task that is dead, its floor, and what is kept for it besides, which is answered; `gone`
    /// hears of each timer. O(log n) for each.
    pub fn purge(&mut self, owner: TaskId, mut gone: impl FnMut(TimerId)) -> Option<D> {
        let Some(account) = self.accounts.find(owner) else {
            self.accounts.forget_resting(owner);
            return None;
        };
        while let Some(slot) = self.accounts[account].newest {
            gone(self.id_of(slot));
            self.release(slot);
        }
        self.lift_floor(account);
        Some(self.accounts.empty(account))
    }

    /// Sets the governor's hint, for timers that are live too. O(n log n), for the few times a day that it happens.
    pub fn set_hint(&mut self, hint: Nanos) {
        self.hint = hint;
        for index in 0..self.timers.slots() {
            if let Some(slot) = self.timers.live_at(index) {
                self.recompose(slot);
            }
        }
    }

    /// Sets a task's standby floor, for its live timers too; zero lifts it. O(log n) for each of them.
    pub fn set_floor(&mut self, owner: TaskId, floor: Nanos) -> Result<(), Refusal> {
        if floor == Nanos(0) {
            if let Some(account) = self.accounts.find(owner) {
                self.lift_floor(account);
                self.accounts.close_if_empty(account);
            }
            return Ok(());
        }
        let is_new = self.floor(owner) == Nanos(0);
        if is_new && self.floors >= FLOORS_MAX {
            return Err(Refusal::Full);
        }
        let account = self.accounts.open(owner).ok_or(Refusal::Full)?;
        self.floors += usize::from(is_new);
        self.accounts[account].floor = floor;
        self.recompose_all_of(account);
        Ok(())
    }

    fn lift_floor(&mut self, account: Slot) {
        if self.accounts[account].floor > Nanos(0) {
            self.floors -= 1;
            self.accounts[account].floor = Nanos(0);
            self.recompose_all_of(account);
        }
    }

    /// Live timers whose slots have numbers of at least `from`, by slot: to be listed in pages.
    pub fn list_from(&self, from: usize) -> impl Iterator<Item = Pending> {
        self.timers.live_from(from).map(|slot| self.pending(slot))
    }

    /// The live timers of a task, the latest registered first.
    pub fn list_of(&self, owner: TaskId) -> impl Iterator<Item = Pending> {
        let newest = self.accounts.find(owner).and_then(|account| self.accounts[account].newest);
        core::iter::successors(newest, |slot| self.timers[*slot].older).map(|slot| self.pending(slot))
    }

    /// The tasks that have timers, a floor, or something kept for them.
    pub fn tasks(&self) -> impl Iterator<Item = TaskId> {
        self.accounts.owners()
    }

    /// Computes a window anew because the rules have changed.
    fn recompose(&mut self, slot: Slot) {
        let Timer { course, account, .. } = &self.timers[slot];
        let window = course.window(self.regime(*account));
        if window != self.orders.window(slot) {
            self.orders.change(slot, window);
        }
    }

    fn recompose_all_of(&mut self, account: Slot) {
        let mut at = self.accounts[account].newest;
        while let Some(slot) = at {
            self.recompose(slot);
            at = self.timers[slot].older;
        }
    }

    fn regime(&self, account: Slot) -> Regime {
        Regime { hint: self.hint, floor: self.accounts[account].floor }
    }

    fn id_of(&self, slot: Slot) -> TimerId {
        TimerId::new(slot, self.timers.generation(slot), self.timers[slot].owner)
    }

    /// The slot that `id` means, if it is live.
    #[inline]
    fn find(&self, owner: TaskId, id: TimerId) -> Result<Option<Slot>, Refusal> {
        if !id.is_held_by(owner) {
            return Err(Refusal::NotFound);
        }
        let slot = self.timers.live_at(id.slot());
        Ok(slot.filter(|slot| self.timers[*slot].owner == owner && self.id_of(*slot) == id))
    }

    fn pending(&self, slot: Slot) -> Pending {
        let Timer { course, owner, .. } = &self.timers[slot];
        let (id, window) = (self.id_of(slot), self.orders.window(slot));
        Pending { id, owner: *owner, class: course.class, ask: course.ask(), window }
    }
}

impl<D: Keep> Default for Timers<D> {
    fn default() -> Self {
        Self::keeping(TIMERS_MAX, 0)
    }
}
