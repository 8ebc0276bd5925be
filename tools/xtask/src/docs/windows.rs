//! The table of windows: what `timer_coalescer::compose` answers to every combination.

use nexus_abi::{Nanos, QosClass};
use power_governor::Hints;
use timer_coalescer::Tier;
use timer_coalescer::compose::{Promise, Regime, Terms, compose};

/// Delays on both sides of every window and of the floor.
const DELAYS_MS: [u64; 6] = [2, 6, 10, 30, 1_000, 120_000];
/// The modes of the governor, each with its hint.
const MODES: [(&str, Nanos); 3] =
    [("performance", Hints::PERFORMANCE), ("balanced", Hints::BALANCED), ("frugal", Hints::FRUGAL)];
/// The floor of a device as it is delivered.
const FLOOR: Nanos = Nanos::from_millis(60_000);

/// The table.
pub fn table() -> String {
    let modes = MODES.map(|(mode, _)| mode).join(" | ");
    let standby = MODES.map(|(mode, _)| format!("standby, {mode}")).join(" | ");
    let mut table = format!("| class | asked | {modes} | {standby} |\n|---|---|---|---|---|---|---|---|\n");
    let classes = QosClass::ALL.into_iter().rev().map(|class| (class.name(), class, Tier::Ordinary));
    // Its class does not matter.
    let alarm = ("any, alarm clock", QosClass::Idle, Tier::AlarmClock);
    for (name, class, tier) in classes.chain([alarm]) {
        for delay in DELAYS_MS.map(Nanos::from_millis) {
            let terms = Terms { class, tier, delay, wish: Nanos(0) };
            let cells = [Nanos(0), FLOOR]
                .map(|floor| MODES.map(|(_, hint)| cell(compose(terms, Regime { hint, floor }))).join(" | "));
            table += &format!("| {name} | {} | {} |\n", span(delay), cells.join(" | "));
        }
    }
    table
}

fn cell(promise: Promise) -> String {
    format!("{} + {}", span(promise.delay), span(promise.window))
}

/// A span in words.
pub fn span(span: Nanos) -> String {
    match span.0 / 1_000_000 {
        0 => "0".to_owned(),
        ms if ms.is_multiple_of(1_000) => format!("{} s", ms / 1_000),
        ms => format!("{ms} ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_say_what_is_waited_and_how_late_it_may_be() {
        let table = table();
        let rows: Vec<_> = table.lines().collect();
        assert_eq!(rows.len(), 2 + 5 * DELAYS_MS.len());
        let normal = "| normal | 30 ms | 30 ms + 4 ms | 30 ms + 20 ms | 30 ms + 30 ms | 60 s + 4 ms | \
                      60 s + 20 ms | 60 s + 50 ms |";
        assert!(rows.contains(&normal));
        let alarm = "| any, alarm clock | 2 ms | 2 ms + 0 | 2 ms + 0 | 2 ms + 0 | 2 ms + 0 | 2 ms + 0 | \
                     2 ms + 0 |";
        assert!(rows.contains(&alarm));
    }
}
