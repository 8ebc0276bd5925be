//! `bench/anchors.toml`: the operations, their bounds, and what others take for them.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::figures::Figures;

/// The anchors in the order of the file, which is the order of the table.
#[derive(Debug)]
pub struct Anchors {
    rows: Vec<(String, Anchor)>,
    /// What Linux was measured to take, also of rows without an anchor.
    linux: Figures,
}

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
        Ok(Self { rows: anchors, linux: Figures::default() })
    }

    /// No anchors.
    pub fn none() -> Self {
        Self { rows: Vec::new(), linux: Figures::default() }
    }

    /// Puts what Linux has been measured to take in the place of what is quoted.
    pub fn take_linux(&mut self, measured: Figures) {
        for (id, anchor) in &mut self.rows {
            anchor.linux = measured.get(id).map(|figure| figure.med).or(anchor.linux);
        }
        self.linux = measured;
    }

    /// What Linux takes: measured, or else quoted.
    pub fn linux(&self, id: &str) -> Option<u64> {
        let measured = self.linux.get(id).map(|figure| figure.med);
        measured.or_else(|| self.get(id).and_then(|anchor| anchor.linux))
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Anchor)> {
        self.rows.iter().map(|(id, anchor)| (id.as_str(), anchor))
    }

    /// The anchor of a row; `op@n` is `op` at another scale and has none.
    pub fn get(&self, id: &str) -> Option<&Anchor> {
        self.iter().find(|(known, _)| *known == id).map(|(_, anchor)| anchor)
    }

    /// On how many harts a row is measured. One that is measured on several says on which: `row_h4`.
    pub fn harts(&self, id: &str) -> u32 {
        if let Some(harts) = id.rsplit_once("_h").and_then(|(_, harts)| harts.parse().ok()) {
            return harts;
        }
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
    use super::super::figures::Figure;
    use super::*;

    #[test]
    fn the_committed_file_keeps_its_order_and_has_bounds_everywhere() {
        let anchors = Anchors::parse(include_str!("../../../../bench/anchors.toml")).unwrap();
        let ids: Vec<_> = anchors.iter().map(|(id, _)| id).collect();
        assert_eq!(ids.first(), Some(&"null_call"));
        assert_eq!(ids.last(), Some(&"mem_after_boot_kib"));
        assert_eq!(anchors.hart_counts(), [1, 2, 4]);
        assert!(anchors.iter().all(|(id, anchor)| anchors.harts(id) == anchor.harts));
        assert_eq!(anchors.harts("ipc_rt_xhart"), 2);
        assert_eq!(anchors.harts("yield_rt@100"), 1);
        assert_eq!(anchors.harts("timers_anything_h4"), 4);
    }

    #[test]
    fn what_was_measured_of_linux_replaces_what_is_quoted_and_nothing_else() {
        let text = "[a]\nname='a'\nunit='instr'\nlinux=9\nmust=2\nwant=1\n";
        let mut anchors = Anchors::parse(&format!("{text}{}", text.replace("[a]", "[b]"))).unwrap();
        let mut measured = Figures::default();
        measured.insert("a", Figure::exact(7, "instr"));
        measured.insert("c", Figure::exact(5, "instr"));
        anchors.take_linux(measured);
        assert_eq!(["a", "b"].map(|id| anchors.get(id).unwrap().linux), [Some(7), Some(9)]);
        assert_eq!(["a", "b", "c", "d"].map(|id| anchors.linux(id)), [Some(7), Some(9), Some(5), None]);
    }

    #[test]
    fn a_goal_easier_than_its_bound_is_refused() {
        let text = "[x]\nname='x'\nunit='instr'\nmust=10\nwant=20";
        assert!(Anchors::parse(text).is_err());
    }
}
