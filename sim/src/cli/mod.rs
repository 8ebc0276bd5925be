//! The command line: what can be asked, and how it is answered.

mod compare;
mod figures;
mod progress;
mod run;
mod speed;
mod swarm;
mod sweep;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};
use clap::{Args, Parser, Subcommand};
use sim::failure::{Failure, Weather};
use sim::scenario::{Mode, Setting};
use sim::{Policy, Scenario, Shipping, Violation};

/// A promise was broken.
const BROKEN: u8 = 1;
/// The command line, a scenario or a file is wrong.
pub const USAGE: u8 = 2;

/// The whole device in virtual time: apps, a person, faults, and the policies that ship.
///
/// Every run checks after each event what timed, wake locks, residency, standby and alarms promise. A run depends on its
/// scenario, policy, seed and length, and on nothing else.
#[derive(Debug, Parser)]
#[command(
    name = "sim",
    after_help = "Exit codes: 0 all is well, 1 a promise was broken, 2 the command line, a \
    scenario or a file is wrong.\n\nA policy is a mode and settings of recipes/power.toml, with commas between them: \
    frugal,standby.timer_floor_ms=300000"
)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Live through a scenario; prints a summary, writes a page and all events
    Run(run::Options),
    /// The same days under two policies, side by side
    Compare(compare::Options),
    /// A grid of policies over many seeds on all cores; prints the frontier of battery against lateness
    Sweep(sweep::Options),
    /// Seed after seed with faults of every kind, until a promise is broken or the seeds are through
    Swarm(swarm::Options),
    /// Live through a run again that broke a promise
    Replay {
        /// The file that the run has left
        file: PathBuf,
    },
    /// How fast it all is on this machine: a day, and policy steps per second
    Speed,
    /// Draw the pictures of the documentation
    Figures {
        /// Where to
        #[arg(long, default_value = "docs/power")]
        out: PathBuf,
    },
}

/// What is common to runs.
#[derive(Debug, Args)]
struct Days {
    /// How many days
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: u32,
    /// What chance depends on
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Let everything go wrong that can, whatever the scenario says
    #[arg(long)]
    faults: bool,
}

impl Days {
    const fn weather(&self) -> Weather {
        if self.faults { Weather::Swarm } else { Weather::AsWritten }
    }
}

/// The policy of a single run.
#[derive(Debug, Args)]
struct Chosen {
    /// The mode that is set, instead of the scenario's
    #[arg(long)]
    mode: Option<Mode>,
    /// A number of recipes/power.toml, as standby.timer_floor_ms=300000; may be given more than once
    #[arg(long = "set", value_name = "KEY=NUMBER")]
    set: Vec<Setting>,
}

impl Chosen {
    fn over(&self, base: Policy) -> Result<Policy> {
        let policy = Policy { mode: self.mode.unwrap_or(base.mode), ..base };
        let policy = self.set.iter().fold(policy, |policy, setting| policy.with(*setting));
        policy.check().map_err(|wrong| anyhow!("{wrong}"))?;
        Ok(policy)
    }
}

/// A scenario as it was read.
struct Read {
    file: PathBuf,
    text: String,
    scenario: Scenario,
    weather: Weather,
}

impl Read {
    fn new(file: PathBuf, weather: Weather) -> Result<Self> {
        let (scenario, text) = Scenario::load(&file)?;
        Ok(Self { file, text, scenario: weather.over(scenario), weather })
    }

    /// Where the files of a command go.
    fn folder(&self, out: Option<PathBuf>) -> Result<PathBuf> {
        let name = self.file.file_stem().unwrap_or_default();
        let folder = out.unwrap_or_else(|| PathBuf::from("target/sim").join(name));
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(folder)
    }

    /// A promise was broken: says so, and leaves a file that brings it back.
    fn broken(&self, policy: Policy, seed: u64, days: u32, violation: Violation) -> Result<ExitCode> {
        let path = PathBuf::from(format!("target/sim/failures/seed-{seed}.json"));
        eprint!("seed {seed}, policy {}\n{violation}", policy.text());
        let (file, scenario, weather) = (self.file.display().to_string(), self.text.clone(), self.weather);
        Failure { file, scenario, policy, weather, seed, days, violation }.save(&path)?;
        eprintln!("again: cargo run -p sim -- replay {}", path.display());
        Ok(ExitCode::from(BROKEN))
    }
}

/// Does what is asked.
pub fn dispatch(arguments: Arguments) -> Result<ExitCode> {
    match arguments.command {
        Command::Run(options) => run::run(options),
        Command::Compare(options) => compare::compare(options),
        Command::Sweep(options) => sweep::sweep(options),
        Command::Swarm(options) => swarm::swarm(options),
        Command::Replay { file } => replay(&Failure::load(&file)?),
        Command::Speed => speed::speed(),
        Command::Figures { out } => figures::figures(&out),
    }
}

fn replay(failure: &Failure) -> Result<ExitCode> {
    println!("{}, seed {}, policy {}", failure.file, failure.seed, failure.policy.text());
    match failure.replay(&Shipping)? {
        None => {
            println!("nothing is broken any more; it was\n{}", failure.violation);
            Ok(ExitCode::SUCCESS)
        }
        Some(violation) => {
            let same =
                if violation == failure.violation { "the same again" } else { "something else than before" };
            print!("{same}\n{violation}");
            Ok(ExitCode::from(BROKEN))
        }
    }
}
