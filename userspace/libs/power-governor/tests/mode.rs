//! Which mode holds, and why: every combination.

use nexus_abi::Nanos;
use power_governor::{Governor, Heat, Input, Mode, ModeDecision, ModeReason, Percent, Rules, Supply};

const HEATS: [Heat; 3] = [Heat::Cool, Heat::Warm, Heat::Hot];

fn battery(charge: u8, supply: Supply) -> Input {
    Input::Battery { charge: Percent::clamped(charge), supply }
}

fn governor(inputs: &[Input]) -> Governor {
    let mut governor = Governor::default();
    for input in inputs {
        assert_eq!(governor.hear(*input), None, "it has not spoken");
    }
    governor
}

fn decision(mode: Mode, because: ModeReason) -> ModeDecision {
    ModeDecision { mode, because }
}

#[test]
fn hints_are_20_0_and_50_ms_and_0_until_spoken() {
    let hints = [(Mode::Balanced, 20), (Mode::Performance, 0), (Mode::Frugal, 50)];
    for (mode, hint) in hints {
        let mut governor = governor(&[Input::Setting(Some(mode))]);
        assert_eq!((governor.hint(), governor.mode()), (Nanos(0), None));
        assert_eq!(governor.speak(), decision(mode, ModeReason::Setting));
        assert_eq!(governor.hint(), Nanos::from_millis(hint));
    }
}

#[test]
fn the_mode_follows_its_precedence_in_every_combination() {
    use Mode::{Balanced, Frugal, Performance};
    let settings = [None, Some(Balanced), Some(Performance), Some(Frugal)];
    let set = |mode| decision(mode, ModeReason::Setting);
    let enough = [
        (Heat::Cool, [decision(Balanced, ModeReason::Default), set(Balanced), set(Performance), set(Frugal)]),
        (
            Heat::Warm,
            [
                decision(Balanced, ModeReason::Default),
                set(Balanced),
                decision(Balanced, ModeReason::Warm),
                set(Frugal),
            ],
        ),
        (Heat::Hot, [decision(Frugal, ModeReason::Hot); 4]),
    ];
    for (heat, expected) in enough {
        for (setting, expected) in settings.into_iter().zip(expected) {
            let inputs = [Input::Heat(heat), Input::Setting(setting)];
            assert_eq!(governor(&inputs).speak(), expected, "{inputs:?}");
        }
    }
    for heat in HEATS {
        let because = if heat == Heat::Hot { ModeReason::Hot } else { ModeReason::LowBattery };
        for setting in settings {
            let inputs = [battery(1, Supply::Battery), Input::Heat(heat), Input::Setting(setting)];
            assert_eq!(governor(&inputs).speak(), decision(Frugal, because), "{inputs:?}");
        }
    }
}

#[test]
fn the_battery_is_low_at_15_percent_and_no_longer_at_20() {
    let mut governor = Governor::default();
    governor.speak();
    let low = decision(Mode::Frugal, ModeReason::LowBattery);
    let enough = decision(Mode::Balanced, ModeReason::Default);
    let readings = [
        (16, None),
        (15, Some(low)),
        (14, None),
        (16, None),
        (19, None),
        (20, Some(enough)),
        (19, None),
        (16, None),
        (15, Some(low)),
        (21, Some(enough)),
    ];
    for (charge, expected) in readings {
        assert_eq!(governor.hear(battery(charge, Supply::Battery)), expected, "{charge} %");
    }
}

#[test]
fn a_charger_ends_a_low_battery_at_once() {
    let mut governor = governor(&[battery(3, Supply::Battery)]);
    assert_eq!(governor.speak().because, ModeReason::LowBattery);
    let enough = decision(Mode::Balanced, ModeReason::Default);
    assert_eq!(governor.hear(battery(3, Supply::Mains)), Some(enough));
    let low = decision(Mode::Frugal, ModeReason::LowBattery);
    assert_eq!(governor.hear(battery(4, Supply::Battery)), Some(low));
}

#[test]
fn a_change_of_reason_is_a_change() {
    let mut governor = Governor::default();
    governor.speak();
    assert_eq!(
        governor.hear(Input::Setting(Some(Mode::Balanced))),
        Some(decision(Mode::Balanced, ModeReason::Setting))
    );
    assert_eq!(governor.hear(Input::Setting(Some(Mode::Balanced))), None);
    assert_eq!(governor.hear(Input::Heat(Heat::Warm)), None, "it changes nothing here");
    assert_eq!(governor.speak(), decision(Mode::Balanced, ModeReason::Setting));
    assert_eq!(governor.mode(), Some(decision(Mode::Balanced, ModeReason::Setting)));
}

#[test]
fn other_thresholds_hold_too() {
    let rules =
        Rules { low_enter: Percent::clamped(30), low_leave: Percent::clamped(31), ..Rules::default() };
    let mut governor = Governor::new(rules);
    governor.speak();
    assert_eq!(governor.hear(battery(31, Supply::Battery)), None);
    assert_eq!(governor.hear(battery(30, Supply::Battery)).map(|said| said.mode), Some(Mode::Frugal));
    assert_eq!(governor.hear(battery(31, Supply::Battery)).map(|said| said.mode), Some(Mode::Balanced));
}

#[test]
fn modes_round_trip_and_unknown_ones_are_refused() {
    for mode in Mode::ALL {
        assert_eq!(Mode::from_wire(mode.to_wire()), Some(mode));
    }
    assert_eq!([3, u64::MAX].map(Mode::from_wire), [None, None]);
    assert_eq!(Mode::ALL.map(Mode::name), ["balanced", "performance", "frugal"]);
    assert_eq!([99, 100, 255].map(|percent| Percent::clamped(percent).get()), [99, 100, 100]);
}

#[test]
fn names_are_for_people() {
    let reasons =
        [ModeReason::Hot, ModeReason::LowBattery, ModeReason::Warm, ModeReason::Setting, ModeReason::Default];
    assert_eq!(reasons.map(ModeReason::name), ["hot", "low battery", "warm", "setting", "default"]);
}
