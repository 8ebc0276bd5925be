//! The wall clock is set, the zone changes, and alarms are missed.

#![expect(clippy::unwrap_used, reason = "a helper of tests may unwrap like a test")]

mod harness;

use alarm_queue::*;
use harness::*;
use nexus_abi::Nanos;

fn wall(after_monday_s: i64) -> Wall {
    Wall::from_secs(MONDAY_S + after_monday_s)
}

fn at_wall(after_monday_s: i64) -> Alarm {
    alarm("app", Kind::Exact, When::Wall(wall(after_monday_s)))
}

fn from(queue: &AlarmQueue, id: AlarmId) -> Standing {
    queue.standing(id).unwrap()
}

fn planned(at: Nanos) -> Standing {
    Standing { rings_from: Some(at), reason: Reason::Planned }
}

#[test]
fn set_back_32_minutes_elapsed_alarms_stay_and_wall_clock_ones_move() {
    let mut queue = queue_at_monday();
    let elapsed = set(&mut queue, exact(s(7_200)), s(0));
    let once = set(&mut queue, at_wall(7_200), s(0));
    let repeated = set(&mut queue, alarm("app", Kind::AlarmClock, weekly(Days::MONDAY, 120)), s(0));
    queue.clock_set(wall(3_600 - 32 * 60), s(3_600));
    assert_eq!(from(&queue, elapsed), planned(s(7_200)));
    assert_eq!(from(&queue, once), planned(s(7_200 + 32 * 60)));
    assert_eq!(from(&queue, repeated), planned(s(7_200 + 32 * 60)));
}

#[test]
fn set_forward_wall_clock_alarms_come_earlier() {
    let mut queue = queue_at_monday();
    let elapsed = set(&mut queue, exact(s(7_200)), s(0));
    let once = set(&mut queue, at_wall(7_200), s(0));
    queue.clock_set(wall(5_000), s(10));
    assert_eq!(from(&queue, elapsed), planned(s(7_200)));
    assert_eq!(from(&queue, once), planned(s(2_210)));
}

#[test]
fn without_a_clock_wall_clock_alarms_wait_and_say_so() {
    let mut queue = AlarmQueue::new(Zone::UTC);
    let once = set(&mut queue, at_wall(60), s(0));
    let repeated = set(&mut queue, alarm("app", Kind::Exact, weekly(Days::MONDAY, 1)), s(0));
    let unknown = Standing { rings_from: None, reason: Reason::ClockUnknown };
    assert_eq!((from(&queue, once), from(&queue, repeated)), (unknown, unknown));
    assert_eq!(queue.wakeup(), None);
    assert_eq!(queue.ring(s(1_000_000)), None);
    queue.clock_set(wall(0), s(5));
    assert_eq!((from(&queue, once), from(&queue, repeated)), (planned(s(65)), planned(s(65))));
}

#[test]
fn a_moment_before_the_boot_is_due_at_once() {
    let mut queue = AlarmQueue::new(Zone::UTC);
    let id = set(&mut queue, at_wall(0), s(0));
    queue.clock_set(wall(1_000), s(5));
    assert_eq!(from(&queue, id), planned(s(0)));
    let ring = queue.ring(s(5)).unwrap();
    assert_eq!((ring.late, ring.missed), (s(1_000), Some(Missed::WhileOff)));
}

#[test]
fn missed_alarms_ring_once_each_oldest_first_two_seconds_apart() {
    let mut queue = queue_at_monday();
    let ids: Vec<_> = [40, 10, 30, 20].map(|at| set(&mut queue, at_wall(at), s(0))).into();
    queue.clock_set(wall(100), s(1));
    let mut heard = Vec::new();
    while let Some(wakeup) = queue.wakeup() {
        let now = wakeup.until.max(s(1));
        let ring = queue.ring(now).unwrap();
        assert_eq!(queue.ring(now), None, "one at a time");
        assert_eq!(queue.ring(Nanos(now.after(MISSED_GAP).0 - 1)), None, "nothing stampedes");
        assert_eq!(ring.missed, Some(Missed::ClockJump));
        heard.push((ring.id, now, ring.late));
    }
    assert_eq!(
        heard,
        [(ids[1], s(1), s(90)), (ids[3], s(3), s(82)), (ids[2], s(5), s(74)), (ids[0], s(7), s(66)),]
    );
}

#[test]
fn the_distance_is_kept_however_late_the_caller_comes() {
    let mut queue = queue_at_monday();
    let ids: Vec<_> = (1..4).map(|at| set(&mut queue, at_wall(at), s(0))).collect();
    queue.clock_set(wall(100), s(0));
    assert_eq!(rings(&mut queue, s(60)), [ids[0]]);
    let next = Standing { rings_from: Some(s(62)), reason: Reason::MissedOthersFirst };
    assert_eq!(from(&queue, ids[1]), next);
    assert_eq!(rings(&mut queue, s(62)), [ids[1]]);
}

#[test]
fn alarms_that_are_on_time_do_not_wait_for_missed_ones() {
    let mut queue = queue_at_monday();
    let missed = [50, 60].map(|at| set(&mut queue, at_wall(at), s(0)));
    let on_time = set(&mut queue, exact(s(10)), s(0));
    queue.clock_set(wall(100), s(10));
    assert_eq!(rings(&mut queue, s(10)), [missed[0], on_time]);
}

#[test]
fn missed_begins_one_nanosecond_after_the_window() {
    for (kind, window) in [(Kind::Exact, 0), (Kind::AlarmClock, 0), (Kind::Inexact, 600)] {
        for (over, missed) in [(0, None), (1, Some(Missed::ClockJump))] {
            let mut queue = queue_at_monday();
            set(&mut queue, alarm("app", kind, When::Wall(wall(100))), s(0));
            queue.clock_set(Wall(wall(100 + window).0 + over), s(1));
            assert_eq!(queue.ring(s(1)).unwrap().missed, missed, "{kind:?} {over}");
        }
    }
}

