//! Many that come at once and have little to do: they run in the order in which they came, and as soon as one of them has
//! more to do all are weighed.

mod harness;
mod machine;

use harness::{MS, Random, TEMPO, normal, settings};
use machine::{Machine, State};
use nexus_abi::QosClass;
use sched_policy::{Settings, TRIFLE, Ticks, starvation_bound};

/// A microsecond.
const US: u64 = MS / 1000;

/// All wake at once while nothing runs.
fn gather(machine: &mut Machine, who: impl Iterator<Item = usize>) {
    for id in who {
        machine.queue.add(id, Ticks(machine.now), &mut machine.arena);
        machine.state[id] = State::Waiting;
    }
    machine.decide();
}

/// The same, and they do a little each, and sleep again: who ran, in order.
fn crowd(machine: &mut Machine, who: impl Iterator<Item = usize>, span: u64) -> Vec<usize> {
    gather(machine, who);
    let mut order = Vec::new();
    while let Some(id) = machine.running() {
        order.push(id);
        machine.run(span);
        assert_eq!(machine.running(), Some(id), "nobody is interrupted");
        assert!(!machine.queue.is_contest(), "there is nothing to weigh");
        machine.sleep_quickly();
    }
    order
}

#[test]
fn a_crowd_with_little_to_do_runs_in_the_order_in_which_it_came() {
    let mut machine = Machine::new(&vec![normal(100); 256]);
    for round in 0..20 {
        let who = || (0..256).map(|n| (n * 77 + round) % 256);
        machine.run(MS);
        assert_eq!(crowd(&mut machine, who(), TEMPO.at_most(TRIFLE).0), who().collect::<Vec<_>>());
    }
}

#[test]
fn in_line_the_higher_class_goes_first() {
    let classes = [QosClass::Idle, QosClass::Normal, QosClass::Interactive, QosClass::PerfBurst];
    let all: Vec<Settings> = (0..12).map(|id| settings(classes[id % 4], 100, 0, 0)).collect();
    let mut machine = Machine::new(&all);
    assert_eq!(crowd(&mut machine, 0..12, 5 * US), [3, 7, 11, 2, 6, 10, 1, 5, 9, 0, 4, 8]);
}

#[test]
fn who_stays_longer_than_a_trifle_is_weighed_against_all_in_line() {
    let mut machine = Machine::new(&[normal(100); 10]);
    gather(&mut machine, 0..10);
    let wait = TEMPO.at_most(TRIFLE).0 + 1;
    assert_eq!(machine.queue.next_decision(Ticks(0), &mut machine.arena), Ticks(wait));
    machine.run(wait);
    assert!(machine.queue.is_contest());
    assert_eq!((machine.served[0], machine.running() == Some(0)), (wait, false));
    machine.run(1_000 * MS);
    let (least, most) = (machine.served.iter().min().unwrap(), machine.served.iter().max().unwrap());
    assert!(most - least <= 5 * MS, "{:?}", machine.served);
}

#[test]
fn too_many_for_a_line_are_weighed() {
    let mut machine = Machine::new(&vec![normal(100); 300]);
    gather(&mut machine, 0..256);
    for id in 256..258 {
        assert!(!machine.queue.is_contest(), "one runs, 255 are in line");
        machine.wake(id);
    }
    assert!(machine.queue.is_contest());
    machine.run(2_000 * MS);
    assert!(machine.served[..258].iter().all(|had| *had > 0));
}

#[test]
fn a_line_below_a_higher_class_waits_exactly_its_bound() {
    for waits in [0, US, 300 * US, 900 * US] {
        let all = [settings(QosClass::PerfBurst, 200, 1, 1), normal(100), normal(100), normal(100)];
        let mut machine = Machine::new(&all);
        machine.wake(0);
        machine.run(5 * MS);
        let came = machine.now;
        for id in 1..4 {
            machine.wake(id);
            assert_eq!((machine.running(), machine.queue.has_line()), (Some(0), true));
            machine.run(waits / 3);
        }
        let bound = TEMPO.at_most(starvation_bound(QosClass::Normal).unwrap()).0;
        machine.run(bound - (machine.now - came) - 1);
        assert_eq!((machine.running(), &machine.served[1..]), (Some(0), &[0, 0, 0][..]));
        machine.run(2);
        assert_eq!(machine.running(), Some(1), "{waits}");
    }
}

