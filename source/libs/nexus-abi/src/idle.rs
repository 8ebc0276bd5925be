//! How deeply a hart sleeps.

/// Idle level of a hart, shallowest first. Wire values are append-only.
///
/// ```
/// use nexus_abi::IdleLevel;
///
/// assert!(IdleLevel::L1 < IdleLevel::L2);
/// assert_eq!(IdleLevel::from_wire(2), Some(IdleLevel::L2));
/// assert_eq!(IdleLevel::from_wire(3), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum IdleLevel {
    /// It runs.
    L0 = 0,
    /// It waits for an interrupt and wakes exactly when told.
    L1 = 1,
    /// Simulated deep idle: ordinary wake-ups wait for a longer tick.
    L2 = 2,
}

impl IdleLevel {
    /// Every level, shallowest first.
    pub const ALL: [Self; 3] = [Self::L0, Self::L1, Self::L2];

    /// Reads a wire value; anything unknown is refused, never clamped.
    pub const fn from_wire(value: u64) -> Option<Self> {
        match value {
            0 => Some(Self::L0),
            1 => Some(Self::L1),
            2 => Some(Self::L2),
            _ => None,
        }
    }

    /// The value that travels.
    pub const fn to_wire(self) -> u64 {
        self as u64
    }

    /// The name, for people and markers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::L0 => "L0",
            Self::L1 => "L1",
            Self::L2 => "L2",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_round_trip_and_unknown_ones_are_refused() {
        for level in IdleLevel::ALL {
            assert_eq!(IdleLevel::from_wire(level.to_wire()), Some(level));
        }
        assert_eq!([3, u64::MAX].map(IdleLevel::from_wire), [None, None]);
        assert_eq!(IdleLevel::ALL.map(IdleLevel::name), ["L0", "L1", "L2"]);
    }
}
