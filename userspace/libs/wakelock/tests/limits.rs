//! Every bound, one below and at it, with the answer when it is full.

mod harness;

use harness::*;
use nexus_abi::{Blame, Error, Nanos};
use wakelock::{
    Grant, LOCKS_MAX, LOCKS_PER_TASK, LockId, REFERENCES_MAX, Refusal, Released, Rules, Standing, WakeLocks,
};

#[test]
fn a_task_has_32_locks_and_not_one_more() {
    let mut locks = WakeLocks::default();
    for lock in 0..32 {
        hold(&mut locks, 1, &lock.to_string());
    }
    assert_eq!((locks.iter().len(), LOCKS_PER_TASK), (32, 32));
    refuses(&mut locks, request(1, "one more"), PLAIN, Refusal::TaskFull);
    let again = hold(&mut locks, 1, "0");
    assert_eq!(again.references, 2, "a reference is no lock");
    hold(&mut locks, 2, "another task's");
    assert_eq!(locks.release(task(1), again.id), Ok(Released::Held(1)));
    refuses(&mut locks, request(1, "one more"), PLAIN, Refusal::TaskFull);
    assert!(matches!(locks.release(task(1), again.id), Ok(Released::Ended(_))));
    hold(&mut locks, 1, "one more");
}

#[test]
fn the_machine_has_256_locks_and_not_one_more() {
    let mut locks = WakeLocks::default();
    for task in 0..8 {
        for lock in 0..32 {
            hold(&mut locks, task, &lock.to_string());
        }
    }
    assert_eq!((locks.iter().len(), LOCKS_MAX), (256, 256));
    refuses(&mut locks, request(8, "one more"), PLAIN, Refusal::TableFull);
    refuses(&mut locks, request(7, "one more"), PLAIN, Refusal::TaskFull);
    assert_eq!(hold(&mut locks, 7, "0").references, 2);
    assert_eq!(locks.holder_died(task(3)).len(), 32);
    hold(&mut locks, 8, "one more");
}

/// Whatever ends a task's locks, it has room for as many again.
#[test]
fn a_task_s_count_returns_to_zero_on_every_path() {
    type Path = fn(&mut WakeLocks, LockId);
    let released: Path = |locks, id| assert!(matches!(locks.release(task(1), id), Ok(Released::Ended(_))));
    let died: Path = |locks, _| drop(locks.holder_died(task(1)));
    let expired: Path = |locks, _| drop(locks.advance(locks.deadline()));
    let released_under_suspension: Path = |locks, id| {
        assert!(locks.stand("app1", Standing::Suspended).is_ok());
        assert!(locks.release(task(1), id).is_ok());
    };
    for path in [released, died, expired, released_under_suspension] {
        let mut locks = WakeLocks::default();
        let grants: Vec<Grant> = (0..32).map(|lock| hold(&mut locks, 1, &lock.to_string())).collect();
        refuses(&mut locks, request(1, "one more"), PLAIN, Refusal::TaskFull);
        for grant in grants {
            if locks.iter().any(|lock| lock.id() == grant.id) {
                path(&mut locks, grant.id);
            }
        }
        assert_eq!((locks.iter().len(), locks.demand(), locks.deadline()), (0, None, Nanos::NEVER));
        for lock in 0..32 {
            assert_eq!(hold(&mut locks, 1, &lock.to_string()).references, 1);
        }
        refuses(&mut locks, request(1, "one more"), PLAIN, Refusal::TaskFull);
    }
}

#[test]
fn rules_lower_the_limits_and_never_raise_them() {
    let mut locks = WakeLocks::new(Rules { per_task: 2, in_all: 3, ..Rules::default() });
    for (task, lock) in [(1, "a"), (1, "b"), (2, "a")] {
        hold(&mut locks, task, lock);
    }
    refuses(&mut locks, request(1, "c"), PLAIN, Refusal::TaskFull);
    refuses(&mut locks, request(2, "b"), PLAIN, Refusal::TableFull);
    assert_eq!(hold(&mut locks, 1, "a").references, 2, "a reference is no lock");

    let mut locks = WakeLocks::new(Rules { per_task: 1_000, in_all: 1_000, ..Rules::default() });
    for lock in 0..256 {
        hold(&mut locks, lock / 32, &lock.to_string());
    }
    refuses(&mut locks, request(7, "one more"), PLAIN, Refusal::TaskFull);
    refuses(&mut locks, request(8, "one more"), PLAIN, Refusal::TableFull);
}

#[test]
fn a_lock_has_1000_references_and_not_one_more() {
    let mut locks = WakeLocks::default();
    for reference in 1..=1000 {
        assert_eq!(hold(&mut locks, 1, "sync").references, reference);
    }
    assert_eq!(REFERENCES_MAX, 1000);
    refuses(&mut locks, request(1, "sync"), PLAIN, Refusal::ReferencesFull);
}

#[test]
fn every_refusal_says_what_and_whose_fault() {
    let said = [
        (Refusal::HoldTooLong, Error::Denied, "no rule allows so long a hold"),
        (Refusal::ForOthers, Error::Denied, "no rule allows locks on another app's behalf"),
        (Refusal::Differs, Error::Invalid, "held with another kind or on another app's behalf"),
        (Refusal::ReferencesFull, Error::NoSpace, "too many references to one lock"),
        (Refusal::TaskFull, Error::NoSpace, "too many locks of one task"),
        (Refusal::TableFull, Error::NoSpace, "too many locks"),
        (Refusal::NotHeld, Error::NotFound, "no such lock"),
        (Refusal::UnknownApp, Error::NotFound, "no lock is charged to this app"),
    ];
    for (refusal, error, text) in said {
        assert_eq!((refusal.error(), refusal.to_string().as_str()), (error, text));
    }
    assert_eq!(Refusal::TableFull.error().blame(), Blame::Condition);
    assert_eq!(Refusal::Differs.error().blame(), Blame::Caller);
}
