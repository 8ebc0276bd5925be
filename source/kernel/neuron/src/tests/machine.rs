//! The record of a machine, as boot makes it, around a board that a fixture describes.

use core::sync::atomic::{AtomicBool, AtomicU64};
use std::boxed::Box;

use nexus_abi::{HARTS_MAX, PAGE_SIZE};

use crate::cap::stripes::Stripes;
use crate::idle::FirstSleep;
use crate::ipc::irq::Lines;
use crate::machine::{Console, Machine, console::AuditBudget};
use crate::mm::frames::Frames;
use crate::mm::slab::Slab;
use crate::mm::vmo::Vmo;
use crate::mm::{Frame, PhysAddr};
use crate::platform::board::Board;
use crate::platform::boot_image::BootImage;
use crate::platform::mmio::fake;
use crate::platform::plic::Plic;
use crate::platform::power::Power;
use crate::platform::region::Region;
use crate::platform::table::Table;
use crate::smp::HartShared;
use crate::sync::Lock;
use crate::task::{SpaceId, TaskTable, reclaim};
use crate::time::Clock;

/// Where memory begins. The boot image comes first in it.
pub const PHYSICAL_BASE: u64 = 0x8000_0000;

/// A machine with the frames `span`, which lie behind the boot image. Leaked: tests are short.
pub fn machine(image: &'static [u8], span: core::ops::Range<u32>) -> &'static Machine {
    let board = Board::parse(include_bytes!("../../fixtures/virt-8-4G.dtb"), 0).unwrap();
    let mut frames = Frames::new(span.clone(), Box::leak(std::vec![0; span.len()].into_boxed_slice()));
    frames.add(span);
    let image_pages = image.len().div_ceil(PAGE_SIZE) as u32;
    let vmos = Slab::new();
    let vmo = Vmo::fixed(Frame::containing(PhysAddr(PHYSICAL_BASE)), image_pages);
    let image_vmo = reclaim::create_at_boot(&frames, vmo, &vmos).unwrap();
    Box::leak(Box::new(Machine {
        clock: Clock::new(board.timebase_hz),
        frames,
        frames_fixed: u64::from(image_pages),
        ports: Slab::new(),
        vmos,
        irqs: Slab::new(),
        port_locks: Stripes::new(),
        owner_locks: Stripes::new(),
        tasks: Lock::new(TaskTable::new()),
        lines: Lock::new(Lines::new()),
        plic: Plic::new(fake::registers(0x60_0000), board.plic_lines),
        console: Lock::new(Console::new(None)),
        power: Power::new(None),
        harts: [const { HartShared::new() }; HARTS_MAX],
        online: AtomicU64::new(0),
        idle: AtomicU64::new(0),
        tracing: AtomicBool::new(false),
        first_task: AtomicU64::new(0),
        boot_ns: AtomicU64::new(0),
        first_sleep: FirstSleep::new(),
        image: BootImage::open(image).unwrap(),
        image_region: Region::new(PHYSICAL_BASE, image.len() as u64).unwrap(),
        image_vmo: Some(image_vmo),
        kernel_space: SpaceId(0),
        kernel_root: Table::new((0, crate::mm::page_table::Entry::EMPTY)),
        audit: AuditBudget::new(),
        board,
    }))
}
