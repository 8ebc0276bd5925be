//! Quotas and standby.

#![expect(clippy::unwrap_used, reason = "a helper of tests may unwrap like a test")]

mod harness;

use alarm_queue::*;
use harness::*;
use nexus_abi::Nanos;

fn quota(rings: u16, window_s: u64) -> Pace {
    Pace { quota: Quota::new(rings, s(window_s)).unwrap(), ..Pace::IN_USE }
}

/// An app that has been rung for at each of `at_s`, and has an alarm due at the last of them.
fn rung_at(pace: Pace, at_s: &[u64]) -> (AlarmQueue, AlarmId) {
    let mut queue = AlarmQueue::new(Zone::UTC);
    queue.set_pace(&app("app"), pace, s(0)).unwrap();
    for at in at_s {
        set(&mut queue, exact(s(*at)), s(*at));
        assert_eq!(rings(&mut queue, s(*at)).len(), 1);
    }
    let last = s(at_s[at_s.len() - 1]);
    let id = set(&mut queue, exact(last), last);
    (queue, id)
}

#[test]
fn after_a_quota_of_q_in_w_the_next_is_armed_at_exactly_t0_plus_w() {
    let (mut queue, id) = rung_at(quota(3, 3_600), &[10, 20, 30]);
    let admitted = s(3_610);
    assert_eq!(queue.standing(id), Some(Standing { rings_from: Some(admitted), reason: Reason::Quota }));
    assert_eq!(queue.wakeup(), Some(Wakeup { from: admitted, until: admitted }));
    assert_eq!(queue.ring(Nanos(admitted.0 - 1)), None);
    assert_eq!(queue.ring(admitted).map(|ring| (ring.id, ring.late)), Some((id, s(3_580))));
    // The window slides: the next is admitted after the second ring, not at a new hour.
    let next = set(&mut queue, exact(admitted), admitted);
    assert_eq!(queue.standing(next).unwrap().rings_from, Some(s(3_620)));
}

#[test]
fn one_below_the_quota_is_not_delayed() {
    let (mut queue, id) = rung_at(quota(4, 3_600), &[10, 20, 30]);
    assert_eq!(rings(&mut queue, s(30)), [id]);
}

#[test]
fn a_stricter_quota_arms_later_and_a_looser_one_earlier() {
    let me = app("app");
    let (mut queue, id) = rung_at(quota(3, 600), &[10, 20, 30]);
    let armed = |queue: &AlarmQueue| queue.standing(id).unwrap().rings_from;
    assert_eq!(armed(&queue), Some(s(610)));
    queue.set_pace(&me, quota(1, 3_600), s(40)).unwrap();
    assert_eq!(armed(&queue), Some(s(3_630)), "downgraded");
    queue.set_pace(&me, quota(2, 600), s(50)).unwrap();
    assert_eq!(armed(&queue), Some(s(620)), "upgraded");
    queue.set_pace(&me, Pace::IN_USE, s(60)).unwrap();
    assert_eq!(armed(&queue), Some(s(30)), "in use");
}

#[test]
fn the_64_alarms_of_an_app_in_use_may_ring_together_but_no_65th_within_a_minute() {
    let mut queue = AlarmQueue::new(Zone::UTC);
    for _ in 0..64 {
        set(&mut queue, exact(s(1)), s(0));
    }
    assert_eq!(rings(&mut queue, s(1)).len(), 64);
    let next = set(&mut queue, exact(s(1)), s(1));
    assert_eq!(rings(&mut queue, Nanos(s(61).0 - 1)), []);
    assert_eq!(rings(&mut queue, s(61)), [next]);
}

