//! From the first instruction to the first task.
//!
//! Reads like a table of contents: the device tree becomes a board, the board's memory a frame allocator,
//! the kernel gets its final page table, every hart a stack and a record, and the boot image its first
//! task. What can go wrong ends the machine with a line that says what, and an exit code of its own.
//!
//! | module | holds |
//! |---|---|
//! | [`map`] | the kernel's page table |
//! | [`harts`] | records and stacks; starting the others |
//! | [`report`] | failing, and the kernel's own death |
#![expect(unsafe_code, reason = "takes possession of what the loader left in memory")]

mod harts;
mod map;
pub mod report;

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use nexus_abi::{Error, ExitCode, PAGE_SIZE};
use nexus_proof::Marker;

use crate::arch;
use crate::cap::stripes::Stripes;
use crate::idle::FirstSleep;
use crate::ipc::irq::Lines;
use crate::machine::{Console, Machine, console::AuditBudget};
use crate::mm::frames::Frames;
use crate::mm::slab::Slab;
use crate::mm::vmo::Vmo;
use crate::mm::{Frame, PhysAddr};
use crate::platform::board::{Board, tree_len};
use crate::platform::boot_image::BootImage;
use crate::platform::mmio::Mmio;
use crate::platform::plic::Plic;
use crate::platform::power::Power;
use crate::platform::region::Region;
use crate::platform::uart::Uart;
use crate::sched::Hart;
use crate::smp::HartShared;
use crate::sync::Lock;
use crate::task::{TaskTable, reclaim, spawn};
use crate::time::{self, Clock};

/// Where QEMU has its test device: asked only when the device tree cannot be read, so that even then the
/// machine ends with a code.
const TEST_DEVICE_GUESS: (u64, u64) = (0x10_0000, 0x1000);

/// Entered on the boot stack, in the high half, with the boot page table.
#[unsafe(no_mangle)]
extern "C" fn neuron_boot(boot_hart: u64, device_tree: u64) -> ! {
    let board = match Board::parse(tree_bytes(device_tree), boot_hart) {
        Ok(board) => board,
        Err(error) => {
            let power = Power::new(Region::new(TEST_DEVICE_GUESS.0, TEST_DEVICE_GUESS.1).map(registers));
            report::fail(&power, ExitCode::BadDeviceTree, format_args!("device tree: {error}"))
        }
    };
    let power = Power::new(board.test.map(registers));
    let (image, region) = match boot_image(&board) {
        Ok(found) => found,
        Err(why) => report::fail(&power, ExitCode::BadImage, format_args!("boot image: {why}")),
    };
    let no_memory = |error: Error| -> ! {
        report::fail(&power, ExitCode::NoMemory, format_args!("not enough memory to start: {error}"))
    };
    let frames = free_frames(&board).unwrap_or_else(|error| no_memory(error));
    let kernel = map::kernel_table(&board, region, &frames).unwrap_or_else(|error| no_memory(error));
    arch::load_space(kernel.space);
    arch::probe_asids(kernel.space);
    arch::use_sstc(board.harts.iter().all(|hart| hart.has_sstc));

    let parts = Parts { board, power: &power, image, region, kernel: &kernel };
    let machine = make_machine(frames, parts).unwrap_or_else(|error| no_memory(error));
    let boot_index = machine.board.hart_index(boot_hart).unwrap_or(0);
    let hart = harts::bring_up(machine, &kernel, boot_index).unwrap_or_else(|error| no_memory(error));
    let mib = machine.board.memory_bytes() >> 20;
    machine.print(format_args!("{}", Marker::Boot { harts: machine.online().count_ones(), memory_mib: mib }));
    machine.first_sleep.boot_announced();

    match machine.image.find("bin/init") {
        None => machine.end_with(ExitCode::BadImage, format_args!("boot image: no bin/init in it")),
        Some(init) => match spawn::spawn_first(hart, init.index as u32) {
            Ok(first) => machine.first_task.store(first.to_wire(), Ordering::Relaxed),
            Err(error) => machine.end_with(ExitCode::BadImage, format_args!("boot image: bin/init: {error}")),
        },
    }
    machine.boot_ns.store(machine.clock.nanos(time::now()).0, Ordering::Relaxed);
    run(hart)
}

/// What a hart does from now on.
fn run(hart: &mut Hart) -> ! {
    hart.begin();
    arch::return_to_user(hart)
}

/// What the machine is made of, before it is.
struct Parts<'a> {
    board: Board,
    power: &'a Power,
    image: BootImage<'static>,
    region: Region,
    kernel: &'a map::KernelTable,
}

