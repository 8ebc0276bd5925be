//! The smallest program: what spawning, exiting and killing cost is measured with it.
//!
//! One page of text, no heap, no data: `main.rs` is all there is.

#![no_std]
#![forbid(unsafe_code)]
