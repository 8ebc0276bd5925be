//! The page.

use std::fmt::Write;

use crate::report::charts::{battery, late, locks, residency, standby, wakeups};
use crate::report::svg::{Chart, bars, escaped, put, short};
use crate::report::words::{Figure, causes, days, figures, span};
use crate::report::{Run, words};
use nexus_abi::Nanos;

const STYLE: &str = "\
body{margin:0;background:#f5f7fa;color:#1f2933;font:15px/1.5 system-ui,sans-serif}\
main{max-width:1180px;margin:0 auto;padding:32px 24px 64px}\
h1{font-size:30px;margin:0 0 4px}h2{font-size:19px;margin:40px 0 4px}\
p{margin:0 0 12px;color:#52606d;max-width:80ch}\
.figures{display:grid;grid-template-columns:repeat(4,1fr);gap:12px;margin:24px 0}\
.figure{background:#fff;border:1px solid #e4e7eb;border-radius:8px;padding:14px 16px}\
.figure b{display:block;font-size:26px;line-height:1.2}.figure span{color:#52606d;font-size:13px}\
.chart{background:#fff;border:1px solid #e4e7eb;border-radius:8px;padding:12px}\
.chart svg{display:block;width:100%;height:auto}\
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;margin:0 0 8px;font-size:13px;color:#3e4c59}\
.legend i{display:inline-block;width:11px;height:11px;border-radius:2px;margin-right:6px}\
table{border-collapse:collapse;background:#fff;border:1px solid #e4e7eb;border-radius:8px;width:100%;font-size:14px}\
th,td{padding:7px 12px;text-align:right;border-bottom:1px solid #e4e7eb}\
th:first-child,td:first-child{text-align:left}th{color:#52606d;font-weight:600}\
footer{margin-top:48px;color:#7b8794;font-size:13px}.better{color:#0c7a4d}.worse{color:#ba2525}";

/// A run.
pub fn page(run: &Run<'_>) -> String {
    let mut html = head(run.title, run.about);
    put!(html, "<p>Policy {}; {}, seed {}.</p>", escaped(&run.policy.text()), days(run.days), run.seed);
    cards(&mut html, &figures(run));
    section(&mut html, "Battery", "What the gauge shows. Green: on the charger. Red: off.");
    framed(&mut html, &battery(&[*run]), 260.0, &[("charging", "#e3f9e5"), ("off", "#ffe3e3")]);
    section(&mut html, "Idle residency", "Where the harts' time went: all that is not blue costs.");
    framed(&mut html, &residency(run), 240.0, &[]);
    section(
        &mut html,
        "Wake-ups",
        "How often in an hour the machine was woken up from idle, and by what. Bars far above the usual are cut off.",
    );
    framed(&mut html, &wakeups(run), 240.0, &[]);
    boxed(&mut html, &bars("Wake-ups by cause", &causes(run), "#2680c2"));
    section(
        &mut html,
        "Locks",
        "Whose wake locks kept the machine out of deep idle; the darker, the longer within the stretch.",
    );
    boxed(&mut html, &locks(run));
    section(&mut html, "Standby", "Which apps were held back because nobody used them.");
    boxed(&mut html, &standby(run));
    section(
        &mut html,
        "Late timers",
        "No timer fires early. Why those that fired later than they were due did so, and how late at most.",
    );
    boxed(&mut html, &late(run));
    apps(&mut html, run);
    faults(&mut html, run);
    html + &foot(run)
}

/// Two runs of one scenario, side by side.
pub fn compare(left: &Run<'_>, right: &Run<'_>) -> String {
    let title = format!("{}: {} and {}", left.title, left.name, right.name);
    let mut html = head(&title, left.about);
    let days = days(left.days);
    put!(
        html,
        "<p>Each for {days}, seed {}: the same person, the same messages, the same faults.</p>",
        left.seed
    );
    put!(
        html,
        "<table><tr><th></th><th>{}</th><th>{}</th><th>difference</th></tr>",
        escaped(left.name),
        escaped(right.name)
    );
    for (mine, its) in figures(left).iter().zip(figures(right)) {
        let (class, change) = change(mine, &its);
        let (a, b) = (escaped(&mine.text), escaped(&its.text));
        put!(
            html,
            "<tr><td>{}</td><td>{a}</td><td>{b}</td><td class='{class}'>{change}</td></tr>",
            mine.name
        );
    }
    put!(html, "</table>");
    let first =
        format!("What the gauge shows. Green: on the charger. Red: off, under {}.", escaped(left.name));
    section(&mut html, "Battery", &first);
    framed(&mut html, &battery(&[*left, *right]), 300.0, &[("charging", "#e3f9e5"), ("off", "#ffe3e3")]);
    for run in [left, right] {
        section(&mut html, &format!("Idle residency, {}", escaped(run.name)), "Where the harts' time went.");
        framed(&mut html, &residency(run), 200.0, &[]);
    }
    for run in [left, right] {
        section(&mut html, &format!("Late timers, {}", escaped(run.name)), "Why, and by how much at most.");
        boxed(&mut html, &late(run));
    }
    html + &foot(left)
}

