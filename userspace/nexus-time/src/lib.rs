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

#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod clock;
mod instant;
mod interval;
mod timeout;

pub use clock::{Clock, ManualClock};
pub use instant::{Instant, nanos};
pub use interval::{Interval, Tick};
pub use timeout::Timeout;
