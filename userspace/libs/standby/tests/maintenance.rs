//! Floors, windows, and the timers that are held.

#![expect(clippy::unwrap_used, reason = "a helper of tests may unwrap like a test")]

#[expect(dead_code, reason = "each test file uses its own part")]
mod harness;

use std::collections::BTreeSet;

use harness::*;
use nexus_abi::Nanos;
use proptest::prelude::*;
use standby::*;

type Timers = HeldTimers<u32>;

fn hold(held: &mut Timers, name: &str, token: u32, due: Nanos) -> Nanos {
    held.hold(app(name), token, min(0), due, Config::DEFAULT.hold()).unwrap()
}

fn tokens(next: impl FnMut() -> Option<Held<u32>>) -> Vec<u32> {
    std::iter::from_fn(next).map(|held| held.token).collect()
}

#[test]
fn the_numbers_have_ranges() {
    let of = Config::new;
    assert_eq!(of(5, 60_000, 15), Ok(Config::DEFAULT));
    assert_eq!((of(0, 60_000, 15), of(1, 60_000, 15).is_ok()), (Err(OutOfRange::BgInactiveMin), true));
    assert_eq!(
        (of(1_441, 60_000, 15), of(1_440, 60_000, 15).is_ok()),
        (Err(OutOfRange::BgInactiveMin), true)
    );
    assert_eq!((of(5, 999, 15), of(5, 1_000, 15).is_ok()), (Err(OutOfRange::TimerFloorMs), true));
    assert_eq!((of(5, 3_600_001, 15), of(5, 3_600_000, 15).is_ok()), (Err(OutOfRange::TimerFloorMs), true));
    assert_eq!((of(5, 60_000, 14), of(5, 60_000, 15).is_ok()), (Err(OutOfRange::MaintenanceMin), true));
    assert_eq!((of(5, 60_000, 1_441), of(5, 60_000, 1_440).is_ok()), (Err(OutOfRange::MaintenanceMin), true));
    let odd = of(7, 61_000, 17).unwrap();
    assert_eq!(
        (odd.bg_inactive(), odd.hold().floor(), odd.hold().window_every()),
        (min(7), Nanos::from_millis(61_000), min(17))
    );
}

#[test]
fn errors_name_the_key_and_what_is_allowed() {
    let texts = [
        (OutOfRange::BgInactiveMin, "bg_inactive_min must be 1 to 1440"),
        (OutOfRange::TimerFloorMs, "timer_floor_ms must be 1000 to 3600000"),
        (OutOfRange::MaintenanceMin, "maintenance_min must be 15 to 1440"),
    ];
    for (error, text) in texts {
        assert_eq!(error.to_string(), text);
    }
}

#[test]
fn a_window_is_the_first_multiple_at_the_moment_or_after() {
    let hold = Config::DEFAULT.hold();
    assert_eq!(hold.window(min(0)), min(0));
    assert_eq!(hold.window(Nanos(1)), min(15));
    assert_eq!(hold.window(min(15)), min(15));
    assert_eq!(hold.window(min(15).after(Nanos(1))), min(30));
    assert_eq!(hold.window(Nanos::NEVER), Nanos::NEVER);
}

#[test]
fn a_timer_comes_out_neither_before_its_moment_nor_before_the_floor() {
    let hold = Config::DEFAULT.hold();
    for (set, due, out) in [
        (min(14), min(14), min(15)),
        (min(14).after(Nanos(1)), min(14).after(Nanos(1)), min(30)),
        (min(14).after(Nanos(1)), min(15), min(30)),
        (min(0), min(15), min(15)),
        (min(0), min(15).after(Nanos(1)), min(30)),
        (min(20), min(3), min(30)),
    ] {
        assert_eq!(hold.release(set, due), out, "set {set:?} due {due:?}");
    }
}

