//! What is refused, and that nothing changes by it.

mod machine;

use machine::{Machine, ms, task};
use nexus_abi::{Error, Nanos, QosClass, TaskId};
use timer_coalescer::timers::FLOORS_MAX;
use timer_coalescer::{Ask, Pending, Period, Refusal, TIMERS_MAX, TIMERS_PER_OWNER_MAX, TimerId, Timers};

const NORMAL: QosClass = QosClass::Normal;

fn all(timers: &Timers) -> Vec<Pending> {
    timers.list_from(0).collect()
}

#[test]
fn test_reject_timer_registration_over_limit_of_one_task() {
    let mut machine = Machine::new();
    let other = machine.set(task(2), NORMAL, Ask::at(ms(3)));
    let ids: Vec<_> = (0..64).map(|n| machine.set(task(1), NORMAL, Ask::at(ms(10 + n)))).collect();
    let before = all(&machine.timers);
    let refused = machine.try_set(task(1), NORMAL, Ask::at(ms(1)));
    assert_eq!(refused, Err(Refusal::OwnerFull));
    assert_eq!(Error::from(Refusal::OwnerFull), Error::NoSpace);
    assert_eq!(all(&machine.timers), before, "the set is intact");
    machine.set(task(3), NORMAL, Ask::at(ms(5)));
    machine.run_until(ms(1_000));
    let by_first: Vec<_> = machine.fired.iter().filter(|(_, fired)| fired.owner == task(1)).collect();
    assert!(by_first.iter().map(|(_, fired)| fired.id).eq(ids), "all of them, in their order");
    assert!(machine.fired.iter().any(|(_, fired)| fired.id == other));
    machine.set(task(1), NORMAL, Ask::at(ms(1)));
}

#[test]
fn an_id_travels_and_comes_back_as_itself() {
    let mut machine = Machine::new();
    assert!(machine.timers.is_empty());
    let ids: Vec<_> = (0..64).map(|_| machine.set(task(1), NORMAL, Ask::at(ms(1)))).collect();
    assert!(!machine.timers.is_empty());
    for (slot, id) in ids.into_iter().enumerate() {
        assert_eq!((TimerId::from_wire(id.to_wire()), id.slot()), (id, slot));
        assert_eq!(id.to_wire() & ((1 << 26) - 1), 1 << 12 | slot as u64, "slot and holder");
        assert!(machine.cancel(task(1), TimerId::from_wire(id.to_wire())));
    }
}

#[test]
fn test_reject_timer_registration_over_limit_in_all() {
    let mut timers = Timers::new();
    for n in 0..TIMERS_MAX {
        let owner = task((n / TIMERS_PER_OWNER_MAX) as u32);
        assert!(timers.register(owner, NORMAL, Ask::at(ms(n as u64)), Nanos(0)).is_ok());
    }
    let before = all(&timers);
    let newcomer = task(9_999);
    assert_eq!(timers.register(newcomer, NORMAL, Ask::at(ms(1)), Nanos(0)), Err(Refusal::Full));
    assert_eq!(Error::from(Refusal::Full), Error::NoSpace);
    assert_eq!((all(&timers), timers.len()), (before, 4_096));
    assert!(timers.fire(ms(4)).is_some());
    assert!(timers.register(newcomer, NORMAL, Ask::at(ms(1)), ms(4)).is_ok(), "one has gone");
}

#[test]
fn rearming_a_live_timer_works_when_everything_is_full() {
    let mut timers = Timers::with_capacity(64);
    let ids: Vec<_> = (0..64)
        .map(|n| timers.register(task(1), NORMAL, Ask::at(ms(n)), Nanos(0)).expect("there is room"))
        .collect();
    let rearmed = timers.rearm(task(1), NORMAL, ids[0], Ask::at(ms(100)), Nanos(0)).expect("it has a place");
    assert!(rearmed.was_live && rearmed.id != ids[0]);
    assert_eq!(timers.rearm(task(1), NORMAL, ids[0], Ask::at(ms(100)), Nanos(0)), Err(Refusal::Full));
    assert_eq!((timers.len(), timers.list_of(task(1)).count()), (64, 64));
}

