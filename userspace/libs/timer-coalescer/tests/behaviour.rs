//! What programs have come to expect of timers, wherever they ran before.

#![expect(clippy::expect_used, reason = "a helper of tests may expect like a test")]

mod machine;

use machine::{EXACT, Machine, Random, ms, task};
use nexus_abi::{Nanos, QosClass};
use timer_coalescer::compose::class_window;
use timer_coalescer::{Ask, Period, Timers};

const NORMAL: QosClass = QosClass::Normal;
const SECOND: Nanos = Nanos(1_000_000_000);

fn every(span: Nanos) -> Period {
    Period::new(span).expect("not zero")
}

#[test]
fn sleeps_from_10_ns_to_10_s_are_never_early_and_end_with_their_window() {
    for class in QosClass::ALL {
        for exponent in 1..=10 {
            let delay = Nanos(10u64.pow(exponent));
            for start in [Nanos(0), Nanos(123_456_789), SECOND] {
                let mut machine = Machine::new();
                machine.run_until(start);
                machine.set(task(1), class, Ask::at(start.after(delay)));
                machine.run_until(start.after(delay).after(ms(20)));
                let woken: Vec<_> = machine.fired.iter().map(|(at, fired)| (*at, fired.due)).collect();
                let due = start.after(delay);
                assert_eq!(woken, [(due.after(class_window(class)), due)]);
            }
        }
    }
}

#[test]
fn whoever_is_awake_anyway_fires_what_is_due_and_sleeps_on() {
    let mut machine = Machine::new();
    machine.set(task(1), QosClass::Idle, Ask::at(ms(10)));
    machine.run_until(ms(12));
    machine.look();
    machine.run_until(SECOND);
    assert_eq!((machine.wakeups, machine.fired[0].0), (0, ms(12)));
}

#[test]
fn a_one_shot_fires_exactly_once() {
    let mut machine = Machine::new();
    machine.set(task(1), NORMAL, Ask::at(ms(10)));
    for moment in 0..100 {
        machine.run_until(ms(moment));
        machine.look();
    }
    assert_eq!((machine.fired.len(), machine.wakeups), (1, 0));
}

#[test]
fn an_interrupted_sleep_knows_what_is_left() {
    let mut machine = Machine::new();
    let id = machine.set(task(1), NORMAL, Ask::at(ms(100)));
    machine.run_until(ms(33));
    let window = machine.timers.get(task(1), id).ok().flatten().expect("it is live").window;
    assert_eq!(window.earliest().since(machine.now), ms(67));
    assert_eq!(window.latest().since(machine.now), ms(71));
    assert!(machine.cancel(task(1), id));
    assert_eq!(machine.timers.get(task(1), id), Ok(None));
    assert_eq!(machine.timers.next_wakeup(), Nanos::NEVER);
}

#[test]
fn rearming_a_live_timer_ten_times_never_fires_early() {
    let mut machine = Machine::new();
    let mut id = machine.set(task(1), NORMAL, Ask::at(ms(10)));
    for step in 1..=10 {
        machine.run_until(ms(9 * step));
        id = machine.rearm(task(1), NORMAL, id, Ask::at(ms(9 * step + 10)));
    }
    assert_eq!(machine.fired, []);
    machine.run_until(SECOND);
    assert_eq!(machine.fired.iter().map(|(at, fired)| (*at, fired.id)).collect::<Vec<_>>(), [(ms(104), id)]);
}

#[test]
fn an_overdue_deadline_fires_at_once_and_once() {
    let mut machine = Machine::new();
    machine.run_until(SECOND);
    for due in [Nanos(0), ms(1), SECOND] {
        machine.set(task(1), NORMAL, Ask::at(due));
        machine.look();
        assert_eq!(machine.fired.pop().map(|(at, fired)| (at, fired.due)), Some((SECOND, due)));
        machine.run_until(machine.now);
        assert_eq!((machine.fired.len(), machine.wakeups), (0, 0));
    }
}

