//! A report of long files: a layout waiting to be found. It never fails.

use super::sources::SourceFile;

/// Above this a file should say why.
const LONG: usize = 400;
/// And this is the end.
const TOO_LONG: usize = 600;

pub fn report(files: &[SourceFile]) -> String {
    let sizes: Vec<(usize, &str)> = files
        .iter()
        .filter(|file| file.is_rust())
        .map(|file| (file.text.lines().count(), file.path.as_str()))
        .collect();
    let lines: usize = sizes.iter().map(|(lines, _)| lines).sum();
    let mut long: Vec<_> = sizes.iter().filter(|(lines, _)| *lines > LONG).collect();
    long.sort_by(|a, b| b.cmp(a));
    let mut text = format!("{} Rust files, {lines} lines, {} above {LONG} lines", sizes.len(), long.len());
    for (lines, path) in long {
        let remark = if *lines > TOO_LONG { "  too long" } else { "" };
        text += &format!("\n    {lines:5} {path}{remark}");
    }
    text
}
