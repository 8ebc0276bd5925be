//! What the settings and the recipe of the device say.

use power_config::{KEYS, Key, PowerConfig, Values};
use serde::{Deserialize, Serialize};

/// The mode of the governor that the person has set.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Deserialize, Serialize, clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Both speed and endurance.
    #[default]
    Balanced,
    /// Speed.
    Performance,
    /// Endurance.
    Frugal,
}

impl Mode {
    /// The name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Balanced => "balanced",
            Self::Performance => "performance",
            Self::Frugal => "frugal",
        }
    }
}

impl From<Mode> for power_governor::Mode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Balanced => Self::Balanced,
            Mode::Performance => Self::Performance,
            Mode::Frugal => Self::Frugal,
        }
    }
}

/// A number of the recipe: `standby.bg_inactive_min=10`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Setting {
    /// Which.
    pub key: Key,
    /// What it is.
    pub value: u32,
}

impl TryFrom<String> for Setting {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (name, value) = text.split_once('=').ok_or_else(|| {
            format!("`{text}` sets nothing: allowed is key=number, as standby.bg_inactive_min=10")
        })?;
        let (section, key) = name.trim().split_once('.').unwrap_or(("", name));
        let key = Key::named(section, key).ok_or_else(|| {
            let known: Vec<String> = KEYS.iter().map(|entry| entry.key.to_string()).collect();
            format!("there is no key `{name}`: allowed are {}", known.join(", "))
        })?;
        let number = value.trim().parse().ok().filter(|value| key.entry().allows(*value));
        let value = number.ok_or_else(|| format!("{key} = {value}: allowed is {}", key.entry().allowed()))?;
        Ok(Self { key, value })
    }
}

impl std::str::FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::try_from(text.to_owned())
    }
}

/// All of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Written")]
pub struct Policy {
    /// The mode that is set.
    pub mode: Mode,
    /// The numbers of the recipe.
    pub values: Values,
}

/// As it stands in a scenario, or in the file of a failure.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    mode: Mode,
    #[serde(default)]
    set: Vec<Setting>,
    #[serde(default)]
    values: Values,
}

impl From<Written> for Policy {
    fn from(written: Written) -> Self {
        let policy = Self { mode: written.mode, values: written.values };
        written.set.into_iter().fold(policy, Self::with)
    }
}

impl Policy {
    /// With another number.
    #[must_use]
    pub const fn with(mut self, setting: Setting) -> Self {
        self.values = self.values.with(setting.key, setting.value);
        self
    }

    /// What the power stack runs with. Of numbers that do not go together it is what ships; [`Policy::check`] says so
    /// before it comes to that.
    pub fn config(&self) -> PowerConfig {
        PowerConfig::try_from(&self.values).unwrap_or_default()
    }

    /// Whether the numbers go together.
    pub fn check(&self) -> Result<(), String> {
        self.values.mistakes().next().map_or(Ok(()), |mistake| Err(mistake.to_string()))
    }

    /// Reads what a person writes: a mode, settings, or both, as `frugal,standby.timer_floor_ms=300000`.
    pub fn parse(text: &str, base: Self) -> Result<Self, String> {
        let mut policy = base;
        for part in text.split(',') {
            let mode = [Mode::Balanced, Mode::Performance, Mode::Frugal]
                .into_iter()
                .find(|mode| mode.name() == part);
            policy = match mode {
                Some(mode) => Self { mode, ..policy },
                None if part.contains('=') => policy.with(part.parse()?),
                None => {
                    return Err(format!(
                        "`{part}` is no policy: allowed are balanced, performance, frugal, and settings as \
                         standby.timer_floor_ms=300000, with commas between them"
                    ));
                }
            };
        }
        policy.check().map(|()| policy)
    }

    /// The mode, and what differs from what everybody has.
    pub fn text(&self) -> String {
        let differs = KEYS.iter().filter(|entry| self.values.get(entry.key) != entry.default);
        let numbers = differs.map(|entry| format!("{}={}", entry.key, self.values.get(entry.key)));
        std::iter::once(self.mode.name().to_owned()).chain(numbers).collect::<Vec<_>>().join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let text = "frugal,standby.bg_inactive_min=10,standby.timer_floor_ms=300000";
        let policy = Policy::parse(text, Policy::default()).unwrap();
        assert_eq!(policy.text(), text);
        assert_eq!(policy.config().standby, standby::Config::new(10, 300_000, 15).unwrap());
    }

    #[test]
    fn test_reject_policy_that_is_none() {
        for (text, says) in [
            ("fast", "allowed are balanced"),
            ("standby.bg_inactive=3", "allowed are balanced.hint_ms"),
            ("standby.bg_inactive_min=0", "allowed is a number from 1 to 1440"),
            ("screen.dim_s=60", "must be less than"),
        ] {
            let error = Policy::parse(text, Policy::default()).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
