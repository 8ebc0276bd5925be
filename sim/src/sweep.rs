//! Many policies over many seeds, and the frontier: the policies that no other one beats in battery and in lateness.

use nexus_abi::Nanos;

use crate::firmware::Firmware;
use crate::many::many;
use crate::record::Nothing;
use crate::report::svg::scatter;
use crate::scenario::{Mode, Policy, Scenario, Setting};
use crate::violation::Violation;
use crate::world::{Plan, run};

/// What is tried: every mode with every combination of the settings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Grid {
    /// The modes.
    pub modes: Vec<Mode>,
    /// Of each key the settings that are tried.
    pub settings: Vec<Vec<Setting>>,
}

impl Grid {
    /// Reads what a person writes for one axis: `mode=balanced,frugal` or `standby.bg_inactive_min=2,5,15`.
    pub fn axis(mut self, text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no axis: allowed is mode=… or key=number,number,…");
        let (key, values) = text.split_once('=').ok_or_else(wrong)?;
        if key == "mode" {
            let mode = |name: &str| match name {
                "balanced" => Ok(Mode::Balanced),
                "performance" => Ok(Mode::Performance),
                "frugal" => Ok(Mode::Frugal),
                _ => Err(format!("`{name}` is no mode: allowed are balanced, performance and frugal")),
            };
            self.modes = values.split(',').map(mode).collect::<Result<_, _>>()?;
        } else {
            let settings = values.split(',').map(|value| format!("{key}={value}").parse());
            self.settings.push(settings.collect::<Result<_, _>>()?);
        }
        Ok(self)
    }

    /// Every policy of the grid that goes together; what does not is left out.
    pub fn policies(&self, base: Policy) -> Vec<Policy> {
        let mut policies: Vec<Policy> =
            self.modes.iter().map(|mode| Policy { mode: *mode, ..base }).collect();
        for settings in &self.settings {
            policies =
                policies.iter().flat_map(|policy| settings.iter().map(|one| policy.with(*one))).collect();
        }
        policies.retain(|policy| policy.check().is_ok());
        policies
    }
}

/// What a policy amounts to, over all seeds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Point {
    /// Which.
    pub policy: Policy,
    /// Model units per day, on average.
    pub used: u64,
    /// How late timers fired on average, and at most in 95 % of cases, of the seed where that was latest.
    pub late: Nanos,
    #[expect(missing_docs, reason = "as above")]
    pub late_95: Nanos,
    /// Wake-ups per day, on average.
    pub wakeups: u64,
    /// How often the device ran empty, in all. Who is off uses nothing and is not late, so that would compare as good.
    pub empty: u64,
    /// True when it never ran empty and no other such one is better in one of battery and lateness and no worse in the
    /// other.
    pub on_frontier: bool,
}

/// What is kept of a run: a sweep of thousands of them fits into memory.
struct Outcome {
    used: u64,
    late: Nanos,
    late_95: Nanos,
    wakeups: u64,
    empty: u64,
}

/// A seed that broke a promise.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Broken {
    /// Under which policy.
    pub policy: Policy,
    /// Which.
    pub seed: u64,
    /// What was seen.
    pub violation: Box<Violation>,
}

/// Runs every policy with seeds from 0 on. The answer depends on nothing but the arguments before `threads`.
pub fn sweep(
    scenario: &Scenario,
    policies: &[Policy],
    seeds: u64,
    days: u32,
    threads: usize,
    done: impl Fn() + Sync,
    firmware: &dyn Firmware,
) -> Result<Vec<Point>, Broken> {
    let jobs: Vec<(Policy, u64)> =
        policies.iter().flat_map(|policy| (0..seeds).map(|seed| (*policy, seed))).collect();
    let runs = many(jobs.len(), threads, done, |job| {
        let (policy, seed) = jobs[job];
        let plan = Plan { scenario, policy, seed, days };
        let stats = run(plan, firmware, &mut Nothing);
        let stats = stats.map_err(|violation| Broken { policy, seed, violation })?;
        Ok(Outcome {
            used: stats.used.in_units(),
            late: stats.late.mean(),
            late_95: stats.late.percentile(95),
            wakeups: stats.all.wakeups.iter().map(|count| u64::from(*count)).sum(),
            empty: stats.empty,
        })
    });
    let runs = runs.into_iter().collect::<Result<Vec<_>, Broken>>()?;
    let share = |sum: u64| sum / (seeds * u64::from(days)).max(1);
    let point = |(policy, runs): (&Policy, &[Outcome])| Point {
        policy: *policy,
        used: share(runs.iter().map(|run| run.used).sum()),
        late: Nanos(runs.iter().map(|run| run.late.0).sum::<u64>() / seeds.max(1)),
        late_95: runs.iter().map(|run| run.late_95).max().unwrap_or_default(),
        wakeups: share(runs.iter().map(|run| run.wakeups).sum()),
        empty: runs.iter().map(|run| run.empty).sum(),
        on_frontier: false,
    };
    let mut points: Vec<Point> = policies.iter().zip(runs.chunks(seeds.max(1) as usize)).map(point).collect();
    mark_frontier(&mut points);
    Ok(points)
}

