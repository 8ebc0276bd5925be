//! What the tests of the policies are worth: the lines they run, the mistakes they notice, and those that take long.
//!
//! | module | asks |
//! |---|---|
//! | [`coverage`] | which lines no test runs |
//! | [`mutants`] | which changes of the code no test notices; `mutants.toml` has those that need not be |
//! | [`long_tests`] | whether longer random histories find what short ones do not |
//!
//! All three take minutes to hours, so neither `make test` nor `make ci` runs them.

pub mod coverage;
pub mod long_tests;
pub mod mutants;

use std::process::Command;

use anyhow::{Result, ensure};

use crate::process::host_cargo;
use crate::setup;
use crate::workspace::Workspace;

/// The libraries that are looked at.
const LIBRARIES: [&str; 10] = [
    "access-policy",
    "alarm-queue",
    "explain",
    "lifecycle",
    "power-config",
    "power-governor",
    "power-residency",
    "standby",
    "timer-coalescer",
    "wakelock",
];

/// Those that are named, else all.
#[derive(Debug, Clone, clap::Args)]
pub struct Libraries {
    /// Only these libraries
    names: Vec<String>,
}

impl Libraries {
    fn chosen(&self) -> Result<Vec<&'static str>> {
        for name in &self.names {
            let all = LIBRARIES.join(", ");
            ensure!(LIBRARIES.contains(&name.as_str()), "{name} is none of {all}");
        }
        let named = |library: &&str| self.names.is_empty() || self.names.iter().any(|name| name == library);
        Ok(LIBRARIES.into_iter().filter(named).collect())
    }
}

/// A call of the cargo subcommand `name`, in the root of the workspace.
fn cargo_tool(workspace: &Workspace, name: &str) -> Command {
    let tool = setup::cargo_tool(workspace, &format!("cargo-{name}"));
    let mut command = tool.map_or_else(host_cargo, Command::new);
    command.current_dir(workspace.root()).arg(name);
    command
}