#[test]
fn cancel_answers_true_before_and_false_after_and_inside_the_handler() {
    let mut machine = Machine::new();
    let before = machine.set(task(1), NORMAL, Ask::at(ms(10)));
    assert!(machine.cancel(task(1), before));
    assert!(!machine.cancel(task(1), before), "only once");
    let after = machine.set(task(1), EXACT, Ask::at(ms(20)));
    machine.run_until(ms(20));
    assert!(!machine.cancel(task(1), after));
    let (inside, periodic) = (Ask::at(ms(30)), Ask::at(ms(30)).every(every(ms(10))));
    let (inside, periodic) = (machine.set(task(1), EXACT, inside), machine.set(task(1), EXACT, periodic));
    machine.run_until(Nanos(ms(30).0 - 1));
    machine.now = ms(30);
    assert_eq!(machine.step().map(|fired| fired.id), Some(inside));
    assert!(!machine.cancel(task(1), inside));
    assert_eq!(machine.step().map(|fired| fired.id), Some(periodic));
    assert!(machine.cancel(task(1), periodic), "it would have fired again");
    machine.run_until(SECOND);
    assert_eq!(machine.fired.len(), 3);
}

/// The second of two timers that are due at once is cancelled by the handler of the first.
#[test]
fn a_handler_can_cancel_what_is_due_but_has_not_fired() {
    let mut machine = Machine::new();
    let first = machine.set(task(1), EXACT, Ask::at(ms(10)));
    let second = machine.set(task(1), EXACT, Ask::at(ms(10)));
    machine.now = ms(10);
    assert_eq!(machine.step().map(|fired| fired.id), Some(first));
    assert!(machine.cancel(task(1), second));
    assert_eq!(machine.step(), None);
}

#[test]
fn rearming_from_the_handler_works() {
    let mut machine = Machine::new();
    let mut id = machine.set(task(1), EXACT, Ask::at(ms(1)));
    for round in 1..=100 {
        machine.now = ms(round);
        assert_eq!(machine.step().map(|fired| fired.id), Some(id), "not the old one again");
        id = machine.rearm(task(1), EXACT, id, Ask::at(ms(round + 1)));
        assert_eq!(machine.step(), None);
    }
}

#[test]
fn a_timer_near_the_end_of_time_does_not_fire() {
    let mut machine = Machine::new();
    machine.run_until(SECOND);
    for due in [Nanos(u64::MAX - 1), Nanos(u64::MAX), Nanos(i64::MAX as u64)] {
        for class in QosClass::ALL {
            machine.set(task(1), class, Ask::at(due));
            machine.set(task(1), class, Ask::at(due).late_by(Nanos::from_millis(50)));
            machine.set(task(1), class, Ask::at(due).every(every(Nanos(u64::MAX - 1))));
        }
    }
    machine.look();
    machine.run_until(Nanos(SECOND.0 << 32));
    assert_eq!((machine.fired.len(), machine.wakeups), (0, 0));
    assert_eq!(machine.timers.list_of(task(1)).count(), 36);
}

#[test]
fn a_period_that_leads_past_the_end_of_time_fires_no_more_and_can_be_cancelled() {
    let mut machine = Machine::new();
    let id = machine.set(task(1), EXACT, Ask::at(ms(1)).every(every(Nanos(u64::MAX))));
    machine.run_until(SECOND);
    assert_eq!((machine.fired.len(), machine.timers.next_wakeup()), (1, Nanos::NEVER));
    let mut timers = std::mem::take(&mut machine.timers);
    assert_eq!(timers.fire(Nanos::NEVER), None, "the end of time does not come");
    assert_eq!(timers.cancel(task(1), id), Ok(true));
}

#[test]
fn none_of_256_tasks_that_set_and_cancel_at_random_loses_or_doubles_a_timer() {
    let mut random = Random::seeded(256);
    let mut machine = Machine::new();
    let mut live = Vec::new();
    let (mut set, mut cancelled) = (0, 0);
    for _ in 0..20_000 {
        let owner = task(random.below(256) as u32);
        let class = random.pick(&QosClass::ALL);
        let due = machine.now.after(Nanos(random.below(ms(5).0)));
        live.push((owner, machine.set(owner, class, Ask::at(due))));
        set += 1;
        if random.below(2) == 0 {
            let (owner, id) = live.swap_remove(random.below(live.len() as u64) as usize);
            cancelled += usize::from(machine.cancel(owner, id));
        }
        machine.run_until(machine.now.after(Nanos(random.below(ms(1).0 / 10))));
    }
    machine.run_until(machine.now.after(ms(100)));
    assert!(machine.timers.is_empty());
    assert_eq!(machine.fired.len() + cancelled, set);
    let mut ids: Vec<_> = machine.fired.iter().map(|(_, fired)| fired.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len() + cancelled, set, "no id has fired twice");
}

