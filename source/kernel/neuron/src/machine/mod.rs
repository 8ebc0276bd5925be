//! What all harts share: the one record that every hart points to.
//!
//! There are no global variables: a [`Machine`] is made at boot (or by a test, as many as it likes) and
//! every hart holds a reference to it. Its parts are atomics, lock-free mailboxes, or locks whose order is
//! written in [`crate::sync`].

pub mod console;

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use nexus_abi::HARTS_MAX;

pub use console::Console;

use crate::cap::Ref;
use crate::cap::stripes::Stripes;
use crate::idle::FirstSleep;
use crate::ipc::irq::{Irq, Lines};
use crate::ipc::port::Port;
use crate::mm::frames::Frames;
use crate::mm::page_table::Entry;
use crate::mm::slab::Slab;
use crate::mm::vmo::Vmo;
use crate::platform::board::Board;
use crate::platform::boot_image::BootImage;
use crate::platform::plic::Plic;
use crate::platform::power::Power;
use crate::platform::region::Region;
use crate::platform::table::Table;
use crate::smp::HartShared;
use crate::sync::{Lock, Rank};
use crate::task::TaskTable;
use crate::time::Clock;

/// Top-level entries of the kernel's half that exist: a direct map of at most 64 GiB and a few windows.
pub const ROOT_ENTRIES_MAX: usize = 72;

/// The machine.
pub struct Machine {
    /// What it is made of.
    pub board: Board,
    /// How its timer counts.
    pub clock: Clock,
    /// Page frames.
    pub frames: Frames,
    /// Frames that the allocator never had: the kernel, the boot image, the allocator's own tags.
    pub frames_fixed: u64,
    /// Endpoints and notifications.
    pub ports: Slab<Port>,
    /// Memory objects.
    pub vmos: Slab<Vmo>,
    /// Bound interrupts.
    pub irqs: Slab<Irq>,
    /// The locks of ports, by address.
    pub port_locks: Stripes,
    /// The locks of owners' lists, by the owner's address.
    pub owner_locks: Stripes,
    /// Tasks by id.
    pub tasks: Lock<TaskTable, { Rank::TASK_TABLE }>,
    /// Which interrupt line goes where.
    pub lines: Lock<Lines, { Rank::IRQS }>,
    /// The interrupt controller.
    pub plic: Plic,
    /// UART and log.
    pub console: Lock<Console, { Rank::CONSOLE }>,
    /// The way out.
    pub power: Power,
    /// What harts show each other.
    pub harts: [HartShared; HARTS_MAX],
    /// Harts that run tasks, one bit each.
    pub online: AtomicU64,
    /// Harts that sleep for want of work, one bit each.
    pub idle: AtomicU64,
    /// Tracing is on.
    pub tracing: AtomicBool,
    /// The task with which the machine ends; 0 for none.
    pub first_task: AtomicU64,
    /// Nanoseconds until the first user instruction.
    pub boot_ns: AtomicU64,
    /// Whether the first sleep of this boot has been announced.
    pub first_sleep: FirstSleep,
    /// The boot image's directory.
    pub image: BootImage<'static>,
    /// The boot image in memory.
    pub image_region: Region,
    /// The boot image as memory that tasks map.
    pub image_vmo: Option<Ref<Vmo>>,
    /// The page table that maps the kernel only.
    pub kernel_space: crate::task::SpaceId,
    /// The kernel's top-level page-table entries, which every task shares.
    pub kernel_root: Table<(u16, Entry), ROOT_ENTRIES_MAX>,
    /// Audit lines still allowed in the present second, and which second that is.
    pub audit: console::AuditBudget,
}

impl core::fmt::Debug for Machine {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Machine").field("online", &self.online).finish_non_exhaustive()
    }
}

impl Machine {
    /// Kernel objects alive.
    pub fn objects(&self) -> usize {
        self.ports.live() + self.vmos.live() + self.irqs.live()
    }

    /// Harts that run tasks.
    pub fn online(&self) -> u64 {
        self.online.load(Ordering::Acquire)
    }

    /// Prints a line to console and log.
    pub fn print(&self, line: core::fmt::Arguments<'_>) {
        self.console.lock().print(line);
    }

    /// Prints why, and ends the machine.
    pub fn end_with(&self, code: nexus_abi::ExitCode, why: core::fmt::Arguments<'_>) -> ! {
        self.print(format_args!("{}", nexus_proof::BootFailure(why)));
        self.power.exit(code)
    }
}
