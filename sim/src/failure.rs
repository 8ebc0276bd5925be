//! A run that broke a promise, as a file that brings it back: everything the run depends on is in it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::firmware::Firmware;
use crate::record::Nothing;
use crate::scenario::{Faults, Policy, Scenario};
use crate::violation::Violation;
use crate::world::{Plan, run};

/// What to do in a run besides what the scenario says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weather {
    /// What the scenario says.
    AsWritten,
    /// Enough faults of every kind that no day passes without.
    Swarm,
}

/// The file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// The file of the scenario, as it was named, and its text.
    pub file: String,
    #[expect(missing_docs, reason = "as above")]
    pub scenario: String,
    /// The settings.
    pub policy: Policy,
    /// What goes wrong.
    pub weather: Weather,
    /// The seed.
    pub seed: u64,
    /// For how many days it was to run.
    pub days: u32,
    /// What was seen.
    pub violation: Violation,
}

impl Failure {
    /// Reads a file.
    pub fn load(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let hint = || format!("{} is no file that `sim` wrote about a broken promise", path.display());
        serde_json::from_str(&text).with_context(hint)
    }

    /// Writes it.
    pub fn save(&self, path: &Path) -> Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        let text = serde_json::to_string_pretty(self)?;
        fs::write(path, text + "\n").with_context(|| format!("cannot write {}", path.display()))
    }

    /// Lives through it again: what is broken now, if anything.
    pub fn replay(&self, firmware: &dyn Firmware) -> Result<Option<Violation>> {
        let scenario = self.weather.over(Scenario::parse(&self.file, &self.scenario)?);
        let Self { policy, seed, days, .. } = *self;
        let plan = Plan { scenario: &scenario, policy, seed, days };
        Ok(run(plan, firmware, &mut Nothing).err().map(|violation| *violation))
    }
}

impl Weather {
    /// The scenario in this weather.
    pub fn over(self, scenario: Scenario) -> Scenario {
        match self {
            Self::AsWritten => scenario,
            Self::Swarm => Scenario { faults: Faults::SWARM, ..scenario },
        }
    }
}
