//! The text files of the repository, as git lists them: tracked ones and new ones that are not ignored.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::process;
use crate::workspace::Workspace;

/// A file by its path from the root.
#[derive(Debug, Clone)]
pub struct SourceFile {
    pub path: String,
    pub text: String,
}

impl SourceFile {
    pub fn is_rust(&self) -> bool {
        Path::new(&self.path).extension().is_some_and(|extension| extension == "rs")
    }

    /// Lines with their numbers, up to the file's own tests: those may hold what the code must not.
    pub fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let is_test = Path::new(&self.path)
            .iter()
            .any(|part| part == "tests" || part == "tests.rs" || part == "benches");
        let end = if is_test { Some(0) } else { self.text.find("#[cfg(test)]\nmod tests {") };
        let code = end.map_or(self.text.as_str(), |end| &self.text[..end]);
        (1..).zip(code.lines())
    }

    /// Code without comment lines.
    pub fn statements(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code().filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

/// Every file that is text.
pub fn tracked(workspace: &Workspace) -> Result<Vec<SourceFile>> {
    let list = process::output(Command::new("git").current_dir(workspace.root()).args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]))?;
    let mut files: Vec<SourceFile> = list
        .split('\0')
        .filter(|path| !path.is_empty())
        .filter_map(|path| {
            let text = fs::read_to_string(workspace.path(path)).ok()?;
            Some(SourceFile { path: path.to_owned(), text })
        })
        .collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files.dedup_by(|a, b| a.path == b.path);
    Ok(files)
}
