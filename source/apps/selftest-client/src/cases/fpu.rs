//! Floating-point registers are each task's own, however they take turns.

use selftest_client::Op;

use crate::check::{Because, Verdict, same};
use crate::ledger::leaves_nothing;
use crate::partner::Partner;

const TURNS: u64 = 300;

pub fn run() -> Verdict {
    leaves_nothing("tasks with floating point", || {
        let online = crate::ledger::machine()?.harts as usize;
        let peers: Result<alloc::vec::Vec<_>, _> =
            (0..3).map(|n| Partner::on_hart((n / 2) % online)).collect();
        let peers = peers?;
        for (n, peer) in peers.iter().enumerate() {
            peer.ask(Op::Float, &[1_000_000 * (n as u64 + 1), TURNS])?;
        }
        // The peers take turns now, two of them on one hart; this task joins in.
        let mut bad = 0;
        for turn in 0..50 {
            bad += selftest_client::raw::float_round(77 + turn);
        }
        same("our own registers that changed", bad, 0)?;
        for peer in peers {
            let (bad, _) = peer.last()?.because("floating point")?;
            same("registers that changed", bad, 0)?;
            peer.end()?;
        }
        Ok(())
    })
}
