//! The tables that `make bench` prints.

use std::collections::{BTreeMap, BTreeSet};

use comfy_table::{CellAlignment, LineStyle, Table, presets};

use super::anchors::{Anchor, Anchors};
use super::figures::{Figure, Figures};

/// Ours, theirs, bounds; a row per anchor in the order of the file.
pub fn comparison(anchors: &Anchors, figures: &Figures) -> Table {
    let mut table = empty();
    table.set_header(["operation", "unit", "neuron", "Linux", "seL4", "xv6", "floor", "must", "want", ""]);
    for (id, anchor) in anchors.iter() {
        let ours = figures.get(id);
        let theirs = [anchor.linux, anchor.sel4, anchor.xv6, anchor.asm];
        let mut row = vec![anchor.name.clone(), anchor.unit.clone(), number(ours.map(|figure| figure.med))];
        row.extend(theirs.map(number));
        row.extend([anchor.must, anchor.want].map(|bound| format!("≤ {}", grouped(bound))));
        row.push(standing(anchor, ours).to_owned());
        table.add_row(row);
    }
    align_numbers(&mut table, 2..9);
    table
}

/// What Linux has been measured to take, what is quoted of it, and ours, as committed.
pub fn beside_linux(anchors: &Anchors, ours: &Figures, linux: &Figures) -> Table {
    let mut table = empty();
    table.set_header(["operation", "unit", "neuron", "Linux", "quoted"]);
    for (id, figure) in linux.iter() {
        let anchor = anchors.get(id);
        let name = anchor.map_or(id, |anchor| anchor.name.as_str());
        let mut row = vec![name.to_owned(), figure.unit.clone()];
        let quoted = anchor.and_then(|anchor| anchor.linux);
        row.extend([ours.get(id).map(|figure| figure.med), Some(figure.med), quoted].map(number));
        table.add_row(row);
    }
    align_numbers(&mut table, 2..5);
    table
}

/// Sleepers: what they cost and whether each woke in its window, a row per set and number of harts; `None` when there
/// is none.
pub fn timers(anchors: &Anchors, figures: &Figures) -> Option<Table> {
    let sets: Vec<(&str, &str)> = figures
        .iter()
        .filter_map(|(id, _)| id.strip_prefix("timers_")?.rsplit_once("_h"))
        .filter_map(|(row, harts)| Some((row.strip_suffix("_irqs")?, harts)))
        .collect();
    if sets.is_empty() {
        return None;
    }
    let mut table = empty();
    table.set_header([
        "sleepers, 10 s",
        "harts",
        "timer interrupts",
        "least",
        "Linux",
        "harts woken",
        "in window",
        "early",
        "instr a wake-up",
    ]);
    for (set, harts) in sets {
        let id = |what: &str| format!("timers_{set}_{what}_h{harts}");
        let value = |what: &str| figures.get(&id(what)).map(|figure| figure.med);
        let linux = anchors.linux(&id("irqs"));
        let mut row = vec![set.to_owned(), harts.to_owned()];
        row.extend([value("irqs"), value("least"), linux, value("sleeps")].map(number));
        row.push(in_window(value("woken"), value("late"), value("early")));
        row.extend([value("early"), value("cost")].map(number));
        table.add_row(row);
    }
    align_numbers(&mut table, 1..9);
    Some(table)
}

/// The same for a page of the documentation.
pub fn timers_page(anchors: &Anchors, figures: &Figures) -> String {
    let table = timers(anchors, figures).map(|mut table| {
        table.load_style(presets::ASCII_MARKDOWN);
        table.to_string() + "\n"
    });
    table.unwrap_or_default()
}

/// The part of the wake-ups that was neither early nor late, rounded down: 100 % is all of them.
fn in_window(woken: Option<u64>, late: Option<u64>, early: Option<u64>) -> String {
    let (Some(woken @ 1..), Some(late), Some(early)) = (woken, late, early) else { return number(None) };
    let permille = woken.saturating_sub(late + early) * 1_000 / woken;
    format!("{}.{} %", permille / 10, permille % 10)
}

