//! Strict classes, and what a class gets that is passed over: to the tick.

mod harness;

use harness::{Hart, MS, State, settings};
use nexus_abi::QosClass::{self, Idle, Interactive, Normal, PerfBurst};
use sched_policy::{GRANT, Ticks, starvation_bound};

fn plain(class: QosClass) -> sched_policy::Settings {
    settings(class, 100, 0, 0)
}

/// Runs tick by tick and notes who ran: `(task, from, to)` for each stretch.
fn stretches(hart: &mut Hart, span: u64) -> Vec<(usize, u64, u64)> {
    let mut all: Vec<(usize, u64, u64)> = Vec::new();
    let end = hart.now + span;
    while hart.now < end {
        let Some(current) = hart.current else { break };
        let next = hart.queue.next_decision(current, Ticks(hart.now), &mut hart.arena).0.min(end);
        let from = hart.now;
        hart.run(next - from);
        match all.last_mut() {
            Some((task, _, to)) if *task == current && *to == from => *to = hart.now,
            _ => all.push((current, from, hart.now)),
        }
        if next == from {
            break;
        }
    }
    all
}

#[test]
fn each_class_waits_exactly_its_bound_and_gets_exactly_one_grant() {
    for (class, bound) in [(Interactive, 40 * MS), (Normal, 80 * MS), (Idle, 240 * MS)] {
        assert_eq!(starvation_bound(class).map(|bound| bound.0), Some(bound * 100));
        let mut hart = Hart::busy(&[plain(PerfBurst), plain(class)]);
        let grant = MS;
        let mut expected = Vec::new();
        for turn in 0..5 {
            let from = turn * (bound + grant);
            expected.push((0, from, from + bound));
            expected.push((1, from + bound, from + bound + grant));
        }
        assert_eq!(stretches(&mut hart, 5 * (bound + grant)), expected);
    }
    assert_eq!(GRANT.0, MS * 100);
    assert_eq!(starvation_bound(PerfBurst), None);
}

/// All four at once for a minute: nobody beyond its bound (the harness asserts it), and each at it at times.
#[test]
fn all_classes_together_stay_within_their_bounds() {
    let mut hart = Hart::busy(&[plain(Idle), plain(Normal), plain(Interactive), plain(PerfBurst)]);
    hart.run(60_000 * MS);
    for (class, bound) in [(Interactive, 40), (Normal, 80), (Idle, 240)] {
        let longest = hart.longest_wait[class as usize];
        assert!((bound - 2) * MS <= longest && longest <= bound * MS, "{class:?} waited {longest}");
    }
    let grants = [0, 1, 2].map(|id| hart.tasks[id].served / MS);
    assert!(grants[0] >= 248 && grants[1] >= 738 && grants[2] >= 1462, "{grants:?}");
}

/// Bounds that fall together: the grants begin early enough that each is in time. Offsets of every kind.
#[test]
fn grants_that_collide_are_all_in_time() {
    for offset in [0, 1, MS / 2, MS - 1, MS, MS + 1, 2 * MS] {
        let mut hart = Hart::new(&[plain(PerfBurst), plain(Interactive), plain(Normal), plain(Idle)]);
        hart.wake(0);
        hart.wake(3);
        hart.run(160 * MS - offset);
        hart.wake(2);
        hart.run(40 * MS + offset / 2);
        hart.wake(1);
        hart.run(1_000 * MS);
        // Interactive and Normal and Idle all were due at 240 ms or a little before; the harness checks waits.
        for id in 1..4 {
            assert!(hart.tasks[id].served >= MS, "{id} with offset {offset}");
        }
    }
}

/// Two harts' worth of Interactive work: the share of a bound grant goes to the tasks of the class in turn.
#[test]
fn a_grant_is_shared_inside_the_class() {
    let mut hart = Hart::busy(&[plain(PerfBurst), plain(Idle), plain(Idle), plain(Idle)]);
    hart.run(241 * MS * 30);
    let served: Vec<u64> = hart.tasks[1..].iter().map(|task| task.served).collect();
    assert_eq!(served.iter().sum::<u64>(), 30 * MS);
    assert!(served.iter().all(|had| had.abs_diff(10 * MS) <= MS), "{served:?}");
}

/// A higher class that wakes during a grant waits until it is over; then it runs at once.
#[test]
fn a_grant_is_not_interrupted() {
    let mut hart = Hart::busy(&[plain(Normal), plain(Idle), plain(PerfBurst)]);
    while hart.current != Some(2) {
        hart.run(1);
    }
    hart.sleep();
    let start = hart.now;
    hart.run(240 * MS);
    assert_eq!((hart.current, hart.now - start), (Some(1), 240 * MS));
    hart.wake(2);
    assert_eq!(hart.current, Some(1));
    assert!(!hart.queue.outranks(Idle));
    hart.run(MS - 1);
    assert_eq!(hart.current, Some(1));
    hart.run(1);
    assert_eq!(hart.current, Some(2));
}

/// What the granted task leaves of its grant goes to others of its class, else back to the highest.
#[test]
fn an_unused_grant_ends() {
    let mut hart = Hart::busy(&[plain(PerfBurst), plain(Idle), plain(Idle)]);
    hart.run(240 * MS);
    assert_ne!(hart.current, Some(0));
    hart.run(MS / 4);
    hart.sleep();
    let second = hart.current;
    assert!(second == Some(1) || second == Some(2));
    hart.run(MS / 4);
    hart.sleep();
    assert_eq!(hart.current, Some(0));
    let switches = hart.switches;
    hart.run(1_000 * MS);
    assert_eq!(hart.switches, switches, "nobody is passed over any more");
}

/// What a higher class interrupts is not lost: the request goes on where it was.
#[test]
fn a_higher_class_takes_the_hart_at_once_and_the_request_goes_on() {
    let mut hart = Hart::new(&[plain(Normal), plain(Normal), plain(Interactive)]);
    hart.wake(0);
    hart.wake(1);
    hart.run(MS);
    let preempted = hart.current.unwrap();
    let standing = hart.standing(preempted);
    hart.wake(2);
    assert_eq!(hart.current, Some(2));
    hart.run(5 * MS);
    assert_eq!(hart.standing(preempted), standing, "the class's clock stands still");
    hart.sleep();
    assert!(hart.current == Some(0) || hart.current == Some(1));
    assert_eq!(hart.standing(preempted).request_left, standing.request_left);
}

/// A class that runs a moment now and then is not passed over; one whose only task changes its weight is.
#[test]
fn what_counts_as_waiting() {
    let mut hart = Hart::busy(&[plain(PerfBurst), plain(Normal)]);
    hart.run(79 * MS);
    for shares in [1, 1000, 100] {
        hart.adjust(1, settings(Normal, shares, 0, 0));
    }
    hart.run(MS);
    assert_eq!(hart.current, Some(1), "changing its weight did not make it wait anew");
    hart.run(MS);
    hart.run(30 * MS);
    hart.sleep();
    assert_eq!(hart.ids(State::Asleep), [0]);
    hart.wake(0);
    assert_eq!(hart.current, Some(0));
    hart.run(80 * MS - 1);
    assert_eq!(hart.current, Some(0), "it had the hart for a moment, so it waits its whole bound again");
    hart.run(1);
    assert_eq!(hart.current, Some(1));
}
