//! What the device runs: `recipes/*.toml` as the build compiles them into the boot image.
//!
//! No message, but read like one: the build writes a [`Recipe`] with [`crate::encode`], execd and policyd read it
//! with [`crate::decode`], so host and device share the type and the device needs no parser of TOML. Everything in
//! it has been checked by the build; what a wire value cannot mean is refused here once more.

use heapless::Vec;
use nexus_abi::{AffinityPolicy, BurstHint, HartMask, LatencyHint, QosClass, Rights, ServiceId, Shares};
use serde::{Deserialize, Serialize};

use crate::coded;
use crate::execd::Image;
use crate::policyd::Action;

/// The compiled recipe in the boot image.
pub const RECIPE_PATH: &str = "recipes/services.bin";
/// Longest compiled recipe, in bytes.
pub const RECIPE_BYTES_MAX: usize = 8192;
/// Most programs a recipe describes.
pub const SERVICES_MAX: usize = 32;

/// Every program that deserves more than the default, those started at boot in their order.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Recipe {
    /// One entry per program, in the order of the file.
    pub services: Vec<Service, SERVICES_MAX>,
}

impl Recipe {
    /// The entry of a program. O(programs).
    pub fn find(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.name == name)
    }

    /// Whether it gives a privilege to the program whose identity the kernel has stamped. One without an identity of
    /// its own never has any: nobody could tell it from others. O(programs).
    pub fn grants(&self, service: ServiceId, privilege: Privilege) -> bool {
        let mut privileged =
            self.services.iter().filter(|entry| entry.profile.privileges.contains(&privilege));
        service != ServiceId::APP && privileged.any(|entry| ServiceId::of_image(&entry.name) == service)
    }

    /// Programs that start at this occasion, in order.
    pub fn starting(&self, start: Start) -> impl Iterator<Item = &Service> {
        self.services.iter().filter(move |service| service.start == start)
    }
}

/// One program.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Service {
    /// Its name in the boot image.
    pub name: Image,
    /// What starts it.
    pub start: Start,
    /// What it may do.
    pub profile: Profile,
    /// Where it runs, if `sched/affinity.toml` says so.
    pub affinity: Option<Placement>,
    /// How it is scheduled, if `sched/qos.toml` says so.
    pub qos: Option<Qos>,
}

/// What starts a program.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Start {
    /// The boot, in the order of the recipe, before any app.
    Boot,
    /// A boot whose command line names no app, or one that does not exist.
    Default,
    /// Somebody who asks execd for it, the command line included.
    Asked,
}

impl Start {
    /// Each with its name in recipes.
    pub const ALL: [(&str, Self); 3] =
        [("boot", Self::Boot), ("default", Self::Default), ("asked", Self::Asked)];
}

/// What one program may do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Profile {
    /// When it is started again.
    pub restart: Restart,
    /// Rights of its system handle.
    #[serde(with = "coded")]
    pub rights: Rights,
    /// Services whose endpoint it gets.
    pub uses: Vec<Endpoint, { Endpoint::ALL.len() }>,
    /// What those services let it do beyond asking.
    pub privileges: Vec<Privilege, { Privilege::ALL.len() }>,
    /// How it sees time.
    pub time: Time,
    /// Pages it may own.
    pub pages: u32,
    /// Handles it may hold and kernel objects it may own.
    pub objects: u32,
}

impl Profile {
    /// Of a program that no recipe mentions, and of every key that is left out: it may print and nothing else.
    pub const DEFAULT: Self = Self {
        restart: Restart::Never,
        rights: Rights::LOG,
        uses: Vec::new(),
        privileges: Vec::new(),
        time: Time::Coarse,
        // 4 MiB: a program that needs more says so.
        pages: 1024,
        objects: 256,
    };
}

/// Rights of the system handle by their names in recipes.
pub const RIGHTS: [(&str, Rights); 8] = [
    ("read", Rights::READ),
    ("inspect", Rights::INSPECT),
    ("spawn", Rights::SPAWN),
    ("log", Rights::LOG),
    ("hardware", Rights::HARDWARE),
    ("power", Rights::POWER),
    ("trace", Rights::TRACE),
    ("all", Rights::ALL),
];

