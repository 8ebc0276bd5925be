//! `xtask fuzz`: a hostile task makes system calls until it has made enough, on one hart and on two.
//!
//! The seed decides every call, so a failure is replayed with `cargo xtask fuzz --seed <n>`. The guest itself
//! checks, after the hostile task's death, that memory and object counts are what they were, and exits with 1 if
//! they are not; a kernel that panics exits with a code of its own.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};

use super::{Echo, watch};
use crate::contract::{Contract, EndLine, fuzz_run};
use crate::emulator::Machine;
use crate::image::build_image;
use crate::process::say;
use crate::setup::{self, Need};
use crate::workspace::Workspace;

/// Random calls and grammar-guided ones that every test run makes.
pub const CALLS: u64 = 1_200_000;

/// The seed of test runs: any will do, but the same one every time.
const TEST_SEED: u64 = 1;

const HARTS: &[u32] = &[1, 2];

/// Time for a million calls, generously.
const TIME_PER_MILLION: Duration = Duration::from_secs(180);

/// How much and with which seed.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Amount {
    /// System calls in all.
    #[arg(long, default_value_t = 10 * CALLS)]
    pub calls: u64,
    /// Replays a run; without it the clock chooses.
    #[arg(long)]
    pub seed: Option<u64>,
}

impl Amount {
    /// What `make test` does.
    pub const TEST: Amount = Amount { calls: CALLS, seed: Some(TEST_SEED) };
}

/// Fails on the first hart count that does not survive.
pub fn fuzz(workspace: &Workspace, amount: Amount) -> Result<()> {
    setup::ensure(workspace, Need::BOOT)?;
    let image = build_image(workspace)?;
    let seed = amount.seed.unwrap_or_else(seed_from_clock);
    for &harts in HARTS {
        let machine = Machine {
            harts,
            command_line: format!("app=fuzzer seed={seed} fuzz={}", amount.calls),
            time_out: TIME_PER_MILLION * u32::try_from(amount.calls.div_ceil(1_000_000)).unwrap_or(u32::MAX),
            ..Machine::new(image.clone())
        };
        say(format!("fuzzing on {machine}"));
        let log = workspace.log(&format!("fuzz-{harts}"))?;
        let contract =
            Contract::new(fuzz_run(harts, machine.memory_mib, &machine.image.recipe), EndLine::None);
        let verdict = watch(&machine, contract, &log, Echo::Nothing)?;
        ensure!(
            verdict.is_pass(),
            "{verdict}\nreplay with `cargo xtask fuzz --seed {seed} --calls {}`; the console is in {}",
            amount.calls,
            workspace.relative(&log).display()
        );
        say(format!("{machine}: survived {} calls", amount.calls));
    }
    Ok(())
}

fn seed_from_clock() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(TEST_SEED, |since| since.as_secs())
}
