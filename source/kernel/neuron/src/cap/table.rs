//! A task's handles: slots in pages, with generations, a free list and a limit.
//!
//! Only the owner of the task reaches its table, so there is no lock. Finding, inserting and removing are
//! O(1); pages come as they are needed and go with the task.
//!
//! ```text
//! handle = generation:16 | index:16      index = page:3 | slot:7
//! slot:  its present handle, rights, object  — or, when free, the next free slot
//! ```
//!
//! Slots are made only up to the limit, so a free slot is always one that may be used.
#![expect(unsafe_code, reason = "slots live in page frames reached through the direct map")]

use core::ptr;

use nexus_abi::{Error, HANDLES_MAX, Handle, PAGE_SIZE, Rights};

use super::object::Object;
use crate::arch;
use crate::mm::{Frame, PhysAddr};

const SLOTS: usize = PAGE_SIZE / size_of::<Slot>();
const PAGES: usize = HANDLES_MAX / SLOTS;
const GENERATION: u32 = 1 << 16;

/// One handle.
#[derive(Debug)]
#[repr(C, align(32))]
pub struct Slot {
    content: Content,
    /// What names the slot now, or will when it is next used.
    handle: Handle,
    rights: Rights,
}

const _: () = assert!(size_of::<Slot>() == 32);

#[derive(Debug)]
enum Content {
    Free { next: *mut Slot },
    Held(Object),
}

/// The table.
#[derive(Debug)]
pub struct HandleTable {
    /// Null, or a page of slots.
    pages: [*mut Slot; PAGES],
    /// Null, or the slot to use next.
    free: *mut Slot,
    /// Slots below this index have been made.
    high: u16,
    used: u16,
    limit: u16,
}

impl HandleTable {
    /// An empty table for at most `limit` handles, no more than [`HANDLES_MAX`].
    pub fn new(limit: u32) -> Self {
        let limit = limit.min(HANDLES_MAX as u32) as u16;
        Self { pages: [ptr::null_mut(); PAGES], free: ptr::null_mut(), high: 0, used: 0, limit }
    }

    /// Handles held.
    pub fn used(&self) -> u32 {
        u32::from(self.used)
    }

    /// True when `count` more handles fit without a new page.
    pub fn has_room(&self, count: u16) -> bool {
        let in_pages = self.pages.iter().filter(|page| !page.is_null()).count() * SLOTS;
        self.used + count <= self.limit && usize::from(self.used + count) <= in_pages
    }