#[test]
fn timers_of_all_apps_come_out_in_one_window_in_the_order_of_their_moments() {
    let mut held = Timers::new();
    for (name, token, minute) in [("a", 1, 12), ("b", 2, 3), ("c", 3, 7), ("a", 4, 3)] {
        assert_eq!(hold(&mut held, name, token, min(minute)), min(15));
    }
    assert_eq!(hold(&mut held, "a", 5, min(16)), min(30));
    assert_eq!(held.next_window(), Some(min(15)));
    assert_eq!(held.release(before(min(15))), None);
    assert_eq!(tokens(|| held.release(min(15))), [2, 4, 3, 1]);
    assert_eq!(held.next_window(), Some(min(30)));
    assert_eq!(tokens(|| held.release(min(40))), [5]);
    assert_eq!(held.next_window(), None, "where nothing is held nothing wakes");
}

#[test]
fn all_held_timers_are_delivered_on_exit_even_if_a_handler_changes_the_list() {
    let mut held = Timers::new();
    for token in 0..10 {
        hold(&mut held, "a", token, min(u64::from(token) * 5));
        hold(&mut held, "b", token, min(3));
    }
    let mut delivered = Vec::new();
    while let Some(timer) = held.let_out(&app("a")) {
        delivered.push(timer.token);
        match timer.token {
            // One handler takes back a timer, one sets a new one, one of another app goes.
            2 => assert!(held.cancel(&app("a"), &7)),
            3 => assert_eq!(hold(&mut held, "a", 99, min(1)), min(15)),
            4 => assert!(held.cancel(&app("b"), &0)),
            _ => {}
        }
    }
    assert_eq!(delivered, [0, 1, 2, 3, 99, 4, 5, 6, 8, 9]);
    assert_eq!((held.count(&app("a")), held.count(&app("b"))), (0, 9));
}

#[test]
fn cancelling_takes_exactly_the_one_of_that_app() {
    let mut held = Timers::new();
    hold(&mut held, "a", 1, min(1));
    hold(&mut held, "a", 2, min(1));
    assert!(!held.cancel(&app("b"), &1));
    assert!(!held.cancel(&app("a"), &3));
    assert!(held.cancel(&app("a"), &1));
    assert!(!held.cancel(&app("a"), &1));
    assert_eq!(tokens(|| held.let_out(&app("a"))), [2]);
}

#[test]
fn the_4097th_timer_is_refused_and_the_others_stay() {
    let mut held = Timers::default();
    for token in 0..4_096 {
        hold(&mut held, "a", token, min(1));
    }
    let before = held.clone();
    assert_eq!(held.hold(app("b"), 1, min(0), min(1), Config::DEFAULT.hold()), Err(HeldFull));
    assert_eq!(held, before);
    assert_eq!(HeldFull.to_string(), "4096 timers are held");
}

proptest! {
    #[test]
    fn standby_apps_cost_at_most_one_wake_up_in_every_maintenance_distance(
        timers in proptest::collection::vec((0u64..600, 0u64..600, 0u8..4), 1..100),
        maintenance_min in 15u32..60,
    ) {
        let hold = Config::new(5, 60_000, maintenance_min).unwrap().hold();
        let mut held = HeldTimers::new();
        for (index, (set, delay, name)) in timers.iter().enumerate() {
            let set = min(*set);
            let due = set.after(min(*delay));
            let out = held.hold(app(&name.to_string()), index, set, due, hold).unwrap();
            // Never early, never below the floor, and no later than the next window after both.
            let earliest = due.max(set.after(hold.floor()));
            prop_assert!(out >= earliest && out.since(earliest) < hold.window_every());
        }
        let mut wakes = BTreeSet::new();
        let mut released = 0;
        while let Some(window) = held.next_window() {
            wakes.insert(window);
            while held.release(window).is_some() {
                released += 1;
            }
        }
        prop_assert_eq!(released, timers.len());
        let wakes: Vec<_> = wakes.into_iter().collect();
        prop_assert!(wakes.windows(2).all(|pair| pair[1].since(pair[0]) >= hold.window_every()));
    }
}
