//! A task runs where it was told to: it wakes there, it moves there while it runs, and it cannot free itself.

use nexus_abi::user;
use nexus_abi::{AffinityPolicy, Error, SchedField, TaskId};
use nexus_wire::execd::{Answer, Change};

use crate::check::{Because, Verdict, same};
use crate::ledger::machine;
use crate::partner::{Partner, rest};
use crate::services::{schedule, scheduled};

/// A running task has left its hart before its slice is over, which takes 4 ms; an emulator may take longer to let
/// both harts run.
const TRIES: usize = 10_000;

pub fn run() -> Verdict {
    let harts = machine()?.harts as usize;
    let peer = Partner::spawn()?;
    for hart in (0..harts).rev().chain(0..harts) {
        place(&peer, 1 << hart, AffinityPolicy::Pin)?;
        peer.last()?.because("an answer")?;
        same("the hart of a task that was woken", peer.status()?.hart, hart as u64)?;
    }
    moves_while_it_runs(harts)?;
    refusals(&peer)?;
    numbers(&peer)?;
    peer.end()
}

fn place(peer: &Partner, harts: u64, policy: AffinityPolicy) -> Verdict {
    let change = Change::Affinity { harts, policy: policy.to_wire() };
    scheduled(peer.id(), change, harts)
}

/// A task that never stops by itself is on its new hart before long.
fn moves_while_it_runs(harts: usize) -> Verdict {
    let spinner = Partner::spawn()?;
    spinner.spin()?;
    for hart in (0..harts).chain((0..harts).rev()) {
        place(&spinner, 1 << hart, AffinityPolicy::Pin)?;
        let arrived = || spinner.status().map(|record| record.hart == hart as u64);
        let mut tries = 0;
        while !arrived()? && tries < TRIES {
            // POLL: nobody is told where a task runs.
            rest(100);
            tries += 1;
        }
        same("the hart of a task that was moved", spinner.status()?.hart, hart as u64)?;
    }
    spinner.end()
}

/// Without privilege nobody places another, and nobody frees itself.
fn refusals(peer: &Partner) -> Verdict {
    let pin = AffinityPolicy::Pin.to_wire();
    let other = user::sched_set(peer.id(), SchedField::Affinity, 1, pin);
    same("placing another task", other, Err(Error::Denied))?;
    same("reading another task", user::sched_get(peer.id(), SchedField::Shares), Err(Error::Denied))?;
    let more = user::sched_set(TaskId::NONE, SchedField::Shares, 1000, 0);
    same("more shares for oneself", more, Err(Error::Denied))?;
    let nowhere = user::sched_set(TaskId::NONE, SchedField::Affinity, 0, pin);
    same("no hart at all", nowhere, Err(Error::Invalid))?;
    let stored = user::sched_get(TaskId::NONE, SchedField::Shares);
    same("shares after a refusal", stored, Ok((100, 0)))
}

/// Out of range means the nearest.
fn numbers(peer: &Partner) -> Verdict {
    for (what, change, stored) in [
        ("shares", Change::Shares(5000), 1000),
        ("latency", Change::LatencyMs(2000), 1000),
        ("burst", Change::BurstMs(500), 100),
    ] {
        same(what, schedule(peer.id(), change)?, Answer::Scheduled { stored })?;
    }
    Ok(())
}
