//! The table for those who do several things for one task: it is looked up once.
//!
//! ```text
//!   open ─▶ Seat ─▶ register_at, rearm_at, cancel_at, kept …  ─▶ settle: forgotten if there is nothing to keep
//! ```
//!
//! A timer knows the seat of its owner, so that nobody is looked up to fire.

use nexus_abi::{Nanos, QosClass, TaskId};

use super::{Fired, Keep, Pending, Rearmed, Refusal, Seat, TIMERS_PER_OWNER_MAX, Timer, Timers};
use crate::compose::Regime;
use crate::course::{Ask, Course};
use crate::id::TimerId;
use crate::slab::Slot;

impl<D: Keep> Timers<D> {
    /// The seat of a task, which has one from now on; `None` when there is no room. O(1).
    #[inline]
    pub fn open(&mut self, owner: TaskId) -> Option<Seat> {
        self.accounts.open(owner).map(Seat)
    }

    /// The seat of a task that has one. O(1).
    pub fn seat_of(&self, owner: TaskId) -> Option<Seat> {
        self.accounts.find(owner).map(Seat)
    }

    /// Forgets the task if nothing stands in its account. Nothing happens to one that is forgotten already. O(1).
    #[inline]
    pub fn settle(&mut self, seat: Seat) {
        self.accounts.close_if_empty(seat.0);
    }

    /// What is kept for the task. O(1).
    #[inline]
    pub fn kept(&self, seat: Seat) -> &D {
        &self.accounts[seat.0].kept
    }

    /// The same, to be changed. O(1).
    #[inline]
    pub fn kept_mut(&mut self, seat: Seat) -> &mut D {
        &mut self.accounts[seat.0].kept
    }

    /// Live timers of the task. O(1).
    #[inline]
    pub fn len_at(&self, seat: Seat) -> usize {
        self.accounts[seat.0].timers
    }

    /// [`Timers::register`].
    #[inline(always)]
    pub fn register_at(
        &mut self,
        Seat(account): Seat,
        class: QosClass,
        ask: Ask,
        now: Nanos,
    ) -> Result<TimerId, Refusal> {
        let holder = &mut self.accounts[account];
        if holder.timers >= TIMERS_PER_OWNER_MAX {
            return Err(Refusal::OwnerFull);
        }
        let course = Course::new(class, ask, now);
        let window = course.window(Regime { hint: self.hint, floor: holder.floor });
        let (owner, older) = (holder.owner, holder.newest);
        let make = || Timer { course, owner, account, older, newer: None };
        let slot = self.timers.insert_with(make).ok_or(Refusal::Full)?;
        holder.timers += 1;
        holder.newest = Some(slot);
        if let Some(older) = older {
            self.timers[older].newer = Some(slot);
        }
        self.orders.insert(slot, window);
        Ok(TimerId::new(slot, self.timers.generation(slot), owner))
    }

    /// [`Timers::rearm`].
    #[inline(never)]
    pub fn rearm_at(
        &mut self,
        seat: Seat,
        class: QosClass,
        id: TimerId,
        ask: Ask,
        now: Nanos,
    ) -> Result<Rearmed, Refusal> {
        match self.find_at(seat, id)? {
            Some(slot) => Ok(self.set_anew(slot, class, ask, now)),
            None => self.register_at(seat, class, ask, now).map(|id| Rearmed { id, was_live: false }),
        }
    }

    /// [`Timers::cancel`]; the task is not forgotten.
    #[inline(always)]
    pub fn cancel_at(&mut self, seat: Seat, id: TimerId) -> Result<bool, Refusal> {
        let slot = self.find_at(seat, id)?;
        if let Some(slot) = slot {
            self.release(slot);
        }
        Ok(slot.is_some())
    }

    /// [`Timers::get`]. O(1).
    pub fn get_at(&self, seat: Seat, id: TimerId) -> Result<Option<Pending>, Refusal> {
        Ok(self.find_at(seat, id)?.map(|slot| self.pending(slot)))
    }

    /// [`Timers::fire`]; `hear` is told, with what is kept for the owner, before the owner is forgotten, if it is.
    #[inline]
    pub fn fire_for<R>(&mut self, now: Nanos, hear: impl FnOnce(Fired, &mut D) -> R) -> Option<R> {
        let slot = self.orders.first_due(now.min(END_OF_TIME))?;
        let Timer { course, owner, account, .. } = &self.timers[slot];
        let (owner, account, due) = (*owner, *account, course.due);
        let id = TimerId::new(slot, self.timers.generation(slot), owner);
        let is_over = course.period.is_none();
        let times = if is_over {
            self.release(slot);
            1
        } else {
            self.go_on(slot, now)
        };
        let heard = hear(Fired { id, owner, due, times, is_over }, &mut self.accounts[account].kept);
        self.accounts.close_if_empty(account);
        Some(heard)
    }

    /// A periodic timer fires: how many occurrences that is.
    #[cold]
    fn go_on(&mut self, slot: Slot, now: Nanos) -> u64 {
        let (regime, earliest) =
            (self.regime(self.timers[slot].account), self.orders.window(slot).earliest());
        let course = &mut self.timers[slot].course;
        let times = course.fire(earliest, now);
        let window = course.window(regime);
        self.orders.change(slot, window);
        times
    }

    /// Makes a live timer another one: it comes after its equals from now on.
    pub(super) fn set_anew(&mut self, slot: Slot, class: QosClass, ask: Ask, now: Nanos) -> Rearmed {
        let course = Course::new(class, ask, now);
        let window = course.window(self.regime(self.timers[slot].account));
        self.timers[slot].course = course;
        self.timers.renew(slot);
        self.orders.remove(slot);
        self.orders.insert(slot, window);
        Rearmed { id: self.id_of(slot), was_live: true }
    }

    #[inline]
    fn find_at(&self, seat: Seat, id: TimerId) -> Result<Option<Slot>, Refusal> {
        self.find(self.accounts[seat.0].owner, id)
    }

    /// Takes a timer out of everything: whose account may be empty now.
    #[inline(always)]
    pub(super) fn release(&mut self, slot: Slot) -> Slot {
        let Timer { account, older, newer, .. } = self.timers[slot];
        if let Some(older) = older {
            self.timers[older].newer = newer;
        }
        let holder = &mut self.accounts[account];
        holder.timers -= 1;
        match newer {
            Some(newer) => self.timers[newer].older = older,
            None => holder.newest = older,
        }
        self.orders.remove(slot);
        self.timers.remove(slot);
        account
    }
}

/// The last moment there is: what is due only after it never fires.
const END_OF_TIME: Nanos = Nanos(Nanos::NEVER.0 - 1);
