//! What decisions cost with many tasks, and what becomes of the numbers at the ends of their ranges.

#![expect(clippy::unwrap_used, reason = "a helper of tests may unwrap like a test")]

mod harness;

use harness::{Arena, Hart, MS, Random, normal, settings};
use nexus_abi::QosClass;
use sched_policy::{Entities, Entity, RunQueue, Settings, Tempo, Ticks};

/// Entities that count how often one is touched: the only thing whose number can grow.
struct Counted {
    arena: Arena,
    touched: u64,
}

impl Entities<usize> for Counted {
    fn entity(&mut self, id: usize) -> &mut Entity<usize> {
        self.touched += 1;
        self.arena.entity(id)
    }
}

/// Constants of the growth, as measured: touches for each level of the tree and besides, for each operation.
const LIMITS: [(u64, u64); 5] = [(24, 28), (24, 24), (6, 14), (6, 34), (2, 12)];

/// The dearest of each operation, over 3,000 turns of a mixed life.
fn dearest(n: usize) -> [u64; 5] {
    let tempo = harness::TEMPO;
    let mut random = Random(n as u64 | 1);
    let entity = |_| {
        let shares = random.pick(&[1, 100, 100, 300, 1000]);
        Entity::new(tempo, settings(QosClass::Normal, shares, random.pick(&[0, 0, 1, 20]), 0))
    };
    let mut entities = Counted { arena: Arena((0..=n).map(entity).collect()), touched: 0 };
    let mut queue = RunQueue::new(tempo, 0);
    let mut now = 0;
    for id in 0..=n {
        queue.wake(id, Ticks(now), &mut entities);
    }
    let mut current = queue.pick(Ticks(now), &mut entities).unwrap();
    let mut most = [0; 5];
    for turn in 0..3_000 {
        let ran = match turn % 3 {
            0 => random.below(30),
            _ => queue.next_decision(current, Ticks(now), &mut entities).since(Ticks(now)).0,
        };
        now += ran;
        queue.charge(current, Ticks(ran), &mut entities);
        let cost = |most: &mut u64, entities: &mut Counted| {
            *most = (*most).max(entities.touched);
            entities.touched = 0;
        };
        entities.touched = 0;
        if turn % 3 == 0 {
            current = queue.yield_to(current, Ticks(now), &mut entities);
            cost(&mut most[0], &mut entities);
        } else {
            let last = current;
            queue.put_back(current, Ticks(now), &mut entities);
            current = queue.pick(Ticks(now), &mut entities).unwrap();
            cost(&mut most[1], &mut entities);
            if turn % 7 == 0 && last != current {
                queue.remove(last, Ticks(now), &mut entities);
                cost(&mut most[2], &mut entities);
                queue.wake(last, Ticks(now), &mut entities);
                cost(&mut most[3], &mut entities);
            }
        }
        queue.next_decision(current, Ticks(now), &mut entities);
        cost(&mut most[4], &mut entities);
    }
    most
}

#[test]
fn every_operation_grows_with_the_logarithm_only() {
    println!("| tasks | yield | put back and pick | remove | wake | next decision |");
    for n in [1_usize, 2, 4, 10, 100, 1_000, 10_000] {
        let most = dearest(n);
        println!("| {n} | {} | {} | {} | {} | {} |", most[0], most[1], most[2], most[3], most[4]);
        let levels = if n <= 4 { 0 } else { u64::from(n.ilog2() + 1) };
        for (most, (per_level, fixed)) in most.into_iter().zip(LIMITS) {
            assert!(most <= per_level * levels + fixed, "{n} tasks: {most}");
        }
    }
}

/// Twenty thousand tasks at once, each of which gets its turn.
#[test]
fn twenty_thousand_tasks_all_run() {
    let mut queue = RunQueue::new(harness::TEMPO, 0);
    let mut arena = Arena((0..20_000).map(|_| Entity::new(harness::TEMPO, normal(100))).collect());
    for id in 0..20_000 {
        queue.wake(id, Ticks(0), &mut arena);
    }
    let (mut now, mut served) = (0, vec![0_u64; 20_000]);
    let mut current = queue.pick(Ticks(0), &mut arena).unwrap();
    for _ in 0..60_000 {
        let ran = queue.next_decision(current, Ticks(now), &mut arena).0 - now;
        now += ran;
        served[current] += ran;
        queue.charge(current, Ticks(ran), &mut arena);
        queue.put_back(current, Ticks(now), &mut arena);
        current = queue.pick(Ticks(now), &mut arena).unwrap();
    }
    assert!(served.iter().all(|had| *had > 0));
}

