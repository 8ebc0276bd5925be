//! How far many runs have come, for whoever watches.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar on standard error; nothing when that is no terminal.
pub fn bar(jobs: usize, what: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}, {eta} left");
    let bar = ProgressBar::new(jobs as u64).with_message(what.to_owned());
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
