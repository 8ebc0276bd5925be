//! Civil time: what a clock on the wall reads at a moment, and when it reads something.
//!
//! The device has no time-zone database. Its [`Zone`] is a table of the moments at which the offset from UTC changes,
//! written by the host with `jiff` from the real database; two changes a year make [`CHANGES_MAX`] last for 32
//! years. After the last change its offset stays. A table also holds what no rule expresses, such as a summer time
//! that pauses for a month.

use alloc::vec::Vec;

use nexus_abi::Nanos;

/// Most changes of one zone.
pub const CHANGES_MAX: usize = 64;
/// Offsets are smaller than this, either way: no clock on earth is a day ahead of UTC or behind it.
pub const OFFSET_LIMIT_S: i32 = 24 * 60 * 60;
pub(crate) const DAY_S: i64 = 24 * 60 * 60;

const SECOND_NS: u64 = 1_000_000_000;

/// A moment of wall-clock time: nanoseconds since the beginning of 1970 in UTC, until the year 2554.
///
/// ```
/// use alarm_queue::Wall;
/// use nexus_abi::Nanos;
///
/// let noon = Wall::from_secs(12 * 60 * 60);
/// assert_eq!(noon.after(Nanos::from_millis(1_500)), Wall(43_201_500_000_000));
/// assert_eq!(noon.secs(), 43_200);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(transparent)]
pub struct Wall(pub u64);

impl Wall {
    /// What never comes.
    pub const NEVER: Self = Self(u64::MAX);

    /// The moment so many seconds after the beginning of 1970. Earlier ones become that beginning, and what is past
    /// the end of the range becomes [`Wall::NEVER`].
    pub fn from_secs(secs: i64) -> Self {
        Self(u64::try_from(secs).unwrap_or(0).saturating_mul(SECOND_NS))
    }

    /// Whole seconds since the beginning of 1970.
    pub const fn secs(self) -> i64 {
        (self.0 / SECOND_NS) as i64
    }

    /// The moment `span` later, at most [`Wall::NEVER`].
    pub const fn after(self, span: Nanos) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// The span since `earlier`, zero when `earlier` is later.
    pub const fn since(self, earlier: Self) -> Nanos {
        Nanos(self.0.saturating_sub(earlier.0))
    }
}

/// From this moment on the offset from UTC is another.
///
/// ```
/// # use alarm_queue::Change;
/// let summer_in_berlin = Change { at_s: 1_774_746_000, offset_s: 2 * 60 * 60 };
/// assert_eq!(summer_in_berlin.offset_s, 7_200);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Change {
    /// Seconds since the beginning of 1970 in UTC.
    pub at_s: i64,
    /// What the wall clock is ahead of UTC from then on.
    pub offset_s: i32,
}

/// Why a table is no time zone.
///
/// ```
/// use alarm_queue::{BadZone, Change, Zone};
///
/// let twice = [Change { at_s: 5, offset_s: 0 }, Change { at_s: 5, offset_s: 3_600 }];
/// assert_eq!(Zone::new(0, &twice), Err(BadZone::OutOfOrder));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BadZone {
    /// More than [`CHANGES_MAX`] changes.
    TooLong,
    /// The changes are not in the order of time.
    OutOfOrder,
    /// An offset of [`OFFSET_LIMIT_S`] or more.
    OffsetTooLarge,
}

/// A time zone as the device knows it.
///
/// The host writes the table:
///
/// ```
/// use alarm_queue::{CHANGES_MAX, Change, Wall, Zone};
/// use jiff::{Timestamp, tz::TimeZone};
///
/// let berlin = TimeZone::get("Europe/Berlin")?;
/// let built: Timestamp = "2026-01-01T00:00:00Z".parse()?;
/// let changes: Vec<Change> = berlin
///     .following(built)
///     .take(CHANGES_MAX)
///     .map(|change| Change { at_s: change.timestamp().as_second(), offset_s: change.offset().seconds() })
///     .collect();
/// let zone = Zone::new(berlin.to_offset(built).seconds(), &changes).map_err(|_| "no zone")?;
///
/// assert_eq!(zone.offset_s(1_774_745_999), 3_600, "the last second of winter");
/// assert_eq!(zone.offset_s(1_774_746_000), 7_200, "the first second of summer");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Zone {
    first_offset_s: i32,
    /// In the order of time, no two at the same moment.
    changes: Vec<Change>,
}

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self { first_offset_s: 0, changes: Vec::new() };

    /// The zone with `first_offset_s` until the first of `changes`.
    pub fn new(first_offset_s: i32, changes: &[Change]) -> Result<Self, BadZone> {
        if changes.len() > CHANGES_MAX {
            return Err(BadZone::TooLong);
        }
        if changes.windows(2).any(|pair| pair[0].at_s >= pair[1].at_s) {
            return Err(BadZone::OutOfOrder);
        }
        let mut offsets = changes.iter().map(|change| change.offset_s).chain([first_offset_s]);
        if offsets.any(|offset| offset.unsigned_abs() >= OFFSET_LIMIT_S.unsigned_abs()) {
            return Err(BadZone::OffsetTooLarge);
        }
        Ok(Self { first_offset_s, changes: changes.to_vec() })
    }

    /// What the wall clock is ahead of UTC at a moment. O(log changes).
    pub fn offset_s(&self, utc_s: i64) -> i32 {
        let past = self.changes.partition_point(|change| change.at_s <= utc_s);
        past.checked_sub(1).map_or(self.first_offset_s, |last| self.changes[last].offset_s)
    }

    /// When the wall clock reads `local_s` (seconds since 1970 as the wall clock counts them). O(changes).
    ///
    /// A reading that comes twice means the first time. One that a change leaps over is as much later as the leap is
    /// long: 02:30 in the night in which 02:00 becomes 03:00 is 03:30. People and calendars expect both.
    pub fn moment_of(&self, local_s: i64) -> i64 {
        let mut offset_s = i64::from(self.first_offset_s);
        for change in &self.changes {
            let moment = local_s - offset_s;
            offset_s = i64::from(change.offset_s);
            let read_before_the_change = moment < change.at_s;
            let leapt_over = local_s - offset_s < change.at_s;
            if read_before_the_change || leapt_over {
                return moment;
            }
        }
        local_s - offset_s
    }
}
