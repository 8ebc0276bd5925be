//! What a user program needs to exist: entry, heap, panic, log.
//!
//! A program says [`entry!`]`(main)` and is a function from its arguments to an exit code. It finds the handles
//! its spawner gave it under the names in [`startup`], a heap that grows out of VMOs and gives them back, and
//! [`log!`], which prints one line with one system call. A panic prints its message as a marker and ends the
//! task with [`startup::EXIT_PANIC`]; there is no unwinding.
//!
//! | module | holds |
//! |---|---|
//! | [`line`] | one log line: formatted without a heap, cut to what the kernel takes |
//! | [`startup`] | names of the startup handles, exit codes |
//! | `boot_file`, `entry`, `heap`, `log`, `panic` | only when compiled for the device |
//!
//! On the host the device modules are absent, so that programs' libraries and their tests build everywhere.

#![cfg_attr(not(test), no_std)]

pub mod line;
pub mod startup;

#[cfg(target_os = "none")]
pub mod boot_file;
#[cfg(target_os = "none")]
pub mod entry;
#[cfg(target_os = "none")]
mod heap;
#[cfg(target_os = "none")]
pub mod log;
#[cfg(target_os = "none")]
mod panic;
