//! The page-frame allocator: a buddy system behind one lock, and a magazine of single frames per hart.
//!
//! Blocks are powers of two up to [`MAX_ORDER`]; free blocks of an order form a doubly linked list through
//! their own memory, and one byte per frame says whether a free block begins there and of which order.
//! Allocation and release are O(log n) with the lock held; the common single frame comes from the hart's
//! [`Magazine`] without a lock, and every 16th time from the buddy system.
//!
//! ```text
//! order 2   ■■■■........   a free block of 4        tags  3 0 0 0 . . . .
//! order 0   ■              a free block of 1        tags  1
//! ```
//!
//! The count of free frames is exact at every moment, magazines included.
#![expect(unsafe_code, reason = "free blocks hold the links of their own list")]

use core::ops::Range;
use core::sync::atomic::{AtomicUsize, Ordering};

use nexus_abi::Error;

use super::addr::Frame;
use crate::sync::{Lock, Rank};

/// Largest block: 2^10 frames, 4 MiB.
pub const MAX_ORDER: usize = 10;
const REFILL: usize = 16;

/// All page frames of the machine.
#[derive(Debug)]
pub struct Frames {
    buddy: Lock<Buddy, { Rank::FRAMES }>,
    free: AtomicUsize,
    total: usize,
}

impl Frames {
    /// Frames for `span`, none of them free yet. `tags` holds one byte per frame of the span.
    pub fn new(span: Range<u32>, tags: &'static mut [u8]) -> Self {
        debug_assert_eq!(tags.len(), span.len());
        tags.fill(0);
        let buddy = Buddy { first: span.start, tags, lists: [None; MAX_ORDER + 1] };
        Self { buddy: Lock::new(buddy), free: AtomicUsize::new(0), total: 0 }
    }

    /// Gives the allocator the frames of `range`, at boot.
    pub fn add(&mut self, range: Range<u32>) {
        self.total += range.len();
        *self.free.get_mut() += range.len();
        let buddy = self.buddy.get_mut();
        let mut at = range.start;
        while at < range.end {
            let fits = (range.end - at).ilog2();
            let order = at.trailing_zeros().min(fits).min(MAX_ORDER as u32);
            buddy.release(at, order as usize);
            at += 1 << order;
        }
    }

    /// Bytes of its own tags.
    pub fn tags_len(&self) -> usize {
        self.buddy.lock().tags.len()
    }

    /// Frames there are.
    pub fn total(&self) -> usize {
        self.total
    }

    /// Frames nobody uses.
    pub fn free(&self) -> usize {
        self.free.load(Ordering::Relaxed)
    }

    /// 2^`order` frames in a row, aligned to their size.
    pub fn take_block(&self, order: usize) -> Result<Frame, Error> {
        let first = self.buddy.lock().take(order).ok_or(Error::NoMemory)?;
        self.free.fetch_sub(1 << order, Ordering::Relaxed);
        Frame::from_number(first).ok_or(Error::NoMemory)
    }

    /// Gives 2^`order` frames back.
    pub fn give_block(&self, frame: Frame, order: usize) {
        self.buddy.lock().release(frame.number(), order);
        self.free.fetch_add(1 << order, Ordering::Relaxed);
    }
}

/// A hart's own small stock of single frames.
#[derive(Debug)]
pub struct Magazine {
    frames: [u32; 2 * REFILL],
    len: usize,
}

impl Default for Magazine {
    fn default() -> Self {
        Self::new()
    }
}

impl Magazine {
    /// An empty stock.
    pub const fn new() -> Self {
        Self { frames: [0; 2 * REFILL], len: 0 }
    }

    /// A frame of unknown content. O(1), one time in 16 with the lock.
    #[inline]
    pub fn take(&mut self, from: &Frames) -> Result<Frame, Error> {
        if self.len == 0 {
            self.refill(from);
        }
        let at = self.len.checked_sub(1).ok_or(Error::NoMemory)?;
        self.len = at;
        from.free.fetch_sub(1, Ordering::Relaxed);
        Frame::from_number(self.frames[at]).ok_or(Error::NoMemory)
    }

