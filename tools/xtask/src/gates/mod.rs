//! Rules that a compiler does not check. `xtask check` runs all but the dependency gate, which is
//! `xtask dep-gate` because it may need a tool.
//!
//! | gate | rule | its data |
//! |---|---|---|
//! | [`layers`] | who may import whom | `layers.toml` |
//! | [`deny`] | licences, sources, duplicates, advisories | `deny.toml` |
//! | [`unsafe_islands`] | unsafe code only where it is listed | `unsafe-islands.toml` |
//! | [`marker_texts`] | marker texts only in nexus-proof | nexus-proof |
//! | [`machine_paths`] | nothing of one machine in the repository | – |
//! | [`polling`] | nothing sleeps and looks again | – |
//! | [`file_sizes`] | files that got long, as a report | – |
//! | `recipes` | recipes and policies are right | `recipes/`, `policies/` |
//! | `docs` | generated pages are up to date | the code they come from |

pub mod deny;
pub mod file_sizes;
pub mod layers;
pub mod machine_paths;
pub mod marker_texts;
pub mod polling;
pub mod sources;
pub mod unsafe_islands;

use anyhow::{Result, ensure};

use crate::docs;
use crate::process::say;
use crate::recipes;
use crate::workspace::Workspace;

/// `xtask check`: every gate runs, then all complaints are shown together.
pub fn check(workspace: &Workspace) -> Result<()> {
    let files = sources::tracked(workspace)?;
    let mut complaints = Vec::new();
    complaints.extend(unsafe_islands::check(workspace, &files)?);
    complaints.extend(marker_texts::check(&files));
    complaints.extend(machine_paths::check(&files));
    complaints.extend(polling::check(&files));
    complaints.extend(docs::check(workspace));
    complaints.extend(recipes::compile(workspace).err().map(|error| error.to_string()));
    say(file_sizes::report(&files));
    ensure!(complaints.is_empty(), "the repository breaks its own rules:\n  {}", complaints.join("\n  "));
    say("unsafe islands, marker texts, machine paths, loops, generated docs and recipes are in order");
    Ok(())
}

/// `xtask dep-gate`.
pub fn dependencies(workspace: &Workspace) -> Result<()> {
    layers::check(workspace)?;
    deny::check(workspace)
}
