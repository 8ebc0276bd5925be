//! What a line of the console means, in the vocabulary of `nexus-proof`.

use std::fmt;

use nexus_proof::{Marker, Service, looks_like_marker};

/// A line as far as the contract cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning<'a> {
    /// No marker: a log line, the firmware's banner.
    Text,
    /// Claims to be a marker and is none.
    Unknown,
    /// Must come once, at its place. `Passed` cases among them.
    Ordered(Marker<'a>),
    /// May come at any time, but once.
    Free,
    Failed,
    /// A fatal one ends the machine.
    Panic {
        fatal: bool,
    },
    End {
        pass: u32,
        fail: u32,
    },
}

pub fn meaning(line: &str) -> Meaning<'_> {
    match Marker::parse(line) {
        None if looks_like_marker(line) => Meaning::Unknown,
        None => Meaning::Text,
        Some(Marker::KernelPanic { .. } | Marker::BootFailure { .. }) => Meaning::Panic { fatal: true },
        Some(Marker::UserPanic { .. }) => Meaning::Panic { fatal: false },
        Some(Marker::Failed { .. }) => Meaning::Failed,
        Some(Marker::End { pass, fail }) => Meaning::End { pass, fail },
        Some(Marker::IdleEnterL1 | Marker::IdleLeaveL1) => Meaning::Free,
        Some(marker) => Meaning::Ordered(marker),
    }
}

/// A marker that a run has to print at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expectation(pub Marker<'static>);

impl Expectation {
    /// Whether `marker` is the one. The boot marker is recognised whatever it counts: a wrong count is a complaint
    /// of its own, not a missing marker.
    pub fn is(&self, marker: &Marker) -> bool {
        match (self.0, marker) {
            (Marker::Boot { .. }, Marker::Boot { .. }) => true,
            (expected, found) => expected == *found,
        }
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A full selftest run.
pub fn selftest(harts: u32, memory_mib: u32) -> Vec<Expectation> {
    nexus_proof::expected(harts, memory_mib.into()).map(Expectation).collect()
}

/// A fuzzing run proves itself by surviving and by its exit code: it only has to boot.
pub fn fuzz_run(harts: u32, memory_mib: u32) -> Vec<Expectation> {
    boot(harts, memory_mib).collect()
}

/// A boot to the shell.
pub fn shell_run(harts: u32, memory_mib: u32) -> Vec<Expectation> {
    boot(harts, memory_mib).chain([Expectation(Marker::Ready(Service::Shell))]).collect()
}

fn boot(harts: u32, memory_mib: u32) -> impl Iterator<Item = Expectation> {
    nexus_proof::expected(harts, memory_mib.into())
        .filter(|marker| !matches!(marker, Marker::Passed(_)))
        .map(Expectation)
}
