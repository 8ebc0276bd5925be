//! Thousands of tasks begin and end, in every way, and services come back: nothing is missing afterwards.

use nexus_abi::user;
use nexus_abi::{Error, ExitReason, Handle, SpawnArgs};
use nexus_rt::startup::SYSTEM;
use selftest_client::{Misdeed, Op};

use crate::check::{Because, Verdict, same};
use crate::ledger::Ledger;
use crate::partner::{Partner, TINY, image, patience};

const TASKS: u64 = 10_000;
const RESTARTS: u64 = 1_000;

pub fn run() -> Verdict {
    let program = image(TINY)?;
    let deaths = user::notification_create().because("notification")?;
    // Once for the pools that keep a page.
    (0..8).try_for_each(|n| task(program, deaths, n))?;
    restart(0)?;
    let before = Ledger::now()?;
    (0..TASKS).try_for_each(|n| task(program, deaths, n))?;
    before.balanced("10,000 tasks")?;
    (0..RESTARTS).try_for_each(restart)?;
    before.balanced("1,000 restarts")?;
    user::handle_close(deaths).because("closing")
}

/// A task that exits by itself, or is killed before, or while it does.
fn task(program: u32, deaths: Handle, n: u64) -> Verdict {
    let mut args = SpawnArgs::new(program);
    (args.pages, args.handles, args.objects, args.stack_pages) = (64, 8, 8, 1);
    (args.supervisor, args.supervisor_bits) = (deaths, 1);
    let (task, _) = user::task_spawn(SYSTEM, &args).because("spawn")?;
    let killed = match n % 4 {
        0 | 1 => Err(Error::Dead),
        2 => user::task_kill(task),
        _ => {
            user::yield_now();
            user::task_kill(task)
        }
    };
    user::wait(deaths, patience()).because("waiting for an end")?;
    let reason = user::task_status(task).because("status")?.exit_reason();
    let wanted = if killed.is_ok() { ExitReason::Killed } else { ExitReason::Exited(0) };
    same("how a task ended", reason, Some(wanted))?;
    user::handle_close(task).because("closing")
}

/// A service answers, ends in one of four ways, and its next incarnation serves again.
fn restart(n: u64) -> Verdict {
    let service = Partner::spawn()?;
    service.ask(Op::Clock, &[])?;
    let wanted = match n % 4 {
        0 => return service.end(),
        1 => {
            service.ask(Op::Exit, &[n])?;
            ExitReason::Exited(n as i32)
        }
        2 => {
            service.ask(Op::Misbehave, &[Misdeed::ReadNull as u64])?;
            let reason = service.ended()?;
            same("a fault", matches!(reason, ExitReason::Fault { cause: 13, .. }), true)?;
            return service.bury();
        }
        _ => {
            // It dies in the middle of a call.
            let endpoint = service.endpoint();
            service.give_copy(0, endpoint, nexus_abi::Rights::CALL)?;
            service.ask(Op::Call, &[0, 1, 0, u64::MAX])?;
            return service.end();
        }
    };
    same("how a service ended", service.ended()?, wanted)?;
    service.bury()
}