/// Puts the machine's record into memory of its own.
fn make_machine(frames: Frames, parts: Parts<'_>) -> Result<&'static Machine, Error> {
    let Parts { board, power, image, region, kernel } = parts;
    let pages = size_of::<Machine>().div_ceil(PAGE_SIZE).next_power_of_two();
    let place: *mut Machine = frames.take_block(pages.ilog2() as usize)?.as_ptr();
    let fixed = [map::kernel_region().len(), region.len(), frames.tags_len() as u64];
    // SAFETY: the block is ours, large enough, and never given back.
    let machine = unsafe {
        place.write(Machine {
            clock: Clock::new(board.timebase_hz),
            frames,
            frames_fixed: fixed.iter().map(|len| len.div_ceil(PAGE_SIZE as u64)).sum(),
            ports: Slab::new(),
            vmos: Slab::new(),
            irqs: Slab::new(),
            port_locks: Stripes::new(),
            owner_locks: Stripes::new(),
            tasks: Lock::new(TaskTable::new()),
            lines: Lock::new(Lines::new()),
            plic: Plic::new(registers(board.plic), board.plic_lines),
            console: Lock::new(Console::new(Some(Uart::new(registers(board.uart.region))))),
            power: *power,
            harts: [const { HartShared::new() }; nexus_abi::HARTS_MAX],
            online: AtomicU64::new(0),
            idle: AtomicU64::new(0),
            tracing: AtomicBool::new(board.bootargs().split(' ').any(|word| word == "trace=1")),
            first_task: AtomicU64::new(0),
            boot_ns: AtomicU64::new(0),
            first_sleep: FirstSleep::new(),
            image,
            image_region: region,
            image_vmo: None,
            kernel_space: kernel.space,
            kernel_root: kernel.root_entries,
            audit: AuditBudget::new(),
            board,
        });
        &mut *place
    };
    let pages = region.len().div_ceil(PAGE_SIZE as u64) as u32;
    let vmo = Vmo::fixed(Frame::containing(PhysAddr(region.base())), pages);
    machine.image_vmo = Some(reclaim::create_at_boot(&machine.frames, vmo, &machine.vmos)?);
    Ok(machine)
}

/// The device tree that firmware left at a physical address; nothing if there is none.
fn tree_bytes(physical: u64) -> &'static [u8] {
    if physical == 0 || !physical.is_multiple_of(8) || physical >= map::BOOT_DIRECT_MAP_END {
        return &[];
    }
    let start = arch::direct_map(physical).cast_const();
    // SAFETY: firmware passes the address of a tree, the boot page table maps it, and nobody changes it
    // while the board is read; the header says how long it is.
    unsafe {
        match tree_len(*start.cast::<[u8; 8]>()) {
            Some(len) => core::slice::from_raw_parts(start, len),
            None => &[],
        }
    }
}

/// The boot image that the loader left in memory.
fn boot_image(board: &Board) -> Result<(BootImage<'static>, Region), report::ImageTrouble> {
    let region = board.initrd.ok_or(report::ImageTrouble::Missing)?;
    let start = arch::direct_map(region.base()).cast_const();
    // SAFETY: the board says the image lies in memory; it is reserved from the allocator and never written.
    let bytes = unsafe { core::slice::from_raw_parts(start, region.len() as usize) };
    let image = BootImage::open(bytes).map_err(report::ImageTrouble::Broken)?;
    Ok((image, region))
}

/// The registers of a device, through the direct map.
fn registers(region: Region) -> Mmio {
    // SAFETY: the region is a device's, from the device tree, and mapped as long as the kernel runs.
    unsafe { Mmio::new(arch::direct_map(region.base()) as usize, region.len() as usize) }
}

/// An allocator with all memory that nobody uses.
fn free_frames(board: &Board) -> Result<Frames, Error> {
    let taken = [map::kernel_region()];
    let number = |address: u64| (address / PAGE_SIZE as u64) as u32;
    let first = board.free_memory(&taken).next().ok_or(Error::NoMemory)?;
    let end = board.free_memory(&taken).map(|region| region.end()).max().ok_or(Error::NoMemory)?;
    let span = number(first.base())..number(end);
    let tags_len = (span.len() as u64).next_multiple_of(PAGE_SIZE as u64);
    let home = board.free_memory(&taken).find(|region| region.len() >= tags_len).ok_or(Error::NoMemory)?;
    // SAFETY: free memory, mapped, given to nobody else because it is cut off below.
    let tags = unsafe { core::slice::from_raw_parts_mut(arch::direct_map(home.base()), span.len()) };
    let mut frames = Frames::new(span, tags);
    for region in board.free_memory(&taken) {
        let start = if region == home { home.base() + tags_len } else { region.base() };
        frames.add(number(start)..number(region.end()));
    }
    Ok(frames)
}
