//! The battery over a day: what its gauge shows, and what happens when nothing is left.

#![expect(clippy::unwrap_used, reason = "a helper of tests may unwrap like a test")]

use std::path::Path;

use nexus_abi::Nanos;
use sim::battery::{Curve, Energy};
use sim::scenario::Device;
use sim::{Nothing, Plan, Policy, Scenario, Shipping, Stats, run};

/// An ordinary day under a policy, and the device.
fn day(policy: &str) -> (Stats, Device) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/day.toml");
    let (scenario, _) = Scenario::load(&path).unwrap();
    let policy = Policy::parse(policy, scenario.policy).unwrap();
    let plan = Plan { scenario: &scenario, policy, seed: 1, days: 1 };
    (run(plan, &Shipping, &mut Nothing).unwrap(), scenario.device)
}

#[test]
fn a_device_whose_battery_is_empty_is_off_until_it_is_plugged_in() {
    let (stats, device) = day("performance");
    assert_eq!(stats.empty, 1);
    let first_off = stats.buckets.iter().position(|bucket| bucket.off > 0).unwrap();
    let plugged = stats.buckets.iter().position(|bucket| bucket.charging > 0).unwrap();
    for bucket in &stats.buckets[first_off + 1..plugged] {
        assert_eq!((bucket.off, bucket.levels), (stats.width.0, [0; 3]));
    }
    assert!(stats.buckets[plugged + 2].off == 0, "it starts soon after");
    let mut had = Curve::fixture().unwrap().capacity();
    had += Energy::spent(device.charger.into(), Nanos(stats.all.charging));
    assert!(stats.used <= had, "no more than there was");
}

#[test]
fn the_gauge_is_known_in_every_stretch_however_long_nothing_happens() {
    let (stats, _) = day("frugal,standby.timer_floor_ms=300000");
    for pair in stats.buckets.windows(2) {
        let fell = pair[0].battery.saturating_sub(pair[1].battery);
        assert!(fell <= 3, "{fell} % in {:?}", stats.width);
    }
}
