//! Five hundred seeds of a day in which everything goes wrong that can.

use std::path::Path;

use sim::failure::Weather;
use sim::many::{many, threads};
use sim::{Nothing, Plan, Scenario, Shipping, run};

const SEEDS: usize = 500;

#[test]
fn every_promise_is_kept_in_every_weather() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/swarm.toml");
    let (scenario, _) = Scenario::load(&path).unwrap();
    let scenario = Weather::Swarm.over(scenario);
    let runs = many(
        SEEDS,
        threads(),
        || (),
        |seed| {
            let plan = Plan { scenario: &scenario, policy: scenario.policy, seed: seed as u64, days: 1 };
            run(plan, &Shipping, &mut Nothing).map_err(|violation| format!("seed {seed}: {violation}"))
        },
    );
    let broken: Vec<&String> = runs.iter().filter_map(|run| run.as_ref().err()).collect();
    assert!(broken.is_empty(), "{} of {SEEDS} seeds, the first\n{}", broken.len(), broken[0]);

    let mut faults = std::collections::BTreeMap::<&str, u64>::new();
    for stats in runs.iter().flatten() {
        stats.faults.iter().for_each(|(fault, times)| *faults.entry(fault).or_default() += times);
    }
    assert_eq!(faults.len(), 10, "every kind of fault has happened: {faults:?}");
    assert!(faults.values().all(|times| *times > 200), "{faults:?}");
}
