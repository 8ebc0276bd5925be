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

use core::hint::{assert_unchecked, unreachable_unchecked};
use core::ptr;

use nexus_abi::{Error, HANDLES_MAX, Handle, PAGE_SIZE, Rights};

use super::object::{Object, Ref};
use super::uses::Uses;
use crate::arch;
use crate::ipc::port::Port;
use crate::ipc::reply::CallNumber;
use crate::mm::{Frame, PhysAddr};
use crate::task::Task;

const SLOTS: usize = PAGE_SIZE / size_of::<Slot>();
const PAGES: usize = HANDLES_MAX / SLOTS;
/// From one generation to the next. All are odd: so none is 0, and no handle is that which means "none".
const GENERATION: u32 = 2 << 16;

/// One handle.
#[derive(Debug)]
#[repr(C, align(32))]
pub struct Slot {
    content: Content,
    /// What names the slot now, or will when it is next used.
    handle: Handle,
    rights: Rights,
    /// What the fast paths may do with it; nothing while it is free.
    uses: Uses,
}

const _: () = assert!(size_of::<Slot>() == 32);

#[derive(Debug)]
enum Content {
    Free { next: *mut Slot },
    Held(Object),
}

/// A reply as the fast path sees it.
#[derive(Debug)]
pub struct Reply<'a> {
    /// Which of the caller's calls.
    pub call: CallNumber,
    /// The caller.
    pub caller: &'a Task,
    slot: *const Slot,
}

/// Where a reply is.
#[derive(Debug)]
#[repr(transparent)]
pub struct ReplySlot(*const Slot);

impl Reply<'_> {
    /// To take it out with [`HandleTable::remove_reply`].
    #[inline(always)]
    pub fn slot(&self) -> ReplySlot {
        ReplySlot(self.slot)
    }
}

/// What stands in for a page that is not there: no slot in it is good for anything, so that the fast paths
/// find that out without asking whether there is a page.
static NO_SLOTS: NoSlots = NoSlots([0; PAGE_SIZE]);

#[repr(align(32))]
#[expect(dead_code, reason = "read as slots")]
struct NoSlots([u8; PAGE_SIZE]);

fn no_slots() -> *mut Slot {
    ptr::from_ref(&NO_SLOTS).cast_mut().cast()
}

