//! Tables: columns as wide as their widest cell, numbers to the right.

use alloc::string::String;
use alloc::vec::Vec;

/// Between two columns.
const GAP: &str = "  ";

/// To which side a column's cells are pushed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Align {
    Left,
    Right,
}

/// A table with `N` columns.
#[derive(Debug)]
pub(crate) struct Table<const N: usize> {
    columns: [(&'static str, Align); N],
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    pub(crate) const fn new(columns: [(&'static str, Align); N]) -> Self {
        Self { columns, rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: [String; N]) {
        self.rows.push(cells);
    }

    /// Adds the table to `out`, head first.
    pub(crate) fn write(&self, out: &mut String) {
        let titles = self.columns.map(|(title, _)| title);
        let widths: [usize; N] = core::array::from_fn(|n| {
            let cells = self.rows.iter().map(|row| width(&row[n]));
            cells.max().unwrap_or(0).max(width(titles[n]))
        });
        self.line(titles, &widths, out);
        for row in &self.rows {
            self.line(row.each_ref().map(String::as_str), &widths, out);
        }
    }

    fn line(&self, cells: [&str; N], widths: &[usize; N], out: &mut String) {
        let begin = out.len();
        for (n, cell) in cells.into_iter().enumerate() {
            let padding = widths[n].saturating_sub(width(cell));
            let (before, after) = match self.columns[n].1 {
                Align::Left => (0, padding),
                Align::Right => (padding, 0),
            };
            out.push_str(if n == 0 { "" } else { GAP });
            out.extend(core::iter::repeat_n(' ', before));
            out.push_str(cell);
            out.extend(core::iter::repeat_n(' ', after));
        }
        let end = begin + out.get(begin..).unwrap_or("").trim_end().len();
        out.truncate(end);
        out.push('\n');
    }
}

/// Columns a text takes: every character we print is one wide.
fn width(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_and_lines_end_without_spaces() {
        let mut table = Table::new([("ID", Align::Right), ("NAME", Align::Left), ("CPU", Align::Right)]);
        table.row(["1".into(), "init".into(), "1.00 µs".into()]);
        table.row(["12".into(), "a".into(), String::new()]);
        let mut out = String::new();
        table.write(&mut out);
        assert_eq!(out, "ID  NAME      CPU\n 1  init  1.00 µs\n12  a\n");
    }
}
