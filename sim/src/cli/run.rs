//! `sim run`.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use sim::events::Files;
use sim::report::{self, Run, page, terminal};
use sim::{Nothing, Plan, Recorder, Shipping};

use crate::cli::progress::{self, Watched};
use crate::cli::{Chosen, Days, Read};

#[derive(Debug, Args)]
pub struct Options {
    /// The scenario, a TOML file
    scenario: PathBuf,
    #[command(flatten)]
    days: Days,
    #[command(flatten)]
    policy: Chosen,
    /// Where the files go, instead of target/sim and the scenario's name
    #[arg(long)]
    out: Option<PathBuf>,
    /// Write the page only: a day has about 5 MB of events
    #[arg(long)]
    no_events: bool,
}

pub fn run(options: Options) -> Result<ExitCode> {
    let Options { scenario, days: Days { days, seed, .. }, .. } = options;
    let read = Read::new(scenario, options.days.weather())?;
    let folder = read.folder(options.out)?;
    let policy = options.policy.over(read.scenario.policy)?;
    let plan = Plan { scenario: &read.scenario, policy, seed, days };
    let cannot = || format!("cannot write into {}", folder.display());
    let mut files = if options.no_events { None } else { Some(Files::create(&folder).with_context(cannot)?) };
    let recorder: &mut dyn Recorder = match &mut files {
        Some(files) => files,
        None => &mut Nothing,
    };
    let mut watched = Watched { recorder, bar: progress::bar(days as usize, "days") };
    let outcome = sim::run(plan, &Shipping, &mut watched);
    watched.bar.finish_and_clear();
    files.map_or(Ok(()), Files::finish).with_context(cannot)?;
    let stats = match outcome {
        Ok(stats) => stats,
        Err(violation) => return read.broken(policy, seed, days, *violation),
    };
    let (title, about, name) = (&read.scenario.title, &read.scenario.about, policy.text());
    let run = Run { title, about, name: &name, policy, seed, days, stats: &stats };
    println!("{title}: policy {name}, {}, seed {seed}\n\n{}", report::days(days), terminal(&[run]));
    let report = folder.join("report.html");
    fs::write(&report, page(&run)).with_context(cannot)?;
    println!("{}", report.display());
    if let Some(peak) = peak_memory_kb() {
        println!("peak memory {peak} kB");
    }
    Ok(ExitCode::SUCCESS)
}

/// What the kernel says of this process; only Linux does.
fn peak_memory_kb() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().strip_suffix(" kB")?.parse().ok()
}
