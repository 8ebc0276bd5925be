//! What is known of each task that has timers, a floor, or something that whoever keeps the table keeps for it.
//!
//! Accounts are found by the task's number: those that share a bucket form a chain. Tasks alive at once have different
//! numbers, so no more than [`TASKS_MAX`] / [`BUCKETS`] = 4 of them share one: finding is O(1) as long as the timers of
//! the dead are purged.
//!
//! A task that sleeps again and again has nothing in between, so an empty account *rests* before it is forgotten: it is
//! not found, but opening it again takes no more than that. At most [`RESTING_MAX`] rest, for which there are places
//! besides: they keep nobody out. Whoever comes to rest when so many are in the ring takes the turn of the one that
//! has been in it longest. The next task with the same number takes over the place of the one that was: a chain gets
//! no longer by those that rest.

use alloc::boxed::Box;
use core::ops::{Index, IndexMut};
use core::{iter, mem};

use nexus_abi::{Nanos, TASKS_MAX, TaskId};

use crate::slab::{Slab, Slot};
use crate::timers::Keep;

/// Buckets: 8 KiB, and chains of four.
const BUCKETS: usize = TASKS_MAX / 4;

/// Accounts that rest, at most: as many tasks as sleep at once on a busy day.
const RESTING_MAX: usize = 512;

/// One task.
#[derive(Debug)]
pub(crate) struct Account<D> {
    pub(crate) owner: TaskId,
    /// Its standby floor; zero is none.
    pub(crate) floor: Nanos,
    /// Its live timers.
    pub(crate) timers: usize,
    /// The first of the list of its timers.
    pub(crate) newest: Option<Slot>,
    /// The next account of the bucket.
    next: Option<Slot>,
    /// It is empty, but has its place.
    rests: bool,
    /// The place is in the ring, whosever it is by now.
    is_in_ring: bool,
    /// What is kept for it besides.
    pub(crate) kept: D,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Accounts<D> {
    slab: Slab<Account<D>>,
    buckets: Box<[Option<Slot>; BUCKETS]>,
    /// The places that may rest: what has no turn in it does not.
    ring: Box<[Option<Slot>; RESTING_MAX]>,
    /// Whose turn is the next to be taken.
    turn: usize,
}

impl<D: Keep> Accounts<D> {
    /// For so many that do not rest.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self {
            slab: Slab::with_capacity(capacity + RESTING_MAX),
            buckets: Box::new([None; BUCKETS]),
            ring: Box::new([None; RESTING_MAX]),
            turn: 0,
        }
    }

    /// The account of `owner`, unless it rests.
    pub(crate) fn find(&self, owner: TaskId) -> Option<Slot> {
        self.look(owner).filter(|slot| !self.slab[*slot].rests)
    }

    /// The same, even if it rests.
    #[inline]
    fn look(&self, owner: TaskId) -> Option<Slot> {
        let mut at = self.buckets[bucket(owner)];
        while let Some(slot) = at {
            let account = &self.slab[slot];
            if account.owner == owner {
                return at;
            }
            at = account.next;
        }
        None
    }

    /// The account of `owner`, made if there is none; `None` when there is no room.
    #[inline]
    pub(crate) fn open(&mut self, owner: TaskId) -> Option<Slot> {
        match self.look(owner) {
            None => self.make(owner),
            Some(slot) => {
                self.slab[slot].rests = false;
                Some(slot)
            }
        }
    }

    /// An account that was closed was empty, and so it still is.
    #[inline(never)]
    fn make(&mut self, owner: TaskId) -> Option<Slot> {
        if let Some(slot) = self.resting_before(owner) {
            let account = &mut self.slab[slot];
            (account.owner, account.rests, account.kept) = (owner, false, D::default());
            return Some(slot);
        }
        let first = &mut self.buckets[bucket(owner)];
        let (next, floor) = (*first, Nanos(0));
        // Whether the place is in the ring stays as it is.
        let renew = |account: &mut Account<D>| {
            (account.owner, account.next, account.rests) = (owner, next, false);
        };
        let make = || Account {
            owner,
            floor,
            timers: 0,
            newest: None,
            next,
            rests: false,
            is_in_ring: false,
            kept: D::default(),
        };
        let made = self.slab.reuse_with(renew, make)?;
        *first = Some(made);
        Some(made)
    }

    /// What rests of an earlier task with the same number.
    fn resting_before(&self, owner: TaskId) -> Option<Slot> {
        let chain = iter::successors(self.buckets[bucket(owner)], |slot| self.slab[*slot].next);
        chain.into_iter().find(|slot| {
            let account = &self.slab[*slot];
            account.rests && account.owner.index() == owner.index()
        })
    }

    /// Lets the account rest if nothing stands in it any more; nothing happens to one that is forgotten already.
    #[inline(always)]
    pub(crate) fn close_if_empty(&mut self, slot: Slot) {
        let account = &mut self.slab[slot];
        if account.timers == 0 && account.floor == Nanos(0) && account.kept.is_idle() {
            account.rests = true;
            account.kept.let_go();
            if !account.is_in_ring {
                self.take_turn(slot);
            }
        }
    }

    /// Into the ring, in place of the one that has been in it longest, which is forgotten if it rests.
    #[cold]
    #[inline(never)]
    fn take_turn(&mut self, slot: Slot) {
        self.slab[slot].is_in_ring = true;
        let before = self.ring[self.turn].replace(slot);
        self.turn = (self.turn + 1) % RESTING_MAX;
        if let Some(before) = before {
            self.slab[before].is_in_ring = false;
            if self.slab[before].rests {
                self.close(before);
            }
        }
    }

    /// Forgets an empty account; nothing happens to one that is forgotten already.
    fn close(&mut self, slot: Slot) {
        if !self.slab.is_live(slot) {
            return;
        }
        let account = &mut self.slab[slot];
        account.kept = D::default();
        let (bucket, after) = (bucket(account.owner), account.next);
        if self.buckets[bucket] == Some(slot) {
            self.buckets[bucket] = after;
        } else {
            let mut at = self.buckets[bucket];
            while let Some(before) = at {
                at = self.slab[before].next;
                if at == Some(slot) {
                    self.slab[before].next = after;
                }
            }
        }
        self.slab.remove(slot);
    }

    /// Forgets the account of a task that is dead, if it rests.
    pub(crate) fn forget_resting(&mut self, owner: TaskId) {
        if let Some(slot) = self.look(owner).filter(|slot| self.slab[*slot].rests) {
            self.close(slot);
        }
    }

    /// Takes out what is kept for a task besides, and with that the account, which has nothing else.
    pub(crate) fn empty(&mut self, slot: Slot) -> D {
        let kept = mem::take(&mut self.slab[slot].kept);
        self.close(slot);
        kept
    }

    /// Whose they are.
    pub(crate) fn owners(&self) -> impl Iterator<Item = TaskId> {
        self.slab.live_from(0).map(|slot| &self.slab[slot]).filter(|it| !it.rests).map(|it| it.owner)
    }
}

