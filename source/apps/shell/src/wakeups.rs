//! How often the machine wakes up, why, and for whom: two looks, and what happened between them.

use alloc::format;
use alloc::string::{String, ToString};

use nexus_abi::TaskId;
use nexus_abi::info::{HartInfo, TaskInfo};

use crate::table::Align::{Left, Right};
use crate::table::Table;
use crate::top::Snapshot;
use crate::units::{rate, span};

/// A counter of a hart.
type Counter = fn(&HartInfo) -> u64;

/// What wakes a hart, and where that is counted.
const CAUSES: [(&str, Counter); 3] = [
    ("timers", |hart| hart.timer_irqs),
    ("devices", |hart| hart.device_irqs),
    ("other harts", |hart| hart.ipis),
];

/// Interrupts by cause, then tasks by how often they became ready after waiting, those that did not left out.
pub(crate) fn table(before: &Snapshot, now: &Snapshot, out: &mut String) {
    let passed = now.at.since(before.at);
    let slept = since(before, now, |hart| hart.idle_entries);
    let times = if slept == 1 { "time" } else { "times" };
    out.push_str(&format!(
        "in the last {} the harts fell asleep {slept} {times}; a timer that ends this look is counted\n",
        span(passed)
    ));
    let mut table = Table::new([("CAUSE", Left), ("INTERRUPTS", Right), ("PER SECOND", Right)]);
    for (cause, count) in CAUSES {
        let count = since(before, now, count);
        table.row([cause.to_string(), count.to_string(), rate(count, passed)]);
    }
    table.write(out);
    let earlier =
        |id| before.tasks.iter().find(|task: &&TaskInfo| task.id == id).map_or(0, |task| task.wakeups);
    let woken = now.tasks.iter().map(|task| (task.wakeups.saturating_sub(earlier(task.id)), task));
    let mut woken: alloc::vec::Vec<_> = woken.filter(|(times, _)| *times > 0).collect();
    woken.sort_by_key(|(times, _)| core::cmp::Reverse(*times));
    let mut table = Table::new([("ID", Right), ("NAME", Left), ("WAKES", Right), ("PER SECOND", Right)]);
    for (times, task) in woken {
        let id = TaskId::from_wire(task.id).index().to_string();
        table.row([id, task.name().to_string(), times.to_string(), rate(times, passed)]);
    }
    out.push('\n');
    table.write(out);
}

/// What all harts together have counted meanwhile.
fn since(before: &Snapshot, now: &Snapshot, count: Counter) -> u64 {
    let sum = |snapshot: &Snapshot| snapshot.harts.iter().map(count).sum::<u64>();
    sum(now).saturating_sub(sum(before))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use nexus_abi::Nanos;

    fn task(slot: u32, name: &str, wakeups: u64) -> TaskInfo {
        let mut padded = [0; 24];
        padded[..name.len()].copy_from_slice(name.as_bytes());
        TaskInfo { id: TaskId::new(slot, 1).to_wire(), name: padded, wakeups, ..Default::default() }
    }

    #[test]
    fn what_happened_between_two_looks_is_told_by_cause_and_by_task() {
        let hart = |timer_irqs, device_irqs, idle_entries| HartInfo {
            timer_irqs,
            device_irqs,
            idle_entries,
            ..Default::default()
        };
        let before = Snapshot {
            at: Nanos::from_millis(1_000),
            tasks: vec![task(3, "timed", 10), task(5, "shell", 7)],
            harts: vec![hart(5, 1, 9), hart(0, 0, 2)],
        };
        let now = Snapshot {
            at: Nanos::from_millis(3_000),
            tasks: vec![task(3, "timed", 11), task(5, "shell", 7), task(6, "peer", 40)],
            harts: vec![hart(25, 2, 19), hart(1, 0, 3)],
        };
        let mut out = String::new();
        table(&before, &now, &mut out);
        let expected = "\
in the last 2.00 s the harts fell asleep 11 times; a timer that ends this look is counted
CAUSE        INTERRUPTS  PER SECOND
timers               21        10.5
devices               1         0.5
other harts           0         0.0

ID  NAME   WAKES  PER SECOND
 6  peer      40        20.0
 3  timed      1         0.5
";
        assert_eq!(out, expected);
    }

    #[test]
    fn one_time_is_one_time() {
        for (slept, expected) in [(0, "0 times;"), (1, "1 time;"), (2, "2 times;")] {
            let look = |at, entries| Snapshot {
                at: Nanos::from_millis(at),
                tasks: vec![],
                harts: vec![HartInfo { idle_entries: entries, ..Default::default() }],
            };
            let mut out = String::new();
            table(&look(1_000, 5), &look(2_000, 5 + slept), &mut out);
            assert!(
                out.starts_with(&format!("in the last 1.00 s the harts fell asleep {expected}")),
                "{out}"
            );
        }
    }
}
