//! Pools of kernel objects: one page of equal slots at a time, given back when its last object goes.
//!
//! ```text
//! page:  [ header | slot | slot | … ]     header: links to other pages with room, free list, used count
//! ```
//!
//! Taking and giving back are O(1) with the pool's lock held. Pages count as the kernel's, objects as the
//! quota of the task that asked for them.
#![expect(unsafe_code, reason = "carves typed slots out of page frames")]

use core::marker::PhantomData;
use core::mem::{MaybeUninit, size_of};
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicUsize, Ordering};

use nexus_abi::{Error, PAGE_SIZE};

use super::addr::{Frame, PhysAddr};
use super::frames::{Frames, Magazine};
use crate::arch;
use crate::sync::{Lock, Rank};

/// A pool of objects of one type.
#[derive(Debug)]
pub struct Slab<T> {
    pages: Lock<Partial, { Rank::SLAB }>,
    live: AtomicUsize,
    of: PhantomData<fn() -> T>,
}

#[derive(Debug)]
struct Partial {
    /// Pages with at least one free slot.
    head: *mut Page,
}

// SAFETY: the pointer is reached only through the pool's lock, and the pages are kernel memory that every
// hart sees alike.
unsafe impl Send for Partial {}

#[repr(C)]
struct Page {
    next: *mut Page,
    prev: *mut Page,
    free: *mut FreeSlot,
    used: usize,
}

struct FreeSlot {
    next: *mut FreeSlot,
}

impl<T> Slab<T> {
    const SLOT: usize = {
        assert!(size_of::<T>() >= size_of::<FreeSlot>() && align_of::<T>() <= 16);
        size_of::<T>().next_multiple_of(16)
    };
    const FIRST: usize = size_of::<Page>().next_multiple_of(16);
    const PER_PAGE: usize = (PAGE_SIZE - Self::FIRST) / Self::SLOT;

    /// An empty pool.
    pub const fn new() -> Self {
        let pages = Lock::new(Partial { head: ptr::null_mut() });
        Self { pages, live: AtomicUsize::new(0), of: PhantomData }
    }

    /// Objects alive.
    pub fn live(&self) -> usize {
        self.live.load(Ordering::Relaxed)
    }

    /// Puts `value` into a slot of its own.
    pub fn take(&self, magazine: &mut Magazine, frames: &Frames, value: T) -> Result<NonNull<T>, (Error, T)> {
        let mut partial = self.pages.lock();
        if partial.head.is_null() {
            match magazine.take(frames) {
                Ok(frame) => partial.head = Self::new_page(frame),
                Err(error) => return Err((error, value)),
            }
        }
        // SAFETY: `head` is a page of this pool with a free slot, and the lock is held; the slot is free,
        // large and aligned enough for a `T`.
        unsafe {
            let page = partial.head;
            let slot = (*page).free;
            (*page).free = (*slot).next;
            (*page).used += 1;
            if (*page).free.is_null() {
                partial.unlink(page);
            }
            let object: *mut T = slot.cast();
            object.write(value);
            self.live.fetch_add(1, Ordering::Relaxed);
            Ok(NonNull::new_unchecked(object))
        }
    }

    /// Drops the object and frees its slot.
    ///
    /// # Safety
    ///
    /// `object` came from `take` of this pool, and nobody refers to it any more.
    pub unsafe fn give(&self, magazine: &mut Magazine, frames: &Frames, object: NonNull<T>) {
        // SAFETY: by contract the object is ours alone.
        unsafe {
            object.drop_in_place();
            self.give_moved(magazine, frames, object);
        }
    }

    /// Frees the slot of an object whose value has been moved out.
    ///
    /// # Safety
    ///
    /// As for `give`.
    pub unsafe fn give_moved(&self, magazine: &mut Magazine, frames: &Frames, object: NonNull<T>) {
        let mut partial = self.pages.lock();
        // SAFETY: by contract the object is ours alone; its page's header is at the page's start and is
        // protected by the lock.
        unsafe {
            let page: *mut Page = (object.as_ptr() as usize & !(PAGE_SIZE - 1)) as *mut Page;
            let slot: *mut FreeSlot = object.as_ptr().cast();
            let was_full = (*page).free.is_null();
            slot.write(FreeSlot { next: (*page).free });
            (*page).free = slot;
            (*page).used -= 1;
            if was_full {
                partial.link(page);
            }
            if (*page).used == 0 {
                partial.unlink(page);
                let address = PhysAddr(arch::physical(page.cast()));
                magazine.give(frames, Frame::containing(address));
            }
        }
        self.live.fetch_sub(1, Ordering::Relaxed);
    }

    fn new_page(frame: Frame) -> *mut Page {
        let page: *mut Page = frame.as_ptr();
        let mut free: *mut FreeSlot = ptr::null_mut();
        for n in (0..Self::PER_PAGE).rev() {
            // SAFETY: the frame is ours, and slot `n` lies inside it.
            unsafe {
                let slot: *mut FreeSlot =
                    page.cast::<MaybeUninit<u8>>().add(Self::FIRST + n * Self::SLOT).cast();
                slot.write(FreeSlot { next: free });
                free = slot;
            }
        }
        // SAFETY: as above, for the header.
        unsafe { page.write(Page { next: ptr::null_mut(), prev: ptr::null_mut(), free, used: 0 }) };
        page
    }
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl Partial {
    /// # Safety
    ///
    /// `page` is a page of this pool that is not in the list.
    unsafe fn link(&mut self, page: *mut Page) {
        // SAFETY: by contract and because the lock is held.
        unsafe {
            (*page).next = self.head;
            (*page).prev = ptr::null_mut();
            if let Some(head) = self.head.as_mut() {
                head.prev = page;
            }
        }
        self.head = page;
    }

    /// # Safety
    ///
    /// `page` is a page in the list.
    unsafe fn unlink(&mut self, page: *mut Page) {
        // SAFETY: by contract and because the lock is held.
        unsafe {
            let Page { next, prev, .. } = *page;
            match prev.as_mut() {
                Some(prev) => prev.next = next,
                None => self.head = next,
            }
            if let Some(next) = next.as_mut() {
                next.prev = prev;
            }
        }
    }
}
