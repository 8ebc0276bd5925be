//! `sim swarm`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use sim::failure::Weather;
use sim::many::{many, threads};
use sim::{Nothing, Plan, Shipping};

use crate::cli::{Read, progress};

/// Seeds between two looks at what has come of them.
const BATCH: u64 = 64;

#[derive(Debug, Args)]
pub struct Options {
    /// The scenario, a TOML file
    #[arg(default_value = "scenarios/swarm.toml")]
    scenario: PathBuf,
    /// How many seeds; 0 goes on until a promise is broken or somebody stops it
    #[arg(long, default_value_t = 500)]
    seeds: u64,
    /// The first of them
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Days of each
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: u32,
}

pub fn swarm(options: Options) -> Result<ExitCode> {
    let Options { scenario, seeds, mut from, days } = options;
    let read = Read::new(scenario, Weather::Swarm)?;
    let end = if seeds == 0 { u64::MAX } else { from.saturating_add(seeds) };
    let bar = progress::bar(seeds as usize, "seeds");
    let policy = read.scenario.policy;
    while from < end {
        let batch = BATCH.min(end - from);
        let runs = many(
            batch as usize,
            threads(),
            || bar.inc(1),
            |place| {
                let plan = Plan { scenario: &read.scenario, policy, seed: from + place as u64, days };
                sim::run(plan, &Shipping, &mut Nothing).err()
            },
        );
        if let Some((place, violation)) =
            runs.into_iter().enumerate().find_map(|(place, run)| Some((place, run?)))
        {
            bar.finish_and_clear();
            return read.broken(policy, from + place as u64, days, *violation);
        }
        from += batch;
    }
    bar.finish_and_clear();
    println!("{seeds} seeds of {days} days, every kind of fault, every promise kept");
    Ok(ExitCode::SUCCESS)
}
