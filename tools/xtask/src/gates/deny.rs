//! Licences, sources, duplicates and advisories of everything we depend on, by cargo-deny.
//!
//! Advisories need a database from the network. Without it everything else is still checked, and the run says that
//! advisories were not: being offline is no reason to fail, nor to claim what was not done.

use std::process::Command;

use anyhow::{Context, Result};

use crate::process::{self, say};
use crate::setup::{self, Need};
use crate::workspace::Workspace;

/// What can be decided from the lock file and the crates themselves.
const OFFLINE: &[&str] = &["licenses", "bans", "sources"];

pub fn check(workspace: &Workspace) -> Result<()> {
    setup::ensure(workspace, &[Need::Deny])?;
    process::run(deny(workspace)?.args(OFFLINE))?;
    if process::ask(program(workspace)?.args(["fetch", "db"])).is_none() {
        say("advisories: NOT CHECKED, their database cannot be fetched here");
        return Ok(());
    }
    process::run(deny(workspace)?.args(["--disable-fetch", "advisories"]))
}

fn deny(workspace: &Workspace) -> Result<Command> {
    let mut command = program(workspace)?;
    command.args(["--log-level", "error", "check", "--hide-inclusion-graph"]);
    Ok(command)
}

fn program(workspace: &Workspace) -> Result<Command> {
    let path = setup::cargo_tool(workspace, "cargo-deny").context("cargo-deny is missing: `make doctor`")?;
    let mut command = Command::new(path);
    command.current_dir(workspace.root()).env("CARGO", process::host_cargo().get_program());
    Ok(command)
}
