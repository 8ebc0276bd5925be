//! The heap: an allocator over VMOs that come when needed and go when empty.
//!
//! ```text
//!   alloc ─▶ talc ── no gap is large enough ─▶ Vmos::alloc    vmo_create, vmo_map
//!   free  ─▶ talc ── a block is all gap ─────▶ Vmos::dealloc  vm_unmap, handle_close
//! ```
//!
//! A block is address space, not memory: the kernel finds a page when one is touched and charges it to this
//! task's quota. Bounded by [`BLOCKS_MAX`] blocks; beyond that, allocation fails. A task has one thread and no
//! signal handlers, so the allocator needs no lock.
#![expect(unsafe_code, reason = "allocators hand out memory")]

use core::alloc::{GlobalAlloc, Layout};
use core::cell::Cell;
use core::ptr;
use core::sync::atomic::{AtomicBool, Ordering};

use nexus_abi::{Handle, PAGE_SIZE, Rights, user};
use talc::TalcCell;
use talc::cell::TalcSyncCell;
use talc::source::GlobalAllocSource;

/// Address space taken at once: one leaf page table reaches two of these.
const BLOCK: usize = 1 << 20;
/// Most blocks at a time: the kernel allows 64 mappings a task, and a program wants some of its own.
const BLOCKS_MAX: usize = 40;

#[global_allocator]
static HEAP: Heap = Heap {
    begun: AtomicBool::new(false),
    // SAFETY: a task has one thread and nothing interrupts it, so no two calls ever overlap.
    blocks: unsafe {
        TalcSyncCell::new(TalcCell::new(GlobalAllocSource::with_block_size(Vmos::new(), BLOCK)))
    },
};

/// The allocator. The first block holds its books and stays for ever, so that block must not be a large one:
/// an allocation that needs more than [`BLOCK`] is never the first.
struct Heap {
    begun: AtomicBool,
    blocks: TalcSyncCell<GlobalAllocSource<Vmos>, talc::DefaultBinning>,
}

impl Heap {
    #[inline]
    fn begin(&self, size: usize) {
        if size >= BLOCK / 2 && !self.begun.swap(true, Ordering::Relaxed) {
            let small = Layout::new::<u64>();
            // SAFETY: freed with the layout it was made with, if it was made.
            unsafe {
                let first = self.blocks.alloc(small);
                if !first.is_null() {
                    self.blocks.dealloc(first, small);
                }
            }
        }
    }
}

// SAFETY: hands every request on to an allocator, unchanged.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.begin(layout.size());
        // SAFETY: the caller's promise.
        unsafe { self.blocks.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { self.blocks.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { self.blocks.realloc(block, layout, size) }
    }
}

/// Where blocks come from: one VMO each, mapped whole.
#[derive(Debug)]
struct Vmos {
    blocks: [Cell<Option<Block>>; BLOCKS_MAX],
}

#[derive(Clone, Copy, Debug)]
struct Block {
    address: usize,
    vmo: Handle,
}

impl Vmos {
    const fn new() -> Self {
        Self { blocks: [const { Cell::new(None) }; BLOCKS_MAX] }
    }

    /// Makes and maps a block; a step that fails undoes those before it.
    fn map(&self, bytes: usize) -> Option<usize> {
        let slot = self.blocks.iter().find(|slot| slot.get().is_none())?;
        let pages = bytes.div_ceil(PAGE_SIZE);
        let vmo = user::vmo_create(pages).ok()?;
        match user::vmo_map(vmo, 0, pages, Rights::READ | Rights::WRITE, 0) {
            Ok(address) => {
                slot.set(Some(Block { address, vmo }));
                Some(address)
            }
            Err(_) => {
                let _undone = user::handle_close(vmo);
                None
            }
        }
    }
}

// SAFETY: 1. blocks are fresh mappings, so they overlap nothing, are page aligned and zeroed; 2. a block is
// unmapped only when the allocator above hands it back.
unsafe impl GlobalAlloc for Vmos {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.map(layout.size()).map_or(ptr::null_mut(), ptr::with_exposed_provenance_mut)
    }

    unsafe fn dealloc(&self, block: *mut u8, _layout: Layout) {
        let named = |slot: &&Cell<Option<Block>>| slot.get().is_some_and(|b| b.address == block.addr());
        let Some(slot) = self.blocks.iter().find(named) else { return };
        if let Some(Block { address, vmo }) = slot.take() {
            // SAFETY: the allocator says that nothing uses the block any more.
            let _unmapped = unsafe { user::vm_unmap(address) };
            let _closed = user::handle_close(vmo);
        }
    }
}
