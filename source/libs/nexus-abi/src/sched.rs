//! How a task asks to be scheduled, besides its class: where, how much, how soon, how long at a time.
//!
//! | type | says | range | without it |
//! |---|---|---|---|
//! | [`Affinity`] | on which harts, and how strictly | 64 harts | any |
//! | [`Shares`] | weight inside the class | 1 to 1000 | 100 |
//! | [`LatencyHint`] | time it is willing to wait for its first slice | 1 to 1000 ms | none |
//! | [`BurstHint`] | time it wants to run once it does | 1 to 100 ms | none |
//!
//! Each number has two ways in. `exact` takes what is in range and refuses the rest: recipes use it, because a
//! typing error must not become another number. `clamped` is the rule of the system calls: what is out of range
//! is stored as the nearest value, and the caller is told which.

use crate::HartMask;

/// What `sched_set` changes and `sched_get` reads. Wire values are append-only.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
pub enum SchedField {
    /// A [`HartMask`], with an [`AffinityPolicy`] beside it.
    Affinity = 0,
    /// [`Shares`].
    Shares = 1,
    /// A [`LatencyHint`].
    LatencyMs = 2,
    /// A [`BurstHint`].
    BurstMs = 3,
}

impl SchedField {
    /// Every field, in wire order.
    pub const ALL: [Self; 4] = [Self::Affinity, Self::Shares, Self::LatencyMs, Self::BurstMs];

    /// Reads a register.
    pub fn from_wire(value: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.to_wire() == value)
    }

    /// The value that travels in a register.
    pub const fn to_wire(self) -> u64 {
        self as u64
    }
}

/// How strictly a mask of harts is meant. Wire values are append-only.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[repr(u8)]
pub enum AffinityPolicy {
    /// Only these harts.
    Pin = 0,
    /// These first, others when they are busy.
    Prefer = 1,
    /// Wherever there is room.
    #[default]
    Any = 2,
}

impl AffinityPolicy {
    /// Every policy, in wire order.
    pub const ALL: [Self; 3] = [Self::Pin, Self::Prefer, Self::Any];

    /// Reads a wire value.
    pub fn from_wire(value: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.to_wire() == value)
    }

    /// The value that travels in a register.
    pub const fn to_wire(self) -> u64 {
        self as u64
    }

    /// The name, for people and recipes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pin => "pin",
            Self::Prefer => "prefer",
            Self::Any => "any",
        }
    }
}

/// Where a task runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Affinity {
    /// The harts.
    pub harts: HartMask,
    /// How strictly they are meant.
    pub policy: AffinityPolicy,
}

impl Affinity {
    /// Wherever there is room.
    pub const ANY: Self = Self { harts: HartMask::ANY, policy: AffinityPolicy::Any };

    /// Only on `harts`.
    pub const fn pinned(harts: HartMask) -> Self {
        Self { harts, policy: AffinityPolicy::Pin }
    }
}

impl Default for Affinity {
    fn default() -> Self {
        Self::ANY
    }
}

/// Weight inside the class: twice the shares, twice the time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(transparent)]
pub struct Shares(u16);

impl Shares {
    /// Fewest.
    pub const MIN: Self = Self(1);
    /// Most.
    pub const MAX: Self = Self(1000);
    /// What a task has that nobody asked for.
    pub const DEFAULT: Self = Self(100);
    /// Most that need no policy rule: five times an ordinary task.
    pub const FREE_MAX: Self = Self(500);

    /// Exactly `value`, if it is in range.
    pub fn exact(value: u64) -> Option<Self> {
        let value = u16::try_from(value).ok()?;
        (Self::MIN.0..=Self::MAX.0).contains(&value).then_some(Self(value))
    }

    /// `value`, or the nearest in range; nothing for 0, which would mean never to run.
    pub fn clamped(value: u64) -> Option<Self> {
        (value != 0).then(|| Self(value.min(u64::from(Self::MAX.0)) as u16))
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl Default for Shares {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// How long a task is willing to wait for its first slice, in milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[repr(transparent)]
pub struct LatencyHint(u16);

impl LatencyHint {
    /// No opinion.
    pub const NONE: Self = Self(0);
    /// The longest worth saying, in milliseconds: more is no different from no opinion.
    pub const MAX_MS: u16 = 1000;

    /// Exactly `ms`, if it is in range; 0 is [`LatencyHint::NONE`].
    pub fn exact(ms: u64) -> Option<Self> {
        u16::try_from(ms).ok().filter(|ms| *ms <= Self::MAX_MS).map(Self)
    }

    /// `ms`, or the nearest in range.
    pub fn clamped(ms: u64) -> Self {
        Self(ms.min(u64::from(Self::MAX_MS)) as u16)
    }

    /// Milliseconds, 0 for none.
    pub const fn ms(self) -> u16 {
        self.0
    }
}

/// How long a task wants to run once it does, in milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[repr(transparent)]
pub struct BurstHint(u16);

impl BurstHint {
    /// No opinion.
    pub const NONE: Self = Self(0);
    /// The longest, in milliseconds: others of the class wait meanwhile.
    pub const MAX_MS: u16 = 100;

    /// Exactly `ms`, if it is in range; 0 is [`BurstHint::NONE`].
    pub fn exact(ms: u64) -> Option<Self> {
        u16::try_from(ms).ok().filter(|ms| *ms <= Self::MAX_MS).map(Self)
    }

    /// `ms`, or the nearest in range.
    pub fn clamped(ms: u64) -> Self {
        Self(ms.min(u64::from(Self::MAX_MS)) as u16)
    }

    /// Milliseconds, 0 for none.
    pub const fn ms(self) -> u16 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_clamp_at_both_ends_and_zero_is_refused() {
        let clamped = |value| Shares::clamped(value).map(Shares::get);
        let table = [
            (0, None),
            (1, Some(1)),
            (100, Some(100)),
            (1000, Some(1000)),
            (1001, Some(1000)),
            (u64::MAX, Some(1000)),
        ];
        for (value, stored) in table {
            assert_eq!(clamped(value), stored, "{value}");
        }
    }

    #[test]
    fn hints_clamp_and_zero_means_none() {
        for (ms, latency, burst) in
            [(0, 0, 0), (1, 1, 1), (100, 100, 100), (101, 101, 100), (u64::MAX, 1000, 100)]
        {
            assert_eq!(
                (LatencyHint::clamped(ms).ms(), BurstHint::clamped(ms).ms()),
                (latency, burst),
                "{ms}"
            );
        }
    }

    #[test]
    fn exact_takes_the_range_and_nothing_else() {
        assert_eq!([0, 1, 1000, 1001].map(|n| Shares::exact(n).is_some()), [false, true, true, false]);
        assert_eq!([0, 1000, 1001].map(|n| LatencyHint::exact(n).is_some()), [true, true, false]);
        assert_eq!([0, 100, 101, 1 << 16].map(|n| BurstHint::exact(n).is_some()), [true, true, false, false]);
    }

    #[test]
    fn fields_and_policies_round_trip_and_others_are_refused() {
        for field in SchedField::ALL {
            assert_eq!(SchedField::from_wire(field.to_wire()), Some(field));
        }
        for policy in AffinityPolicy::ALL {
            assert_eq!(AffinityPolicy::from_wire(policy.to_wire()), Some(policy));
        }
        assert_eq!((SchedField::from_wire(4), AffinityPolicy::from_wire(3)), (None, None));
    }
}