#[test]
fn higher_ones_that_take_turns_do_not_starve_a_line() {
    let burst = settings(QosClass::PerfBurst, 100, 0, 0);
    let mut machine = Machine::new(&[burst, burst, normal(100), normal(100)]);
    machine.wake(0);
    machine.wake(2);
    machine.wake(3);
    // The oracle of the machine looks at the bound at every step.
    for _ in 0..5_000 {
        let other = 1 - machine.running().filter(|id| *id < 2).unwrap_or(0);
        if machine.state[other] == State::Asleep {
            machine.wake(other);
        }
        machine.run(20 * US);
        machine.sleep();
    }
    assert!(machine.served[2] + machine.served[3] > 0);
}

#[test]
fn those_who_hand_the_hart_to_each_other_keep_nobody_in_line_waiting() {
    for waiting in [1, 2, 5] {
        let mut machine = Machine::new(&[normal(100); 8]);
        gather(&mut machine, [0].into_iter().chain(2..2 + waiting));
        for _ in 0..5_000 {
            machine.run(20 * US);
            match machine.running() {
                Some(pair @ 0..2) => machine.hand_over(1 - pair),
                _ => machine.sleep(),
            }
            assert!(machine.now < 2 * MS || machine.served[2..2 + waiting].iter().all(|had| *had > 0));
        }
    }
}

#[test]
fn those_in_line_that_yield_take_turns() {
    let mut machine = Machine::new(&[normal(100); 5]);
    gather(&mut machine, 0..5);
    for turn in 0..100 {
        assert_eq!(machine.running(), Some(turn % 5));
        machine.run(10 * US);
        machine.yield_now();
        assert!(!machine.queue.is_contest());
    }
}

#[test]
fn what_is_changed_in_line_counts_at_once() {
    let mut machine = Machine::new(&[normal(100); 6]);
    gather(&mut machine, 0..6);
    assert!(machine.queue.has_line());
    machine.adjust(4, settings(QosClass::Interactive, 100, 0, 0));
    assert_eq!(machine.running(), Some(4));
    machine.sleep();
    machine.adjust(5, normal(1000));
    machine.run(500 * MS);
    let others: u64 = machine.served[..4].iter().sum();
    assert!(machine.served[5] > 2 * others, "{:?}", machine.served);
}

#[test]
fn random_crowds_lose_nobody_and_starve_nobody() {
    for seed in 1..=60 {
        let mut random = Random(seed * 0x85EB_CA6B);
        let plain = |random: &mut Random| {
            let classes = [QosClass::Idle, QosClass::Normal, QosClass::Normal, QosClass::Interactive];
            settings(random.pick(&classes), 100, 0, 0)
        };
        let mut all: Vec<Settings> = (0..20).map(|_| plain(&mut random)).collect();
        all.extend([settings(QosClass::PerfBurst, 200, 1, 1), settings(QosClass::Normal, 300, 0, 0)]);
        let mut machine = Machine::new(&all);
        for _ in 0..4_000 {
            let id = random.below(22) as usize;
            match random.below(12) {
                0 => {
                    while machine.running().is_some() {
                        machine.sleep();
                    }
                    gather(&mut machine, (0..20).filter(|n| n * 7 % 20 < id));
                }
                1..5 if machine.state[id] == State::Asleep => machine.wake(id),
                5..8 => machine.sleep(),
                8 => machine.sleep_quickly(),
                9 if machine.state[id] == State::Asleep && random.below(2) == 0 => machine.hand_over(id),
                9 => machine.yield_now(),
                10 if random.below(16) == 0 => drop(machine.give_away()),
                11 if random.below(16) == 0 => {
                    let settings = plain(&mut random);
                    machine.adjust(id, settings);
                }
                _ => machine.run(random.pick(&[1, 20, 50, 100, 200, 400, 600, 12_000])),
            }
        }
    }
}
