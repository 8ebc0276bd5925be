//! Connects execd to the kernel: its endpoint, its system handle, the app the command line names.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

mod os;

use execd::{DEFAULT_APP, Execd};
use nexus_abi::{Error, user};
use nexus_proof::{Marker, Service};
use nexus_rt::startup::{EXECD, SYSTEM, option};
use nexus_service::{Closed, serve};
use nexus_wire::execd::ARGS_MAX;

nexus_rt::entry!(main);

/// Exit code when execd cannot begin or its endpoint is gone; init decides what then.
const EXIT_FAILED: i32 = 1;

fn main(_args: &'static str) -> i32 {
    let mut buffer = [0; ARGS_MAX];
    let command_line = match read_command_line(&mut buffer) {
        Ok(text) => text,
        Err(error) => {
            nexus_rt::log!("[execd] cannot read the command line: {error}");
            return EXIT_FAILED;
        }
    };
    nexus_rt::log::line(Marker::Ready(Service::Execd));
    let mut execd = Execd::new(os::Os);
    execd.start_app(option(command_line, "app").unwrap_or(DEFAULT_APP), command_line, user::clock_now());
    let Closed = serve(&mut execd, &mut nexus_service::os::Os::new(EXECD));
    nexus_rt::log!("[execd] the endpoint is closed");
    EXIT_FAILED
}

/// The kernel's command line, which every app gets as its arguments. What is not text is left out.
fn read_command_line(buffer: &mut [u8]) -> Result<&str, Error> {
    let len = user::command_line(SYSTEM, buffer)?;
    let bytes = buffer.get(..len).unwrap_or(&[]);
    Ok(bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid()))
}
