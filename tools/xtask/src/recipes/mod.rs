//! Recipes and policies: what a person writes in TOML, checked and compiled when the image is built.
//!
//! ```text
//!   recipes/power.toml ─────▶ Values ──────▶ recipes/power.bin ────────┐
//!   recipes/services.toml ──────────┐                                  │
//!   recipes/sched/affinity.toml ────┼─▶ Recipe ─▶ recipes/services.bin ┤
//!   recipes/sched/qos.toml ─────────┘     ▲                            ├─ of the boot image
//!   policies/*.toml ─────▶ Policy ────────┴─▶ policies/rules.bin ──────┘
//! ```
//!
//! A mistake stops the build, never the boot: each is said with file, line, key, value and what is allowed, and all
//! of them are said at once. The device reads the compiled form with the types of `nexus-wire`, `access-policy` and
//! `power-config`.
//!
//! | module | reads |
//! |---|---|
//! | [`document`] | any TOML file: values with their places, mistakes as sentences |
//! | [`services`] | what starts, when, with which rights |
//! | [`sched`] | where programs run, and how they are scheduled |
//! | [`policies`] | who may do what |
//! | [`power`] | every number of the power stack |
//! | [`page`] | nothing: it writes the documentation of all keys |

mod document;
pub mod page;
mod policies;
pub mod power;
mod sched;
mod services;

#[cfg(test)]
mod tests;

use std::fs;

use access_policy::Policy;
use anyhow::{Context, Result, bail, ensure};
use nexus_wire::policyd::{Action, POLICY_BYTES_MAX, POLICY_PATH};
use nexus_wire::recipe::{RECIPE_BYTES_MAX, RECIPE_PATH, Recipe};
use power_config::{CONFIG_BYTES_MAX, CONFIG_PATH, Values};
use serde::Serialize;

use crate::build;
use crate::workspace::Workspace;
use document::{Complaint, Report};

/// Where recipes are.
const FOLDER: &str = "recipes";
/// The recipes there are, services first.
const PATHS: [&str; 4] = [services::PATH, sched::AFFINITY_PATH, sched::QOS_PATH, power::PATH];

/// Recipes and policies that agree with each other and with the image.
#[derive(Debug, Clone)]
pub struct Compiled {
    pub recipe: Recipe,
    policy: Policy<Action>,
    power: Values,
}

impl Compiled {
    /// The files of the boot image: path and contents.
    pub fn files(&self) -> Result<[(&'static str, Vec<u8>); 3]> {
        Ok([
            (RECIPE_PATH, encode(&self.recipe, RECIPE_BYTES_MAX)?),
            (POLICY_PATH, encode(&self.policy, POLICY_BYTES_MAX)?),
            (CONFIG_PATH, encode(&self.power, CONFIG_BYTES_MAX)?),
        ])
    }
}

fn encode(value: &impl Serialize, most: usize) -> Result<Vec<u8>> {
    let mut buffer = vec![0; most];
    let written = nexus_wire::encode(value, &mut buffer).map(<[u8]>::len);
    let len = written.ok().with_context(|| format!("longer than {most} bytes when compiled"))?;
    buffer.truncate(len);
    Ok(buffer)
}

/// Reads, checks and compiles what the repository says.
pub fn compile(workspace: &Workspace) -> Result<Compiled> {
    let programs = build::device_programs(&build::members(workspace)?);
    let programs: Vec<_> = programs.into_iter().map(|program| program.name).collect();
    check(&read(workspace)?, &programs).map_err(|complaints| {
        let lines: Vec<_> = complaints.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("recipes and policies are wrong:\n  {}", lines.join("\n  "))
    })
}

/// A file by its path from the root.
struct Text {
    path: String,
    text: String,
}

/// Every recipe and every policy, policies sorted by path.
fn read(workspace: &Workspace) -> Result<Vec<Text>> {
    let mut paths = toml_files(workspace, FOLDER)?;
    paths.extend(toml_files(workspace, "recipes/sched")?);
    if let Some(stray) = paths.iter().find(|path| !PATHS.contains(&path.as_str())) {
        bail!("{stray}: no such recipe; there are {}", PATHS.join(", "));
    }
    for path in PATHS {
        ensure!(paths.iter().any(|found| found == path), "{path} is missing");
    }
    paths.extend(toml_files(workspace, policies::FOLDER)?);
    let text = |path: String| {
        let text =
            fs::read_to_string(workspace.path(&path)).with_context(|| format!("cannot read {path}"))?;
        Ok(Text { path, text })
    };
    paths.into_iter().map(text).collect()
}

/// Paths of the TOML files right in `folder`, sorted. A file of another kind is a mistake.
fn toml_files(workspace: &Workspace, folder: &str) -> Result<Vec<String>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(workspace.path(folder)).with_context(|| format!("cannot read {folder}/"))? {
        let path = entry?.path();
        if path.is_dir() {
            continue;
        }
        let name = workspace.relative(&path).to_string_lossy().into_owned();
        ensure!(name.ends_with(".toml"), "{name}: only .toml files belong here");
        paths.push(name);
    }
    paths.sort();
    Ok(paths)
}

/// Compiles texts. Rules come first: what recipes wish for is checked against them.
fn check(texts: &[Text], programs: &[String]) -> Result<Compiled, Vec<Complaint>> {
    let mut complaints = Vec::new();
    let mut policy = Policy::new();
    for Text { path, text } in texts.iter().filter(|text| text.path.starts_with(policies::FOLDER)) {
        let mut report = Report::new(path, text);
        policies::read(&mut report, programs, &mut policy);
        complaints.extend(report.finish());
    }
    let mut recipe = None;
    let mut power = None;
    for path in PATHS {
        let text = texts.iter().find(|text| text.path == path).map_or("", |text| &text.text);
        let mut report = Report::new(path, text);
        match (path, &mut recipe) {
            (power::PATH, _) => power = power::read(&mut report),
            (services::PATH, recipe) => *recipe = services::read(&mut report, programs),
            // Without services there is nothing that the others could be about.
            (_, None) => {}
            (sched::AFFINITY_PATH, Some(recipe)) => sched::read_affinity(&mut report, recipe),
            (_, Some(recipe)) => sched::read_qos(&mut report, recipe, &policy),
        }
        complaints.extend(report.finish());
    }
    match (recipe, power) {
        (Some(recipe), Some(power)) if complaints.is_empty() => Ok(Compiled { recipe, policy, power }),
        _ => Err(complaints),
    }
}
