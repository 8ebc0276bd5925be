//! What `execd` can be asked: start a program, end it, list what runs, wait for an end.
//!
//! A *job* is a program that execd looks after, over all its restarts; a *task* is one incarnation of it. Job
//! numbers count up and are never used again. A handle sent along with [`Request::Spawn`] becomes the
//! program's third startup handle.

use heapless::{String, Vec};
use nexus_abi::info::NAME_MAX;
use nexus_abi::{Error, ExitReason, HartMask, QosClass};
use serde::{Deserialize, Serialize};

use crate::Protocol;
use crate::policyd::Denial;

/// Longest name of an image, in bytes: what the kernel keeps of it.
pub const IMAGE_MAX: usize = NAME_MAX;
/// Longest argument text, in bytes.
pub const ARGS_MAX: usize = 512;
/// Most entries of one list; ask again from the last number on for more.
pub const PAGE: usize = 16;

/// The name of an image.
pub type Image = String<IMAGE_MAX>;

/// The protocol.
#[derive(Clone, Copy, Debug)]
pub struct Execd;

impl Protocol for Execd {
    type Request = Request;
    type Answer = Answer;
}

/// What a client says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(
    clippy::large_enum_variant,
    reason = "a message lives on one stack for one call; there is no heap here"
)]
pub enum Request {
    /// Start a program.
    Spawn(Spawn),
    /// End a task of execd's for good: it is not started again.
    Kill {
        /// Its task id.
        task: u64,
    },
    /// List jobs with numbers of at least `from`.
    List {
        /// The first number of interest.
        from: u32,
    },
    /// Say when a job has ended for good. The answer may take as long as the job.
    Wait {
        /// The job.
        job: u32,
    },
    /// List how jobs ended, latest first.
    History {
        /// How many of the latest to leave out.
        skip: u32,
    },
    /// Schedule a task differently until it ends. What it changes to is a restart's business no more: a new task
    /// begins as its recipe says.
    Schedule {
        /// Its task id; 0 is the caller itself.
        task: u64,
        /// What changes.
        change: Change,
    },
}

/// A change of how a task is scheduled, in wire values: what is out of range is answered, not unreadable.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Change {
    /// A [`QosClass`].
    Class(u64),
    /// Where it runs.
    Affinity {
        /// A [`HartMask`]; harts that are not online are dropped.
        harts: u64,
        /// An [`nexus_abi::AffinityPolicy`].
        policy: u64,
    },
    /// [`nexus_abi::Shares`], clamped; 0 is refused.
    Shares(u64),
    /// A [`nexus_abi::LatencyHint`], clamped.
    LatencyMs(u64),
    /// A [`nexus_abi::BurstHint`], clamped.
    BurstMs(u64),
}

/// A program to start.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Spawn {
    /// Its name in the boot image.
    pub image: Image,
    /// Text it finds as its arguments.
    pub args: String<ARGS_MAX>,
    /// When to start it again; [`Restart::Profile`] follows the program's profile.
    pub restart: Restart,
    /// A [`QosClass`] wire value, if not the profile's.
    pub class: Option<u8>,
    /// Harts it may run on, as a mask.
    pub harts: u64,
}

impl Spawn {
    /// `image` with everything as its profile says; `None` when a text is too long.
    pub fn new(image: &str, args: &str) -> Option<Self> {
        Some(Self {
            image: Image::try_from(image).ok()?,
            args: String::try_from(args).ok()?,
            restart: Restart::Profile,
            class: None,
            harts: HartMask::ANY.0,
        })
    }

    /// Runs at `class` instead.
    pub fn at(mut self, class: QosClass) -> Self {
        self.class = Some(class as u8);
        self
    }

    /// Restarts as `restart` says instead.
    pub fn restarting(mut self, restart: Restart) -> Self {
        self.restart = restart;
        self
    }
}

/// When a program is started again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Restart {
    /// As its profile says.
    Profile,
    /// Never.
    Never,
    /// When it ended with anything but exit code 0.
    OnFailure,
    /// Always.
    Always,
}

