//! Weekly repeats: days of the week and a time of day, in civil time.

use core::ops::RangeInclusive;

use crate::zone::{DAY_S, Wall, Zone};

/// Minutes in a day.
pub const DAY_MIN: u16 = 24 * 60;

/// The beginning of 1970 was a Thursday, the fourth day when Monday is the first.
const EPOCH_WEEKDAY: i64 = 3;
const WEEK_DAYS: i64 = 7;
/// Where to look for the next occurrence, in days from the day it is in UTC: a week ahead, and two days more at both
/// ends, one for the offset of the zone and one for a zone that leaps over a day.
const SEARCH_DAYS: RangeInclusive<i64> = -2..=9;

/// A set of days of the week, never empty.
///
/// ```
/// use alarm_queue::Days;
///
/// let weekend = Days::of(&[Days::SATURDAY, Days::SUNDAY]);
/// assert_eq!(weekend.bits(), 0b110_0000);
/// assert_eq!(Days::from_bits(0), None);
/// assert_eq!(Days::from_bits(0b1000_0000), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Days(u8);

impl Days {
    /// The first day of the week: bit 0.
    pub const MONDAY: Self = Self(1);
    /// Bit 1.
    pub const TUESDAY: Self = Self(1 << 1);
    /// Bit 2.
    pub const WEDNESDAY: Self = Self(1 << 2);
    /// Bit 3.
    pub const THURSDAY: Self = Self(1 << 3);
    /// Bit 4.
    pub const FRIDAY: Self = Self(1 << 4);
    /// Bit 5.
    pub const SATURDAY: Self = Self(1 << 5);
    /// Bit 6.
    pub const SUNDAY: Self = Self(1 << 6);
    /// The whole week.
    pub const ALL: Self = Self(0b111_1111);

    /// The days of all of `sets`; every day when there is none.
    pub fn of(sets: &[Self]) -> Self {
        Self::from_bits(sets.iter().fold(0, |bits, set| bits | set.0)).unwrap_or(Self::ALL)
    }

    /// Reads the value that is stored and sent.
    pub const fn from_bits(bits: u8) -> Option<Self> {
        if bits == 0 || bits > Self::ALL.0 { None } else { Some(Self(bits)) }
    }

    /// The value that is stored and sent.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// True for a day, counted from the beginning of 1970, whose weekday is in the set.
    const fn include(self, day: i64) -> bool {
        self.0 >> (day + EPOCH_WEEKDAY).rem_euclid(WEEK_DAYS) & 1 == 1
    }
}

/// On these days at this time of the wall clock.
///
/// ```
/// use alarm_queue::{Days, Wall, Weekly, Zone};
///
/// let on_fridays = Weekly::new(Days::FRIDAY, 7 * 60).ok_or("no time of day")?;
/// let thursday_noon = Wall::from_secs(12 * 60 * 60);
/// assert_eq!(on_fridays.next(thursday_noon, &Zone::UTC), Wall::from_secs((24 + 7) * 60 * 60));
/// assert_eq!(Weekly::new(Days::FRIDAY, 24 * 60), None);
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Weekly {
    days: Days,
    minute: u16,
}

impl Weekly {
    /// At `minute` of the day, below [`DAY_MIN`].
    pub const fn new(days: Days, minute: u16) -> Option<Self> {
        if minute < DAY_MIN { Some(Self { days, minute }) } else { None }
    }

    /// On which days.
    pub const fn days(self) -> Days {
        self.days
    }

    /// At which minute of the day.
    pub const fn minute(self) -> u16 {
        self.minute
    }

    /// The first occurrence after a moment: one a day at most, also on the day that has an hour twice.
    /// O(changes of the zone).
    pub fn next(self, after: Wall, zone: &Zone) -> Wall {
        let today = after.secs().div_euclid(DAY_S);
        SEARCH_DAYS
            .map(|ahead| today + ahead)
            .filter(|day| self.days.include(*day))
            .map(|day| Wall::from_secs(zone.moment_of(day * DAY_S + i64::from(self.minute) * 60)))
            .find(|moment| *moment > after)
            .unwrap_or(Wall::NEVER)
    }
}