#[test]
fn test_reject_period_of_zero() {
    assert_eq!(Period::new(Nanos(0)), Err(Error::Invalid));
    assert_eq!(Period::new(Nanos(1)).map(Period::span), Ok(Nanos(1)));
}

#[test]
fn test_reject_timer_of_another_task_live_or_not() {
    let mut timers = Timers::new();
    let (mine, thief) = (task(1), task(2));
    let live = timers.register(mine, NORMAL, Ask::at(ms(50)), Nanos(0)).expect("there is room");
    let gone = timers.register(mine, NORMAL, Ask::at(ms(10)), Nanos(0)).expect("there is room");
    assert_eq!(timers.cancel(mine, gone), Ok(true));
    let before = all(&timers);
    for id in [live, gone] {
        assert_eq!(timers.cancel(thief, id), Err(Refusal::NotFound));
        assert_eq!(timers.get(thief, id), Err(Refusal::NotFound));
        assert_eq!(timers.rearm(thief, NORMAL, id, Ask::at(ms(1)), Nanos(0)), Err(Refusal::NotFound));
    }
    assert_eq!(Error::from(Refusal::NotFound), Error::NotFound);
    assert_eq!((all(&timers), timers.list_of(thief).count()), (before, 0));
}

/// An id that a task makes up for itself is answered as one of its own that is gone, whoever has the slot.
#[test]
fn test_reject_made_up_ids() {
    let mut timers = Timers::new();
    let id = timers.register(task(1), NORMAL, Ask::at(ms(50)), Nanos(0)).expect("there is room");
    let own = timers.register(task(2), NORMAL, Ask::at(ms(50)), Nanos(0)).expect("there is room");
    let before = all(&timers);
    for flipped in 0..64 {
        let forged = TimerId::from_wire(id.to_wire() ^ 1 << flipped);
        assert!(matches!(timers.cancel(task(1), forged), Ok(false) | Err(Refusal::NotFound)));
        let forged = TimerId::from_wire(own.to_wire() ^ 1 << flipped);
        assert!(matches!(timers.cancel(task(2), forged), Ok(false) | Err(Refusal::NotFound)));
    }
    assert_eq!(all(&timers), before);
}

/// The dead task's timers are still there: the new one has nothing to do with them.
#[test]
fn a_task_with_the_number_of_a_dead_one_inherits_nothing() {
    let mut timers = Timers::new();
    let (dead, heir) = (TaskId::new(7, 1), TaskId::new(7, 2));
    let id = timers.register(dead, NORMAL, Ask::at(ms(50)), Nanos(0)).expect("there is room");
    assert_eq!(timers.cancel(heir, id), Ok(false));
    assert_eq!(timers.list_of(heir).count(), 0);
    for n in 0..64 {
        assert!(timers.register(heir, NORMAL, Ask::at(ms(n)), Nanos(0)).is_ok());
    }
    timers.purge(dead, |gone| assert_eq!(gone, id));
    assert_eq!(timers.list_of(heir).count(), 64);
}

#[test]
fn test_reject_floor_over_limit() {
    let mut timers = Timers::with_capacity(16);
    for n in 0..FLOORS_MAX {
        assert_eq!(timers.set_floor(task(n as u32), ms(60_000)), Ok(()));
    }
    assert_eq!(timers.set_floor(task(999), ms(60_000)), Err(Refusal::Full));
    assert_eq!(timers.floor(task(999)), Nanos(0));
    assert_eq!(timers.set_floor(task(0), ms(1)), Ok(()), "another floor for the same task");
    for n in 0..16 {
        assert!(timers.register(task(2_000 + n), NORMAL, Ask::at(ms(1)), Nanos(0)).is_ok());
    }
    timers.purge(task(0), |_| ());
    assert_eq!(timers.set_floor(task(999), ms(60_000)), Ok(()), "a floor dies with its task");
    assert_eq!((timers.floor(task(0)), timers.floor(task(1))), (Nanos(0), ms(60_000)));
}
