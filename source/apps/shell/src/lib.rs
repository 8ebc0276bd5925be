//! The console: what a person types becomes commands, what the machine knows becomes tables.
//!
//! ```text
//!   keys ─▶ Editor ─▶ line ─▶ parse ─▶ Command ─▶ Shell ─▶ text
//!             │ echo                                │
//!             ▼                                     ▼
//!          terminal                               System (kernel, execd)
//! ```
//!
//! Everything here is a function of bytes in and a [`System`]; the device half in `main.rs` waits for keys in
//! the kernel and connects the two. Errors say what to do next.

#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

mod command;
mod editor;
mod shell;
mod system;
mod table;
mod top;
mod units;
mod views;
mod wakeups;

pub use command::{Command, Mistake, parse};
pub use editor::{Editor, LINE_MAX};
pub use shell::Shell;
pub use system::{LogText, Recording, System};
