//! `xtask qemu-test`: one selftest run, judged by the marker contract. `xtask test-os`: all of them.
//!
//! The contract's knobs are environment variables, because that is how scripts call it:
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `SMP` | harts | 1 |
//! | `REQUIRE_SMP` | `1`: refuse to run on fewer than two harts | 0 |
//! | `RUN_UNTIL_MARKER` | `1`: stop when the end line and the exit code are there; a marker's text: stop there; `0`: also let a machine that does not exit run into its time-out | 1 |
//! | `RUN_TIMEOUT` | `90s`, `2m`, or seconds | 90s |

use std::env;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::{Echo, idle, watch};
use crate::contract::{Contract, EndLine, Verdict, selftest};
use crate::emulator::{Machine, Mode};
use crate::image::{Image, build_image};
use crate::process::say;
use crate::setup::{self, Need};
use crate::workspace::Workspace;

/// The machines of `test-os`: each hart count for real, and exactly repeatable.
const MACHINES: &[(u32, Mode)] = &[
    (1, Mode::MultiThreaded),
    (2, Mode::MultiThreaded),
    (4, Mode::MultiThreaded),
    (1, Mode::Icount),
    (2, Mode::Icount),
    (4, Mode::Icount),
];

const DEFAULT_TIME_OUT: Duration = Duration::from_secs(90);

/// For runs that nobody waits for in front of a terminal: more harts than a busy host has cores are slow, and that
/// is not what is tested.
const PATIENT_TIME_OUT: Duration = Duration::from_secs(300);

/// What a selftest run is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub harts: u32,
    pub until: Until,
    pub time_out: Duration,
}

/// When a run is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Until {
    /// The machine exited.
    Exit,
    /// This line was printed.
    Marker(String),
}

