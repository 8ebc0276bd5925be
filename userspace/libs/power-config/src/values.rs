//! Numbers as people write them, and what can be wrong with them.

use core::fmt;

use nexus_abi::Nanos;
use serde::{Deserialize, Serialize};

use crate::keys::{KEYS, Key};
use crate::rules::{RULES, Rule};

/// A number for every key, right or wrong. The image holds them in this form.
///
/// ```
/// use power_config::{Key, Mistake, PowerConfig, Values};
///
/// let values = Values::DEFAULT.with(Key::BgInactive, 10);
/// assert_eq!(values.get(Key::BgInactive), 10);
/// assert!(PowerConfig::try_from(&values).is_ok());
/// assert_eq!(
///     PowerConfig::try_from(&values.with(Key::BgInactive, 0)),
///     Err(Mistake::OutOfRange(Key::BgInactive))
/// );
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Values([u32; KEYS.len()]);

impl Values {
    /// What a device does that nobody has configured.
    pub const DEFAULT: Self = {
        let mut values = [0; KEYS.len()];
        let mut place = 0;
        while place < KEYS.len() {
            values[place] = KEYS[place].default;
            place += 1;
        }
        Self(values)
    };

    /// The number of a key.
    pub const fn get(&self, key: Key) -> u32 {
        self.0[key as usize]
    }

    /// The same with another number for a key.
    #[must_use]
    pub const fn with(mut self, key: Key, value: u32) -> Self {
        self.0[key as usize] = value;
        self
    }

    /// The number of a key as a span of time.
    pub const fn span(&self, key: Key) -> Nanos {
        key.entry().unit.span(self.get(key))
    }

    /// Everything that is wrong: ranges in the order of keys, then rules.
    pub fn mistakes(&self) -> impl Iterator<Item = Mistake> {
        let outside = KEYS.iter().filter(|entry| !entry.allows(self.get(entry.key)));
        let broken = RULES.into_iter().filter(|rule| !rule.holds(self));
        outside.map(|entry| Mistake::OutOfRange(entry.key)).chain(broken.map(Mistake::Breaks))
    }
}

impl Default for Values {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Why values make no configuration.
///
/// ```
/// use power_config::{Key, Mistake};
///
/// let mistake = Mistake::OutOfRange(Key::Tick);
/// assert_eq!(mistake.to_string(), "idle.tick_ms must be a number from 50 to 1000, a multiple of 50");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Mistake {
    /// A number is outside the range of its key.
    OutOfRange(Key),
    /// Two numbers do not go together.
    Breaks(Rule),
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfRange(key) => write!(f, "{key} must be {}", key.entry().allowed()),
            Self::Breaks(rule) => rule.fmt(f),
        }
    }
}

impl core::error::Error for Mistake {}