/// Rows measured at several scales (`op@n`), one column per scale; `None` when there is none.
pub fn scaling(figures: &Figures) -> Option<Table> {
    let mut scales = BTreeSet::new();
    let mut operations: BTreeMap<&str, BTreeMap<u64, u64>> = BTreeMap::new();
    for (id, figure) in figures.iter() {
        let Some((operation, scale)) = id.split_once('@') else { continue };
        let Ok(scale) = scale.parse() else { continue };
        scales.insert(scale);
        operations.entry(operation).or_default().insert(scale, figure.med);
    }
    if operations.is_empty() {
        return None;
    }
    let mut table = empty();
    let columns = scales.iter().map(|scale| format!("{} tasks", grouped(*scale)));
    table.set_header(std::iter::once("cost in instructions".to_owned()).chain(columns));
    for (operation, costs) in operations {
        let cells = scales.iter().map(|scale| number(costs.get(scale).copied()));
        table.add_row(std::iter::once(operation.to_owned()).chain(cells));
    }
    align_numbers(&mut table, 1..scales.len() + 1);
    Some(table)
}

fn standing(anchor: &Anchor, ours: Option<&Figure>) -> &'static str {
    match ours {
        None => "not measured",
        Some(figure) if figure.med > anchor.must => "ABOVE",
        Some(figure) if figure.med > anchor.want => "ok",
        Some(_) => "goal met",
    }
}

fn empty() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING.header_separator(LineStyle::none().fill('─').junction('─')));
    table
}

fn align_numbers(table: &mut Table, columns: std::ops::Range<usize>) {
    for index in columns {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

fn number(value: Option<u64>) -> String {
    value.map_or("–".to_owned(), grouped)
}

/// `12160000` → `12,160,000`.
pub fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_by_three() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_000), "1,000");
        assert_eq!(grouped(930_000_000), "930,000,000");
    }

    #[test]
    fn a_row_says_where_it_stands() {
        let anchors = Anchors::parse("[a]\nname='call'\nunit='instr'\nlinux=441\nmust=80\nwant=40").unwrap();
        for (cost, verdict) in [(40, "goal met"), (41, "ok"), (81, "ABOVE")] {
            let mut figures = Figures::default();
            figures.insert("a", Figure::exact(cost, "instr"));
            let text = comparison(&anchors, &figures).to_string();
            assert!(text.contains(verdict) && text.contains("441"), "{text}");
        }
        assert!(comparison(&anchors, &Figures::default()).to_string().contains("not measured"));
    }

    #[test]
    fn one_sleeper_out_of_its_window_is_seen() {
        let anchors = Anchors::none();
        let mut figures = Figures::default();
        assert!(timers(&anchors, &figures).is_none());
        for (what, value) in [("irqs", 2_301), ("woken", 40_000), ("early", 0), ("late", 1)] {
            figures.insert(&format!("timers_few_{what}_h4"), Figure::exact(value, "count"));
        }
        let text = timers(&anchors, &figures).unwrap().to_string();
        assert!(text.contains("2,301") && text.contains("99.9 %"), "{text}");
        figures.insert("timers_few_late_h4", Figure::exact(0, "count"));
        assert!(timers(&anchors, &figures).unwrap().to_string().contains("100.0 %"));
    }

    #[test]
    fn scales_become_columns() {
        let mut figures = Figures::default();
        figures.insert("ipc_rt_32", Figure::exact(7, "instr"));
        assert!(scaling(&figures).is_none());
        figures.insert("ipc_rt_32@10", Figure::exact(241, "instr"));
        figures.insert("ipc_rt_32@1000", Figure::exact(243, "instr"));
        let text = scaling(&figures).unwrap().to_string();
        assert!(text.contains("1,000 tasks") && text.contains("243"), "{text}");
    }
}
