//! What timed needs from outside: who may do what, and where its audit goes.

use nexus_abi::{ServiceId, TaskId};
use nexus_service::Caller;

/// What not everybody may ask.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Privilege {
    /// Set the governor's hint: powerd.
    Govern,
    /// Set standby floors: standbyd.
    Floor,
    /// Set alarm-clock timers: alarmsd.
    AlarmClock,
    /// Set the wall clock.
    SetClock,
    /// List everybody's timers: whoever explains wake-ups.
    List,
    /// Say that a task is dead: execd.
    Bury,
}

/// A registration that was decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Audit {
    /// Who asked.
    pub caller: Caller,
    /// How it was decided.
    pub reason: Reason,
    /// Decisions since the last one that was told, which were too many to tell.
    pub untold: u32,
}

/// How a registration was decided. Everything but [`Reason::Applied`] is a denial.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// The timer is set.
    Applied,
    /// A value was out of range.
    InvalidArgs,
    /// A limit was reached.
    OverLimit,
    /// The timer to be set anew was not the task's.
    NotFound,
    /// The task lacks the privilege.
    NotAllowed,
}

impl Reason {
    /// The decision and the reason, as the audit names them.
    pub const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Applied => ("allow", "applied"),
            Self::InvalidArgs => ("deny", "invalid_args"),
            Self::OverLimit => ("deny", "over_limit"),
            Self::NotFound => ("deny", "not_found"),
            Self::NotAllowed => ("deny", "not_allowed"),
        }
    }
}

/// The world outside.
pub trait Surroundings {
    /// Whether the program with this identity has a privilege. One without an identity of its own never has.
    fn grants(&self, service: ServiceId, privilege: Privilege) -> bool;

    /// Whether this task still lives, or is about to end.
    fn is_alive(&self, task: TaskId) -> bool;

    /// Writes down a decision. It says neither when the timer will fire nor how late it may be.
    fn audit(&mut self, audit: Audit);
}
