//! What a task may ask of the scheduler besides its class: shares, and two hints.
//!
//! | type | range | outside it | none |
//! |---|---|---|---|
//! | [`Shares`] | 1 to 1000 | 0 is [`Error::Invalid`], more is 1000 | – |
//! | [`LatencyHint`] | 1 to 1000 ms | more is 1000 ms | 0 |
//! | [`BurstHint`] | 1 to 100 ms | more is 100 ms | 0 |
//!
//! Setting one of them answers with what was stored, so that a caller sees what became of its wish. `exact` is for
//! recipes instead: a typing error must not become another number, so what is out of range is refused.

use crate::{Error, Nanos};

/// The weight of a task against the others of its class.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(transparent)]
pub struct Shares(u16);

impl Shares {
    /// The least weight.
    pub const MIN: Self = Self(1);
    /// What a task has that nobody gave anything else.
    pub const DEFAULT: Self = Self(100);
    /// The greatest weight.
    pub const MAX: Self = Self(1000);
    /// The greatest weight that needs no policy rule: five times an ordinary task's.
    pub const FREE_MAX: Self = Self(500);

    /// The nearest weight in range; 0 shares would mean never to run, which is no weight.
    pub const fn clamped(value: u64) -> Result<Self, Error> {
        match value {
            0 => Err(Error::Invalid),
            1..=1000 => Ok(Self(value as u16)),
            _ => Ok(Self::MAX),
        }
    }

    /// Exactly `value`, if it is in range.
    pub fn exact(value: u64) -> Option<Self> {
        Self::clamped(value).ok().filter(|shares| u64::from(shares.0) == value)
    }

    /// The weight as a number.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl Default for Shares {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// How long a task is willing to wait for its turn, in milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[repr(transparent)]
pub struct LatencyHint(u16);

impl LatencyHint {
    /// As long as tasks without a hint.
    pub const NONE: Self = Self(0);
    /// The longest.
    pub const MAX: Self = Self(1000);

    /// The nearest hint in range.
    pub const fn clamped_ms(value: u64) -> Self {
        if value > Self::MAX.0 as u64 { Self::MAX } else { Self(value as u16) }
    }

    /// Exactly `value`, if it is in range.
    pub fn exact_ms(value: u64) -> Option<Self> {
        Some(Self::clamped_ms(value)).filter(|hint| u64::from(hint.0) == value)
    }

    /// The hint in milliseconds, 0 for none.
    pub const fn as_ms(self) -> u16 {
        self.0
    }

    /// The hint as a span.
    pub const fn span(self) -> Option<Nanos> {
        match self.0 {
            0 => None,
            ms => Some(Nanos::from_millis(ms as u64)),
        }
    }
}

/// How long a task wants to run once it does, in milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[repr(transparent)]
pub struct BurstHint(u16);

impl BurstHint {
    /// No wish.
    pub const NONE: Self = Self(0);
    /// The longest.
    pub const MAX: Self = Self(100);

    /// The nearest hint in range.
    pub const fn clamped_ms(value: u64) -> Self {
        if value > Self::MAX.0 as u64 { Self::MAX } else { Self(value as u16) }
    }

    /// Exactly `value`, if it is in range.
    pub fn exact_ms(value: u64) -> Option<Self> {
        Some(Self::clamped_ms(value)).filter(|hint| u64::from(hint.0) == value)
    }

    /// The hint in milliseconds, 0 for none.
    pub const fn as_ms(self) -> u16 {
        self.0
    }

    /// The hint as a span.
    pub const fn span(self) -> Option<Nanos> {
        match self.0 {
            0 => None,
            ms => Some(Nanos::from_millis(ms as u64)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_clamp_and_refuse_zero() {
        assert_eq!(Shares::clamped(0), Err(Error::Invalid));
        let table =
            [(1, 1), (100, 100), (999, 999), (1000, 1000), (1001, 1000), (65_536, 1000), (u64::MAX, 1000)];
        for (asked, stored) in table {
            assert_eq!(Shares::clamped(asked).map(Shares::get), Ok(stored));
        }
        assert_eq!(Shares::default(), Shares::DEFAULT);
    }

    #[test]
    fn exact_takes_the_range_and_nothing_else() {
        assert_eq!([0, 1, 1000, 1001].map(|n| Shares::exact(n).is_some()), [false, true, true, false]);
        assert_eq!([0, 1000, 1001].map(|n| LatencyHint::exact_ms(n).is_some()), [true, true, false]);
        assert_eq!(
            [0, 100, 101, 65_536].map(|n| BurstHint::exact_ms(n).is_some()),
            [true, true, false, false]
        );
    }

    #[test]
    fn hints_clamp_and_zero_is_none() {
        for (asked, stored) in [(0, 0), (1, 1), (1000, 1000), (1001, 1000), (65_537, 1000), (u64::MAX, 1000)]
        {
            assert_eq!(LatencyHint::clamped_ms(asked).as_ms(), stored);
        }
        for (asked, stored) in [(0, 0), (1, 1), (100, 100), (101, 100), (65_537, 100), (u64::MAX, 100)] {
            assert_eq!(BurstHint::clamped_ms(asked).as_ms(), stored);
        }
        assert_eq!(LatencyHint::NONE.span(), None);
        assert_eq!(LatencyHint::clamped_ms(3).span(), Some(Nanos::from_millis(3)));
        assert_eq!(BurstHint::NONE.span(), None);
        assert_eq!(BurstHint::MAX.span(), Some(Nanos::from_millis(100)));
    }
}
