//! `xtask coverage`: which lines of the policy libraries their tests run.
//!
//! Tests count nothing themselves: files of tests are left out. Examples in the documentation are not counted either,
//! because a stable compiler cannot measure them.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use super::{Libraries, cargo_tool};
use crate::process::{self, say};
use crate::setup::{self, Need};
use crate::toolchain::LlvmTools;
use crate::workspace::Workspace;

/// Lines that must be run, of each library, in percent.
const LEAST_PERCENT: u64 = 95;
/// Files that hold tests and nothing else.
const TESTS: &str = r"(^|/)([a-z_]+_)?tests?(/|\.rs$)";

/// The part of llvm-cov's export that is read.
#[derive(Debug, Deserialize)]
struct Export {
    data: Vec<Run>,
}

#[derive(Debug, Deserialize)]
struct Run {
    files: Vec<File>,
}

#[derive(Debug, Deserialize)]
struct File {
    filename: String,
    summary: Summary,
}

#[derive(Debug, Deserialize)]
struct Summary {
    lines: Lines,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
struct Lines {
    count: u64,
    covered: u64,
}

/// Runs the tests, writes `target/coverage/html` for people, and fails below the limit.
pub fn coverage(workspace: &Workspace, libraries: &Libraries) -> Result<()> {
    let libraries = libraries.chosen()?;
    setup::ensure(workspace, &[Need::Coverage, Need::LlvmTools])?;
    let folder = workspace.target().join("coverage");
    fs::create_dir_all(&folder)?;
    let summary = folder.join("summary.json");
    let llvm = LlvmTools::find().context("no llvm-cov here that fits the compiler")?;
    let call = || {
        let mut command = cargo_tool(workspace, "llvm-cov");
        command.env("LLVM_COV", &llvm.cov).env("LLVM_PROFDATA", &llvm.profdata);
        command
    };
    let packages = libraries.iter().flat_map(|library| ["--package", library]);
    process::run(call().args(["--no-report", "--quiet", "--tests", "--lib"]).args(packages.clone()))?;
    let report = || {
        let mut command = call();
        command.arg("report").args(packages.clone()).args(["--ignore-filename-regex", TESTS]);
        command
    };
    process::run(report().args(["--json", "--summary-only", "--output-path"]).arg(&summary))?;
    process::run(report().args(["--html", "--output-dir"]).arg(&folder))?;
    let export: Export =
        serde_json::from_str(&fs::read_to_string(&summary)?).context("llvm-cov's summary")?;
    say(format!("what no test runs is red in {}/html", workspace.relative(&folder).display()));
    judge(&libraries, &export)
}

/// Prints a line for each library; fails when one is below the limit.
fn judge(libraries: &[&str], export: &Export) -> Result<()> {
    let mut below = Vec::new();
    for library in libraries {
        let lines = lines_of(library, export);
        ensure!(lines.count > 0, "no line of {library} was counted");
        let per_mille = lines.covered * 1_000 / lines.count;
        let (percent, tenth) = (per_mille / 10, per_mille % 10);
        println!("{library:<16} {:5} of {:5} lines  {percent:3}.{tenth} %", lines.covered, lines.count);
        if lines.covered * 100 < lines.count * LEAST_PERCENT {
            below.push(*library);
        }
    }
    if below.is_empty() { Ok(()) } else { bail!("below {LEAST_PERCENT} %: {}", below.join(", ")) }
}

fn lines_of(library: &str, export: &Export) -> Lines {
    let sources = Path::new("userspace/libs").join(library).join("src");
    let sources = format!("{}/", sources.display());
    let files = export.data.iter().flat_map(|run| &run.files).filter(|file| file.filename.contains(&sources));
    files.fold(Lines::default(), |sum, File { summary: Summary { lines }, .. }| Lines {
        count: sum.count + lines.count,
        covered: sum.covered + lines.covered,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn export(covered: u64) -> Export {
        let text = r#"{"data":[{"files":[
            {"filename":"/r/userspace/libs/standby/src/a.rs","summary":{"lines":{"count":60,"covered":60,"percent":1}}},
            {"filename":"/r/userspace/libs/standby/src/b.rs","summary":{"lines":{"count":40,"covered":N}}},
            {"filename":"/r/userspace/libs/standby-not/src/b.rs","summary":{"lines":{"count":40,"covered":0}}}
        ],"totals":{}}],"type":"llvm.coverage.json.export"}"#;
        serde_json::from_str(&text.replace('N', &covered.to_string())).unwrap()
    }

    #[test]
    fn exactly_the_limit_is_enough_and_one_line_less_is_not() {
        assert_eq!(lines_of("standby", &export(35)), Lines { count: 100, covered: 95 });
        assert!(judge(&["standby"], &export(35)).is_ok());
        let refused = judge(&["standby"], &export(34)).unwrap_err();
        assert_eq!(refused.to_string(), "below 95 %: standby");
    }

    #[test]
    fn a_library_of_which_nothing_was_counted_is_no_success() {
        assert!(judge(&["lifecycle"], &export(40)).is_err());
    }
}
