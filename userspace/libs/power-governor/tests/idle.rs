//! How deeply a hart may sleep: each boundary one unit below, at and above.

use nexus_abi::{IdleLevel, Nanos, TaskId};
use power_governor::{
    Costs, Full, Governor, IdleDecision, IdleReason, Input, LATENCY_REQUESTS_MAX, LatencyRequests, Locks,
    Mode,
};
use proptest::prelude::*;

const MS: u64 = 1_000_000;
/// Longer than anything has to be to be worth it.
const LONG: Nanos = Nanos(1000 * MS);

fn task(index: u32) -> TaskId {
    TaskId::new(index, 1)
}

fn set(mode: Mode) -> Governor {
    let mut governor = Governor::default();
    governor.hear(Input::Setting(Some(mode)));
    governor.speak();
    governor
}

fn l0(because: IdleReason) -> IdleDecision {
    IdleDecision { level: IdleLevel::L0, exit_latency: Nanos(0), because }
}

fn l1(because: IdleReason) -> IdleDecision {
    IdleDecision { level: IdleLevel::L1, exit_latency: Nanos(10_000), because }
}

fn l2() -> IdleDecision {
    IdleDecision { level: IdleLevel::L2, exit_latency: Nanos(2 * MS), because: IdleReason::Deepest }
}

#[test]
fn levels_change_exactly_at_the_boundaries_of_the_table() {
    let too_short = l1(IdleReason::TooShort);
    let never = l1(IdleReason::Mode(Mode::Performance));
    let cases = [
        (Mode::Balanced, 0, l0(IdleReason::Busy)),
        (Mode::Balanced, 1, too_short),
        (Mode::Balanced, 50 * MS - 1, too_short),
        (Mode::Balanced, 50 * MS, l2()),
        (Mode::Balanced, 50 * MS + 1, l2()),
        (Mode::Frugal, 0, l0(IdleReason::Busy)),
        (Mode::Frugal, 1, too_short),
        (Mode::Frugal, 10 * MS - 1, too_short),
        (Mode::Frugal, 10 * MS, l2()),
        (Mode::Frugal, 10 * MS + 1, l2()),
        (Mode::Performance, 0, l0(IdleReason::Busy)),
        (Mode::Performance, 1, never),
        (Mode::Performance, u64::MAX, never),
    ];
    for (mode, expected, decision) in cases {
        assert_eq!(set(mode).idle(Nanos(expected), Locks::None), decision, "{mode:?} {expected} ns");
    }
}

#[test]
fn a_wake_lock_blocks_l2_and_only_l2() {
    for mode in [Mode::Balanced, Mode::Frugal] {
        let governor = set(mode);
        assert_eq!(governor.idle(LONG, Locks::Held), l1(IdleReason::WakeLock));
        assert_eq!(governor.idle(LONG, Locks::None), l2());
        assert_eq!(governor.idle(Nanos(0), Locks::Held), l0(IdleReason::Busy));
    }
}

#[test]
fn before_the_governor_has_spoken_l1_is_the_deepest() {
    let governor = Governor::default();
    assert_eq!(governor.idle(LONG, Locks::None), l1(IdleReason::Silent));
    assert_eq!(governor.idle(Nanos(0), Locks::None), l0(IdleReason::Busy));
}

#[test]
fn a_latency_request_forbids_what_takes_longer_to_leave() {
    let mut governor = set(Mode::Balanced);
    let cases = [
        (0, l0(IdleReason::Latency(task(1)))),
        (9_999, l0(IdleReason::Latency(task(1)))),
        (10_000, l1(IdleReason::Latency(task(1)))),
        (10_001, l1(IdleReason::Latency(task(1)))),
        (2 * MS - 1, l1(IdleReason::Latency(task(1)))),
        (2 * MS, l2()),
        (2 * MS + 1, l2()),
    ];
    for (latency, decision) in cases {
        assert_eq!(governor.latency.set(task(1), Nanos(latency)), Ok(()));
        assert_eq!(governor.idle(LONG, Locks::None), decision, "{latency} ns");
    }
}

#[test]
fn a_second_stricter_latency_request_wins_and_its_removal_restores() {
    let mut governor = set(Mode::Balanced);
    assert_eq!(governor.latency.set(task(1), Nanos(MS)), Ok(()));
    assert_eq!(governor.latency.set(task(2), Nanos(5_000)), Ok(()));
    assert_eq!(governor.latency.strictest(), Some((Nanos(5_000), task(2))));
    assert_eq!(governor.idle(LONG, Locks::None), l0(IdleReason::Latency(task(2))));
    assert!(governor.latency.withdraw(task(2)));
    assert_eq!(governor.idle(LONG, Locks::None), l1(IdleReason::Latency(task(1))));
    assert!(governor.latency.withdraw(task(1)));
    assert_eq!(governor.idle(LONG, Locks::None), l2());
    assert!(!governor.latency.withdraw(task(1)), "it has none any more");
}

