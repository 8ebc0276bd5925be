//! `sim compare`.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};
use clap::Args;
use sim::many::{many, threads};
use sim::report::{self, Run, terminal};
use sim::{Nothing, Plan, Policy, Shipping};

use crate::cli::{Days, Read};

#[derive(Debug, Args)]
pub struct Options {
    /// A policy, as `balanced`
    a: String,
    /// The other one, as `frugal,standby.timer_floor_ms=300000`
    b: String,
    /// The scenario, a TOML file
    #[arg(long, default_value = "scenarios/day.toml")]
    scenario: PathBuf,
    #[command(flatten)]
    days: Days,
    /// Where the page goes, instead of target/sim and the scenario's name
    #[arg(long)]
    out: Option<PathBuf>,
}

pub fn compare(options: Options) -> Result<ExitCode> {
    let Options { a, b, scenario, days: Days { days, seed, .. }, .. } = options;
    let read = Read::new(scenario, options.days.weather())?;
    let policies =
        [&a, &b].map(|text| Policy::parse(text, read.scenario.policy).map_err(|wrong| anyhow!("{wrong}")));
    let [first, second] = policies;
    let policies = [first?, second?];
    let runs = many(
        2,
        threads(),
        || (),
        |place| {
            let plan = Plan { scenario: &read.scenario, policy: policies[place], seed, days };
            sim::run(plan, &Shipping, &mut Nothing)
        },
    );
    let mut stats = Vec::new();
    for (run, policy) in runs.into_iter().zip(policies) {
        match run {
            Ok(run) => stats.push(run),
            Err(violation) => return read.broken(policy, seed, days, *violation),
        }
    }
    let (title, about) = (&read.scenario.title, &read.scenario.about);
    let run = |place: usize, name| Run {
        title,
        about,
        name,
        policy: policies[place],
        seed,
        days,
        stats: &stats[place],
    };
    let [left, right] = [run(0, &a), run(1, &b)];
    println!("{title}: {}, seed {seed}\n\n{}", report::days(days), terminal(&[left, right]));
    let page = read.folder(options.out)?.join("compare.html");
    fs::write(&page, report::compare(&left, &right))
        .with_context(|| format!("cannot write {}", page.display()))?;
    println!("{}", page.display());
    Ok(ExitCode::SUCCESS)
}
