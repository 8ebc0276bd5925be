//! Civil time against the real database of time zones.

#![expect(clippy::unwrap_used, reason = "a helper of tests may unwrap like a test")]

mod harness;

use alarm_queue::*;
use harness::*;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, civil};
use proptest::prelude::*;

const FROM: &str = "2026-01-01T00:00:00Z";
/// Summer time in both hemispheres, by half an hour, none, far from UTC, and with a pause of its own every year.
const NAMES: [&str; 9] = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Asia/Kolkata",
    "Pacific/Kiritimati",
    "Pacific/Niue",
    "Africa/Casablanca",
    "Africa/Cairo",
];

fn local_s(at: DateTime) -> i64 {
    at.to_zoned(TimeZone::UTC).unwrap().timestamp().as_second()
}

fn berlin() -> Zone {
    zone("Europe/Berlin", timestamp(FROM)).1
}

fn next(zone: &Zone, repeat: When, after: &str) -> String {
    let When::Weekly(weekly) = repeat else { panic!() };
    let after = Wall::from_secs(timestamp(after).as_second());
    Timestamp::from_second(weekly.next(after, zone).secs()).unwrap().to_string()
}

/// The next occurrence by brute force, with nothing but the database.
fn oracle(database: &TimeZone, weekly: Weekly, after: Timestamp) -> Timestamp {
    let today = database.to_datetime(after).date();
    let moments = (-3i32..12).filter_map(|ahead| {
        let date = today.checked_add(ahead.days()).ok()?;
        let bit = date.weekday().to_monday_zero_offset();
        let wanted = weekly.days().bits() >> bit & 1 == 1;
        let at = date.at((weekly.minute() / 60) as i8, (weekly.minute() % 60) as i8, 0, 0);
        wanted.then(|| database.to_ambiguous_zoned(at).compatible().unwrap().timestamp())
    });
    moments.filter(|moment| *moment > after).min().unwrap()
}

#[test]
fn a_time_that_a_change_leaps_over_rings_as_much_later() {
    // In the night of 29 March 2026, 02:00 becomes 03:00.
    let night = weekly(Days::SUNDAY, 2 * 60 + 30);
    assert_eq!(next(&berlin(), night, "2026-03-28T12:00:00Z"), "2026-03-29T01:30:00Z");
    assert_eq!(next(&berlin(), night, "2026-03-29T01:30:00Z"), "2026-04-05T00:30:00Z");
    // The first minute that is leapt over, the last one, and their neighbours.
    for (minute, expected) in [
        (119, "2026-03-29T00:59:00Z"),
        (120, "2026-03-29T01:00:00Z"),
        (179, "2026-03-29T01:59:00Z"),
        (180, "2026-03-29T01:00:00Z"),
    ] {
        assert_eq!(next(&berlin(), weekly(Days::SUNDAY, minute), "2026-03-28T12:00:00Z"), expected);
    }
}

#[test]
fn a_time_that_comes_twice_rings_the_first_time_only() {
    // In the night of 25 October 2026, 03:00 becomes 02:00.
    let night = weekly(Days::ALL, 2 * 60 + 30);
    assert_eq!(next(&berlin(), night, "2026-10-24T12:00:00Z"), "2026-10-25T00:30:00Z");
    assert_eq!(next(&berlin(), night, "2026-10-25T00:30:00Z"), "2026-10-26T01:30:00Z");
    // The first minute that comes twice, the last one, and their neighbours.
    for (minute, expected) in [
        (119, "2026-10-24T23:59:00Z"),
        (120, "2026-10-25T00:00:00Z"),
        (179, "2026-10-25T00:59:00Z"),
        (180, "2026-10-25T02:00:00Z"),
    ] {
        assert_eq!(next(&berlin(), weekly(Days::SUNDAY, minute), "2026-10-24T12:00:00Z"), expected);
    }
}

#[test]
fn seven_in_the_morning_stays_seven_across_both_changes() {
    let morning = weekly(Days::ALL, 7 * 60);
    assert_eq!(next(&berlin(), morning, "2026-03-28T06:00:00Z"), "2026-03-29T05:00:00Z");
    assert_eq!(next(&berlin(), morning, "2026-10-24T05:00:00Z"), "2026-10-25T06:00:00Z");
}

#[test]
fn the_next_occurrence_is_after_and_never_at_the_moment() {
    let midnight = weekly(Days::THURSDAY, 0);
    assert_eq!(next(&Zone::UTC, midnight, "1970-01-01T00:00:00Z"), "1970-01-08T00:00:00Z");
    assert_eq!(next(&Zone::UTC, midnight, "1970-01-07T23:59:59Z"), "1970-01-08T00:00:00Z");
    let last_minute = weekly(Days::SUNDAY, 1_439);
    assert_eq!(next(&Zone::UTC, last_minute, "1970-01-04T23:58:59Z"), "1970-01-04T23:59:00Z");
    assert_eq!(next(&Zone::UTC, last_minute, "1970-01-04T23:59:00Z"), "1970-01-11T23:59:00Z");
}

