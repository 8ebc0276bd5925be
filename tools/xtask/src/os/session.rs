//! `xtask run`: the system on a person's terminal, or driven by a script.
//!
//! On a terminal the emulator owns it; Ctrl-A X leaves. Otherwise the console is printed, each line of standard
//! input is typed at a prompt of its own, and at the end of the input the machine is powered off, so that
//! `echo ps | make run` does what one hopes.

use std::io::{self, BufRead, IsTerminal, Write};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nexus_proof::SHELL_PROMPT;

use crate::contract::describe_exit;
use crate::emulator::{Console, Event, Exit, Machine, Running};
use crate::image::build_image;
use crate::process::say;
use crate::setup::{self, Need};
use crate::workspace::Workspace;

/// The shell's command that ends the machine, with the key that ends a line.
const POWER_OFF: &str = "poweroff\r";

/// Bound of a scripted session.
const SCRIPT_TIME_OUT: Duration = Duration::from_secs(600);

/// The machine a person wants.
#[derive(Debug, Clone, clap::Args)]
pub struct Wish {
    /// Harts, 1 to 8.
    #[arg(long, env = "SMP", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=8))]
    pub harts: u32,
    /// Memory in MiB.
    #[arg(long, default_value_t = 256)]
    pub memory: u32,
    /// Program to start after the services.
    #[arg(long, default_value = "shell")]
    pub app: String,
    /// More words for the guest's command line, `key=value`.
    #[arg(last = true)]
    pub words: Vec<String>,
}

/// Boots and stays until the machine is off.
pub fn run(workspace: &Workspace, wish: &Wish) -> Result<()> {
    setup::ensure(workspace, Need::BOOT)?;
    let image = build_image(workspace)?;
    let mut command_line = format!("app={}", wish.app);
    wish.words.iter().for_each(|word| command_line.extend([" ", word]));
    let machine = Machine {
        harts: wish.harts,
        memory_mib: wish.memory,
        command_line,
        time_out: SCRIPT_TIME_OUT,
        ..Machine::new(image)
    };
    let exit = if io::stdin().is_terminal() {
        say(format!("booting {machine}; `help` lists commands, Ctrl-A X leaves"));
        on_terminal(&machine)?
    } else {
        say(format!("booting {machine}; commands come from standard input"));
        scripted(&machine, &mut io::stdin().lock().lines(), &mut io::stdout())?
    };
    match exit {
        Exit::Code(0) => Ok(()),
        other => bail!("the machine stopped: {}", describe_exit(other)),
    }
}

fn on_terminal(machine: &Machine) -> Result<Exit> {
    let mut running = Running::start(machine, Console::Terminal)?;
    loop {
        match running.next()? {
            Event::Exited(exit) => return Ok(exit),
            Event::TimedOut => bail!("TIMED OUT"),
            Event::Line(_) | Event::Quiet => {}
        }
    }
}

/// Types a line whenever the shell asks for one.
fn scripted(
    machine: &Machine,
    script: &mut impl Iterator<Item = io::Result<String>>,
    out: &mut impl Write,
) -> Result<Exit> {
    let mut running = Running::start(machine, Console::Pipe)?;
    // A prompt is answered once; the echo that follows it makes a line, and the next prompt is a new one.
    let mut answered = false;
    // What the kernel says ends the line of a prompt that stands.
    let mut talked_over = false;
    let mut powering_off = false;
    loop {
        match running.next()? {
            Event::Line(line) => {
                talked_over |= !answered && line.starts_with(SHELL_PROMPT);
                answered = false;
                writeln!(out, "{line}").context("nobody reads our output")?;
            }
            Event::Quiet
                if !answered
                    && !powering_off
                    && (talked_over || running.partial().ends_with(SHELL_PROMPT)) =>
            {
                (answered, talked_over) = (true, false);
                match script.next() {
                    Some(line) => running.send(&(line.context("cannot read standard input")? + "\r"))?,
                    None => {
                        powering_off = true;
                        running.send(POWER_OFF)?;
                    }
                }
            }
            Event::Quiet => {}
            Event::Exited(exit) => return Ok(exit),
            Event::TimedOut => {
                bail!("TIMED OUT: the script did not finish in {} s", SCRIPT_TIME_OUT.as_secs())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::fake::emulator;

    /// A shell that prompts, echoes and obeys; like a terminal it takes a carriage return for the end of a line.
    const FAKE_SHELL: &str = r#"
printf 'shell: ready\nnexus> '
while IFS= read -r -d $'\r' line; do
    printf '%s\nyou said %s\n' "$line" "$line"
    [ "$line" = poweroff ] && exit 0
    printf 'nexus> '
done"#;

    #[test]
    fn each_line_is_typed_at_a_prompt_and_the_end_powers_off() {
        types_each_line_at_a_prompt(FAKE_SHELL);
    }

    #[test]
    fn a_prompt_that_the_kernel_talks_over_is_answered_too() {
        let talks = FAKE_SHELL.replace("ready\\nnexus> ", "ready\\nnexus> neuron: idle enter L1\\n");
        assert_ne!(talks, FAKE_SHELL);
        types_each_line_at_a_prompt(&talks);
    }

    fn types_each_line_at_a_prompt(shell: &str) {
        let folder = tempfile::tempdir().unwrap();
        let machine = Machine { time_out: Duration::from_secs(20), ..emulator(folder.path(), shell) };
        let mut out = Vec::new();
        let mut lines = ["help", "ps"].into_iter().map(|line| Ok(line.to_owned()));
        let exit = scripted(&machine, &mut lines, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(exit, Exit::Code(0), "{text}");
        let said: Vec<_> = text.lines().filter(|line| line.starts_with("you said")).collect();
        assert_eq!(said, ["you said help", "you said ps", "you said poweroff"]);
    }
}