#[test]
fn of_more_rings_than_are_remembered_the_latest_64_count() {
    let mut queue = AlarmQueue::new(Zone::UTC);
    queue.set_pace(&app("app"), quota(64, 1_000), s(0)).unwrap();
    for n in 0..64 {
        set(&mut queue, exact(s(n)), s(n));
        assert_eq!(rings(&mut queue, s(n)).len(), 1);
    }
    // The 65th waits until the first is out of the window, the 66th until the second is.
    for admitted in [s(1_000), s(1_001)] {
        let id = set(&mut queue, exact(s(63)), s(63));
        assert_eq!(rings(&mut queue, Nanos(admitted.0 - 1)), []);
        assert_eq!(rings(&mut queue, admitted), [id]);
    }
}

#[test]
fn another_quota_for_apps_in_use_holds_for_all_of_them_and_for_nobody_else() {
    let mut queue = AlarmQueue::new(Zone::UTC);
    queue.set_pace(&app("paced"), quota(9, 600), s(0)).unwrap();
    let due = |name: &str| alarm(name, Kind::Exact, When::Elapsed(s(1)));
    for name in ["old", "old", "paced", "paced"] {
        set(&mut queue, due(name), s(0));
    }
    queue.set_quota(Quota::new(1, s(30)).unwrap());
    for name in ["new", "new"] {
        set(&mut queue, due(name), s(0));
    }
    let names = |queue: &mut AlarmQueue, now| -> Vec<String> {
        std::iter::from_fn(|| queue.ring(now)).map(|ring| ring.alarm.app.to_string()).collect()
    };
    assert_eq!(names(&mut queue, s(1)), ["old", "paced", "paced", "new"]);
    assert_eq!(names(&mut queue, Nanos(s(31).0 - 1)), [""; 0]);
    assert_eq!(names(&mut queue, s(31)), ["old", "new"]);
    // Looser again: apps with that pace follow, those that were paced on purpose do not.
    for name in ["old", "new"] {
        set(&mut queue, due(name), s(31));
    }
    queue.set_quota(Quota::IN_USE);
    assert_eq!(names(&mut queue, s(31)), ["old", "new"]);
}

#[test]
fn apps_with_the_quota_of_apps_in_use_are_forgotten_whatever_it_is() {
    let mut queue = AlarmQueue::new(Zone::UTC);
    queue.set_quota(Quota::new(1, s(1)).unwrap());
    for n in 0..2 * APPS_MAX {
        let name = n.to_string();
        let now = s(n as u64);
        set(&mut queue, alarm(&name, Kind::Exact, When::Elapsed(now)), now);
        assert_eq!(rings(&mut queue, now).len(), 1);
    }
}

#[test]
fn of_many_due_alarms_as_many_ring_as_the_quota_admits() {
    let mut queue = AlarmQueue::new(Zone::UTC);
    queue.set_pace(&app("app"), quota(2, 100), s(0)).unwrap();
    let ids: Vec<_> = (1..6).map(|at| set(&mut queue, exact(s(at)), s(0))).collect();
    assert_eq!(rings(&mut queue, s(10)), ids[..2]);
    assert_eq!(rings(&mut queue, s(110)), ids[2..4]);
    assert_eq!(rings(&mut queue, s(210)), ids[4..]);
}

#[test]
fn quotas_are_each_apps_own() {
    let (mut queue, _) = rung_at(quota(1, 3_600), &[10]);
    let other = set(&mut queue, alarm("other", Kind::Exact, When::Elapsed(s(11))), s(10));
    assert_eq!(rings(&mut queue, s(11)), [other]);
}

#[test]
fn alarm_clock_alarms_ring_on_time_in_standby_and_beyond_the_quota() {
    let standby = Pace { not_before: s(10_000), ..quota(1, 10_000) };
    let mut queue = AlarmQueue::new(Zone::UTC);
    queue.set_pace(&app("app"), standby, s(0)).unwrap();
    let clocks: Vec<_> =
        (0..3).map(|_| set(&mut queue, alarm("app", Kind::AlarmClock, When::Elapsed(s(5))), s(0))).collect();
    let held = set(&mut queue, exact(s(5)), s(0));
    assert_eq!(wakes_s(&queue), Some(5));
    assert_eq!(rings(&mut queue, s(5)), clocks);
    let in_standby = Standing { rings_from: Some(s(10_000)), reason: Reason::Standby };
    assert_eq!(queue.standing(held), Some(in_standby), "and alarm clocks use up no quota");
    assert_eq!(rings(&mut queue, s(10_000)), [held]);
}

