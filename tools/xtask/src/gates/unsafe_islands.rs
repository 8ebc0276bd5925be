//! Unsafe code stands only in modules that `unsafe-islands.toml` lists, each with its reason.
//!
//! The workspace denies the lint, so a module has to opt in; this gate sees to it that opting in is visible in one
//! place. A listed folder covers what is below it. A listed place without unsafe code is stale and an error too.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::sources::SourceFile;
use crate::workspace::Workspace;

const LIST: &str = "unsafe-islands.toml";

/// Path of a file, or of a folder with a slash at its end, and why it needs unsafe code.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Islands {
    islands: BTreeMap<String, String>,
}

/// How unsafe code begins, in code that rustfmt has laid out.
const SIGNS: &[&str] = &[
    "unsafe {",
    "unsafe fn ",
    "unsafe impl ",
    "unsafe trait ",
    "unsafe extern ",
    "#[unsafe(",
    "expect(unsafe_code",
    "allow(unsafe_code",
];

/// This gate names the signs it looks for.
const SELF: &str = "tools/xtask/src/gates/unsafe_islands.rs";

pub fn check(workspace: &Workspace, files: &[SourceFile]) -> Result<Vec<String>> {
    let text = fs::read_to_string(workspace.path(LIST)).with_context(|| format!("cannot read {LIST}"))?;
    let list: Islands = toml::from_str(&text).context(LIST)?;
    Ok(compare(&list, files))
}

fn compare(list: &Islands, files: &[SourceFile]) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut used = BTreeMap::new();
    for file in files.iter().filter(|file| file.is_rust() && file.path != SELF) {
        let Some(number) = first_unsafe_line(file) else { continue };
        match list.islands.keys().find(|place| covers(place, &file.path)) {
            Some(place) => *used.entry(place.as_str()).or_insert(0) += 1,
            None => complaints.push(format!(
                "{}:{number}: unsafe code outside the islands; were it right, {LIST} would say `\"{}\" = \"{}\"`",
                file.path,
                file.path,
                reason(&file.text).unwrap_or("…")
            )),
        }
    }
    for file in files {
        if list.islands.get(&file.path).is_some_and(|listed| !file.text.contains(listed.as_str())) {
            complaints.push(format!("{}: gives another reason for its unsafe code than {LIST}", file.path));
        }
    }
    for (place, reason) in &list.islands {
        if !used.contains_key(place.as_str()) {
            complaints.push(format!("{LIST}: `{place}` has no unsafe code: take it off the list"));
        }
        if reason.trim().is_empty() {
            complaints.push(format!("{LIST}: `{place}` has no reason"));
        }
    }
    complaints
}

/// The reason a file gives where it opts in.
fn reason(text: &str) -> Option<&str> {
    let (_, after) = text.split_once("expect(unsafe_code")?;
    let (_, after) = after.split_once("reason = \"")?;
    after.split_once('"').map(|(reason, _)| reason)
}

fn covers(place: &str, path: &str) -> bool {
    if place.ends_with('/') { path.starts_with(place) } else { path == place }
}

fn first_unsafe_line(file: &SourceFile) -> Option<usize> {
    let is_unsafe = |line: &str| SIGNS.iter().any(|sign| line.contains(sign));
    file.statements().find(|(_, line)| is_unsafe(line)).map(|(number, _)| number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> SourceFile {
        SourceFile { path: path.to_owned(), text: text.to_owned() }
    }

    fn list(places: &[&str]) -> Islands {
        Islands { islands: places.iter().map(|place| ((*place).to_owned(), "because".to_owned())).collect() }
    }

    #[test]
    fn unsafe_code_off_the_list_is_caught() {
        let files = [
            file("a/b.rs", "// because\nfn f() {\n    unsafe { g() }\n}"),
            file("c.rs", "// unsafe { } is a comment"),
        ];
        assert_eq!(compare(&list(&[]), &files).len(), 1);
        assert!(compare(&list(&["a/b.rs"]), &files).is_empty());
        assert!(compare(&list(&["a/"]), &files).is_empty());
    }

    #[test]
    fn a_reason_that_the_code_does_not_give_is_caught() {
        let text = "#![expect(unsafe_code, reason = \"assembly\")]\nunsafe { }";
        assert_eq!(compare(&list(&["a.rs"]), &[file("a.rs", text)]).len(), 1);
        assert_eq!(reason(text), Some("assembly"));
    }

    #[test]
    fn a_stale_entry_is_caught() {
        let files = [file("a.rs", "fn safe_because() {}")];
        assert_eq!(compare(&list(&["a.rs"]), &files).len(), 1);
    }
}
