//! Both orders of a table's timers: who fires first, and until when one may sleep.
//!
//! A tournament in groups of four. The places of the first round are the slots of the table; the winners of a round
//! are the places of the next, until there is one. Firing first and being needed first are two contests, held in one
//! go.
//!
//! ```text
//!   winner                   [ 3 ]                    fires first: 3
//!                        ┌─────┴─────┐
//!   round 1            [ 3 ]       [ 5 ]      …       one place for four of the round before
//!                  ┌──┬──┼──┐   ┌──┬──┼──┐
//!   round 0        0  1  2  3   4  5  6  7    …       one place for each slot
//! ```
//!
//! A newcomer goes up as long as it wins, which a timer that is due after others does not for long. Whoever leaves is
//! followed up as long as it had won. So every operation is O(log n) in the slots that have ever been used at once,
//! four to a level, and nothing is moved about. Memory is reserved when the tournament is made and touched as slots are
//! used.

use alloc::vec::Vec;
use core::{array, iter, mem};

use nexus_abi::Nanos;

use crate::id::SLOT_BITS;
use crate::queue::Window;
use crate::slab::Slot;
use crate::timers::TIMERS_MAX;

/// Places that meet in one match. With two there are twice the rounds, with eight there is more to compare in all.
const GROUP: usize = 4;
/// Rounds after the first, of the largest table.
const LATER_ROUNDS: usize = 5;

const _: () = assert!(GROUP.pow(LATER_ROUNDS as u32 + 1) == TIMERS_MAX, "the last round is one match");

/// The best of a part: in round 0 a slot's own moments. A fourth word is spare, so that a place is found by a shift.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(align(32))]
struct Best {
    /// The earliest moment of whoever fires first.
    earliest: Nanos,
    /// Its arrival, and below that its slot: no two are the same, and the lesser came first.
    order: u64,
    /// The earliest latest of all, whosever it is.
    latest: Nanos,
}

impl Best {
    /// Nobody: as good as one that never fires.
    const NOBODY: Self = Self { earliest: Nanos::NEVER, order: u64::MAX, latest: Nanos::NEVER };

    const fn slot(&self) -> usize {
        (self.order & ((1 << SLOT_BITS) - 1)) as usize
    }

    /// By deadline, then by registration.
    fn fires_before(&self, other: &Self) -> bool {
        self.earliest < other.earliest || self.earliest == other.earliest && self.order < other.order
    }

    /// Takes note of a newcomer: whether it wins anything here.
    #[inline]
    fn meet(&mut self, newcomer: &Self) -> bool {
        let is_needed_first = newcomer.latest < self.latest;
        if is_needed_first {
            self.latest = newcomer.latest;
        }
        if newcomer.fires_before(self) {
            (self.earliest, self.order) = (newcomer.earliest, newcomer.order);
            return true;
        }
        is_needed_first
    }

    /// Whether it would be another one without `gone`.
    #[inline]
    fn owes(&self, gone: &Self) -> bool {
        self.order == gone.order || self.latest == gone.latest
    }

    /// The winners of a match.
    #[inline]
    fn of(group: &Group) -> Self {
        let &[mut first, ref rest @ ..] = group;
        let mut latest = first.latest;
        for place in rest {
            if place.fires_before(&first) {
                first = *place;
            }
            latest = latest.min(place.latest);
        }
        Self { latest, ..first }
    }
}

/// Those who meet in one match.
type Group = [Best; GROUP];

/// The orders.
#[derive(Debug)]
pub(crate) struct Tournament {
    winner: Best,
    /// Round 0.
    slots: Vec<Group>,
    /// Those in use of the rounds after it.
    height: usize,
    rounds: [Vec<Group>; LATER_ROUNDS],
    /// Timers that have come so far: 2⁵² do not come, at a million a second in 142 years.
    arrivals: u64,
}

