//! What is known of each task that has timers or a floor.
//!
//! Accounts are found by the task's number: those that share a bucket form a chain. Tasks alive at once have different
//! numbers, so no more than [`TASKS_MAX`] / [`BUCKETS`] = 4 of them share one: finding is O(1) as long as the timers of
//! the dead are purged.

use alloc::boxed::Box;
use core::ops::{Index, IndexMut};

use nexus_abi::{Nanos, TASKS_MAX, TaskId};

use crate::slab::{Slab, Slot};

/// Buckets: 8 KiB, and chains of four.
const BUCKETS: usize = TASKS_MAX / 4;

/// One task.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) owner: TaskId,
    /// Its standby floor; zero is none.
    pub(crate) floor: Nanos,
    /// Its live timers.
    pub(crate) timers: usize,
    /// The first of the list of its timers.
    pub(crate) newest: Option<Slot>,
    /// The next account of the bucket.
    next: Option<Slot>,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Accounts {
    slab: Slab<Account>,
    buckets: Box<[Option<Slot>]>,
}

impl Accounts {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self { slab: Slab::with_capacity(capacity), buckets: [None; BUCKETS].into() }
    }

    pub(crate) fn find(&self, owner: TaskId) -> Option<Slot> {
        let mut at = self.buckets[bucket(owner)];
        while let Some(slot) = at {
            if self.slab[slot].owner == owner {
                return at;
            }
            at = self.slab[slot].next;
        }
        None
    }

    /// The account of `owner`, made if there is none; `None` when there is no room.
    pub(crate) fn open(&mut self, owner: TaskId) -> Option<Slot> {
        if let Some(slot) = self.find(owner) {
            return Some(slot);
        }
        let first = &mut self.buckets[bucket(owner)];
        let account = Account { owner, floor: Nanos(0), timers: 0, newest: None, next: *first };
        *first = self.slab.insert(account).or(*first);
        self.find(owner)
    }

    /// Forgets the account if nothing stands in it any more.
    pub(crate) fn close_if_empty(&mut self, slot: Slot) {
        let account = &self.slab[slot];
        if account.timers > 0 || account.floor > Nanos(0) {
            return;
        }
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
}

impl Index<Slot> for Accounts {
    type Output = Account;

    fn index(&self, slot: Slot) -> &Account {
        &self.slab[slot]
    }
}

impl IndexMut<Slot> for Accounts {
    fn index_mut(&mut self, slot: Slot) -> &mut Account {
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
}
