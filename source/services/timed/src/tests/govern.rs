//! The governor, standby, alarm clocks, the wall clock, the list.

use nexus_abi::{Nanos, QosClass, ServiceId};
use nexus_service::memory::Bench;
use nexus_wire::timed::{Answer, Govern, Listed, Request, Tier, Timer};

use super::rig::{ALARMSD, POWERD, Rig, STANDBYD, World, app, at_class, by, every, ms, once};
use crate::Timed;

#[test]
fn the_hint_widens_what_is_not_urgent_and_narrows_it_again() {
    let mut rig = Rig::new();
    rig.set(app(1), once(ms(100)));
    assert_eq!(rig.govern(POWERD, Govern::Hint { hint_ns: ms(50).0 }), Answer::Done);
    assert_eq!(rig.0.deadline(), ms(150));
    rig.set(at_class(2, QosClass::Interactive), once(ms(120)));
    assert_eq!(rig.0.deadline(), ms(121));
    assert_eq!(rig.govern(POWERD, Govern::Hint { hint_ns: 0 }), Answer::Done);
    assert_eq!(rig.0.deadline(), ms(104));
}

#[test]
fn a_floor_holds_back_an_app_but_not_its_neighbours_nor_alarm_clocks() {
    let mut rig = Rig::new();
    let asleep = [1, 2].map(|n| rig.sleep(app(n), ms(100)));
    let task = app(1).task.to_wire();
    assert_eq!(rig.govern(STANDBYD, Govern::Floor { task, floor_ns: ms(60_000).0 }), Answer::Done);
    let alarmsd = by(ALARMSD, 9);
    let floor = Govern::Floor { task: alarmsd.task.to_wire(), floor_ns: ms(60_000).0 };
    assert_eq!(rig.govern(STANDBYD, floor), Answer::Done);
    let alarm = rig.set(alarmsd, Timer { tier: Tier::AlarmClock, ..once(ms(50)) });
    rig.0.run_until(ms(1_000));
    assert_eq!(rig.fired(alarmsd), [(alarm, 1)]);
    assert_eq!(asleep.map(|id| rig.is_asleep(id)), [true, false]);
    assert_eq!(rig.govern(STANDBYD, Govern::Floor { task, floor_ns: 0 }), Answer::Done);
    assert_eq!(rig.answer(asleep[0]), Answer::Woken, "at once");
}

fn clocks(rig: &mut Rig) -> (u64, Option<u64>) {
    match rig.ask(app(1), Request::Now) {
        Answer::Now { monotonic_ns, wall_ns } => (monotonic_ns, wall_ns),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_wall_clock_is_unknown_until_somebody_sets_it_and_runs_on_from_there() {
    const NEW_YEAR_2026: u64 = 1_767_225_600_000_000_000;
    let mut rig = Rig::new();
    rig.0.run_until(ms(500));
    assert_eq!(clocks(&mut rig), (ms(500).0, None));
    let set = |wall_ns| Govern::SetWall { wall_ns };
    assert_eq!(rig.govern(ServiceId::SHELL, set(NEW_YEAR_2026)), Answer::Done);
    rig.set(app(1), once(ms(900)));
    rig.0.run_until(ms(800));
    assert_eq!(clocks(&mut rig), (ms(800).0, Some(NEW_YEAR_2026 + ms(300).0)));
    assert_eq!(rig.govern(ServiceId::SHELL, set(1_000)), Answer::Done);
    assert_eq!(clocks(&mut rig), (ms(800).0, Some(1_000)));
    assert_eq!(rig.0.deadline(), ms(904), "no timer moves with it");
}

#[test]
fn a_wall_clock_known_from_the_start_is_anchored_there() {
    let mut rig = Rig::new();
    rig.0 = Bench::new(Timed::new(World::default(), Some(ms(7_000).0), Nanos(250_000)));
    rig.0.run_until(ms(1));
    assert_eq!(clocks(&mut rig), (ms(1).0, Some(ms(7_000).0 + 750_000)));
}

#[test]
fn the_list_says_who_waits_for_what_and_how_late_it_may_be() {
    let mut rig = Rig::new();
    rig.set(at_class(1, QosClass::Idle), every(ms(10), ms(30)));
    rig.sleep(app(2), ms(20));
    let first = Listed {
        place: 0,
        task: app(1).task.to_wire(),
        class: QosClass::Idle as u8,
        tier: Tier::Ordinary,
        is_sleep: false,
        earliest_ns: ms(10).0,
        latest_ns: ms(18).0,
        period_ns: Some(ms(30).0),
    };
    let second = Listed {
        place: 1,
        task: app(2).task.to_wire(),
        class: QosClass::Normal as u8,
        is_sleep: true,
        earliest_ns: ms(20).0,
        latest_ns: ms(24).0,
        period_ns: None,
        ..first
    };
    assert_eq!(rig.list(), [first, second]);
    for task in 10..40 {
        rig.set(app(task), once(ms(100)));
    }
    assert_eq!(rig.list().len(), 32, "over several pages");
}
