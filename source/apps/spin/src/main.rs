//! Runs without end and wants nothing: two of them show what shares, classes and harts do.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

nexus_rt::entry!(main);

fn main(_args: &'static str) -> i32 {
    loop {
        core::hint::black_box(());
    }
}