    /// True when a handle fits at once. O(1), for the fast path: a slot that was used before is free.
    #[inline(always)]
    pub fn has_free_slot(&self) -> bool {
        !self.free.is_null()
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
            let page = self.pages.iter_mut().find(|page| page.is_null()).ok_or(Error::OverQuota)?;
            *page = take()?.as_ptr();
        }
        Ok(())
    }

    /// What `handle` names, with its rights. O(1).
    #[inline(always)]
    pub fn get(&self, handle: Handle) -> Result<(&Object, Rights), Error> {
        match self.find(handle) {
            Some(slot) => match &slot.content {
                Content::Held(object) => Ok((object, slot.rights)),
                Content::Free { .. } => Err(Error::BadHandle),
            },
            None => Err(Error::BadHandle),
        }
    }

    /// Puts `object` into a free slot. O(1). Fails only when [`Self::has_room`] would be false.
    #[inline(always)]
    pub fn insert(&mut self, object: Object, rights: Rights) -> Result<Handle, (Error, Object)> {
        if self.free.is_null() && !self.make_slot() {
            return Err((Error::OverQuota, object));
        }
        // SAFETY: the head of the free list is a slot of this table that nothing refers to, and
        // `&mut self` is exclusive.
        let slot = unsafe { &mut *self.free };
        if let Content::Free { next } = slot.content {
            self.free = next;
        }
        // SAFETY: a free slot holds nothing that needs dropping.
        unsafe { ptr::from_mut(&mut slot.content).write(Content::Held(object)) };
        slot.rights = rights;
        self.used += 1;
        Ok(slot.handle)
    }

    /// Leaves the next never-used slot empty, so that the handles after it keep their place.
    pub fn skip(&mut self) {
        self.make_slot();
    }

    /// Puts `object` into the next never-used slot, for handles whose place is agreed upon.
    pub fn insert_next(&mut self, object: Object, rights: Rights) -> Result<Handle, (Error, Object)> {
        if !self.make_slot() {
            return Err((Error::OverQuota, object));
        }
        // The slot just made is the head of the free list.
        self.insert(object, rights)
    }

    /// Takes `handle` out. O(1).
    #[inline(always)]
    pub fn remove(&mut self, handle: Handle) -> Result<(Object, Rights), Error> {
        let slot = self.find(handle).map(ptr::from_ref).ok_or(Error::BadHandle)?;
        // SAFETY: the slot is this table's, and `&mut self` is exclusive.
        unsafe { self.empty(slot.cast_mut()) }.ok_or(Error::BadHandle)
    }

    /// Takes out any handle at or after slot `from`: the object and the slot to go on at.
    pub fn take_any(&mut self, from: u16) -> Option<(Object, Rights, u16)> {
        (from..self.high).find_map(|index| {
            let slot = self.slot(usize::from(index))?;
            // SAFETY: as in `remove`.
            let (object, rights) = unsafe { self.empty(slot) }?;
            Some((object, rights, index + 1))
        })
    }

    /// The table's pages, taken out of a table that holds no handle any more.
    pub fn take_pages(&mut self) -> impl Iterator<Item = Frame> {
        debug_assert_eq!(self.used, 0);
        (self.free, self.high, self.limit) = (ptr::null_mut(), 0, 0);
        let pages = core::mem::replace(&mut self.pages, [ptr::null_mut(); PAGES]);
        let frame = |page: *mut Slot| Frame::containing(PhysAddr(arch::physical(page.cast())));
        pages.into_iter().filter(|page| !page.is_null()).map(frame)
    }

    /// Makes one more slot, at the head of the free list; false when limit or pages are used up.
    #[cold]
    fn make_slot(&mut self) -> bool {
        if self.high >= self.limit {
            return false;
        }
        let index = self.high;
        let Some(slot) = self.slot(usize::from(index)) else { return false };
        let content = Content::Free { next: self.free };
        // SAFETY: the slot lies in a page of this table and has never been written.
        unsafe { slot.write(Slot { content, handle: Handle::new(index, 1), rights: Rights::NONE }) };
        self.free = slot;
        self.high += 1;
        true
    }

    /// Frees a slot: what it held. Its next tenant has another generation; 0 is skipped, because handle 0
    /// means "none".
    ///
    /// # Safety
    ///
    /// `slot` is a made slot of this table, and the table is borrowed exclusively.
    #[inline(always)]
    unsafe fn empty(&mut self, slot: *mut Slot) -> Option<(Object, Rights)> {
        // SAFETY: by contract.
        let slot = unsafe { &mut *slot };
        if matches!(slot.content, Content::Free { .. }) {
            return None;
        }
        let content = core::mem::replace(&mut slot.content, Content::Free { next: self.free });
        let mut raw = (slot.handle.to_wire() as u32).wrapping_add(GENERATION);
        if raw < GENERATION {
            raw |= GENERATION;
        }
        slot.handle = Handle::from_wire(u64::from(raw));
        self.free = slot;
        self.used -= 1;
        match content {
            Content::Held(object) => Some((object, slot.rights)),
            Content::Free { .. } => None,
        }
    }

    /// The slot that `handle` names, held or free.
    #[inline(always)]
    fn find(&self, handle: Handle) -> Option<&Slot> {
        let index = handle.index();
        if index >= usize::from(self.high) {
            return None;
        }
        // SAFETY: slots below `high` have been made, and `&self` keeps writers away.
        let slot = unsafe { &*self.slot(index)? };
        (slot.handle == handle).then_some(slot)
    }

    #[inline(always)]
    fn slot(&self, index: usize) -> Option<*mut Slot> {
        let page = *self.pages.get(index / SLOTS)?;
        // The index is reduced to the page's slots.
        (!page.is_null()).then(|| page.wrapping_add(index % SLOTS))
    }
}
