//! The queue a hart asks: that what it leaves out changes nothing, and that nobody is lost on the way.

mod harness;
mod machine;

use harness::{MS, Random, TEMPO, normal, settings};
use machine::{Machine, State};
use nexus_abi::QosClass;
use sched_policy::{LATENCY, Settings, TRIFLE, Ticks};

#[test]
fn one_that_is_alone_has_no_decisions_and_the_next_waits_for_a_trifle() {
    let mut machine = Machine::new(&[normal(100), normal(100)]);
    machine.wake(0);
    assert_eq!(machine.queue.next_decision(Ticks(0), &mut machine.arena), Ticks::NEVER);
    machine.run(MS);
    machine.wake(1);
    let wait = TEMPO.at_most(TRIFLE).0 + 1;
    assert_eq!(machine.queue.next_decision(Ticks(machine.now), &mut machine.arena), Ticks(MS + wait));
    machine.run(wait);
    assert_eq!((machine.running(), &machine.served[..]), (Some(1), &[MS + wait, 0][..]));
    // It runs for as long as it had to wait, then the first has the rest of its request; rounding costs each a tick.
    let turn = wait + 1;
    machine.run(turn);
    assert_eq!((machine.running(), &machine.served[..]), (Some(0), &[MS + wait, turn][..]));
    let half = TEMPO.at_least(LATENCY).0 / 2;
    machine.run(half - MS - wait + 1);
    assert_eq!((machine.running(), &machine.served[..]), (Some(1), &[half + 1, turn][..]));
}

#[test]
fn one_that_has_run_for_long_makes_room_at_once() {
    let mut machine = Machine::new(&[normal(100), normal(100)]);
    machine.wake(0);
    machine.run(50 * MS);
    machine.wake(1);
    assert_eq!(machine.running(), Some(1));
    machine.run(200 * MS);
    let shares = [machine.served[0] - 50 * MS, machine.served[1]];
    assert!(shares[0].abs_diff(shares[1]) <= TEMPO.at_least(LATENCY).0 / 2, "{shares:?}");
}

#[test]
fn two_that_wake_each_other_are_never_entered() {
    let mut machine = Machine::new(&[normal(100), normal(100)]);
    machine.wake(0);
    for round in 0..1000 {
        let other = 1 - machine.running().unwrap();
        assert!(machine.queue.has_free_door() && machine.arena.0[other].is_plain(), "round {round}");
        machine.queue.wait_at_door(other, Ticks(machine.now));
        machine.state[other] = State::Waiting;
        machine.run(TEMPO.at_most(TRIFLE).0);
        machine.sleep_quickly();
        assert_eq!(machine.running(), Some(other));
    }
    assert_eq!(machine.served[0], machine.served[1]);
}

#[test]
fn more_than_a_trifle_is_a_debt() {
    let mut machine = Machine::new(&[normal(100), normal(100)]);
    machine.wake(0);
    machine.wake(1);
    let wait = TEMPO.at_most(TRIFLE).0 + 1;
    machine.run(wait + MS);
    assert_eq!(
        (machine.queue.next_at_door(Ticks(machine.now)), &machine.served[..]),
        (None, &[wait, MS][..])
    );
    machine.sleep();
    assert_eq!(machine.running(), Some(0));
    assert!(!machine.arena.0[1].is_plain());
    machine.wake(1);
    machine.run(MS - wait);
    assert_eq!(machine.served, [MS, MS], "the other has had as much before it is its turn again");
    machine.run(TEMPO.at_least(LATENCY).0 * 10);
    assert!(machine.served[0].abs_diff(machine.served[1]) <= TEMPO.at_least(LATENCY).0 / 2);
}

#[test]
fn equal_tasks_that_yield_take_turns() {
    for count in [2, 3, 4, 5, 9, 40] {
        let mut machine = Machine::new(&vec![normal(100); count]);
        for id in 0..count {
            machine.wake(id);
        }
        let mut turns = vec![0; count];
        for _ in 0..count * 20 {
            machine.run(2);
            turns[machine.running().unwrap()] += 1;
            machine.yield_now();
        }
        assert!(turns.iter().all(|had| (19..=21).contains(had)), "{turns:?}");
    }
}

#[test]
fn ratios_hold_for_any_weights_however_they_come() {
    for weights in [[300, 100, 0, 0, 0], [1000, 10, 0, 0, 0], [100, 200, 300, 500, 800]] {
        let all: Vec<Settings> = weights.iter().filter(|weight| **weight > 0).map(|w| normal(*w)).collect();
        let total: u64 = weights.iter().sum();
        let mut machine = Machine::new(&all);
        for id in 0..all.len() {
            machine.wake(id);
            machine.run(MS / 3);
        }
        let before = machine.served.clone();
        for window in 1..=10 {
            machine.run(500 * MS);
            for id in 0..all.len() {
                let had = machine.served[id] - before[id];
                let due = window * 500 * MS * weights[id] / total;
                let request = 2 * TEMPO.at_least(LATENCY).0 * weights[id] / total + 2;
                assert!(had.abs_diff(due) <= request, "{id} of {weights:?} had {had} of {due}");
            }
        }
    }
}

/// A server that is called runs on in its client's name: together they have one share.
#[test]
fn a_claim_that_is_handed_on_is_one_claim() {
    let mut machine = Machine::new(&[normal(100), normal(100), normal(100)]);
    machine.wake(0);
    machine.wake(2);
    for _ in 0..400 {
        machine.run(MS / 2);
        let now = Ticks(machine.now);
        let claim = machine.running().unwrap();
        if claim == 2 {
            continue;
        }
        machine.charge();
        let peer = 1 - claim;
        machine.queue.hand_on(peer, now, &mut machine.arena);
        machine.state.swap(claim, peer);
    }
    let pair = machine.served[0] + machine.served[1];
    assert!(pair.abs_diff(machine.served[2]) <= 2 * TEMPO.at_least(LATENCY).0, "{:?}", machine.served);
}

#[test]
fn random_histories_lose_nobody_and_starve_nobody() {
    for seed in 1..=60 {
        let mut random = Random(seed * 0x9E37_79B9);
        let any = |random: &mut Random| {
            let class =
                random.pick(&[QosClass::Idle, QosClass::Normal, QosClass::Normal, QosClass::PerfBurst]);
            let shares = random.pick(&[100, 100, 100, 1, 37, 1000]);
            let latency = random.pick(&[0, 0, 0, 1, 20]);
            settings(class, shares, latency, random.pick(&[0, 0, 0, 3]))
        };
        let all: Vec<Settings> = (0..7).map(|_| any(&mut random)).collect();
        let mut machine = Machine::new(&all);
        for _ in 0..3_000 {
            let id = random.below(7) as usize;
            match random.below(10) {
                0..4 if machine.state[id] == State::Asleep => machine.wake(id),
                4 => machine.sleep(),
                5 => machine.sleep_quickly(),
                6 if machine.state[id] == State::Asleep && random.below(2) == 0 => machine.hand_over(id),
                6 => machine.yield_now(),
                7 if random.below(8) == 0 => drop(machine.give_away()),
                8 if random.below(8) == 0 => {
                    let settings = any(&mut random);
                    machine.adjust(id, settings);
                }
                _ => machine.run(random.pick(&[1, 40, 400, 3_000, 30_000])),
            }
        }
    }
}
