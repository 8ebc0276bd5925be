//! Who runs how much: two looks at the tasks, and what happened between them.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use nexus_abi::info::{HartInfo, TaskInfo};
use nexus_abi::{Nanos, TaskId};

use crate::table::Align::{Left, Right};
use crate::table::Table;
use crate::units::{share, span};
use crate::views::class;

/// Rows of a table: a screen has 24 lines, and a person looks at the first ones.
const ROWS_MAX: usize = 20;

/// The machine at a moment.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub(crate) at: Nanos,
    pub(crate) tasks: Vec<TaskInfo>,
    pub(crate) harts: Vec<HartInfo>,
}

impl Snapshot {
    /// What a task had run by then; nothing, if it did not exist. An id is never another task's.
    fn cpu_ns(&self, id: u64) -> u64 {
        self.tasks.iter().find(|task| task.id == id).map_or(0, |task| task.cpu_ns)
    }

    fn idle_ns(&self) -> u64 {
        self.harts.iter().map(|hart| hart.idle_ns).sum()
    }
}

/// The busiest tasks since the last look, with their part of a hart since then and since the first look.
pub(crate) fn table(first: &Snapshot, last: &Snapshot, now: &Snapshot, out: &mut String) {
    let (since_last, since_first) = (now.at.since(last.at), now.at.since(first.at));
    let idle = now.idle_ns().saturating_sub(last.idle_ns());
    let harts = now.harts.len() as u64;
    out.push_str(&format!(
        "up {}; in the last {} {harts} hart{} slept {} of the time\n",
        span(now.at),
        span(since_last),
        if harts == 1 { "" } else { "s" },
        share(idle.min(since_last.0 * harts), since_last.0 * harts),
    ));
    let ran = |task: &TaskInfo, since: &Snapshot| task.cpu_ns.saturating_sub(since.cpu_ns(task.id));
    let mut busiest: Vec<_> = now.tasks.iter().map(|task| (ran(task, last), task)).collect();
    // Stable: tasks that ran equally long stay in the order of their numbers.
    busiest.sort_by_key(|(ran, _)| core::cmp::Reverse(*ran));
    let mut table = Table::new([
        ("ID", Right),
        ("NAME", Left),
        ("CLASS", Left),
        ("SHARES", Right),
        ("HART", Right),
        ("CPU", Right),
        ("MEAN", Right),
        ("TIME", Right),
        ("GIVEN", Right),
        ("TAKEN", Right),
        ("WAITED", Right),
    ]);
    for (recently, task) in busiest.into_iter().take(ROWS_MAX) {
        table.row([
            TaskId::from_wire(task.id).index().to_string(),
            task.name().to_string(),
            class(task).to_string(),
            task.shares.to_string(),
            task.hart.to_string(),
            share(recently, since_last.0),
            share(ran(task, first), since_first.0),
            span(Nanos(task.cpu_ns)),
            span(Nanos(task.donated_ns)),
            span(Nanos(task.received_ns)),
            span(Nanos(task.longest_wait_ns)),
        ]);
    }
    table.write(out);
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn task(index: u32, generation: u32, shares: u64, cpu_ms: u64) -> TaskInfo {
        let mut name = [0; 24];
        name[..4].copy_from_slice(b"spin");
        let id = TaskId::new(index, generation).to_wire();
        TaskInfo { id, class: 1, shares, cpu_ns: cpu_ms * 1_000_000, name, ..TaskInfo::default() }
    }

    fn snapshot(second: u64, tasks: Vec<TaskInfo>) -> Snapshot {
        let idle = HartInfo { idle_ns: second * SECOND / 4, ..HartInfo::default() };
        Snapshot { at: Nanos(second * SECOND), tasks, harts: alloc::vec![idle, HartInfo::default()] }
    }

    #[test]
    fn the_busiest_come_first_with_what_they_ran_since_the_last_look() {
        let first = snapshot(10, alloc::vec![task(1, 1, 100, 50), task(2, 1, 300, 40)]);
        let last = snapshot(11, alloc::vec![task(1, 1, 100, 550), task(2, 1, 300, 540)]);
        let now = snapshot(12, alloc::vec![task(1, 1, 100, 800), task(2, 1, 300, 1_290)]);
        let mut out = String::new();
        table(&first, &last, &now, &mut out);
        let expected = "\
up 12.0 s; in the last 1.00 s 2 harts slept 12.5 % of the time
ID  NAME  CLASS   SHARES  HART     CPU    MEAN    TIME  GIVEN  TAKEN  WAITED
 2  spin  normal     300     0  75.0 %  62.5 %  1.29 s   0 ns   0 ns    0 ns
 1  spin  normal     100     0  25.0 %  37.5 %  800 ms   0 ns   0 ns    0 ns
";
        assert_eq!(out, expected);
    }

    #[test]
    fn a_new_task_in_an_old_slot_has_run_only_what_it_ran_itself() {
        let then = snapshot(1, alloc::vec![task(1, 1, 100, 900)]);
        let now = snapshot(2, alloc::vec![task(1, 2, 100, 500)]);
        let mut out = String::new();
        table(&then, &then, &now, &mut out);
        assert!(out.contains("  50.0 %  50.0 %  500 ms"), "{out}");
    }

    #[test]
    fn only_as_many_as_fit_on_a_screen_are_shown() {
        let tasks: Vec<_> = (0..100).map(|n| task(n, 1, 100, u64::from(n))).collect();
        let mut out = String::new();
        let now = snapshot(2, tasks);
        table(&snapshot(1, Vec::new()), &snapshot(1, Vec::new()), &now, &mut out);
        assert_eq!(out.lines().count(), ROWS_MAX + 2);
        assert!(out.lines().nth(2).is_some_and(|line| line.starts_with("99  ")), "{out}");
    }
}
