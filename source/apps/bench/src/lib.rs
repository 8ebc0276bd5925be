//! What the benchmark and its peers agree on: the roles a peer can play, named in its arguments.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod load;
pub mod moments;

/// What a peer does with its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Answers every message at its endpoint with the same words.
    Echo,
    /// Answers every message at its endpoint with the same words and the same bytes.
    Bytes,
    /// Maps the VMO that comes with a message, touches it, unmaps it, answers.
    Share,
    /// Waits for its first notification and sets the second.
    Pong,
    /// Yields for ever.
    Yield,
    /// Waits for ever.
    Sleep,
    /// Calls its second endpoint, or one that came with a message, as often as a message at its first one says.
    Client,
    /// Runs for ever.
    Spin,
    /// Lowers itself to Idle, and then answers like `Echo`.
    IdleEcho,
    /// Sleeps and wakes as the first message at its endpoint says, and answers the second with how late it was.
    Waker,
    /// Asks its endpoint for a [`load::Order`], follows it, and tells its [`load::Report`].
    Sleeper,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 11] = [
        Self::Echo,
        Self::Bytes,
        Self::Share,
        Self::Pong,
        Self::Yield,
        Self::Sleep,
        Self::Client,
        Self::Spin,
        Self::IdleEcho,
        Self::Waker,
        Self::Sleeper,
    ];

    /// Its name, the peer's argument text.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Bytes => "bytes",
            Self::Share => "share",
            Self::Pong => "pong",
            Self::Yield => "yield",
            Self::Sleep => "sleep",
            Self::Client => "client",
            Self::Spin => "spin",
            Self::IdleEcho => "idle-echo",
            Self::Waker => "waker",
            Self::Sleeper => "sleeper",
        }
    }

    /// The role with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// Pages of the buffer that is shared and mapped: 64 KiB.
pub const SHARED_PAGES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_is_found_by_its_name() {
        for role in Role::ALL {
            assert_eq!(Role::named(role.name()), Some(role));
        }
        assert_eq!(Role::named(""), None);
    }
}
