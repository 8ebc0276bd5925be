//! A wait ends at its deadline and never before.

use core::sync::atomic::{AtomicU8, Ordering};

use nexus_abi::user;
use nexus_abi::{COARSE_CLOCK, Error, Nanos};
use selftest_client::{Op, raw};

use crate::check::{Because, Verdict, holds, refused, same, within};
use crate::partner::{PATIENCE, Partner, patience};

/// How late a wake-up may be where time passes with instructions, and nothing else does.
const LATE_EXACT: u64 = 20_000;
/// And where the emulator shares the host with others: only that it comes is certain.
const LATE_SHARED: u64 = PATIENCE.0;
const TICK: u64 = 100;

pub fn run() -> Verdict {
    let late = if time_is_virtual() { LATE_EXACT } else { LATE_SHARED };
    for span in [0, 1, 99, 100, 1_000, 50_000, 123_457, 1_000_000, 20_000_001] {
        let start = user::clock_now();
        let moment = start.after(Nanos(span));
        user::sleep_until(moment);
        within("nanoseconds after the moment to sleep until", user::clock_now().since(moment).0, 0, late)?;
        holds("no sleep is short", user::clock_now() >= moment)?;
    }
    waits(late)?;
    past()?;
    many(late)
}

/// Every wait has a deadline: a notification's, an endpoint's, a call's.
fn waits(late: u64) -> Verdict {
    let bits = user::notification_create().because("notification")?;
    let endpoint = user::endpoint_create().because("endpoint")?;
    let unserved = user::endpoint_create().because("endpoint")?;
    for (what, at, wait) in [
        ("wait", bits, (|bits, at| user::wait(bits, at).map(drop)) as fn(_, _) -> _),
        ("receive", endpoint, |endpoint, at| user::receive(endpoint, &mut [], at).map(drop)),
        ("call", unserved, |endpoint, at| {
            user::call_with(endpoint, Default::default(), &mut [], at).map(drop)
        }),
    ] {
        let moment = user::clock_now().after(Nanos::from_micros(700));
        refused(what, wait(at, moment), Error::TimedOut)?;
        holds("no deadline comes early", user::clock_now() >= moment)?;
        within(what, user::clock_now().since(moment).0, 0, late)?;
    }
    // Bits that come in time end the wait, and its deadline never shows.
    let soon = user::clock_now().after(Nanos::from_micros(300));
    user::notify(bits, 1).because("notify")?;
    same("bits before the deadline", user::wait(bits, soon), Ok(1))?;
    refused(
        "the next wait",
        user::wait(bits, user::clock_now().after(Nanos::from_millis(1))),
        Error::TimedOut,
    )?;
    user::handle_close(bits).because("closing")?;
    let to_itself = user::call_with(endpoint, Default::default(), &mut [], Nanos::NEVER).map(drop);
    refused("a call that waits for itself", to_itself, Error::Deadlock)?;
    user::handle_close(unserved).because("closing")?;
    user::handle_close(endpoint).because("closing")
}

/// A deadline in the past polls.
fn past() -> Verdict {
    let bits = user::notification_create().because("notification")?;
    for moment in [Nanos::NOW, Nanos(1), user::clock_now()] {
        refused("polling", user::wait(bits, moment), Error::TimedOut)?;
        user::notify(bits, 8).because("notify")?;
        same("polling what is there", user::wait(bits, moment), Ok(8))?;
    }
    user::handle_close(bits).because("closing")
}

/// Many sleepers with deadlines in no order: each wakes at its own.
fn many(late: u64) -> Verdict {
    let mut peers = alloc::vec::Vec::new();
    let start = user::clock_now();
    for n in 0..24_u64 {
        let moment = start.after(Nanos::from_millis(30 + n * 7 % 24));
        let peer = Partner::spawn()?;
        peer.ask(Op::Sleep, &[moment.0])?;
        peers.push((peer, moment));
    }
    holds(
        "all sleep before the first wakes",
        late == LATE_SHARED || user::clock_now() < start.after(Nanos::from_millis(30)),
    )?;
    user::sleep_until(start.after(Nanos::from_millis(60)));
    for (peer, moment) in peers {
        let (woke, _) = peer.last()?.because("a sleeper")?;
        // The sleeper's clock is coarse: it shows up to 100 µs too little.
        let least = moment.0 - moment.0 % COARSE_CLOCK.0;
        within("when a sleeper woke", woke, least, moment.0 + late + 24 * 10_000)?;
        peer.end()?;
    }
    holds("patience lies ahead", patience() > user::clock_now())
}

/// True when time is what the instructions are: the same work takes the same time again and again. Measured
/// once.
pub fn time_is_virtual() -> bool {
    static ANSWER: AtomicU8 = AtomicU8::new(UNKNOWN);
    const UNKNOWN: u8 = 2;
    if ANSWER.load(Ordering::Relaxed) == UNKNOWN {
        ANSWER.store(u8::from(work_takes_the_same_time()), Ordering::Relaxed);
    }
    ANSWER.load(Ordering::Relaxed) == 1
}

fn work_takes_the_same_time() -> bool {
    const TURNS: u64 = 500_000;
    let mut spans = [0; 16];
    for span in &mut spans {
        let start = user::clock_now();
        raw::work(TURNS);
        *span = user::clock_now().since(start).0;
    }
    // A nanosecond an instruction, two a turn. Now and then another hart does something meanwhile, so half of
    // them must agree.
    spans.sort_unstable();
    spans[4..12].iter().all(|span| (2 * TURNS..2 * TURNS + 4 * TICK).contains(span))
}
