//! The two time scales against each other: nanoseconds since boot, and the wall clock.

use nexus_abi::Nanos;

use crate::zone::Wall;

/// A moment in nanoseconds since boot that may lie before the boot: alarms that were missed do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Moment(pub i64);

impl Moment {
    /// Moments past the range, 292 years, become its end.
    pub fn at(now: Nanos) -> Self {
        Self(i64::try_from(now.0).unwrap_or(i64::MAX))
    }

    /// How long ago it was at `now`.
    pub fn late(self, now: Nanos) -> Nanos {
        Nanos(u64::try_from(Self::at(now).0.saturating_sub(self.0)).unwrap_or(0))
    }

    /// The same moment for the machine's timers: what lies before the boot was at the boot.
    pub fn since_boot(self) -> Nanos {
        Nanos(u64::try_from(self.0).unwrap_or(0))
    }
}

/// What the wall clock reads, once somebody has said it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Clock {
    /// At this moment it read this.
    set: Option<(Nanos, Wall)>,
}

impl Clock {
    pub const UNKNOWN: Self = Self { set: None };

    pub const fn reads(wall: Wall, now: Nanos) -> Self {
        Self { set: Some((now, wall)) }
    }

    pub fn wall(self, now: Nanos) -> Option<Wall> {
        self.set.map(|(at, wall)| wall.after(now.since(at)))
    }

    /// When the clock reads `wall`.
    pub fn moment_of(self, wall: Wall) -> Option<Moment> {
        let (at, read) = self.set?;
        let ahead = i128::from(wall.0) - i128::from(read.0) + i128::from(at.0);
        Some(Moment(ahead.clamp(i64::MIN.into(), i64::MAX.into()) as i64))
    }
}
