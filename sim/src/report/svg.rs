//! Charts as SVG: stacked areas, stacked bars, lines and strips over time, with their axes and legends.

use std::fmt::Write;

use nexus_abi::Nanos;

/// Appends to a string, which cannot fail.
macro_rules! put {
    ($svg:expr, $($arguments:tt)*) => {{
        let _never = writeln!($svg, $($arguments)*);
    }};
}
pub(crate) use put;

/// Of the page and of each chart in it.
pub const WIDTH: f64 = 1_120.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 30.0;
const ROW: f64 = 26.0;
const INK: &str = "#52606d";
const GRID: &str = "#e4e7eb";

/// One kind of thing in a chart, with a value for each bucket.
#[derive(Clone, Debug)]
pub struct Series {
    /// In the legend.
    pub name: String,
    /// Its colour.
    pub colour: &'static str,
    /// Nothing where there is nothing to show.
    pub values: Vec<Option<f64>>,
}

/// A stretch that is marked behind a chart.
#[derive(Clone, Copy, Debug)]
pub struct Band {
    /// The first bucket, and the one after the last.
    pub from: usize,
    #[expect(missing_docs, reason = "as above")]
    pub to: usize,
    /// Its colour.
    pub colour: &'static str,
}

/// How values are drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Style {
    /// A line for each series.
    Lines,
    /// Areas on top of each other.
    Areas,
    /// Bars on top of each other.
    Bars,
}

/// What a chart shows.
#[derive(Clone, Debug)]
pub struct Chart {
    /// For those who cannot see it.
    pub title: String,
    /// How long a bucket is.
    pub width: Nanos,
    /// On the vertical axis.
    pub unit: &'static str,
    /// The top of it; as high as the highest value when there is none.
    pub top: Option<f64>,
    /// How it is drawn.
    pub style: Style,
    /// What.
    pub series: Vec<Series>,
    /// Behind it.
    pub bands: Vec<Band>,
}

impl Chart {
    /// The picture.
    pub fn draw(&self, height: f64) -> String {
        let count = self.series.iter().map(|series| series.values.len()).max().unwrap_or(0).max(1);
        let top = self.top.unwrap_or_else(|| nice(self.highest(count)));
        let frame = Frame { count, top, height };
        let mut svg = open(&self.title, height);
        for band in &self.bands {
            let (x, width) = (frame.x(band.from), frame.x(band.to) - frame.x(band.from));
            let (y, height) = (TOP, height - TOP - BOTTOM);
            put!(
                svg,
                "<rect x='{x:.1}' y='{y}' width='{width:.1}' height='{height}' fill='{}'/>",
                band.colour
            );
        }
        frame.vertical_axis(&mut svg, self.unit);
        time_axis(&mut svg, count, self.width, height);
        match self.style {
            Style::Lines => self.series.iter().for_each(|series| frame.line(&mut svg, series)),
            Style::Areas => {
                self.stacked(|svg, series, low, high| frame.area(svg, series, low, high), &mut svg, count)
            }
            Style::Bars => {
                self.stacked(|svg, series, low, high| frame.bars(svg, series, low, high), &mut svg, count)
            }
        }
        svg + "</svg>\n"
    }

    /// The picture with its legend above it, for where there is no page around it.
    pub fn with_legend(&self, height: f64) -> String {
        let mut svg = self.draw(height);
        let room = ROW;
        let tall = height + room;
        svg = svg.replacen(&format!("0 0 {WIDTH} {height}"), &format!("0 -{room} {WIDTH} {tall}"), 1);
        let mut legend = format!("<rect y='-{room}' width='{WIDTH}' height='{room}' fill='#ffffff'/>");
        let mut x = LEFT;
        for series in &self.series {
            let (y, name) = (4.0 - room, escaped(&series.name));
            put!(legend, "<rect x='{x}' y='{y}' width='11' height='11' fill='{}'/>", series.colour);
            put!(legend, "<text x='{}' y='{}' fill='#1f2933'>{name}</text>", x + 16.0, y + 10.0);
            x += 16.0 + 8.0 * series.name.chars().count() as f64 + 16.0;
        }
        svg.replace("</svg>", &(legend + "</svg>"))
    }

    fn highest(&self, count: usize) -> f64 {
        let value =
            |series: &Series, bucket: usize| series.values.get(bucket).copied().flatten().unwrap_or(0.0);
        let all = |bucket: usize| self.series.iter().map(move |series| value(series, bucket));
        let of = |bucket: usize| match self.style {
            Style::Lines => all(bucket).fold(0.0, f64::max),
            _ => all(bucket).sum(),
        };
        (0..count).map(of).fold(0.0, f64::max)
    }

