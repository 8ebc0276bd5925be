//! The one who starts hostile tasks, kills some of them, and counts what is left of the machine afterwards.
//!
//! Several lanes run at once, each one incarnation after the other. An incarnation ends by itself, by its own
//! fault, by a kill at a moment the seed decides, or because it has not made a call for a while.

use alloc::format;
use alloc::string::String;

use nexus_abi::info::MachineInfo;
use nexus_abi::user;
use nexus_abi::{Error, ExitReason, Handle, Nanos, Rights, SpawnArgs, TaskId};
use nexus_rt::startup::{EXTRA_SLOT, SYSTEM, SYSTEM_SLOT};

use crate::plan::{Plan, Style};
use crate::random::Random;
use crate::score::Score;

/// Calls of the longest incarnation.
const CALLS_MAX: u64 = 20_000;
/// One call in so many is a guided one.
const GUIDED_SHARE: u64 = 6;
/// Calls to warm up pools that keep a page.
const WARM_UP: u64 = 40_000;
const LANES: usize = 2;
/// An incarnation that has not made a call for this long waits for something that does not come.
const STUCK: Nanos = Nanos::from_millis(4);
/// Longer than any child lives.
const CHILDREN_END: Nanos = Nanos::from_millis(2_000);

pub type Why = String;

/// Makes `calls` hostile calls decided by `seed`, and checks that the machine is as it was.
pub fn run(seed: u64, calls: u64) -> Result<(), Why> {
    nexus_rt::log!("[fuzzer] seed={seed} fuzz={calls}");
    let images = Images::find()?;
    campaign(&images, seed ^ 0x5eed, WARM_UP)?;
    let before = settled()?;
    let counts = campaign(&images, seed, calls)?;
    let after = settled()?;
    nexus_rt::log!(
        "[fuzzer] {} random and {} guided calls, {} accepted",
        counts.calls[Style::Random as usize],
        counts.calls[Style::Guided as usize],
        counts.accepted
    );
    nexus_rt::log!(
        "[fuzzer] {} tasks: {} ended by themselves, {} by a fault, {} killed, {} without memory",
        counts.tasks,
        counts.exited,
        counts.faults,
        counts.killed,
        counts.starved
    );
    if counts.accepted < calls / 50 {
        return Err("hardly a call was accepted: nothing was tried".into());
    }
    if before == after {
        return Ok(());
    }
    let diff = |now: u64, then: u64| now as i64 - then as i64;
    Err(format!(
        "left behind: frames {:+}, tasks {:+}, objects {:+}, handles {:+}",
        diff(after.frames, before.frames),
        diff(after.tasks, before.tasks),
        diff(after.objects, before.objects),
        diff(after.handles, before.handles)
    ))
}

#[derive(Default)]
struct Counts {
    /// By style.
    calls: [u64; 2],
    accepted: u64,
    tasks: u64,
    exited: u64,
    faults: u64,
    killed: u64,
    starved: u64,
}

struct Images {
    own: u32,
    tiny: u32,
    console: u64,
}

impl Images {
    fn find() -> Result<Self, Why> {
        let index = |path| -> Result<u32, Why> {
            let (file, vmo) = user::boot_file(SYSTEM, path).map_err(|error| format!("{path}: {error}"))?;
            let _closed = user::handle_close(vmo);
            Ok(file.index as u32)
        };
        let console = user::console_info(SYSTEM).map_err(|error| format!("console: {error}"))?;
        Ok(Self { own: index("bin/fuzzer")?, tiny: index("bin/tiny")?, console: console.address & !4095 })
    }
}

/// What must be the same afterwards.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Machine {
    frames: u64,
    tasks: u64,
    objects: u64,
    handles: u64,
}

/// The counters, once every child of a hostile task has ended.
fn settled() -> Result<Machine, Why> {
    let end = user::clock_now().after(CHILDREN_END);
    let mut last = counted()?;
    while user::clock_now() < end {
        // POLL: whose children they are is not known, so nobody is told of their ends.
        user::sleep_until(user::clock_now().after(Nanos::from_millis(50)));
        let now = counted()?;
        if now == last {
            return Ok(now);
        }
        last = now;
    }
    Ok(last)
}

