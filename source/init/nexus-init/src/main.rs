//! The first task: starts execd, which starts everything else, and keeps it alive.
//!
//! The endpoints that clients of execd, policyd and timed call belong to init. Each incarnation of one serves the same
//! endpoint, so a client's handle outlives a crash: calls in flight end with `Dead`, later ones wait for the next
//! incarnation. When execd dies too often, init ends, and with it the machine, loudly.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use lifecycle::{Restart, Supervision, Verdict};
use nexus_abi::user::{self, task_spawn};
use nexus_abi::{Error, ExitReason, Handle, Nanos, QosClass, Rights, SpawnArgs};
use nexus_proof::{Marker, Service};
use nexus_rt::startup::{EXECD_SLOT, POLICYD_SLOT, SYSTEM, SYSTEM_SLOT, TIMED_SLOT};

nexus_rt::entry!(main);

/// Where execd is in the boot image.
const EXECD_PATH: &str = "bin/execd";
/// Set when execd dies.
const DIED: u64 = 1;
/// Exit code when nothing can be kept running.
const EXIT_FAILED: i32 = 1;

fn main(_args: &'static str) -> i32 {
    let Err(why) = keep_execd_alive();
    nexus_rt::log!("[init] cannot go on: {why}");
    EXIT_FAILED
}

/// Why init gives up.
enum Failure {
    Kernel(&'static str, Error),
    DiesTooOften,
}

impl core::fmt::Display for Failure {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Kernel(what, error) => write!(f, "{what}: {error}"),
            Self::DiesTooOften => f.write_str("execd dies again and again"),
        }
    }
}

fn keep_execd_alive() -> Result<core::convert::Infallible, Failure> {
    let mut endpoints = [EXECD_SLOT, POLICYD_SLOT, TIMED_SLOT].map(|slot| (slot, Handle::NONE));
    for (_, endpoint) in &mut endpoints {
        *endpoint = user::endpoint_create().map_err(|e| Failure::Kernel("an endpoint", e))?;
    }
    let deaths = user::notification_create().map_err(|e| Failure::Kernel("a notification", e))?;
    let mut supervision = Supervision::new(Restart::Always);
    // Before execd runs, on whichever hart: the order of the two markers is a fact.
    nexus_rt::log::line(Marker::Ready(Service::Init));
    let mut task = start_execd(endpoints, deaths).map_err(|e| Failure::Kernel(EXECD_PATH, e))?;
    loop {
        let started = user::clock_now();
        let reason = wait_for_end(task, deaths).map_err(|e| Failure::Kernel("waiting for execd", e))?;
        match supervision.died(reason, started, user::clock_now()) {
            Verdict::StartAt(moment) => {
                let pause_ms = moment.since(user::clock_now()).0 / 1_000_000;
                nexus_rt::log!("[init] execd ended: {reason}; starting it again in {pause_ms} ms");
                user::sleep_until(moment);
            }
            Verdict::Ended | Verdict::GiveUp => {
                nexus_rt::log!("[init] execd ended: {reason}");
                return Err(Failure::DiesTooOften);
            }
        }
        task = start_execd(endpoints, deaths).map_err(|e| Failure::Kernel(EXECD_PATH, e))?;
    }
}

fn start_execd(endpoints: [(usize, Handle); 3], deaths: Handle) -> Result<Handle, Error> {
    let (file, vmo) = user::boot_file(SYSTEM, EXECD_PATH)?;
    user::handle_close(vmo)?;
    let mut spawn = SpawnArgs::new(u32::try_from(file.index).map_err(|_| Error::Invalid)?);
    spawn.class = QosClass::Interactive as u32;
    spawn.handles = nexus_abi::HANDLES_MAX as u32;
    spawn.supervisor = deaths;
    spawn.supervisor_bits = DIED;
    let serve = Rights::RECEIVE | Rights::CALL | Rights::NOTIFY | Rights::COPY | Rights::MOVE;
    for (slot, endpoint) in endpoints {
        spawn.given[slot] = user::handle_copy(endpoint, serve)?;
    }
    spawn.given[SYSTEM_SLOT] = user::handle_copy(SYSTEM, Rights::ALL)?;
    task_spawn(SYSTEM, &spawn).map(|(task, _id)| task)
}

/// Sleeps until execd is dead, closes it and says why.
fn wait_for_end(task: Handle, deaths: Handle) -> Result<ExitReason, Error> {
    loop {
        if let Some(reason) = user::task_status(task)?.exit_reason() {
            user::handle_close(task)?;
            return Ok(reason);
        }
        user::wait(deaths, Nanos::NEVER)?;
    }
}