/// How the second differs from the first, and whether that is better.
pub fn change(before: &Figure, after: &Figure) -> (&'static str, String) {
    if before.value == after.value {
        return ("", "–".to_owned());
    }
    let class = if after.value < before.value { "better" } else { "worse" };
    let percent = (after.value.abs() - before.value.abs()) * 100.0 / before.value.abs();
    if before.value == 0.0 { (class, "new".to_owned()) } else { (class, format!("{percent:+.1} %")) }
}

fn head(title: &str, about: &str) -> String {
    let (title, about) = (escaped(title), escaped(about));
    format!(
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'><title>{title}</title>\
         <meta name='viewport' content='width=device-width'><style>{STYLE}</style></head>\n\
         <body><main><h1>{title}</h1><p>{about}</p>\n"
    )
}

fn foot(run: &Run<'_>) -> String {
    format!(
        "<footer>{} events, {} messages to timed, every promise checked after each. Energy is in model units, which \
         stand for nothing in the world: compare runs with each other, not with a device.</footer></main></body></html>\n",
        run.stats.events, run.stats.messages
    )
}

fn cards(html: &mut String, figures: &[Figure]) {
    put!(html, "<div class='figures'>");
    for figure in figures {
        put!(html, "<div class='figure'><b>{}</b><span>{}</span></div>", escaped(&figure.text), figure.name);
    }
    put!(html, "</div>");
}

fn section(html: &mut String, title: &str, about: &str) {
    put!(html, "<h2>{title}</h2><p>{about}</p>");
}

fn framed(html: &mut String, chart: &Chart, height: f64, more: &[(&str, &str)]) {
    put!(html, "<div class='chart'><div class='legend'>");
    let names = chart.series.iter().map(|series| (series.name.as_str(), series.colour));
    for (name, colour) in names.chain(more.iter().copied()) {
        put!(html, "<span><i style='background:{colour}'></i>{}</span>", escaped(name));
    }
    put!(html, "</div>{}</div>", chart.draw(height));
}

fn boxed(html: &mut String, svg: &str) {
    put!(html, "<div class='chart'>{svg}</div>");
}

fn apps(html: &mut String, run: &Run<'_>) {
    section(html, "Apps", "What each of them costs and what it was kept from.");
    put!(
        html,
        "<table><tr><th>app</th><th>wake-ups for it</th><th>works</th><th>locks count</th><th>reported</th>\
         <th>in standby</th><th>denied</th><th>messages that waited</th><th>longest wait</th></tr>"
    );
    for app in &run.stats.apps {
        let [work, locks, standby, wait] =
            [app.work, app.locks, app.standby, app.longest_wait].map(|ns| span(Nanos(ns)));
        put!(
            html,
            "<tr><td>{}</td><td>{}</td><td>{work}</td><td>{locks}</td><td>{}</td><td>{standby}</td><td>{}</td>\
             <td>{}</td><td>{wait}</td></tr>",
            escaped(&app.name),
            short(app.wakeups as f64),
            app.reports,
            app.denied,
            app.waited
        );
    }
    put!(html, "</table>");
}

fn faults(html: &mut String, run: &Run<'_>) {
    if run.stats.faults.is_empty() {
        return;
    }
    section(html, "Faults", "What went wrong. The promises held all the same.");
    put!(html, "<table><tr><th>fault</th><th>times</th></tr>");
    for (fault, times) in &run.stats.faults {
        put!(html, "<tr><td>{}</td><td>{times}</td></tr>", escaped(fault));
    }
    put!(html, "</table>");
}

/// The figures on a terminal.
pub fn terminal(runs: &[Run<'_>]) -> String {
    let all: Vec<Vec<Figure>> = runs.iter().map(figures).collect();
    let mut text = String::new();
    let longest = runs.iter().map(|run| run.name.len()).max().unwrap_or(0);
    let column = if runs.len() > 1 { longest.max(20) + 2 } else { 22 };
    if runs.len() > 1 {
        let names: Vec<String> = runs.iter().map(|run| format!("{:>column$}", run.name)).collect();
        put!(text, "{:<42}{}", "", names.concat());
    }
    for (place, first) in all.first().into_iter().flatten().enumerate() {
        let values: Vec<String> =
            all.iter().map(|figures| format!("{:>column$}", figures[place].text)).collect();
        let change = match &all[..] {
            [_, other] => format!("   {}", change(first, &other[place]).1),
            _ => String::new(),
        };
        put!(text, "{:<42}{}{change}", first.name, values.concat());
    }
    if let [run] = runs {
        let by_cause: Vec<String> =
            words::causes(run).into_iter().map(|(name, _, text)| format!("{name} {text}")).collect();
        put!(text, "{:<42}{}", "wake-ups by cause", by_cause.join(", "));
    }
    text
}
