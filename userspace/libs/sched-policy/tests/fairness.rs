//! Fairness inside a class, against the ideal machine that serves all at once in proportion to their weights.

mod harness;

use harness::{Hart, MS, Random, State, TEMPO, UNIT, normal, request_units, settings};
use nexus_abi::QosClass;
use proptest::prelude::*;
use sched_policy::{FIRST_PART, Settings};

fn any_settings(bursts: &'static [u64]) -> impl Strategy<Value = Settings> {
    let shares = prop_oneof![Just(100), Just(1), Just(1000), 1..=1000_u64];
    let latency = prop_oneof![3 => Just(0), 1 => 1..=50_u64, 1 => Just(1000_u64)];
    (shares, latency, proptest::sample::select(bursts))
        .prop_map(|(shares, latency, burst)| settings(QosClass::Normal, shares, latency, burst))
}

/// Tasks that all want to run all the time: what each should have had is its share of the time, exactly.
fn follow_the_ideal(all: &[Settings], rounds: u64, span: u64) {
    let mut hart = Hart::busy(all);
    let weight: u64 = all.iter().map(|own| u64::from(own.shares.get())).sum();
    let requests: Vec<i64> = all.iter().map(|own| request_units(*own, weight, all.len() as u64)).collect();
    let bursts = |id: usize| {
        let others = all.iter().enumerate().filter(|(other, _)| *other != id);
        others.map(|(_, own)| i64::from(own.burst.as_ms()) * MS as i64 * UNIT).max().unwrap_or(0)
    };
    // The first requests were made while only some of the tasks were awake.
    let first: Vec<i64> = hart.tasks.iter().map(|task| task.request_max).collect();
    let slop = (all.len() as i64 + 4) * UNIT;
    for _ in 0..rounds {
        hart.run(span);
        for id in 0..all.len() {
            let ideal = i128::from(hart.now) * i128::from(UNIT) * i128::from(all[id].shares.get());
            let had = i128::from(hart.tasks[id].served) * i128::from(UNIT);
            let lag = (ideal / i128::from(weight) - had) as i64;
            let request = requests[id].max(first[id]);
            assert!(-request - slop <= lag, "{id} is {} ahead, request {request}", -lag);
            assert!(lag <= request + bursts(id) + slop, "{id} is owed {lag}, request {request}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// At every moment nobody is further than one request from what the ideal machine would have given it.
    #[test]
    fn lag_stays_within_one_request(
        all in proptest::collection::vec(any_settings(&[0]), 1..12),
        span in 1..20_000_u64,
    ) {
        follow_the_ideal(&all, 150, span);
    }

    /// Nor further than that and the longest burst of another.
    #[test]
    fn bursts_delay_others_by_no_more_than_their_length(
        all in proptest::collection::vec(any_settings(&[0, 0, 1, 7, 100]), 1..12),
        span in 1..50_000_u64,
    ) {
        follow_the_ideal(&all, 150, span);
    }

    /// Over any interval the service of two tasks is in the ratio of their weights, within a request of each.
    #[test]
    fn service_is_in_the_ratio_of_weights_over_any_interval(
        shares in proptest::collection::vec(1..=1000_u64, 2..10),
    ) {
        let all: Vec<Settings> = shares.into_iter().map(normal).collect();
        prop_assert!(spread(&all) <= 1.0);
    }

    /// With different latencies, within two requests of each.
    #[test]
    fn service_is_in_the_ratio_of_weights_whatever_the_latencies(
        all in proptest::collection::vec(any_settings(&[0]), 2..8),
    ) {
        let apart = spread(&all);
        prop_assert!(apart <= 2.0, "{apart}");
    }
}

/// How far apart any two of these tasks get over any interval, in requests of both.
fn spread(all: &[Settings]) -> f64 {
    // The requests from before all were awake end first; the heaviest wake first, so those end soon.
    let mut all = all.to_vec();
    all.sort_by_key(|own| core::cmp::Reverse(own.shares));
    let all = &all;
    let mut hart = Hart::busy(all);
    let weight: u64 = all.iter().map(|own| u64::from(own.shares.get())).sum();
    let first =
        |id: usize| (hart.tasks[id].request_max / UNIT) as u64 * weight / u64::from(all[id].shares.get());
    hart.run((0..all.len()).map(first).max().unwrap_or(0) * 2);
    let start: Vec<u64> = hart.tasks.iter().map(|task| task.served).collect();
    let mut range = vec![vec![(0_i64, 0_i64); all.len()]; all.len()];
    for _ in 0..400 {
        hart.run(MS / 3);
        let point = |id: usize| (hart.tasks[id].served - start[id]) as i64 * UNIT / shares_of(all, id);
        for (i, row) in range.iter_mut().enumerate() {
            for (j, (least, most)) in row.iter_mut().enumerate() {
                let apart = point(i) - point(j);
                (*least, *most) = ((*least).min(apart), (*most).max(apart));
            }
        }
    }
    let request = |id: usize| request_units(all[id], weight, all.len() as u64) / shares_of(all, id);
    let mut worst: f64 = 0.0;
    for (i, row) in range.into_iter().enumerate() {
        for (j, (least, most)) in row.into_iter().enumerate().take(i) {
            // A tick of each is how exactly a hart can be switched.
            let exact = all.len() as i64 * (UNIT / shares_of(all, i) + UNIT / shares_of(all, j));
            worst = worst.max((most - least - 2 * exact) as f64 / (request(i) + request(j)) as f64);
        }
    }
    worst
}

fn shares_of(all: &[Settings], id: usize) -> i64 {
    i64::from(all[id].shares.get())
}

/// Two and five spinners with the weights people look at: the error in every half second, and over five.
#[test]
fn shares_hold_in_every_half_second() {
    for weights in [&[300, 100][..], &[100, 1], &[1000, 10], &[1, 2, 3, 5, 8], &[100, 100]] {
        let all: Vec<Settings> = weights.iter().map(|weight| normal(*weight)).collect();
        let total: u64 = weights.iter().sum();
        let mut hart = Hart::busy(&all);
        // Samples every 7 ms, so that windows begin anywhere in a round.
        let mut samples = vec![vec![0; weights.len()]];
        for _ in 0..5_200 / 7 {
            hart.run(7 * MS);
            samples.push(hart.tasks.iter().map(|task| task.served).collect());
        }
        let check = |from: usize, to: usize, permille: u64| {
            let span = (to - from) as u64 * 7 * MS;
            for (id, weight) in weights.iter().enumerate() {
                let (had, due) = (samples[to][id] - samples[from][id], span * weight / total);
                assert!(
                    had.abs_diff(due) * 1000 <= due * permille,
                    "{weights:?} from {from}: {had} of {due}"
                );
            }
        };
        let window = 500 / 7 + 1;
        // The first requests were made while some were not awake yet: they end within 105 ms.
        for from in 15..samples.len() - window {
            check(from, from + window, 20);
        }
        check(15, samples.len() - 1, 5);
    }
}

/// A sleeper that wakes gets its first request served within its latency, however long it slept and however
/// many spin: it is not punished. It is served no more than its share and one request: it hoards nothing.
#[test]
fn a_waking_sleeper_is_neither_punished_nor_favoured() {
    for spinners in [1, 3, 7] {
        for nap in [1, 40 * MS, 10_000 * MS] {
            let mut all = vec![normal(100); spinners];
            all.push(settings(QosClass::Normal, 100, 5, 0));
            let mut hart = Hart::busy(&all);
            let sleeper = spinners;
            for _ in 0..20 {
                hart.run(60 * MS);
                while hart.current != Some(sleeper) {
                    hart.run(1);
                }
                hart.sleep();
                hart.run(nap);
                let before = hart.tasks[sleeper].served;
                let debt = (-hart.standing_away(sleeper)).max(0);
                hart.wake(sleeper);
                let weight = 100 * (spinners as u64 + 1);
                let request = request_units(all[sleeper], weight, spinners as u64 + 1) / UNIT;
                hart.run(5 * MS + debt as u64 * weight / 100 + 4);
                let first = (hart.tasks[sleeper].served - before) as i64;
                assert!(first >= request - 1, "{first} of {request} after a nap of {nap}");
                hart.run(500 * MS);
                let had = (hart.tasks[sleeper].served - before) as i64;
                let share = (505 * MS) as i64 * 100 / weight as i64;
                assert!(had <= share + request + 8, "{had} of {share} after a nap of {nap}");
            }
        }
    }
}

/// However long it slept, wherever the others are in their requests.
#[test]
fn who_wakes_begins_soon() {
    let mut hart = Hart::busy(&[normal(100), normal(100), normal(100)]);
    let mut random = Random(13);
    while hart.current != Some(2) {
        hart.run_to_decision();
    }
    hart.sleep();
    for _ in 0..2_000 {
        hart.run(MS + random.below(9 * MS));
        hart.wake(2);
        let woken = hart.now;
        while hart.current != Some(2) {
            hart.run(1);
        }
        let waited = hart.now - woken;
        assert!(waited <= 3 * TEMPO.at_least(FIRST_PART).0, "for {waited}");
        hart.run(random.below(TEMPO.at_least(FIRST_PART).0));
        hart.sleep();
    }
}

/// Who naps after each request to get rid of its debt gets no more than who spins.
#[test]
fn napping_after_each_turn_gains_nothing() {
    let mut hart = Hart::busy(&[normal(100), normal(100)]);
    let mut random = Random(7);
    while hart.now < 5_000 * MS {
        hart.run(1 + random.below(3 * MS));
        if hart.current == Some(0) {
            hart.sleep();
            hart.run(1);
            hart.wake(0);
        }
    }
    let (napper, spinner) = (hart.tasks[0].served, hart.tasks[1].served);
    assert!(napper <= spinner + 5 * MS, "{napper} against {spinner}");
}

/// A latency hint is met by the clock on the wall: tasks that wake together, each within its own latency.
#[test]
fn latency_hints_are_met_when_feasible() {
    let mut all = vec![normal(100); 4];
    for latency in [6, 10, 25] {
        all.push(settings(QosClass::Normal, 200, latency, 0));
    }
    let mut hart = Hart::new(&all);
    for id in 0..4 {
        hart.wake(id);
    }
    let mut random = Random(3);
    for _ in 0..200 {
        hart.run(100 * MS + random.below(30 * MS));
        for id in 4..7 {
            hart.wake(id);
        }
        let woken = hart.now;
        let before: Vec<u64> = hart.tasks.iter().map(|task| task.served).collect();
        for id in 4..7 {
            // A request is the share of the latency, as it was when it woke.
            let request = hart.tasks[id].request_max.min(request_units(all[id], 1000, 7)) / UNIT;
            let latency = u64::from(all[id].latency.as_ms()) * MS;
            hart.run(woken + latency + 7 - hart.now);
            let had = hart.tasks[id].served - before[id];
            assert!(had as i64 >= request - 1, "{id}: {had} of {request} in {latency}");
        }
        // All go to sleep when it is their turn, and have slept long enough to owe nothing when they wake.
        while hart.ids(State::Asleep).len() < 3 {
            match hart.current {
                Some(id) if id >= 4 => hart.sleep(),
                _ => hart.run(1),
            }
        }
    }
}

/// Once it runs, a task with a burst hint runs that long, whoever waits or wakes; its share stays what it was.
#[test]
fn a_burst_is_not_cut_by_its_class() {
    for (latency, burst) in [(0, 7), (100, 5), (1, 100)] {
        let mut hart = Hart::busy(&[
            settings(QosClass::Normal, 100, latency, burst),
            normal(100),
            settings(QosClass::Normal, 100, 1, 0),
        ]);
        hart.run(500 * MS);
        let mut random = Random(9);
        let (start, before, mut bursts) = (hart.now, hart.tasks[0].served, 0);
        while hart.now < start + 2_000 * MS {
            while hart.current != Some(0) {
                hart.run_to_decision();
            }
            let left = (hart.standing(0).request_left / UNIT) as u64;
            // Only the request of the patient one is longer than its burst, and can be nearly done.
            let ends = if latency == 100 { left.min(burst * MS) } else { burst * MS };
            let served = hart.tasks[0].served;
            while hart.current == Some(0) {
                match (hart.tasks[2].state, random.below(40)) {
                    (State::Waiting, 0) => hart.take_out(2),
                    (State::Asleep, 0) => hart.wake(2),
                    _ => hart.run(MS / 10),
                }
            }
            let ran = hart.tasks[0].served - served;
            assert!(ran >= ends.saturating_sub(1), "cut after {ran} of {ends}");
            bursts += 1;
        }
        let share = (hart.tasks[0].served - before) as f64 / (hart.now - start) as f64;
        assert!(bursts > 8 && (0.3..0.55).contains(&share), "{bursts} bursts, {share} of the time");
    }
}

/// Two equal tasks that yield alternate, whatever each had before.
#[test]
fn two_equal_tasks_that_yield_alternate() {
    let mut hart = Hart::busy(&[normal(100), normal(100)]);
    let mut random = Random(11);
    for _ in 0..2_000 {
        hart.run(random.pick(&[0, 1, 2, 3, 500, 3 * MS]));
        let before = hart.current;
        hart.yield_now();
        assert_ne!(hart.current, before);
    }
}

/// More equal tasks that yield take turns.
#[test]
fn equal_tasks_that_yield_take_turns() {
    for count in [3, 4, 5, 9, 40] {
        let mut hart = Hart::busy(&vec![normal(100); count]);
        let mut turns = vec![0; count];
        for _ in 0..count * 20 {
            hart.run(2);
            turns[hart.current.unwrap()] += 1;
            hart.yield_now();
        }
        assert!(turns.iter().all(|had| (19..=21).contains(had)), "{turns:?}");
    }
}

/// With nobody to compete there is no decision to make and no timer.
#[test]
fn a_task_alone_is_never_interrupted() {
    let mut hart = Hart::busy(&[normal(100), normal(100)]);
    hart.run(10 * MS);
    hart.sleep();
    let switches = hart.switches;
    hart.run(1_000_000 * MS);
    assert_eq!(hart.switches, switches);
}

/// Ten thousand switches a second change nothing about shares.
#[test]
fn weights_may_change_at_any_time() {
    let mut hart = Hart::busy(&[normal(100), normal(100), normal(50)]);
    let mut random = Random(5);
    for _ in 0..300 {
        hart.run(random.below(2 * MS));
        let id = random.below(3) as usize;
        hart.adjust(id, normal(1 + random.below(1000)));
    }
    for (id, weight) in [(0, 300), (1, 100), (2, 600)] {
        hart.adjust(id, normal(weight));
    }
    hart.run(200 * MS);
    let before: Vec<u64> = hart.tasks.iter().map(|task| task.served).collect();
    hart.run(10_000 * MS);
    for (id, share) in [(0, 3), (1, 1), (2, 6)] {
        let (had, due) = (hart.tasks[id].served - before[id], 1_000 * MS * share);
        assert!(had.abs_diff(due) <= 3 * MS, "{id} had {had} of {due}");
    }
}
