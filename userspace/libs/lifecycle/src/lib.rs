//! How programs live and die.
//!
//! No clock, no I/O: the caller says when things happened, so a simulated week takes no time.
//!
//! | module | holds |
//! |---|---|
//! | [`restart`] | when a dead program is started again |

#![no_std]
#![forbid(unsafe_code)]

pub mod restart;

pub use restart::{Restart, Supervision, Verdict};
