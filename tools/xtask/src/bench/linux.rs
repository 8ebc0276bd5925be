//! `xtask bench-linux`: Linux measures itself on the same emulator, with the same flags, on one hart.
//!
//! The kernel is Debian's, fetched once as a package; its `/init` is `bench/linux/bench.c`. What it prints is turned
//! into rows with our names, so that a figure here and one of ours are the same thing measured. Rows that begin with
//! `sleep1ms_` are about an otherwise idle machine, and there is none of ours like them.
//!
//! ```text
//!   bench/linux/ ─copy─▶ target/bench-linux/ ─get-kernel.sh, build.sh─▶ kernel/Image, out/initramfs.cpio
//!                                                       ─emulator, once per load─▶ `R` lines ─▶ Figures
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::anchors::Anchors;
use super::figures::{Figure, Figures};
use super::{ANCHORS, BASELINE, Baseline, Measured, keep_moments, read, table};
use crate::emulator::{Console, Event, Exit, Machine, Mode, Running};
use crate::image::Image;
use crate::process::{run_as, say};
use crate::setup::{self, Need};
use crate::workspace::Workspace;

/// The committed figures, with which `xtask bench` fills its Linux column.
pub const MEASURED: &str = "bench/linux.json";

const SOURCES: [&str; 6] = ["bench.c", "moments.c", "moments.h", "tiny.S", "build.sh", "get-kernel.sh"];
/// A boot and each load take a fraction of this on a quiet machine.
const TIME_OUT: Duration = Duration::from_secs(900);
/// What the guest is told to measure, a boot each; `co=tasks:period in ms:duration in ms`.
const LOADS: [&str; 5] = [
    "only=ipc,idle",
    "only=coalesce co=200:50:10000",
    "only=coalesce co=20:500:10000",
    "only=coalesce co=200:500:10000",
    "only=sleep",
];

/// Measures, prints the table, keeps the figures if they are accepted.
pub fn bench_linux(workspace: &Workspace, baseline: Baseline) -> Result<()> {
    setup::ensure(workspace, &[Need::Emulator, Need::LinuxCompiler])?;
    let image = prepare(workspace)?;
    let mut told = Measured::default();
    for (number, load) in LOADS.into_iter().enumerate() {
        measure(workspace, &image, number, load, &mut told)?;
    }
    let Measured { figures, moments } = told;
    let ours = Figures::from_json(&read(workspace, BASELINE)?)?;
    let anchors = Anchors::parse(&read(workspace, ANCHORS)?)?;
    println!("{}", table::beside_linux(&anchors, &ours, &figures));
    if baseline == Baseline::Accept {
        fs::write(workspace.path(MEASURED), figures.to_json()?)?;
        say(format!("{MEASURED} now holds these figures"));
        keep_moments(workspace, |kept| kept.linux = moments)?;
    }
    Ok(())
}

/// The kernel and the initramfs, made if they are not there.
fn prepare(workspace: &Workspace) -> Result<Image> {
    let folder = workspace.target().join("bench-linux");
    fs::create_dir_all(&folder)?;
    for name in SOURCES {
        let from = workspace.path("bench/linux").join(name);
        fs::copy(&from, folder.join(name)).with_context(|| format!("cannot copy bench/linux/{name}"))?;
    }
    let (kernel, initrd) = (folder.join("kernel/Image"), folder.join("out/initramfs.cpio"));
    if !kernel.exists() {
        let fetched = run_as("fetching Debian's riscv64 kernel", &mut script(&folder, "get-kernel.sh"));
        fetched.with_context(|| {
            format!(
                "Linux cannot be measured without Debian's kernel package: make its mirror reachable, or put an \
                 uncompressed riscv64 kernel at {}",
                workspace.relative(&kernel).display()
            )
        })?;
    }
    run_as("building Linux's /init", &mut script(&folder, "build.sh"))?;
    Ok(Image { kernel, initrd, sizes: Vec::new(), recipe: Default::default() })
}

fn script(folder: &Path, name: &str) -> Command {
    let mut command = Command::new("sh");
    command.arg(PathBuf::from(".").join(name)).current_dir(folder);
    command
}

