//! What rings when, who may set what, and what a queue that is full says.

mod harness;

use alarm_queue::*;
use harness::*;
use nexus_abi::Nanos;

#[test]
fn the_earliest_alarm_arms_and_cancelling_it_arms_the_next() {
    let mut queue = AlarmQueue::new(Zone::UTC);
    let eight = set(&mut queue, exact(s(8)), s(0));
    assert_eq!(wakes_s(&queue), Some(8));
    set(&mut queue, exact(s(9)), s(0));
    assert_eq!(wakes_s(&queue), Some(8));
    let six = set(&mut queue, exact(s(6)), s(0));
    assert_eq!(wakes_s(&queue), Some(6));
    queue.cancel(&app("app"), six).unwrap();
    assert_eq!(wakes_s(&queue), Some(8));
    queue.cancel(&app("app"), eight).unwrap();
    assert_eq!(wakes_s(&queue), Some(9));
}

#[test]
fn an_exact_alarm_rings_at_its_nanosecond_and_never_before() {
    let mut queue = AlarmQueue::new(Zone::UTC);
    let id = set(&mut queue, exact(s(5)), s(0));
    assert_eq!(queue.ring(Nanos(s(5).0 - 1)), None);
    let ring = queue.ring(s(5)).unwrap();
    assert_eq!((ring.id, ring.late, ring.missed), (id, Nanos(0), None));
    assert_eq!(queue.ring(s(5)), None, "once");
}

#[test]
fn an_inexact_alarm_waits_for_company_until_its_window_ends() {
    let mut queue = AlarmQueue::new(Zone::UTC);
    let inexact = alarm("app", Kind::Inexact, When::Elapsed(s(100)));
    set(&mut queue, inexact, s(0));
    assert_eq!(queue.wakeup(), Some(Wakeup { from: s(100), until: s(700) }));
    // One wake-up serves both.
    set(&mut queue, exact(s(650)), s(0));
    assert_eq!(queue.wakeup(), Some(Wakeup { from: s(100), until: s(650) }));
    assert_eq!(rings(&mut queue, s(650)).len(), 2);
}

#[test]
fn alarms_ring_in_the_order_of_their_moments_then_of_setting() {
    let mut queue = AlarmQueue::new(Zone::UTC);
    let third = set(&mut queue, exact(s(3)), s(0));
    let first = set(&mut queue, exact(s(1)), s(0));
    let second = set(&mut queue, exact(s(1)), s(0));
    assert_eq!(rings(&mut queue, s(2)), [first, second]);
    assert_eq!(rings(&mut queue, s(3)), [third]);
}

#[test]
fn an_alarm_for_a_moment_that_has_passed_rings_at_once_and_is_not_missed() {
    let mut queue = queue_at_monday();
    set(&mut queue, exact(s(1)), s(10));
    set(&mut queue, alarm("app", Kind::Exact, When::Wall(Wall::from_secs(MONDAY_S + 2))), s(10));
    let late: Vec<_> = std::iter::from_fn(|| queue.ring(s(10))).map(|r| (r.late, r.missed)).collect();
    assert_eq!(late, [(s(9), None), (s(8), None)]);
}

#[test]
fn a_weekly_alarm_rings_every_week_on_time() {
    let mut queue = queue_at_monday();
    let id = set(&mut queue, alarm("app", Kind::AlarmClock, weekly(Days::MONDAY, 60)), s(0));
    for week in 0..4 {
        let at = s(week * 7 * 86_400 + 3_600);
        assert_eq!(queue.wakeup(), Some(Wakeup { from: at, until: at }));
        assert_eq!(rings(&mut queue, Nanos(at.0 - 1)), []);
        assert_eq!(rings(&mut queue, at), [id]);
    }
    assert_eq!(queue.count(&app("app")), 1);
}

#[test]
fn a_weekly_alarm_that_rings_late_goes_on_with_the_next_occurrence() {
    let mut queue = queue_at_monday();
    let id = set(&mut queue, alarm("app", Kind::Inexact, weekly(Days::ALL, 0)), s(0));
    assert_eq!(rings(&mut queue, s(3 * 86_400 + 5)), [id], "three occurrences are one ring");
    assert_eq!(queue.wakeup().map(|w| w.from), Some(s(4 * 86_400)));
}

