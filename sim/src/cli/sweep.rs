//! `sim sweep`.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};
use clap::Args;
use sim::Shipping;
use sim::many;
use sim::report::{self, span};
use sim::scenario::Mode;
use sim::sweep::{self, Grid, Point};

use crate::cli::{Days, Read, progress};

#[derive(Debug, Args)]
pub struct Options {
    /// The scenario, a TOML file
    #[arg(default_value = "scenarios/day.toml")]
    scenario: PathBuf,
    /// An axis of the grid: mode=balanced,frugal or standby.bg_inactive_min=2,5,15; may be given more than once
    #[arg(long, value_name = "KEY=VALUES", default_values_t = [
        "mode=balanced,performance,frugal".to_owned(),
        "standby.timer_floor_ms=10000,60000,300000".to_owned(),
        "standby.bg_inactive_min=2,5,20".to_owned(),
    ])]
    grid: Vec<String>,
    /// Seeds of each policy
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    seeds: u64,
    #[command(flatten)]
    days: Days,
    /// Threads, instead of one for each core; the outcome is the same
    #[arg(long)]
    threads: Option<usize>,
    /// Where the files go, instead of target/sim and the scenario's name
    #[arg(long)]
    out: Option<PathBuf>,
}

pub fn sweep(options: Options) -> Result<ExitCode> {
    let read = Read::new(options.scenario.clone(), options.days.weather())?;
    let empty = Grid { modes: vec![Mode::Balanced], settings: Vec::new() };
    let grid = options
        .grid
        .iter()
        .try_fold(empty, |grid, axis| grid.axis(axis))
        .map_err(|wrong| anyhow!("{wrong}"))?;
    let policies = grid.policies(read.scenario.policy);
    let threads = options.threads.unwrap_or_else(many::threads);
    let days = options.days.days;
    let bar = progress::bar(policies.len() * options.seeds as usize, "runs");
    let (scenario, seeds) = (&read.scenario, options.seeds);
    let points = sweep::sweep(scenario, &policies, seeds, days, threads, || bar.inc(1), &Shipping);
    bar.finish_and_clear();
    let points = match points {
        Ok(points) => points,
        Err(broken) => return read.broken(broken.policy, broken.seed, days, *broken.violation),
    };
    println!(
        "{} policies, runs of each: {seeds}, of {}; * is the frontier\n",
        points.len(),
        report::days(days)
    );
    println!(
        "{:>13}{:>11}{:>14}{:>12}{:>13}  policy",
        "units/day", "ran empty", "wake-ups/day", "mean late", "95 % late"
    );
    points.iter().for_each(show);
    let folder = read.folder(options.out)?;
    let title = format!("{}: battery against lateness", scenario.title);
    for (name, text) in [("sweep.tsv", sweep::table(&points)), ("sweep.svg", sweep::picture(&title, &points))]
    {
        let file = folder.join(name);
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
        println!("{}", file.display());
    }
    Ok(ExitCode::SUCCESS)
}

fn show(point: &Point) {
    let mark = if point.on_frontier { "*" } else { " " };
    let (late, late_95) = (span(point.late), span(point.late_95));
    let Point { used, empty, wakeups, policy, .. } = point;
    println!("{mark}{used:>12}{empty:>11}{wakeups:>14}{late:>12}{late_95:>13}  {}", policy.text());
}