fn measure(
    workspace: &Workspace,
    image: &Image,
    number: usize,
    load: &str,
    told: &mut Measured,
) -> Result<()> {
    let machine = Machine {
        mode: Mode::Icount,
        command_line: format!("console=ttyS0 quiet norandmaps {load}"),
        time_out: TIME_OUT,
        ..Machine::new(image.clone())
    };
    say(format!("measuring Linux on {machine}"));
    let log = workspace.log(&format!("bench-linux-{number}"))?;
    let mut running = Running::start(&machine, Console::File(&log))?;
    let mut ended = false;
    loop {
        match running.next()? {
            Event::Line(line) => {
                ended |= line.starts_with("R end");
                rows(&line).into_iter().for_each(|(id, figure)| told.figures.insert(&id, figure));
                if let Some(fields) = line.strip_prefix("M coalesce ") {
                    let set = set(&Fields::of(fields)).with_context(|| format!("of which load: `{line}`"))?;
                    told.moments.insert(&set, fields)?;
                }
            }
            Event::Quiet => {}
            Event::Exited(Exit::Code(0)) if ended => return Ok(()),
            Event::Exited(_) | Event::TimedOut => {
                bail!("Linux did not come to its end; see {}", workspace.relative(&log).display())
            }
        }
    }
}

/// What the guest calls an operation, which of its figures counts, and which of our rows that is.
const OPERATIONS: [(&str, &str, &[&str]); 10] = [
    ("getppid", "med", &["null_call"]),
    ("eventfd RT 2procs", "med", &["ipc_rt_32", "notify_rt"]),
    ("pipe RT 64B 2procs", "med", &["ipc_rt_64"]),
    ("sched_yield 2procs/call", "med", &["yield_rt"]),
    ("SCM_RIGHTS memfd+mmap RT", "med", &["share_map_64k"]),
    ("anon page fault 4KiB", "med", &["page_fault"]),
    ("vfork+exec(tiny)+wait", "med", &["spawn_wait"]),
    ("sleep1ms fifo +2spin", "p99", &["wake_rt_p99"]),
    ("sleep1ms nice0 +2spin", "max", &["wake_worst"]),
    ("idle10s", "timer_irqs", &["idle_timer_irqs_10s"]),
];

/// How late sleepers wake: what the guest calls it, and the row whose least, middle and greatest that is. Its classes are
/// the nearest it has to ours.
const SLEEPS: [(&str, &str); 7] = [
    ("sleep1ms fifo +2spin", "wake_perf_burst"),
    ("sleep1ms nice-10 +2spin", "wake_interactive"),
    ("sleep1ms nice0 +2spin", "wake_normal"),
    ("sleep1ms fifo idle", "sleep1ms_fifo"),
    ("sleep1ms slack1ns idle", "sleep1ms_1ns"),
    ("sleep1ms slack50us idle", "sleep1ms_50us"),
    ("sleep1ms slack4ms idle", "sleep1ms_4ms"),
];

/// The words `name=value` of a line.
struct Fields<'a>(BTreeMap<&'a str, &'a str>);

impl<'a> Fields<'a> {
    fn of(line: &'a str) -> Self {
        Self(line.split_whitespace().filter_map(|word| word.split_once('=')).collect())
    }

    fn text(&self, name: &str) -> Option<&'a str> {
        self.0.get(name).copied()
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.text(name)?.parse::<f64>().ok().map(|it| it.round() as u64)
    }
}

/// The rows a line of the guest stands for.
fn rows(line: &str) -> Vec<(String, Figure)> {
    let Some(row) = line.strip_prefix("R ") else { return Vec::new() };
    let fields = Fields::of(row);
    if row.starts_with("coalesce ") {
        return sleepers(&fields).unwrap_or_default();
    }
    let is_called = |name: &str| row.strip_prefix(name).is_some_and(|it| it.starts_with(' '));
    let operations = OPERATIONS.iter().filter(|(name, ..)| is_called(name)).flat_map(|(_, figure, ids)| {
        let unit = if *figure == "timer_irqs" { "count" } else { "instr" };
        let value = fields.number(figure);
        ids.iter().filter_map(move |id| Some(((*id).to_owned(), Figure::exact(value?, unit))))
    });
    let sleeps = SLEEPS.iter().filter(|(name, _)| is_called(name)).filter_map(|(_, id)| {
        let [min, med, max] = ["min", "med", "max"].map(|name| fields.number(name));
        Some(((*id).to_owned(), Figure { min: min?, med: med?, max: max?, unit: "instr".to_owned() }))
    });
    operations.chain(sleeps).collect()
}

