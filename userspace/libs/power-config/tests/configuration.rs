//! What a configuration may say, and what comes of it.

use alarm_queue::Quota;
use nexus_abi::Nanos;
use power_config::{CONFIG_BYTES_MAX, KEYS, Key, Mistake, PowerConfig, RULES, Relation, Rule, Unit, Values};
use power_governor::Percent;
use power_residency::{Range, Windows};
use proptest::prelude::*;
use wakelock::MaxHold;

fn made(values: Values) -> Result<PowerConfig, Mistake> {
    PowerConfig::try_from(&values)
}

fn secs(secs: u64) -> Nanos {
    Nanos::from_millis(secs * 1_000)
}

#[test]
fn defaults_are_those_of_the_libraries() {
    assert_eq!(made(Values::default()), Ok(PowerConfig::default()));
}

#[test]
fn defaults_are_what_the_contract_says() {
    let expected = [
        ("balanced.hint_ms", 20),
        ("balanced.l2_after_ms", 50),
        ("performance.hint_ms", 0),
        ("frugal.hint_ms", 50),
        ("frugal.l2_after_ms", 10),
        ("idle.l1_exit_us", 10),
        ("idle.l2_exit_us", 2_000),
        ("idle.tick_ms", 50),
        ("battery.low_enter_percent", 15),
        ("battery.low_leave_percent", 20),
        ("wakelocks.hold_default_s", 600),
        ("wakelocks.hold_max_s", 3_600),
        ("wakelocks.report_after_s", 300),
        ("wakelocks.per_task", 32),
        ("wakelocks.in_all", 256),
        ("residency.status_window_s", 60),
        ("residency.graph_window_s", 600),
        ("standby.bg_inactive_min", 5),
        ("standby.timer_floor_ms", 60_000),
        ("standby.maintenance_min", 15),
        ("alarms.quota_rings", 64),
        ("alarms.quota_window_s", 60),
        ("screen.timeout_s", 60),
        ("screen.dim_s", 30),
    ];
    let found = KEYS.map(|entry| (entry.key.to_string(), entry.default));
    assert_eq!(found, expected.map(|(key, default)| (key.to_owned(), default)));
}

/// Every key with a value of its own, so that no two can be mistaken for each other.
#[test]
fn every_key_arrives_where_it_belongs() {
    let values = [
        (Key::BalancedHint, 21),
        (Key::BalancedL2After, 51),
        (Key::PerformanceHint, 1),
        (Key::FrugalHint, 52),
        (Key::FrugalL2After, 11),
        (Key::L1Exit, 12),
        (Key::L2Exit, 2_001),
        (Key::Tick, 150),
        (Key::LowEnter, 16),
        (Key::LowLeave, 22),
        (Key::HoldDefault, 601),
        (Key::HoldMax, 3_601),
        (Key::ReportAfter, 301),
        (Key::LocksPerTask, 31),
        (Key::LocksInAll, 255),
        (Key::StatusWindow, 66),
        (Key::GraphWindow, 660),
        (Key::BgInactive, 6),
        (Key::TimerFloor, 60_001),
        (Key::Maintenance, 17),
        (Key::QuotaRings, 63),
        (Key::QuotaWindow, 61),
        (Key::ScreenTimeout, 62),
        (Key::ScreenDim, 32),
    ];
    assert_eq!(values.len(), KEYS.len());
    let values = values.into_iter().fold(Values::DEFAULT, |values, (key, value)| values.with(key, value));
    let PowerConfig { governor, wakelocks, residency, standby, alarms, screen } = made(values).unwrap();
    let ms = Nanos::from_millis;
    assert_eq!((governor.low_enter, governor.low_leave), (Percent::clamped(16), Percent::clamped(22)));
    let hints = governor.hints;
    assert_eq!([hints.balanced, hints.performance, hints.frugal], [ms(21), ms(1), ms(52)]);
    let costs = governor.costs;
    assert_eq!([costs.l1_exit, costs.l2_exit], [Nanos::from_micros(12), Nanos::from_micros(2_001)]);
    assert_eq!([costs.l2_after_balanced, costs.l2_after_frugal, costs.tick], [ms(51), ms(11), ms(150)]);
    assert_eq!(wakelocks.hold_standard, MaxHold::of(secs(601)));
    assert_eq!([wakelocks.hold_max, wakelocks.report_after], [secs(3_601), secs(301)]);
    assert_eq!((wakelocks.per_task, wakelocks.in_all), (31, 255));
    assert_eq!(Some(residency), Windows::new(ms(1_100), ms(11_000)));
    assert_eq!([Range::Status, Range::Graph].map(|range| residency.length(range)), [secs(66), secs(660)]);
    assert_eq!(Ok(standby), standby::Config::new(6, 60_001, 17));
    assert_eq!(Some(alarms), Quota::new(63, secs(61)));
    assert_eq!([screen.timeout, screen.dim], [secs(62), secs(32)]);
}

/// One below, at and above each end of each range, with nothing else at fault.
#[test]
fn ranges_end_exactly_where_they_say() {
    for entry in KEYS {
        let wrong = |value| {
            let mistakes: Vec<_> = Values::DEFAULT.with(entry.key, value).mistakes().collect();
            mistakes.contains(&Mistake::OutOfRange(entry.key))
        };
        assert_eq!([entry.min, entry.max].map(wrong), [false; 2], "{}", entry.key);
        assert_eq!([entry.max + 1, entry.max + entry.step, u32::MAX].map(wrong), [true; 3], "{}", entry.key);
        if let Some(below) = entry.min.checked_sub(1) {
            assert!(wrong(below) && made(Values::DEFAULT.with(entry.key, below)).is_err(), "{}", entry.key);
        }
        if entry.step > 1 {
            assert!(wrong(entry.min + 1), "{}", entry.key);
        }
    }
}

