//! Where a task runs, and what `sched_set` can change.

use crate::HartMask;

/// What `sched_set` changes and `sched_get` reads. Wire values are append-only.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
pub enum SchedField {
    /// A [`HartMask`], with an [`AffinityPolicy`] beside it.
    Affinity = 0,
    /// [`crate::Shares`].
    Shares = 1,
    /// A [`crate::LatencyHint`].
    LatencyMs = 2,
    /// A [`crate::BurstHint`].
    BurstMs = 3,
}

impl SchedField {
    /// Every field, in wire order.
    pub const ALL: [Self; 4] = [Self::Affinity, Self::Shares, Self::LatencyMs, Self::BurstMs];

    /// The name, for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Affinity => "affinity",
            Self::Shares => "shares",
            Self::LatencyMs => "latency_ms",
            Self::BurstMs => "burst_ms",
        }
    }

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

#[cfg(test)]
mod tests {
    use super::*;

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
