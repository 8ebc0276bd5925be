//! A task's handles: slots in pages, with generations, a free list and a limit.
//!
//! Only the owner of the task reaches its table, so there is no lock. Finding, inserting and removing are
//! O(1); pages come as they are needed and go with the task.
//!
//! ```text
//! handle = generation:16 | index:16      index = page:3 | slot:7
//! slot:  generation, rights, object  — or, when free, the index of the next free slot
//! ```
#![expect(unsafe_code, reason = "slots live in page frames reached through the direct map")]

use nexus_abi::{Error, HANDLES_MAX, Handle, PAGE_SIZE, Rights};

use super::object::Object;
use crate::mm::Frame;

const SLOTS: usize = PAGE_SIZE / size_of::<Slot>();
const PAGES: usize = HANDLES_MAX / SLOTS;
const NO_SLOT: u16 = u16::MAX;

/// One handle.
#[derive(Debug)]
#[repr(C, align(32))]
pub struct Slot {
    content: Content,
    generation: u16,
    rights: Rights,
}

const _: () = assert!(size_of::<Slot>() == 32);

#[derive(Debug)]
enum Content {
    Free { next: u16 },
    Held(Object),
}

/// The table.
#[derive(Debug)]
pub struct HandleTable {
    pages: [Option<Frame>; PAGES],
    free: u16,
    /// Slots below this index have been used at least once.
    high: u16,
    used: u16,
    limit: u16,
}

impl HandleTable {
    /// An empty table for at most `limit` handles, no more than [`HANDLES_MAX`].
    pub fn new(limit: u32) -> Self {
        let limit = limit.min(HANDLES_MAX as u32) as u16;
        Self { pages: [None; PAGES], free: NO_SLOT, high: 0, used: 0, limit }
    }

    /// Handles held.
    pub fn used(&self) -> u32 {
        u32::from(self.used)
    }

    /// True when `count` more handles fit without a new page.
    pub fn has_room(&self, count: u16) -> bool {
        let in_pages = self.pages.iter().flatten().count() * SLOTS;
        self.used + count <= self.limit && usize::from(self.used + count) <= in_pages
    }

    /// True when a handle fits at once. O(1), for the fast path: a slot that was used before is free.
    #[inline(always)]
    pub fn has_free_slot(&self) -> bool {
        self.free != NO_SLOT && self.used < self.limit
    }

    /// Makes room for `count` more handles, taking pages from `take` if need be.
    pub fn reserve(
        &mut self,
        count: u16,
        mut take: impl FnMut() -> Result<Frame, Error>,
    ) -> Result<(), Error> {
        if self.used + count > self.limit {
            return Err(Error::OverQuota);
        }
        while !self.has_room(count) {
            let page = self.pages.iter_mut().find(|page| page.is_none()).ok_or(Error::OverQuota)?;
            *page = Some(take()?);
        }
        Ok(())
    }

    /// What `handle` names, with its rights. O(1).
    #[inline(always)]
    pub fn get(&self, handle: Handle) -> Result<(&Object, Rights), Error> {
        let slot = self.slot(handle.index()).ok_or(Error::BadHandle)?;
        match &slot.content {
            Content::Held(object) if slot.generation == handle.generation() => Ok((object, slot.rights)),
            _ => Err(Error::BadHandle),
        }
    }

    /// Puts `object` into a free slot. O(1). Fails only when [`Self::has_room`] would be false.
    #[inline(always)]
    pub fn insert(&mut self, object: Object, rights: Rights) -> Result<Handle, (Error, Object)> {
        if self.used >= self.limit {
            return Err((Error::OverQuota, object));
        }
        let index = if self.free != NO_SLOT { self.free } else { self.high };
        let fresh = index == self.high;
        let Some(slot) = self.slot_raw(usize::from(index)) else {
            return Err((Error::OverQuota, object));
        };
        // SAFETY: the slot lies in a page of this table, which `&mut self` gives us alone. A fresh slot has
        // never been written, so it is written whole; a free one holds nothing that needs dropping.
        unsafe {
            let generation = if fresh { 1 } else { (*slot).generation };
            if !fresh && let Content::Free { next } = (*slot).content {
                self.free = next;
            }
            slot.write(Slot { content: Content::Held(object), generation, rights });
            if fresh {
                self.high += 1;
            }
            self.used += 1;
            Ok(Handle::new(index, generation))
        }
    }