/// The table.
#[derive(Debug)]
pub struct HandleTable {
    /// Pages of slots, zeroed when they come, or [`NO_SLOTS`].
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
        Self { pages: [no_slots(); PAGES], free: ptr::null_mut(), high: 0, used: 0, limit }
    }

    /// Handles held.
    pub fn used(&self) -> u32 {
        u32::from(self.used)
    }

    /// True when `count` more handles fit without a new page.
    pub fn has_room(&self, count: u16) -> bool {
        let in_pages = self.pages.iter().filter(|page| **page != no_slots()).count() * SLOTS;
        self.used + count <= self.limit && usize::from(self.used + count) <= in_pages
    }

    /// True when a handle fits at once. O(1), for the fast path: a slot that was used before is free.
    #[inline(always)]
    pub fn has_free_slot(&self) -> bool {
        !self.free.is_null()
    }

    /// The same, with a slot made if there is room for one: so the fast path finds it.
    pub fn makes_free_slot(&mut self) -> bool {
        self.has_free_slot() || self.make_slot()
    }

    /// Makes room for `count` more handles, taking zeroed pages from `take` if need be.
    pub fn reserve(
        &mut self,
        count: u16,
        mut take: impl FnMut() -> Result<Frame, Error>,
    ) -> Result<(), Error> {
        if self.used + count > self.limit {
            return Err(Error::OverQuota);
        }
        while !self.has_room(count) {
            let page = self.pages.iter_mut().find(|page| **page == no_slots()).ok_or(Error::OverQuota)?;
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

    /// The port that `handle` names, if it may be put to this use. O(1), for the fast paths.
    #[inline(always)]
    pub fn port(&self, handle: Handle, wanted: Uses) -> Option<&Port> {
        let slot = self.find_for(handle, wanted)?;
        match &slot.content {
            Content::Held(Object::Port(port)) => Some(port),
            // SAFETY: `Uses::of` grants every use of this kind to ports only, and a free slot has none.
            _ => unsafe { unreachable_unchecked() },
        }
    }

    /// The reply that `handle` names. O(1), for the fast paths.
    #[inline(always)]
    pub fn reply(&self, handle: Handle) -> Option<Reply<'_>> {
        let slot = self.find_for(handle, Uses::REPLY)?;
        match &slot.content {
            Content::Held(Object::Reply { call, caller }) => Some(Reply { call: *call, caller, slot }),
            // SAFETY: as in `port`.
            _ => unsafe { unreachable_unchecked() },
        }
    }

    /// Puts `object` into a free slot. O(1). Fails only when [`Self::has_room`] would be false.
    #[inline(always)]
    pub fn insert(&mut self, object: Object, rights: Rights) -> Result<Handle, (Error, Object)> {
        if self.free.is_null() && !self.make_slot() {
            return Err((Error::OverQuota, object));
        }
        // SAFETY: there is one now.
        Ok(unsafe { self.fill(object, rights) })
    }

    /// Fills the slot at the head of the free list.
    ///
    /// # Safety
    ///
    /// There is one.
    #[inline(always)]
    unsafe fn fill(&mut self, object: Object, rights: Rights) -> Handle {
        let uses = Uses::of(&object, rights);
        // SAFETY: a slot of this table that nothing refers to, and `&mut self` is exclusive.
        let slot = unsafe { &mut *self.free };
        match slot.content {
            Content::Free { next } => self.free = next,
            // SAFETY: it is in the free list.
            Content::Held(_) => unsafe { unreachable_unchecked() },
        }
        // SAFETY: a free slot holds nothing that needs dropping.
        unsafe { ptr::from_mut(&mut slot.content).write(Content::Held(object)) };
        slot.rights = rights;
        slot.uses = uses;
        self.used += 1;
        slot.handle
    }

    /// Puts a reply into a free slot. O(1), for the fast path.
    ///
    /// # Safety
    ///
    /// [`Self::has_free_slot`] was true, and the table has not changed since.
    #[inline(always)]
    pub unsafe fn insert_reply(&mut self, call: CallNumber, caller: Ref<Task>) -> Handle {
        debug_assert!(self.has_free_slot(), "a free slot is gone");
        // SAFETY: by contract.
        unsafe { self.fill(Object::Reply { call, caller }, Rights::MOVE) }
    }

    /// Takes a reply out that [`Self::reply`] has just found: its caller. O(1).
    ///
    /// # Safety
    ///
    /// `slot` is from this table, which has not changed since.
    #[inline(always)]
    pub unsafe fn remove_reply(&mut self, slot: ReplySlot) -> Ref<Task> {
        // SAFETY: by contract.
        let slot = unsafe { &mut *slot.0.cast_mut() };
        match self.vacate(slot) {
            Content::Held(Object::Reply { caller, .. }) => caller,
            // SAFETY: by contract it holds what it held then.
            _ => unsafe { unreachable_unchecked() },
        }
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
        let pages = core::mem::replace(&mut self.pages, [no_slots(); PAGES]);
        let frame = |page: *mut Slot| Frame::containing(PhysAddr(arch::physical(page.cast())));
        pages.into_iter().filter(|page| *page != no_slots()).map(frame)
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
        unsafe {
            slot.write(Slot {
                content,
                handle: Handle::new(index, 1),
                rights: Rights::NONE,
                uses: Uses::NONE,
            })
        };
        self.free = slot;
        self.high += 1;
        true
    }

    /// Frees a slot: what it held. Its next tenant has another generation.
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
        let rights = slot.rights;
        match self.vacate(slot) {
            Content::Held(object) => Some((object, rights)),
            Content::Free { .. } => None,
        }
    }

    /// Puts a held slot at the head of the free list: what it held.
    #[inline(always)]
    fn vacate(&mut self, slot: &mut Slot) -> Content {
        let content = core::mem::replace(&mut slot.content, Content::Free { next: self.free });
        let next = (slot.handle.to_wire() as u32).wrapping_add(GENERATION);
        slot.handle = Handle::from_wire(u64::from(next));
        slot.uses = Uses::NONE;
        self.free = slot;
        self.used -= 1;
        content
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

    /// The slot that `handle` names, if it is held and may be put to this use.
    #[inline(always)]
    fn find_for(&self, handle: Handle, wanted: Uses) -> Option<&Slot> {
        let index = handle.index();
        // The page is reduced to the table's, the slot to the page's: an index beyond them finds a slot whose
        // handle is another. A slot not made yet is zeros, which is good for no use.
        let slot = self.pages[index / SLOTS % PAGES].wrapping_add(index % SLOTS);
        // SAFETY: the slot lies in the page, zeros are a valid slot, and `&self` keeps writers away.
        let slot = unsafe {
            assert_unchecked(!slot.is_null());
            &*slot
        };
        if slot.handle != handle || !slot.uses.include(wanted) {
            return None;
        }
        Some(slot)
    }

    #[inline(always)]
    fn slot(&self, index: usize) -> Option<*mut Slot> {
        let page = *self.pages.get(index / SLOTS)?;
        // The index is reduced to the page's slots.
        (page != no_slots()).then(|| page.wrapping_add(index % SLOTS))
    }
}
