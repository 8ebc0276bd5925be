//! The three numbers of standby, and what follows from two of them: when a held timer is released.

use core::fmt;
use core::ops::RangeInclusive;

use nexus_abi::Nanos;

/// Minutes of inactivity: less than one would catch an app between two glances, more than a day is no standby.
pub const BG_INACTIVE_MIN: RangeInclusive<u32> = 1..=24 * 60;
/// Milliseconds of the timer floor: below a second it floors nothing, above an hour maintenance does.
pub const TIMER_FLOOR_MS: RangeInclusive<u32> = 1_000..=60 * 60 * 1_000;
/// Minutes between two maintenance windows: never more often than every 15, at least once a day.
pub const MAINTENANCE_MIN: RangeInclusive<u32> = 15..=24 * 60;

/// How standby behaves.
///
/// ```
/// use nexus_abi::Nanos;
/// use standby::{Config, OutOfRange};
///
/// assert_eq!(Config::new(5, 60_000, 15), Ok(Config::DEFAULT));
/// assert_eq!(Config::new(0, 60_000, 15), Err(OutOfRange::BgInactiveMin));
///
/// // A timer for the tenth minute waits for the window in the fifteenth.
/// let minute = |minutes: u64| Nanos::from_millis(minutes * 60_000);
/// assert_eq!(Config::DEFAULT.release(minute(0), minute(10)), minute(15));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    bg_inactive: Nanos,
    timer_floor: Nanos,
    maintenance_every: Nanos,
}

impl Config {
    /// What a device does that nobody has configured.
    pub const DEFAULT: Self = Self {
        bg_inactive: Nanos::from_millis(5 * 60_000),
        timer_floor: Nanos::from_millis(60_000),
        maintenance_every: Nanos::from_millis(15 * 60_000),
    };

    /// Checks the numbers as people write them: `bg_inactive_min`, `timer_floor_ms`, `maintenance_min`.
    pub fn new(bg_inactive_min: u32, timer_floor_ms: u32, maintenance_min: u32) -> Result<Self, OutOfRange> {
        if !BG_INACTIVE_MIN.contains(&bg_inactive_min) {
            return Err(OutOfRange::BgInactiveMin);
        }
        if !TIMER_FLOOR_MS.contains(&timer_floor_ms) {
            return Err(OutOfRange::TimerFloorMs);
        }
        if !MAINTENANCE_MIN.contains(&maintenance_min) {
            return Err(OutOfRange::MaintenanceMin);
        }
        let minutes = |minutes: u32| Nanos::from_millis(u64::from(minutes) * 60_000);
        Ok(Self {
            bg_inactive: minutes(bg_inactive_min),
            timer_floor: Nanos::from_millis(u64::from(timer_floor_ms)),
            maintenance_every: minutes(maintenance_min),
        })
    }

    /// How long an app is left alone before it enters standby.
    pub const fn bg_inactive(&self) -> Nanos {
        self.bg_inactive
    }

    /// The shortest delay of a timer in standby.
    pub const fn timer_floor(&self) -> Nanos {
        self.timer_floor
    }

    /// The time between two maintenance windows.
    pub const fn maintenance_every(&self) -> Nanos {
        self.maintenance_every
    }

    /// When a timer that was set at `set` for `due` is released in standby: in the first maintenance window that is
    /// neither before its moment nor before the floor. The windows are the multiples of their distance since boot,
    /// the same for every app, so all that is held comes out in one wake-up, and where nothing is held nothing wakes.
    pub fn release(&self, set: Nanos, due: Nanos) -> Nanos {
        self.window(due.max(set.after(self.timer_floor)))
    }

    /// The first maintenance window at `moment` or after it.
    pub fn window(&self, moment: Nanos) -> Nanos {
        let windows = moment.0.div_ceil(self.maintenance_every.0);
        Nanos(windows.saturating_mul(self.maintenance_every.0))
    }
}

/// Which number is outside its range.
///
/// ```
/// # use standby::OutOfRange;
/// assert_eq!(OutOfRange::TimerFloorMs.to_string(), "timer_floor_ms must be 1000 to 3600000");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OutOfRange {
    /// See [`BG_INACTIVE_MIN`].
    BgInactiveMin,
    /// See [`TIMER_FLOOR_MS`].
    TimerFloorMs,
    /// See [`MAINTENANCE_MIN`].
    MaintenanceMin,
}

impl fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (key, range) = match self {
            Self::BgInactiveMin => ("bg_inactive_min", BG_INACTIVE_MIN),
            Self::TimerFloorMs => ("timer_floor_ms", TIMER_FLOOR_MS),
            Self::MaintenanceMin => ("maintenance_min", MAINTENANCE_MIN),
        };
        write!(f, "{key} must be {} to {}", range.start(), range.end())
    }
}
