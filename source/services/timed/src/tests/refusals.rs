//! What is refused, that nothing changes by it, and what the audit says.

use std::vec::Vec;

use nexus_abi::{Handle, Nanos, QosClass, ServiceId};
use nexus_wire::timed::{Answer, Govern, Refusal, Request, Tier, Timer};
use timer_coalescer::compose::HINT_MAX;

use super::rig::{ALARMSD, POWERD, Rig, STANDBYD, app, at_class, by, every, ms, once};
use crate::{AUDIT_PER_SECOND, LISTENERS_MAX, Reason, SLEEPERS_MAX};

const fn refused(refusal: Refusal) -> Answer {
    Answer::Refused(refusal)
}

#[test]
fn test_reject_timer_registration_over_limit() {
    let mut rig = Rig::new();
    let ids: Vec<_> = (0..64).map(|n| rig.set(app(1), once(ms(10 + n)))).collect();
    let before = rig.list();
    assert_eq!(rig.ask(app(1), Request::Set(once(ms(1)))), refused(Refusal::OverLimit));
    assert_eq!(rig.ask(app(1), Request::Sleep { until_ns: 1, late_by_ns: 0 }), refused(Refusal::OverLimit));
    assert_eq!(rig.list(), before, "the set is intact");
    rig.set(app(2), once(ms(1)));
    rig.rearm(app(1), ids[0], once(ms(5)));
    assert_eq!(rig.list().len(), 65);
}

#[test]
fn test_reject_timer_registration_over_limit_counts_what_nobody_has_read() {
    let mut rig = Rig::new();
    let ids: Vec<_> = (0..64).map(|n| rig.set(app(1), once(ms(n)))).collect();
    rig.0.run_until(ms(1_000));
    assert_eq!(rig.list(), [], "all have fired");
    assert_eq!(rig.ask(app(1), Request::Set(once(ms(1)))), refused(Refusal::OverLimit));
    rig.rearm(app(1), ids[0], once(ms(2_000)));
    assert_eq!(rig.fired(app(1)).len(), 16);
    for n in 0..16 {
        rig.set(app(1), every(ms(2_000 + n), ms(1)));
    }
    assert_eq!(rig.ask(app(1), Request::Set(once(ms(1)))), refused(Refusal::OverLimit));
}

#[test]
fn test_reject_timer_registration_over_limit_in_all() {
    let mut rig = Rig::new();
    let ids: Vec<_> = (0..64).map(|task| [(); 64].map(|()| rig.set(app(task), once(ms(1))))).collect();
    rig.0.run_until(ms(1_000));
    assert_eq!(
        rig.ask(app(99), Request::Set(once(ms(1)))),
        refused(Refusal::Full),
        "nobody has read anything"
    );
    // One cancelled, one page read, one task dead: 1 + 16 + 64.
    rig.cancel(app(0), ids[0][0]);
    rig.fired(app(1));
    assert_eq!(rig.govern(ServiceId::EXECD, Govern::Ended { task: app(2).task.to_wire() }), Answer::Done);
    for n in 0..81 {
        rig.set(app(100 + n % 2), once(ms(5_000)));
    }
    assert_eq!(rig.ask(app(99), Request::Set(once(ms(1)))), refused(Refusal::Full));
    rig.rearm(app(3), ids[3][0], once(ms(5_000)));
}

#[test]
fn test_reject_listeners_over_limit() {
    let mut rig = Rig::new();
    let handle = |task| Handle::new(task as u16, 1);
    for task in 0..LISTENERS_MAX as u32 {
        rig.listen(app(task), handle(task), 1);
    }
    let one_more = app(LISTENERS_MAX as u32);
    let id = rig.0.call_with(one_more, &Request::Listen { bits: 1 }, Some(handle(999)));
    assert_eq!(rig.answer(id), refused(Refusal::Full));
    assert_eq!(rig.0.closed(), [handle(999)]);
    rig.listen(app(0), handle(1_000), 1);
    assert_eq!(rig.govern(ServiceId::EXECD, Govern::Ended { task: app(1).task.to_wire() }), Answer::Done);
    rig.listen(one_more, handle(999), 1);
}

#[test]
fn test_reject_bad_arguments() {
    let mut rig = Rig::new();
    let requests = [
        Request::Set(every(ms(10), Nanos(0))),
        Request::Listen { bits: 0 },
        // Without a notification.
        Request::Listen { bits: 1 },
    ];
    for request in requests {
        assert_eq!(rig.ask(app(1), request), refused(Refusal::Invalid), "{request:?}");
    }
    let too_long = Govern::Hint { hint_ns: HINT_MAX.0 + 1 };
    assert_eq!(rig.govern(POWERD, too_long), refused(Refusal::Invalid));
    assert_eq!((rig.list(), rig.0.deadline()), (Vec::new(), Nanos::NEVER));
}

#[test]
fn test_reject_timer_of_another_task() {
    let mut rig = Rig::new();
    let id = rig.set(app(1), once(ms(10)));
    let before = rig.list();
    for request in [
        Request::Cancel { id },
        Request::Remaining { id },
        Request::Rearm { id, timer: once(ms(1)) },
        Request::Cancel { id: !id },
    ] {
        assert_eq!(rig.ask(app(2), request), refused(Refusal::NotFound), "{request:?}");
    }
    assert_eq!(rig.list(), before);
}