    /// Draws each series on top of those before it, given its lower and upper edge in each bucket.
    fn stacked(&self, draw: impl Fn(&mut String, &Series, &[f64], &[f64]), svg: &mut String, count: usize) {
        let mut low = vec![0.0; count];
        for series in &self.series {
            let value = |bucket: usize| series.values.get(bucket).copied().flatten().unwrap_or(0.0);
            let high: Vec<f64> = low.iter().enumerate().map(|(bucket, low)| low + value(bucket)).collect();
            draw(svg, series, &low, &high);
            low = high;
        }
    }
}

/// Where things are in a chart.
#[derive(Clone, Copy)]
struct Frame {
    count: usize,
    top: f64,
    height: f64,
}

impl Frame {
    fn x(&self, bucket: usize) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * bucket as f64 / self.count as f64
    }

    fn y(&self, value: f64) -> f64 {
        let room = self.height - TOP - BOTTOM;
        TOP + room * (1.0 - value.clamp(0.0, self.top) / self.top)
    }

    fn vertical_axis(&self, svg: &mut String, unit: &str) {
        for step in 0..=4 {
            let value = self.top * f64::from(step) / 4.0;
            let y = self.y(value);
            let (right, label) = (WIDTH - RIGHT, short(value));
            put!(svg, "<path d='M{LEFT} {y:.1}H{right}' stroke='{GRID}'/>");
            let unit = if step == 4 { unit } else { "" };
            let (x, y) = (LEFT - 8.0, y + 4.0);
            put!(svg, "<text x='{x}' y='{y:.1}' text-anchor='end' fill='{INK}'>{label}{unit}</text>");
        }
    }

    /// A line through the middle of each bucket; it stops where there is nothing.
    fn line(&self, svg: &mut String, series: &Series) {
        let mut path = String::new();
        let mut pen = 'M';
        for (bucket, value) in series.values.iter().enumerate() {
            let Some(value) = value else {
                pen = 'M';
                continue;
            };
            let (x, y) = ((self.x(bucket) + self.x(bucket + 1)) / 2.0, self.y(*value));
            let _never = write!(path, "{pen}{x:.1} {y:.1}");
            pen = 'L';
        }
        put!(svg, "<path d='{path}' fill='none' stroke='{}' stroke-width='2'/>", series.colour);
    }

    fn area(&self, svg: &mut String, series: &Series, low: &[f64], high: &[f64]) {
        let mut path = String::new();
        let mut pen = 'M';
        for (bucket, value) in high.iter().enumerate() {
            let y = self.y(*value);
            let _never = write!(path, "{pen}{:.1} {y:.1}H{:.1}", self.x(bucket), self.x(bucket + 1));
            pen = 'L';
        }
        for (bucket, value) in low.iter().enumerate().rev() {
            let y = self.y(*value);
            let _never = write!(path, "L{:.1} {y:.1}H{:.1}", self.x(bucket + 1), self.x(bucket));
        }
        put!(svg, "<path d='{path}Z' fill='{}'/>", series.colour);
    }

    fn bars(&self, svg: &mut String, series: &Series, low: &[f64], high: &[f64]) {
        let mut path = String::new();
        let gap = if self.count > 200 { 0.0 } else { 1.0 };
        for (bucket, (low, high)) in low.iter().zip(high).enumerate() {
            if high > low {
                let (x, width) = (self.x(bucket), self.x(bucket + 1) - self.x(bucket) - gap);
                let (top, bottom) = (self.y(*high), self.y(*low));
                let _never = write!(path, "M{x:.1} {bottom:.1}V{top:.1}h{width:.1}V{bottom:.1}Z");
            }
        }
        put!(svg, "<path d='{path}' fill='{}'/>", series.colour);
    }
}

/// A row for each series, darker where its value, from 0 to 1, is larger.
pub fn strips(title: &str, width: Nanos, rows: &[Series]) -> String {
    let count = rows.iter().map(|row| row.values.len()).max().unwrap_or(0).max(1);
    let height = TOP + ROW * rows.len() as f64 + BOTTOM;
    let left = 2.0 * LEFT;
    let x = |bucket: usize| left + (WIDTH - left - RIGHT) * bucket as f64 / count as f64;
    let mut svg = open(title, height);
    for (place, row) in rows.iter().enumerate() {
        let y = TOP + ROW * place as f64;
        let (label, base, wide) = (escaped(&row.name), y + 16.0, WIDTH - left - RIGHT);
        put!(svg, "<text x='{}' y='{base}' text-anchor='end' fill='#1f2933'>{label}</text>", left - 8.0);
        put!(svg, "<rect x='{left}' y='{y}' width='{wide}' height='22' fill='#f0f4f8'/>");
        for (from, to, shade) in runs(&row.values) {
            let (left, wide, colour) = (x(from), x(to) - x(from), row.colour);
            put!(
                svg,
                "<rect x='{left:.1}' y='{y}' width='{wide:.1}' height='22' fill='{colour}' opacity='{shade:.1}'/>"
            );
        }
    }
    time_marks(&mut svg, count, width, height, x);
    svg + "</svg>\n"
}