#[test]
fn what_was_due_before_the_clock_was_set_is_late_but_not_missed() {
    let mut queue = queue_at_monday();
    let id = set(&mut queue, at_wall(10), s(0));
    let held = Pace { not_before: s(900), ..Pace::IN_USE };
    queue.set_pace(&app("app"), held, s(0)).unwrap();
    queue.clock_set(wall(10_000), s(10));
    assert_eq!(from(&queue, id), Standing { rings_from: Some(s(900)), reason: Reason::Standby });
    assert_eq!(queue.ring(s(900)).unwrap().missed, None);
}

#[test]
fn a_missed_alarm_is_no_longer_missed_when_the_clock_is_set_back_before_it() {
    let mut queue = queue_at_monday();
    let id = set(&mut queue, at_wall(100), s(0));
    queue.clock_set(wall(200), s(1));
    queue.clock_set(wall(50), s(2));
    assert_eq!(from(&queue, id), planned(s(52)));
    assert_eq!(queue.ring(s(52)).unwrap().missed, None);
}

#[test]
fn a_missed_alarm_stays_missed_when_the_clock_is_set_again() {
    let mut queue = queue_at_monday();
    set(&mut queue, at_wall(100), s(0));
    queue.clock_set(wall(200), s(1));
    queue.clock_set(wall(300), s(2));
    let ring = queue.ring(s(2)).unwrap();
    assert_eq!((ring.missed, ring.late), (Some(Missed::ClockJump), s(200)));
}

#[test]
fn weeks_that_the_clock_leaps_over_are_one_ring() {
    let mut queue = queue_at_monday();
    let id = set(&mut queue, alarm("app", Kind::AlarmClock, weekly(Days::MONDAY, 60)), s(0));
    queue.clock_set(wall(30 * 86_400), s(1));
    let ring = queue.ring(s(1)).unwrap();
    assert_eq!((ring.missed, ring.late), (Some(Missed::ClockJump), s(30 * 86_400 - 3_600)));
    // The sixth Monday is 35 days after the first.
    assert_eq!(from(&queue, id), planned(s(5 * 86_400 + 3_600 + 1)));
}

#[test]
fn a_small_correction_does_not_repeat_a_weekly_alarm() {
    let daily = alarm("app", Kind::AlarmClock, weekly(Days::ALL, 420));
    let rings_at = s(7 * 3_600);
    for (back_s, next_s) in [(1, 86_400 + 1), (3_600, 86_400 + 3_600), (3_601, 3_601)] {
        let mut queue = queue_at_monday();
        let id = set(&mut queue, daily.clone(), s(0));
        assert_eq!(rings(&mut queue, rings_at), [id]);
        queue.clock_set(wall(7 * HOUR_S - back_s), rings_at);
        assert_eq!(from(&queue, id), planned(rings_at.after(s(next_s as u64))), "set back {back_s} s");
    }
}

#[test]
fn in_another_zone_weekly_alarms_ring_at_its_time_and_nothing_else_moves() {
    let mut queue = queue_at_monday();
    let daily = set(&mut queue, alarm("app", Kind::AlarmClock, weekly(Days::ALL, 420)), s(0));
    let once = set(&mut queue, at_wall(7_200), s(0));
    let elapsed = set(&mut queue, exact(s(7_200)), s(0));
    queue.zone_set(Zone::new(3 * 3_600, &[]).unwrap(), s(60));
    assert_eq!(from(&queue, daily), planned(s(4 * 3_600)));
    assert_eq!(from(&queue, once), planned(s(7_200)));
    assert_eq!(from(&queue, elapsed), planned(s(7_200)));
    // Eastwards past its time: it has not been missed, it rings tomorrow.
    queue.zone_set(Zone::new(8 * 3_600, &[]).unwrap(), s(120));
    assert_eq!(from(&queue, daily), planned(s(23 * 3_600)));
}

#[test]
fn an_alarm_that_is_due_stays_due_in_another_zone() {
    let mut queue = queue_at_monday();
    let id = set(&mut queue, alarm("app", Kind::Inexact, weekly(Days::ALL, 60)), s(0));
    queue.zone_set(Zone::new(-3_600, &[]).unwrap(), s(3_600));
    assert_eq!(rings(&mut queue, s(3_600)), [id]);
}

#[test]
fn setting_the_clock_to_what_it_reads_changes_nothing_that_is_planned() {
    let mut queue = queue_at_monday();
    let ids = [
        set(&mut queue, exact(s(100)), s(0)),
        set(&mut queue, at_wall(200), s(0)),
        set(&mut queue, alarm("app", Kind::Exact, weekly(Days::ALL, 5)), s(0)),
    ];
    let before: Vec<_> = ids.iter().map(|id| queue.standing(*id)).collect();
    queue.clock_set(wall(50), s(50));
    assert_eq!(ids.iter().map(|id| queue.standing(*id)).collect::<Vec<_>>(), before);
}

#[test]
fn reasons_are_sentences() {
    let texts = [
        (Reason::Planned, "that is its time"),
        (Reason::ClockUnknown, "the wall clock is not set"),
        (Reason::MissedOthersFirst, "it was missed, and the alarms missed before it ring first"),
        (Reason::Quota, "the app has been rung for as often as its quota admits"),
        (Reason::Standby, "the app is in standby until its next maintenance window"),
    ];
    for (reason, text) in texts {
        assert_eq!(reason.text(), text);
    }
}
