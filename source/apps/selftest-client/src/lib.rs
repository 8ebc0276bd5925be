//! What the device tests and their peer share: the peer's instructions, and access to memory that is not
//! Rust's.
//!
//! `selftest-client` runs the cases. It spawns `peer` for whatever needs a second task, hands it an endpoint
//! with RECEIVE in the third startup slot, and tells it over that endpoint what to do, one [`Op`] a call. The
//! `intruder` tries what must not work; see [`intrusion`].

#![no_std]

pub mod intrusion;
#[cfg(target_os = "none")]
pub mod raw;
pub mod script;

pub use script::{Misdeed, Op};
