//! The simulator's command line.
use sim::*;
fn main() {
    let path = std::env::args().nth(1).unwrap();
    let days: u32 = std::env::args().nth(2).unwrap().parse().unwrap();
    let (mut scenario, _) = Scenario::load(std::path::Path::new(&path)).unwrap();
    if std::env::args().nth(4).is_some() {
        scenario.faults = scenario::Faults::SWARM;
    }
    let seeds: u64 = std::env::args().nth(3).unwrap().parse().unwrap();
    for seed in 0..seeds {
        for mode in [scenario::Mode::Balanced, scenario::Mode::Performance, scenario::Mode::Frugal] {
            let plan = Plan { scenario: &scenario, policy: Policy { mode, ..scenario.policy }, seed, days };
            let t = std::time::Instant::now();
            match run(plan, &Shipping, &mut Nothing) {
                Ok(s) => println!(
                    "{mode:?} {:?} events {} msgs {} bat {} used {} empty {} levels {:?} wakes {:?} late {:?} mean {:?} p99 {:?} faults {:?}",
                    t.elapsed(),
                    s.events,
                    s.messages,
                    s.all.battery,
                    s.used.in_units(),
                    s.empty,
                    s.all.residency(),
                    s.all.wakeups,
                    s.all.late,
                    s.late.mean(),
                    s.late.percentile(99),
                    s.faults
                ),
                Err(v) => println!("seed {seed} {mode:?} {v}"),
            }
        }
    }
}
