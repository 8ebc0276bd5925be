//! The same again: equal seeds give equal runs, other seeds other ones, and a longer run takes no more memory.

#![expect(clippy::unwrap_used, reason = "a helper of tests may unwrap like a test")]

use std::path::Path;

use sim::record::{Record, Recorder};
use sim::{Nothing, Plan, Scenario, Shipping, run};

fn scenario(name: &str) -> Scenario {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios").join(name);
    Scenario::load(&path).unwrap().0
}

#[derive(Default)]
struct Lines(String);

impl Recorder for Lines {
    fn record(&mut self, record: &Record<'_>) {
        self.0 += &serde_json::to_string(record).unwrap();
        self.0.push('\n');
    }
}

#[test]
fn every_scenario_can_be_lived_through() {
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")).unwrap() {
        let path = entry.unwrap().path();
        let (scenario, _) = Scenario::load(&path).unwrap();
        let plan = Plan { scenario: &scenario, policy: scenario.policy, seed: 1, days: 1 };
        let stats = run(plan, &Shipping, &mut Nothing).unwrap_or_else(|broken| panic!("{path:?}: {broken}"));
        assert!(stats.all.wakeups.iter().sum::<u32>() > 0, "{path:?}");
    }
}

#[test]
fn a_seed_is_a_run() {
    let scenario = scenario("swarm.toml");
    let lines = |seed| {
        let mut lines = Lines::default();
        let plan = Plan { scenario: &scenario, policy: scenario.policy, seed, days: 1 };
        let stats = run(plan, &Shipping, &mut lines).unwrap();
        (lines.0, stats)
    };
    let first = lines(7);
    assert_eq!(first, lines(7));
    assert_ne!(first.0, lines(8).0);
    assert!(first.0.lines().count() > 100);
}

#[test]
fn hart_time_is_time_to_the_nanosecond() {
    let scenario = scenario("day.toml");
    let plan = Plan { scenario: &scenario, policy: scenario.policy, seed: 3, days: 1 };
    let stats = run(plan, &Shipping, &mut Nothing).unwrap();
    let harts = scenario.device.harts.0 as u64;
    assert_eq!(stats.all.levels.iter().sum::<u64>(), harts * sim::world::DAY.0);
}
