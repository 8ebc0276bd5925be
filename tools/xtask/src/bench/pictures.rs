//! Pictures of the committed figures, for the documentation: bars on a logarithmic scale, written by `xtask docs`.
//!
//! They show `bench/baseline.json`, so they change when somebody accepts new figures, and only then. The same figures
//! give the same bytes.

pub mod timeline;

use std::fmt::Write;

use super::anchors::{Anchor, Anchors};
use super::figures::{Figure, Figures};
use super::table::{grouped, timers_page};

const BASELINE: &str = include_str!("../../../../bench/baseline.json");
const ANCHORS: &str = include_str!("../../../../bench/anchors.toml");

const LINUX: &str = include_str!("../../../../bench/linux.json");

/// Size of a picture's parts, in its own units: they scale with the page.
const WIDTH: u32 = 720;
const LABELS: u32 = 270;
const NUMBERS: u32 = 90;
const ROW: u32 = 24;
const BAR: u32 = 14;
const TOP: u32 = 40;

const OURS: &str = "#2a6fb0";
const LEAST: &str = "#9cc3e6";
const THEIRS: &str = "#a0a0a0";
const BOUND: &str = "#b03a2e";

/// One bar.
struct Bar {
    label: String,
    value: Option<u64>,
    colour: &'static str,
    /// What it must not exceed.
    bound: Option<u64>,
}

/// How late tasks wake up beside two that only run.
pub fn wakeups() -> String {
    let (figures, anchors) = committed();
    let measured = |label: &str, id: &str, pick: fn(&Figure) -> u64| {
        let bound = anchors.get(id).map(|anchor| anchor.must);
        Bar { label: label.to_owned(), value: figures.get(id).map(pick), colour: OURS, bound }
    };
    let linux = |label: &str, id: &str| Bar {
        label: label.to_owned(),
        value: anchors.get(id).and_then(|anchor| anchor.linux),
        colour: THEIRS,
        bound: None,
    };
    let bars = [
        measured("PerfBurst, median", "wake_perf_burst", |figure| figure.med),
        measured("PerfBurst, 99 of 100", "wake_rt_p99", |figure| figure.med),
        linux("Linux, real time, 99 of 100", "wake_rt_p99"),
        measured("Normal, median", "wake_normal", |figure| figure.med),
        measured("any class, worst", "wake_worst", |figure| figure.med),
        linux("Linux, worst", "wake_worst"),
    ];
    draw("Wake-ups beside two spinners: instructions after the moment", &bars)
}

/// How often the machine wakes up for many sleepers, how often it has to, and how often Linux does.
pub fn timers() -> String {
    let (figures, anchors) = committed();
    let sets = [
        ("200 × 20 Hz, 4 ms", "200x20hz_4ms"),
        ("the same, in the kernel", "200x20hz_kernel"),
        ("200 × 20 Hz, 50 ms", "200x20hz_50ms"),
        ("200 × 2 Hz, 4 ms", "200x2hz_4ms"),
        ("20 × 2 Hz, 4 ms", "20x2hz_4ms"),
    ];
    let bars = sets.into_iter().flat_map(|(name, set)| {
        let id = |what: &str| format!("timers_{set}_{what}_h1");
        let value = |what: &str| figures.get(&id(what)).map(|figure| figure.med);
        let bound = anchors.get(&id("irqs")).map(|anchor| anchor.must);
        let bar = |label: &str, value, colour, bound| Bar { label: label.to_owned(), value, colour, bound };
        let ours = bar(name, value("irqs"), OURS, bound);
        let least = bar("the least there can be", value("least"), LEAST, None);
        // Not every set was measured there.
        let linux = anchors.linux(&id("irqs")).map(|irqs| bar("Linux", Some(irqs), THEIRS, None));
        [Some(ours), Some(least), linux]
    });
    let bars: Vec<_> = bars.flatten().collect();
    draw("Timer interrupts in 10 s, one hart", &bars)
}

/// The table of all sleepers.
pub fn sleepers() -> String {
    let (figures, anchors) = committed();
    timers_page(&anchors, &figures)
}

/// How wrong anybody's share of a hart is.
pub fn shares() -> String {
    let (figures, anchors) = committed();
    let both = |(id, anchor): (&str, &Anchor)| {
        let name = anchor.name.trim_start_matches("shares ").to_owned();
        let ours = figures.get(id).map(|figure| figure.med);
        [
            Bar { label: name.clone(), value: ours, colour: OURS, bound: Some(anchor.must) },
            Bar { label: format!("Linux, {name}"), value: anchor.linux, colour: THEIRS, bound: None },
        ]
    };
    // `share_map_64k` is another thing.
    let rows = anchors.iter().filter(|(id, _)| id.starts_with("share_") && id.ends_with('s'));
    let bars: Vec<_> = rows.flat_map(both).collect();
    draw("Error of shares, in millionths of what is due", &bars)
}

