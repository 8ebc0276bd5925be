//! Tasks that set and cancel timers by chance while they are moved between harts: none is lost, doubled or early.

use alloc::vec::Vec;

use nexus_abi::AffinityPolicy;
use nexus_abi::info::TaskState;
use nexus_wire::execd::Change;
use selftest_client::Op;

use crate::check::{Because, Verdict, Why, same};
use crate::ledger::machine;
use crate::partner::{Partner, rest};
use crate::services::scheduled;

/// The tests on the host do it with 256.
const TASKS: u64 = 32;
const ROUNDS: u64 = 20;
/// Of each round.
const TIMERS: u64 = 4;
/// Times that all tasks are moved, one after the other, while they are at it.
const MOVES: usize = 4;

pub fn run() -> Verdict {
    let harts = machine()?.harts as usize;
    let peers = (0..TASKS).map(|_| Partner::with_timed()).collect::<Result<Vec<_>, Why>>()?;
    for (seed, peer) in peers.iter().enumerate() {
        peer.ask(Op::Churn, &[seed as u64, ROUNDS])?;
    }
    let moves = if harts > 1 { MOVES } else { 0 };
    for turn in 0..moves {
        for (n, peer) in peers.iter().enumerate() {
            let harts = 1 << ((n + turn) % harts);
            scheduled(peer.id(), Change::Affinity { harts, policy: AffinityPolicy::Pin.to_wire() }, harts)?;
        }
        rest(3_000);
    }
    for peer in &peers {
        let (ended, wrong) = peer.last()?.because("a peer with timers")?;
        same("timers that ended, and that did not as they should", (ended, wrong), (ROUNDS * TIMERS, 0))?;
        peer.until(TaskState::Waiting)?;
    }
    peers.into_iter().try_for_each(Partner::end)
}
