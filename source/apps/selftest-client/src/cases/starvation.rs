//! A class that is passed over waits as long as its bound and no longer, and then runs for a millisecond.

use nexus_abi::user;
use nexus_abi::{HartMask, Nanos, QosClass};
use selftest_client::Op;

use super::perf_burst::PROGRAM;
use super::time_is_virtual;
use crate::check::{Verdict, holds, same, within};
use crate::ledger::machine;
use crate::partner::Hireling;

/// How long each class waits at most while a higher one takes all of its hart.
const BOUNDS_MS: [(QosClass, u64); 3] =
    [(QosClass::Interactive, 40), (QosClass::Normal, 80), (QosClass::Idle, 240)];
/// What it gets then.
const GRANT: Nanos = Nanos::from_millis(1);
/// As often as this it happens while they are watched.
const ROUNDS: u64 = 4;
/// Around a wait or a grant there are a switch, a timer interrupt and a look at the clock: instructions, which take a
/// nanosecond each.
const SWITCHING: u64 = 4_000;
/// They wait for this moment, so that they begin together.
const LEAD: Nanos = Nanos::from_millis(30);

pub fn run() -> Verdict {
    BOUNDS_MS.into_iter().try_for_each(|(class, bound)| passed_over(class, Nanos::from_millis(bound)))
}

/// Somebody of the highest class who never stops, and somebody of `class` beside it; each says what it saw.
fn passed_over(class: QosClass, bound: Nanos) -> Verdict {
    let last = HartMask::only(machine()?.harts as usize - 1);
    let (hog, victim) = (Hireling::hire(PROGRAM, last)?, Hireling::hire(PROGRAM, last)?);
    same("lowering itself", victim.ask(Op::Qos, &[1, 0, class.to_wire()])?.0, class.to_wire())?;
    let from = user::clock_now().after(LEAD);
    let until = from.after(Nanos(ROUNDS * (bound.0 + GRANT.0)));
    victim.ask(Op::Gaps, &[from.0, until.0])?;
    hog.ask(Op::Gaps, &[from.0, until.0])?;
    // Whoever waits for the victim would lend it a class, so the hog comes first.
    let (grant, held) = hog.ask(Op::Last, &[])?;
    let (wait, ran) = victim.ask(Op::Last, &[])?;
    holds("both have run", held > 0 && ran > 0)?;
    if time_is_virtual() {
        let about =
            |what, seen, wanted: Nanos| within(what, seen, wanted.0 - SWITCHING, wanted.0 + SWITCHING);
        about("the victim waited", wait, bound)?;
        about("the victim ran", ran, GRANT)?;
        about("the hog waited", grant, GRANT)?;
        about("the hog ran", held, bound)?;
        within(
            "the longest wait on record",
            victim.status()?.longest_wait_ns,
            bound.0 - SWITCHING,
            bound.0 + SWITCHING,
        )?;
    }
    victim.dismiss()?;
    hog.dismiss()
}
