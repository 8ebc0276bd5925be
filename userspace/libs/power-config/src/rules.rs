//! What must hold between two keys.

use core::fmt;

use crate::keys::Key;
use crate::values::Values;

/// How one key is to another.
///
/// ```
/// # use power_config::Relation;
/// assert_eq!(Relation::Less.text(), "less than");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Relation {
    /// Less.
    Less,
    /// Less or equal.
    AtMost,
    /// The other is a multiple of it.
    Divides,
}

impl Relation {
    /// For people: after "must be".
    pub const fn text(self) -> &'static str {
        match self {
            Self::Less => "less than",
            Self::AtMost => "at most",
            Self::Divides => "a divisor of",
        }
    }
}

/// A key, its relation to another, and that other.
///
/// ```
/// use power_config::{Key, RULES, Values};
///
/// let never_dim = Values::DEFAULT.with(Key::ScreenDim, 60);
/// let broken: Vec<_> = RULES.into_iter().filter(|rule| !rule.holds(&never_dim)).collect();
/// assert_eq!(broken.len(), 1);
/// assert_eq!(broken[0].to_string(), "screen.dim_s must be less than screen.timeout_s");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Rule {
    /// The key that a mistake is blamed on.
    pub key: Key,
    /// How it must be.
    pub relation: Relation,
    /// To what.
    pub other: Key,
}

/// Every rule.
pub const RULES: [Rule; 8] = [
    // A level that costs more to leave than staying in it can gain, or than a deeper one does, is of no use.
    rule(Key::L1Exit, Relation::AtMost, Key::L2Exit),
    rule(Key::L2Exit, Relation::AtMost, Key::BalancedL2After),
    rule(Key::L2Exit, Relation::AtMost, Key::FrugalL2After),
    // At one threshold a reading that jitters would switch modes back and forth.
    rule(Key::LowEnter, Relation::Less, Key::LowLeave),
    // Who says nothing must not need a policy rule for it.
    rule(Key::HoldDefault, Relation::AtMost, Key::HoldMax),
    rule(Key::LocksPerTask, Relation::AtMost, Key::LocksInAll),
    // Buckets of both windows end together.
    rule(Key::StatusWindow, Relation::Divides, Key::GraphWindow),
    // A screen that goes off before it goes dim gives no warning.
    rule(Key::ScreenDim, Relation::Less, Key::ScreenTimeout),
];

const fn rule(key: Key, relation: Relation, other: Key) -> Rule {
    Rule { key, relation, other }
}

impl Rule {
    /// True when the values keep it.
    pub fn holds(&self, values: &Values) -> bool {
        let [key, other] = [self.key, self.other].map(|key| values.span(key).0);
        match self.relation {
            Relation::Less => key < other,
            Relation::AtMost => key <= other,
            Relation::Divides => other.checked_rem(key) == Some(0),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} must be {} {}", self.key, self.relation.text(), self.other)
    }
}
