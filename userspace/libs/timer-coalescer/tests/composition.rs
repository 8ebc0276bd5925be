//! Every cell of the table of windows, and the rules for what lies between its rows.

use nexus_abi::{Nanos, QosClass};
use proptest::prelude::*;
use timer_coalescer::Tier;
use timer_coalescer::compose::{HINT_MAX, Promise, Regime, Terms, class_window, compose};

/// The hints of a governor that nobody has configured: performance, balanced, frugal.
const HINTS: [Nanos; 3] = [Nanos(0), ms(20), ms(50)];
/// The standby floor of a device as it is delivered, in milliseconds.
const FLOOR: u64 = 60_000;

const fn ms(ms: u64) -> Nanos {
    Nanos::from_millis(ms)
}

/// The promise for a delay, in milliseconds, without a wish.
fn promise(class: QosClass, tier: Tier, delay: u64, hint: Nanos, floor: u64) -> (u64, u64) {
    let terms = Terms { class, tier, delay: ms(delay), wish: Nanos(0) };
    let Promise { delay, window } = compose(terms, Regime { hint, floor: ms(floor) });
    (delay.0 / 1_000_000, window.0 / 1_000_000)
}

#[test]
fn contract_values_are_what_the_contract_says() {
    assert_eq!(QosClass::ALL.map(class_window), [ms(8), ms(4), ms(1), Nanos(0)]);
    assert_eq!(HINT_MAX, ms(1_000));
}

#[test]
fn every_cell_without_a_floor() {
    // delay, then the window under each of the hints
    type Row = (u64, [u64; 3]);
    let table: [(QosClass, [Row; 6]); 4] = [
        (
            QosClass::PerfBurst,
            [(2, [0; 3]), (6, [0; 3]), (10, [0; 3]), (30, [0; 3]), (1_000, [0; 3]), (120_000, [0; 3])],
        ),
        (
            QosClass::Interactive,
            [(2, [1; 3]), (6, [1; 3]), (10, [1; 3]), (30, [1; 3]), (1_000, [1; 3]), (120_000, [1; 3])],
        ),
        (
            QosClass::Normal,
            [
                (2, [4, 4, 4]),
                (6, [4, 6, 6]),
                (10, [4, 10, 10]),
                (30, [4, 20, 30]),
                (1_000, [4, 20, 50]),
                (120_000, [4, 20, 50]),
            ],
        ),
        (
            QosClass::Idle,
            [
                (2, [8, 8, 8]),
                (6, [8, 8, 8]),
                (10, [8, 10, 10]),
                (30, [8, 20, 30]),
                (1_000, [8, 20, 50]),
                (120_000, [8, 20, 50]),
            ],
        ),
    ];
    for (class, rows) in table {
        for (delay, windows) in rows {
            for (hint, window) in HINTS.into_iter().zip(windows) {
                let cell = promise(class, Tier::Ordinary, delay, hint, 0);
                assert_eq!(cell, (delay, window), "{class:?}, {delay} ms, {hint:?}");
            }
        }
    }
}

#[test]
fn every_cell_in_standby() {
    // class, then the window under each of the hints: a floored delay is long enough for all of a hint
    let table = [
        (QosClass::PerfBurst, [0, 0, 0]),
        (QosClass::Interactive, [1, 1, 1]),
        (QosClass::Normal, [4, 20, 50]),
        (QosClass::Idle, [8, 20, 50]),
    ];
    for (class, windows) in table {
        for (delay, floored) in
            [(2, FLOOR), (6, FLOOR), (10, FLOOR), (30, FLOOR), (1_000, FLOOR), (120_000, 120_000)]
        {
            for (hint, window) in HINTS.into_iter().zip(windows) {
                let cell = promise(class, Tier::Ordinary, delay, hint, FLOOR);
                assert_eq!(cell, (floored, window), "{class:?}, {delay} ms, {hint:?}");
            }
        }
    }
}

#[test]
fn every_cell_of_an_alarm_clock() {
    for class in QosClass::ALL {
        for (delay, hint) in [2, 6, 10, 30, 1_000, 120_000].into_iter().flat_map(|d| HINTS.map(|h| (d, h))) {
            for floor in [0, FLOOR] {
                assert_eq!(promise(class, Tier::AlarmClock, delay, hint, floor), (delay, 0), "{class:?}");
            }
        }
    }
}

#[test]
fn an_idle_task_that_asks_for_a_perf_burst_window_gets_its_own() {
    let terms = Terms { class: QosClass::Idle, tier: Tier::Ordinary, delay: ms(100), wish: Nanos(1) };
    assert_eq!(compose(terms, Regime::default()).window, ms(8));
}

#[test]
fn a_wider_window_is_to_be_had_for_the_asking_except_by_an_alarm_clock() {
    for class in QosClass::ALL {
        let terms = Terms { class, tier: Tier::Ordinary, delay: ms(100), wish: ms(200) };
        assert_eq!(compose(terms, Regime::default()).window, ms(200));
        let alarm = Terms { tier: Tier::AlarmClock, ..terms };
        assert_eq!(compose(alarm, Regime::default()).window, Nanos(0));
    }
}

proptest! {
    #[test]
    fn the_rules_hold_for_any_values(
        class in prop::sample::select(&QosClass::ALL[..]),
        delay: u64, wish: u64, hint: u64, floor: u64,
    ) {
        let terms = Terms { class, tier: Tier::Ordinary, delay: Nanos(delay), wish: Nanos(wish) };
        let promise = compose(terms, Regime { hint: Nanos(hint), floor: Nanos(floor) });
        prop_assert_eq!(promise.delay, Nanos(delay.max(floor)));
        prop_assert!(promise.window >= class_window(class) && promise.window >= Nanos(wish));
        let by_governor = promise.window > class_window(class) && promise.window > Nanos(wish);
        prop_assert!(!by_governor || (class <= QosClass::Normal && promise.window <= promise.delay));
        prop_assert!(!by_governor || promise.window <= Nanos(hint));
    }
}
