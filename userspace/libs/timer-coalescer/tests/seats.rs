//! A task at its seat gets what it gets by its name, and keeps the seat until it is settled.

#![expect(clippy::expect_used, reason = "a helper of tests may expect like a test")]

use nexus_abi::{Nanos, QosClass, TaskId};
use timer_coalescer::timers::Seat;
use timer_coalescer::{Ask, Refusal, TimerId, Timers};

const NOW: Nanos = Nanos(0);
const OWNER: TaskId = TaskId::new(1, 1);
const OTHER: TaskId = TaskId::new(2, 1);

fn in_ms(ms: u64) -> Ask {
    Ask::at(Nanos::from_millis(ms))
}

fn set(timers: &mut Timers, seat: Seat, ms: u64) -> TimerId {
    timers.register_at(seat, QosClass::Normal, in_ms(ms), NOW).expect("there is room")
}

#[test]
fn what_is_done_at_a_seat_is_done_for_the_task() {
    let mut timers = Timers::with_capacity(4);
    assert_eq!(timers.seat_of(OWNER), None);
    let (seat, foreign) = (timers.open(OWNER).expect("room"), timers.open(OTHER).expect("room"));
    assert_eq!((timers.seat_of(OWNER), timers.len_at(seat)), (Some(seat), 0));
    let ids = [5, 7].map(|ms| set(&mut timers, seat, ms));
    assert_eq!((timers.len_at(seat), timers.len_of(OWNER), timers.len_at(foreign)), (2, 2, 0));
    for id in ids {
        let pending = timers.get_at(seat, id);
        assert!(matches!(pending, Ok(Some(pending)) if pending.id == id && pending.owner == OWNER));
        assert_eq!(pending, timers.get(OWNER, id));
        assert_eq!(timers.get_at(foreign, id), Err(Refusal::NotFound));
        assert_eq!(timers.cancel_at(foreign, id), Err(Refusal::NotFound));
    }
    let rearmed = timers.rearm_at(seat, QosClass::Normal, ids[0], in_ms(9), NOW).expect("it is live");
    assert!(rearmed.was_live && rearmed.id != ids[0]);
    assert_eq!(timers.get_at(seat, ids[0]), Ok(None));
    for id in [rearmed.id, ids[1]] {
        assert_eq!([(); 2].map(|()| timers.cancel_at(seat, id)), [Ok(true), Ok(false)]);
    }
    assert_eq!((timers.len_at(seat), timers.next_wakeup()), (0, Nanos::NEVER));
}

#[test]
fn a_seat_stays_until_it_is_settled_and_as_long_as_the_task_has_timers() {
    let mut timers = Timers::with_capacity(4);
    let seat = timers.open(OWNER).expect("room");
    let id = set(&mut timers, seat, 5);
    timers.settle(seat);
    assert_eq!(timers.seat_of(OWNER), Some(seat));
    assert_eq!(timers.cancel_at(seat, id), Ok(true));
    assert_eq!(timers.seat_of(OWNER), Some(seat), "it may have more to do");
    timers.settle(seat);
    assert_eq!((timers.seat_of(OWNER), timers.tasks().count()), (None, 0));
}
