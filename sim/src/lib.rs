//! The whole device in virtual time.
//!
//! A [`Scenario`] says what happens to a device: its apps, the person, what goes wrong. [`run`] lives through it, event
//! by event, with timed as the very service that ships and with the policy libraries of the power stack, checks after
//! every event what they promise, and answers what it amounts to ([`Stats`]). The same seed gives the same run.
//!
//! ```text
//!                    ┌────────────── world ──────────────┐
//!  scenario ─ user ─▶│ events ─▶ apps ─▶ bus ─▶ timed    │─▶ stats ─▶ report
//!       seed ─ faults▶│             └▶ powerd, standbyd,  │─▶ records (JSONL, Parquet)
//!                    │                alarmsd, appmgrd    │
//!                    │ harts, battery       invariants ───│─▶ violation: seed, moment, chain
//!                    └───────────────────────────────────┘
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`scenario`] | what is read from TOML |
//! | [`firmware`] | the parts of the device, behind interfaces that tests can break |
//! | [`world`] | the loop, and what each event does |
//! | [`bus`], [`promise`] | messages to timed, and what timed has promised by them |
//! | [`harts`], [`battery`] | the machine |
//! | [`violation`] | what is checked |
//! | [`stats`], [`record`] | what comes out |

#![forbid(unsafe_code)]

pub mod battery;
mod bell;
pub mod bus;
mod event;
pub mod events;
pub mod failure;
pub mod firmware;
pub mod harts;
pub mod many;
pub mod promise;
pub mod record;
pub mod report;
pub mod scenario;
pub mod stats;
pub mod sweep;
pub mod violation;
pub mod world;

pub use crate::firmware::{Firmware, Shipping};
pub use crate::record::{Nothing, Recorder};
pub use crate::scenario::{Policy, Scenario};
pub use crate::stats::Stats;
pub use crate::violation::{Invariant, Violation};
pub use crate::world::{Plan, run};
