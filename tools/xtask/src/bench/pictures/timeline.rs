//! When the machine wakes for many sleepers: a stretch of 100 ms from left to right, a tick a wake-up, Linux below ours.
//!
//! ```text
//!   title                                             in 100 ms   in 10 s
//!   what the sleepers allow
//!   neuron  │   │    │   │    │   │    │   │    │          23      2,301
//!    Linux  │  │  │  │  │  │  │  │  │  │  │  │  │          25      2,501
//!           0                                100 ms
//! ```

use super::super::moments::{Kept, STRETCH_US};
use super::super::table::grouped;
use super::{committed, line};

const KEPT: &str = include_str!("../../../../../bench/moments.json");

/// The columns, in units of the picture: names end, the stretch begins and ends, the counts end.
const NAMES: u32 = 64;
const BEGIN: u32 = 74;
const END: u32 = 574;
const COUNTS: u32 = 644;
const TOTALS: u32 = 712;
const WIDTH: u32 = 720;

/// The rows: the first heading, a heading with its lanes, a lane, a tick.
const TOP: u32 = 62;
const GROUP: u32 = 92;
const LANE: u32 = 32;
const TICK: u32 = 22;
/// What the stretch is divided by.
const GRID_MS: [u32; 6] = [0, 20, 40, 60, 80, 100];

/// Pages are read on white and on black.
const STYLE: &str = "<style>\
    .page{fill:#ffffff}text{fill:#1f2328}.faint{fill:#6e7781}.grid{stroke:#e0e0e0}\
    .ours{stroke:#2a6fb0}.theirs{stroke:#8a8a8a}\
    @media(prefers-color-scheme:dark){\
    .page{fill:#0d1117}text{fill:#e6edf3}.faint{fill:#9198a1}.grid{stroke:#30363d}\
    .ours{stroke:#6cb2f0}.theirs{stroke:#a8a8a8}}</style>";

/// One system under one load.
struct Lane<'a> {
    name: &'static str,
    class: &'static str,
    moments: &'a [u32],
    /// Timer interrupts in ten seconds.
    total: Option<u64>,
}

/// The picture of what is committed.
pub fn timeline() -> String {
    let kept = Kept::from_json(KEPT).unwrap_or_default();
    let (figures, anchors) = committed();
    let groups = [
        ("each of them may be 4 ms late", "200x20hz_4ms"),
        ("each of them may be 50 ms late", "200x20hz_50ms"),
    ];
    let groups = groups.map(|(heading, load)| {
        let id = format!("timers_{load}_irqs_h1");
        let ours = Lane {
            name: "neuron",
            class: "ours",
            moments: kept.neuron.get(load).unwrap_or_default(),
            total: figures.get(&id).map(|figure| figure.med),
        };
        let moments = kept.linux.get(load).unwrap_or_default();
        let linux = Lane { name: "Linux", class: "theirs", moments, total: anchors.linux(&id) };
        (heading, [ours, linux])
    });
    draw("Wake-ups of the machine: 200 tasks, each at 20 Hz, one hart", &groups)
}

fn draw(title: &str, groups: &[(&str, [Lane; 2])]) -> String {
    let height = TOP + GROUP * groups.len() as u32 + 4;
    let mut picture = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<title>{title}</title>\n{STYLE}\n\
         <rect class=\"page\" width=\"{WIDTH}\" height=\"{height}\"/>\n"
    );
    text(&mut picture, 8, 20, "start", "font-size=\"14\"", title);
    for (x, column) in [(COUNTS, "in 100 ms"), (TOTALS, "in 10 s")] {
        text(&mut picture, x, 44, "end", "class=\"faint\" font-size=\"10\"", column);
    }
    for (group, (heading, lanes)) in (0..).zip(groups) {
        let y = TOP + GROUP * group;
        text(&mut picture, BEGIN, y - 4, "start", "class=\"faint\"", heading);
        let to = y + 6 + LANE + TICK;
        for ms in GRID_MS {
            let x = place(ms * 1_000);
            line(&mut picture, format_args!("<path class=\"grid\" d=\"M{x:.1} {y}V{to}\"/>"));
        }
        for (number, lane) in (0..).zip(lanes) {
            draw_lane(&mut picture, y + 6 + LANE * number, lane);
        }
    }
    for ms in GRID_MS {
        let unit = if ms == 100 { " ms" } else { "" };
        let (x, label) = (BEGIN + (END - BEGIN) * ms / 100, format!("{ms}{unit}"));
        text(&mut picture, x, height - 8, "middle", "class=\"faint\" font-size=\"10\"", &label);
    }
    picture + "</svg>\n"
}

