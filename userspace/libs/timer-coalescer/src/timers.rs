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

use nexus_abi::{Error, Nanos, QosClass, TaskId};

use crate::accounts::Accounts;
use crate::compose::Regime;
use crate::course::{Ask, Course};
use crate::id::TimerId;
use crate::queue::{Node, Nodes, Queue, Window};
use crate::slab::{Slab, Slot};

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

/// The table.
#[derive(Debug)]
pub struct Timers {
    timers: Slab<Timer>,
    queue: Queue<Slot, Nanos>,
    accounts: Accounts,
    hint: Nanos,
    floors: usize,
}

#[derive(Debug)]
struct Timer {
    node: Node<Slot, Nanos>,
    course: Course,
    owner: TaskId,
    account: Slot,
    /// The list of the owner's timers.
    older: Option<Slot>,
    newer: Option<Slot>,
}

/// With what the slab keeps of each: finding an entry is then a shift, and there is much to find.
const _: () = assert!(Slab::<Timer>::ENTRY == 128, "an entry is a power of two");

impl Nodes for Slab<Timer> {
    type Id = Slot;
    type Moment = Nanos;

    #[inline]
    fn node(&mut self, slot: Slot) -> &mut Node<Slot, Nanos> {
        &mut self[slot].node
    }
}

impl Timers {
    /// A table for [`TIMERS_MAX`] timers.
    pub fn new() -> Self {
        Self::with_capacity(TIMERS_MAX)
    }

    /// A table for fewer.
    pub fn with_capacity(capacity: usize) -> Self {
        let capacity = capacity.min(TIMERS_MAX);
        Self {
            timers: Slab::with_capacity(capacity),
            queue: Queue::new(),
            // Whoever has an account has a timer or a floor: this is enough.
            accounts: Accounts::with_capacity(capacity + FLOORS_MAX),
            hint: Nanos(0),
            floors: 0,
        }
    }

    /// The moment until which one may sleep; [`Nanos::NEVER`] when nothing waits. O(1).
    pub fn next_wakeup(&self) -> Nanos {
        self.queue.next_wakeup().unwrap_or(Nanos::NEVER)
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
        let account = self.accounts.open(owner).ok_or(Refusal::Full)?;
        if self.accounts[account].timers >= TIMERS_PER_OWNER_MAX {
            return Err(Refusal::OwnerFull);
        }
        let course = Course::new(class, ask, now);
        let window = course.window(self.regime(account));
        let timer = Timer { node: Node::new(window), course, owner, account, older: None, newer: None };
        let slot = self.timers.insert(timer).ok_or(Refusal::Full)?;
        self.enter_account(slot);
        self.queue.insert(slot, window, &mut self.timers);
        Ok(self.id_of(slot))
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
        let Some(slot) = self.find(owner, id)? else {
            return self.register(owner, class, ask, now).map(|id| Rearmed { id, was_live: false });
        };
        let course = Course::new(class, ask, now);
        let window = course.window(self.regime(self.timers[slot].account));
        self.timers[slot].course = course;
        self.timers.renew(slot);
        self.queue.remove(slot, &mut self.timers);
        self.queue.insert(slot, window, &mut self.timers);
        Ok(Rearmed { id: self.id_of(slot), was_live: true })
    }

    /// Makes a timer of `owner`'s fire no more. False when it had fired already, once, or was cancelled before.
    pub fn cancel(&mut self, owner: TaskId, id: TimerId) -> Result<bool, Refusal> {
        let slot = self.find(owner, id)?;
        if let Some(slot) = slot {
            self.release(slot);
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
        let slot = self.queue.first_due(now.min(END_OF_TIME), &mut self.timers)?;
        let (id, regime) = (self.id_of(slot), self.regime(self.timers[slot].account));
        let Timer { node, course, owner, .. } = &mut self.timers[slot];
        let (owner, due) = (*owner, course.ask.due);
        let times = course.fire(node.window().earliest(), now);
        let is_over = course.ask.period.is_none();
        if is_over {
            self.release(slot);
        } else {
            let window = course.window(regime);
            self.queue.change(slot, window, &mut self.timers);
        }
        Some(Fired { id, owner, due, times, is_over })
    }

    /// Takes out all timers of a task that is dead, and its floor; `gone` hears of each. O(log n) for each.
    pub fn purge(&mut self, owner: TaskId, mut gone: impl FnMut(TimerId)) {
        self.lift_floor(owner);
        while let Some(account) = self.accounts.find(owner)
            && let Some(slot) = self.accounts[account].newest
        {
            gone(self.id_of(slot));
            self.release(slot);
        }
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
            self.lift_floor(owner);
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

    fn lift_floor(&mut self, owner: TaskId) {
        let Some(account) = self.accounts.find(owner) else { return };
        if self.accounts[account].floor > Nanos(0) {
            self.floors -= 1;
            self.accounts[account].floor = Nanos(0);
            self.recompose_all_of(account);
            self.accounts.close_if_empty(account);
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

    /// Computes a window anew because the rules have changed.
    fn recompose(&mut self, slot: Slot) {
        let Timer { node, course, account, .. } = &self.timers[slot];
        let window = course.window(self.regime(*account));
        if window != *node.window() {
            self.queue.change(slot, window, &mut self.timers);
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
    fn find(&self, owner: TaskId, id: TimerId) -> Result<Option<Slot>, Refusal> {
        if !id.is_held_by(owner) {
            return Err(Refusal::NotFound);
        }
        let slot = self.timers.live_at(id.slot());
        Ok(slot.filter(|slot| self.timers[*slot].owner == owner && self.id_of(*slot) == id))
    }

    fn pending(&self, slot: Slot) -> Pending {
        let Timer { node, course, owner, .. } = &self.timers[slot];
        let id = self.id_of(slot);
        Pending { id, owner: *owner, class: course.class, ask: course.ask, window: *node.window() }
    }

    /// Puts a timer at the front of its owner's list.
    fn enter_account(&mut self, slot: Slot) {
        let account = &mut self.accounts[self.timers[slot].account];
        account.timers += 1;
        let older = account.newest.replace(slot);
        self.timers[slot].older = older;
        if let Some(older) = older {
            self.timers[older].newer = Some(slot);
        }
    }

    fn leave_account(&mut self, slot: Slot) {
        let Timer { account, older, newer, .. } = self.timers[slot];
        if let Some(older) = older {
            self.timers[older].newer = newer;
        }
        match newer {
            Some(newer) => self.timers[newer].older = older,
            None => self.accounts[account].newest = older,
        }
        self.accounts[account].timers -= 1;
        self.accounts.close_if_empty(account);
    }

    fn release(&mut self, slot: Slot) {
        self.queue.remove(slot, &mut self.timers);
        self.leave_account(slot);
        self.timers.remove(slot);
    }
}

/// The last moment there is: what is due only after it never fires.
const END_OF_TIME: Nanos = Nanos(Nanos::NEVER.0 - 1);

impl Default for Timers {
    fn default() -> Self {
        Self::new()
    }
}
