//! The clock advances and is as coarse as promised.

use nexus_abi::{COARSE_CLOCK, user};
use selftest_client::Op;

use crate::check::{Verdict, holds, same, within};
use crate::partner::Partner;

pub fn run() -> Verdict {
    let mut earlier = user::clock_now();
    let start = earlier;
    let mut fine = false;
    for _ in 0..10_000 {
        let now = user::clock_now();
        holds("the clock never goes back", now >= earlier)?;
        fine |= !now.0.is_multiple_of(COARSE_CLOCK.0);
        earlier = now;
    }
    holds("10,000 calls take time", earlier > start)?;
    holds("precise time is finer than 100 µs", fine)?;
    coarse()
}

/// A task without precise time sees multiples of 100 µs, at most that much behind.
fn coarse() -> Verdict {
    let peer = Partner::spawn()?;
    for _ in 0..20 {
        let before = user::clock_now();
        let (seen, _) = peer.ask(Op::Clock, &[])?;
        let after = user::clock_now();
        same("a coarse clock's remainder", seen % COARSE_CLOCK.0, 0)?;
        within("a coarse clock", seen, before.0.saturating_sub(COARSE_CLOCK.0), after.0)?;
    }
    peer.end()
}
