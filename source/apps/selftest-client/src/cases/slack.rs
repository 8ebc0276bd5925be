//! Slack: an ordinary task wakes at the end of its class's window, or before when somebody is awake anyway; several
//! cost as few timer interrupts as there can be, and harts wake together where they can.
//!
//! Everything here is exact, so only where time is what the instructions are.

use alloc::vec::Vec;

use nexus_abi::user;
use nexus_abi::{COARSE_CLOCK, Nanos, QosClass, TaskId};
use nexus_rt::startup::SYSTEM;
use selftest_client::Op;
use timer_coalescer::compose::class_window;

use super::deadline::time_is_virtual;
use crate::check::{Because, Verdict, Why, same};
use crate::ledger::machine;
use crate::partner::{Partner, rest};

/// Whoever was told something waits by then, and nothing else goes on.
const LEAD: Nanos = Nanos::from_millis(20);
/// Later than everybody's window.
const SPAN: Nanos = Nanos::from_millis(80);
/// Sleepers, and the ends of their sleeps: no two at the same moment, in no order, alone and in crowds.
const SLEEPERS: u64 = 24;

pub fn run() -> Verdict {
    if !time_is_virtual() {
        return Ok(());
    }
    let harts = machine()?.harts as usize;
    for hart in 0..harts {
        for class in [QosClass::Normal, QosClass::Idle] {
            alone(hart, class)?;
        }
        together(hart)?;
    }
    on_all(harts)
}

/// The moment of a round: such that the clock of those that see it coarsely shows it as it is.
fn begin() -> Nanos {
    let soon = user::clock_now().after(LEAD).0;
    Nanos(soon - soon % COARSE_CLOCK.0)
}

/// One sleeper, and nobody else awake: the whole window is used.
fn alone(hart: usize, class: QosClass) -> Verdict {
    let sleeper = Partner::on_hart(hart)?;
    sleeper.ask(Op::Qos, &[1, TaskId::NONE.to_wire(), class.to_wire()])?;
    let moment = begin();
    sleeper.ask(Op::Sleep, &[moment.0])?;
    user::sleep_until(moment.after(SPAN));
    let (woke, _) = sleeper.last()?.because("a sleeper")?;
    sleeper.end()?;
    same("when a sleeper woke that nobody disturbed", woke, moment.after(class_window(class)).0)
}

/// Many sleepers: the timer fires as often as it must, and each wakes at one of those moments, in its window.
fn together(hart: usize) -> Verdict {
    let mut sleepers = Vec::new();
    for _ in 0..SLEEPERS {
        sleepers.push(Partner::on_hart(hart)?);
    }
    let start = begin();
    let deadlines: Vec<_> =
        (0..SLEEPERS).map(|n| start.after(Nanos::from_micros(n * 29_100 % 61_700))).collect();
    for (sleeper, moment) in sleepers.iter().zip(&deadlines) {
        sleeper.ask(Op::Sleep, &[moment.0])?;
    }
    let before = timer_irqs()?;
    user::sleep_until(start.after(SPAN));
    let interrupts = timer_irqs()? - before;
    let wakeups = wakeups(&deadlines);
    for (sleeper, moment) in sleepers.iter().zip(&deadlines) {
        let (woke, _) = sleeper.last()?.because("a sleeper")?;
        // The first wake-up that is not early. Others that wake then run first: less than what the clock shows.
        let due = wakeups.iter().find(|at| *at >= moment).map(|at| at.0);
        same("when one of many sleepers woke", Some(woke), due)?;
    }
    sleepers.into_iter().try_for_each(Partner::end)?;
    same("timer interrupts of all harts, our own not counted", interrupts - 1, wakeups.len() as u64)
}

/// A sleeper on each hart, each due a little later than the one before: all wake when the first one must.
fn on_all(harts: usize) -> Verdict {
    let sleepers = (0..harts).map(Partner::on_hart).collect::<Result<Vec<_>, Why>>()?;
    let start = begin();
    for (sleeper, n) in sleepers.iter().zip(0..) {
        sleeper.ask(Op::Sleep, &[start.after(Nanos::from_micros(n * 400)).0])?;
        // Who sleeps later follows who sleeps before.
        rest(1_000);
    }
    user::sleep_until(start.after(SPAN));
    for sleeper in &sleepers {
        let (woke, _) = sleeper.last()?.because("a sleeper")?;
        same("when a hart woke", woke, start.after(class_window(QosClass::Normal)).0)?;
    }
    sleepers.into_iter().try_for_each(Partner::end)
}

/// The fewest moments that meet all windows: for each that is not met yet its end, the first end first.
fn wakeups(deadlines: &[Nanos]) -> Vec<Nanos> {
    let mut sorted = deadlines.to_vec();
    sorted.sort_unstable();
    let mut moments: Vec<Nanos> = Vec::new();
    for deadline in sorted {
        if moments.last().is_none_or(|last| deadline > *last) {
            moments.push(deadline.after(class_window(QosClass::Normal)));
        }
    }
    moments
}

fn timer_irqs() -> Result<u64, Why> {
    let harts = 0..machine()?.harts as usize;
    harts.map(|hart| user::hart_info(SYSTEM, hart).map(|it| it.timer_irqs).because("hart record")).sum()
}
