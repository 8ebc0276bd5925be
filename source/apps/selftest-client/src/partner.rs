//! The test's side of a peer: spawning it, telling it what to do, burying it.

use alloc::format;

use nexus_abi::info::{TaskInfo, TaskState};
use nexus_abi::user::{self, Outgoing, Words};
use nexus_abi::{Error, ExitReason, Handle, HartMask, Nanos, Rights, SpawnArgs, TaskId};
use nexus_rt::startup::{EXTRA_SLOT, SYSTEM, TIMED, TIMED_SLOT};
use nexus_wire::execd::{Answer, Reason, Request, Restart, Spawn};
use selftest_client::Op;
use selftest_client::script::Make;

use crate::check::{Because, Verdict, Why, holds};
use crate::ledger::machine;
use crate::services;

/// Longer than anything a test waits for, also where the emulator gets a small part of a busy host; shorter than
/// the run's time-out.
pub const PATIENCE: Nanos = Nanos::from_millis(60_000);
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

/// How a task that runs without end takes turns with the rest of the machine.
///
/// Where time is virtual and there are several harts, the emulator (QEMU before 8.1) always runs the first hart
/// that is awake, and the ones after it only once that one sleeps. So a task that never rests stops the harts
/// behind its own for good, and so do several that rest too little between them. Here each rests for as long as
/// all harts may run, one after the other: the last of them gets its turn in every round.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pace {
    /// Turns of [`selftest_client::raw::work`] in a row; 0 for no end.
    turns: u64,
    /// The rest after them.
    rest: Nanos,
}

impl Pace {
    /// Shorter than a slice of the scheduler.
    pub const SHORT: Nanos = Nanos::from_micros(500);
    /// Longer than two slices: whoever waits meanwhile sees one end.
    pub const LONG: Nanos = Nanos::from_millis(10);
    /// Without end and without rest: also right on the last hart, which has none behind it.
    pub const ENDLESS: Self = Self { turns: 0, rest: Nanos(0) };
    /// Virtual nanoseconds of a turn: two instructions.
    const TURN: u64 = 2;

    /// Runs for `burst` at a time where it has to rest, else without end.
    pub fn of(burst: Nanos) -> Result<Self, Why> {
        let harts = machine()?.harts;
        if harts == 1 || !crate::cases::time_is_virtual() {
            return Ok(Self::ENDLESS);
        }
        Ok(Self { turns: burst.0 / Self::TURN, rest: Nanos(burst.0 * harts) })
    }

    /// The `nth` of several whose long bursts do not keep step: sooner or later any two of them want to run at the same
    /// time. Tasks that never do may share a hart for ever. The rests of neighbours differ by three quarters of a burst:
    /// more than the slack of a wake-up, which would bring them into step again, and less than two bursts, which would let
    /// them pass each other.
    pub fn out_of_step(self, nth: u64) -> Self {
        let burst = self.turns * Self::TURN;
        Self { rest: Nanos(self.rest.0 + nth * (burst * 3 / 4)), ..self }
    }

    /// True when it never rests.
    pub fn is_endless(self) -> bool {
        self == Self::ENDLESS
    }

    /// The rest between two bursts.
    pub fn rest(self) -> Nanos {
        self.rest
    }
}

/// The result; where it is an error nothing is left of what was made for it.
fn or_close<T, E>(result: Result<T, E>, made: &[Handle]) -> Result<T, E> {
    if result.is_err() {
        for handle in made {
            let _ours = user::handle_close(*handle);
        }
    }
    result
}

/// Tells the peer that serves `control` something: whether that arrived, and what it answered.
fn tell(
    control: Handle,
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
    let answer = user::call_with(control, out, &mut [], patience())?;
    Ok(match answer.words[0] {
        0 => Ok((answer.words[1], answer.words[2])),
        status => Err(Error::from_wire(status)),
    })
}

/// A peer that execd has started, scheduled as its recipe says.
#[derive(Debug)]
pub struct Hireling {
    job: u32,
    id: TaskId,
    control: Handle,
}

impl Hireling {
    /// Has execd start `image`, which is to take instructions, on any of `harts`.
    pub fn hire(image: &str, harts: HartMask) -> Result<Self, Why> {
        let control = user::endpoint_create().because("control endpoint")?;
        let serve = Rights::RECEIVE | Rights::MOVE;
        let given = or_close(user::handle_copy(control, serve), &[control]).because("control copy")?;
        let spawn = Spawn::new(image, "").ok_or("too long for execd")?.restarting(Restart::Never);
        let spawn = Spawn { harts: harts.0, ..spawn };
        let (job, id) = or_close(services::start(spawn, Some(given)), &[control])?;
        Ok(Self { job, id, control })
    }

