//! Why a request was refused.

use core::fmt;

use nexus_abi::Error;

/// Why nothing changed. [`Refusal::error`] says whose fault it is.
///
/// ```
/// use nexus_abi::{Blame, Error};
/// use wakelock::Refusal;
///
/// assert_eq!(Refusal::TaskFull.error(), Error::NoSpace);
/// assert_eq!(Refusal::NotHeld.to_string(), "no such lock");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Refusal {
    /// The hold has no maximum, or one beyond the limit, and no policy rule allows that.
    HoldTooLong,
    /// The lock is to be charged to another app, and no policy rule allows that.
    ForOthers,
    /// The holder has a lock of this name with another kind, or on another app's behalf.
    Differs,
    /// The lock has [`crate::REFERENCES_MAX`] references.
    ReferencesFull,
    /// The holder has [`crate::Rules::per_task`] locks.
    TaskFull,
    /// There are [`crate::Rules::in_all`] locks.
    TableFull,
    /// The caller holds no lock of this id. That others hold it is not revealed.
    NotHeld,
    /// No lock is charged to this app.
    UnknownApp,
}

impl Refusal {
    /// What the caller is told.
    pub const fn error(self) -> Error {
        match self {
            Self::HoldTooLong | Self::ForOthers => Error::Denied,
            Self::Differs => Error::Invalid,
            Self::ReferencesFull | Self::TaskFull | Self::TableFull => Error::NoSpace,
            Self::NotHeld | Self::UnknownApp => Error::NotFound,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HoldTooLong => "no rule allows so long a hold",
            Self::ForOthers => "no rule allows locks on another app's behalf",
            Self::Differs => "held with another kind or on another app's behalf",
            Self::ReferencesFull => "too many references to one lock",
            Self::TaskFull => "too many locks of one task",
            Self::TableFull => "too many locks",
            Self::NotHeld => "no such lock",
            Self::UnknownApp => "no lock is charged to this app",
        })
    }
}

impl core::error::Error for Refusal {}