/// What a client hears.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(
    clippy::large_enum_variant,
    reason = "a message lives on one stack for one call; there is no heap here"
)]
pub enum Answer {
    /// The program runs.
    Spawned {
        /// The job.
        job: u32,
        /// Its first task.
        task: u64,
    },
    /// The task dies and its job with it.
    Killed,
    /// Jobs, by number.
    Jobs(Vec<Job, PAGE>),
    /// How the job asked for ended.
    Ended(Ended),
    /// How jobs ended, latest first.
    History(Vec<Ended, PAGE>),
    /// The request was understood and not carried out.
    Refused(Refusal),
    /// The task is scheduled differently: the value the kernel stored.
    Scheduled {
        /// In the unit of the change; the mask for an affinity.
        stored: u64,
    },
}

/// A job.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Job {
    /// Its number.
    pub job: u32,
    /// Its image.
    pub image: Image,
    /// Its current task, or 0 while it waits for its restart.
    pub task: u64,
    /// How often it was started again.
    pub restarts: u32,
}

/// An ending. One job can have several, the last of them with [`Next::Nothing`] or [`Next::GivenUp`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Ended {
    /// The job.
    pub job: u32,
    /// Its image.
    pub image: Image,
    /// The task that ended.
    pub task: u64,
    /// Why.
    pub reason: Reason,
    /// When, in nanoseconds since boot.
    pub at_ns: u64,
    /// What follows.
    pub next: Next,
}

/// What follows an ending.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Next {
    /// Nothing: its policy is satisfied or it was killed on request.
    Nothing,
    /// It is started again.
    Restart,
    /// It died too often and is not started again.
    GivenUp,
}

/// Why a task ended: [`ExitReason`] as a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Reason {
    /// It exited with this code.
    Exited(i32),
    /// It was killed.
    Killed,
    /// It did what the hardware forbids.
    Fault {
        /// The trap's cause.
        cause: u8,
        /// Where it was.
        pc: u64,
        /// What it touched.
        address: u64,
    },
    /// Its memory could not be found; the wire value of the [`Error`].
    OutOfMemory(u8),
}

impl From<ExitReason> for Reason {
    fn from(reason: ExitReason) -> Self {
        match reason {
            ExitReason::Exited(code) => Self::Exited(code),
            ExitReason::Killed => Self::Killed,
            ExitReason::Fault { cause, pc, address } => Self::Fault { cause, pc, address },
            ExitReason::OutOfMemory(error) => Self::OutOfMemory(error as u8),
        }
    }
}

impl From<Reason> for ExitReason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Exited(code) => Self::Exited(code),
            Reason::Killed => Self::Killed,
            Reason::Fault { cause, pc, address } => Self::Fault { cause, pc, address },
            Reason::OutOfMemory(error) => Self::OutOfMemory(Error::from_wire(u64::from(error))),
        }
    }
}

/// Why a request was not carried out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Refusal {
    /// The caller may not ask for this.
    NotAllowed,
    /// The boot image has no such program.
    NoSuchImage,
    /// execd looks after no such job or task, or its end is too long ago to be known.
    NoSuchJob,
    /// As many jobs as execd can look after exist.
    JobsFull,
    /// As many tasks as execd can remember wait already.
    WaitersFull,
    /// A value is out of range: a class or a set of harts.
    Invalid,
    /// The kernel refused; the wire value of the [`Error`].
    Kernel(u8),
    /// No living task has this id.
    NoSuchTask,
    /// policyd denies it.
    Denied(Denial),
    /// policyd does not answer, so nothing is allowed that needs its leave.
    NoPolicy,
    /// The program's recipe does not ask for PerfBurst, so nobody else can.
    NoRecipe,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound => Self::NoSuchImage,
            Error::Invalid => Self::Invalid,
            other => Self::Kernel(other as u8),
        }
    }
}

impl core::fmt::Display for Refusal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::NotAllowed => "execd does not allow it",
            Self::NoSuchImage => "the boot image has no such program",
            Self::NoSuchJob => "execd looks after no such program",
            Self::JobsFull => "too many programs run already",
            Self::WaitersFull => "too many tasks wait already",
            Self::Invalid => "a value is out of range",
            Self::NoSuchTask => "no such task",
            Self::Denied(denial) => return denial.fmt(f),
            Self::NoPolicy => "policyd does not answer, so nothing is allowed",
            Self::NoRecipe => "the program's recipe does not ask for perf_burst",
            Self::Kernel(error) => return Error::from_wire(u64::from(*error)).fmt(f),
        })
    }
}

#[cfg(test)]
#[path = "execd_tests.rs"]
mod tests;