#[test]
fn all_alarms_held_in_standby_ring_at_its_window_and_at_its_end() {
    let me = app("app");
    let mut queue = AlarmQueue::new(Zone::UTC);
    queue.set_pace(&me, Pace { not_before: s(900), ..Pace::IN_USE }, s(0)).unwrap();
    let ids: Vec<_> = (1..6).map(|at| set(&mut queue, exact(s(at)), s(0))).collect();
    assert_eq!(queue.wakeup(), Some(Wakeup { from: s(900), until: s(900) }), "one wake-up");
    assert_eq!(rings(&mut queue.clone(), Nanos(s(900).0 - 1)), []);
    assert_eq!(rings(&mut queue.clone(), s(900)), ids);
    queue.set_pace(&me, Pace::IN_USE, s(100)).unwrap();
    assert_eq!(rings(&mut queue, s(100)), ids);
}

#[test]
fn the_later_of_quota_and_standby_is_the_reason() {
    let (mut queue, id) = rung_at(quota(1, 100), &[10]);
    let both = |not_before| Pace { not_before: s(not_before), ..quota(1, 100) };
    for (standby_s, from_s, reason) in
        [(109, 110, Reason::Quota), (110, 110, Reason::Quota), (111, 111, Reason::Standby)]
    {
        queue.set_pace(&app("app"), both(standby_s), s(10)).unwrap();
        assert_eq!(queue.standing(id), Some(Standing { rings_from: Some(s(from_s)), reason }));
    }
}

#[test]
fn at_most_128_apps_are_remembered_and_those_that_matter_stay() {
    let mut queue = AlarmQueue::new(Zone::UTC);
    let fill = |queue: &mut AlarmQueue, from: usize, to: usize, pace| {
        (from..to).for_each(|index| queue.set_pace(&app(&format!("app{index}")), pace, s(0)).unwrap());
    };
    let strict = quota(1, 600);
    fill(&mut queue, 0, 125, strict);
    fill(&mut queue, 125, 126, Pace::IN_USE);
    set(&mut queue, exact(s(1_000)), s(0));
    set(&mut queue, alarm("rung", Kind::Exact, When::Elapsed(s(1))), s(0));
    assert_eq!(rings(&mut queue, s(1)).len(), 1);
    // app125 matters to nobody and makes room; `app` has an alarm, `rung` a ring that counts for a minute.
    queue.set_pace(&app("late1"), strict, s(1)).unwrap();
    let before = queue.clone();
    let refused = queue.set(alarm("late2", Kind::Exact, When::Elapsed(s(5))), ALL, Nanos(s(61).0 - 1));
    assert_eq!(refused, Err(Refusal::TooManyApps));
    assert_eq!(queue, before);
    assert_eq!(queue.set_pace(&app("late2"), strict, s(60)), Err(Refusal::TooManyApps));
    queue.set_pace(&app("late1"), quota(2, 2), s(60)).unwrap();
    queue.set_pace(&app("late2"), strict, s(61)).unwrap();
    assert_eq!(queue.set_pace(&app("late3"), strict, s(61)), Err(Refusal::TooManyApps));
}

#[test]
fn quotas_have_a_range() {
    assert_eq!(Quota::new(0, s(1)), None);
    assert_eq!(Quota::new(1, s(1)).map(|q| (q.rings(), q.window())), Some((1, s(1))));
    assert_eq!(Quota::new(64, s(60)), Some(Quota::IN_USE));
    assert_eq!(Quota::new(65, s(1)), None);
}
