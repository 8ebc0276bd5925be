//! What an app does decides whether its locks count, and when they are reported.

mod harness;

use harness::*;
use nexus_abi::Nanos;
use wakelock::{End, Kind, MaxHold, Released, Request, Standing, WakeLocks};

/// Held for so long in the background is not yet too long.
const FIVE_MINUTES: Nanos = Nanos::from_millis(300_000);

fn in_background(index: u32, lock: &str) -> Request {
    Request { hold: None, standing: Standing::Background, ..request(index, lock) }
}

#[test]
fn suspending_an_app_hides_its_locks_and_restoring_shows_them() {
    for restored in [Standing::Foreground, Standing::Background] {
        let mut locks = WakeLocks::default();
        hold(&mut locks, 1, "a");
        hold(&mut locks, 1, "b");
        assert_eq!(locks.stand("app1", Standing::Suspended), Ok(2));
        assert_eq!((locks.demand(), locks.iter().len()), (None, 2));
        assert!(locks.iter().all(|lock| !lock.counts()));
        assert_eq!(locks.stand("app1", restored), Ok(2));
        assert_eq!(locks.demand(), Some(Kind::Partial));
        assert!(locks.iter().all(|lock| lock.counts() && lock.standing() == restored));
    }
}

#[test]
fn a_new_lock_of_an_app_that_is_back_makes_its_old_ones_count() {
    let mut locks = WakeLocks::default();
    locks.acquire(Request { kind: Kind::Full, ..request(1, "a") }, PLAIN).unwrap();
    locks.stand("app1", Standing::Suspended).unwrap();
    hold(&mut locks, 1, "b");
    assert_eq!(locks.demand(), Some(Kind::Full));
}

#[test]
fn a_new_lock_of_an_app_that_is_back_ends_the_stretch_of_its_old_ones() {
    let mut locks = WakeLocks::default();
    let old = locks.acquire(in_background(1, "a"), PLAIN).unwrap();
    assert_eq!(locks.deadline(), Nanos(FIVE_MINUTES.0 + 1), "a report");
    locks.acquire(Request { hold: None, ..request(1, "b") }, PLAIN).unwrap();
    assert_eq!(locks.deadline(), old.end);
}

#[test]
fn suspension_is_of_one_app() {
    let mut locks = WakeLocks::default();
    locks.acquire(Request { kind: Kind::Full, ..request(1, "a") }, PLAIN).unwrap();
    hold(&mut locks, 2, "b");
    assert_eq!(locks.stand("app1", Standing::Suspended), Ok(1));
    assert_eq!(locks.demand(), Some(Kind::Partial));
}

#[test]
fn what_is_released_under_suspension_stays_released() {
    let mut locks = WakeLocks::default();
    let released = hold(&mut locks, 1, "a");
    hold(&mut locks, 1, "b");
    locks.stand("app1", Standing::Suspended).unwrap();
    assert!(matches!(locks.release(task(1), released.id), Ok(Released::Ended(_))));
    assert_eq!(locks.stand("app1", Standing::Foreground), Ok(1));
    assert_eq!(locks.iter().map(|lock| lock.who().name.as_str()).collect::<Vec<_>>(), ["b"]);
}

#[test]
fn a_suspended_lock_ages_and_ends_like_any_other() {
    let mut locks = WakeLocks::default();
    let grant = hold(&mut locks, 1, "a");
    locks.stand("app1", Standing::Suspended).unwrap();
    assert_eq!(locks.deadline(), ms(10_000));
    assert_eq!(summary(&locks.advance(ms(10_000))), [(ms(10_000), grant.id, Some(End::Expired))]);
    let other = hold(&mut locks, 1, "a");
    locks.stand("app1", Standing::Suspended).unwrap();
    assert_eq!(
        locks.holder_died(task(1)).iter().map(|ended| ended.lock.id()).collect::<Vec<_>>(),
        [other.id]
    );
}

#[test]
fn a_lock_acquired_under_suspension_does_not_count_until_restored() {
    let mut locks = WakeLocks::default();
    hold(&mut locks, 1, "a");
    locks.stand("app1", Standing::Suspended).unwrap();
    locks.acquire(Request { standing: Standing::Suspended, ..request(1, "b") }, PLAIN).unwrap();
    assert_eq!(locks.demand(), None);
    assert_eq!(locks.stand("app1", Standing::Background), Ok(2));
    assert_eq!(locks.demand(), Some(Kind::Partial));
}

