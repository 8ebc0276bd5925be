//! Connects timed to the kernel: its endpoint, the recipe that says who may do what, the clock that tells the time.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

extern crate alloc;

mod os;
mod rtc;

use alloc::boxed::Box;

use nexus_abi::{Error, user};
use nexus_proof::{Marker, Service};
use nexus_rt::boot_file;
use nexus_rt::startup::TIMED;
use nexus_service::{Closed, serve};
use nexus_wire::recipe::{RECIPE_PATH, Recipe};
use timed::Timed;

nexus_rt::entry!(main);

/// Exit code when the recipe cannot be read or the endpoint is gone; execd decides what then.
const EXIT_FAILED: i32 = 1;

fn main(_args: &'static str) -> i32 {
    let recipe = match read_recipe() {
        Ok(recipe) => recipe,
        Err(why) => {
            nexus_rt::log!("[timed] cannot read {RECIPE_PATH}: {why}");
            return EXIT_FAILED;
        }
    };
    let wall_ns = match rtc::read() {
        Ok(wall_ns) => Some(wall_ns),
        Err(why) => {
            nexus_rt::log!("[timed] nobody says what time it is: {why}");
            None
        }
    };
    // Not on the stack, where it would lie behind the buffers of messages, far from everything.
    let mut timed = Box::new(Timed::new(os::Os::new(recipe), wall_ns, user::clock_now()));
    nexus_rt::log::line(Marker::Ready(Service::Timed));
    let Closed = serve(&mut *timed, &mut nexus_service::os::Os::new(TIMED));
    nexus_rt::log!("[timed] the endpoint is closed");
    EXIT_FAILED
}

fn read_recipe() -> Result<Recipe, Error> {
    nexus_wire::decode(&boot_file::read(RECIPE_PATH)?).map_err(|_| Error::Invalid)
}