#[test]
fn each_bit_is_its_day() {
    let days = [
        Days::MONDAY,
        Days::TUESDAY,
        Days::WEDNESDAY,
        Days::THURSDAY,
        Days::FRIDAY,
        Days::SATURDAY,
        Days::SUNDAY,
    ];
    for (index, day) in days.into_iter().enumerate() {
        assert_eq!(day.bits(), 1 << index);
        // 5 January 2026 is a Monday.
        let expected = civil::date(2026, 1, 5 + index as i8).to_zoned(TimeZone::UTC).unwrap().timestamp();
        assert_eq!(next(&Zone::UTC, weekly(day, 0), "2026-01-04T12:00:00Z"), expected.to_string());
    }
    assert_eq!(Days::of(&days), Days::ALL);
    assert_eq!(Days::of(&[Days::MONDAY, Days::MONDAY]), Days::MONDAY);
    assert_eq!(Days::of(&[]), Days::ALL);
    assert_eq!(Days::from_bits(127), Some(Days::ALL));
    assert_eq!(Days::from_bits(128), None);
}

#[test]
fn an_island_that_skips_a_day_rings_on_the_next() {
    // Samoa had no 30 December 2011, a Friday.
    let (_, samoa) = zone("Pacific/Apia", timestamp("2011-06-01T00:00:00Z"));
    assert_eq!(next(&samoa, weekly(Days::FRIDAY, 480), "2011-12-29T20:00:00Z"), "2011-12-30T18:00:00Z");
    assert_eq!(next(&samoa, weekly(Days::SATURDAY, 480), "2011-12-29T20:00:00Z"), "2011-12-30T18:00:00Z");
}

#[test]
fn the_end_of_time_has_no_next_occurrence() {
    let weekly = Weekly::new(Days::ALL, 0).unwrap();
    assert_eq!(weekly.next(Wall::NEVER, &Zone::UTC), Wall::NEVER);
    assert_eq!(Wall::from_secs(-1), Wall(0));
    assert_eq!(Wall::from_secs(i64::MAX), Wall::NEVER);
    assert_eq!(Wall::NEVER.after(nexus_abi::Nanos(1)), Wall::NEVER);
}

#[test]
fn tables_that_are_no_zone_are_refused() {
    let change = |at_s| Change { at_s, offset_s: 0 };
    let full: Vec<Change> = (0..64).map(change).collect();
    assert!(Zone::new(0, &full).is_ok());
    let too_long: Vec<Change> = (0..65).map(change).collect();
    assert_eq!(Zone::new(0, &too_long), Err(BadZone::TooLong));
    assert_eq!(Zone::new(0, &[change(2), change(1)]), Err(BadZone::OutOfOrder));
    assert!(Zone::new(86_399, &[Change { at_s: 0, offset_s: -86_399 }]).is_ok());
    assert_eq!(Zone::new(86_400, &[]), Err(BadZone::OffsetTooLarge));
    assert_eq!(Zone::new(0, &[Change { at_s: 0, offset_s: -86_400 }]), Err(BadZone::OffsetTooLarge));
}

#[test]
fn after_the_last_change_the_offset_stays() {
    let zone = Zone::new(0, &[Change { at_s: 100, offset_s: 60 }]).unwrap();
    assert_eq!((zone.offset_s(99), zone.offset_s(100), zone.offset_s(i64::MAX)), (0, 60, 60));
    assert_eq!(zone.moment_of(1_000_000), 999_940);
}

#[test]
fn a_table_lasts_32_years_where_the_clock_changes_twice_a_year() {
    let (database, table) = zone("Europe/Berlin", timestamp(FROM));
    let late = timestamp("2057-12-31T00:00:00Z");
    for at in [late, late - (6 * 30 * 24).hours()] {
        assert_eq!(table.offset_s(at.as_second()), database.to_offset(at).seconds());
    }
}

proptest! {
    #[test]
    fn offsets_and_civil_times_are_those_of_the_database(
        name in proptest::sample::select(&NAMES[..]),
        after_s in 0i64..30 * 365 * 86_400,
    ) {
        let (database, table) = zone(name, timestamp(FROM));
        let at = Timestamp::from_second(timestamp(FROM).as_second() + after_s).unwrap();
        prop_assert_eq!(table.offset_s(at.as_second()), database.to_offset(at).seconds());
        let civil = database.to_datetime(at);
        let expected = database.to_ambiguous_zoned(civil).compatible().unwrap().timestamp();
        prop_assert_eq!(table.moment_of(local_s(civil)), expected.as_second());
    }

    #[test]
    fn the_next_occurrence_is_that_of_the_database(
        name in proptest::sample::select(&NAMES[..]),
        bits in 1u8..128,
        minute in 0u16..1_440,
        near in any::<proptest::sample::Index>(),
        off_s in -3 * 86_400i64..3 * 86_400,
    ) {
        let (database, table) = zone(name, timestamp(FROM));
        // Around a change of the zone, where it has any: that is where mistakes live.
        let changes: Vec<_> = database.following(timestamp(FROM)).take(40).map(|c| c.timestamp()).collect();
        let middle = if changes.is_empty() { timestamp(FROM) } else { changes[near.index(changes.len())] };
        let after = Timestamp::from_second(middle.as_second() + off_s).unwrap();
        let weekly = Weekly::new(Days::from_bits(bits).unwrap(), minute).unwrap();
        let next = weekly.next(Wall::from_secs(after.as_second()), &table);
        prop_assert_eq!(next.secs(), oracle(&database, weekly, after).as_second());
    }
}