fn draw_lane(picture: &mut String, y: u32, lane: &Lane) {
    let (base, bottom) = (y + 15, y + TICK);
    text(picture, NAMES, base, "end", "", lane.name);
    let class = lane.class;
    line(picture, format_args!("<path class=\"grid\" d=\"M{BEGIN} {bottom}H{END}\"/>"));
    let tick = |moment: &u32| format!("M{:.1} {y}V{bottom}", place(*moment));
    let ticks: String = lane.moments.iter().map(tick).collect();
    line(picture, format_args!("<path class=\"{class}\" stroke-width=\"2\" d=\"{ticks}\"/>"));
    text(picture, COUNTS, base, "end", "font-weight=\"bold\"", &grouped(lane.moments.len() as u64));
    let total = lane.total.map_or_else(|| "not measured".to_owned(), grouped);
    text(picture, TOTALS, base, "end", "", &total);
}

/// How far to the right a moment is.
fn place(moment_us: u32) -> f64 {
    f64::from(BEGIN) + f64::from(END - BEGIN) * f64::from(moment_us) / f64::from(STRETCH_US)
}

fn text(picture: &mut String, x: u32, y: u32, anchor: &str, style: &str, text: &str) {
    line(picture, format_args!("<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\" {style}>{text}</text>"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_committed_can_be_read_and_has_a_tick_for_every_wake_up() {
        let kept = Kept::from_json(KEPT).unwrap();
        let picture = timeline();
        assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"));
        assert!(!picture.contains("not measured"), "{picture}");
        let drawn: Vec<usize> = picture
            .lines()
            .filter(|line| line.contains("stroke-width"))
            .map(|line| line.matches('V').count())
            .collect();
        let loads = ["200x20hz_4ms", "200x20hz_50ms"];
        let both = loads.iter().flat_map(|load| [&kept.neuron, &kept.linux].map(|it| it.get(load)));
        let expected: Vec<usize> = both.map(|moments| moments.unwrap().len()).collect();
        assert_eq!(drawn, expected);
        assert!(drawn.iter().all(|count| *count > 0));
    }

    #[test]
    fn what_is_committed_of_ours_is_as_often_as_in_ten_seconds() {
        let kept = Kept::from_json(KEPT).unwrap();
        let (figures, _) = committed();
        for load in ["200x20hz_4ms", "200x20hz_50ms"] {
            let (stretch, all) = (kept.neuron.get(load), figures.get(&format!("timers_{load}_irqs_h1")));
            let (stretch, all) = (stretch.unwrap().len() as u64 * 100, all.unwrap().med);
            assert!(stretch.abs_diff(all) <= 100, "{load}: {stretch} and {all}");
        }
    }

    #[test]
    fn a_moment_is_as_far_to_the_right_as_it_is_late() {
        let lane = |moments| Lane { name: "n", class: "c", moments, total: Some(1_234) };
        let picture = draw("t", &[("h", [lane(&[0, 50_000]), lane(&[99_999])])]);
        for expected in ["d=\"M74.0 68V90M324.0 68V90\"", "d=\"M574.0 100V122\"", ">2<", ">1<", ">1,234<"] {
            assert!(picture.contains(expected), "{expected}: {picture}");
        }
    }
}
