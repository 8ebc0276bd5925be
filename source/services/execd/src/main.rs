//! Connects execd to the kernel: its endpoint, its system handle, its recipe, the app the command line names.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

mod os;

use execd::Execd;
use nexus_abi::{Error, user};
use nexus_proof::{Marker, Service};
use nexus_rt::boot_file;
use nexus_rt::startup::{EXECD, SYSTEM, option};
use nexus_service::{Closed, serve};
use nexus_wire::execd::ARGS_MAX;
use nexus_wire::recipe::{RECIPE_PATH, Recipe};

nexus_rt::entry!(main);

/// Exit code when execd cannot begin or its endpoint is gone; init decides what then.
const EXIT_FAILED: i32 = 1;

fn main(_args: &'static str) -> i32 {
    let mut buffer = [0; ARGS_MAX];
    let (mut execd, command_line) = match prepare(&mut buffer) {
        Ok(prepared) => prepared,
        Err((what, error)) => {
            nexus_rt::log!("[execd] cannot begin: {what}: {error}");
            return EXIT_FAILED;
        }
    };
    nexus_rt::log::line(Marker::Ready(Service::Execd));
    execd.begin(option(command_line, "app"), command_line, user::clock_now());
    let Closed = serve(&mut execd, &mut nexus_service::os::Os::new(EXECD));
    nexus_rt::log!("[execd] the endpoint is closed");
    EXIT_FAILED
}

/// execd with its recipe, and the command line; or what was missing.
fn prepare(buffer: &mut [u8]) -> Result<(Execd<os::Os>, &str), (&'static str, Error)> {
    let command_line = read_command_line(buffer).map_err(|error| ("the command line", error))?;
    let recipe = read_recipe().map_err(|error| (RECIPE_PATH, error))?;
    Ok((Execd::new(os::Os, recipe), command_line))
}

fn read_recipe() -> Result<Recipe, Error> {
    nexus_wire::decode(&boot_file::read(RECIPE_PATH)?).map_err(|_| Error::Invalid)
}

/// The kernel's command line, which every app gets as its arguments. What is not text is left out.
fn read_command_line(buffer: &mut [u8]) -> Result<&str, Error> {
    let len = user::command_line(SYSTEM, buffer)?;
    let bytes = buffer.get(..len).unwrap_or(&[]);
    Ok(bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid()))
}