fn counted() -> Result<Machine, Why> {
    let ask = || user::machine_info(SYSTEM).map_err(|error| format!("machine record: {error}"));
    let own = user::own_info().map_err(|error| format!("own record: {error}"))?;
    ask()?;
    let MachineInfo { frames_free, tasks, objects, handles, .. } = ask()?;
    Ok(Machine { frames: frames_free + own.pages, tasks, objects, handles })
}

/// A task of ours.
struct Child {
    task: Handle,
}

fn spawn(images: &Images, text: &str, fill: impl FnOnce(&mut SpawnArgs)) -> Result<Child, Why> {
    let mut args = SpawnArgs::new(images.own);
    (args.args, args.args_len) = (text.as_ptr() as u64, text.len() as u64);
    fill(&mut args);
    let (task, _): (Handle, TaskId) =
        user::task_spawn(SYSTEM, &args).map_err(|error| format!("spawning {text}: {error}"))?;
    Ok(Child { task })
}

impl Child {
    fn kill(&self) {
        // One that is dying already needs no help.
        let _dying = user::task_kill(self.task);
    }

    fn reason(&self) -> Result<Option<ExitReason>, Why> {
        user::task_status(self.task)
            .map(|record| record.exit_reason())
            .map_err(|error| format!("status: {error}"))
    }

    fn close(self) {
        let _closed = user::handle_close(self.task);
    }
}

fn copy(handle: Handle, rights: Rights) -> Result<Handle, Why> {
    user::handle_copy(handle, rights | Rights::MOVE).map_err(|error| format!("copy: {error}"))
}

fn campaign(images: &Images, seed: u64, calls: u64) -> Result<Counts, Why> {
    let fail = |what: &str| {
        let what = String::from(what);
        move |error: Error| format!("{what}: {error}")
    };
    let endpoint = user::endpoint_create().map_err(fail("endpoint"))?;
    let deaths = user::notification_create().map_err(fail("notification"))?;
    let score = Score::new().map_err(fail("score board"))?;
    let watched =
        |bit: u32| move |args: &mut SpawnArgs| (args.supervisor, args.supervisor_bits) = (deaths, 1 << bit);
    let given = copy(endpoint, Rights::RECEIVE)?;
    let server = spawn(images, "role=server", |args| {
        watched(62)(args);
        args.given[EXTRA_SLOT] = given;
    })?;
    let given = copy(endpoint, Rights::CALL)?;
    let client = spawn(images, "role=client", |args| {
        watched(63)(args);
        args.given[EXTRA_SLOT] = given;
    })?;
    let mut random = Random::new(seed);
    let mut counts = Counts::default();
    let mut lanes: [Option<Lane>; LANES] = [const { None }; LANES];
    // Calls still to be ordered, by style.
    let mut left = [calls - calls / GUIDED_SHARE, calls / GUIDED_SHARE];
    loop {
        for (lane, slot) in lanes.iter_mut().enumerate() {
            if slot.is_none() && left != [0, 0] {
                let guided = left[0] == 0 || (left[1] > 0 && random.one_in(GUIDED_SHARE));
                let style = if guided { Style::Guided } else { Style::Random };
                let order = left[style as usize].min(CALLS_MAX);
                let started = Lane::start(images, &mut random, lane, style, order, endpoint, deaths, &score)?;
                left[style as usize] -= order;
                counts.tasks += 1;
                *slot = Some(started);
            }
        }
        if lanes.iter().all(Option::is_none) {
            break;
        }
        // A bit only says: look.
        let _bits = user::wait(deaths, user::clock_now().after(Nanos::from_millis(1)));
        for (lane, slot) in lanes.iter_mut().enumerate() {
            if let Some(mut running) = slot.take() {
                match running.look(score.get(lane)[0])? {
                    None => *slot = Some(running),
                    Some(reason) => {
                        let [made, accepted] = score.get(lane);
                        let made = made.min(running.ordered);
                        // What it was to do and did not is somebody else's.
                        left[running.style as usize] += running.ordered - made;
                        counts.calls[running.style as usize] += made;
                        counts.accepted += accepted.min(made);
                        match reason {
                            ExitReason::Exited(_) => counts.exited += 1,
                            ExitReason::Fault { .. } => counts.faults += 1,
                            ExitReason::Killed => counts.killed += 1,
                            ExitReason::OutOfMemory(_) => counts.starved += 1,
                        }
                        running.child.close();
                    }
                }
            }
        }
        for (name, witness) in [("server", &server), ("client", &client)] {
            if let Some(reason) = witness.reason()? {
                return Err(format!("the witness {name} was disturbed: {reason}"));
            }
        }
    }
    // The witnesses work still.
    let words = [1; 8];
    let soon = user::clock_now().after(CHILDREN_END);
    let out = user::Outgoing { words, ..Default::default() };
    let answer = user::call_with(endpoint, out, &mut [], soon).map_err(fail("asking the witness"))?;
    if answer.words != [2; 8] {
        return Err("the witness answers nonsense".into());
    }
    for witness in [client, server] {
        witness.kill();
        while witness.reason()?.is_none() {
            let _bits = user::wait(deaths, user::clock_now().after(Nanos::from_millis(1)));
        }
        witness.close();
    }
    score.end().map_err(fail("score board"))?;
    for handle in [endpoint, deaths] {
        user::handle_close(handle).map_err(fail("closing"))?;
    }
    Ok(counts)
}

