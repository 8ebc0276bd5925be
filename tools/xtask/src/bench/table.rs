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
