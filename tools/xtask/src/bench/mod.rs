//! `xtask bench`: what every operation costs, next to what it costs elsewhere.
//!
//! Each set-up boots twice under the emulator's instruction counter and must print the same figures both times;
//! what is then above its bound, or more than 2 % above the committed `bench/baseline.json`, fails the run.
//!
//! ```text
//!   guest `R` lines ─▶ Figures ─┬─▶ judge(anchors, baseline) ─▶ complaints
//!   bench/anchors.toml ─────────┴─▶ table, target/bench/neuron.json
//!   guest `M` lines ─▶ Moments ───▶ bench/moments.json, for a picture
//! ```

mod anchors;
mod figures;
mod judge;
pub mod linux;
mod moments;
pub mod pictures;
mod table;

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use self::anchors::Anchors;
use self::figures::{Figure, Figures};
use self::moments::{Kept, Moments};
use crate::contract::describe_exit;
use crate::emulator::{Console, Event, Exit, Machine, Mode, Running};
use crate::image::{Image, build_image};
use crate::process::{self, host_cargo, say};
use crate::setup::{self, Need};
use crate::workspace::Workspace;

const ANCHORS: &str = "bench/anchors.toml";
const BASELINE: &str = "bench/baseline.json";

/// A run takes a fraction of this; a hang must still end.
const TIME_OUT: Duration = Duration::from_secs(900);

/// The row that is a property of the file, not of a run.
const IMAGE_ROW: &str = "image_kib";

/// What to do with the figures besides showing them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Baseline {
    Compare,
    /// Write them to `bench/baseline.json`, to be committed.
    Accept,
}

impl Baseline {
    /// `--accept` or not.
    pub fn from_flag(accept: bool) -> Self {
        if accept { Baseline::Accept } else { Baseline::Compare }
    }
}

/// Builds, measures, prints the table, judges.
pub fn bench(workspace: &Workspace, baseline: Baseline) -> Result<()> {
    setup::ensure(workspace, Need::BOOT)?;
    let mut anchors = Anchors::parse(&read(workspace, ANCHORS)?).context(ANCHORS)?;
    // What was measured goes before what is quoted.
    if let Ok(text) = fs::read_to_string(workspace.path(linux::MEASURED)) {
        anchors.take_linux(Figures::from_json(&text).context(linux::MEASURED)?);
    }
    let image = build_image(workspace)?;
    let Measured { figures, moments } = measure(workspace, &image, &anchors)?;

    println!("{}", table::comparison(&anchors, &figures));
    for table in [table::timers(&anchors, &figures), table::scaling(&figures)].into_iter().flatten() {
        println!("{table}");
    }
    // Wall-clock on a shared machine: shown, and no reason to fail.
    let speed = ["run", "--quiet", "--release", "-p", "sim", "--", "speed"];
    process::run(host_cargo().current_dir(workspace.root()).args(speed))?;
    let folder = workspace.target().join("bench");
    fs::create_dir_all(&folder)?;
    let file = folder.join("neuron.json");
    fs::write(&file, figures.to_json()?).with_context(|| format!("cannot write {}", file.display()))?;
    say(format!("figures in {}", workspace.relative(&file).display()));

    let mut complaints = judge::against_anchors(&anchors, &figures);
    match baseline {
        Baseline::Accept => {
            fs::write(workspace.path(BASELINE), figures.to_json()?)?;
            say(format!("{BASELINE} now holds these figures"));
            keep_moments(workspace, |kept| kept.neuron = moments)?;
        }
        Baseline::Compare => match fs::read_to_string(workspace.path(BASELINE)) {
            Ok(text) => complaints.extend(judge::against_baseline(&Figures::from_json(&text)?, &figures)),
            Err(_) => say(format!("no {BASELINE} yet: `cargo xtask bench --accept` writes it")),
        },
    }
    ensure!(complaints.is_empty(), "the benchmark failed:\n  {}", complaints.join("\n  "));
    Ok(())
}

/// What a run told.
#[derive(Default)]
struct Measured {
    figures: Figures,
    moments: Moments,
}

/// Changes the committed moments.
fn keep_moments(workspace: &Workspace, change: impl FnOnce(&mut Kept)) -> Result<()> {
    let file = workspace.path(moments::KEPT);
    let mut kept = match fs::read_to_string(&file) {
        Ok(text) => Kept::from_json(&text).context(moments::KEPT)?,
        Err(_) => Kept::default(),
    };
    change(&mut kept);
    fs::write(&file, kept.to_json()).with_context(|| format!("cannot write {}", moments::KEPT))?;
    say(format!("{} now holds these moments", moments::KEPT));
    Ok(())
}

/// Every row: those of one hart, those of the hart count their anchor names, and those of the file; and the moments of
/// one hart.
fn measure(workspace: &Workspace, image: &Image, anchors: &Anchors) -> Result<Measured> {
    let mut all = Measured::default();
    for harts in anchors.hart_counts() {
        let first = measure_once(workspace, image, harts, 1)?;
        let second = measure_once(workspace, image, harts, 2)?;
        if let Some(difference) = first.figures.difference(&second.figures) {
            bail!("two runs on {harts} hart(s) differ, so neither means anything: {difference}");
        }
        ensure!(first.moments == second.moments, "the machine woke at other moments in the second run");
        all.figures.merge(first.figures, |id| anchors.harts(id) == harts);
        if harts == 1 {
            all.moments = first.moments;
        }
    }
    let kib = image.kernel_bytes()?.div_ceil(1024);
    all.figures.insert(IMAGE_ROW, Figure::exact(kib, "kib"));
    Ok(all)
}

fn measure_once(workspace: &Workspace, image: &Image, harts: u32, run: u32) -> Result<Measured> {
    let machine = Machine {
        mode: Mode::Icount,
        harts,
        command_line: "app=bench log=quiet".to_owned(),
        time_out: TIME_OUT,
        ..Machine::new(image.clone())
    };
    say(format!("measuring on {machine}, run {run} of 2"));
    let log = workspace.log(&format!("bench-{harts}-{run}"))?;
    let mut running = Running::start(&machine, Console::File(&log))?;
    let mut told = Measured::default();
    let shown = workspace.relative(&log).display().to_string();
    loop {
        match running.next()? {
            Event::Line(line) => {
                let taken = told.figures.line(&line).and_then(|()| told.moments.line(&line));
                taken.with_context(|| format!("in {shown}"))?;
                if line.contains("PANIC") {
                    eprintln!("{line}");
                }
            }
            Event::Quiet => {}
            Event::Exited(Exit::Code(0)) => return Ok(told),
            Event::Exited(exit) => {
                bail!("the guest failed: {}; see {shown}", describe_exit(exit))
            }
            Event::TimedOut => {
                bail!("TIMED OUT after {} s; see {shown}", TIME_OUT.as_secs())
            }
        }
    }
}

fn read(workspace: &Workspace, file: &str) -> Result<String> {
    fs::read_to_string(workspace.path(file)).with_context(|| format!("cannot read {file}"))
}