/// One incarnation at work.
struct Lane {
    child: Child,
    style: Style,
    ordered: u64,
    /// When it is killed whatever it does.
    end: Nanos,
    seen: u64,
    seen_at: Nanos,
}

impl Lane {
    #[expect(clippy::too_many_arguments, reason = "an order is what it is made of; each has its own type")]
    fn start(
        images: &Images,
        random: &mut Random,
        lane: usize,
        style: Style,
        calls: u64,
        endpoint: Handle,
        deaths: Handle,
        score: &Score,
    ) -> Result<Self, Why> {
        let plan = Plan {
            seed: random.next() >> 1,
            calls,
            style,
            lane,
            tiny: images.tiny,
            own: images.own,
            console: images.console,
        };
        score.reset(lane);
        let rights =
            Rights::from_wire(Rights::ALL.to_wire() & !Rights::POWER.to_wire()).unwrap_or(Rights::NONE);
        let system = copy(SYSTEM, rights)?;
        let victim = copy(endpoint, Rights::CALL | Rights::NOTIFY | Rights::COPY)?;
        let board = copy(score.vmo(), Rights::READ | Rights::WRITE)?;
        let child = spawn(images, &format!("{plan}"), |args| {
            (args.supervisor, args.supervisor_bits) = (deaths, 1 << lane);
            args.given[SYSTEM_SLOT] = system;
            args.given[EXTRA_SLOT] = victim;
            args.given[EXTRA_SLOT + 1] = board;
            (args.pages, args.handles, args.objects) = (600, 200, 100);
        })?;
        let now = user::clock_now();
        // One in four dies in the middle of whatever it does.
        let end =
            if random.one_in(4) { now.after(Nanos::from_micros(random.below(5_000))) } else { Nanos::NEVER };
        Ok(Self { child, style, ordered: calls, end, seen: 0, seen_at: now })
    }

    /// How it ended, or nothing yet. Kills what is stuck, and what is to die.
    fn look(&mut self, score: u64) -> Result<Option<ExitReason>, Why> {
        let reason = self.child.reason()?;
        let now = user::clock_now();
        if score != self.seen {
            (self.seen, self.seen_at) = (score, now);
        }
        if reason.is_none() && (now >= self.end || now.since(self.seen_at) > STUCK) {
            self.child.kill();
            self.end = Nanos::NEVER;
            self.seen_at = now;
        }
        Ok(reason)
    }
}