#[test]
fn a_thousand_rearms_do_not_move_the_clock() {
    let mut machine = Machine::new();
    let mut id = machine.set(task(1), NORMAL, Ask::at(ms(500)));
    let grid = machine.set(task(2), EXACT, Ask::at(ms(7)).every(every(ms(7))));
    for step in 0..1_000 {
        machine.run_until(Nanos(step * 333_333));
        id = machine.rearm(task(1), NORMAL, id, Ask::at(ms(500)));
    }
    machine.run_until(ms(700));
    let of = |id| machine.fired.iter().filter(move |(_, fired)| fired.id == id).map(|(at, _)| *at);
    assert!(of(grid).eq((1..=100).map(|k| ms(7 * k))));
    assert!(of(id).eq([ms(504)]));
}

#[test]
fn a_timer_set_by_a_handler_that_ran_late_keeps_its_full_delay() {
    let mut machine = Machine::new();
    machine.set(task(1), QosClass::Idle, Ask::at(ms(10)));
    machine.run_until(ms(18));
    assert_eq!(machine.fired[0].0, ms(18), "8 ms late");
    machine.run_until(ms(25));
    machine.set(task(1), QosClass::Idle, Ask::at(machine.now.after(ms(10))));
    machine.run_until(SECOND);
    assert_eq!((machine.fired[1].0, machine.fired[1].1.due), (ms(43), ms(35)));
}

#[test]
fn the_death_of_a_task_removes_all_its_timers_and_only_those() {
    let mut machine = Machine::new();
    for n in 0..180 {
        machine.set(task(n % 3), NORMAL, Ask::at(ms(u64::from(n))).every(every(ms(1 + u64::from(n)))));
    }
    let ids: Vec<_> = machine.timers.list_of(task(1)).map(|timer| timer.id).collect();
    let mut gone = Vec::new();
    machine.timers.purge(task(1), |id| gone.push(id));
    assert_eq!((gone, ids.len()), (ids, 60));
    machine.timers.purge(task(1), |_| panic!("nothing is left"));
    assert_eq!([0, 1, 2].map(|n| machine.timers.list_of(task(n)).count()), [60, 0, 60]);
    let mut fired = 0;
    while let Some(one) = machine.timers.fire(SECOND) {
        assert_ne!(one.owner, task(1));
        fired += 1;
    }
    assert_eq!(fired, 120);
}

#[test]
fn what_is_due_together_fires_by_deadline_then_by_registration() {
    let mut machine = Machine::new();
    let dues = [5, 3, 5, 1, 3, 5];
    let ids = dues.map(|due| machine.set(task(1), NORMAL, Ask::at(ms(due))));
    let moved = machine.rearm(task(1), NORMAL, ids[0], Ask::at(ms(5)));
    machine.now = ms(5);
    machine.look();
    let order: Vec<_> = machine.fired.iter().map(|(_, fired)| fired.id).collect();
    assert_eq!(order, [ids[3], ids[1], ids[4], ids[2], ids[5], moved], "setting anew is registering anew");
}

#[test]
fn a_periodic_timer_keeps_its_place_among_equals() {
    let mut machine = Machine::new();
    let first = machine.set(task(1), EXACT, Ask::at(ms(1)).every(every(ms(2))));
    let second = machine.set(task(1), EXACT, Ask::at(ms(1)).every(every(ms(1))));
    machine.run_until(ms(3));
    let order: Vec<_> = machine.fired.iter().map(|(_, fired)| fired.id).collect();
    assert_eq!(order, [first, second, second, first, second]);
}

