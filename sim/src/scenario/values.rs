//! Values as people write them: spans of time, times of day, names.

use nexus_abi::info::NAME_MAX;
use nexus_abi::{Nanos, QosClass};
use serde::Deserialize;

const UNITS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1_000), ("min", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// A span of time: `"250 ms"`, `"15 min"`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Deserialize)]
#[serde(try_from = "String")]
pub struct Span(pub Nanos);

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || {
            format!("`{text}` is no span: allowed is a whole number and ms, s, min, h or d, as \"15 min\"")
        };
        let (number, unit) = text.split_once(' ').ok_or_else(wrong)?;
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let (_, ms) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        number.checked_mul(*ms).map(|ms| Self(Nanos::from_millis(ms))).ok_or_else(wrong)
    }
}

/// A span that is not zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Period(pub Nanos);

impl TryFrom<String> for Period {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match Span::try_from(text)?.0 {
            Nanos(0) => Err("0 is no period: allowed is at least \"1 ms\"".to_owned()),
            span => Ok(Self(span)),
        }
    }
}

/// A time of day: `"07:05"`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct TimeOfDay {
    /// Since midnight.
    pub minute: u16,
}

impl TimeOfDay {
    /// Since midnight.
    pub const fn nanos(self) -> Nanos {
        Nanos::from_millis(self.minute as u64 * 60_000)
    }

    /// True for a moment of the day from here to `end`, which may lie on the next day.
    pub fn spans(self, end: Self, moment: Nanos) -> bool {
        let (from, to) = (self.nanos(), end.nanos());
        if from <= to { moment >= from && moment < to } else { moment >= from || moment < to }
    }
}

impl TryFrom<String> for TimeOfDay {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no time of day: allowed is \"00:00\" to \"23:59\"");
        let (hours, minutes) = text.split_once(':').ok_or_else(wrong)?;
        let read = |part: &str| if part.len() == 2 { part.parse::<u16>().ok() } else { None };
        match (read(hours), read(minutes)) {
            (Some(hours @ 0..=23), Some(minutes @ 0..=59)) => Ok(Self { minute: hours * 60 + minutes }),
            _ => Err(wrong()),
        }
    }
}

/// The name of an app, a lock or an alarm: it fits wherever the device keeps names.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Name(pub heapless::String<NAME_MAX>);

impl Name {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
        let fits = !text.is_empty() && text.bytes().all(allowed);
        let name = heapless::String::try_from(text.as_str()).ok().filter(|_| fits);
        name.map(Self).ok_or_else(|| {
            format!("`{text}` is no name: allowed are 1 to {NAME_MAX} of a-z, 0-9, `.` and `-`")
        })
    }
}

/// A number of percent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(try_from = "u64")]
pub struct Percent(pub u8);

impl TryFrom<u64> for Percent {
    type Error = String;

    fn try_from(number: u64) -> Result<Self, String> {
        match u8::try_from(number) {
            Ok(percent @ 0..=100) => Ok(Self(percent)),
            _ => Err(format!("{number} is no percentage: allowed is 0 to 100")),
        }
    }
}

/// How often a day or an hour, on average.
#[derive(Clone, Copy, PartialEq, Debug, Default, Deserialize)]
#[serde(try_from = "f64")]
pub struct Rate(pub f64);

impl TryFrom<f64> for Rate {
    type Error = String;

    fn try_from(number: f64) -> Result<Self, String> {
        match number {
            0.0..=10_000.0 => Ok(Self(number)),
            _ => Err(format!("{number} is no rate: allowed is 0 to 10000")),
        }
    }
}

/// The class an app's task runs at. PerfBurst takes a recipe and a policy rule, which apps of a scenario have not.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Maintenance.
    Idle,
    /// The default.
    #[default]
    Normal,
    /// Somebody is waiting.
    Interactive,
}

impl From<Class> for QosClass {
    fn from(class: Class) -> Self {
        match class {
            Class::Idle => Self::Idle,
            Class::Normal => Self::Normal,
            Class::Interactive => Self::Interactive,
        }
    }
}