/// Ten years at the fastest clock, in the longest charges between two tasks of the least and the greatest
/// weight: the service stays in proportion to the last request.
#[test]
fn ten_years_change_nothing() {
    let tempo = Tempo::clamped(u64::MAX);
    let all: [Settings; 2] =
        [settings(QosClass::Normal, 1, 1000, 0), settings(QosClass::Normal, 1000, 1000, 0)];
    let mut queue = RunQueue::new(tempo, 0);
    let mut arena = Arena(all.iter().map(|own| Entity::new(tempo, *own)).collect());
    let year = 31_557_600 * 1_000_000_000_u64;
    let (mut now, mut served, mut decisions) = (0_u64, [0_u64; 2], 0_u64);
    for id in 0..2 {
        queue.wake(id, Ticks(now), &mut arena);
    }
    let mut current = queue.pick(Ticks(now), &mut arena).unwrap();
    while now < 10 * year {
        // The light task's request is a millisecond a second; every so often the heavy one runs a day alone.
        let decision = queue.next_decision(current, Ticks(now), &mut arena).0;
        now = decision;
        let ran = decision - served.iter().sum::<u64>();
        served[current] += ran;
        queue.charge(current, Ticks(ran), &mut arena);
        queue.put_back(current, Ticks(now), &mut arena);
        current = queue.pick(Ticks(now), &mut arena).unwrap();
        decisions += 1;
        if decisions % 1000 == 0 {
            // Both asleep but one, for three days: nobody is charged beyond what the arithmetic carries.
            let other = 1 - current;
            queue.remove(other, Ticks(now), &mut arena);
            let days = 3 * 86_400 * 1_000_000_000_u64 / 100;
            for _ in 0..100 {
                now += days;
                queue.charge(current, Ticks(days), &mut arena);
            }
            served[current] += 100 * days;
            queue.wake(other, Ticks(now), &mut arena);
            // What it had alone does not count: both begin at the clock.
            let lag = queue.standing(current, &mut arena).lag;
            assert!(lag.abs() <= 1_010_000_000 << 16, "{lag}");
        }
    }
    let request = queue.standing(0, &mut arena).request_left;
    assert!(request <= 1_000_000_000 << 16);
}

/// The slowest clock and the fastest, every weight at the ends, every hint: nobody gets further than a request
/// from its share (the harness asserts it at 10 MHz; here it must only not overflow and still be fair).
#[test]
fn slow_and_fast_clocks_are_fair() {
    for hz in [1_000, 32_768, 1_000_000, 10_000_000, 24_000_000, 1_000_000_000] {
        let tempo = Tempo::clamped(hz);
        let weights = [1, 100, 1000];
        let mut queue = RunQueue::new(tempo, 3);
        let mut arena =
            Arena(weights.iter().map(|w| Entity::new(tempo, settings(QosClass::Idle, *w, 0, 0))).collect());
        let (mut now, mut served) = (0_u64, [0_u64; 3]);
        for id in 0..3 {
            queue.wake(id, Ticks(0), &mut arena);
        }
        let mut current = queue.pick(Ticks(0), &mut arena).unwrap();
        while now < 100 * hz {
            let decision = queue.next_decision(current, Ticks(now), &mut arena).0;
            served[current] += decision - now;
            queue.charge(current, Ticks(decision - now), &mut arena);
            now = decision;
            queue.put_back(current, Ticks(now), &mut arena);
            current = queue.pick(Ticks(now), &mut arena).unwrap();
        }
        for (weight, had) in weights.iter().zip(served) {
            let due = now * weight / 1101;
            assert!(had.abs_diff(due) <= hz / 100 + 4, "{hz} Hz, weight {weight}: {had} of {due}");
        }
    }
}

/// The best to give away is the last to run of the highest class, within the bound; it keeps its lag elsewhere.
#[test]
fn surplus_is_the_last_to_run_and_takes_its_lag_along() {
    let mut here = Hart::busy(&[normal(100); 8]);
    here.run(10 * MS);
    let standing: Vec<_> = (0..8).map(|id| here.standing(id)).collect();
    let last = (0..8).filter(|id| Some(*id) != here.current).max_by_key(|id| standing[*id].deadline).unwrap();
    let now = Ticks(here.now);
    assert_eq!(here.queue.take_surplus(0, now, &mut here.arena, |_| true), None);
    assert_eq!(here.queue.take_surplus(16, now, &mut here.arena, |_| false), None);
    let given = here.queue.take_surplus(16, now, &mut here.arena, |_| true).unwrap();
    assert_eq!(standing[given].deadline, standing[last].deadline);
    let lag = standing[given].lag;
    let mut there = RunQueue::new(harness::TEMPO, 1);
    for id in 8..12 {
        here.arena.0.push(Entity::new(harness::TEMPO, normal(100)));
        there.wake(id, now, &mut here.arena);
    }
    there.wake(given, now, &mut here.arena);
    let lag_there = there.standing(given, &mut here.arena).lag;
    assert!(lag.abs_diff(lag_there) <= 200, "{lag} there {lag_there}");
    // Asleep on the way, a debt is paid in its time.
    there.remove(given, now, &mut here.arena);
    let later = Ticks(now.0 + 10 * MS);
    here.queue.wake(given, later, &mut here.arena);
    assert!(here.queue.standing(given, &mut here.arena).lag >= 0);
}

/// The class comes before the deadline, and `may` before both.
#[test]
fn surplus_comes_from_the_highest_class_the_taker_may_run() {
    let all = [QosClass::Normal, QosClass::Interactive, QosClass::Interactive, QosClass::PerfBurst];
    let mut hart = Hart::busy(&all.map(|class| settings(class, 100, 0, 0)));
    assert_eq!(hart.current, Some(3));
    let now = Ticks(hart.now);
    let taken = hart.queue.take_surplus(16, now, &mut hart.arena, |id| id != 2);
    assert_eq!(taken, Some(1));
    assert_eq!(hart.queue.take_surplus(16, now, &mut hart.arena, |id| id == 0), Some(0));
    assert_eq!(hart.queue.take_surplus(1, now, &mut hart.arena, |_| true), Some(2));
    assert!(hart.queue.is_empty());
}
