//! Something about each of many tasks, found in O(1).
//!
//! Buckets of task ids, as wide as there can be timers: chains are of one or two. Places that have become free are used
//! again, so memory is taken for the most tasks that there were at once and for no more.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::num::NonZeroU16;

use nexus_abi::TaskId;
use timer_coalescer::TIMERS_MAX;

const BUCKETS: usize = TIMERS_MAX;

/// One more than the number of a place.
type Place = NonZeroU16;

/// The table.
#[derive(Debug)]
pub(crate) struct TaskTable<T> {
    buckets: Box<[Option<Place>]>,
    entries: Vec<Entry<T>>,
    free: Option<Place>,
}

#[derive(Debug)]
struct Entry<T> {
    task: TaskId,
    /// Nothing in a free place.
    value: Option<T>,
    /// The next one of the bucket, or of the free places.
    next: Option<Place>,
}

impl<T> TaskTable<T> {
    /// Nobody yet.
    pub(crate) fn new() -> Self {
        Self { buckets: [None; BUCKETS].into(), entries: Vec::new(), free: None }
    }

    /// All who are here.
    pub(crate) fn tasks(&self) -> impl Iterator<Item = TaskId> {
        self.entries.iter().filter(|entry| entry.value.is_some()).map(|entry| entry.task)
    }

    #[inline]
    pub(crate) fn get(&self, task: TaskId) -> Option<&T> {
        self.entries[self.find(task)?].value.as_ref()
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, task: TaskId) -> Option<&mut T> {
        let at = self.find(task)?;
        self.entries[at].value.as_mut()
    }

    /// The task's, made by `make` if there is none.
    #[inline]
    pub(crate) fn get_or(&mut self, task: TaskId, make: impl FnOnce() -> T) -> &mut T {
        let at = self.find(task).unwrap_or_else(|| self.place(task));
        self.entries[at].value.get_or_insert_with(make)
    }

    /// Takes the task out.
    pub(crate) fn remove(&mut self, task: TaskId) -> Option<T> {
        let mut before = None;
        let mut at = self.buckets[bucket(task)]?;
        while self.entries[index(at)].task != task {
            (before, at) = (Some(at), self.entries[index(at)].next?);
        }
        let entry = &mut self.entries[index(at)];
        let value = entry.value.take();
        let after = core::mem::replace(&mut entry.next, self.free);
        self.free = Some(at);
        match before {
            None => self.buckets[bucket(task)] = after,
            Some(before) => self.entries[index(before)].next = after,
        }
        value
    }

    #[inline]
    fn find(&self, task: TaskId) -> Option<usize> {
        let mut at = self.buckets[bucket(task)]?;
        while self.entries[index(at)].task != task {
            at = self.entries[index(at)].next?;
        }
        Some(index(at))
    }

    /// An empty place at the front of the task's bucket.
    fn place(&mut self, task: TaskId) -> usize {
        let first = &mut self.buckets[bucket(task)];
        let next = *first;
        let at = match self.free {
            Some(place) => {
                self.free = self.entries[index(place)].next;
                self.entries[index(place)] = Entry { task, value: None, next };
                place
            }
            None => {
                self.entries.push(Entry { task, value: None, next });
                // Whoever is here has a timer, sleeps, listens or has something to read, which are fewer than 2¹⁶.
                NonZeroU16::new(self.entries.len() as u16).unwrap_or(NonZeroU16::MAX)
            }
        };
        *first = Some(at);
        index(at)
    }
}

const fn index(place: Place) -> usize {
    place.get() as usize - 1
}

const fn bucket(task: TaskId) -> usize {
    task.index() as usize % BUCKETS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_of_one_bucket_are_told_apart_and_go_in_any_order() {
        let ids = [1, 2, 3].map(|generation| TaskId::new(7, generation));
        let far = TaskId::new(7 + BUCKETS as u32, 1);
        for gone in ids {
            let mut table = TaskTable::new();
            for (n, id) in ids.into_iter().chain([far]).enumerate() {
                *table.get_or(id, || 0) += n;
            }
            assert_eq!(table.remove(gone), ids.iter().position(|id| *id == gone));
            assert_eq!(table.remove(gone), None);
            assert_eq!(table.get(gone), None);
            let left = ids.into_iter().chain([far]).enumerate().filter(|(_, id)| *id != gone);
            for (n, id) in left {
                assert_eq!(table.get_mut(id), Some(&mut n.clone()));
            }
            assert_eq!(table.tasks().count(), 3);
        }
    }

    #[test]
    fn places_are_used_again() {
        let mut table = TaskTable::new();
        for n in 0..10_000 {
            let task = TaskId::new(n % 16_384, 1);
            *table.get_or(task, || 0) = n;
            assert_eq!(table.remove(task), Some(n));
        }
        assert_eq!(table.entries.len(), 1);
    }
}
