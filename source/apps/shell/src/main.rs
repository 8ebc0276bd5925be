//! Connects the shell to the serial line: sleeps in the kernel until something is typed.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

mod os;
mod uart;

use core::time::Duration;

use nexus_proof::{Marker, Service};
use nexus_rt::startup::option;
use nexus_wire::execd::Request;
use shell::{Shell, System};

nexus_rt::entry!(main);

/// Exit code when there is no console to read; execd decides what then.
const EXIT_FAILED: i32 = 1;
/// The kernel reports the machine's first sleep; slept here, that line does not land behind the prompt.
const SETTLING: Duration = Duration::from_millis(1);
/// The word of the kernel's command line with a command to begin with, as if it had been typed: `then=poweroff`.
const FIRST_COMMAND: &str = "then";

fn main(args: &'static str) -> i32 {
    let mut os = match os::Os::open() {
        Ok(os) => os,
        Err(error) => {
            nexus_rt::log!("[shell] cannot read the console: {error}");
            return EXIT_FAILED;
        }
    };
    wait_for_execd(&mut os);
    nexus_rt::log::line(Marker::Ready(Service::Shell));
    os.sleep(SETTLING);
    let mut shell = Shell::new(os);
    if let Some(command) = option(args, FIRST_COMMAND) {
        shell.type_line(command);
    }
    loop {
        if let Err(error) = shell.serve() {
            nexus_rt::log!("[shell] the console is gone: {error}");
            return EXIT_FAILED;
        }
    }
}

/// execd says in the log how it has scheduled this task. It answers when that is done, so that those lines do not
/// land behind the prompt. Should it not answer at all, the shell is needed all the more.
fn wait_for_execd(os: &mut os::Os) {
    let _whatever = os.ask_execd(&Request::List { from: u32::MAX });
}
