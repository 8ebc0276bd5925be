//! Timers that can share a wake-up do: the machine takes exactly as many timer interrupts as the library says is the
//! least, on all harts together, and no timer fires outside its window.
//!
//! All moments are half a millisecond off a full one, and what follows a wake-up takes far less: so being awake for one
//! timer is never luck for another, and the count is exact. Where time is the host's, it can only be less.

use alloc::vec::Vec;

use nexus_abi::user;
use nexus_abi::{Nanos, QosClass};
use nexus_rt::startup::{SYSTEM, TIMED};
use nexus_time::os::Os;
use nexus_time::{Key, Plan, TimerSet};
use selftest_client::Op;
use timer_coalescer::{Ask, Timers};

use super::time_is_virtual;
use crate::check::{Because, Verdict, Why, holds, same, within};
use crate::ledger::machine;
use crate::partner::{PATIENCE, Partner, patience};

/// Timers of this task: as many as one may have.
const TIMERS: u64 = 64;
/// Tasks that sleep.
const SLEEPERS: u64 = 24;
/// Over so many milliseconds they are spread.
const SPREAD_MS: u64 = 300;
/// Until the first of them, enough to set all.
const LEAD: Nanos = Nanos::from_millis(30);
const HALF: Nanos = Nanos::from_micros(500);
/// The window of an ordinary task.
const WINDOW: Nanos = Nanos::from_millis(4);
/// From the interrupt until whoever waited has looked at the clock, in which all others may have woken too.
const LATENCY: Nanos = Nanos::from_micros(400);

pub fn run() -> Verdict {
    timers()?;
    sleepers()
}

/// The moments of `count` timers, in no order and some of them the same.
fn moments(count: u64) -> Vec<Nanos> {
    let lead = user::clock_now().after(LEAD);
    let first = Nanos(lead.0 - lead.0 % Nanos::from_millis(1).0).after(HALF);
    (0..count).map(|n| first.after(Nanos::from_millis((n * n * 7 + n * 13) % SPREAD_MS))).collect()
}

/// How often one has to wake up for them, by the library itself.
fn least_wakeups(moments: &[Nanos]) -> Result<u64, Why> {
    let mut timers = Timers::new();
    for due in moments {
        let set = timers.register(user::task_self(), QosClass::Normal, Ask::at(*due), Nanos(0));
        set.map_err(|_| "the library has no room")?;
    }
    let mut wakeups = 0;
    while timers.next_wakeup() < Nanos::NEVER {
        let now = timers.next_wakeup();
        while timers.fire(now).is_some() {}
        wakeups += 1;
    }
    Ok(wakeups)
}

/// Timers of one task, told by a notification.
fn timers() -> Verdict {
    let bell = user::notification_create().because("notification")?;
    let mut set = TimerSet::told_by(Os::new(TIMED).with_bell(bell), 1).because("listening")?;
    let moments = moments(TIMERS);
    let mut open: Vec<(Key, Nanos)> = Vec::new();
    for due in &moments {
        open.push((set.set(Plan::at((*due).into())).because("setting a timer")?, *due));
    }
    let before = interrupts()?;
    while !open.is_empty() {
        user::wait(bell, patience()).because("waiting for a timer")?;
        let now = user::clock_now();
        let mut fired = Vec::new();
        set.fired(|expired| fired.push(expired)).because("asking what has fired")?;
        for expired in fired {
            let at = open.iter().position(|(key, _)| *key == expired.key).ok_or("a timer fired twice")?;
            let (_, due) = open.swap_remove(at);
            same("what a timer says it was due", expired.due.nanos(), due)?;
            in_window(due, now)?;
        }
    }
    count(before, &moments)?;
    user::handle_close(bell).because("closing")
}

/// Tasks that sleep, each until its own moment.
fn sleepers() -> Verdict {
    let moments = moments(SLEEPERS);
    let peers = moments.iter().map(|_| Partner::with_timed()).collect::<Result<Vec<_>, Why>>()?;
    for (peer, due) in peers.iter().zip(&moments) {
        peer.ask(Op::Doze, &[due.0])?;
    }
    let before = interrupts()?;
    for (peer, due) in peers.iter().zip(&moments) {
        // It hears the question when it has woken.
        let (woke, _) = peer.last()?.because("a sleeper")?;
        in_window(*due, Nanos(woke))?;
    }
    count(before, &moments)?;
    peers.into_iter().try_for_each(Partner::end)
}

fn in_window(due: Nanos, now: Nanos) -> Verdict {
    holds("no timer is early", now >= due)?;
    let latency = if time_is_virtual() { LATENCY } else { PATIENCE };
    within("nanoseconds that a timer is late", now.since(due).0, 0, WINDOW.after(latency).0)
}

fn count(before: u64, moments: &[Nanos]) -> Verdict {
    let taken = interrupts()? - before;
    let least = least_wakeups(moments)?;
    holds("some timers can share a wake-up", least < moments.len() as u64)?;
    if time_is_virtual() {
        return same("timer interrupts of all harts", taken, least);
    }
    // Where time is real, a turn takes as long as the emulator is slow, and whoever waits for it has it ended.
    holds("a timer interrupt wakes the machine", taken > 0)
}

/// Timer interrupts that all harts have taken.
fn interrupts() -> Result<u64, Why> {
    let harts = machine()?.harts as usize;
    let taken = |hart| user::hart_info(SYSTEM, hart).because("hart record").map(|record| record.timer_irqs);
    (0..harts).map(taken).sum()
}