#[test]
fn test_reject_what_needs_a_privilege_from_those_without() {
    let mut rig = Rig::new();
    rig.set(app(1), once(ms(10)));
    let before = rig.list();
    let task = app(1).task.to_wire();
    let requests = [
        (Govern::SetWall { wall_ns: 1 }, ServiceId::SHELL),
        (Govern::Hint { hint_ns: HINT_MAX.0 }, POWERD),
        (Govern::Floor { task, floor_ns: ms(60_000).0 }, STANDBYD),
        (Govern::Ended { task }, ServiceId::EXECD),
        (Govern::List { from: 0 }, ServiceId::SHELL),
    ];
    let services = [
        ServiceId::APP,
        ServiceId::INIT,
        ServiceId::EXECD,
        ServiceId::SHELL,
        ServiceId::POLICYD,
        POWERD,
        STANDBYD,
        ALARMSD,
    ];
    for (request, privileged) in requests {
        for service in services.into_iter().filter(|service| *service != privileged) {
            assert_eq!(rig.govern(service, request), refused(Refusal::NotAllowed), "{service:?} {request:?}");
        }
    }
    assert_eq!((rig.list(), rig.0.deadline()), (before, ms(14)));
    let Answer::Now { wall_ns, .. } = rig.ask(app(1), Request::Now) else { panic!() };
    assert_eq!(wall_ns, None);
}

#[test]
fn test_reject_alarm_clock_without_privilege() {
    let mut rig = Rig::new();
    let alarm = Timer { tier: Tier::AlarmClock, ..once(ms(10)) };
    let id = rig.set(app(1), once(ms(10)));
    for request in [Request::Set(alarm), Request::Rearm { id, timer: alarm }] {
        assert_eq!(rig.ask(app(1), request), refused(Refusal::NotAllowed));
    }
    assert_eq!(rig.0.deadline(), ms(14));
    rig.set(by(ALARMSD, 9), alarm);
    assert_eq!(rig.0.deadline(), ms(10));
}

#[test]
fn an_idle_task_that_asks_for_a_perf_burst_window_gets_its_own() {
    let mut rig = Rig::new();
    rig.set(at_class(1, QosClass::Idle), Timer { late_by_ns: 1, ..once(ms(10)) });
    assert_eq!(rig.0.deadline(), ms(18));
}

#[test]
fn test_reject_sleepers_over_limit() {
    let mut rig = Rig::new();
    for task in 0..SLEEPERS_MAX as u32 {
        rig.sleep(app(task), ms(10));
    }
    let one_more = app(SLEEPERS_MAX as u32);
    assert_eq!(rig.ask(one_more, Request::Sleep { until_ns: 1, late_by_ns: 0 }), refused(Refusal::Full));
    rig.set(one_more, once(ms(10)));
    rig.0.run_until(ms(20));
    let id = rig.sleep(one_more, ms(30));
    assert!(rig.is_asleep(id));
}

#[test]
fn every_registration_is_audited_with_its_reason() {
    let mut rig = Rig::new();
    let id = rig.set(app(1), once(ms(10)));
    rig.ask(app(1), Request::Set(every(ms(10), Nanos(0))));
    rig.ask(app(2), Request::Rearm { id, timer: once(ms(10)) });
    rig.ask(app(1), Request::Set(Timer { tier: Tier::AlarmClock, ..once(ms(10)) }));
    rig.rearm(app(1), id, once(ms(10)));
    let told: Vec<_> =
        rig.0.service.surroundings.audits.iter().map(|audit| (audit.caller, audit.reason)).collect();
    let expected = [
        (app(1), Reason::Applied),
        (app(1), Reason::InvalidArgs),
        (app(2), Reason::NotFound),
        (app(1), Reason::NotAllowed),
        (app(1), Reason::Applied),
    ];
    assert_eq!(told, expected);
    assert_eq!(Reason::OverLimit.names(), ("deny", "over_limit"));
}

#[test]
fn the_audit_is_bounded_and_says_how_much_it_leaves_out() {
    let mut rig = Rig::new();
    for _ in 0..100 {
        rig.set(app(1), once(ms(10)));
        rig.0.run_until(rig.0.now().after(ms(5)));
        rig.fired(app(1));
    }
    assert_eq!(rig.0.service.surroundings.audits.len(), AUDIT_PER_SECOND as usize);
    rig.0.run_until(ms(1_000));
    rig.set(app(1), once(ms(2_000)));
    let untold = rig.0.service.surroundings.audits.last().map(|audit| audit.untold);
    assert_eq!(untold, Some(100 - AUDIT_PER_SECOND));
}

/// 64 tasks with 64 timers each have all there are. One of them dies and nobody says so.
#[test]
fn who_died_without_a_word_makes_room_when_there_is_none() {
    let mut rig = Rig::new();
    for task in 0..64 {
        for n in 0..64 {
            rig.set(app(task), once(ms(10_000 + n)));
        }
    }
    let set = |rig: &mut Rig| rig.ask(app(100), Request::Set(once(ms(5_000))));
    assert_eq!(set(&mut rig), Answer::Refused(Refusal::Full));
    rig.0.service.surroundings.dead.push(app(7).task);
    assert_eq!(set(&mut rig), Answer::Refused(Refusal::Full), "it has looked a moment ago");
    rig.0.run_until(crate::SEARCH_PAUSE);
    assert!(matches!(set(&mut rig), Answer::Set { .. }));
    let listed = rig.list();
    assert_eq!(listed.len(), 63 * 64 + 1);
    assert!(listed.iter().all(|timer| timer.task != app(7).task.to_wire()));
}
