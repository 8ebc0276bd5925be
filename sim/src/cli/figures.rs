//! `sim figures`: the pictures of the documentation, from runs that anybody can repeat.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};
use sim::many::threads;
use sim::report::{Run, battery, residency, standby};
use sim::scenario::Mode;
use sim::sweep::{Grid, picture, sweep};
use sim::{Nothing, Plan, Policy, Scenario, Shipping};

const SEED: u64 = 1;

pub fn figures(out: &Path) -> Result<ExitCode> {
    let (scenario, _) = Scenario::load(Path::new("scenarios/day.toml"))?;
    let live = |mode| {
        let policy = Policy { mode, ..scenario.policy };
        let plan = Plan { scenario: &scenario, policy, seed: SEED, days: 1 };
        sim::run(plan, &Shipping, &mut Nothing)
            .map(|stats| (policy, stats))
            .map_err(|broken| anyhow!("{broken}"))
    };
    let runs = [live(Mode::Performance)?, live(Mode::Frugal)?];
    let [performance, frugal] = [0, 1].map(|place| {
        let (policy, stats) = &runs[place];
        let name = policy.mode.name();
        Run {
            title: &scenario.title,
            about: &scenario.about,
            name,
            policy: *policy,
            seed: SEED,
            days: 1,
            stats,
        }
    });
    let (busy, _) = Scenario::load(Path::new("scenarios/crowd.toml"))?;
    let grid = Grid { modes: vec![Mode::Balanced, Mode::Frugal], settings: Vec::new() };
    let axes = ["standby.timer_floor_ms=5000,20000,60000,300000", "standby.bg_inactive_min=2,5,20"];
    let grid =
        axes.iter().try_fold(grid, |grid, axis| grid.axis(axis)).map_err(|wrong| anyhow!("{wrong}"))?;
    let points = sweep(&busy, &grid.policies(busy.policy), 2, 1, threads(), || (), &Shipping);
    let points = points.map_err(|broken| anyhow!("{}", broken.violation))?;
    let pictures = [
        ("battery.svg", battery(&[performance, frugal]).with_legend(260.0)),
        ("idle.svg", residency(&frugal).with_legend(240.0)),
        ("standby.svg", standby(&frugal)),
        ("frontier.svg", picture("Battery against lateness", &points)),
    ];
    for (name, svg) in pictures {
        let file = out.join(name);
        fs::write(&file, svg).with_context(|| format!("cannot write {}", file.display()))?;
        println!("{}", file.display());
    }
    Ok(ExitCode::SUCCESS)
}
