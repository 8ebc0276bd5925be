//! Random histories under the oracles of the harness.
//!
//! A bounded number of them runs with every `cargo test`. For a long run, or to repeat one:
//!
//! ```text
//! cargo test --release -p sched-policy --test fuzz -- --ignored --nocapture
//! SCHED_FUZZ_SEED=17 cargo test -p sched-policy --test fuzz -- --ignored --nocapture
//! ```

mod harness;

use std::env;
use std::panic::catch_unwind;

use harness::{Hart, MS, Random, State, settings};
use nexus_abi::QosClass;
use sched_policy::Settings;

/// Histories in a plain test run: a few seconds.
const HISTORIES_SHORT: u64 = 300;
/// Histories in a long run: some minutes when optimised.
const HISTORIES_LONG: u64 = 20_000;
/// Events in a history.
const EVENTS: usize = 400;

fn any_settings(random: &mut Random, classes: &[QosClass], with_bursts: bool) -> Settings {
    let shares = random.pick(&[1, 2, 50, 100, 100, 100, 300, 1000]);
    let latency = random.pick(&[0, 0, 0, 1, 3, 10, 200, 1000]);
    let burst = if with_bursts { random.pick(&[0, 0, 0, 1, 5, 100]) } else { 0 };
    settings(random.pick(classes), shares, latency, burst)
}

/// One history: what happens is drawn from the seed alone.
fn history(seed: u64) {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    for _ in 0..8 {
        random.below(2);
    }
    let classes: &[QosClass] = match random.below(3) {
        0 => &[QosClass::Normal],
        1 => &[QosClass::Normal, QosClass::PerfBurst],
        _ => &QosClass::ALL,
    };
    let with_bursts = random.below(2) == 0;
    let may_adjust = random.below(2) == 0;
    let may_move = random.below(3) == 0;
    let count = 1 + random.below(14);
    let all: Vec<Settings> = (0..count).map(|_| any_settings(&mut random, classes, with_bursts)).collect();
    let mut hart = Hart::new(&all);
    for _ in 0..EVENTS {
        let span = random.pick(&[1, 3, 20, MS / 10, MS, 5 * MS, 50 * MS]);
        hart.run(1 + random.below(span));
        let (asleep, waiting) = (hart.ids(State::Asleep), hart.ids(State::Waiting));
        match random.below(10) {
            0..4 if !asleep.is_empty() => hart.wake(random.pick(&asleep)),
            4..6 => hart.sleep(),
            6 => hart.yield_now(),
            7 if may_move && !waiting.is_empty() => hart.take_out(random.pick(&waiting)),
            8 if may_adjust => {
                let id = random.below(count) as usize;
                hart.adjust(id, any_settings(&mut random, classes, with_bursts));
            }
            _ => {}
        }
    }
}

fn histories(seeds: impl Iterator<Item = u64>) {
    for seed in seeds {
        if catch_unwind(|| history(seed)).is_err() {
            panic!("repeat with SCHED_FUZZ_SEED={seed}");
        }
    }
}

#[test]
fn random_histories_keep_every_promise() {
    histories(0..HISTORIES_SHORT);
}

#[test]
#[ignore = "takes minutes"]
fn many_random_histories_keep_every_promise() {
    match env::var("SCHED_FUZZ_SEED").ok().and_then(|seed| seed.parse().ok()) {
        Some(seed) => histories([seed].into_iter()),
        None => {
            let start = HISTORIES_SHORT;
            println!("seeds {start}..{}", start + HISTORIES_LONG);
            histories(start..start + HISTORIES_LONG);
        }
    }
}
