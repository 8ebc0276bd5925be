//! What each program may do: the rights it starts with, its class, when it is started again.
//!
//! Deny by default: a program that is not listed gets the right to print and nothing else.

use nexus_abi::{QosClass, Rights};
use nexus_wire::execd::{Refusal, Restart as Asked, Spawn};
use restart_policy::Restart;

/// What one program may do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Profile {
    /// Rights of its system handle.
    pub system: Rights,
    /// Its class.
    pub class: QosClass,
    /// When it is started again.
    pub restart: Restart,
    /// Whether it may ask execd for anything.
    pub client: Client,
    /// How it sees time.
    pub time: Time,
    /// Pages it may own.
    pub pages: u32,
    /// Handles it may hold and kernel objects it may own.
    pub objects: u32,
}

/// Whether a program gets execd's endpoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Client {
    /// It does not.
    No,
    /// It may call execd.
    Yes,
}

/// A program's clock and waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Time {
    /// Resolution and slack of an ordinary task.
    Coarse,
    /// Full resolution, no slack.
    Precise,
}

/// 4 MiB: a program that needs more says so in its profile.
const PAGES: u32 = 1024;
/// 64 MiB: for programs that make many others.
const PAGES_MANY: u32 = 16_384;
const OBJECTS: u32 = 256;
const OBJECTS_MANY: u32 = 1024;

const UNLISTED: Profile = Profile {
    system: Rights::LOG,
    class: QosClass::Normal,
    restart: Restart::Never,
    client: Client::No,
    time: Time::Coarse,
    pages: PAGES,
    objects: OBJECTS,
};

/// Programs that drive the machine: they spawn, measure and end it.
const DRIVER: Profile = Profile {
    system: Rights::ALL,
    client: Client::Yes,
    pages: PAGES_MANY,
    objects: OBJECTS_MANY,
    ..UNLISTED
};

const SHELL_RIGHTS: Rights =
    Rights::LOG.union(Rights::INSPECT).union(Rights::HARDWARE).union(Rights::POWER).union(Rights::TRACE);

const PROFILES: [(&str, Profile); 4] = [
    (
        "shell",
        Profile {
            system: SHELL_RIGHTS,
            class: QosClass::Interactive,
            restart: Restart::Always,
            client: Client::Yes,
            ..UNLISTED
        },
    ),
    // It measures how late a wake-up is.
    ("selftest-client", Profile { time: Time::Precise, ..DRIVER }),
    ("bench", Profile { time: Time::Precise, ..DRIVER }),
    // It starts the hostile program and compares what is left of the machine afterwards.
    ("fuzzer", DRIVER),
];

impl Profile {
    /// The profile of `image`.
    pub fn of(image: &str) -> Self {
        PROFILES.iter().find(|(name, _)| *name == image).map_or(UNLISTED, |(_, profile)| *profile)
    }

    /// The profile with what the spawner asks for instead. PerfBurst needs a recipe and a policy rule, which a
    /// spawner's wish is not.
    pub(crate) fn adjusted(mut self, spawn: &Spawn) -> Result<Self, Refusal> {
        if let Some(class) = spawn.class {
            self.class = QosClass::from_wire(u64::from(class)).ok_or(Refusal::Invalid)?;
            if self.class == QosClass::PerfBurst {
                return Err(Refusal::NotAllowed);
            }
        }
        match spawn.restart {
            Asked::Profile => {}
            Asked::Never => self.restart = Restart::Never,
            Asked::OnFailure => self.restart = Restart::OnFailure,
            Asked::Always => self.restart = Restart::Always,
        }
        Ok(self)
    }
}
