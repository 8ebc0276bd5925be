//! The board: what the device tree says the machine is, read once into plain data.
//!
//! [`Board::parse`] walks the flattened tree and keeps only what the kernel needs: memory, harts, clock,
//! the devices it drives itself and those it may hand to tasks, and what the loader left in memory. After
//! that nobody looks at the tree again, and its memory can be reused.
//!
//! What holds for every [`Board`] that exists:
//! 1. Memory ranges are sorted, disjoint and not adjacent. Devices overlap neither memory nor each other,
//!    and the *pages* of a device that may be handed out ([`Board::is_device`]) hold nothing else.
//! 2. There is at least one hart, the boot hart is among them, their ids are distinct and ascending, each
//!    has an MMU and an S-mode context at the interrupt controller.
//! 3. Interrupt lines exist at the controller; the boot image lies in memory.
//!
//! A tree that breaks one of these is a [`BoardError`] naming node and property. Devices behind a bus that
//! translates addresses, or disabled ones, are not seen.

mod devices;
mod error;
mod harts;
mod memory;
#[cfg(test)]
mod tests;
mod tree;

use nexus_abi::HARTS_MAX;

use super::plic::{Context, Line};
use super::region::Region;
use super::table::Table;

pub use error::{BoardError, NodeName};
pub use tree::{TREE_MAX, tree_len};

/// Memory ranges after merging neighbours.
pub const MEMORY_MAX: usize = 4;
/// Reserved ranges after merging; more is an error, for each one left out would be handed to tasks.
pub const RESERVED_MAX: usize = 16;
/// Virtio slots used; those beyond stay unused.
pub const VIRTIO_MAX: usize = 8;
/// Longest command line, in bytes.
pub const BOOTARGS_MAX: usize = 512;

/// The machine.
#[derive(Clone, Debug)]
pub struct Board {
    /// Memory, ascending.
    pub memory: Table<Region, MEMORY_MAX>,
    /// Memory that is not ours, ascending: firmware, and what the tree reserves.
    pub reserved: Table<Region, RESERVED_MAX>,
    /// The harts in use, by ascending hardware id. The index here is the hart's number in the kernel.
    pub harts: Table<Hart, HARTS_MAX>,
    /// Ticks of the clock in a second.
    pub timebase_hz: u64,
    /// The console.
    pub uart: Device,
    /// The interrupt controller's registers.
    pub plic: Region,
    /// Lines it has.
    pub plic_lines: u32,
    /// The real-time clock.
    pub rtc: Option<Device>,
    /// Virtio slots, by ascending address. Most are empty; only their drivers can tell.
    pub virtio: Table<Device, VIRTIO_MAX>,
    /// The device that ends the emulator with a code.
    pub test: Option<Region>,
    /// The boot image the loader left in memory.
    pub initrd: Option<Region>,
    bootargs: BootArgs,
}

/// One hart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hart {
    /// The number firmware knows it by; sparse.
    pub hardware_id: u64,
    /// Its S-mode at the interrupt controller.
    pub plic_context: Context,
    /// Its timer is a register of S-mode.
    pub has_sstc: bool,
}

/// A device a task may drive: its registers and its interrupt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Device {
    /// Its registers.
    pub region: Region,
    /// Its line at the interrupt controller.
    pub line: Line,
}

impl Board {
    /// Reads the tree. `dtb` begins at its header and may be longer than the tree; `boot_hart` is the
    /// hardware id of the hart that is executing this.
    ///
    /// O(tree) with small factors; no recursion deeper than [`tree::DEPTH_MAX`].
    pub fn parse(dtb: &[u8], boot_hart: u64) -> Result<Self, BoardError> {
        let fdt = tree::open(dtb)?;
        let survey = devices::Survey::of(fdt)?;
        let plic = survey.controller()?;
        let memory = memory::ram(fdt)?;
        let board = Self {
            reserved: memory::reserved(fdt)?,
            harts: harts::usable(fdt, &plic, boot_hart)?,
            timebase_hz: harts::timebase(fdt)?,
            uart: survey.console(&plic)?,
            plic: plic.region,
            plic_lines: plic.lines,
            rtc: survey.rtc(&plic)?,
            virtio: survey.virtio(&plic)?,
            test: survey.test()?,
            initrd: memory::initrd(fdt, &memory)?,
            bootargs: BootArgs::read(fdt)?,
            memory,
        };
        board.check_disjoint()?;
        Ok(board)
    }

