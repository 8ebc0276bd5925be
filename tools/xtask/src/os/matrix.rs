//! `xtask boot-matrix`: the same image boots on every machine we claim, without a rebuild.
//!
//! A boot is clean when the shell is ready, takes the command to power off, and the machine exits with 0, with
//! nothing on the console that breaks the marker contract.

use std::time::Duration;

use anyhow::{Result, ensure};
use nexus_proof::SHELL_PROMPT;

use super::session::POWER_OFF;
use crate::contract::{Contract, EndLine, Ending, Progress, Verdict, shell_run};
use crate::emulator::{Console, Event, Machine, Mode, Running};
use crate::image::{Image, build_image};
use crate::process::say;
use crate::setup::{self, Need};
use crate::workspace::Workspace;

const HARTS: &[u32] = &[1, 2, 3, 4, 8];
const MEMORY_MIB: &[u32] = &[64, 128, 256, 2048];
const MODES: &[Mode] = &[Mode::Icount, Mode::MultiThreaded];

/// Boots in a row at two racing harts: enough to meet a race of one in twenty.
const REPEATS: u32 = 50;

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
                let verdict = boot(&machine)?;
                say(format!("{machine}: {verdict}"));
                broken += u32::from(!verdict.is_pass());
            }
        }
    }
    ensure!(broken == 0, "{broken} machines did not boot cleanly");
    boots_in_a_row(image)
}

/// Fifty boots at two racing harts, all clean.
fn boots_in_a_row(image: Image) -> Result<()> {
    let machine = Machine { harts: 2, ..machine(&image) };
    for count in 1..=REPEATS {
        let verdict = boot(&machine)?;
        ensure!(verdict.is_pass(), "boot {count} of {REPEATS} on {machine}:\n{verdict}");
    }
    say(format!("{machine}: {REPEATS} boots in a row, all clean"));
    Ok(())
}

fn machine(image: &Image) -> Machine {
    Machine { time_out: TIME_OUT, command_line: "app=shell".to_owned(), ..Machine::new(image.clone()) }
}

fn boot(machine: &Machine) -> Result<Verdict> {
    let expected = shell_run(machine.harts, machine.memory_mib);
    let mut contract = Contract::new(expected, EndLine::None);
    let mut running = Running::start(machine, Console::Pipe)?;
    let mut asked = false;
    let ending = loop {
        match running.next()? {
            Event::Line(line) => {
                // What the shell echoes stands behind its prompt: not at the start of a line, so no marker.
                if contract.line(&line) == Progress::Dying {
                    running.limit(super::EXIT_GRACE);
                }
            }
            Event::Quiet => {
                if !asked && running.partial().ends_with(SHELL_PROMPT) {
                    running.send(POWER_OFF)?;
                    asked = true;
                }
            }
            Event::Exited(exit) => break Ending::Exited(exit),
            Event::TimedOut => break Ending::TimedOut,
        }
    };
    Ok(contract.finish(ending))
}
