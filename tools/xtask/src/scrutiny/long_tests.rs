//! Tests that take minutes: the random histories that every test run plays, but many times as many.

use anyhow::Result;

use crate::process::{self, host_cargo};
use crate::workspace::Workspace;

/// Package and test target of each. They are marked as ignored.
const TESTS: [(&str, &str); 2] = [("sched-policy", "fuzz"), ("timer-coalescer", "model")];

/// Runs them, optimised. A failing one says which seed repeats it.
pub fn run(workspace: &Workspace) -> Result<()> {
    for (package, test) in TESTS {
        let mut cargo = host_cargo();
        cargo.current_dir(workspace.root()).args(["test", "--release", "--quiet", "--package", package]);
        process::run(cargo.args(["--test", test, "--", "--ignored", "--nocapture"]))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gates::sources;

    /// What is ignored and not listed is run by nobody.
    #[test]
    fn every_ignored_test_is_one_of_them() {
        let workspace = Workspace::locate().unwrap();
        let mark = "#[ignore";
        let with_mark: Vec<String> = sources::tracked(&workspace)
            .unwrap()
            .into_iter()
            .filter(|file| file.is_rust() && file.text.lines().any(|line| line.starts_with(mark)))
            .map(|file| file.path)
            .collect();
        let listed = TESTS.map(|(package, test)| format!("userspace/libs/{package}/tests/{test}.rs"));
        assert_eq!(with_mark, listed);
    }
}