#[test]
fn overtaken_occurrences_fire_as_one_that_says_how_many() {
    let mut machine = Machine::new();
    machine.set(task(1), QosClass::Idle, Ask::at(ms(1)).every(every(ms(1))));
    machine.run_until(ms(20));
    let fired: Vec<_> = machine.fired.iter().map(|(at, fired)| (*at, fired.due, fired.times)).collect();
    assert_eq!(fired, [(ms(9), ms(1), 9), (ms(18), ms(10), 9)], "1 to 9, then 10 to 18");
}

#[test]
fn a_new_hint_holds_for_live_timers() {
    let mut machine = Machine::new();
    machine.set(task(1), NORMAL, Ask::at(ms(100)));
    assert_eq!(machine.timers.next_wakeup(), ms(104));
    machine.timers.set_hint(Nanos::from_millis(50));
    assert_eq!(machine.timers.hint(), Nanos::from_millis(50));
    assert_eq!(machine.timers.next_wakeup(), ms(150));
    machine.run_until(ms(120));
    machine.timers.set_hint(Nanos(0));
    assert_eq!(machine.timers.next_wakeup(), ms(104), "in the past: it is for now");
}

#[test]
fn a_floor_holds_a_task_s_timers_back_and_lets_them_go_at_once() {
    let mut timers = Timers::new();
    let id = timers.register(task(1), NORMAL, Ask::at(ms(10)), Nanos(0)).expect("there is room");
    let alarm = timers.register(task(1), NORMAL, Ask::at(ms(10)).as_alarm_clock(), Nanos(0));
    timers.register(task(2), NORMAL, Ask::at(ms(10)), Nanos(0)).expect("there is room");
    timers.set_floor(task(1), ms(60_000)).expect("there is room");
    let mut fired = Vec::new();
    while let Some(one) = timers.fire(ms(30_000)) {
        fired.push((one.owner, Ok(one.id)));
    }
    assert_eq!(fired[0], (task(1), alarm), "an alarm clock passes standby");
    assert_eq!((fired.len(), timers.next_wakeup()), (2, ms(60_004)));
    timers.set_floor(task(1), Nanos(0)).expect("lifting needs no room");
    assert_eq!(timers.fire(ms(30_000)).map(|fired| (fired.id, fired.due)), Some((id, ms(10))));
}

#[test]
fn a_floored_period_stays_on_its_grid_and_loses_no_occurrence() {
    let mut machine = Machine::new();
    machine.timers.set_floor(task(1), ms(60)).expect("there is room");
    machine.set(task(1), EXACT, Ask::at(ms(7)).every(every(ms(7))));
    machine.run_until(ms(300));
    let fired: Vec<_> = machine.fired.iter().map(|(at, fired)| (at.0 / 1_000_000, fired.times)).collect();
    assert_eq!(fired, [(63, 9), (126, 9), (189, 9), (252, 9)]);
}

/// Ten years of irregular awakenings, then as many more: the count of occurrences is exact.
#[test]
fn ten_years_of_a_period_do_not_drift_by_a_nanosecond() {
    const TEN_YEARS: u64 = 10 * 365 * 86_400 * SECOND.0;
    for (start, period) in [(0, 33_333_333), (17, 1_000_000_007), (5, 86_400 * SECOND.0), (1, 3)] {
        let mut random = Random::seeded(period);
        let mut timers = Timers::with_capacity(1);
        let ask = Ask::at(Nanos(start)).every(every(Nanos(period)));
        timers.register(task(1), NORMAL, ask, Nanos(0)).expect("there is room");
        let (mut now, mut occurrences) = (0, 0);
        while now < TEN_YEARS {
            now += random.below(TEN_YEARS / 10_000);
            while let Some(fired) = timers.fire(Nanos(now)) {
                assert_eq!(fired.due.0, start + occurrences * period);
                occurrences += fired.times;
            }
            assert_eq!(occurrences, now.saturating_sub(start) / period + u64::from(now >= start));
        }
        let next = timers.list_from(0).next().expect("it is live");
        assert_eq!(next.ask.due.0, start + occurrences * period);
        assert_eq!(timers.next_wakeup(), next.ask.due.after(class_window(NORMAL)));
    }
}
