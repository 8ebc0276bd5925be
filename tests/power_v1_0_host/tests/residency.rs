//! Where the time went, exactly: simulated idleness in, percent and nanoseconds out.

#![expect(clippy::unwrap_used, reason = "a helper of tests may unwrap like a test")]

use nexus_abi::IdleLevel::{L0, L1, L2};
use nexus_abi::{IdleLevel, Nanos};
use power_config::{Key, PowerConfig, Values};
use power_residency::{Of, Range};
use power_v1_0_host::{Device, Event};
use wakelock::Kind::Partial;

use Event::{Acquire, Look, Release, Rest, Run};

const SECOND: u64 = 1_000_000_000;

/// Percent of L0, L1 and L2, and the same in nanoseconds.
fn spent(device: &Device, range: Range) -> ([u8; 3], [u64; 3]) {
    let spent = device.residency().window(range, Of::Hart(0)).unwrap().spent;
    (spent.percent(), IdleLevel::ALL.map(|level| spent.at(level).0))
}

/// Milliseconds, event, level, percent of the last minute, seconds of it.
type Row = (u64, Event, IdleLevel, [u8; 3], [u64; 3]);

fn play(device: &mut Device, table: &[Row]) {
    for (ms, event, level, percent, secs) in table.iter().copied() {
        assert_eq!(device.at(ms, event).level, level, "{event:?} at {ms} ms");
        let expected = (percent, secs.map(|secs| secs * SECOND));
        assert_eq!(spent(device, Range::Status), expected, "{event:?} at {ms} ms");
    }
}

#[test]
fn idle_periods_produce_their_exact_percentages() {
    play(
        &mut Device::new(PowerConfig::default()),
        &[
            (0, Run, L0, [0, 0, 0], [0, 0, 0]),
            // Six seconds of work, nine of short rests, forty-five of deep idle.
            (6_000, Rest(40), L1, [100, 0, 0], [6, 0, 0]),
            (15_000, Rest(60_000), L2, [40, 60, 0], [6, 9, 0]),
            (60_000, Run, L0, [10, 15, 75], [6, 9, 45]),
            // The window rolls: a minute later only the work is left.
            (63_000, Look, L0, [10, 15, 75], [6, 9, 45]),
            (66_000, Look, L0, [10, 15, 75], [6, 9, 45]),
            (70_500, Look, L0, [17, 8, 75], [10, 5, 45]),
            (120_000, Look, L0, [100, 0, 0], [60, 0, 0]),
        ],
    );
}

#[test]
fn a_wake_lock_costs_exactly_the_deep_idle_while_it_is_held() {
    play(
        &mut Device::new(PowerConfig::default()),
        &[
            (0, Rest(1_000_000), L2, [0, 0, 0], [0, 0, 0]),
            (20_000, Acquire(1, "sync", Partial), L1, [0, 0, 100], [0, 0, 20]),
            (50_000, Release(1, "sync"), L2, [0, 60, 40], [0, 30, 20]),
            (60_000, Look, L2, [0, 50, 50], [0, 30, 30]),
        ],
    );
}

#[test]
fn thirds_are_rounded_so_that_they_add_up() {
    let mut device = Device::new(PowerConfig::default());
    device.at(0, Run);
    device.at(20_000, Rest(40));
    device.at(40_000, Rest(60_000));
    device.at(60_000, Look);
    assert_eq!(spent(&device, Range::Status), ([34, 33, 33], [20 * SECOND; 3]));
}

#[test]
fn the_graph_keeps_ten_minutes() {
    let mut device = Device::new(PowerConfig::default());
    for minute in 0..20 {
        device.at(minute * 60_000, Run);
        device.at(minute * 60_000 + 15_000, Rest(60_000));
    }
    device.at(20 * 60_000, Look);
    assert_eq!(spent(&device, Range::Graph), ([25, 0, 75], [150 * SECOND, 0, 450 * SECOND]));
    assert_eq!(spent(&device, Range::Status), ([25, 0, 75], [15 * SECOND, 0, 45 * SECOND]));
    let buckets = device.residency().buckets(Range::Graph, Of::All).unwrap();
    let running: Vec<u64> = buckets.map(|bucket| bucket.at(L0).0 / SECOND).collect();
    assert_eq!(running, [10, 5, 0, 0, 0, 0].repeat(10));
}

#[test]
fn other_windows_can_be_configured() {
    let values = Values::DEFAULT.with(Key::StatusWindow, 6).with(Key::GraphWindow, 60);
    let mut device = Device::new(PowerConfig::try_from(&values).unwrap());
    device.at(0, Run);
    device.at(57_000, Rest(60_000));
    device.at(60_000, Look);
    assert_eq!(spent(&device, Range::Status), ([50, 0, 50], [3 * SECOND, 0, 3 * SECOND]));
    assert_eq!(spent(&device, Range::Graph), ([95, 0, 5], [57 * SECOND, 0, 3 * SECOND]));
    let window = device.residency().window(Range::Status, Of::All).unwrap();
    assert_eq!((window.from, window.to), (Nanos(54 * SECOND), Nanos(60 * SECOND)));
}