#[test]
fn rules_end_exactly_where_they_say() {
    let cases = [
        (Key::L1Exit, Relation::AtMost, Key::L2Exit, [(1_000, 1_000, true), (1_000, 999, false)]),
        (Key::L2Exit, Relation::AtMost, Key::BalancedL2After, [(3_000, 3, true), (3_001, 3, false)]),
        (Key::L2Exit, Relation::AtMost, Key::FrugalL2After, [(3_000, 3, true), (3_001, 3, false)]),
        (Key::LowEnter, Relation::Less, Key::LowLeave, [(29, 30, true), (30, 30, false)]),
        (Key::HoldDefault, Relation::AtMost, Key::HoldMax, [(90, 90, true), (91, 90, false)]),
        (Key::LocksPerTask, Relation::AtMost, Key::LocksInAll, [(9, 9, true), (10, 9, false)]),
        (Key::StatusWindow, Relation::Divides, Key::GraphWindow, [(12, 36, true), (12, 30, false)]),
        (Key::ScreenDim, Relation::Less, Key::ScreenTimeout, [(99, 100, true), (100, 100, false)]),
    ];
    for ((key, relation, other, values), rule) in cases.into_iter().zip(RULES) {
        assert_eq!(rule, Rule { key, relation, other });
        for (value, other_value, holds) in values {
            let values = Values::DEFAULT.with(key, value).with(other, other_value);
            let expected = if holds { None } else { Some(Mistake::Breaks(rule)) };
            assert_eq!(
                values.mistakes().find(|mistake| *mistake == Mistake::Breaks(rule)),
                expected,
                "{rule}"
            );
        }
    }
}

#[test]
fn names_are_unique_and_found_and_end_in_their_unit() {
    for entry in KEYS {
        assert_eq!(Key::named(entry.section, entry.name), Some(entry.key));
        assert_eq!(entry.key.entry(), &entry);
        let ending = match entry.unit {
            Unit::Micros => "_us",
            Unit::Millis => "_ms",
            Unit::Seconds => "_s",
            Unit::Minutes => "_min",
            Unit::Percent => "_percent",
            Unit::Count => "",
        };
        assert!(entry.name.ends_with(ending), "{}", entry.key);
        assert!(!entry.meaning.is_empty());
    }
    assert_eq!(Key::named("standby", "hint_ms"), None);
    assert_eq!(Key::named("", ""), None);
}

#[test]
fn mistakes_say_what_is_allowed() {
    let said = |values: Values| values.mistakes().map(|mistake| mistake.to_string()).collect::<Vec<_>>();
    let values = Values::DEFAULT;
    assert_eq!(said(values), [""; 0]);
    assert_eq!(
        said(values.with(Key::BgInactive, 0).with(Key::Tick, 51)),
        [
            "idle.tick_ms must be a number from 50 to 1000, a multiple of 50",
            "standby.bg_inactive_min must be a number from 1 to 1440"
        ]
    );
    let broken = values.with(Key::ScreenDim, 60).with(Key::HoldDefault, 3_601).with(Key::StatusWindow, 54);
    assert_eq!(
        said(broken),
        [
            "wakelocks.hold_default_s must be at most wakelocks.hold_max_s",
            "residency.status_window_s must be a divisor of residency.graph_window_s",
            "screen.dim_s must be less than screen.timeout_s",
        ]
    );
}

#[test]
fn the_largest_numbers_just_fit_into_the_longest_compiled_configuration() {
    let largest = KEYS.iter().fold(Values::DEFAULT, |values, entry| values.with(entry.key, u32::MAX));
    assert_eq!(postcard::to_allocvec(&largest).unwrap().len(), CONFIG_BYTES_MAX);
}

#[test]
fn spans_are_counted_in_their_unit() {
    let units = [Unit::Micros, Unit::Millis, Unit::Seconds, Unit::Minutes, Unit::Percent, Unit::Count];
    let expected = [3_000, 3_000_000, 3_000_000_000, 180_000_000_000, 3, 3];
    assert_eq!(units.map(|unit| unit.span(3).0), expected);
}

fn any_values() -> impl Strategy<Value = Values> {
    let near = KEYS.map(|entry| {
        let steps = (entry.max - entry.min) / entry.step;
        prop_oneof![8 => (0..=steps).prop_map(move |n| entry.min + n * entry.step), 1 => any::<u32>()]
    });
    near.to_vec().prop_map(|values| {
        KEYS.iter().zip(values).fold(Values::DEFAULT, |all, (entry, value)| all.with(entry.key, value))
    })
}

proptest! {
    /// Nothing that has no mistake is refused by a library, and the first mistake is the one that is told.
    #[test]
    fn there_is_a_configuration_if_and_only_if_there_is_no_mistake(values in any_values()) {
        prop_assert_eq!(made(values).err(), values.mistakes().next());
    }

    /// Numbers that differ are configurations that differ: no key is lost on the way.
    #[test]
    fn no_two_right_ones_are_the_same_configuration(place in 0..KEYS.len(), steps in 1u32..4) {
        let entry = KEYS[place];
        let moved = entry.default.saturating_sub(steps * entry.step);
        if let Ok(config) = made(Values::DEFAULT.with(entry.key, moved)) {
            prop_assert_eq!(config == PowerConfig::default(), moved == entry.default);
        }
    }
}