#[test]
fn an_app_s_locks_stand_together() {
    let mut locks = WakeLocks::default();
    hold(&mut locks, 1, "a");
    locks.acquire(in_background(1, "b"), PLAIN).unwrap();
    assert!(locks.iter().all(|lock| lock.standing() == Standing::Background));
}

#[test]
fn held_too_long_is_more_than_five_minutes_in_the_background() {
    let mut locks = WakeLocks::default();
    let grant = locks.acquire(in_background(1, "a"), PLAIN).unwrap();
    let due = FIVE_MINUTES.after(Nanos(1));
    assert_eq!(locks.deadline(), due);
    assert_eq!(locks.advance(FIVE_MINUTES), []);
    assert_eq!(summary(&locks.advance(due)), [(due, grant.id, None)]);
    assert_eq!(locks.deadline(), ms(600_000), "reported once, then its end");
    assert_eq!(locks.advance(ms(599_999)), []);
    assert_eq!(locks.demand(), Some(Kind::Partial), "a report ends nothing");
}

#[test]
fn time_in_the_foreground_does_not_count_as_held_too_long() {
    let mut locks = WakeLocks::default();
    let grant = locks.acquire(Request { hold: None, ..request(1, "a") }, PLAIN).unwrap();
    assert_eq!(locks.advance(ms(299_999)), []);
    locks.stand("app1", Standing::Background).unwrap();
    assert_eq!(locks.deadline(), ms(599_999).after(Nanos(1)));
    locks.advance(ms(400_000));
    locks.stand("app1", Standing::Foreground).unwrap();
    assert_eq!(locks.deadline(), grant.end);
}

#[test]
fn each_stretch_in_the_background_is_reported_once() {
    let mut locks = WakeLocks::default();
    let grant = locks.acquire(in_background(1, "a"), PLAIN).unwrap();
    locks.renew(task(1), grant.id, Some(MaxHold::of(ms(3_600_000))), PLAIN).unwrap();
    let first = FIVE_MINUTES.after(Nanos(1));
    assert_eq!(summary(&locks.advance(ms(400_000))), [(first, grant.id, None)]);
    locks.stand("app1", Standing::Background).unwrap();
    assert_eq!(locks.advance(ms(900_000)), [], "the same stretch");

    locks.stand("app1", Standing::Suspended).unwrap();
    assert_eq!(locks.advance(ms(1_500_000)), [], "suspended locks cost nothing");
    locks.stand("app1", Standing::Background).unwrap();
    let second = ms(1_500_000).after(first);
    assert_eq!(locks.advance(before(second)), []);
    assert_eq!(summary(&locks.advance(second)), [(second, grant.id, None)]);
}

#[test]
fn a_lock_that_ends_when_it_would_be_reported_just_ends() {
    let due = FIVE_MINUTES.after(Nanos(1));
    for (hold, reports) in [(FIVE_MINUTES, 0), (due, 0), (due.after(Nanos(1)), 1)] {
        let mut locks = WakeLocks::default();
        let wish = Request { hold: Some(MaxHold::of(hold)), ..in_background(1, "a") };
        let grant = locks.acquire(wish, PLAIN).unwrap();
        let all = [(due, grant.id, None), (hold, grant.id, Some(End::Expired))];
        assert_eq!(summary(&locks.advance(Nanos::NEVER)), all[1 - reports..]);
    }
}

#[test]
fn events_come_in_the_order_of_time_then_age() {
    let mut locks = WakeLocks::default();
    let hold_for = |span| Some(MaxHold::of(span));
    let late =
        locks.acquire(Request { hold: hold_for(ms(400_000)), ..in_background(1, "a") }, PLAIN).unwrap();
    let early =
        locks.acquire(Request { hold: hold_for(ms(300_000)), ..in_background(2, "b") }, PLAIN).unwrap();
    let same =
        locks.acquire(Request { hold: hold_for(ms(300_000)), ..in_background(3, "c") }, PLAIN).unwrap();
    let expected = [
        (ms(300_000), early.id, Some(End::Expired)),
        (ms(300_000), same.id, Some(End::Expired)),
        (FIVE_MINUTES.after(Nanos(1)), late.id, None),
        (ms(400_000), late.id, Some(End::Expired)),
    ];
    assert_eq!(summary(&locks.advance(ms(500_000))), expected);
}
