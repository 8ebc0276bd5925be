//! Tasks that only run share a hart in the ratio of their shares: in every half second, and closer over five.
//!
//! They are on the last hart. QEMU before 8.1, under the instruction counter, runs a hart only while all before it
//! sleep; so nobody is behind one that never does.

use alloc::format;
use alloc::vec::Vec;

use nexus_abi::{HartMask, user};
use nexus_rt::startup::SYSTEM;
use nexus_wire::execd::Change;

use super::time_is_virtual;
use crate::check::{Because, Verdict, Why, same};
use crate::ledger::{leaves_nothing, machine};
use crate::partner::{Pace, Partner, patience, rest};
use crate::services::scheduled;

/// Shares of the tasks that compete.
const SETS: [&[u64]; 3] = [&[300, 100], &[100, 1], &[1, 2, 3, 5, 8]];
const WINDOW_US: u64 = 500_000;
const WINDOWS: usize = 10;
/// Of what is due, in thousandths: how much more or less is right in a window, and over all of them.
const WINDOW_ERROR: u64 = 20;
const TOTAL_ERROR: u64 = 5;
/// What they asked for before all of them ran, and with the shares of a new task, is done by then.
const SETTLING_US: u64 = 110_000;
/// Where time is the host's, as many windows show that all run.
const SHARED_WINDOWS: usize = 2;
/// More moves to another hart than placing a task takes.
const TURNS: u64 = 8;

pub fn run() -> Verdict {
    SETS.into_iter().try_for_each(warmed_up)?;
    machine_is_shared()
}

/// Three equal tasks on two harts: the one that has a hart for itself is not always the same.
fn machine_is_shared() -> Verdict {
    let harts = machine()?.harts as usize;
    if harts < 2 || time_is_virtual() {
        return Ok(());
    }
    let two = HartMask(HartMask::only(harts - 1).0 | HartMask::only(harts - 2).0);
    let tasks = [(); 3].map(|()| Partner::on(two)).into_iter().collect::<Result<Vec<_>, Why>>()?;
    tasks.iter().try_for_each(|task| task.spin_at(Pace::ENDLESS))?;
    let end = patience();
    for task in &tasks {
        while task.status()?.migrations < TURNS {
            if user::clock_now() > end {
                return Err(format!("{:?} does not get round", task.id()));
            }
            // POLL: nobody tells of moves.
            rest(WINDOW_US);
        }
    }
    tasks.into_iter().try_for_each(Partner::end)
}

/// A round without a window warms up; what is left of the machine is compared around the one that counts.
fn warmed_up(shares: &[u64]) -> Verdict {
    let mut windows = [0, if time_is_virtual() { WINDOWS } else { SHARED_WINDOWS }].into_iter();
    leaves_nothing("spinners", || compete(shares, windows.next().unwrap_or(0)))
}

fn compete(shares: &[u64], windows: usize) -> Verdict {
    let hart = machine()?.harts as usize - 1;
    let tasks = (0..shares.len()).map(|_| Partner::on_hart(hart)).collect::<Result<Vec<_>, Why>>()?;
    for (task, shares) in tasks.iter().zip(shares) {
        scheduled(task.id(), Change::Shares(*shares), *shares)?;
    }
    tasks.iter().try_for_each(|task| task.spin_at(Pace::ENDLESS))?;
    rest(SETTLING_US);
    let sleeps = || user::hart_info(SYSTEM, hart).because("hart record").map(|record| record.idle_entries);
    let slept = sleeps()?;
    let mut samples = [look(&tasks)?].to_vec();
    for _ in 0..windows {
        rest(WINDOW_US);
        samples.push(look(&tasks)?);
    }
    same("sleeps of a hart with work", sleeps()?, slept)?;
    tasks.into_iter().try_for_each(Partner::end)?;
    judge(shares, &samples)
}

/// What each has run so far.
fn look(tasks: &[Partner]) -> Result<Vec<u64>, Why> {
    tasks.iter().map(|task| task.status().map(|record| record.cpu_ns)).collect()
}

fn judge(shares: &[u64], samples: &[Vec<u64>]) -> Verdict {
    let (Some(first), Some(last)) = (samples.first(), samples.last()) else { return Ok(()) };
    if samples.len() < 2 {
        return Ok(());
    }
    if !time_is_virtual() {
        return everybody_runs(shares, &ran(first, last));
    }
    for (window, pair) in samples.windows(2).enumerate() {
        fair(shares, &ran(&pair[0], &pair[1]), WINDOW_ERROR)
            .map_err(|why| format!("half second {window}: {why}"))?;
    }
    fair(shares, &ran(first, last), TOTAL_ERROR)
}

fn ran(from: &[u64], to: &[u64]) -> Vec<u64> {
    from.iter().zip(to).map(|(from, to)| to - from).collect()
}

/// Each has had what is due to it, give or take so many thousandths of that.
fn fair(shares: &[u64], ran: &[u64], error: u64) -> Verdict {
    let (all, weight): (u64, u64) = (ran.iter().sum(), shares.iter().sum());
    for (had, shares) in ran.iter().zip(shares) {
        let due = all * shares / weight;
        if had.abs_diff(due) * 1000 > due * error {
            return Err(format!("{shares} of {weight} shares ran {had} ns, {due} were due: {ran:?}"));
        }
    }
    Ok(())
}

/// The host runs an emulated hart when it likes, and whom that hits has run as far as the guest can see. So it is
/// only certain that everybody gets on, and that more shares are more.
fn everybody_runs(shares: &[u64], ran: &[u64]) -> Verdict {
    let mut by_shares: Vec<_> = shares.iter().zip(ran).collect();
    by_shares.sort_unstable();
    let ordered = by_shares.windows(2).all(|pair| pair[0].1 < pair[1].1);
    if ordered && ran.iter().all(|ran| *ran > 0) { Ok(()) } else { Err(format!("{shares:?} ran {ran:?}")) }
}