impl Request {
    /// From the environment.
    pub fn from_env() -> Result<Self> {
        Self::read(|name| env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let harts = match variable("SMP") {
            None => 1,
            Some(text) => text.parse().with_context(|| format!("SMP={text}: give a number of harts"))?,
        };
        ensure!((1..=8).contains(&harts), "SMP={harts}: the kernel runs on 1 to 8 harts");
        match variable("REQUIRE_SMP").as_deref() {
            None | Some("0") => {}
            Some("1") => ensure!(harts > 1, "REQUIRE_SMP=1 needs two harts: set SMP=2 or more"),
            Some(other) => bail!("REQUIRE_SMP={other}: give 0 or 1"),
        }
        let until = match variable("RUN_UNTIL_MARKER") {
            None => Until::Exit,
            Some(text) if matches!(text.as_str(), "0" | "1") => Until::Exit,
            Some(marker) => Until::Marker(marker),
        };
        let time_out = variable("RUN_TIMEOUT").map_or(Ok(DEFAULT_TIME_OUT), |text| parse_duration(&text))?;
        Ok(Self { harts, until, time_out })
    }
}

/// One run as the environment asks for it.
pub fn qemu_test(workspace: &Workspace) -> Result<Verdict> {
    let request = Request::from_env()?;
    setup::ensure(workspace, Need::BOOT)?;
    let image = build_image(workspace)?;
    run(workspace, image, Mode::MultiThreaded, &request)
}

/// Everything that needs the emulator, fuzzing and measuring apart.
pub fn test_os(workspace: &Workspace) -> Result<()> {
    setup::ensure(workspace, Need::BOOT)?;
    let image = build_image(workspace)?;
    for &(harts, mode) in MACHINES {
        let request = Request { harts, until: Until::Exit, time_out: PATIENT_TIME_OUT };
        let verdict = run(workspace, image.clone(), mode, &request)?;
        ensure!(verdict.is_pass(), "the selftests failed on {harts} hart(s), {mode}");
    }
    idle::idle(workspace, image)
}

fn run(workspace: &Workspace, image: Image, mode: Mode, request: &Request) -> Result<Verdict> {
    let machine = Machine {
        mode,
        harts: request.harts,
        command_line: "app=selftest-client".to_owned(),
        time_out: request.time_out,
        ..Machine::new(image)
    };
    let log = workspace.log(&format!("selftest-{}-{}", mode, request.harts))?;
    let verdict = judge(&machine, request, &log)?;
    say(format!("{machine}: {verdict}"));
    if !verdict.is_pass() {
        say(format!("the console is in {}", workspace.relative(&log).display()));
    }
    Ok(verdict)
}

fn judge(machine: &Machine, request: &Request, log: &Path) -> Result<Verdict> {
    say(format!("booting {machine}"));
    let expected = selftest(machine.harts, machine.memory_mib, &machine.image.recipe);
    let contract = Contract::new(expected, EndLine::Required);
    let contract = match &request.until {
        Until::Exit => contract,
        Until::Marker(marker) => contract.stop_at(marker),
    };
    watch(machine, contract, log, Echo::Console)
}

/// `90s`, `2m`, `90`.
fn parse_duration(text: &str) -> Result<Duration> {
    let (number, factor) = match (text.strip_suffix('s'), text.strip_suffix('m')) {
        (Some(number), _) => (number, 1),
        (_, Some(number)) => (number, 60),
        _ => (text, 1),
    };
    let seconds: u64 = number.parse().with_context(|| format!("`{text}` is no time: write 90s or 2m"))?;
    ensure!(seconds > 0, "a time-out of nothing would end every run");
    Ok(Duration::from_secs(seconds * factor))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Violation;
    use crate::emulator::Exit;
    use crate::emulator::fake::emulator;

    fn request(pairs: &[(&str, &str)]) -> Result<Request> {
        Request::read(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    fn perfect_log() -> String {
        let mut lines: Vec<_> = nexus_proof::expected(1, 256).map(|marker| marker.to_string()).collect();
        let pass = u32::try_from(nexus_proof::Case::on(1).count()).unwrap();
        lines.push(nexus_proof::Marker::End { pass, fail: 0 }.to_string());
        lines.join("\n") + "\n"
    }

    fn run_fake(script: &str, time_out: Duration) -> Verdict {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("good"), perfect_log()).unwrap();
        let script = script.replace("GOOD", &folder.path().join("good").display().to_string());
        let machine = Machine { time_out, ..emulator(folder.path(), &script) };
        let request = Request { harts: 1, until: Until::Exit, time_out };
        judge(&machine, &request, &folder.path().join("log")).unwrap()
    }

    #[test]
    fn the_environment_is_understood() {
        let plain = request(&[]).unwrap();
        assert_eq!(plain, Request { harts: 1, until: Until::Exit, time_out: DEFAULT_TIME_OUT });
        let mission =
            request(&[("SMP", "2"), ("REQUIRE_SMP", "1"), ("RUN_UNTIL_MARKER", "1"), ("RUN_TIMEOUT", "2m")]);
        let time_out = Duration::from_secs(120);
        assert_eq!(mission.unwrap(), Request { harts: 2, until: Until::Exit, time_out });
        let marker = request(&[("RUN_UNTIL_MARKER", "init: ready")]).unwrap();
        assert_eq!(marker.until, Until::Marker("init: ready".to_owned()));
    }

    #[test]
    fn nonsense_in_the_environment_is_refused_with_what_to_write() {
        for pair in [
            ("SMP", "two"),
            ("SMP", "9"),
            ("REQUIRE_SMP", "1"),
            ("RUN_TIMEOUT", "soon"),
            ("RUN_TIMEOUT", "0"),
        ] {
            assert!(request(&[pair]).is_err(), "{pair:?}");
        }
    }

    #[test]
    fn a_machine_that_says_all_and_exits_with_0_passes() {
        let verdict = run_fake("cat GOOD > $console", Duration::from_secs(20));
        assert!(verdict.is_pass(), "{verdict}");
    }

    #[test]
    fn a_wrong_exit_code_fails_a_perfect_log() {
        let verdict = run_fake("cat GOOD > $console; exit 1", Duration::from_secs(20));
        assert_eq!(verdict.violations(), [Violation::WrongExitCode(Exit::Code(1))]);
        assert_eq!(verdict.status(), 1);
    }

    #[test]
    fn a_machine_that_hangs_times_out_and_is_reaped() {
        let verdict = run_fake("echo $$ > GOOD; exec sleep 60", Duration::from_millis(400));
        assert!(matches!(verdict.violations(), [Violation::TimedOut { .. }]));
        assert_eq!(verdict.status(), 124);
    }

    #[test]
    fn a_machine_killed_from_outside_is_no_pass() {
        let verdict = run_fake("cat GOOD > $console; kill -9 $$", Duration::from_secs(20));
        assert_eq!(verdict.violations(), [Violation::WrongExitCode(Exit::Signal)]);
    }
}
