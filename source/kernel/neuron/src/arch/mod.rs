//! The machine underneath: the few things that differ between a RISC-V hart and a test on the host.
//!
//! Everything above is written against these functions. On the device they are instructions; on the host
//! they are a simulated clock and no-ops, so that the scheduler, IPC, memory and death run as they ship.

#[cfg(not(target_os = "none"))]
mod host;
#[cfg(target_os = "none")]
mod riscv;

#[cfg(not(target_os = "none"))]
pub use host::*;
#[cfg(target_os = "none")]
pub use riscv::*;

use crate::mm::page_table::Access;

/// Interrupts that wait to be served.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Pending {
    /// The timer.
    pub timer: bool,
    /// Another hart.
    pub software: bool,
    /// A device.
    pub external: bool,
}

/// The tag of a space's remembered translations. Tag 0 is shared, so its holders never trust the memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Asid(pub u16);

impl Asid {
    /// The tag of all spaces for which the hardware has none of their own.
    pub const SHARED: Self = Self(0);
}

/// Why a task was interrupted, system calls aside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trap {
    /// Timer, device or another hart.
    Interrupt,
    /// It touched memory that is not there, or not for this.
    PageFault {
        /// What it touched.
        address: usize,
        /// How.
        access: Access,
        /// The hardware's number for it.
        cause: u8,
    },
    /// An instruction that does not exist, or is switched off.
    Illegal {
        /// The hardware's number for it.
        cause: u8,
        /// The instruction, if the hardware says.
        value: u64,
    },
    /// Anything else.
    Other {
        /// The hardware's number for it.
        cause: u8,
        /// What the hardware says about it.
        value: u64,
    },
}
