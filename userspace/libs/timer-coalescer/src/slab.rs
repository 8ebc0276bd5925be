//! A table whose memory is taken once, when it is made.
//!
//! Slots that have become free are used again in the order in which they became free: so their generations grow
//! alike. Only when there is none is memory touched that was not touched before.

use alloc::vec::Vec;
use core::num::NonZeroU16;
use core::ops::{Index, IndexMut};

/// A place in a table. Only tables make them, so they are always in range.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Slot(NonZeroU16);

impl Slot {
    /// The place with this number, if a table can be so large.
    #[inline]
    pub(crate) const fn at(index: usize) -> Option<Self> {
        if index >= u16::MAX as usize {
            return None;
        }
        match NonZeroU16::new(index as u16 + 1) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    pub(crate) const fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// The table.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    entries: Vec<Entry<T>>,
    capacity: usize,
    live: usize,
    free_first: Option<Slot>,
    free_last: Option<Slot>,
}

#[derive(Debug)]
struct Entry<T> {
    value: T,
    generation: u64,
    is_live: bool,
    next_free: Option<Slot>,
}

impl<T> Slab<T> {
    /// A table of at most `capacity` values, itself at most 65,535. The only place where memory is taken.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        let capacity = capacity.min(u16::MAX.into());
        let entries = Vec::with_capacity(capacity);
        Self { entries, capacity, live: 0, free_first: None, free_last: None }
    }

    pub(crate) const fn len(&self) -> usize {
        self.live
    }

    /// Whether the slot is in use.
    pub(crate) fn is_live(&self, slot: Slot) -> bool {
        self.entries[slot.index()].is_live
    }

    /// Slots that have ever been used: those beyond are free.
    pub(crate) const fn slots(&self) -> usize {
        self.entries.len()
    }

    pub(crate) const fn has_room(&self) -> bool {
        self.live < self.capacity
    }

    /// Puts what `make` makes into a free slot, if there is one; made where it stays, for it may be large. O(1).
    #[inline]
    pub(crate) fn insert_with(&mut self, make: impl Fn() -> T) -> Option<Slot> {
        self.reuse_with(|value| *value = make(), &make)
    }

    /// The same; what was left in a slot that had been used is made anew by `renew`.
    #[inline]
    pub(crate) fn reuse_with(
        &mut self,
        renew: impl FnOnce(&mut T),
        make: impl FnOnce() -> T,
    ) -> Option<Slot> {
        if !self.has_room() {
            return None;
        }
        let slot = match self.free_first {
            Some(slot) => {
                let entry = &mut self.entries[slot.index()];
                self.free_first = entry.next_free.take();
                renew(&mut entry.value);
                entry.is_live = true;
                entry.generation += 1;
                slot
            }
            None => self.push(make())?,
        };
        self.live += 1;
        Some(slot)
    }

    /// Begins to use a slot that has never been used.
    #[cold]
    #[inline(never)]
    fn push(&mut self, value: T) -> Option<Slot> {
        let slot = Slot::at(self.entries.len())?;
        self.entries.push(Entry { value, generation: 1, is_live: true, next_free: None });
        Some(slot)
    }

    /// Frees a live slot; what was in it stays readable until the slot is used again. O(1).
    #[inline]
    pub(crate) fn remove(&mut self, slot: Slot) {
        self.entries[slot.index()].is_live = false;
        match self.free_last.filter(|_| self.free_first.is_some()) {
            Some(last) => self.entries[last.index()].next_free = Some(slot),
            None => self.free_first = Some(slot),
        }
        self.free_last = Some(slot);
        self.live -= 1;
    }

    /// Makes a live slot another use of itself. O(1).
    pub(crate) fn renew(&mut self, slot: Slot) {
        self.entries[slot.index()].generation += 1;
    }

    /// Which use of the slot this is, from 1 on.
    pub(crate) fn generation(&self, slot: Slot) -> u64 {
        self.entries[slot.index()].generation
    }

    /// The slot with this number, if it is live. O(1).
    pub(crate) fn live_at(&self, index: usize) -> Option<Slot> {
        self.entries.get(index).filter(|entry| entry.is_live).and_then(|_| Slot::at(index))
    }

    /// The live slots with numbers of at least `from`, in their order.
    pub(crate) fn live_from(&self, from: usize) -> impl Iterator<Item = Slot> {
        (from..self.entries.len()).filter_map(|index| self.live_at(index))
    }
}

impl<T> Index<Slot> for Slab<T> {
    type Output = T;

    #[inline]
    fn index(&self, slot: Slot) -> &T {
        &self.entries[slot.index()].value
    }
}

impl<T> IndexMut<Slot> for Slab<T> {
    #[inline]
    fn index_mut(&mut self, slot: Slot) -> &mut T {
        &mut self.entries[slot.index()].value
    }
}
