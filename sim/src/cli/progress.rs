//! How far runs have come, for whoever watches.

use indicatif::{ProgressBar, ProgressStyle};
use sim::Recorder;
use sim::record::Record;
use sim::world::DAY;

/// A bar on standard error; nothing when that is no terminal.
pub fn bar(jobs: usize, what: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}, {eta} left");
    let bar = ProgressBar::new(jobs as u64).with_message(what.to_owned());
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// Passes records on, and shows the days of one run that are over.
pub struct Watched<'a> {
    pub recorder: &'a mut dyn Recorder,
    pub bar: ProgressBar,
}

impl Recorder for Watched<'_> {
    fn record(&mut self, record: &Record<'_>) {
        let day = record.at_ns / DAY.0;
        if day != self.bar.position() {
            self.bar.set_position(day);
        }
        self.recorder.record(record);
    }
}
