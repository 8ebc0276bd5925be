//! What a run amounts to, in words and numbers: the same figures for the terminal, the page and comparisons.

use nexus_abi::Nanos;

use crate::report::Run;
use crate::stats::Cause;

/// A figure: what it is, its value, and its value as a number where less is better.
#[derive(Clone, PartialEq, Debug)]
pub struct Figure {
    /// What it is.
    pub name: &'static str,
    /// For people.
    pub text: String,
    /// For comparing.
    pub value: f64,
}

/// The figures of a run, the most important first.
pub fn figures(run: &Run<'_>) -> Vec<Figure> {
    let stats = run.stats;
    let days = f64::from(run.days.max(1));
    let levels = stats.all.residency().unwrap_or_default();
    let wakeups: u32 = stats.all.wakeups.iter().sum();
    let figure = |name, value: f64, text: String| Figure { name, text, value };
    let used = stats.used.in_units() as f64 / days;
    let standby: u64 = stats.apps.iter().map(|app| app.standby).sum();
    let locks: u64 = stats.apps.iter().map(|app| app.locks).sum();
    let capacity = crate::battery::Curve::fixture().map_or(1.0, |curve| curve.capacity().in_units() as f64);
    let per_hour = f64::from(wakeups) / days / 24.0;
    let late = |percent| stats.late.percentile(percent);
    vec![
        figure("battery used per day", used, format!("{:.1} %", used * 100.0 / capacity)),
        figure("ran empty", stats.empty as f64, format!("{} ×", stats.empty)),
        figure("time at L2", -levels[2], format!("{:.2} %", levels[2])),
        figure("time at L1", levels[1], format!("{:.2} %", levels[1])),
        figure("time at L0", levels[0], format!("{:.2} %", levels[0])),
        figure("wake-ups per hour", per_hour, format!("{per_hour:.0}")),
        figure("half of all timers are late by at most", late(50).0 as f64, span(late(50))),
        figure("95 % of all timers are late by at most", late(95).0 as f64, span(late(95))),
        figure("timers are late on average", stats.late.mean().0 as f64, span(stats.late.mean())),
        figure("locks of all apps per day", locks as f64 / days, span(Nanos((locks as f64 / days) as u64))),
        figure("standby of all apps per day", -(standby as f64), span(Nanos((standby as f64 / days) as u64))),
        figure("screen on per day", 0.0, span(Nanos((stats.all.screen as f64 / days) as u64))),
    ]
}

/// What woke the machine, as shares of a hundred.
pub fn causes(run: &Run<'_>) -> Vec<(String, f64, String)> {
    let wakeups = run.stats.all.wakeups;
    let total = f64::from(wakeups.iter().sum::<u32>()).max(1.0);
    let rows = Cause::ALL.into_iter().map(|cause| {
        let count = f64::from(wakeups[cause as usize]);
        (cause.text().to_owned(), count, format!("{count:.0} ({:.1} %)", count * 100.0 / total))
    });
    rows.filter(|(_, count, _)| *count > 0.0).collect()
}

/// So many days, in words where it is one.
pub fn days(count: u32) -> String {
    if count == 1 { "one day".to_owned() } else { format!("{count} days") }
}

/// A span with two digits or three.
pub fn span(span: Nanos) -> String {
    let ms = span.0 as f64 / 1e6;
    match ms {
        0.0 => "0".to_owned(),
        _ if ms < 1.0 => format!("{:.0} µs", ms * 1_000.0),
        _ if ms < 10.0 => format!("{ms:.1} ms"),
        _ if ms < 1_000.0 => format!("{ms:.0} ms"),
        _ if ms < 100_000.0 => format!("{:.1} s", ms / 1_000.0),
        _ if ms < 6_000_000.0 => format!("{:.0} min", ms / 60_000.0),
        _ => format!("{:.1} h", ms / 3_600_000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_with_two_digits_or_three() {
        let ns = [0, 400_000, 4_200_000, 50_000_000, 4_200_000_000, 900_000_000_000, 36_000_000_000_000];
        let told = ns.map(|ns| span(Nanos(ns)));
        assert_eq!(told, ["0", "400 µs", "4.2 ms", "50 ms", "4.2 s", "15 min", "10.0 h"]);
    }
}
