//! The charts of a run.

use crate::promise::Late;
use crate::report::Run;
use crate::report::svg::{Band, Chart, Series, Style, bars, nice, strips};
use crate::report::words::span;
use crate::stats::{Bucket, Cause, Stats};

/// One colour for each app, in turn.
const APPS: [&str; 8] =
    ["#2680c2", "#e9b949", "#3ebd93", "#d64545", "#8662c7", "#f0853e", "#27ab83", "#829ab1"];
const LEVELS: [&str; 3] = ["#f0853e", "#f7d070", "#2680c2"];
const CAUSES: [&str; 6] = ["#2680c2", "#d64545", "#3ebd93", "#8662c7", "#e9b949", "#52606d"];
const CHARGING: &str = "#e3f9e5";
const OFF: &str = "#ffe3e3";

/// Of an app, by its place.
pub fn app_colour(place: usize) -> &'static str {
    APPS[place % APPS.len()]
}

fn buckets(stats: &Stats, value: impl Fn(&Bucket) -> Option<f64>) -> Vec<Option<f64>> {
    stats.buckets.iter().map(value).collect()
}

fn chart(run: &Run<'_>, title: &str, unit: &'static str, style: Style) -> Chart {
    let (title, width) = (title.to_owned(), run.stats.width);
    Chart { title, width, unit, top: None, style, series: Vec::new(), bands: Vec::new() }
}

/// What the gauge shows, over time; of several runs in one picture.
pub fn battery(runs: &[Run<'_>]) -> Chart {
    let mut picture = chart(&runs[0], "Battery", " %", Style::Lines);
    picture.top = Some(100.0);
    let colours = ["#0b69a3", "#d64545"];
    for (run, colour) in runs.iter().zip(colours) {
        let shown = |bucket: &Bucket| (bucket.off < run.stats.width.0).then(|| f64::from(bucket.battery));
        let name = if runs.len() > 1 { run.name.to_owned() } else { "battery".to_owned() };
        picture.series.push(Series { name, colour, values: buckets(run.stats, shown) });
    }
    let half = runs[0].stats.width.0 / 2;
    picture.bands = bands(runs[0].stats, CHARGING, |bucket| bucket.charging > half);
    picture.bands.extend(bands(runs[0].stats, OFF, |bucket| bucket.off > half));
    picture
}

fn bands(stats: &Stats, colour: &'static str, holds: impl Fn(&Bucket) -> bool) -> Vec<Band> {
    let mut bands: Vec<Band> = Vec::new();
    for (place, bucket) in stats.buckets.iter().enumerate() {
        match bands.last_mut().filter(|band| band.to == place) {
            Some(band) if holds(bucket) => band.to = place + 1,
            _ if holds(bucket) => bands.push(Band { from: place, to: place + 1, colour }),
            _ => {}
        }
    }
    bands
}

/// Where the harts' time went. Deep idle is most of it, so running is at the bottom where it shows.
pub fn residency(run: &Run<'_>) -> Chart {
    let mut picture = chart(run, "Idle residency", " %", Style::Areas);
    picture.top = Some(100.0);
    for (level, name) in ["L0, running", "L1, waiting", "L2, deep idle"].into_iter().enumerate() {
        let share = |bucket: &Bucket| bucket.residency().map(|shares| shares[level]);
        let values = buckets(run.stats, share);
        picture.series.push(Series { name: name.to_owned(), colour: LEVELS[level], values });
    }
    picture
}

/// Wake-ups in an hour, by cause. A game that is played for ten minutes would press all else flat: what is higher than
/// nineteen buckets of twenty and half as much again is cut off.
pub fn wakeups(run: &Run<'_>) -> Chart {
    let mut picture = chart(run, "Wake-ups per hour", "", Style::Bars);
    let per_hour = 3.6e12 / run.stats.width.0 as f64;
    for cause in Cause::ALL {
        if run.stats.all.wakeups[cause as usize] > 0 {
            let rate = |bucket: &Bucket| Some(f64::from(bucket.wakeups[cause as usize]) * per_hour);
            let (name, colour) = (cause.text().to_owned(), CAUSES[cause as usize]);
            picture.series.push(Series { name, colour, values: buckets(run.stats, rate) });
        }
    }
    let total = |bucket: &Bucket| f64::from(bucket.wakeups.iter().sum::<u32>()) * per_hour;
    let mut totals: Vec<f64> = run.stats.buckets.iter().map(total).collect();
    totals.sort_by(f64::total_cmp);
    let usual = totals[totals.len() * 19 / 20] * 1.5;
    picture.top = (usual > 0.0).then(|| nice(usual));
    picture
}

/// Whose locks kept the machine out of deep idle.
pub fn locks(run: &Run<'_>) -> String {
    strips(
        "Locks that count, by app",
        run.stats.width,
        &rows(run, |bucket, app| bucket.locks[app], |app| app.locks),
    )
}

/// Who was in standby.
pub fn standby(run: &Run<'_>) -> String {
    strips(
        "Standby, by app",
        run.stats.width,
        &rows(run, |bucket, app| bucket.standby[app], |app| app.standby),
    )
}

fn rows(
    run: &Run<'_>,
    of: impl Fn(&Bucket, usize) -> u64,
    total: impl Fn(&crate::stats::AppTotals) -> u64,
) -> Vec<Series> {
    let width = run.stats.width.0 as f64;
    let apps = run.stats.apps.iter().enumerate().filter(|(_, app)| total(app) > 0);
    let row = |(place, app): (usize, &crate::stats::AppTotals)| Series {
        name: app.name.clone(),
        colour: app_colour(place),
        values: buckets(run.stats, |bucket| Some(of(bucket, place) as f64 / width)),
    };
    apps.map(row).collect()
}

/// Why timers were late, and by how much.
pub fn late(run: &Run<'_>) -> String {
    let stats = run.stats;
    let total = stats.late.count().max(1) as f64;
    let rows: Vec<_> = Late::ALL
        .into_iter()
        .map(|why| (why, &stats.lateness[why as usize]))
        .filter(|(_, spread)| spread.count() > 0)
        .map(|(why, spread)| {
            let share = spread.count() as f64 * 100.0 / total;
            let label = format!("{share:.1} %, at most {}", span(spread.max()));
            (why.text().to_owned(), spread.count() as f64, label)
        })
        .collect();
    bars("Timers by what made them late", &rows, "#2680c2")
}
