//! How jobs ended, the latest of them.

use alloc::collections::VecDeque;

use nexus_wire::execd::{Ended, PAGE};

/// Endings remembered; older ones are forgotten.
pub(crate) const HISTORY_MAX: usize = 64;

#[derive(Debug, Default)]
pub(crate) struct History {
    /// Latest first.
    endings: VecDeque<Ended>,
}

impl History {
    pub(crate) fn add(&mut self, ended: Ended) {
        self.endings.truncate(HISTORY_MAX - 1);
        self.endings.push_front(ended);
    }

    /// A page of endings after the latest `skip`.
    pub(crate) fn page(&self, skip: usize) -> heapless::Vec<Ended, PAGE> {
        self.endings.iter().skip(skip).take(PAGE).cloned().collect()
    }

    /// How `job` ended last, if that is remembered.
    pub(crate) fn of(&self, job: u32) -> Option<&Ended> {
        self.endings.iter().find(|ended| ended.job == job)
    }
}
