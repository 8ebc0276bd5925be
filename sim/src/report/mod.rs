//! A run as a page: figures first, then charts, then tables. One HTML file that needs nothing else.

mod charts;
mod page;
pub mod svg;
mod words;

pub use crate::report::charts::{battery, late, locks, residency, standby, wakeups};
pub use crate::report::page::{change, compare, page, terminal};
pub use crate::report::words::{Figure, days, figures, span};

use crate::scenario::Policy;
use crate::stats::Stats;

/// A run, and what it was a run of.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// The scenario's title, and what it is good for.
    pub title: &'a str,
    #[expect(missing_docs, reason = "as above")]
    pub about: &'a str,
    /// What this run is called beside another one.
    pub name: &'a str,
    /// The settings.
    pub policy: Policy,
    /// The seed.
    pub seed: u64,
    /// For how many days.
    pub days: u32,
    /// What it amounts to.
    pub stats: &'a Stats,
}