fn mark_frontier(points: &mut [Point]) {
    let lasting = points.iter().filter(|point| point.empty == 0);
    let all: Vec<(u64, u64)> = lasting.map(|point| (point.used, point.late.0)).collect();
    for point in points.iter_mut().filter(|point| point.empty == 0) {
        let own = (point.used, point.late.0);
        let beats = |other: &(u64, u64)| other.0 <= own.0 && other.1 <= own.1 && *other != own;
        point.on_frontier = !all.iter().any(beats);
    }
    points.sort_by_key(|point| (point.used, point.late));
}

/// A table of tab-separated values, the most frugal first.
pub fn table(points: &[Point]) -> String {
    let mut text =
        String::from("frontier\tunits/day\tran empty\twake-ups/day\tmean late ns\t95 % late ns\tpolicy\n");
    for point in points {
        let mark = if point.on_frontier { "*" } else { "" };
        text += &format!(
            "{mark}\t{}\t{}\t{}\t{}\t{}\t{}\n",
            point.used,
            point.empty,
            point.wakeups,
            point.late.0,
            point.late_95.0,
            point.policy.text()
        );
    }
    text
}

/// The picture.
pub fn picture(title: &str, points: &[Point]) -> String {
    let place = |point: &Point| {
        let label = point.policy.text().replace("standby.", "").replace(',', ", ");
        (point.used as f64, point.late.0 as f64 / 1e9, point.on_frontier, label)
    };
    let places: Vec<_> = points.iter().map(place).collect();
    scatter(title, ["model units per day", "mean lateness of timers, s"], &places)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frontier_is_what_nothing_beats() {
        let lasting = |used, late| Point {
            policy: Policy::default(),
            used,
            late: Nanos(late),
            late_95: Nanos(0),
            wakeups: 0,
            empty: 0,
            on_frontier: false,
        };
        let mut points: Vec<_> =
            [(5, 5), (3, 9), (9, 1), (5, 6), (9, 9), (3, 9)].map(|(used, late)| lasting(used, late)).into();
        points.push(Point { empty: 1, ..lasting(2, 2) });
        mark_frontier(&mut points);
        let marked: Vec<_> =
            points.iter().map(|point| (point.used, point.late.0, point.on_frontier)).collect();
        let expected = [
            (2, 2, false),
            (3, 9, true),
            (3, 9, true),
            (5, 5, true),
            (5, 6, false),
            (9, 1, true),
            (9, 9, false),
        ];
        assert_eq!(marked, expected);
    }

    #[test]
    fn a_grid_is_every_combination_that_goes_together() {
        let none = Grid { modes: vec![Mode::Balanced], settings: Vec::new() };
        let grid =
            none.clone().axis("mode=balanced,frugal").unwrap().axis("screen.timeout_s=20,60,120").unwrap();
        // The screen may not go dim after it went off: 20 does not go with the 30 of dim_s.
        assert_eq!(grid.policies(Policy::default()).len(), 4);
        for (axis, says) in
            [("mode=fast", "allowed are balanced"), ("x", "no axis"), ("a.b=1", "there is no key")]
        {
            assert!(none.clone().axis(axis).unwrap_err().contains(says));
        }
    }
}