    /// Leaves the next never-used slot empty, so that the handles after it keep their place.
    pub fn skip(&mut self) {
        let index = self.high;
        let next = self.free;
        if let Some(slot) = self.slot_raw(usize::from(index)) {
            // SAFETY: as in `insert`, for a fresh slot.
            unsafe { slot.write(Slot { content: Content::Free { next }, generation: 1, rights: Rights::NONE }) };
            self.free = index;
            self.high += 1;
        }
    }

    /// Puts `object` into the next never-used slot, for handles whose place is agreed upon.
    pub fn insert_next(&mut self, object: Object, rights: Rights) -> Result<Handle, (Error, Object)> {
        let free = core::mem::replace(&mut self.free, NO_SLOT);
        let result = self.insert(object, rights);
        self.free = free;
        result
    }

    /// Takes `handle` out. O(1).
    #[inline(always)]
    pub fn remove(&mut self, handle: Handle) -> Result<(Object, Rights), Error> {
        self.get(handle)?;
        self.take_slot(handle.index() as u16).ok_or(Error::BadHandle)
    }

    /// Takes out any handle at or after slot `from`: the object and the slot to go on at.
    pub fn take_any(&mut self, from: u16) -> Option<(Object, Rights, u16)> {
        (from..self.high).find_map(|index| {
            let (object, rights) = self.take_slot(index)?;
            Some((object, rights, index + 1))
        })
    }

    /// The table's pages, taken out of a table that holds no handle any more.
    pub fn take_pages(&mut self) -> impl Iterator<Item = Frame> {
        debug_assert_eq!(self.used, 0);
        (self.free, self.high, self.limit) = (NO_SLOT, 0, 0);
        core::mem::take(&mut self.pages).into_iter().flatten()
    }

    #[inline(always)]
    fn take_slot(&mut self, index: u16) -> Option<(Object, Rights)> {
        let next = self.free;
        let slot = self.slot_mut(usize::from(index))?;
        if matches!(slot.content, Content::Free { .. }) {
            return None;
        }
        let content = core::mem::replace(&mut slot.content, Content::Free { next });
        // Generation 0 is skipped: it would make handle 0, which means "none", valid.
        slot.generation = slot.generation.checked_add(1).unwrap_or(1);
        let rights = slot.rights;
        self.free = index;
        self.used -= 1;
        match content {
            Content::Held(object) => Some((object, rights)),
            Content::Free { .. } => None,
        }
    }

    #[inline(always)]
    fn slot_raw(&self, index: usize) -> Option<*mut Slot> {
        let page = (*self.pages.get(index / SLOTS)?)?;
        // SAFETY: the index is reduced to the page's slots.
        Some(unsafe { page.as_ptr::<Slot>().add(index % SLOTS) })
    }

    #[inline(always)]
    fn slot(&self, index: usize) -> Option<&Slot> {
        if index >= usize::from(self.high) {
            return None;
        }
        // SAFETY: slots below `high` have been written, and `&self` keeps writers away.
        self.slot_raw(index).map(|slot| unsafe { &*slot })
    }

    #[inline(always)]
    fn slot_mut(&mut self, index: usize) -> Option<&mut Slot> {
        if index >= usize::from(self.high) {
            return None;
        }
        // SAFETY: as in `slot`, and `&mut self` is exclusive.
        self.slot_raw(index).map(|slot| unsafe { &mut *slot })
    }
}