    /// Tells it something: its answer.
    pub fn ask(&self, op: Op, args: &[u64]) -> Result<(u64, u64), Why> {
        let what = format!("{op:?}");
        tell(self.control, op, args, None).because(&what).and_then(|answer| answer.because(&what))
    }

    /// Its id.
    pub fn id(&self) -> TaskId {
        self.id
    }

    /// Moves a copy with `rights` into its slot `slot`.
    pub fn give_copy(&self, slot: u64, handle: Handle, rights: Rights) -> Verdict {
        let copy = user::handle_copy(handle, rights | Rights::MOVE).because("copy to give")?;
        let answer = tell(self.control, Op::Keep, &[0, 0, 0, 0, 0, 0, slot], Some(copy));
        answer.because("giving a handle")?.because("keeping a handle").map(drop)
    }

    /// Its record.
    pub fn status(&self) -> Result<TaskInfo, Why> {
        let record = user::task_info_from(SYSTEM, self.id.index()).because("status of a hireling")?;
        if record.id == self.id.to_wire() { Ok(record) } else { Err(format!("{:?} is gone", self.id)) }
    }

    /// Has execd end it, and waits until it has.
    pub fn dismiss(self) -> Verdict {
        let killed = services::execd(&Request::Kill { task: self.id.to_wire() })?;
        crate::check::same("ending a hireling", killed, Answer::Killed)?;
        crate::check::same("how it ended", services::ended(self.job)?.reason, Reason::Killed)?;
        user::handle_close(self.control).because("closing its endpoint")
    }
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

    /// A peer that can ask timed.
    pub fn with_timed() -> Result<Self, Why> {
        let timed =
            user::handle_copy(TIMED, Rights::CALL | Rights::MOVE).because("copying timed's endpoint")?;
        or_close(Self::spawn_as("", |args| args.given[TIMED_SLOT] = timed), &[timed])
    }

    /// A peer on one hart.
    pub fn on_hart(hart: usize) -> Result<Self, Why> {
        Self::on(HartMask::only(hart))
    }

    /// A peer on any of these harts.
    pub fn on(harts: HartMask) -> Result<Self, Why> {
        Self::spawn_as("", |args| args.affinity = harts)
    }

    /// A peer with arguments, and limits of the test's choice.
    pub fn spawn_as(args: &str, adjust: impl FnOnce(&mut SpawnArgs)) -> Result<Self, Why> {
        let control = user::endpoint_create().because("control endpoint")?;
        let deaths = or_close(user::notification_create(), &[control]).because("notification")?;
        let serve = Rights::RECEIVE | Rights::MOVE;
        let given =
            or_close(user::handle_copy(control, serve), &[control, deaths]).because("control copy")?;
        let program = or_close(image(PEER), &[given, control, deaths])?;
        let mut spawn = SpawnArgs::new(program);
        spawn.args = args.as_ptr() as u64;
        spawn.args_len = args.len() as u64;
        spawn.supervisor = deaths;
        spawn.supervisor_bits = DIED;
        adjust(&mut spawn);
        spawn.given[EXTRA_SLOT] = given;
        // A refused spawn has moved nothing.
        let spawned = or_close(user::task_spawn(SYSTEM, &spawn), &[given, control, deaths]);
        spawned.because("spawning a peer").map(|(task, id)| Self { task, id, control, deaths })
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
        self.spin_at(Pace::of(Pace::SHORT)?)
    }

    /// Has it run without end at a pace.
    pub fn spin_at(&self, pace: Pace) -> Verdict {
        self.ask(Op::Spin, &[pace.turns, pace.rest.0]).map(drop)
    }

    /// Has it wait for bits at the notification in its slot `slot`, and then run without end at a pace.
    pub fn spin_after(&self, slot: u64, pace: Pace) -> Verdict {
        self.ask(Op::Start, &[pace.turns, pace.rest.0, slot])?;
        self.until(TaskState::Waiting)
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
        tell(self.control, op, args, handle)
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
            // POLL: nobody is told when a task begins to wait.
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