/// Buckets in a row with the same shade, which tells a value from 0 to 1 in tenths; small ones are to be seen too.
fn runs(values: &[Option<f64>]) -> Vec<(usize, usize, f64)> {
    let mut runs: Vec<(usize, usize, f64)> = Vec::new();
    for (bucket, value) in values.iter().enumerate() {
        let Some(value) = value.filter(|value| *value > 0.0) else { continue };
        let shade = (value.sqrt().clamp(0.2, 1.0) * 10.0).round() / 10.0;
        match runs.last_mut().filter(|run| run.1 == bucket && run.2 == shade) {
            Some(run) => run.1 = bucket + 1,
            None => runs.push((bucket, bucket + 1, shade)),
        }
    }
    runs
}

/// Horizontal bars with their numbers.
pub fn bars(title: &str, rows: &[(String, f64, String)], colour: &str) -> String {
    let height = TOP + ROW * rows.len() as f64 + TOP;
    let most = rows.iter().map(|(_, value, _)| *value).fold(0.0, f64::max).max(f64::MIN_POSITIVE);
    let (left, room) = (2.6 * LEFT, WIDTH - 2.6 * LEFT - 3.4 * LEFT);
    let mut svg = open(title, height);
    for (place, (name, value, label)) in rows.iter().enumerate() {
        let y = TOP + ROW * place as f64;
        let (base, wide) = (y + 15.0, (room * value / most).max(if *value > 0.0 { 1.0 } else { 0.0 }));
        let name = escaped(name);
        put!(svg, "<text x='{}' y='{base}' text-anchor='end' fill='#1f2933'>{name}</text>", left - 8.0);
        put!(svg, "<rect x='{left}' y='{y}' width='{wide:.1}' height='20' rx='2' fill='{colour}'/>");
        put!(svg, "<text x='{:.1}' y='{base}' fill='{INK}'>{}</text>", left + wide + 8.0, escaped(label));
    }
    svg + "</svg>\n"
}

/// Points of a plane; the ones on the frontier are joined.
pub fn scatter(title: &str, axes: [&str; 2], points: &[(f64, f64, bool, String)]) -> String {
    let height = 460.0;
    let most = |of: fn(&(f64, f64, bool, String)) -> f64| points.iter().map(of).fold(0.0, f64::max);
    let frame = Frame { count: 1_000, top: nice(most(|point| point.1)), height };
    let least = points.iter().map(|point| point.0).fold(f64::MAX, f64::min).min(most(|point| point.0));
    // Differences are what is looked for: the axis begins a little before the first point.
    let margin = ((most(|point| point.0) - least) * 0.05).max(1.0);
    let (from, to) = (least - margin, most(|point| point.0) + margin);
    let x = |value: f64| LEFT + (WIDTH - LEFT - RIGHT) * (value - from) / (to - from);
    let mut svg = open(title, height);
    frame.vertical_axis(&mut svg, "");
    for step in 1..5 {
        let value = from + (to - from) * f64::from(step) / 5.0;
        let y = height - 10.0;
        put!(
            svg,
            "<text x='{:.1}' y='{y}' text-anchor='middle' fill='{INK}'>{}</text>",
            x(value),
            short(value)
        );
    }
    let mut path = String::new();
    for (place, point) in points.iter().filter(|point| point.2).enumerate() {
        let pen = if place == 0 { 'M' } else { 'L' };
        let _never = write!(path, "{pen}{:.1} {:.1}", x(point.0), frame.y(point.1));
    }
    put!(svg, "<path d='{path}' fill='none' stroke='#d64545' stroke-width='1.5'/>");
    let mut labelled: Vec<(f64, f64)> = Vec::new();
    for (across, up, on_frontier, label) in points {
        let (x, y) = (x(*across), frame.y(*up));
        let colour = if *on_frontier { "#d64545" } else { "#9fb3c8" };
        put!(
            svg,
            "<circle cx='{x:.1}' cy='{y:.1}' r='4' fill='{colour}'><title>{}</title></circle>",
            escaped(label)
        );
        let has_room = labelled.iter().all(|other| (other.1 - y).abs() > 14.0 || (other.0 - x).abs() > 300.0);
        if *on_frontier && has_room {
            labelled.push((x, y));
            let (x, anchor) = if x > WIDTH * 0.7 { (x - 8.0, "end") } else { (x + 8.0, "start") };
            let (y, label) = (y - 6.0, escaped(label));
            put!(svg, "<text x='{x:.1}' y='{y:.1}' text-anchor='{anchor}' fill='#1f2933'>{label}</text>");
        }
    }
    let [across, up] = axes;
    put!(
        svg,
        "<text x='{}' y='{}' text-anchor='end' fill='{INK}'>{across} →</text>",
        WIDTH - RIGHT,
        height - 10.0
    );
    put!(svg, "<text x='{}' y='{}' fill='{INK}'>↑ {up}</text>", LEFT + 8.0, TOP + 14.0);
    svg + "</svg>\n"
}

