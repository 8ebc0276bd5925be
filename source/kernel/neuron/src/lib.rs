//! `neuron`: the kernel of Nexus.
//!
//! An event kernel: a trap saves the task, a handler runs to completion without ever blocking, and the
//! hart goes on with whichever task is then its current one. Tasks are owned by exactly one place at a
//! time, so the scheduler needs no lock; harts hand tasks to each other through mailboxes.
//!
//! Built for the device this is a bootable image; built for the host it is a library whose scheduler, IPC,
//! handles, memory and death are driven by tests through [`arch`]'s simulated hart.
//!
//! | module | holds |
//! |---|---|
//! | [`arch`] | what differs between a RISC-V hart and a test |
//! | [`boot`] | from the first instruction to the first task |
//! | [`platform`] | device tree, UART, interrupt controller, firmware, boot image |
//! | [`machine`] | what all harts share |
//! | [`sched`] | a hart, and what it runs next |
//! | [`smp`] | what harts want of each other |
//! | [`idle`] | sleep |
//! | [`task`] | tasks, their birth, their death, what they own |
//! | [`cap`] | kernel objects and handles |
//! | [`ipc`] | messages and bits |
//! | [`mm`] | frames, page tables, address spaces, VMOs |
//! | [`time`] | the clock and deadlines |
//! | [`sync`] | locks and mailboxes |
//! | [`syscall`] | from registers to a handler and back |
//! | [`trace`] | what a hart did last |

#![cfg_attr(target_os = "none", no_std)]

pub mod arch;
#[cfg(target_os = "none")]
pub mod boot;
pub mod cap;
pub mod idle;
pub mod ipc;
pub mod machine;
pub mod mm;
pub mod platform;
pub mod sched;
pub mod smp;
pub mod sync;
pub mod syscall;
pub mod task;
pub mod time;
pub mod trace;

#[cfg(test)]
mod tests;
