//! The kernel as it ships, run on the host: tasks that stand still while a test writes their registers and
//! lets the kernel handle their traps.
//!
//! | module | tests |
//! |---|---|
//! | [`world`], [`actor`], [`image`] | nothing: the machine, its tasks and its programs |

mod actor;
mod image;
mod ipc;
mod world;