#[test]
fn a_handler_may_change_the_alarms_between_two_rings() {
    let mut queue = AlarmQueue::new(Zone::UTC);
    let ids: Vec<_> = (0..6).map(|_| set(&mut queue, exact(s(1)), s(0))).collect();
    assert_eq!(queue.ring(s(1)).unwrap().id, ids[0]);
    queue.cancel(&app("app"), ids[1]).unwrap();
    let new = set(&mut queue, exact(s(1)), s(1));
    assert_eq!(rings(&mut queue, s(1)), [ids[2], ids[3], ids[4], ids[5], new]);
}

#[test]
fn each_kind_needs_its_permissions_and_a_refused_alarm_queues_nothing() {
    let only = |notifications, exact_alarms| Grants { notifications, exact_alarms };
    let (n, e) = (Permission::Notifications, Permission::ExactAlarms);
    let cases = [
        (Kind::Inexact, only(false, true), Some(n)),
        (Kind::Inexact, only(true, false), None),
        (Kind::Exact, only(false, false), Some(n)),
        (Kind::Exact, only(true, false), Some(e)),
        (Kind::Exact, only(true, true), None),
        (Kind::AlarmClock, only(false, true), Some(n)),
        (Kind::AlarmClock, only(true, false), Some(e)),
        (Kind::AlarmClock, only(true, true), None),
    ];
    for (kind, grants, missing) in cases {
        let mut queue = AlarmQueue::new(Zone::UTC);
        let before = queue.clone();
        let answer = queue.set(alarm("app", kind, When::Elapsed(s(1))), grants, s(0));
        assert_eq!(answer.err(), missing.map(Refusal::NotPermitted), "{kind:?} {grants:?}");
        assert_eq!(queue == before, missing.is_some(), "{kind:?} {grants:?}");
    }
}

#[test]
fn the_65th_alarm_of_an_app_is_refused_and_another_app_still_has_room() {
    let mut queue = AlarmQueue::new(Zone::UTC);
    for _ in 0..64 {
        set(&mut queue, exact(s(1)), s(0));
    }
    let before = queue.clone();
    assert_eq!(queue.set(exact(s(1)), ALL, s(0)), Err(Refusal::AppFull));
    assert_eq!(queue, before);
    set(&mut queue, alarm("other", Kind::Exact, When::Elapsed(s(1))), s(0));
    assert_eq!(queue.count(&app("other")), 1);
}

#[test]
fn the_513th_alarm_of_the_device_is_refused() {
    let mut queue = AlarmQueue::new(Zone::UTC);
    for index in 0..512 {
        set(&mut queue, alarm(&format!("app{}", index / 64), Kind::Exact, When::Elapsed(s(1))), s(0));
    }
    let before = queue.clone();
    assert_eq!(queue.set(exact(s(1)), ALL, s(0)), Err(Refusal::QueueFull));
    assert_eq!(queue, before);
}

#[test]
fn counts_return_to_zero_on_every_path() {
    let me = app("app");
    let mut queue = queue_at_monday();
    let rung = exact(s(1));
    let on_monday = alarm("app", Kind::Exact, weekly(Days::MONDAY, 1));
    set(&mut queue, rung.clone(), s(0));
    assert_eq!((rings(&mut queue, s(1)).len(), queue.count(&me)), (1, 0), "rang");

    let id = set(&mut queue, on_monday.clone(), s(1));
    assert_eq!((queue.cancel(&me, id), queue.count(&me)), (Ok(on_monday.clone()), 0), "cancelled");

    let ids = [set(&mut queue, rung.clone(), s(1)), set(&mut queue, on_monday, s(1))];
    assert_eq!(queue.grants_changed(&me, NONE), ids);
    assert_eq!(queue.count(&me), 0, "gone");

    assert!(queue.set(rung, NONE, s(1)).is_err());
    assert_eq!(queue.count(&me), 0, "refused");

    let past = alarm("app", Kind::Exact, When::Wall(Wall::from_secs(MONDAY_S + 60)));
    set(&mut queue, past, s(1));
    queue.clock_set(Wall::from_secs(MONDAY_S + 120), s(2));
    assert_eq!((rings(&mut queue, s(2)).len(), queue.count(&me)), (1, 0), "missed");
    assert_eq!(queue.wakeup(), None);
}

