//! Runs of the whole system and what they prove.
//!
//! | module | proves |
//! |---|---|
//! | [`selftest`] | the marker contract at several hart counts |
//! | [`matrix`] | it boots on every machine we claim, and fifty times in a row |
//! | [`idle`] | an idle machine lets the host sleep |
//! | [`fuzz`] | hostile system calls break nothing |
//! | [`session`] | a person, or a script, can use it |
//!
//! All of them go through [`watch`], which feeds a console to a [`Contract`].

pub mod fuzz;
pub mod idle;
pub mod matrix;
pub mod selftest;
pub mod session;

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::contract::{Contract, Ending, Progress, Verdict};
use crate::emulator::{Console, Event, Machine, Running};

/// How long a machine may take to exit after its last words.
const EXIT_GRACE: Duration = Duration::from_secs(10);

/// Whether a run's console is shown while it is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Echo {
    Console,
    Nothing,
}

/// Boots `machine`, keeps its console in `log`, and judges it.
pub fn watch(machine: &Machine, mut contract: Contract, log: &Path, echo: Echo) -> Result<Verdict> {
    let mut running = Running::start(machine, Console::File(log))?;
    let ending = loop {
        match running.next()? {
            Event::Line(line) => {
                if echo == Echo::Console {
                    println!("{line}");
                }
                match contract.line(&line) {
                    Progress::Continue => {}
                    Progress::Ended | Progress::Dying => running.limit(EXIT_GRACE),
                    Progress::Stop => break Ending::Stopped,
                }
            }
            Event::Quiet => {}
            Event::Exited(exit) => break Ending::Exited(exit),
            Event::TimedOut => break Ending::TimedOut,
        }
    };
    Ok(contract.finish(ending))
}
