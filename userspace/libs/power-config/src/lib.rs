//! What a person may configure of the power stack: every key, its range and default, and what follows from them all.
//!
//! ```text
//!   recipes/power.toml ──▶ Values ──check──▶ PowerConfig ─┬─▶ governor, wakelocks, residency
//!   a sweep, a test ─────▶   │                            ├─▶ standby, alarms
//!                            ▼                            └─▶ screen
//!              in the image, and read back the same way
//! ```
//!
//! 1. [`KEYS`] is the one table: the recipe's reader, the JSON Schema and the documentation are made of it. A default
//!    is the constant of the library that it configures.
//! 2. [`Values`] are numbers as people write them, right or wrong. A [`PowerConfig`] is made of all of them or not at
//!    all, so nothing ever runs with half a configuration.
//! 3. [`RULES`] say what must hold between two keys.
//!
//! The libraries themselves know nothing of this one. No clock, no I/O, no allocation, no parser of text: TOML stays on
//! the host, and the image holds [`Values`] at [`CONFIG_PATH`].

#![no_std]
#![forbid(unsafe_code)]

mod config;
mod keys;
mod rules;
mod values;

pub use config::{PowerConfig, Screen};
pub use keys::{Entry, KEYS, Key, SECTIONS, Unit};
pub use rules::{RULES, Relation, Rule};
pub use values::{Mistake, Values};

/// The compiled configuration in the boot image.
pub const CONFIG_PATH: &str = "recipes/power.bin";
/// Longest compiled configuration, in bytes: five for each number.
pub const CONFIG_BYTES_MAX: usize = 5 * KEYS.len();
