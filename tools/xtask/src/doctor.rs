//! `xtask doctor`: what is there, what is missing, and what was tested. Changes nothing.

use anyhow::{Result, bail};

use crate::process;
use crate::setup::{Need, emulator_version};
use crate::workspace::Workspace;

/// Releases of QEMU on which the whole test suite was seen to pass.
const TESTED_EMULATORS: &[&str] = &["7.2"];

/// Fails when something is missing, after listing everything.
pub fn doctor(workspace: &Workspace) -> Result<()> {
    let cargo = process::ask(process::host_cargo().arg("--version")).unwrap_or_default();
    println!("ok       {:<16} {}", "cargo", cargo.trim());
    let mut missing = 0;
    for need in Need::ALL {
        match need.found(workspace) {
            Some(found) => println!("ok       {:<16} {found}", need.name()),
            None => {
                missing += 1;
                println!("missing  {:<16} `cargo xtask setup` installs it", need.name());
            }
        }
    }
    for need in Need::ON_DEMAND {
        match need.found(workspace) {
            Some(found) => println!("ok       {:<16} {found}", need.name()),
            None => println!("note     {:<16} the command that uses it installs it", need.name()),
        }
    }
    if let Some(version) = emulator_version() {
        println!("{}", emulator_verdict(&version));
    }
    match missing {
        0 => Ok(()),
        count => bail!(
            "{count} missing: run `cargo xtask setup`; every command also installs what it needs itself"
        ),
    }
}

fn emulator_verdict(version: &str) -> String {
    let tested = TESTED_EMULATORS.join(", ");
    if TESTED_EMULATORS.iter().any(|release| version.contains(&format!("version {release}."))) {
        format!("ok       {:<16} tested with QEMU {tested}", "emulator release")
    } else {
        format!("note     {:<16} tested with QEMU {tested}; this one is not among them", "emulator release")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_untested_emulator_is_noted_not_refused() {
        assert!(emulator_verdict("QEMU emulator version 7.2.22 (Debian)").starts_with("ok"));
        assert!(emulator_verdict("QEMU emulator version 17.2.0").starts_with("note"));
    }
}
