//! Who may import whom: `layers.toml` against `cargo metadata`.
//!
//! Every crate of the workspace stands in exactly one layer and imports, of ours, only what its layer may. Imports
//! for tests count too: a test that reaches across layers is a design that does.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::build;
use crate::process::say;
use crate::workspace::Workspace;

const TABLE: &str = "layers.toml";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    layer: Vec<Layer>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Layer {
    name: String,
    crates: BTreeSet<String>,
    /// Layers, or single crates, by name.
    may_import: BTreeSet<String>,
}

/// The workspace's crates and what each imports of ours.
type Imports = BTreeMap<String, BTreeSet<String>>;

pub fn check(workspace: &Workspace) -> Result<()> {
    let text = fs::read_to_string(workspace.path(TABLE)).with_context(|| format!("cannot read {TABLE}"))?;
    let table: Table = toml::from_str(&text).context(TABLE)?;
    let imports = read_imports(workspace)?;
    let complaints = compare(&table, &imports);
    ensure!(complaints.is_empty(), "the layers are broken:\n  {}", complaints.join("\n  "));
    say(format!("{} crates keep to their layers", imports.len()));
    Ok(())
}

fn read_imports(workspace: &Workspace) -> Result<Imports> {
    let metadata = build::members(workspace)?;
    let packages = metadata.workspace_packages();
    let ours: BTreeSet<String> = packages.iter().map(|package| package.name.to_string()).collect();
    let imports = packages.iter().map(|package| {
        let of_ours = package.dependencies.iter().map(|dependency| dependency.name.clone());
        (package.name.to_string(), of_ours.filter(|name| ours.contains(name)).collect())
    });
    Ok(imports.collect())
}

fn compare(table: &Table, imports: &Imports) -> Vec<String> {
    let mut complaints = Vec::new();
    for (krate, imported) in imports {
        let mut homes = table.layer.iter().filter(|layer| layer.crates.contains(krate));
        let Some(home) = homes.next() else {
            complaints.push(format!("`{krate}` is in no layer: list it in {TABLE}"));
            continue;
        };
        if homes.next().is_some() {
            complaints.push(format!("`{krate}` is in two layers of {TABLE}"));
        }
        for other in imported.iter().filter(|other| !may_import(table, home, other)) {
            complaints.push(format!("`{krate}` (layer {}) must not import `{other}`", home.name));
        }
    }
    let listed = table.layer.iter().flat_map(|layer| &layer.crates);
    for stale in listed.filter(|krate| !imports.contains_key(*krate)) {
        complaints.push(format!("{TABLE} lists `{stale}`, which is not in the workspace"));
    }
    complaints
}

fn may_import(table: &Table, home: &Layer, other: &str) -> bool {
    let layer_of_other = table.layer.iter().find(|layer| layer.crates.contains(other));
    home.may_import.contains(other)
        || layer_of_other.is_some_and(|layer| home.may_import.contains(&layer.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE_TEXT: &str = r#"
        [[layer]]
        name = "abi"
        crates = ["nexus-abi"]
        may_import = []
        [[layer]]
        name = "policy"
        crates = ["sched-policy", "wakelock"]
        may_import = ["abi"]
        [[layer]]
        name = "kernel"
        crates = ["neuron"]
        may_import = ["abi", "sched-policy"]
    "#;

    fn complaints(crates: &[(&str, &[&str])]) -> Vec<String> {
        let table = toml::from_str(TABLE_TEXT).unwrap();
        let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
        let mut imports: Imports =
            crates.iter().map(|(name, list)| ((*name).to_owned(), names(list))).collect();
        for krate in ["nexus-abi", "sched-policy", "wakelock", "neuron"] {
            imports.entry(krate.to_owned()).or_default();
        }
        compare(&table, &imports)
    }

    #[test]
    fn imports_of_a_permitted_layer_or_crate_pass() {
        assert!(
            complaints(&[("neuron", &["nexus-abi", "sched-policy"]), ("wakelock", &["nexus-abi"])])
                .is_empty()
        );
    }

    #[test]
    fn an_import_upwards_or_sideways_is_caught() {
        assert_eq!(complaints(&[("nexus-abi", &["neuron"])]).len(), 1);
        assert_eq!(complaints(&[("sched-policy", &["wakelock"])]).len(), 1);
        assert_eq!(complaints(&[("neuron", &["wakelock"])]).len(), 1);
    }

    #[test]
    fn an_unlisted_crate_is_caught() {
        assert_eq!(complaints(&[("newcomer", &[])]), ["`newcomer` is in no layer: list it in layers.toml"]);
    }
}