#[test]
fn losing_a_permission_takes_the_alarms_that_need_it() {
    let mut queue = AlarmQueue::new(Zone::UTC);
    let at = When::Elapsed(s(1));
    let inexact = set(&mut queue, alarm("app", Kind::Inexact, at), s(0));
    let exact = set(&mut queue, alarm("app", Kind::Exact, at), s(0));
    let clock = set(&mut queue, alarm("app", Kind::AlarmClock, at), s(0));
    let other = set(&mut queue, alarm("other", Kind::Exact, at), s(0));
    let no_exact = Grants { exact_alarms: false, ..ALL };
    assert_eq!(queue.grants_changed(&app("app"), ALL), []);
    assert_eq!(queue.grants_changed(&app("app"), no_exact), [exact, clock]);
    assert_eq!(queue.grants_changed(&app("app"), NONE), [inexact]);
    assert_eq!(queue.alarms().map(|(id, _)| id).collect::<Vec<_>>(), [other]);
}

#[test]
fn another_apps_alarm_cannot_be_told_from_none() {
    let mut queue = AlarmQueue::new(Zone::UTC);
    let id = set(&mut queue, exact(s(1)), s(0));
    let before = queue.clone();
    assert_eq!(queue.cancel(&app("other"), id), Err(Refusal::NotFound));
    assert_eq!(queue.cancel(&app("app"), AlarmId(id.0 + 1)), Err(Refusal::NotFound));
    assert_eq!(queue, before);
    queue.cancel(&app("app"), id).unwrap();
    assert_eq!(queue.cancel(&app("app"), id), Err(Refusal::NotFound));
}

#[test]
fn ids_are_never_used_again() {
    let mut queue = AlarmQueue::new(Zone::UTC);
    let first = set(&mut queue, exact(s(1)), s(0));
    queue.cancel(&app("app"), first).unwrap();
    assert_eq!(set(&mut queue, exact(s(1)), s(0)), AlarmId(first.0 + 1));
}

#[test]
fn the_next_alarm_clock_is_that_app_and_that_kind() {
    let mut queue = queue_at_monday();
    let (me, clock) = (app("app"), Kind::AlarmClock);
    assert_eq!(queue.next_alarm_clock(&me), None);
    set(&mut queue, exact(s(1)), s(0));
    set(&mut queue, alarm("other", clock, When::Elapsed(s(2))), s(0));
    assert_eq!(queue.next_alarm_clock(&me), None);
    set(&mut queue, alarm("app", clock, When::Elapsed(s(9))), s(0));
    set(&mut queue, alarm("app", clock, When::Wall(Wall::from_secs(MONDAY_S + 7))), s(0));
    assert_eq!(queue.next_alarm_clock(&me), Some(s(7)));
}

#[test]
fn the_far_end_of_time_is_never() {
    let mut queue = queue_at_monday();
    set(&mut queue, exact(Nanos::NEVER), s(0));
    set(&mut queue, alarm("app", Kind::Exact, When::Wall(Wall::NEVER)), s(0));
    assert_eq!(rings(&mut queue, s(86_400 * 365 * 200)), []);
}

#[test]
fn refusals_say_what_to_do() {
    let texts = [
        (Refusal::NotPermitted(Permission::ExactAlarms), "the app lacks the permission `alarms.exact`"),
        (Refusal::NotPermitted(Permission::Notifications), "the app lacks the permission `notifications`"),
        (Refusal::AppFull, "the app has 64 alarms: cancel one first"),
        (Refusal::QueueFull, "the device has 512 alarms: cancel one first"),
        (Refusal::TooManyApps, "128 apps use alarms: try again later"),
        (Refusal::NotFound, "the app has no such alarm: it may have rung"),
    ];
    for (refusal, text) in texts {
        assert_eq!(refusal.to_string(), text);
    }
}
