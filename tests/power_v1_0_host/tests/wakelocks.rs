//! Wake locks keep the hart out of deep idle, and full ones the screen on; whoever lets go lets sleep.

use nexus_abi::IdleLevel::{self, L1, L2};
use power_config::{Key, PowerConfig, Values};
use power_v1_0_host::Screen::{Free, KeptOn};
use power_v1_0_host::{Device, Event, Screen, View};
use wakelock::Kind::{Full, Partial};

use Event::{Acquire, Die, Look, Release};

/// Plays (milliseconds, event, level, screen) on a hart that has nothing to do for long.
fn play(config: PowerConfig, table: &[(u64, Event, IdleLevel, Screen)]) -> Device {
    let mut device = Device::new(config);
    device.at(0, Event::Rest(1_000_000));
    for (ms, event, level, screen) in table.iter().copied() {
        assert_eq!(device.at(ms, event), View { hint_ms: 20, level, screen }, "{event:?} at {ms} ms");
    }
    device
}

#[test]
fn partial_blocks_l2_full_also_keeps_the_screen_on_and_release_allows_both() {
    play(
        PowerConfig::default(),
        &[
            (0, Look, L2, Free),
            (10, Acquire(1, "sync", Partial), L1, Free),
            (20, Release(1, "sync"), L2, Free),
            (30, Acquire(1, "show", Full), L1, KeptOn),
            (40, Acquire(2, "sync", Partial), L1, KeptOn),
            (50, Release(1, "show"), L1, Free),
            (60, Release(2, "sync"), L2, Free),
        ],
    );
}

#[test]
fn references_are_counted_per_task_and_name() {
    play(
        PowerConfig::default(),
        &[
            (0, Acquire(1, "sync", Partial), L1, Free),
            (1, Acquire(1, "sync", Partial), L1, Free),
            (2, Acquire(2, "sync", Partial), L1, Free),
            (3, Acquire(1, "other", Partial), L1, Free),
            (4, Release(1, "sync"), L1, Free),
            (5, Release(1, "other"), L1, Free),
            (6, Release(2, "sync"), L1, Free),
            // One of the two references is left.
            (7, Look, L1, Free),
            (8, Release(1, "sync"), L2, Free),
        ],
    );
}

#[test]
fn a_lock_ends_at_its_maximum_hold_to_the_millisecond() {
    let device = play(
        PowerConfig::default(),
        &[
            (1_000, Acquire(1, "forgotten", Full), L1, KeptOn),
            (600_999, Look, L1, KeptOn),
            (601_000, Look, L2, Free),
        ],
    );
    assert_eq!(device.locks().iter().len(), 0);
    let values = Values::DEFAULT.with(Key::HoldDefault, 10);
    play(
        PowerConfig::try_from(&values).unwrap(),
        &[(0, Acquire(1, "forgotten", Partial), L1, Free), (9_999, Look, L1, Free), (10_000, Look, L2, Free)],
    );
}

#[test]
fn acquiring_again_renews() {
    play(
        PowerConfig::default(),
        &[
            (0, Acquire(1, "sync", Partial), L1, Free),
            (500_000, Acquire(1, "sync", Partial), L1, Free),
            (1_099_999, Look, L1, Free),
            (1_100_000, Look, L2, Free),
        ],
    );
}

#[test]
fn a_dead_holder_keeps_nothing_awake() {
    play(
        PowerConfig::default(),
        &[
            (0, Acquire(1, "a", Full), L1, KeptOn),
            (1, Acquire(1, "b", Partial), L1, KeptOn),
            (2, Acquire(2, "c", Partial), L1, KeptOn),
            (3, Die(1), L1, Free),
            (4, Die(2), L2, Free),
        ],
    );
}
