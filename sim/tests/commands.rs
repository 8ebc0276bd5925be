//! The command line, as people use it.

#![expect(clippy::unwrap_used, reason = "a helper of tests may unwrap like a test")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sim::many::threads;
use sim::scenario::Mode;
use sim::sweep::{Grid, picture, sweep, table};
use sim::{Policy, Scenario, Shipping};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn sim(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sim")).current_dir(root()).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_run_writes_its_page_and_its_events() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let run = sim(&["run", "scenarios/swarm.toml", "--mode", "frugal", "--seed", "5", "--out", out]);
    assert!(run.status.success(), "{}", text(&run.stderr));
    assert!(text(&run.stdout).contains("policy frugal,standby.bg_inactive_min=1"));

    let page = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    assert_eq!(page.matches("<svg ").count(), page.matches("</svg>").count());
    for external in ["<script", "<link", "src=", "@import", "url("] {
        assert!(!page.contains(external), "the page needs nothing else: {external}");
    }
    let lines = std::fs::read_to_string(folder.path().join("events.jsonl")).unwrap();
    for line in lines.lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(record["at_ns"].is_u64() && record["kind"].is_string(), "{line}");
    }
    let parquet = std::fs::read(folder.path().join("events.parquet")).unwrap();
    assert!(parquet.starts_with(b"PAR1") && parquet.ends_with(b"PAR1"));
}

#[test]
fn memory_does_not_grow_with_simulated_time() {
    let peak = |days: &str| -> u64 {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().to_str().unwrap();
        let run =
            sim(&["run", "scenarios/swarm.toml", "--days", days, "--no-events", "--faults", "--out", out]);
        assert!(run.status.success(), "{}", text(&run.stderr));
        let told = text(&run.stdout);
        let line = told.lines().find_map(|line| line.strip_prefix("peak memory ")).unwrap();
        line.strip_suffix(" kB").unwrap().parse().unwrap()
    };
    let (one, hundred) = (peak("1"), peak("100"));
    assert!(hundred < one + 2_048, "{one} kB for a day, {hundred} kB for a hundred");
}

#[test]
fn two_policies_stand_side_by_side() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let policies = ["performance", "frugal,standby.timer_floor_ms=300000"];
    let scenario = ["--scenario", "scenarios/swarm.toml", "--out", out];
    let compared = sim(&[["compare"].as_slice(), &policies, &scenario].concat());
    assert!(compared.status.success(), "{}", text(&compared.stderr));
    let page = std::fs::read_to_string(folder.path().join("compare.html")).unwrap();
    assert!(policies.iter().all(|policy| page.contains(&format!("<th>{policy}</th>"))));
}

#[test]
fn a_sweep_is_the_same_whatever_the_number_of_threads() {
    let (scenario, _) = Scenario::load(&root().join("scenarios/swarm.toml")).unwrap();
    let grid = Grid { modes: vec![Mode::Balanced, Mode::Performance, Mode::Frugal], settings: Vec::new() };
    let policies = grid.axis("standby.timer_floor_ms=10000,300000").unwrap().policies(Policy::default());
    let outcome = |threads| {
        let points = sweep(&scenario, &policies, 3, 1, threads, || (), &Shipping).unwrap();
        assert!(
            points.iter().any(|point| point.on_frontier) && points.iter().any(|point| !point.on_frontier)
        );
        (table(&points), picture("t", &points))
    };
    let alone = outcome(1);
    for threads in [2, 5, threads()] {
        assert_eq!(outcome(threads), alone);
    }
}

#[test]
fn test_reject_bad_scenario_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bad.toml");
    let good = std::fs::read_to_string(root().join("scenarios/swarm.toml")).unwrap();
    for (right, wrong, says) in [
        (
            "every = \"3 min\"",
            "every = \"3 minutes\"",
            "every: `3 minutes` is no span: allowed is a whole number and",
        ),
        ("every = \"3 min\"", "every = \"0 s\"", "every: 0 is no period: allowed is at least"),
        ("at = \"07:00\"", "at = \"7:00\"", "at: `7:00` is no time of day: allowed is"),
        ("chance = 60", "chance = 101", "chance: 101 is no percentage: allowed is 0 to 100"),
        (
            "class = \"idle\"",
            "class = \"perf_burst\"",
            "unknown variant `perf_burst`, expected one of `idle`",
        ),
        ("during = \"service\"", "while = \"service\"", "unknown field `while`, expected one of `every`"),
        ("app = \"player\"", "app = \"players\"", "app: there is no app `players`: allowed are clock, "),
        ("name = \"leaker\"", "name = \"game\"", "an app of this name is there already"),
        ("standby.bg_inactive_min=1", "standby.bg_inactive_min=0", "allowed is a number from 1 to 1440"),
        ("standby.bg_inactive_min=1", "screen.dim_s=90", "must be less than"),
    ] {
        let (before, _) = good.split_once(right).unwrap();
        let line = 1 + before.matches('\n').count();
        std::fs::write(&file, good.replacen(right, wrong, 1)).unwrap();
        let run = sim(&["run", file.to_str().unwrap()]);
        let told = text(&run.stderr);
        assert_eq!(run.status.code(), Some(2), "{told}");
        assert!(told.contains(says), "{wrong}: {told}");
        // A name that is there twice is told where it comes second.
        if !wrong.contains("game") {
            assert!(told.contains(&format!("bad.toml:{line}: ")), "{wrong} in line {line}: {told}");
        }
    }
}

#[test]
fn test_reject_command_lines_that_say_nothing() {
    for (arguments, says) in [
        (["run", "nowhere.toml", "--days", "1"], "cannot read the scenario nowhere.toml"),
        (["run", "scenarios/day.toml", "--set", "idle.tick=50"], "allowed are balanced.hint_ms"),
        (["run", "scenarios/day.toml", "--days", "0"], "1..=36500"),
        (["compare", "balanced", "fast", "--seed=1"], "`fast` is no policy"),
        (["sweep", "scenarios/day.toml", "--grid", "mode=fast"], "`fast` is no mode"),
        (["replay", "scenarios/day.toml", "", ""], "unexpected argument"),
    ] {
        let run = sim(&arguments);
        assert_eq!(run.status.code(), Some(2), "{arguments:?}");
        assert!(text(&run.stderr).contains(says), "{arguments:?}: {}", text(&run.stderr));
    }
}
