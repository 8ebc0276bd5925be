//! The test's side of a peer: spawning it, telling it what to do, burying it.

use alloc::format;

use nexus_abi::info::{TaskInfo, TaskState};
use nexus_abi::user::{self, Outgoing, Words};
use nexus_abi::{Error, ExitReason, Handle, HartMask, Nanos, Rights, SpawnArgs, TaskId};
use nexus_rt::startup::{EXTRA_SLOT, SYSTEM};
use selftest_client::Op;
use selftest_client::script::Make;

use crate::check::{Because, Verdict, Why, holds};
use crate::ledger::machine;

/// Longer than anything a test waits for; shorter than the run's time-out.
pub const PATIENCE: Nanos = Nanos::from_millis(10_000);
/// Bit that a peer's death sets.
const DIED: u64 = 1;
/// Images of the boot image.
pub const PEER: &str = "bin/peer";
/// The one that exits at once.
pub const TINY: &str = "bin/tiny";

/// The moment at which patience ends.
pub fn patience() -> Nanos {
    user::clock_now().after(PATIENCE)
}

/// A short rest, for others to get where they should be.
pub fn rest(micros: u64) {
    user::sleep_until(user::clock_now().after(Nanos::from_micros(micros)));
}

/// The index of a program.
pub fn image(path: &str) -> Result<u32, Why> {
    let (file, vmo) = user::boot_file(SYSTEM, path).because(path)?;
    user::handle_close(vmo).because("closing a boot file")?;
    Ok(file.index as u32)
}

/// How long a task that runs without end may do so before it rests a moment; 0 for ever.
///
/// Where time is virtual and there are several harts, the emulator (QEMU before 8.1) runs one hart at a time
/// and lets go of it only when it sleeps: a task that never does would stop the others for good.
pub fn burst() -> Result<u64, Why> {
    const TURNS: u64 = 250_000;
    let shared = machine()?.harts > 1 && crate::cases::time_is_virtual();
    Ok(if shared { TURNS } else { 0 })
}

/// A peer that takes instructions.
#[derive(Debug)]
pub struct Partner {
    task: Handle,
    id: TaskId,
    control: Handle,
    deaths: Handle,
}

impl Partner {
    /// Any peer.
    pub fn spawn() -> Result<Self, Why> {
        Self::spawn_as("", |_| ())
    }

    /// A peer on one hart.
    pub fn on_hart(hart: usize) -> Result<Self, Why> {
        Self::spawn_as("", |args| args.affinity = HartMask::only(hart))
    }

    /// A peer with arguments, and limits of the test's choice.
    pub fn spawn_as(args: &str, adjust: impl FnOnce(&mut SpawnArgs)) -> Result<Self, Why> {
        let control = user::endpoint_create().because("control endpoint")?;
        let deaths = user::notification_create().because("notification")?;
        let mut spawn = SpawnArgs::new(image(PEER)?);
        spawn.args = args.as_ptr() as u64;
        spawn.args_len = args.len() as u64;
        spawn.supervisor = deaths;
        spawn.supervisor_bits = DIED;
        adjust(&mut spawn);
        let serve = Rights::RECEIVE | Rights::MOVE;
        let given = user::handle_copy(control, serve).because("control copy")?;
        spawn.given[EXTRA_SLOT] = given;
        match user::task_spawn(SYSTEM, &spawn) {
            Ok((task, id)) => Ok(Self { task, id, control, deaths }),
            Err(error) => {
                // A refused spawn has moved nothing.
                for handle in [given, control, deaths] {
                    user::handle_close(handle).because("closing after a refused spawn")?;
                }
                Err(format!("spawning a peer: {error:?}"))
            }
        }
    }

    /// Its task.
    pub fn task(&self) -> Handle {
        self.task
    }

    /// Its id.
    pub fn id(&self) -> TaskId {
        self.id
    }

    /// The endpoint it serves.
    pub fn endpoint(&self) -> Handle {
        self.control
    }

