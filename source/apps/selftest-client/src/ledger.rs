//! What the machine has, counted: for comparing before and after.

use alloc::format;

use nexus_abi::info::MachineInfo;
use nexus_abi::user;
use nexus_rt::startup::SYSTEM;

use crate::check::{Because, Verdict, Why};

/// Frames, tasks, objects and handles at a moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ledger {
    /// Frames free, and those that this task owns: the heap of the tests is no leak.
    frames: u64,
    tasks: u64,
    objects: u64,
    handles: u64,
}

impl Ledger {
    /// The counters now.
    pub fn now() -> Result<Self, Why> {
        // The kernel notes how many handles a task holds after each call, so the second look is exact.
        machine()?;
        let own = user::own_info().because("own record")?;
        let seen = machine()?;
        Ok(Self {
            frames: seen.frames_free + own.pages,
            tasks: seen.tasks,
            objects: seen.objects,
            handles: seen.handles,
        })
    }

    /// Everything that was taken since has come back.
    pub fn balanced(self, after: &str) -> Verdict {
        let now = Self::now()?;
        if now == self {
            return Ok(());
        }
        let diff = |now: u64, then: u64| now as i64 - then as i64;
        Err(format!(
            "after {after}: frames {:+}, tasks {:+}, objects {:+}, handles {:+}",
            diff(now.frames, self.frames),
            diff(now.tasks, self.tasks),
            diff(now.objects, self.objects),
            diff(now.handles, self.handles)
        ))
    }
}

/// The machine's record.
pub fn machine() -> Result<MachineInfo, Why> {
    user::machine_info(SYSTEM).because("machine record")
}

/// Runs `body` once to warm up pools that keep a page, and then again: nothing may be missing after that.
pub fn leaves_nothing(what: &str, mut body: impl FnMut() -> Verdict) -> Verdict {
    body()?;
    let before = Ledger::now()?;
    body()?;
    before.balanced(what)
}
