//! Connects policyd to the kernel: its endpoint, and its rules from the boot image.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

use nexus_abi::Error;
use nexus_proof::{Marker, Service};
use nexus_rt::boot_file;
use nexus_rt::startup::POLICYD;
use nexus_service::{Closed, serve};
use nexus_wire::policyd::POLICY_PATH;
use nexus_wire::recipe::RECIPE_PATH;
use policyd::Policyd;

nexus_rt::entry!(main);

/// Exit code when the rules cannot be read or the endpoint is gone; execd decides what then.
const EXIT_FAILED: i32 = 1;

fn main(_args: &'static str) -> i32 {
    let mut policyd = match load() {
        Ok(policyd) => policyd,
        Err((path, why)) => {
            nexus_rt::log!("[policyd] cannot read {path}: {why}");
            return EXIT_FAILED;
        }
    };
    nexus_rt::log::line(Marker::Ready(Service::Policyd));
    let Closed = serve(&mut policyd, &mut nexus_service::os::Os::new(POLICYD));
    nexus_rt::log!("[policyd] the endpoint is closed");
    EXIT_FAILED
}

fn load() -> Result<Policyd, (&'static str, Error)> {
    let policy = read(POLICY_PATH).map_err(|error| (POLICY_PATH, error))?;
    let recipe = read(RECIPE_PATH).map_err(|error| (RECIPE_PATH, error))?;
    Ok(Policyd::new(policy, recipe))
}

fn read<T: serde::de::DeserializeOwned>(path: &str) -> Result<T, Error> {
    nexus_wire::decode(&boot_file::read(path)?).map_err(|_| Error::Invalid)
}
