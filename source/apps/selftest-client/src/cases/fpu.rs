//! Floating-point registers are each task's own, however they take turns.

use selftest_client::Op;

use crate::check::{Because, Verdict, same};
use crate::ledger::leaves_nothing;
use crate::partner::Partner;

const TURNS: u64 = 300;

/// Instructions for which registers are held while others are woken on the same hart.
const HOLD: u64 = 40_000;

pub fn run() -> Verdict {
    take_turns()?;
    leaves_nothing("floating point on a hart that is interrupted", interrupted)
}

/// One task holds its registers while another is woken on its hart, over and over; then the other, which has never
/// used any, takes over a hart that went to sleep after the first.
fn interrupted() -> Verdict {
    let last = crate::ledger::machine()?.harts as usize - 1;
    let (holder, other) = (Partner::on_hart(last)?, Partner::on_hart(last)?);
    for round in 0..20 {
        holder.ask(Op::Float, &[round * 1000, 10, HOLD])?;
        for _ in 0..10 {
            other.ask(Op::Clock, &[])?;
        }
        same("registers that changed while they were held", holder.last()?, Ok((0, 0)))?;
    }
    let beside = Partner::on_hart(last)?;
    beside.ask(Op::Float, &[5000, 50, 0])?;
    holder.ask(Op::Float, &[9000, 50, 0])?;
    for peer in [beside, holder, other] {
        same("registers that changed", peer.last()?, Ok((0, 0)))?;
        peer.end()?;
    }
    Ok(())
}

fn take_turns() -> Verdict {
    leaves_nothing("tasks with floating point", || {
        let online = crate::ledger::machine()?.harts as usize;
        let peers: Result<alloc::vec::Vec<_>, _> =
            (0..3).map(|n| Partner::on_hart((n / 2) % online)).collect();
        let peers = peers?;
        for (n, peer) in peers.iter().enumerate() {
            peer.ask(Op::Float, &[1_000_000 * (n as u64 + 1), TURNS, 0])?;
        }
        // The peers take turns now, two of them on one hart; this task joins in.
        let mut bad = 0;
        for turn in 0..50 {
            bad += selftest_client::raw::float_round(77 + turn, 0);
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