    /// Tells it something: its answer.
    pub fn ask(&self, op: Op, args: &[u64]) -> Result<(u64, u64), Why> {
        let what = format!("{op:?}");
        self.try_ask(op, args, None).because(&what).and_then(|answer| answer.because(&what))
    }

    /// Has it run without end.
    pub fn spin(&self) -> Verdict {
        self.ask(Op::Spin, &[burst()?]).map(drop)
    }

    /// Tells it something and moves a handle into its slot `slot`.
    pub fn give(&self, slot: u64, handle: Handle) -> Verdict {
        let answer =
            self.try_ask(Op::Keep, &[0, 0, 0, 0, 0, 0, slot], Some(handle)).because("giving a handle")?;
        answer.because("keeping a handle").map(drop)
    }

    /// Moves a copy with `rights` into its slot `slot`.
    pub fn give_copy(&self, slot: u64, handle: Handle, rights: Rights) -> Verdict {
        let copy = user::handle_copy(handle, rights | Rights::MOVE).because("copy to give")?;
        self.give(slot, copy)
    }

    /// Tells it something: whether that arrived, and what it answered.
    pub fn try_ask(
        &self,
        op: Op,
        args: &[u64],
        handle: Option<Handle>,
    ) -> Result<Result<(u64, u64), Error>, Error> {
        let mut words: Words = [0; 8];
        words[0] = op as u64;
        for (to, from) in words.iter_mut().skip(1).zip(args) {
            *to = *from;
        }
        let out = Outgoing { words, bytes: &[], handle };
        let answer = user::call_with(self.control, out, &mut [], patience())?;
        Ok(match answer.words[0] {
            0 => Ok((answer.words[1], answer.words[2])),
            status => Err(Error::from_wire(status)),
        })
    }

    /// Has it make an object, which it pays for: our handle to it.
    pub fn make(&self, kind: Make, pages: u64) -> Result<Handle, Why> {
        let words = [Op::Make as u64, kind as u64, pages, 0, 0, 0, 0, 0];
        let out = Outgoing { words, bytes: &[], handle: None };
        let answer = user::call_with(self.control, out, &mut [], patience()).because("make")?;
        answer.handle.ok_or_else(|| format!("a peer made nothing: status {}", answer.words[0]))
    }

    /// How the latest instruction done later went.
    pub fn last(&self) -> Result<Result<(u64, u64), Error>, Why> {
        self.try_ask(Op::Last, &[], None).because("asking for the latest result")
    }

    /// Its record.
    pub fn status(&self) -> Result<TaskInfo, Why> {
        user::task_status(self.task).because("status of a peer")
    }

    /// Waits until it is in `state`.
    pub fn until(&self, state: TaskState) -> Verdict {
        let end = patience();
        while self.status()?.state != state as u64 {
            if user::clock_now() > end {
                let seen = TaskState::from_wire(self.status()?.state);
                return Err(format!("a peer is {seen:?} and not {state:?}"));
            }
            rest(100);
        }
        Ok(())
    }

    /// Waits until it is dead: how it ended. What it owned has been returned by then.
    pub fn ended(&self) -> Result<ExitReason, Why> {
        let bits = user::wait(self.deaths, patience()).because("waiting for a peer's end")?;
        holds("the supervisor got the bits it asked for", bits == DIED)?;
        let reason = self.status()?.exit_reason();
        reason
            .ok_or_else(|| format!("told of a death, but the state is {:?}", self.status().map(|s| s.state)))
    }

    /// Gives up everything that is kept of a dead peer.
    pub fn bury(self) -> Verdict {
        for handle in [self.task, self.control, self.deaths] {
            user::handle_close(handle).because("burying a peer")?;
        }
        Ok(())
    }

    /// Kills it and buries it: how it ended.
    pub fn kill(self) -> Result<ExitReason, Why> {
        user::task_kill(self.task).because("killing a peer")?;
        let reason = self.ended()?;
        self.bury()?;
        Ok(reason)
    }

    /// Kills it, and it ended by that.
    pub fn end(self) -> Verdict {
        crate::check::same("a killed peer", self.kill()?, ExitReason::Killed)
    }
}
