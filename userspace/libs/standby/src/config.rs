//! The three numbers of standby, and what follows from two of them: when a timer that is held comes out.

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
/// use standby::{Config, OutOfRange};
///
/// assert_eq!(Config::new(5, 60_000, 15), Ok(Config::DEFAULT));
/// assert_eq!(Config::new(0, 60_000, 15), Err(OutOfRange::BgInactiveMin));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    bg_inactive: Nanos,
    hold: Hold,
}

impl Config {
    /// What a device does that nobody has configured.
    pub const DEFAULT: Self = Self {
        bg_inactive: minutes(5),
        hold: Hold { floor: Nanos::from_millis(60_000), window_every: minutes(15) },
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
        let floor = Nanos::from_millis(u64::from(timer_floor_ms));
        let hold = Hold { floor, window_every: minutes(maintenance_min) };
        Ok(Self { bg_inactive: minutes(bg_inactive_min), hold })
    }

    /// How long an app is left alone before it enters standby.
    pub const fn bg_inactive(&self) -> Nanos {
        self.bg_inactive
    }

    /// How timers are held in standby.
    pub const fn hold(&self) -> Hold {
        self.hold
    }
}

const fn minutes(minutes: u32) -> Nanos {
    Nanos::from_millis(minutes as u64 * 60_000)
}

/// How timers are held in standby: a floor, and the windows in which they come out.
///
/// ```
/// use nexus_abi::Nanos;
/// use standby::Config;
///
/// // A timer for the tenth minute waits for the window in the fifteenth.
/// let minute = |minutes: u64| Nanos::from_millis(minutes * 60_000);
/// assert_eq!(Config::DEFAULT.hold().release(minute(0), minute(10)), minute(15));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hold {
    floor: Nanos,
    window_every: Nanos,
}

impl Hold {
    /// The shortest delay of a timer.
    pub const fn floor(self) -> Nanos {
        self.floor
    }

    /// The time from one maintenance window to the next.
    pub const fn window_every(self) -> Nanos {
        self.window_every
    }

    /// When a timer that was set at `set` for `due` is released: in the first maintenance window that is neither
    /// before its moment nor before the floor. The windows are the multiples of their distance since boot, the same
    /// for every app, so all that is held comes out in one wake-up, and where nothing is held nothing wakes.
    pub fn release(self, set: Nanos, due: Nanos) -> Nanos {
        self.window(due.max(set.after(self.floor)))
    }

    /// The first maintenance window at `moment` or after it.
    pub fn window(self, moment: Nanos) -> Nanos {
        let windows = moment.0.div_ceil(self.window_every.0);
        Nanos(windows.saturating_mul(self.window_every.0))
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
