//! Pages of the documentation that repeat what the code says: written by `xtask docs`, compared by `xtask check`.

mod section;
mod windows;

use std::fmt::Write;
use std::fs;

use anyhow::{Context, Result};
use nexus_abi::doc::{CALLS, CallDoc};
use nexus_abi::{Blame, Error, QosClass};
use timer_coalescer::compose::class_window;

use crate::bench::pictures;
use crate::process::say;
use crate::recipes;
use crate::workspace::Workspace;

/// What is generated of a page: its path, how much of it, and what it must hold.
struct Page {
    path: &'static str,
    extent: Extent,
    text: fn() -> String,
}

enum Extent {
    /// All of it.
    Whole,
    /// The section of this name.
    Section(&'static str),
}

const PAGES: &[Page] = &[
    Page { path: "docs/kernel/syscalls.md", extent: Extent::Whole, text: syscalls },
    Page { path: "docs/tools/markers.md", extent: Extent::Whole, text: markers },
    Page { path: "docs/services/recipes.md", extent: Extent::Whole, text: recipes::page::text },
    Page { path: "docs/perf/wakeups.svg", extent: Extent::Whole, text: pictures::wakeups },
    Page { path: "docs/perf/shares.svg", extent: Extent::Whole, text: pictures::shares },
    Page { path: "docs/perf/timers.md", extent: Extent::Section("sleepers"), text: pictures::sleepers },
    Page { path: "docs/perf/timers.svg", extent: Extent::Whole, text: pictures::timers },
    Page { path: "docs/perf/timeline.svg", extent: Extent::Whole, text: pictures::timeline::timeline },
    Page { path: "docs/perf/scaling.svg", extent: Extent::Whole, text: pictures::scaling },
    Page { path: recipes::power::SCHEMA_PATH, extent: Extent::Whole, text: recipes::power::schema },
    Page {
        path: "docs/power/overview.md",
        extent: Extent::Section("configuration"),
        text: recipes::power::tables,
    },
    Page { path: "docs/power/timers.md", extent: Extent::Section("windows"), text: windows::table },
];

impl Page {
    /// The page as it must be.
    fn expected(&self, workspace: &Workspace) -> Result<String> {
        let text = (self.text)();
        match self.extent {
            Extent::Whole => Ok(text),
            Extent::Section(name) => {
                let page = fs::read_to_string(workspace.path(self.path));
                let page = page.with_context(|| format!("cannot read {}", self.path))?;
                section::replaced(&page, name, &text).with_context(|| self.path)
            }
        }
    }
}

/// `xtask docs`.
pub fn write(workspace: &Workspace) -> Result<()> {
    for page in PAGES {
        let text = page.expected(workspace)?;
        let file = workspace.path(page.path);
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&file, text).with_context(|| format!("cannot write {}", page.path))?;
        say(format!("wrote {}", page.path));
    }
    Ok(())
}

/// A sentence for each page that is not what the code says.
pub fn check(workspace: &Workspace) -> Vec<String> {
    let complaint = |page: &Page| match page.expected(workspace) {
        Err(error) => Some(format!("{error:#}")),
        Ok(text) => {
            let is_same = fs::read_to_string(workspace.path(page.path)).is_ok_and(|page| page == text);
            (!is_same).then(|| format!("{} is out of date: run `make docs`", page.path))
        }
    };
    PAGES.iter().filter_map(complaint).collect()
}

fn syscalls() -> String {
    let slack = QosClass::ALL.map(|class| format!("{} {}", class.name(), windows::span(class_window(class))));
    let slack = slack.join(", ");
    let mut page = format!(
        "# System calls\n\n\
         Generated from `nexus-abi` by `make docs`; edit `source/libs/nexus-abi/src/doc.rs` instead.\n\n\
         A task executes `ecall` with the number in `t0`; the status comes back in `t0`, 0 for success. The\n\
         register convention is described in `source/libs/nexus-abi/src/call.rs`. A refused call changes nothing.\n\n\
         A deadline is in nanoseconds since boot; `u64::MAX` never comes, 0 does not wait. No wait ends before its\n\
         deadline. For a task with precise time it ends there; for any other it may end later, by its class:\n\
         {slack}.\n\n\
         | number | call | what it does |\n|---|---|---|\n",
    );
    for call in CALLS {
        line(
            &mut page,
            format_args!("| {} | [{}](#{}) | {} |", number(call), call.name, call.name, call.summary),
        );
    }
    for call in CALLS {
        describe(&mut page, call);
    }
    line(&mut page, format_args!("\n## Errors\n\n| status | error | whose fault |\n|---|---|---|"));
    for error in Error::ALL {
        let blame = match error.blame() {
            Blame::Caller => "the caller: a bug",
            Blame::Condition => "nobody's: a condition of the moment",
            Blame::Peer => "the peer: gone or unable to answer",
        };
        line(&mut page, format_args!("| {} | {error:?} | {blame} |", error as u8));
    }
    page
}

fn describe(page: &mut String, call: &CallDoc) {
    line(page, format_args!("\n## {}\n\nNumber {}. {}\n", call.name, number(call), call.summary));
    if !call.arguments.is_empty() {
        line(page, format_args!("| register | argument | meaning |\n|---|---|---|"));
        for (register, name, meaning) in call.arguments {
            line(page, format_args!("| {register} | {name} | {meaning} |"));
        }
        page.push('\n');
    }
    for (what, text) in [("Returns", call.returns), ("Rights", call.rights), ("Effects", call.effects)] {
        line(page, format_args!("- **{what}**: {text}"));
    }
    if call.errors.is_empty() {
        line(page, format_args!("- **Errors**: none"));
        return;
    }
    line(page, format_args!("\n| error | cause |\n|---|---|"));
    for (error, cause) in call.errors {
        line(page, format_args!("| {error:?} | {cause} |"));
    }
}

fn markers() -> String {
    let mut page = String::from(
        "# Markers of a selftest run\n\n\
         Generated from `nexus-proof` by `make docs`. A run on two harts prints these lines in this order, and then\n\
         its end line; `scripts/qemu-test.sh` fails when one is missing, comes twice, comes out of order, or is not\n\
         on the list, and when the machine does not exit with 0. After `policyd: ready` come the lines that execd\n\
         prints for each service with an entry in `recipes/sched/`; they follow from the recipes and are checked too.\n\
         `timed: ready` may come anywhere, and again, because a case starts timed again.\n\n\
         ```text\n",
    );
    for marker in nexus_proof::expected(2, 256) {
        line(&mut page, format_args!("{marker}"));
    }
    page + "```\n"
}

fn number(call: &CallDoc) -> u64 {
    call.call as u64
}

/// Writing to a `String` cannot fail.
fn line(page: &mut String, text: std::fmt::Arguments) {
    let _ = page.write_fmt(text);
    page.push('\n');
}
