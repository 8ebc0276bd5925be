//! Alarms in a line each, and zones from the real database.

#![expect(
    dead_code,
    clippy::unwrap_used,
    reason = "each test file uses its own part; a helper of tests may unwrap like a test"
)]

use alarm_queue::*;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use nexus_abi::Nanos;

pub const ALL: Grants = Grants { notifications: true, exact_alarms: true };
pub const NONE: Grants = Grants { notifications: false, exact_alarms: false };
/// What the wall clock reads at boot in most tests: Monday, 2026-01-05 00:00 UTC.
pub const MONDAY_S: i64 = 1_767_571_200;
pub const HOUR_S: i64 = 3_600;

pub fn s(secs: u64) -> Nanos {
    Nanos::from_millis(secs * 1_000)
}

pub fn app(name: &str) -> App {
    App::try_from(name).unwrap()
}

pub fn alarm(name: &str, kind: Kind, when: When) -> Alarm {
    Alarm { app: app(name), label: Label::try_from("x").unwrap(), kind, when }
}

pub fn exact(at: Nanos) -> Alarm {
    alarm("app", Kind::Exact, When::Elapsed(at))
}

pub fn weekly(days: Days, minute: u16) -> When {
    When::Weekly(Weekly::new(days, minute).unwrap())
}

/// A queue whose clock reads [`MONDAY_S`] at boot.
pub fn queue_at_monday() -> AlarmQueue {
    let mut queue = AlarmQueue::new(Zone::UTC);
    queue.clock_set(Wall::from_secs(MONDAY_S), s(0));
    queue
}

pub fn set(queue: &mut AlarmQueue, alarm: Alarm, now: Nanos) -> AlarmId {
    queue.set(alarm, ALL, now).unwrap()
}

/// Everything that rings at `now`.
pub fn rings(queue: &mut AlarmQueue, now: Nanos) -> Vec<AlarmId> {
    std::iter::from_fn(|| queue.ring(now)).map(|ring| ring.id).collect()
}

/// When the machine has to wake up at the latest, in seconds.
pub fn wakes_s(queue: &AlarmQueue) -> Option<u64> {
    queue.wakeup().map(|wakeup| wakeup.until.0 / 1_000_000_000)
}

pub fn timestamp(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The table of a zone of the database for the time from `from` on.
pub fn zone(name: &str, from: Timestamp) -> (TimeZone, Zone) {
    let database = TimeZone::get(name).unwrap();
    let changes: Vec<Change> = database
        .following(from)
        .take(CHANGES_MAX)
        .map(|change| Change { at_s: change.timestamp().as_second(), offset_s: change.offset().seconds() })
        .collect();
    let zone = Zone::new(database.to_offset(from).seconds(), &changes).unwrap();
    (database, zone)
}
