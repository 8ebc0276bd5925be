//! `xtask mutants`: changes of the policy libraries that no test notices.
//!
//! cargo-mutants changes one thing at a time (an operator, a returned value) and runs the library's tests. A mutant
//! that they let pass is a mistake that they would let pass. `mutants.toml` lists those for which that is right, with
//! the reason; one that is not listed fails, and so does an entry that no mutant needs any more.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::{Libraries, cargo_tool};
use crate::process::say;
use crate::setup::{self, Need};
use crate::workspace::Workspace;

const LIST: &str = "mutants.toml";

/// What makes the tests of hundreds of mutants end within hours: optimised a little, with nothing that only a debugger
/// needs, and with fewer random cases than a test run has. What survives fewer tests is looked at all the same.
const SHORTER: [(&str, &str); 4] = [
    ("CARGO_PROFILE_DEV_OPT_LEVEL", "1"),
    ("CARGO_PROFILE_DEV_DEBUG", "false"),
    ("PROPTEST_CASES", "32"),
    ("TIMER_FUZZ_SEED", "1"),
];

/// What is listed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Accepted {
    #[serde(default)]
    survivor: Vec<Survivor>,
}

/// A mutant that may survive. The same in two places of a function is listed twice.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Survivor {
    file: String,
    mutant: String,
    why: String,
}

/// Tests every mutant of the libraries, one library after the other.
pub fn mutants(workspace: &Workspace, libraries: &Libraries) -> Result<()> {
    let libraries = libraries.chosen()?;
    let text = fs::read_to_string(workspace.path(LIST)).with_context(|| format!("cannot read {LIST}"))?;
    let accepted: Accepted = toml::from_str(&text).context(LIST)?;
    setup::ensure(workspace, &[Need::Mutants])?;
    let mut complaints = Vec::new();
    for library in libraries {
        let missed = survivors(workspace, library)?;
        let folder = format!("userspace/libs/{library}/");
        let of_library: Vec<_> =
            accepted.survivor.iter().filter(|survivor| survivor.file.starts_with(&folder)).collect();
        complaints.extend(compare(&missed, &of_library));
    }
    ensure!(complaints.is_empty(), "mutants and {LIST} disagree:\n  {}", complaints.join("\n  "));
    say(format!("every mutant is noticed, or has its reason in {LIST}"));
    Ok(())
}

/// The mutants of a library that its tests let pass, as cargo-mutants names them: `file:line:column: mutant`.
fn survivors(workspace: &Workspace, library: &str) -> Result<Vec<String>> {
    let folder = workspace.target().join("mutants");
    let output = folder.join(library);
    fs::create_dir_all(&output)?;
    let mut command = cargo_tool(workspace, "mutants");
    command
        .args(["--package", library, "--jobs", "1", "--colors", "never", "--output"])
        .arg(&output)
        .arg("--cargo-test-arg=--tests")
        .env("CARGO_TARGET_DIR", folder.join("build"))
        .envs(SHORTER);
    say(format!("mutants of {library}; each of them is in {}", workspace.relative(&output).display()));
    let status = command.status().context("cannot start cargo-mutants")?;
    // 2: some were missed. 3: tests with some of them hung, which is noticed too.
    let finished = matches!(status.code(), Some(0 | 2 | 3));
    ensure!(finished, "cargo-mutants did not finish with {library} ({status})");
    let read = |name: &str| -> Result<Vec<String>> {
        let file = output.join("mutants.out").join(name);
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        Ok(text.lines().map(str::to_owned).collect())
    };
    ensure!(!read("caught.txt")?.is_empty(), "no mutant of {library} was noticed: were there tests?");
    read("missed.txt")
}

/// What differs, in both directions.
fn compare(missed: &[String], accepted: &[&Survivor]) -> Vec<String> {
    let mut left: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for survivor in accepted {
        *left.entry((&survivor.file, &survivor.mutant)).or_default() += 1;
    }
    let mut complaints = Vec::new();
    for survivor in accepted.iter().filter(|survivor| survivor.why.trim().is_empty()) {
        complaints.push(format!("{}: {}: listed without a reason", survivor.file, survivor.mutant));
    }
    for line in missed {
        let known = file_and_mutant(line).and_then(|key| left.get_mut(&key)).filter(|count| **count > 0);
        match known {
            Some(count) => *count -= 1,
            None => complaints.push(format!("{line}: no test notices")),
        }
    }
    let stale = left.into_iter().filter(|(_, count)| *count > 0);
    complaints
        .extend(stale.map(|((file, mutant), _)| format!("{file}: {mutant}: listed, but noticed or gone")));
    complaints
}

/// Lines move; what stands in them is what was looked at.
fn file_and_mutant(line: &str) -> Option<(&str, &str)> {
    let (place, mutant) = line.split_once(": ")?;
    Some((place.split(':').next()?, mutant))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "userspace/libs/x/src/a.rs";
    const MUTANT: &str = "replace > with >= in X::y";

    fn listed(why: &str) -> Survivor {
        Survivor { file: FILE.to_owned(), mutant: MUTANT.to_owned(), why: why.to_owned() }
    }

    fn missed(line: usize) -> String {
        format!("{FILE}:{line}:9: {MUTANT}")
    }

    #[test]
    fn what_is_listed_may_survive_wherever_it_stands() {
        let why = listed("both ways it is the same number");
        assert_eq!(compare(&[missed(7)], &[&why]), Vec::<String>::new());
        assert_eq!(compare(&[missed(900)], &[&why]), Vec::<String>::new());
    }

    #[test]
    fn what_is_not_listed_fails_and_each_place_is_listed_for_itself() {
        let said = format!("{FILE}:9:9: {MUTANT}: no test notices");
        assert_eq!(compare(&[missed(9)], &[]), std::slice::from_ref(&said));
        let why = listed("so");
        assert_eq!(compare(&[missed(7), missed(9)], &[&why]), [said]);
        assert_eq!(compare(&[missed(7), missed(9)], &[&why, &why]), Vec::<String>::new());
    }

    #[test]
    fn an_entry_that_nothing_needs_fails_and_so_does_one_without_a_reason() {
        let said = [format!("{FILE}: {MUTANT}: listed, but noticed or gone")];
        assert_eq!(compare(&[], &[&listed("so")]), said);
        let said = [format!("{FILE}: {MUTANT}: listed without a reason")];
        assert_eq!(compare(&[missed(1)], &[&listed(" ")]), said);
    }

    #[test]
    fn the_list_is_of_files_that_are_there() {
        let workspace = Workspace::locate().unwrap();
        let text = fs::read_to_string(workspace.path(LIST)).unwrap();
        let accepted: Accepted = toml::from_str(&text).unwrap();
        for survivor in accepted.survivor {
            assert!(workspace.path(&survivor.file).is_file(), "{}", survivor.file);
            assert!(!survivor.why.trim().is_empty(), "{}", survivor.mutant);
        }
    }
}
