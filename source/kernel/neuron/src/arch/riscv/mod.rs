//! RISC-V: supervisor mode, Sv39, SBI.
//!
//! | module | holds |
//! |---|---|
//! | [`start`] | power-on and secondary entry |
//! | [`entry`] | trap entry and exit, the fast path's assembly |
//! | [`handlers`] | the Rust functions that it calls |
//! | [`csr`] | control registers: interrupts, timer, address space |
//! | [`fpu`] | floating-point registers, switched only between tasks that use them |
//! | [`memory`] | the direct map, zeroing a page |
//! | [`panic`] | a trap inside the kernel |

mod csr;
mod entry;
mod fpu;
mod handlers;
mod memory;
mod panic;
mod start;

pub use csr::*;
pub use entry::return_to_user;
pub use fpu::*;
pub use memory::*;
pub use panic::{KernelTrap, stack_pointer};
pub use start::{HartStart, boot_stack_bounds, publish_hart_starts, secondary_entry_address};
