//! Hostile system calls: a director, the hostile tasks it starts, and witnesses that must not notice them.
//!
//! `app=fuzzer seed=<n> fuzz=<calls>` on the command line; the same seed makes the same calls.
#![no_std]
#![no_main]

extern crate alloc;

mod director;
mod hostile;
mod plan;
mod random;
mod score;
mod witness;

use nexus_abi::{ExitCode, Nanos, user};
use nexus_rt::startup::{SYSTEM, option};

nexus_rt::entry!(main);

/// Calls when the command line does not say.
const CALLS: u64 = 1_200_000;
const EXIT_FAILED: i32 = 1;

fn main(args: &'static str) -> i32 {
    match option(args, "role") {
        Some("hostile") => plan::Plan::read(args).map_or(EXIT_FAILED, hostile::run),
        Some("server") => witness::server(),
        Some("client") => witness::client(),
        Some("sleeper") => {
            user::sleep_until(user::clock_now().after(Nanos::from_millis(1)));
            0
        }
        // Hostile tasks start this program with arguments of all sorts.
        None if option(args, "app") == Some("fuzzer") => direct(args),
        _ => EXIT_FAILED,
    }
}

fn direct(args: &str) -> i32 {
    let number = |key, default| option(args, key).and_then(|text| text.parse().ok()).unwrap_or(default);
    let code = match director::run(number("seed", 1), number("fuzz", CALLS)) {
        Ok(()) => ExitCode::Ok,
        Err(why) => {
            nexus_rt::log!("[fuzzer] FAILED: {why}");
            ExitCode::SelftestFailed
        }
    };
    let refused = user::machine_exit(SYSTEM, code);
    nexus_rt::log!("[fuzzer] the machine does not end: {refused}");
    EXIT_FAILED
}