#[test]
fn a_task_has_one_latency_request_the_last() {
    let mut requests = LatencyRequests::default();
    for latency in [5, 9, 7] {
        assert_eq!(requests.set(task(1), Nanos(latency)), Ok(()));
        assert_eq!(requests.strictest(), Some((Nanos(latency), task(1))));
    }
    assert!(requests.withdraw(task(1)));
    assert_eq!(requests.strictest(), None);
}

#[test]
fn the_65th_latency_request_is_refused_and_changes_nothing() {
    let mut requests = LatencyRequests::default();
    for index in 0..64 {
        assert_eq!(requests.set(task(index), Nanos(100)), Ok(()));
    }
    assert_eq!((LATENCY_REQUESTS_MAX, requests.strictest()), (64, Some((Nanos(100), task(0)))));
    let was = requests.clone();
    assert_eq!(requests.set(task(64), Nanos(1)), Err(Full));
    assert_eq!(Full.to_string(), "too many latency requests");
    assert_eq!(requests, was);
    assert_eq!(requests.set(task(63), Nanos(1)), Ok(()), "changing one is no new one");
    assert!(requests.withdraw(task(5)));
    assert_eq!(requests.set(task(64), Nanos(0)), Ok(()));
    assert_eq!(requests.strictest(), Some((Nanos(0), task(64))));
}

#[test]
fn of_several_obstacles_the_strongest_is_the_reason() {
    let mut governor = set(Mode::Performance);
    assert_eq!(governor.latency.set(task(1), Nanos(MS)), Ok(()));
    assert_eq!(governor.idle(Nanos(1), Locks::Held).because, IdleReason::Mode(Mode::Performance));
    governor.hear(Input::Setting(None));
    assert_eq!(governor.idle(Nanos(1), Locks::Held).because, IdleReason::WakeLock);
    assert_eq!(governor.idle(Nanos(1), Locks::None).because, IdleReason::Latency(task(1)));
    governor.latency.withdraw(task(1));
    assert_eq!(governor.idle(Nanos(1), Locks::None).because, IdleReason::TooShort);
}

#[test]
fn a_wake_up_in_l2_waits_for_the_next_multiple_of_50_ms() {
    let costs = Costs::default();
    let cases = [
        (0, 0),
        (1, 50 * MS),
        (50 * MS - 1, 50 * MS),
        (50 * MS, 50 * MS),
        (50 * MS + 1, 100 * MS),
        (u64::MAX - 1, u64::MAX),
        (u64::MAX, u64::MAX),
    ];
    for (deadline, wake) in cases {
        assert_eq!(costs.deferred(Nanos(deadline)), Nanos(wake), "{deadline}");
    }
    let none = Costs { tick: Nanos(0), ..costs };
    assert_eq!(none.deferred(Nanos(17)), Nanos(17), "without a tick nothing waits");
}

#[test]
fn names_are_for_people() {
    let reasons = [
        (IdleReason::Busy, "busy"),
        (IdleReason::Silent, "governor silent"),
        (IdleReason::Mode(Mode::Performance), "mode"),
        (IdleReason::WakeLock, "wake lock"),
        (IdleReason::Latency(TaskId::NONE), "latency request"),
        (IdleReason::TooShort, "too short"),
        (IdleReason::Deepest, "deepest"),
    ];
    for (reason, name) in reasons {
        assert_eq!(reason.name(), name);
    }
}

proptest! {
    #[test]
    fn the_level_is_the_deepest_that_nothing_forbids(
        mode in prop::sample::select(&Mode::ALL[..]),
        expected in prop_oneof![Just(0), 1..100 * MS, any::<u64>()],
        held: bool,
        latencies in prop::collection::vec(0..4 * MS, 0..4),
    ) {
        let mut governor = set(mode);
        for (index, latency) in (0..).zip(&latencies) {
            prop_assert_eq!(governor.latency.set(task(index), Nanos(*latency)), Ok(()));
        }
        let locks = if held { Locks::Held } else { Locks::None };
        let decision = governor.idle(Nanos(expected), locks);
        let tolerated = latencies.iter().min().copied().unwrap_or(u64::MAX);
        let worth = match mode { Mode::Balanced => 50 * MS, Mode::Frugal => 10 * MS, Mode::Performance => u64::MAX };
        let l2 = expected >= worth && mode != Mode::Performance && !held && tolerated >= 2 * MS;
        let l1 = expected > 0 && tolerated >= 10_000;
        let level = if l1 && l2 { IdleLevel::L2 } else if l1 { IdleLevel::L1 } else { IdleLevel::L0 };
        prop_assert_eq!(decision.level, level);
        prop_assert!(decision.exit_latency.0 <= tolerated);
        prop_assert_eq!(decision.because == IdleReason::Deepest, level == IdleLevel::L2);
    }
}
