//! Time for programs: moments, clocks, intervals, timeouts.
//!
//! A moment is an [`Instant`], a span a [`core::time::Duration`]; adding two moments does not compile. A program that
//! takes a [`Clock`] runs on the device, in the simulator and in tests, where a [`ManualClock`] makes a year of sleeping
//! take no time.
//!
//! | want | use |
//! |---|---|
//! | wait | [`Clock::sleep`], [`Clock::sleep_until`] |
//! | do something every so often | [`Interval`]: no drift, whatever the work takes |
//! | bound an operation of several calls | [`Timeout`] |
//! | be told of several moments, over crashes of timed | [`TimerSet`] |
//!
//! [`timed`] is the client's side of the service of that name; what carries its messages is a [`Link`]. On the device
//! that is `os::Os`, which is the machine's [`Clock`] too.

#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod clock;
mod instant;
mod interval;
#[cfg(all(target_arch = "riscv64", target_os = "none"))]
pub mod os;
pub mod timed;
mod timeout;
mod timer_set;

pub use clock::{Clock, ManualClock};
pub use instant::{Instant, nanos};
pub use interval::{Interval, Tick};
pub use timed::Link;
pub use timeout::Timeout;
pub use timer_set::{Expired, Key, Plan, TimerSet};
