//! Reading a log line back.
//!
//! Only lines of a marker's family are held to be markers: what begins like a self-test, a boot or an idle
//! line, a panic, or ends like a program's "ready". Everything else a program prints is text.

use crate::marker::{
    BOOT, BOOT_HARTS, BOOT_MEMORY, BOOT_UNIT, END, END_FAIL, FAILED, IDLE, IDLE_ENTER, IDLE_LEAVE,
    KERNEL_PANIC, PASSED, READY, SELFTEST, TASK_PANIC, TASK_PANIC_WHY,
};
use crate::{Case, IdleLevel, Marker, Program};

/// What a log line is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reading<'a> {
    /// Evidence.
    Marker(Marker<'a>),
    /// It looks like a marker, and nothing in this crate prints it.
    Unknown,
    /// Any other line.
    Text,
}

impl<'a> Marker<'a> {
    /// The marker a line is, if it is one.
    pub fn parse(line: &'a str) -> Option<Self> {
        match read(line) {
            Reading::Marker(marker) => Some(marker),
            Reading::Unknown | Reading::Text => None,
        }
    }
}

/// Reads one line, with or without its line end. O(length of the line).
pub fn read(line: &str) -> Reading<'_> {
    let line = line.trim_end_matches(['\r', '\n']);
    let claim = if let Some(rest) = line.strip_prefix(SELFTEST) {
        selftest(rest)
    } else if let Some(rest) = line.strip_prefix(BOOT) {
        boot(rest)
    } else if let Some(rest) = line.strip_prefix(IDLE) {
        idle(rest)
    } else if let Some(why) = line.strip_prefix(KERNEL_PANIC) {
        Some(Marker::KernelPanic { why })
    } else if let Some(rest) = line.strip_prefix(TASK_PANIC) {
        rest.split_once(TASK_PANIC_WHY).map(|(task, why)| Marker::TaskPanic { task, why })
    } else if let Some(name) = line.strip_suffix(READY).filter(|name| is_word(name)) {
        Program::ALL.into_iter().find(|program| program.name() == name).map(Marker::Ready)
    } else {
        return Reading::Text;
    };
    claim.map_or(Reading::Unknown, Reading::Marker)
}

fn selftest(rest: &str) -> Option<Marker<'_>> {
    if let Some(counts) = rest.strip_prefix(END) {
        let (pass, fail) = counts.split_once(END_FAIL)?;
        return Some(Marker::End { pass: number(pass)?, fail: number(fail)? });
    }
    // A case's name may itself end in a word like "ok", so the longest reading is tried first.
    if let Some((name, why)) = rest.split_once(FAILED) {
        return Some(Marker::Failed { case: Case::from_name(name)?, why });
    }
    Case::from_name(rest.strip_suffix(PASSED)?).map(Marker::Passed)
}

fn boot(rest: &str) -> Option<Marker<'_>> {
    let (harts, memory) = rest.strip_prefix(BOOT_HARTS)?.split_once(BOOT_MEMORY)?;
    Some(Marker::Boot { harts: number(harts)?, memory_mib: number(memory.strip_suffix(BOOT_UNIT)?)? })
}

fn idle(rest: &str) -> Option<Marker<'_>> {
    let level = |name: &str| IdleLevel::ALL.into_iter().find(|level| level.name() == name);
    if let Some(name) = rest.strip_prefix(IDLE_ENTER) {
        return level(name).map(Marker::IdleEnter);
    }
    level(rest.strip_prefix(IDLE_LEAVE)?).map(Marker::IdleLeave)
}

/// Digits only: `+7` and ` 7` are not what a marker prints.
fn number<T: core::str::FromStr>(digits: &str) -> Option<T> {
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

fn is_word(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    fn samples() -> [Marker<'static>; 12] {
        [
            Marker::Boot { harts: 8, memory_mib: 4096 },
            Marker::IdleEnter(IdleLevel::L1),
            Marker::IdleLeave(IdleLevel::L1),
            Marker::Ready(Program::Init),
            Marker::Ready(Program::Execd),
            Marker::Ready(Program::Shell),
            Marker::Passed(Case::Qos),
            Marker::Failed { case: Case::Qos, why: "expected Denied, got ok" },
            Marker::End { pass: 12, fail: 0 },
            Marker::TaskPanic { task: "shell", why: "at x.rs:1: out of cheese: none" },
            Marker::TaskPanic { task: "a", why: "" },
            Marker::KernelPanic { why: "hart 1: …" },
        ]
    }

    #[test]
    fn every_marker_is_read_back_as_itself() {
        for marker in samples() {
            let line = marker.to_string();
            assert_eq!(read(&line), Reading::Marker(marker), "{line}");
            assert_eq!(Marker::parse(&(line.clone() + "\r\n")), Some(marker), "{line}");
        }
    }

    #[test]
    fn texts_are_those_of_the_contract() {
        let text = |marker: Marker<'_>| marker.to_string();
        assert_eq!(text(Marker::Passed(Case::Qos)), "SELFTEST: qos ok");
        assert_eq!(text(Marker::IdleEnter(IdleLevel::L1)), "neuron: idle enter L1");
        assert_eq!(text(Marker::Ready(Program::Execd)), "execd: ready");
        assert_eq!(text(Marker::End { pass: 1, fail: 2 }), "SELFTEST: end pass=1 fail=2");
        assert_eq!(text(Marker::Boot { harts: 2, memory_mib: 64 }), "neuron: boot harts=2 memory=64MiB");
    }

    #[test]
    fn what_claims_to_be_a_marker_and_is_none_is_unknown() {
        for line in [
            "SELFTEST: unheard of ok",
            "SELFTEST: qos",
            "SELFTEST: qos OK",
            "SELFTEST: end pass=1",
            "SELFTEST: end pass=+1 fail=0",
            "SELFTEST: end pass=99999999999 fail=0",
            "neuron: idle enter L9",
            "neuron: boot harts=x memory=1MiB",
            "nobody: ready",
            "PANIC without a task",
        ] {
            assert_eq!(read(line), Reading::Unknown, "{line}");
        }
    }

    #[test]
    fn other_lines_are_text() {
        for line in ["", "neuron: initrd 12 files", "execd: shell exited", "are you ready", "is it: ready?", ": ready"] {
            assert_eq!(read(line), Reading::Text, "{line}");
        }
    }

    #[test]
    fn a_line_cut_anywhere_never_reads_as_another_marker() {
        for marker in samples() {
            let line = marker.to_string();
            for (end, _) in line.char_indices() {
                if let Reading::Marker(cut) = read(&line[..end]) {
                    let same = core::mem::discriminant(&cut) == core::mem::discriminant(&marker);
                    assert!(same, "{} read from {line}", &line[..end]);
                }
            }
        }
    }
}