/// What we call a load of sleepers.
fn set(fields: &Fields) -> Option<String> {
    let (tasks, slack) = (fields.number("N")?, fields.number("slack_us")?);
    let period: u64 = fields.text("period")?.strip_suffix("ms")?.parse().ok()?;
    let slack = if slack < 1_000 { format!("{slack}us") } else { format!("{}ms", slack / 1_000) };
    Some(format!("{tasks}x{}hz_{slack}", 1_000_u64.checked_div(period)?))
}

/// It counts the time it is busy in steps of 10 ms; less than ten of them say nothing.
const BUSY_MS_MIN: u64 = 100;

/// Many sleepers: how many timer interrupts, and what each wake-up of one of them took.
fn sleepers(fields: &Fields) -> Option<Vec<(String, Figure)>> {
    let set = set(fields)?;
    let irqs = Figure::exact(fields.number("timer_irqs")?, "count");
    let row = |set: &str, what: &str, figure: Figure| (format!("timers_{set}_{what}_h1"), figure);
    let mut rows = vec![row(&set, "irqs", irqs.clone())];
    if let Some(load) = set.strip_suffix("_4ms") {
        // Its slack is the kernel's: there is nobody to go round.
        rows.push(row(&format!("{load}_kernel"), "irqs", irqs));
    }
    let (busy_ms, woken) = (fields.number("busy_ms")?, fields.number("wakeups")?);
    if busy_ms >= BUSY_MS_MIN {
        let cost = (busy_ms * 1_000_000).checked_div(woken)?;
        rows.push(row(&set, "cost", Figure::exact(cost, "instr")));
    }
    Some(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_guest_become_rows_of_ours() {
        let line = "R eventfd RT 2procs          unit=ns n=500 min=11390.0 med=11409.4 max=11500.0";
        let both = ["ipc_rt_32", "notify_rt"].map(|id| (id.to_owned(), Figure::exact(11_409, "instr")));
        assert_eq!(rows(line), both);
        let line = "R sleep1ms fifo +2spin       unit=ns n=500 min=1 med=2 p99=9700 max=9900";
        let spread = Figure { min: 1, med: 2, max: 9_900, unit: "instr".to_owned() };
        let both = [("wake_rt_p99", Figure::exact(9_700, "instr")), ("wake_perf_burst", spread.clone())];
        assert_eq!(rows(line), both.map(|(id, figure)| (id.to_owned(), figure)));
        let line = "R sleep1ms slack4ms idle     unit=ns n=250 min=1 med=2 p99=3 max=9900";
        assert_eq!(rows(line), [("sleep1ms_4ms".to_owned(), spread)]);
        for line in [
            "R getppidx unit=ns med=1",
            "R getppid unit=ns",
            "[    0.0] R getppid med=4",
            "R end rdtime_us=1",
        ] {
            assert_eq!(rows(line), [], "{line}");
        }
    }

    #[test]
    fn a_load_of_sleepers_has_its_interrupts_and_its_price() {
        let line = "R coalesce N=200 period=50ms slack_us=50000 dur_ms=10000 timer_irqs=2502 wakeups=40000 \
                    ctxt=1 resched_ipi=0 idle_ms=9700 busy_ms=300";
        let expected = [
            ("timers_200x20hz_50ms_irqs_h1".to_owned(), Figure::exact(2_502, "count")),
            ("timers_200x20hz_50ms_cost_h1".to_owned(), Figure::exact(7_500, "instr")),
        ];
        assert_eq!(rows(line), expected);
        let few = "R coalesce N=20 period=500ms slack_us=4000 timer_irqs=678 wakeups=400 busy_ms=10";
        let names: Vec<_> = rows(few).into_iter().map(|(id, _)| id).collect();
        assert_eq!(names, ["timers_20x2hz_4ms_irqs_h1", "timers_20x2hz_kernel_irqs_h1"]);
        assert_eq!(rows("R coalesce N=200 period=50ms slack_us=4000 timer_irqs=1 wakeups=0 busy_ms=300"), []);
        let moments = Fields::of("N=200 period=50ms slack_us=50000 n=2 at_us=100,200");
        assert_eq!(set(&moments).as_deref(), Some("200x20hz_50ms"));
    }
}
