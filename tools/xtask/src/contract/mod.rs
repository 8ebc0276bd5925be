//! The marker contract: what a run must say, in which order, and how it must end.
//!
//! ```text
//!   console lines ──line()──▶ Contract ──finish(ending)──▶ Verdict: no violation, or all of them
//! ```
//!
//! A run passes when every expected marker came once and in order, nothing else that looks like a marker came, the
//! end line agrees with what was printed, and the machine exited with 0. Each way of missing that is a [`Violation`]
//! of its own, so that a time-out is never mistaken for a failure or a crash.

mod violation;
mod vocabulary;

#[cfg(test)]
mod tests;

pub use violation::{Verdict, Violation, describe_exit};
pub use vocabulary::{Expectation, fuzz_run, selftest, shell_run};

use std::collections::HashSet;

use nexus_proof::Marker;

use crate::emulator::Exit;
use vocabulary::{Meaning, Place, meaning};

/// What the reader of a run should do after a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    Continue,
    /// The end line has come: only the machine's exit is left.
    Ended,
    /// The marker to stop at has come.
    Stop,
    /// The kernel is giving up: read its last words.
    Dying,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Exited(Exit),
    TimedOut,
    /// Ended by us at the marker we were asked to stop at.
    Stopped,
}

/// Whether a run is over when the cases are, or when the machine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndLine {
    Required,
    /// The run is no selftest: its last marker and the exit code are the proof.
    None,
}

/// State of one run. A few comparisons per line; memory grows with the number of markers only.
#[derive(Debug)]
pub struct Contract {
    expected: Vec<Expectation>,
    /// Which of `expected` have come.
    seen: Vec<bool>,
    /// Index after the furthest expected marker that has come.
    next: usize,
    once: HashSet<String>,
    stop_at: Option<String>,
    end_line: EndLine,
    end: Option<(u32, u32)>,
    passed: u32,
    failed: u32,
    panicked: bool,
    violations: Vec<Violation>,
}

impl Contract {
    /// A run that must print `expected` in this order.
    pub fn new(expected: Vec<Expectation>, end_line: EndLine) -> Self {
        Self {
            seen: vec![false; expected.len()],
            expected,
            next: 0,
            once: HashSet::new(),
            stop_at: None,
            end_line,
            end: None,
            passed: 0,
            failed: 0,
            panicked: false,
            violations: Vec::new(),
        }
    }

    /// Only what comes up to and including the line `marker` counts.
    pub fn stop_at(mut self, marker: &str) -> Self {
        self.stop_at = Some(marker.to_owned());
        self
    }

    /// Takes the next line of the console.
    pub fn line(&mut self, line: &str) -> Progress {
        if self.panicked {
            return Progress::Dying;
        }
        match meaning(line) {
            Meaning::Text => return Progress::Continue,
            Meaning::Unknown => self.violations.push(Violation::UnknownMarker(line.to_owned())),
            Meaning::Panic { fatal } => {
                self.violations.push(Violation::Panic(line.to_owned()));
                self.panicked = fatal;
            }
            Meaning::Failed => {
                self.failed += 1;
                self.violations.push(Violation::Fail(line.to_owned()));
            }
            Meaning::Free => {
                self.first_time(line);
            }
            Meaning::Ordered(marker) => self.ordered(marker, line),
            Meaning::End { pass, fail } => self.end_line(line, pass, fail),
        }
        if self.panicked {
            Progress::Dying
        } else if self.stop_at.as_deref() == Some(line) {
            Progress::Stop
        } else if self.end.is_some() {
            Progress::Ended
        } else {
            Progress::Continue
        }
    }

    /// Everything that was wrong with the run.
    pub fn finish(mut self, ending: Ending) -> Verdict {
        match ending {
            Ending::TimedOut => {
                let waiting_for = self.awaited();
                self.violations.push(Violation::TimedOut { waiting_for });
            }
            Ending::Stopped => {
                let before_stop = self.missing_before(self.next);
                self.violations.extend(before_stop.map(Violation::MarkerMissing).collect::<Vec<_>>());
            }
            Ending::Exited(exit) => {
                if !self.panicked {
                    let missing: Vec<_> = self.missing().map(Violation::MarkerMissing).collect();
                    self.violations.extend(missing);
                    if self.end.is_none() && self.end_line == EndLine::Required {
                        self.violations.push(Violation::NoEndLine);
                    }
                }
                if exit != Exit::Code(0) {
                    self.violations.push(Violation::WrongExitCode(exit));
                }
            }
        }
        Verdict::new(self.violations, self.passed)
    }

    fn ordered(&mut self, marker: Marker, line: &str) {
        let found = self.expected.iter().position(|expected| expected.is(&marker));
        if found.is_some_and(|index| match self.expected[index].place {
            Place::EachStart => true,
            Place::AnywhereAgain => self.seen[index],
            Place::InOrder | Place::Anywhere => false,
        }) {
            return;
        }
        if !self.first_time(line) {
            return;
        }
        self.passed += u32::from(matches!(marker, Marker::Passed(_)));
        let Some(index) = found else {
            self.violations.push(Violation::UnexpectedMarker(line.to_owned()));
            return;
        };
        if let (Some(required), Marker::Boot { harts: found, .. }) = (self.expected[index].harts, marker)
            && required != found
        {
            self.violations.push(Violation::WrongHarts { found, required });
        }
        self.seen[index] = true;
        if matches!(self.expected[index].place, Place::Anywhere | Place::AnywhereAgain) {
            return;
        }
        if index < self.next {
            let after = self.expected[self.next - 1].to_string();
            self.violations.push(Violation::MarkerOutOfOrder { marker: line.to_owned(), after });
        } else {
            // What was skipped may still come, out of order; if not, `finish` calls it missing.
            self.next = index + 1;
        }
    }

    fn end_line(&mut self, line: &str, pass: u32, fail: u32) {
        if self.end.replace((pass, fail)).is_some() {
            self.violations.push(Violation::DuplicateMarker(line.to_owned()));
        } else if (pass, fail) != (self.passed, self.failed) {
            let printed = (self.passed, self.failed);
            self.violations.push(Violation::Miscounted { said: (pass, fail), printed });
        }
    }

    fn first_time(&mut self, line: &str) -> bool {
        let first = self.once.insert(line.to_owned());
        if !first {
            self.violations.push(Violation::DuplicateMarker(line.to_owned()));
        }
        first
    }

    /// What a run that hangs should have done next.
    fn awaited(&self) -> String {
        match self.missing().next() {
            Some(marker) => format!("`{marker}`"),
            None if self.end.is_none() && self.end_line == EndLine::Required => "the end line".to_owned(),
            None => "the machine to exit".to_owned(),
        }
    }

    fn missing(&self) -> impl Iterator<Item = String> {
        self.missing_before(self.expected.len())
    }

    fn missing_before(&self, end: usize) -> impl Iterator<Item = String> {
        let pairs = self.expected[..end].iter().zip(&self.seen);
        let missing = pairs.filter(|(expected, seen)| !**seen && expected.place != Place::EachStart);
        missing.map(|(expected, _)| expected.to_string())
    }
}
