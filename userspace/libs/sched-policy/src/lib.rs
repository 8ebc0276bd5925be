//! Which task a hart runs next. What the kernel uses is in [`turns`].

#![no_std]
#![forbid(unsafe_code)]

pub mod turns;
