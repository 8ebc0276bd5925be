//! A promise that was broken: which, when, and what led there.

use std::fmt;

use nexus_abi::Nanos;
use serde::{Deserialize, Serialize};

/// What the simulator checks after every event.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Invariant {
    /// No timer fires before its moment.
    NeverEarly,
    /// timed wakes up at the first end of a window: not later, which would break a promise, and not earlier, which
    /// would be a wake-up too many.
    WakesWhenItMust,
    /// What timed says has fired is what must have: nothing lost, doubled or made up.
    FiresOnce,
    /// timed answers what it must.
    Answers,
    /// Every lock is held by a task that lives, is charged to an app that is installed, and is not past its end.
    LocksAreAttributed,
    /// No hart idles at L2 while a lock counts, and only a lock that counts is a demand.
    LocksForbidL2,
    /// The times at all levels add up to the time that has passed, to the nanosecond.
    ResidencyAddsUp,
    /// An app on the screen, or exempt, is never in standby.
    StandbySparesTheUsed,
    /// No app enters standby before its time of inactivity.
    StandbyWaits,
    /// Exactly the apps in standby are held back: timers floored, network and sensors denied.
    StandbyHoldsBack,
    /// An alarm clock rings at its moment.
    AlarmsAreOnTime,
    /// At most one app is on the screen.
    OneOnTheScreen,
}

impl Invariant {
    /// For people.
    pub const fn text(self) -> &'static str {
        match self {
            Self::NeverEarly => "no timer fires early",
            Self::WakesWhenItMust => "timed wakes up exactly when the first window ends",
            Self::FiresOnce => "every timer fires once",
            Self::Answers => "timed answers what it must",
            Self::LocksAreAttributed => "every lock has a living holder and an end to come",
            Self::LocksForbidL2 => "a lock that counts forbids L2",
            Self::ResidencyAddsUp => "residency adds up",
            Self::StandbySparesTheUsed => "an app in use is not in standby",
            Self::StandbyWaits => "standby begins after the time of inactivity",
            Self::StandbyHoldsBack => "exactly the apps in standby are held back",
            Self::AlarmsAreOnTime => "an alarm clock rings on time",
            Self::OneOnTheScreen => "one app is on the screen",
        }
    }
}

/// One of them does not hold.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// When.
    pub at_ns: u64,
    /// After how many events.
    pub event: u64,
    /// What was seen.
    pub what: String,
    /// What led there, the latest first.
    pub chain: Vec<String>,
}

impl Violation {
    pub(crate) fn new(invariant: Invariant, at: Nanos, what: String) -> Self {
        Self { invariant, at_ns: at.0, event: 0, what, chain: Vec::new() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = Moment(Nanos(self.at_ns));
        writeln!(f, "broken: {}", self.invariant.text())?;
        writeln!(f, "  {}", self.what)?;
        writeln!(f, "  at {at}, after {} events", self.event)?;
        self.chain.iter().enumerate().try_for_each(|(place, link)| {
            let lead = if place == 0 { "  while" } else { "    because" };
            writeln!(f, "{lead} {link}")
        })
    }
}

impl std::error::Error for Violation {}

/// A moment of the simulation, for people: the day, and the time of day to the microsecond.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Moment(pub Nanos);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let us = self.0.0 / 1_000;
        let (s, us) = (us / 1_000_000, us % 1_000_000);
        let (day, h, m) = (s / 86_400 + 1, s / 3_600 % 24, s / 60 % 60);
        write!(f, "day {day}, {h:02}:{m:02}:{:02}.{us:06}", s % 60)
    }
}
