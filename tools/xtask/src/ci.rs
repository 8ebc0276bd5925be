//! `xtask test` and `xtask ci`: every check, each timed, with a summary that says which failed.
//!
//! A step that fails does not stop the others: one run tells everything that is wrong.

use std::time::Instant;

use anyhow::{Result, bail};

use crate::bench::{self, Baseline};
use crate::os::{fuzz, matrix, selftest};
use crate::process::{self, host_cargo, say};
use crate::setup::{self, Need};
use crate::workspace::Workspace;
use crate::{build, gates, image};

type Step = (&'static str, fn(&Workspace) -> Result<()>);

/// What a change has to pass while one works on it.
const TESTS: &[Step] = &[
    ("host-tests", host_tests),
    ("image-repeats", image_repeats),
    ("test-os", selftest::test_os),
    ("fuzz", |workspace| fuzz::fuzz(workspace, fuzz::Amount::TEST)),
    ("boot-matrix", matrix::boot_matrix),
];

/// What comes on top of the tests before a change lands.
const GATES: &[Step] = &[
    ("format", format),
    ("clippy-host", clippy_host),
    ("diag-os", build::diagnose_device),
    ("dep-gate", gates::dependencies),
    ("check", gates::check),
    ("bench", |workspace| bench::bench(workspace, Baseline::Compare)),
];

pub fn test(workspace: &Workspace) -> Result<()> {
    setup::ensure(workspace, &Need::ALL)?;
    all(workspace, TESTS)
}

pub fn ci(workspace: &Workspace) -> Result<()> {
    setup::ensure(workspace, &Need::ALL)?;
    let steps: Vec<Step> = GATES.iter().chain(TESTS).copied().collect();
    all(workspace, &steps)
}

/// Runs every step; the last line counts them in the form that test collectors read.
fn all(workspace: &Workspace, steps: &[Step]) -> Result<()> {
    let mut lines = Vec::new();
    let mut failed = 0;
    for (name, step) in steps {
        say(format!("---- {name}"));
        let start = Instant::now();
        let result = step(workspace);
        let seconds = start.elapsed().as_secs();
        match result {
            Ok(()) => lines.push(format!("ok      {seconds:4} s  {name}")),
            Err(error) => {
                failed += 1;
                eprintln!("error: {error:#}");
                lines.push(format!("FAILED  {seconds:4} s  {name}: {}", first_line(&error)));
            }
        }
    }
    println!("{}", lines.join("\n"));
    println!("{} passed, {failed} failed", steps.len() - failed);
    if failed == 0 { Ok(()) } else { bail!("{failed} of {} steps failed", steps.len()) }
}

fn first_line(error: &anyhow::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

fn host_tests(workspace: &Workspace) -> Result<()> {
    setup::ensure(workspace, &[Need::Nextest])?;
    let mut nextest = host_cargo();
    if let Some(tool) = setup::cargo_tool(workspace, "cargo-nextest") {
        nextest = std::process::Command::new(tool);
    }
    process::run(nextest.current_dir(workspace.root()).args(["nextest", "run", "--workspace"]))?;
    process::run(host_cargo().current_dir(workspace.root()).args(["test", "--workspace", "--doc", "--quiet"]))
}

/// The same sources give the same image.
fn image_repeats(workspace: &Workspace) -> Result<()> {
    setup::ensure(workspace, Need::BOOT)?;
    let first = image::build_image(workspace)?.read()?;
    let second = image::build_image(workspace)?.read()?;
    if first != second {
        bail!("two builds of the same sources gave different images");
    }
    Ok(())
}

fn format(workspace: &Workspace) -> Result<()> {
    process::run(host_cargo().current_dir(workspace.root()).args(["fmt", "--all", "--check"]))
}

fn clippy_host(workspace: &Workspace) -> Result<()> {
    let clippy = ["clippy", "--workspace", "--all-targets", "--quiet", "--", "-Dwarnings"];
    process::run(host_cargo().current_dir(workspace.root()).args(clippy))
}