impl<D> Index<Slot> for Accounts<D> {
    type Output = Account<D>;

    #[inline]
    fn index(&self, slot: Slot) -> &Account<D> {
        &self.slab[slot]
    }
}

impl<D> IndexMut<Slot> for Accounts<D> {
    #[inline]
    fn index_mut(&mut self, slot: Slot) -> &mut Account<D> {
        &mut self.slab[slot]
    }
}

const fn bucket(owner: TaskId) -> usize {
    owner.index() as usize % BUCKETS
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn of_all_tasks_that_may_be_alive_four_share_a_bucket() {
        let mut shared = [0; BUCKETS];
        for index in 0..TASKS_MAX as u32 {
            shared[bucket(TaskId::new(index, 1))] += 1;
        }
        assert_eq!((shared, BUCKETS * 4), ([4; BUCKETS], TASKS_MAX));
    }

    #[test]
    fn tasks_of_one_bucket_are_told_apart_and_go_in_any_order() {
        let ids = [1, 2, 3].map(|generation| TaskId::new(7, generation));
        let far = TaskId::new(7 + BUCKETS as u32, 1);
        for gone in ids {
            let mut accounts = Accounts::<()>::with_capacity(4);
            let slots = [ids[0], ids[1], ids[2], far].map(|id| accounts.open(id));
            assert_eq!(slots, [ids[0], ids[1], ids[2], far].map(|id| accounts.find(id)));
            let slot = accounts.find(gone).filter(|slot| accounts[*slot].owner == gone);
            accounts.close_if_empty(slot.expect("it was opened"));
            assert_eq!(accounts.find(gone), None);
            assert!(ids.into_iter().chain([far]).all(|id| accounts.find(id).is_some() == (id != gone)));
            assert_eq!(accounts.owners().count(), 3);
        }
    }

    #[test]
    fn places_are_used_again() {
        let mut accounts = Accounts::<()>::with_capacity(2);
        for n in 0..10_000 {
            let slot = accounts.open(TaskId::new(n % 16_384, 1)).expect("there is room");
            accounts.close_if_empty(slot);
            accounts.close_if_empty(slot);
        }
        assert_eq!(accounts.owners().count(), 0);
    }

    /// Accounts that have a place.
    fn places(accounts: &Accounts<Noted>) -> usize {
        accounts.slab.len()
    }

    /// Something that is kept, and what of it is left over.
    #[derive(Default, Debug, PartialEq)]
    struct Noted(u64);

    impl Keep for Noted {
        fn is_idle(&self) -> bool {
            true
        }

        fn let_go(&mut self) {}
    }

    /// A chain with what rests in it, which is found in none.
    fn chain_of(accounts: &Accounts<Noted>, owner: TaskId) -> usize {
        iter::successors(accounts.buckets[bucket(owner)], |slot| accounts.slab[*slot].next).count()
    }

    #[test]
    fn who_rests_has_its_place_again_and_nobody_else_what_was_kept() {
        let mut accounts = Accounts::<Noted>::with_capacity(2);
        let (first, later) = (TaskId::new(7, 1), TaskId::new(7, 2));
        let slot = accounts.open(first).expect("there is room");
        accounts[slot].kept = Noted(5);
        accounts.close_if_empty(slot);
        assert_eq!((accounts.find(first), accounts.owners().count()), (None, 0));
        assert_eq!((accounts.open(first), &accounts[slot].kept), (Some(slot), &Noted(5)));
        accounts.close_if_empty(slot);
        assert_eq!((accounts.open(later), &accounts[slot].kept), (Some(slot), &Noted(0)));
        assert_eq!((accounts.find(first), accounts.find(later)), (None, Some(slot)));
        accounts.close_if_empty(slot);
        accounts.forget_resting(first);
        assert_eq!(places(&accounts), 1, "it is another's by now");
        accounts[slot].kept = Noted(6);
        accounts.forget_resting(later);
        assert_eq!((places(&accounts), accounts.look(later)), (0, None));
        let slot = accounts.open(TaskId::new(9, 1)).expect("there is room");
        assert_eq!(accounts[slot].kept, Noted(0));
        accounts[slot].kept = Noted(7);
        assert_eq!(
            (accounts.empty(slot), places(&accounts)),
            (Noted(7), 0),
            "it is given away with all that was kept"
        );
    }

    #[test]
    fn a_turn_of_one_that_is_forgotten_is_taken_without_a_word() {
        let mut accounts = Accounts::<Noted>::with_capacity(RESTING_MAX + 1);
        let ids = (0..=RESTING_MAX as u32).map(|index| TaskId::new(index, 1));
        let slots: Vec<Slot> = ids.map(|id| accounts.open(id).expect("there is room")).collect();
        accounts.close_if_empty(slots[0]);
        accounts.forget_resting(TaskId::new(0, 1));
        slots[1..].iter().for_each(|slot| accounts.close_if_empty(*slot));
        assert_eq!(places(&accounts), RESTING_MAX, "all that rest, of which it is none");
    }

    /// Who is awake never wants for a place because others rest; chains are of four however many have come and gone.
    #[test]
    fn so_many_rest_and_no_more_and_they_keep_nobody_out() {
        let mut accounts = Accounts::<Noted>::with_capacity(3);
        let awake = [1, 2].map(|index| TaskId::new(index, 1));
        let slots = awake.map(|id| accounts.open(id));
        for n in 0..100_000_u32 {
            let id = TaskId::new(n * 7 % TASKS_MAX as u32 + 3, n / 1_000 + 2);
            let slot = accounts.open(id).expect("there is room for a third");
            assert_eq!(accounts[slot].kept, Noted(0));
            accounts[slot].kept = Noted(n.into());
            accounts.close_if_empty(slot);
            assert!(chain_of(&accounts, id) <= 4);
            assert!(places(&accounts) <= RESTING_MAX + 2);
        }
        assert_eq!((awake.map(|id| accounts.find(id)), accounts.owners().count()), (slots, 2));
        assert_eq!(places(&accounts), RESTING_MAX + 2);
    }
}