    /// A frame of zeros.
    #[inline]
    pub fn take_zeroed(&mut self, from: &Frames) -> Result<Frame, Error> {
        let frame = self.take(from)?;
        frame.zero();
        Ok(frame)
    }

    /// Gives a frame back. O(1), one time in 16 with the lock.
    #[inline]
    pub fn give(&mut self, to: &Frames, frame: Frame) {
        if self.len == self.frames.len() {
            let mut buddy = to.buddy.lock();
            for number in self.frames.iter().skip(REFILL) {
                buddy.release(*number, 0);
            }
            self.len = REFILL;
        }
        if let Some(slot) = self.frames.get_mut(self.len) {
            *slot = frame.number();
            self.len += 1;
            to.free.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Empties the stock.
    pub fn give_back_all(&mut self, to: &Frames) {
        let mut buddy = to.buddy.lock();
        for number in self.frames.iter().take(self.len) {
            buddy.release(*number, 0);
        }
        self.len = 0;
    }

    #[cold]
    fn refill(&mut self, from: &Frames) {
        let mut buddy = from.buddy.lock();
        for slot in self.frames.iter_mut().take(REFILL) {
            let Some(number) = buddy.take(0) else { break };
            *slot = number;
            self.len += 1;
        }
    }
}

/// The links in a free block's first bytes: frame numbers, 0 for none.
#[repr(C)]
struct FreeBlock {
    next: u32,
    prev: u32,
}

#[derive(Debug)]
struct Buddy {
    first: u32,
    /// Per frame: 0, or 1 + the order of the free block that begins there.
    tags: &'static mut [u8],
    lists: [Option<u32>; MAX_ORDER + 1],
}

impl Buddy {
    fn take(&mut self, order: usize) -> Option<u32> {
        let (found, head) = (order..=MAX_ORDER).find_map(|o| Some((o, (*self.lists.get(o)?)?)))?;
        self.unlink(head, found);
        for smaller in (order..found).rev() {
            self.link(head + (1 << smaller), smaller);
        }
        Some(head)
    }

    fn release(&mut self, mut block: u32, mut order: usize) {
        while order < MAX_ORDER {
            let buddy = block ^ 1 << order;
            if self.tag(buddy) != order as u8 + 1 {
                break;
            }
            self.unlink(buddy, order);
            block = block.min(buddy);
            order += 1;
        }
        debug_assert_eq!(self.tag(block), 0, "frame {block} given back twice");
        self.link(block, order);
    }

    fn tag(&self, block: u32) -> u8 {
        block.checked_sub(self.first).and_then(|at| self.tags.get(at as usize)).copied().unwrap_or(0)
    }

    fn set_tag(&mut self, block: u32, tag: u8) {
        if let Some(slot) = self.tags.get_mut((block - self.first) as usize) {
            *slot = tag;
        }
    }

    fn link(&mut self, block: u32, order: usize) {
        let next = self.lists[order];
        *links(block) = FreeBlock { next: next.unwrap_or(0), prev: 0 };
        if let Some(next) = next {
            links(next).prev = block;
        }
        self.lists[order] = Some(block);
        self.set_tag(block, order as u8 + 1);
    }

    fn unlink(&mut self, block: u32, order: usize) {
        let FreeBlock { next, prev } = *links(block);
        if next != 0 {
            links(next).prev = prev;
        }
        if prev != 0 {
            links(prev).next = next;
        } else {
            self.lists[order] = (next != 0).then_some(next);
        }
        self.set_tag(block, 0);
    }
}

/// The links inside a free block. Only [`Buddy`], under its lock, calls this, and only for free blocks.
fn links<'a>(block: u32) -> &'a mut FreeBlock {
    let pointer: *mut FreeBlock = Frame::from_number(block).map_or(core::ptr::null_mut(), Frame::as_ptr);
    // SAFETY: the block is free, so nothing else refers to its memory, the lock keeps other harts out, and
    // no caller holds two of these references at once. Frame 0 is never given to the allocator.
    unsafe { &mut *pointer }
}
