//! The kernel's page table: every mapping the kernel will ever have.
//!
//! Code is executable and nothing else, constants readable and nothing else, also in the direct map; data
//! is never executable; below every hart's stack lies a page that is not mapped. The top-level entries are
//! copied into every task's table, and never change after this.

use nexus_abi::{Error, PAGE_SIZE};

use crate::arch;
use crate::machine::ROOT_ENTRIES_MAX;
use crate::mm::frames::Frames;
use crate::mm::page_table::{Access, ENTRIES, Entry, PageTable, index};
use crate::mm::{Frame, PhysAddr};
use crate::platform::board::Board;
use crate::platform::region::Region;
use crate::platform::table::Table;
use crate::task::SpaceId;

/// The boot page table maps this much from physical address 0.
pub const BOOT_DIRECT_MAP_END: u64 = 8 << 30;
/// Where the harts' stacks and records are.
const HARTS_BASE: usize = 0xffff_ffe0_0000_0000;
const HART_STRIDE: usize = 64 << 10;
/// A hart's part: one guard page, the stack, and its record in the page on top.
const STACK_PAGES: usize = 6;
const RECORD_AT: usize = (1 + STACK_PAGES) * PAGE_SIZE;

/// The table, and what tasks copy of it.
pub struct KernelTable {
    /// For `satp`.
    pub space: SpaceId,
    /// The top-level entries of the kernel's half that exist.
    pub root_entries: Table<(u16, Entry), ROOT_ENTRIES_MAX>,
}

/// Where the record of hart `index` is; its stack ends there.
pub fn hart_record(index: usize) -> usize {
    HARTS_BASE + index * HART_STRIDE + RECORD_AT
}

/// The stack of hart `index`.
pub fn hart_stack(index: usize) -> core::ops::Range<usize> {
    let record = hart_record(index);
    record - STACK_PAGES * PAGE_SIZE..record
}

/// The number of the hart with its record at `address`, if there can be one.
pub fn hart_at(address: usize) -> Option<usize> {
    let offset = address.checked_sub(HARTS_BASE)?.checked_sub(RECORD_AT)?;
    let index = offset / HART_STRIDE;
    (offset.is_multiple_of(HART_STRIDE) && index < nexus_abi::HARTS_MAX).then_some(index)
}

/// The memory of the kernel image.
pub fn kernel_region() -> Region {
    let image = Image::new();
    image.region(image.text, image.end)
}

/// The kernel's text, for backtraces.
pub fn kernel_text() -> core::ops::Range<usize> {
    let image = Image::new();
    image.text..image.rodata
}

/// Builds the table.
pub fn kernel_table(board: &Board, boot_image: Region, frames: &Frames) -> Result<KernelTable, Error> {
    let mut mapper = Mapper { table: PageTable::new(zeroed(frames)?), frames };
    let image = Image::new();
    mapper.map(image.text, image.region(image.text, image.rodata), Access::KERNEL_CODE)?;
    mapper.map(image.rodata, image.region(image.rodata, image.data), Access::KERNEL_CONST)?;
    mapper.map(image.data, image.region(image.data, image.end), Access::KERNEL_DATA)?;

    let constant = image.region(image.text, image.data);
    for region in board.free_memory(&[constant]) {
        mapper.map_direct(region, Access::KERNEL_DATA)?;
    }
    mapper.map_direct(constant, Access::KERNEL_CONST)?;
    mapper.map_direct(boot_image.pages_around(), Access::KERNEL_CONST)?;
    for device in [Some(board.plic), Some(board.uart.region), board.test].into_iter().flatten() {
        mapper.map_direct(device.pages_around(), Access::KERNEL_DATA)?;
    }
    for hart in 0..board.harts.len() {
        let stack = hart_stack(hart);
        for page in (stack.start..=stack.end).step_by(PAGE_SIZE) {
            mapper.map_page(page, zeroed(frames)?, Access::KERNEL_DATA)?;
        }
    }
    let mut root_entries = Table::new((0, Entry::EMPTY));
    for at in ENTRIES / 2..ENTRIES {
        let entry = PageTable::entry(mapper.table.root(), at);
        if entry.is_valid() {
            root_entries.push((at as u16, entry)).map_err(|_| Error::NoSpace)?;
        }
    }
    let space = arch::kernel_space_id(mapper.table.root());
    Ok(KernelTable { space, root_entries })
}

fn zeroed(frames: &Frames) -> Result<Frame, Error> {
    let frame = frames.take_block(0)?;
    frame.zero();
    Ok(frame)
}

/// Where the linker put the image.
struct Image {
    text: usize,
    rodata: usize,
    data: usize,
    end: usize,
}

impl Image {
    fn new() -> Self {
        let [text, rodata, data, end] = arch::image_bounds();
        Self { text, rodata, data, end }
    }

    /// The memory behind a part of it.
    fn region(&self, start: usize, end: usize) -> Region {
        let (start, end) = (arch::image_physical(start), arch::image_physical(end));
        // The linker keeps the image's parts in order and none of them empty.
        Region::between(start, end).unwrap_or(Self::nothing(start))
    }

    fn nothing(at: u64) -> Region {
        Region::between(at, at + PAGE_SIZE as u64).unwrap_or_else(|| unreachable!("a page is a region"))
    }
}

struct Mapper<'a> {
    table: PageTable,
    frames: &'a Frames,
}

impl Mapper<'_> {
    /// Maps a physical range where the direct map has it.
    fn map_direct(&mut self, region: Region, access: Access) -> Result<(), Error> {
        self.map(arch::direct_map(region.base()) as usize, region, access)
    }

    /// Maps a physical range at `address`, with the largest pages that fit.
    fn map(&mut self, address: usize, region: Region, access: Access) -> Result<(), Error> {
        let len = region.len() as usize;
        let mut done = 0;
        while done < len {
            let (virt, phys) = (address + done, region.base() as usize + done);
            let level = [2, 1].into_iter().find(|level| {
                let size = PAGE_SIZE << (9 * level);
                virt.is_multiple_of(size) && phys.is_multiple_of(size) && len - done >= size
            });
            let level = level.unwrap_or(0);
            self.enter(virt, Frame::containing(PhysAddr(phys as u64)), level, access)?;
            done += PAGE_SIZE << (9 * level);
        }
        Ok(())
    }

    fn map_page(&mut self, address: usize, frame: Frame, access: Access) -> Result<(), Error> {
        self.enter(address, frame, 0, access)
    }

    fn enter(&mut self, address: usize, frame: Frame, level: usize, access: Access) -> Result<(), Error> {
        let mut table = self.table.root();
        for above in (level + 1..=2).rev() {
            let at = index(address, above);
            let entry = PageTable::entry(table, at);
            table = if entry.is_valid() {
                entry.frame()
            } else {
                let fresh = zeroed(self.frames)?;
                PageTable::set_entry(table, at, Entry::table(fresh));
                fresh
            };
        }
        PageTable::set_entry(table, index(address, level), Entry::leaf(frame, access));
        Ok(())
    }
}