/// When a program is started again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Restart {
    /// Never.
    Never,
    /// When it ended with anything but exit code 0.
    OnFailure,
    /// Always.
    Always,
}

impl Restart {
    /// Each with its name in recipes.
    pub const ALL: [(&str, Self); 3] =
        [("never", Self::Never), ("on-failure", Self::OnFailure), ("always", Self::Always)];
}

/// A service that programs can be given the endpoint of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Endpoint {
    /// `execd`.
    Execd,
    /// `policyd`.
    Policyd,
    /// `timed`.
    Timed,
}

impl Endpoint {
    /// Each with its name in recipes, which is the name of the program that serves it.
    pub const ALL: [(&str, Self); 3] =
        [("execd", Self::Execd), ("policyd", Self::Policyd), ("timed", Self::Timed)];
}

/// What a service lets a program do beyond asking.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Privilege {
    /// Have execd start and end programs.
    Programs,
    /// Read policyd's audit.
    Audit,
    /// List everybody's timers.
    ListTimers,
    /// Set the wall clock.
    SetClock,
    /// Set the governor's hint for windows of timers.
    TimerHint,
    /// Set standby floors of timers.
    TimerFloor,
    /// Set timers that standby does not hold back.
    AlarmClock,
}

impl Privilege {
    /// Each with its name in recipes.
    pub const ALL: [(&str, Self); 7] = [
        ("programs", Self::Programs),
        ("audit", Self::Audit),
        ("list-timers", Self::ListTimers),
        ("set-clock", Self::SetClock),
        ("timer-hint", Self::TimerHint),
        ("timer-floor", Self::TimerFloor),
        ("alarm-clock", Self::AlarmClock),
    ];

    /// Who grants it.
    pub const fn of(self) -> Endpoint {
        match self {
            Self::Programs => Endpoint::Execd,
            Self::Audit => Endpoint::Policyd,
            Self::ListTimers | Self::SetClock | Self::TimerHint | Self::TimerFloor | Self::AlarmClock => {
                Endpoint::Timed
            }
        }
    }
}

/// A program's clock and waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Time {
    /// Resolution and slack of an ordinary task.
    Coarse,
    /// Full resolution, no slack.
    Precise,
}

impl Time {
    /// Each with its name in recipes.
    pub const ALL: [(&str, Self); 2] = [("coarse", Self::Coarse), ("precise", Self::Precise)];
}

/// Where a program runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Placement {
    /// The harts.
    #[serde(with = "coded")]
    pub harts: HartMask,
    /// How strictly they are meant.
    #[serde(with = "coded")]
    pub policy: AffinityPolicy,
}

/// How a program is scheduled.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Qos {
    /// Its class.
    #[serde(with = "coded")]
    pub class: QosClass,
    /// Its weight inside the class.
    #[serde(with = "coded")]
    pub shares: Shares,
    /// How long it is willing to wait for its first slice.
    #[serde(with = "coded")]
    pub latency: LatencyHint,
    /// How long it wants to run once it does.
    #[serde(with = "coded")]
    pub burst: BurstHint,
}

impl Qos {
    /// What of it needs policyd's leave.
    pub fn actions(&self) -> impl Iterator<Item = Action> {
        let class = match self.class {
            QosClass::Idle | QosClass::Normal => None,
            QosClass::Interactive => Some(Action::QosRaise),
            QosClass::PerfBurst => Some(Action::QosPerfBurst),
        };
        let shares = (self.shares > Shares::FREE_MAX).then_some(Action::SharesAbove500);
        class.into_iter().chain(shares)
    }
}

/// The name of `value` in a table of names.
pub fn name_of<T: PartialEq>(names: &[(&'static str, T)], value: &T) -> &'static str {
    names.iter().find(|(_, known)| known == value).map_or("?", |(name, _)| name)
}

#[cfg(test)]
#[path = "recipe_tests.rs"]
mod tests;
