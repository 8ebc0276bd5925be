//! RISC-V: supervisor mode, Sv39, SBI.
//!
//! | module | holds |
//! |---|---|
//! | [`entry`] | power-on and secondary entry, trap entry and exit, the fast path's assembly |
//! | [`csr`] | control registers: interrupts, timer, address space |
//! | [`fpu`] | floating-point registers, switched only between tasks that use them |
//! | [`memory`] | the direct map, zeroing a page |
//! | [`panic`] | a trap inside the kernel |

mod csr;
mod entry;
mod fpu;
mod memory;
mod panic;

pub use csr::*;
pub use entry::{HartStart, boot_stack_bounds, publish_hart_starts, return_to_user, secondary_entry_address};
pub use fpu::*;
pub use memory::*;
pub use panic::{KernelTrap, stack_pointer};