/// What may stand in SVG and HTML.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('\'', "&#39;")
        .replace('"', "&quot;")
}

fn open(title: &str, height: f64) -> String {
    let title = escaped(title);
    format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height}' role='img' \
         font-family='system-ui, sans-serif' font-size='12'><title>{title}</title>\n\
         <rect width='{WIDTH}' height='{height}' fill='#ffffff'/>\n"
    )
}

fn time_axis(svg: &mut String, count: usize, width: Nanos, height: f64) {
    let frame = Frame { count, top: 1.0, height };
    time_marks(svg, count, width, height, |bucket| frame.x(bucket));
}

/// Hours for a day or two, else days.
fn time_marks(svg: &mut String, count: usize, width: Nanos, height: f64, x: impl Fn(usize) -> f64) {
    const HOUR: u64 = 3_600_000_000_000;
    let length = width.0 * count as u64;
    let hours = length / HOUR;
    let every = match hours {
        0..=36 => 3,
        37..=72 => 6,
        73..=360 => 24,
        _ => 24 * (hours / 24 / 15 + 1),
    };
    for mark in 0..=hours / every {
        let at = mark * every;
        let place = (at * HOUR) as f64 / length as f64;
        let x = x(0) + (x(count) - x(0)) * place;
        let label = if every < 24 { format!("{:02}:00", at % 24) } else { format!("day {}", at / 24 + 1) };
        let bottom = height - BOTTOM;
        put!(svg, "<path d='M{x:.1} {bottom}v5' stroke='{INK}'/>");
        let y = height - 10.0;
        // The last one would reach beyond the picture.
        let anchor = if at * HOUR < length { "middle" } else { "end" };
        put!(svg, "<text x='{x:.1}' y='{y}' text-anchor='{anchor}' fill='{INK}'>{label}</text>");
    }
}

/// The next number above `value` that is 1, 2, 4 or 8 at the front.
pub fn nice(value: f64) -> f64 {
    let value = value.max(1e-9);
    let magnitude = 10_f64.powf(value.log10().floor());
    [1.0, 2.0, 4.0, 8.0, 10.0]
        .into_iter()
        .map(|step| step * magnitude)
        .find(|top| *top >= value)
        .unwrap_or(value)
}

/// A number with as many digits as a reader needs.
pub fn short(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        large if large >= 1_000_000.0 => format!("{:.1} M", value / 1_000_000.0),
        large if large >= 10_000.0 => format!("{:.0} k", value / 1_000.0),
        large if large >= 10.0 => format!("{value:.0}"),
        large if large >= 0.1 => format!("{value:.2}").trim_end_matches('0').trim_end_matches('.').to_owned(),
        _ => format!("{value:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_shows_what_it_is_given_and_its_top() {
        let series =
            Series { name: "a<b".to_owned(), colour: "#123456", values: vec![Some(1.0), None, Some(3.5)] };
        let chart = Chart {
            title: "It's".to_owned(),
            width: Nanos(3_600_000_000_000),
            unit: " %",
            top: None,
            style: Style::Lines,
            series: vec![series],
            bands: Vec::new(),
        };
        let svg = chart.draw(200.0);
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
        assert!(svg.contains("It&#39;s") && svg.contains("#123456") && svg.contains(">4 %<"), "{svg}");
        let path = svg.lines().find(|line| line.contains("#123456")).unwrap();
        assert_eq!(path.matches('M').count(), 2, "the line stops where there is nothing: {path}");
    }

    #[test]
    fn numbers_are_short() {
        let shown = [0.0, 0.5, 12.34, 999.0, 12_345.0, 3_400_000.0].map(short);
        assert_eq!(shown, ["0", "0.5", "12", "999", "12 k", "3.4 M"]);
        assert_eq!([0.9, 3.0, 41.0, 100.0].map(nice), [1.0, 4.0, 80.0, 100.0]);
    }
}
