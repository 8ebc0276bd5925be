//! What is written down of a run, one record for each thing that happens.

use nexus_abi::Nanos;
use serde::Serialize;

/// One thing that happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Record<'a> {
    /// When, since the beginning.
    pub at_ns: u64,
    /// What.
    pub kind: Kind,
    /// To which app or service; empty for the device.
    pub who: &'a str,
    /// How or why.
    pub what: &'a str,
    /// A number that belongs to it: see [`Kind`].
    pub value: i64,
}

/// What can happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The machine woke up; from which level.
    Wakeup,
    /// A timer fired late; by how many nanoseconds.
    Late,
    /// A lock was taken; its number.
    LockTaken,
    /// A lock ended; its number.
    LockEnded,
    /// A lock was reported; its number.
    LockReported,
    /// An app entered standby.
    StandbyEntered,
    /// An app left standby.
    StandbyLeft,
    /// The mode is another; its wire value.
    Mode,
    /// The gauge shows something else; percent.
    Battery,
    /// The charger was plugged in (1) or out (0).
    Charger,
    /// An alarm rang; how late in nanoseconds.
    Alarm,
    /// An app's state is another.
    App,
    /// Something went wrong.
    Fault,
}

impl Kind {
    /// The name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wakeup => "wakeup",
            Self::Late => "late",
            Self::LockTaken => "lock_taken",
            Self::LockEnded => "lock_ended",
            Self::LockReported => "lock_reported",
            Self::StandbyEntered => "standby_entered",
            Self::StandbyLeft => "standby_left",
            Self::Mode => "mode",
            Self::Battery => "battery",
            Self::Charger => "charger",
            Self::Alarm => "alarm",
            Self::App => "app",
            Self::Fault => "fault",
        }
    }
}

/// Writes records down, or not.
pub trait Recorder {
    /// One more.
    fn record(&mut self, record: &Record<'_>);
}

/// Writes nothing down.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nothing;

impl Recorder for Nothing {
    fn record(&mut self, _record: &Record<'_>) {}
}

/// Makes a record; `at` is a moment of the simulation.
pub(crate) fn record<'a>(at: Nanos, kind: Kind, who: &'a str, what: &'a str, value: u64) -> Record<'a> {
    Record { at_ns: at.0, kind, who, what, value: i64::try_from(value).unwrap_or(i64::MAX) }
}
