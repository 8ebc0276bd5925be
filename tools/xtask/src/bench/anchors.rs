//! `bench/anchors.toml`: the operations, their bounds, and what others take for them.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// The anchors in the order of the file, which is the order of the table.
#[derive(Debug)]
pub struct Anchors(Vec<(String, Anchor)>);

/// One operation. A figure that nobody measured is absent.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anchor {
    pub name: String,
    pub unit: String,
    /// Harts of the machine it is measured on.
    #[serde(default = "one")]
    pub harts: u32,
    pub linux: Option<u64>,
    pub sel4: Option<u64>,
    pub xv6: Option<u64>,
    pub asm: Option<u64>,
    /// A median above this fails.
    pub must: u64,
    /// The goal.
    pub want: u64,
}

impl Anchors {
    pub fn parse(text: &str) -> Result<Self> {
        let file: toml::Table = text.parse()?;
        let mut anchors = Vec::new();
        for (id, value) in file {
            let anchor: Anchor = value.try_into().with_context(|| format!("[{id}]"))?;
            ensure!(anchor.want <= anchor.must, "[{id}]: the goal is easier than the bound");
            anchors.push((id, anchor));
        }
        Ok(Self(anchors))
    }

    /// No anchors.
    pub fn none() -> Self {
        Self(Vec::new())
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Anchor)> {
        self.0.iter().map(|(id, anchor)| (id.as_str(), anchor))
    }

    /// The anchor of a row; `op@n` is `op` at another scale and has none.
    pub fn get(&self, id: &str) -> Option<&Anchor> {
        self.iter().find(|(known, _)| *known == id).map(|(_, anchor)| anchor)
    }

    /// On how many harts a row is measured.
    pub fn harts(&self, id: &str) -> u32 {
        let operation = id.split('@').next().unwrap_or(id);
        self.get(operation).map_or(1, |anchor| anchor.harts)
    }

    /// Every hart count some row asks for, ascending.
    pub fn hart_counts(&self) -> Vec<u32> {
        let mut counts: Vec<u32> = self.iter().map(|(_, anchor)| anchor.harts).collect();
        counts.sort_unstable();
        counts.dedup();
        counts
    }
}

fn one() -> u32 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_file_keeps_its_order_and_has_bounds_everywhere() {
        let anchors = Anchors::parse(include_str!("../../../../bench/anchors.toml")).unwrap();
        let ids: Vec<_> = anchors.iter().map(|(id, _)| id).collect();
        assert_eq!(ids.first(), Some(&"null_call"));
        assert_eq!(ids.last(), Some(&"mem_after_boot_kib"));
        assert_eq!(anchors.hart_counts(), [1, 2]);
        assert_eq!(anchors.harts("ipc_rt_xhart"), 2);
        assert_eq!(anchors.harts("yield_rt@100"), 1);
    }

    #[test]
    fn a_goal_easier_than_its_bound_is_refused() {
        let text = "[x]\nname='x'\nunit='instr'\nmust=10\nwant=20";
        assert!(Anchors::parse(text).is_err());
    }
}
