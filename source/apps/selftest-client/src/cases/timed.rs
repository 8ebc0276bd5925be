//! What timed promises each of its clients: so many timers and no more, its own and nobody else's, and no longer than it
//! lives. And what time it is.

use alloc::vec::Vec;

use nexus_abi::{COARSE_CLOCK, Error, HartMask, Nanos, user};
use nexus_wire::timed::{Answer, Govern, Refusal, Request, Tier, Timer};
use selftest_client::Op;

use super::perf_burst::PROGRAM;
use crate::check::{Because, Verdict, Why, holds, refused, same, within};
use crate::partner::{Hireling, PATIENCE, Partner};
use crate::services::{set_timer, timed, timers_of};

const TIMERS_MAX: usize = 64;
/// The first moment of 2026, which the emulator begins with or after.
const NEW_YEAR_2026: u64 = 1_767_225_600_000_000_000;

pub fn run() -> Verdict {
    limits()?;
    neighbours()?;
    nonsense()?;
    death()?;
    wall_clock()
}

/// Far enough ahead not to fire in a test.
fn later() -> Nanos {
    user::clock_now().after(PATIENCE)
}

fn cancel(id: u64) -> Result<bool, Why> {
    match timed(&Request::Cancel { id })? {
        Answer::Cancelled { was_live, .. } => Ok(was_live),
        other => Err(alloc::format!("cancelling: {other:?}")),
    }
}

/// 64 timers are accepted; one more is refused, and everything else stays as it is.
fn limits() -> Verdict {
    let own = user::task_self();
    let peer = Partner::with_timed()?;
    let mut ids = Vec::new();
    while ids.len() < TIMERS_MAX {
        ids.push(set_timer(later())?.map_err(|refusal| alloc::format!("{} timers: {refusal}", ids.len()))?);
    }
    let before = timers_of(own)?;
    same("timers that are listed", before.len(), TIMERS_MAX)?;
    same("one timer too many", set_timer(later())?, Err(Refusal::OverLimit))?;
    same("the timers after that", timers_of(own)?, before)?;
    let (of_peer, _) = peer.ask(Op::SetTimer, &[later().0])?;
    same("cancelling a neighbour's", peer.ask(Op::CancelTimer, &[of_peer])?.0, 1)?;
    for id in ids {
        holds("a timer of the full set was live", cancel(id)?)?;
        holds("and is not twice", !cancel(id)?)?;
    }
    same("timers left", timers_of(own)?, Vec::new())?;
    peer.end()
}

/// Another task's timer does not exist, whether it does or not.
fn neighbours() -> Verdict {
    let peer = Partner::with_timed()?;
    let (theirs, _) = peer.ask(Op::SetTimer, &[later().0])?;
    let not_found = Answer::Refused(Refusal::NotFound);
    let once = Timer { due_ns: 0, period_ns: None, late_by_ns: 0, tier: Tier::Ordinary };
    for id in [theirs, theirs ^ 1 << 20, 0, u64::MAX] {
        same("cancelling another's", timed(&Request::Cancel { id })?, not_found.clone())?;
        same("how long another's has", timed(&Request::Remaining { id })?, not_found.clone())?;
        same("moving another's", timed(&Request::Rearm { id, timer: once })?, not_found.clone())?;
    }
    let ours = set_timer(later())?.map_err(|refusal| alloc::format!("a timer: {refusal}"))?;
    refused(
        "a peer that cancels ours",
        peer.try_ask(Op::CancelTimer, &[ours], None).because("asking a peer")?,
        Error::NotFound,
    )?;
    holds("ours is still live", cancel(ours)?)?;
    same("so is theirs", peer.ask(Op::CancelTimer, &[theirs])?.0, 1)?;
    peer.end()
}

/// What cannot be is refused and changes nothing.
fn nonsense() -> Verdict {
    let invalid = Answer::Refused(Refusal::Invalid);
    let never_again = Timer { due_ns: 0, period_ns: Some(0), late_by_ns: 0, tier: Tier::Ordinary };
    same("a period of nothing", timed(&Request::Set(never_again))?, invalid.clone())?;
    same(
        "a hint beyond the longest",
        timed(&Request::Govern(Govern::Hint { hint_ns: u64::MAX }))?,
        invalid.clone(),
    )?;
    same("listening without a notification", timed(&Request::Listen { bits: 1 })?, invalid)?;
    let bury = Govern::Ended { task: user::task_self().to_wire() };
    same("burying without privilege", timed(&Request::Govern(bury))?, Answer::Refused(Refusal::NotAllowed))?;
    same("timers set by all that", timers_of(user::task_self())?, Vec::new())
}

/// execd tells timed of the end of what it has started, before it tells anybody else.
fn death() -> Verdict {
    let dying = Hireling::hire(PROGRAM, HartMask::ANY)?;
    let living = Hireling::hire(PROGRAM, HartMask::ANY)?;
    for peer in [&dying, &living] {
        for _ in 0..3 {
            peer.ask(Op::SetTimer, &[later().0])?;
        }
        same("timers of a peer", timers_of(peer.id())?.len(), 3)?;
    }
    let (dead, alive) = (dying.id(), living.id());
    dying.dismiss()?;
    same("timers of a dead peer", timers_of(dead)?.len(), 0)?;
    same("timers of a living one", timers_of(alive)?.len(), 3)?;
    living.dismiss()?;
    same("timers of nobody", timers_of(alive)?.len(), 0)
}

/// The machine's clock tells the time, and whoever may sets it.
fn wall_clock() -> Verdict {
    let (_, told) = now()?;
    let told = told.ok_or("nobody knows what time it is")?;
    holds("this year or later", told >= NEW_YEAR_2026)?;
    let another = told + Nanos::from_millis(3_600_000).0;
    same("setting the clock", timed(&Request::Govern(Govern::SetWall { wall_ns: another }))?, Answer::Done)?;
    let (before, set) = now()?;
    let late = if super::time_is_virtual() { Nanos::from_millis(1) } else { PATIENCE };
    within("the time that was set", set.unwrap_or(0), another - COARSE_CLOCK.0, another + late.0)?;
    let (after, passed) = now()?;
    same("both clocks go on together", passed.unwrap_or(0) - set.unwrap_or(0), after - before)?;
    same("setting it back", timed(&Request::Govern(Govern::SetWall { wall_ns: told }))?, Answer::Done)
}

fn now() -> Result<(u64, Option<u64>), Why> {
    match timed(&Request::Now)? {
        Answer::Now { monotonic_ns, wall_ns } => Ok((monotonic_ns, wall_ns)),
        other => Err(alloc::format!("no time: {other:?}")),
    }
}
