//! A machine on which everybody sleeps takes no timer interrupt but the one that ends the sleep.

use nexus_abi::info::HartInfo;
use nexus_abi::user;
use nexus_abi::{COARSE_CLOCK, Nanos};
use nexus_rt::startup::SYSTEM;

use super::deadline::time_is_virtual;
use crate::check::{Because, Verdict, Why, holds, same, within};
use crate::ledger::machine;

/// Virtual seconds cost nothing; real ones are waited for.
const VIRTUAL: Nanos = Nanos::from_millis(10_000);
const REAL: Nanos = Nanos::from_millis(1_000);

pub fn run() -> Verdict {
    let span = if time_is_virtual() { VIRTUAL } else { REAL };
    let harts = machine()?.harts as usize;
    // Whatever earlier cases left on its way has arrived after this.
    user::sleep_until(user::clock_now().after(Nanos::from_millis(20)));
    let begin = user::clock_now();
    let before = records(harts)?;
    let start = user::clock_now();
    user::sleep_until(start.after(span));
    let slept = user::clock_now().since(start);
    let after = records(harts)?;
    // A host that is busy may stop a hart anywhere, in the middle of a record too; virtual time stops with it.
    let most = user::clock_now().since(begin).0 + COARSE_CLOCK.0;
    let least = if time_is_virtual() { slept.0 / 100 * 90 } else { 1 };
    let mut timers = 0;
    for (then, now) in before.iter().zip(&after) {
        timers += now.timer_irqs - then.timer_irqs;
        same("device interrupts", now.device_irqs - then.device_irqs, 0)?;
        holds("counters do not go back", now.idle_ns >= then.idle_ns && now.busy_ns >= then.busy_ns)?;
        within("idle nanoseconds", now.idle_ns - then.idle_ns, least, most)?;
    }
    same("timer interrupts of all harts", timers, 1)
}

fn records(harts: usize) -> Result<alloc::vec::Vec<HartInfo>, Why> {
    (0..harts).map(|hart| user::hart_info(SYSTEM, hart).because("hart record")).collect()
}
