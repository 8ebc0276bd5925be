//! `xtask boot-matrix`: the same image boots on every machine we claim, without a rebuild.
//!
//! A boot is clean when the shell is ready, carries out the command to power off, and the machine exits with 0, with
//! nothing on the console that breaks the marker contract. The command comes with the command line: typing at an idle
//! machine whose clock counts instructions is not something every emulator survives.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{Echo, watch};
use crate::contract::{Contract, EndLine, Verdict, shell_run};
use crate::emulator::{Machine, Mode};
use crate::image::{Image, build_image};
use crate::process::say;
use crate::setup::{self, Need};
use crate::workspace::Workspace;

const HARTS: &[u32] = &[1, 2, 3, 4, 8];
const MEMORY_MIB: &[u32] = &[64, 128, 256, 2048];
const MODES: &[Mode] = &[Mode::Icount, Mode::MultiThreaded];

/// Boots in a row at two racing harts: enough to meet a race of one in twenty.
const REPEATS: u32 = 50;

/// A boot as a person's, that ends by itself.
const COMMAND_LINE: &str = "app=shell then=poweroff";

const TIME_OUT: Duration = Duration::from_secs(60);

/// Every combination, then the repeats.
pub fn boot_matrix(workspace: &Workspace) -> Result<()> {
    setup::ensure(workspace, Need::BOOT)?;
    let image = build_image(workspace)?;
    let mut broken = 0;
    for &mode in MODES {
        for &harts in HARTS {
            for &memory_mib in MEMORY_MIB {
                let machine = Machine { mode, harts, memory_mib, ..machine(&image) };
                let verdict = boot(workspace, &machine)?;
                say(format!("{machine}: {verdict}"));
                broken += u32::from(!verdict.is_pass());
            }
        }
    }
    ensure!(broken == 0, "{broken} machines did not boot cleanly");
    boots_in_a_row(workspace, image)
}

/// Fifty boots at two racing harts, all clean.
fn boots_in_a_row(workspace: &Workspace, image: Image) -> Result<()> {
    let machine = Machine { harts: 2, ..machine(&image) };
    for count in 1..=REPEATS {
        let verdict = boot(workspace, &machine)?;
        ensure!(verdict.is_pass(), "boot {count} of {REPEATS} on {machine}:\n{verdict}");
    }
    say(format!("{machine}: {REPEATS} boots in a row, all clean"));
    Ok(())
}

fn machine(image: &Image) -> Machine {
    Machine { time_out: TIME_OUT, command_line: COMMAND_LINE.to_owned(), ..Machine::new(image.clone()) }
}

fn boot(workspace: &Workspace, machine: &Machine) -> Result<Verdict> {
    let expected = shell_run(machine.harts, machine.memory_mib, &machine.image.recipe);
    let log = workspace.log("boot-matrix")?;
    let verdict = watch(machine, Contract::new(expected, EndLine::None), &log, Echo::Nothing)?;
    if !verdict.is_pass() {
        let name = format!("boot-matrix-{}-{}-{}", machine.mode, machine.harts, machine.memory_mib);
        let kept = workspace.log(&name)?;
        fs::copy(&log, &kept).context("cannot keep the console of a failed boot")?;
        say(format!("the console is in {}", workspace.relative(&kept).display()));
    }
    Ok(verdict)
}