    /// The kernel command line.
    pub fn bootargs(&self) -> &str {
        let bytes = self.bootargs.bytes.get(..self.bootargs.len).unwrap_or(&[]);
        // `read` took them from a `str`.
        core::str::from_utf8(bytes).unwrap_or("")
    }

    /// The kernel's number of a hart.
    pub fn hart_index(&self, hardware_id: u64) -> Option<usize> {
        self.harts.iter().position(|hart| hart.hardware_id == hardware_id)
    }

    /// Bytes of memory there are, reserved ones included.
    pub fn memory_bytes(&self) -> u64 {
        self.memory.iter().map(Region::len).sum()
    }

    /// May this physical range be handed to a task as device memory? Only what lies in the pages of one
    /// device that tasks drive: console, clock, virtio. Never memory, the interrupt controller, the test
    /// device, or what the tree does not name. O(1).
    pub fn is_device(&self, address: u64, len: u64) -> bool {
        Region::new(address, len)
            .is_some_and(|wanted| self.granted().any(|device| device.region.pages_around().contains(&wanted)))
    }

    /// The page-aligned memory that is free: all of it but the reserved ranges, the boot image and
    /// `taken` (the kernel, the tree while it is needed). Ascending, disjoint. O(ranges²), once at boot.
    pub fn free_memory<'a>(&'a self, taken: &'a [Region]) -> impl Iterator<Item = Region> + 'a {
        self.memory.iter().filter_map(Region::pages_within).flat_map(move |range| {
            let mut at = range.base();
            core::iter::from_fn(move || {
                loop {
                    let next = self.first_in_use(taken, Region::between(at, range.end())?);
                    let free = Region::between(at, next.map_or(range.end(), |used| used.base()));
                    at = next.map_or(range.end(), |used| used.end());
                    if free.is_some() {
                        return free;
                    }
                }
            })
        })
    }

    /// The lowest range in use that reaches into `window`, in whole pages.
    fn first_in_use(&self, taken: &[Region], window: Region) -> Option<Region> {
        let in_use = self.reserved.iter().chain(&self.initrd).chain(taken);
        in_use.map(Region::pages_around).filter(|used| used.overlaps(&window)).min_by_key(Region::base)
    }

    fn granted(&self) -> impl Iterator<Item = &Device> {
        core::iter::once(&self.uart).chain(&self.rtc).chain(self.virtio.iter())
    }

    fn check_disjoint(&self) -> Result<(), BoardError> {
        const EVERYTHING: usize = MEMORY_MAX + VIRTIO_MAX + 4;
        let granted = self.granted().map(|device| device.region.pages_around());
        let kept = self.memory.iter().copied().chain([self.plic]).chain(self.test);
        let mut seen = Table::<Region, EVERYTHING>::new(self.plic);
        for second in kept.chain(granted) {
            if let Some(first) = seen.iter().find(|first| first.overlaps(&second)) {
                return Err(BoardError::Overlap { first: *first, second });
            }
            seen.push(second).map_err(|_| BoardError::TooMany { what: "devices", limit: EVERYTHING })?;
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
struct BootArgs {
    bytes: [u8; BOOTARGS_MAX],
    len: usize,
}

impl BootArgs {
    fn read(fdt: tree::Fdt<'_>) -> Result<Self, BoardError> {
        let mut args = Self { bytes: [0; BOOTARGS_MAX], len: 0 };
        let Some(chosen) = tree::child(fdt.root(), "chosen") else { return Ok(args) };
        let Some(text) = tree::text(chosen, "bootargs")? else { return Ok(args) };
        let too_long = BoardError::TooMany { what: "bytes of /chosen bootargs", limit: BOOTARGS_MAX };
        args.bytes.get_mut(..text.len()).ok_or(too_long)?.copy_from_slice(text.as_bytes());
        args.len = text.len();
        Ok(args)
    }
}

impl core::fmt::Debug for BootArgs {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} bytes", self.len)
    }
}