/// What operations cost with so many tasks in the system.
pub fn scaling() -> String {
    let (figures, _) = committed();
    let mut scaled: Vec<(&str, u64, &Figure)> = figures
        .iter()
        .filter_map(|(id, figure)| id.split_once('@').map(|(operation, scale)| (operation, scale, figure)))
        .filter_map(|(operation, scale, figure)| Some((operation, scale.parse().ok()?, figure)))
        .collect();
    scaled.sort_by_key(|(operation, scale, _)| (*operation, *scale));
    let bar = |(operation, scale, figure): (&str, u64, &Figure)| {
        let label = format!("{operation}, {} tasks", grouped(scale));
        Bar { label, value: Some(figure.med), colour: OURS, bound: None }
    };
    let bars: Vec<_> = scaled.into_iter().map(bar).collect();
    draw("Cost in instructions, by the number of tasks", &bars)
}

/// What is committed can be read: tests say so.
fn committed() -> (Figures, Anchors) {
    let figures = Figures::from_json(BASELINE).unwrap_or_default();
    let mut anchors = Anchors::parse(ANCHORS).unwrap_or_else(|_| Anchors::none());
    anchors.take_linux(Figures::from_json(LINUX).unwrap_or_default());
    (figures, anchors)
}

fn draw(title: &str, bars: &[Bar]) -> String {
    let greatest = bars.iter().flat_map(|bar| [bar.value, bar.bound]).flatten().max().unwrap_or(1);
    let decades = greatest.max(10).ilog10() + 1;
    let room = WIDTH - LABELS - NUMBERS;
    let length = |value: u64| f64::from(room) * (value.max(1) as f64).log10() / f64::from(decades);
    let height = TOP + ROW * bars.len() as u32 + ROW;
    let mut picture = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n\
         <text x=\"8\" y=\"20\" font-size=\"14\">{title}</text>\n"
    );
    for decade in 0..=decades {
        let x = f64::from(LABELS) + f64::from(room * decade) / f64::from(decades);
        let (from, to) = (TOP - 6, height - ROW);
        let label = grouped(10_u64.pow(decade));
        line(&mut picture, format_args!("<path d=\"M{x:.1} {from}V{to}\" stroke=\"#e0e0e0\"/>"));
        line(
            &mut picture,
            format_args!(
                "<text x=\"{x:.1}\" y=\"{}\" fill=\"#808080\" font-size=\"10\" text-anchor=\"middle\">{label}</text>",
                height - 8
            ),
        );
    }
    for (row, bar) in (0..).zip(bars) {
        let y = TOP + ROW * row;
        let base = y + BAR - 2;
        let Bar { label, colour, .. } = bar;
        line(
            &mut picture,
            format_args!("<text x=\"{}\" y=\"{base}\" text-anchor=\"end\">{label}</text>", LABELS - 8),
        );
        let end = bar.value.map_or(0.0, length);
        line(
            &mut picture,
            format_args!(
                "<rect x=\"{LABELS}\" y=\"{y}\" width=\"{end:.1}\" height=\"{BAR}\" fill=\"{colour}\"/>"
            ),
        );
        let number = bar.value.map_or_else(|| "not measured".to_owned(), grouped);
        let after = f64::from(LABELS) + end + 6.0;
        line(&mut picture, format_args!("<text x=\"{after:.1}\" y=\"{base}\">{number}</text>"));
        if let Some(bound) = bar.bound {
            let x = f64::from(LABELS) + length(bound);
            let (from, to) = (y - 3, y + BAR + 3);
            line(
                &mut picture,
                format_args!("<path d=\"M{x:.1} {from}V{to}\" stroke=\"{BOUND}\" stroke-width=\"2\"/>"),
            );
        }
    }
    picture + "</svg>\n"
}

/// Writing to a `String` cannot fail.
fn line(picture: &mut String, text: std::fmt::Arguments) {
    let _ = picture.write_fmt(text);
    picture.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_committed_can_be_read_and_drawn() {
        assert!(
            Figures::from_json(BASELINE).is_ok()
                && Figures::from_json(LINUX).is_ok()
                && Anchors::parse(ANCHORS).is_ok()
        );
        for picture in [wakeups(), shares(), timers(), scaling()] {
            assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"));
            assert!(!picture.contains("not measured"), "{picture}");
        }
    }

    #[test]
    fn a_decade_more_is_longer_by_as_much_each_time() {
        let bar = |value| Bar { label: String::from("x"), value: Some(value), colour: OURS, bound: None };
        let picture = draw("t", &[bar(10), bar(100), bar(1_000)]);
        for width in ["90.0", "180.0", "270.0"] {
            assert!(picture.contains(&format!("width=\"{width}\"")), "{picture}");
        }
    }
}
