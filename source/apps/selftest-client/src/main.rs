//! The device tests: runs every case that this machine can prove, prints its verdict, and ends the machine.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

mod cases;
mod check;
mod journal;
mod ledger;
mod partner;
mod services;

use nexus_abi::{ExitCode, user};
use nexus_proof::{Case, Failure, Marker};
use nexus_rt::startup::{SYSTEM, option};

nexus_rt::entry!(main);

/// Exit code when the machine does not end as it should.
const EXIT_FAILED: i32 = 1;

fn main(args: &'static str) -> i32 {
    let Ok(machine) = user::machine_info(SYSTEM) else { return EXIT_FAILED };
    let (mut pass, mut fail) = (0, 0);
    let only = option(args, "case");
    // A command line is cut at spaces, so there the words of a case are joined: `case=affinity-applied`.
    let wanted = |case: &Case| only.is_none_or(|name| name.split('-').eq(case.name().split(' ')));
    for case in Case::on(machine.harts as u32).filter(wanted) {
        match cases::run(case) {
            Ok(()) => {
                pass += 1;
                nexus_rt::log::line(Marker::Passed(case));
            }
            Err(why) => {
                fail += 1;
                nexus_rt::log::line(Failure(case, why));
            }
        }
    }
    nexus_rt::log::line(Marker::End { pass, fail });
    let code = if fail == 0 && pass > 0 { ExitCode::Ok } else { ExitCode::SelftestFailed };
    let refused = user::machine_exit(SYSTEM, code);
    nexus_rt::log!("[selftest] the machine does not end: {refused}");
    EXIT_FAILED
}
