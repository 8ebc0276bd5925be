//! What can be wrong with a run, each in words of its own.

use std::fmt;

use nexus_abi::ExitCode;
use thiserror::Error;

use crate::emulator::Exit;

/// One breach of the contract.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Violation {
    #[error("MISSING MARKER: `{0}` never came")]
    MarkerMissing(String),
    #[error("OUT OF ORDER: `{marker}` came after `{after}`")]
    MarkerOutOfOrder { marker: String, after: String },
    #[error("UNKNOWN MARKER: `{0}` is not in nexus-proof")]
    UnknownMarker(String),
    #[error("UNEXPECTED MARKER: `{0}` does not belong into this run")]
    UnexpectedMarker(String),
    #[error("DUPLICATE MARKER: `{0}` came twice")]
    DuplicateMarker(String),
    #[error("FAILED CASE: {0}")]
    Fail(String),
    #[error("PANIC: {0}")]
    Panic(String),
    #[error("NO END LINE: the machine stopped before the tests were over")]
    NoEndLine,
    #[error("MISCOUNTED: the end line says pass={} fail={}, the log holds pass={} fail={}",
            said.0, said.1, printed.0, printed.1)]
    Miscounted { said: (u32, u32), printed: (u32, u32) },
    #[error("WRONG EXIT CODE: {}", describe_exit(*.0))]
    WrongExitCode(Exit),
    #[error("TIMED OUT waiting for {waiting_for}")]
    TimedOut { waiting_for: String },
    #[error("WRONG HARTS: {found} online, {required} required")]
    WrongHarts { found: u32, required: u32 },
}

/// Status of this tool after a time-out: what timeout(1) uses.
const TIMED_OUT_STATUS: u8 = 124;

/// The judgement of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Verdict {
    violations: Vec<Violation>,
    /// Cases that passed.
    pub passed: u32,
}

impl Verdict {
    pub(super) fn new(violations: Vec<Violation>, passed: u32) -> Self {
        Self { violations, passed }
    }

    #[cfg(test)]
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    pub fn is_pass(&self) -> bool {
        self.violations.is_empty()
    }

    /// The status this tool exits with: 0, 124 after a time-out, else 1.
    pub fn status(&self) -> u8 {
        let timed_out = |violation: &Violation| matches!(violation, Violation::TimedOut { .. });
        match self.violations.as_slice() {
            [] => 0,
            all if all.iter().any(timed_out) => TIMED_OUT_STATUS,
            _ => 1,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if self.is_pass() {
            return if self.passed == 0 {
                f.write_str("PASS")
            } else {
                write!(f, "PASS ({} cases)", self.passed)
            };
        }
        for (index, violation) in self.violations.iter().enumerate() {
            write!(f, "{}{violation}", if index == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

/// An exit in words: the guest's codes are those of `nexus-abi`.
pub fn describe_exit(exit: Exit) -> String {
    let code = match exit {
        Exit::Signal => return "the emulator was killed or crashed".to_owned(),
        Exit::Code(code) => code,
    };
    let meaning = match u64::try_from(code).ok().and_then(ExitCode::from_wire) {
        Some(ExitCode::Ok) => "all well",
        Some(ExitCode::SelftestFailed) => "a selftest failed",
        Some(ExitCode::BenchFailed) => "the benchmark could not measure",
        Some(ExitCode::KernelPanic) => "kernel panic",
        Some(ExitCode::BadDeviceTree) => "no usable device tree",
        Some(ExitCode::BadImage) => "the boot image is missing or broken",
        Some(ExitCode::InitDied) => "init died",
        Some(ExitCode::NoMemory) => "not enough memory to start",
        None => "no code of ours",
    };
    format!("{code} ({meaning})")
}
