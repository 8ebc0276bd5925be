//! What is known of each task that has timers, a floor, or something that whoever keeps the table keeps for it.
//!
//! Accounts are found by the task's number: those that share a bucket form a chain. Tasks alive at once have different
//! numbers, so no more than [`TASKS_MAX`] / [`BUCKETS`] = 4 of them share one: finding is O(1) as long as the timers of
//! the dead are purged.

use alloc::boxed::Box;
use core::mem;
use core::ops::{Index, IndexMut};

use nexus_abi::{Nanos, TASKS_MAX, TaskId};

use crate::slab::{Slab, Slot};
use crate::timers::Keep;

/// Buckets: 8 KiB, and chains of four.
const BUCKETS: usize = TASKS_MAX / 4;

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
    /// What is kept for it besides.
    pub(crate) kept: D,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Accounts<D> {
    slab: Slab<Account<D>>,
    buckets: Box<[Option<Slot>; BUCKETS]>,
}

impl<D: Keep> Accounts<D> {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self { slab: Slab::with_capacity(capacity), buckets: Box::new([None; BUCKETS]) }
    }

    #[inline]
    pub(crate) fn find(&self, owner: TaskId) -> Option<Slot> {
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
        match self.find(owner) {
            None => self.make(owner),
            found => found,
        }
    }

    /// An account that was closed was empty, and so it still is.
    fn make(&mut self, owner: TaskId) -> Option<Slot> {
        let first = &mut self.buckets[bucket(owner)];
        let (next, floor) = (*first, Nanos(0));
        let renew = |account: &mut Account<D>| (account.owner, account.next) = (owner, next);
        let make = || Account { owner, floor, timers: 0, newest: None, next, kept: D::default() };
        let made = self.slab.reuse_with(renew, make)?;
        *first = Some(made);
        Some(made)
    }

    /// Forgets the account if nothing stands in it any more; nothing happens to one that is forgotten already.
    #[inline(always)]
    pub(crate) fn close_if_empty(&mut self, slot: Slot) {
        let account = &self.slab[slot];
        if account.timers == 0 && account.floor == Nanos(0) && account.kept.is_idle() {
            self.close(slot);
        }
    }

    #[inline(never)]
    fn close(&mut self, slot: Slot) {
        if !self.slab.is_live(slot) {
            return;
        }
        let account = &mut self.slab[slot];
        account.kept.let_go();
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

    /// Takes out what is kept for a task besides, and with that the account, if it has nothing else.
    pub(crate) fn empty(&mut self, slot: Slot) -> D {
        let kept = mem::take(&mut self.slab[slot].kept);
        self.close_if_empty(slot);
        kept
    }

    /// Whose they are.
    pub(crate) fn owners(&self) -> impl Iterator<Item = TaskId> {
        self.slab.live_from(0).map(|slot| self.slab[slot].owner)
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
}
