//! What a marker says, and how it is written.

use core::fmt;

use crate::Case;

/// One line of evidence. Texts borrow from the line they were read from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Marker<'a> {
    /// The kernel runs on all harts.
    Boot {
        /// Harts running.
        harts: u32,
        /// Memory found.
        memory_mib: u64,
    },
    /// A hart went to sleep at this level for the first time since boot.
    IdleEnter(IdleLevel),
    /// A hart came back from this level for the first time since boot.
    IdleLeave(IdleLevel),
    /// A program serves.
    Ready(Program),
    /// A device test passed.
    Passed(Case),
    /// A device test failed.
    Failed {
        /// Which.
        case: Case,
        /// What was seen instead.
        why: &'a str,
    },
    /// All device tests ran.
    End {
        /// Tests passed.
        pass: u32,
        /// Tests failed.
        fail: u32,
    },
    /// A task panicked.
    TaskPanic {
        /// Its image.
        task: &'a str,
        /// What it said.
        why: &'a str,
    },
    /// The kernel panicked.
    KernelPanic {
        /// What it said.
        why: &'a str,
    },
}

/// How deep a hart sleeps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IdleLevel {
    /// `wfi` with exact wake-ups.
    L1,
}

impl IdleLevel {
    /// Every level that is slept at.
    pub const ALL: [Self; 1] = [Self::L1];

    /// The name in the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::L1 => "L1",
        }
    }
}

/// A program that says when it serves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Program {
    /// The first task.
    Init,
    /// The spawner and supervisor.
    Execd,
    /// The console.
    Shell,
}

impl Program {
    /// Every program, in the order in which they become ready.
    pub const ALL: [Self; 3] = [Self::Init, Self::Execd, Self::Shell];

    /// The name in the log, which is the image's.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Execd => "execd",
            Self::Shell => "shell",
        }
    }
}

pub(crate) const BOOT: &str = "neuron: boot ";
pub(crate) const BOOT_HARTS: &str = "harts=";
pub(crate) const BOOT_MEMORY: &str = " memory=";
pub(crate) const BOOT_UNIT: &str = "MiB";
pub(crate) const IDLE: &str = "neuron: idle ";
pub(crate) const IDLE_ENTER: &str = "enter ";
pub(crate) const IDLE_LEAVE: &str = "leave ";
pub(crate) const READY: &str = ": ready";
pub(crate) const SELFTEST: &str = "SELFTEST: ";
pub(crate) const PASSED: &str = " ok";
pub(crate) const FAILED: &str = " FAIL ";
pub(crate) const END: &str = "end pass=";
pub(crate) const END_FAIL: &str = " fail=";
pub(crate) const TASK_PANIC: &str = "PANIC ";
pub(crate) const TASK_PANIC_WHY: &str = ": ";
pub(crate) const KERNEL_PANIC: &str = "neuron: PANIC ";

impl fmt::Display for Marker<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Boot { harts, memory_mib } => {
                write!(f, "{BOOT}{BOOT_HARTS}{harts}{BOOT_MEMORY}{memory_mib}{BOOT_UNIT}")
            }
            Self::IdleEnter(level) => write!(f, "{IDLE}{IDLE_ENTER}{}", level.name()),
            Self::IdleLeave(level) => write!(f, "{IDLE}{IDLE_LEAVE}{}", level.name()),
            Self::Ready(program) => write!(f, "{}{READY}", program.name()),
            Self::Passed(case) => write!(f, "{SELFTEST}{}{PASSED}", case.name()),
            Self::Failed { case, why } => write!(f, "{SELFTEST}{}{FAILED}{why}", case.name()),
            Self::End { pass, fail } => write!(f, "{SELFTEST}{END}{pass}{END_FAIL}{fail}"),
            Self::TaskPanic { task, why } => write!(f, "{TASK_PANIC}{task}{TASK_PANIC_WHY}{why}"),
            Self::KernelPanic { why } => write!(f, "{KERNEL_PANIC}{why}"),
        }
    }
}
