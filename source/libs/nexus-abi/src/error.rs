//! Errors of system calls, grouped by whose fault they are.

/// Why a call was refused. The wire value 0 means success, so none of these is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[must_use]
pub enum Error {
    /// An argument is outside its documented range (`EINVAL`).
    Invalid = 1,
    /// The caller lacks the right or the privilege (`EPERM`).
    Denied = 2,
    /// The handle is not in the caller's table, or is of another generation.
    BadHandle = 3,
    /// The handle names another kind of object.
    WrongKind = 4,
    /// A buffer is not mapped, or not for this access.
    BadAddress = 5,
    /// No call has this number.
    NoSuchCall = 6,

    /// The deadline passed.
    TimedOut = 16,
    /// A task's quota (pages, handles or objects) is used up.
    OverQuota = 17,
    /// The machine has no free memory.
    NoMemory = 18,
    /// A bounded table or address range has no room (`ENOSPC`).
    NoSpace = 19,
    /// The message does not fit into the receiver's buffer.
    TooLong = 20,
    /// The receiver cannot take the handle sent along.
    PeerFull = 21,
    /// What is named does not exist (`ENOENT`).
    NotFound = 22,
    /// Somebody else holds it: an interrupt line already bound, a task still alive.
    Busy = 23,

    /// The other side died, or the object died with the task that paid for it.
    Dead = 32,
    /// The call would close a circle of tasks waiting for one another.
    Deadlock = 33,
}

/// Whose fault an [`Error`] is: what a caller can do about it differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// Misuse of the ABI: the caller has a bug.
    Caller,
    /// A condition of the moment: the same call may succeed later.
    Condition,
    /// The peer is gone or cannot answer: reconnect.
    Peer,
}

impl Error {
    /// Every error, in wire order.
    pub const ALL: [Self; 16] = [
        Self::Invalid,
        Self::Denied,
        Self::BadHandle,
        Self::WrongKind,
        Self::BadAddress,
        Self::NoSuchCall,
        Self::TimedOut,
        Self::OverQuota,
        Self::NoMemory,
        Self::NoSpace,
        Self::TooLong,
        Self::PeerFull,
        Self::NotFound,
        Self::Busy,
        Self::Dead,
        Self::Deadlock,
    ];

    /// Whose fault it is.
    pub const fn blame(self) -> Blame {
        match self as u8 {
            0..16 => Blame::Caller,
            16..32 => Blame::Condition,
            _ => Blame::Peer,
        }
    }

    /// The value that travels in the status register.
    pub const fn to_wire(self) -> u64 {
        self as u64
    }

    /// Reads a non-zero status register. A value the kernel never sends reads as [`Error::Invalid`].
    pub const fn from_wire(status: u64) -> Self {
        // One table look-up: that a deadline has passed is nothing rare.
        match status {
            2 => Self::Denied,
            3 => Self::BadHandle,
            4 => Self::WrongKind,
            5 => Self::BadAddress,
            6 => Self::NoSuchCall,
            16 => Self::TimedOut,
            17 => Self::OverQuota,
            18 => Self::NoMemory,
            19 => Self::NoSpace,
            20 => Self::TooLong,
            21 => Self::PeerFull,
            22 => Self::NotFound,
            23 => Self::Busy,
            32 => Self::Dead,
            33 => Self::Deadlock,
            _ => Self::Invalid,
        }
    }
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Invalid => "an argument is out of range",
            Self::Denied => "the right or privilege is missing",
            Self::BadHandle => "no such handle",
            Self::WrongKind => "the handle names another kind of object",
            Self::BadAddress => "a buffer is not mapped for this access",
            Self::NoSuchCall => "no such system call",
            Self::TimedOut => "the deadline passed",
            Self::OverQuota => "the quota is used up",
            Self::NoMemory => "the machine is out of memory",
            Self::NoSpace => "no room is left",
            Self::TooLong => "the message is longer than the receiver's buffer",
            Self::PeerFull => "the receiver cannot take the handle",
            Self::NotFound => "it does not exist",
            Self::Busy => "somebody else holds it",
            Self::Dead => "the other side is dead",
            Self::Deadlock => "the call would wait for itself",
        })
    }
}

impl core::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wire_values_round_trip_and_none_is_success() {
        for error in Error::ALL {
            assert_ne!(error.to_wire(), 0);
            assert_eq!(Error::from_wire(error.to_wire()), error);
        }
    }

    #[test]
    fn blame_follows_the_numbering() {
        assert_eq!(Error::NoSuchCall.blame(), Blame::Caller);
        assert_eq!(Error::TimedOut.blame(), Blame::Condition);
        assert_eq!(Error::Dead.blame(), Blame::Peer);
    }
}