impl Tournament {
    /// For slots with numbers below `capacity`. The only place where memory is taken.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        let matches = |round: usize| capacity.div_ceil(GROUP.pow(round as u32 + 1));
        let mut slots = Vec::with_capacity(matches(0).max(1));
        slots.push([Best::NOBODY; GROUP]);
        let rounds = array::from_fn(|round| Vec::with_capacity(matches(round + 1)));
        Self { winner: Best::NOBODY, slots, height: 0, rounds, arrivals: 0 }
    }

    /// The moment until which one may sleep; [`Nanos::NEVER`] when nothing waits. O(1).
    #[inline]
    pub(crate) fn next_wakeup(&self) -> Nanos {
        self.winner.latest
    }

    /// The slot whose timer fires first, if its moment has come by `now`, which is not [`Nanos::NEVER`]. O(1).
    #[inline]
    pub(crate) fn first_due(&self, now: Nanos) -> Option<Slot> {
        if self.winner.earliest <= now { Slot::at(self.winner.slot()) } else { None }
    }

    /// The window of a slot that is in it. O(1).
    pub(crate) fn window(&self, slot: Slot) -> Window<Nanos> {
        let Best { earliest, latest, .. } = *self.own(slot);
        Window::new(earliest, latest)
    }

    /// The place of a slot.
    fn own(&self, slot: Slot) -> &Best {
        let at = slot.index();
        &self.slots[at / GROUP][at % GROUP]
    }

    /// Lets in a slot that is not in it. O(log n).
    #[inline(never)]
    pub(crate) fn insert(&mut self, slot: Slot, window: Window<Nanos>) {
        // At the end of the function, so that what is mostly done keeps nothing for after a call.
        if slot.index() / GROUP < self.slots.len() {
            self.admit(slot, window)
        } else {
            self.extend(slot, window)
        }
    }

    /// The same for one that has no place yet.
    #[cold]
    #[inline(never)]
    fn extend(&mut self, slot: Slot, window: Window<Nanos>) {
        self.make_room(slot.index());
        self.admit(slot, window);
    }

    #[inline(always)]
    fn admit(&mut self, slot: Slot, window: Window<Nanos>) {
        let order = self.arrivals << SLOT_BITS | slot.index() as u64;
        self.arrivals += 1;
        self.enter(slot.index(), Best { earliest: window.earliest(), order, latest: window.latest() });
    }

    /// Lets out a slot that is in it. O(log n).
    #[inline(never)]
    pub(crate) fn remove(&mut self, slot: Slot) {
        self.leave(slot.index());
    }

    /// Gives a slot that is in it another window; it has still come when it came. O(log n).
    pub(crate) fn change(&mut self, slot: Slot, window: Window<Nanos>) {
        let order = self.own(slot).order;
        self.leave(slot.index());
        self.enter(slot.index(), Best { earliest: window.earliest(), order, latest: window.latest() });
    }

    /// Puts one into its place and goes up as long as it wins.
    #[inline(always)]
    fn enter(&mut self, mut at: usize, best: Best) {
        self.slots[at / GROUP][at % GROUP] = best;
        for round in self.rounds.iter_mut().take(self.height) {
            at /= GROUP;
            if !round[at / GROUP][at % GROUP].meet(&best) {
                return;
            }
        }
        self.winner.meet(&best);
    }

    /// Empties a place and holds the matches again that it had won.
    #[inline(always)]
    fn leave(&mut self, mut at: usize) {
        let mut group = &mut self.slots[at / GROUP];
        let gone = mem::replace(&mut group[at % GROUP], Best::NOBODY);
        for round in self.rounds.iter_mut().take(self.height) {
            at /= GROUP;
            let next = &mut round[at / GROUP];
            let place = &mut next[at % GROUP];
            if !place.owes(&gone) {
                return;
            }
            *place = Best::of(group);
            group = next;
        }
        if self.winner.owes(&gone) {
            self.winner = Best::of(group);
        }
    }

    /// Makes places for the slot with this number, the lowest that has none, and uses another round if need be.
    fn make_room(&mut self, slot: usize) {
        let mut at = slot;
        for round in iter::once(&mut self.slots).chain(&mut self.rounds) {
            at /= GROUP;
            if at >= round.len() {
                round.push([Best::NOBODY; GROUP]);
            }
        }
        if slot >= GROUP.pow(self.height as u32 + 1) && self.height < LATER_ROUNDS {
            self.rounds[self.height][0][0] = self.winner;
            self.height += 1;
        }
    }
}

#[cfg(test)]
#[path = "tournament_tests.rs"]
mod tests;
