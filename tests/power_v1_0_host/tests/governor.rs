//! Modes change hints and how deeply the hart sleeps.

use nexus_abi::IdleLevel::{self, L0, L1, L2};
use power_config::{Key, PowerConfig, Values};
use power_governor::Mode::{Balanced, Frugal, Performance};
use power_governor::Supply::{Battery as Discharging, Mains};
use power_v1_0_host::{Device, Event, Screen, View};

use Event::{Battery, Look, Rest, Run, Set};

/// Plays (milliseconds, event, hint in milliseconds, level).
fn play(config: PowerConfig, table: &[(u64, Event, u64, IdleLevel)]) {
    let mut device = Device::new(config);
    for (ms, event, hint_ms, level) in table.iter().copied() {
        let expected = View { hint_ms, level, screen: Screen::Free };
        assert_eq!(device.at(ms, event), expected, "{event:?} at {ms} ms");
    }
}

#[test]
fn mode_changes_produce_the_hints_20_50_and_0() {
    play(
        PowerConfig::default(),
        &[
            (0, Look, 20, L0),
            (10, Set(Some(Frugal)), 50, L0),
            (20, Set(Some(Performance)), 0, L0),
            (30, Set(Some(Balanced)), 20, L0),
            (40, Set(Some(Frugal)), 50, L0),
            (50, Set(None), 20, L0),
        ],
    );
}

#[test]
fn each_mode_allows_its_levels_from_its_thresholds_on() {
    play(
        PowerConfig::default(),
        &[
            (0, Rest(49), 20, L1),
            (1, Rest(50), 20, L2),
            (2, Run, 20, L0),
            (3, Set(Some(Frugal)), 50, L0),
            (4, Rest(9), 50, L1),
            (5, Rest(10), 50, L2),
            (6, Set(Some(Performance)), 0, L1),
            (7, Rest(1_000_000), 0, L1),
            (8, Set(None), 20, L2),
        ],
    );
}

#[test]
fn a_low_battery_is_frugal_whatever_is_set_until_it_is_charged() {
    play(
        PowerConfig::default(),
        &[
            (0, Set(Some(Performance)), 0, L0),
            (1, Battery(16, Discharging), 0, L0),
            (2, Battery(15, Discharging), 50, L0),
            (3, Battery(19, Discharging), 50, L0),
            (4, Battery(20, Discharging), 0, L0),
            (5, Battery(3, Discharging), 50, L0),
            (6, Battery(3, Mains), 0, L0),
        ],
    );
}

#[test]
fn another_configuration_is_another_device() {
    let values =
        [(Key::BalancedHint, 30), (Key::PerformanceHint, 1), (Key::FrugalHint, 200), (Key::FrugalL2After, 7)];
    let values = values.into_iter().fold(Values::DEFAULT, |values, (key, value)| values.with(key, value));
    let values = values.with(Key::LowEnter, 40).with(Key::LowLeave, 41);
    play(
        PowerConfig::try_from(&values).unwrap(),
        &[
            (0, Look, 30, L0),
            (1, Set(Some(Performance)), 1, L0),
            (2, Set(Some(Frugal)), 200, L0),
            (3, Rest(6), 200, L1),
            (4, Rest(7), 200, L2),
            (5, Set(None), 30, L1),
            (6, Battery(40, Discharging), 200, L2),
            (7, Battery(41, Discharging), 30, L1),
        ],
    );
}
