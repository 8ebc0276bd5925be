//! What a guest measured: rows of `R <op> unit=<u> n=<n> min=<n> med=<n> max=<n>`.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

/// Rows by operation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures(BTreeMap<String, Figure>);

/// One row. The field order is that of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figure {
    pub min: u64,
    pub med: u64,
    pub max: u64,
    pub unit: String,
}

impl Figure {
    /// A figure that has no spread.
    pub fn exact(value: u64, unit: &str) -> Self {
        Self { min: value, med: value, max: value, unit: unit.to_owned() }
    }
}

impl Figures {
    /// Takes a line of the console; anything but a row is none of our business.
    pub fn line(&mut self, line: &str) -> Result<()> {
        let Some(row) = line.strip_prefix("R ") else { return Ok(()) };
        let (id, figure) = parse(row).with_context(|| format!("not a row of figures: `{line}`"))?;
        ensure!(self.0.insert(id.to_owned(), figure).is_none(), "the row `{id}` came twice");
        Ok(())
    }

    pub fn insert(&mut self, id: &str, figure: Figure) {
        self.0.insert(id.to_owned(), figure);
    }

    pub fn get(&self, id: &str) -> Option<&Figure> {
        self.0.get(id)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Figure)> {
        self.0.iter().map(|(id, figure)| (id.as_str(), figure))
    }

    /// Takes over the rows of `other` that `belongs` wants.
    pub fn merge(&mut self, other: Figures, belongs: impl Fn(&str) -> bool) {
        self.0.extend(other.0.into_iter().filter(|(id, _)| belongs(id)));
    }

    /// The first row in which two runs differ.
    pub fn difference(&self, other: &Figures) -> Option<String> {
        let ids = self.0.keys().chain(other.0.keys());
        ids.into_iter()
            .find(|id| self.0.get(*id) != other.0.get(*id))
            .map(|id| format!("`{id}` is {} and then {}", show(self.0.get(id)), show(other.0.get(id))))
    }

    pub fn to_json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(&self.0)? + "\n")
    }

    pub fn from_json(text: &str) -> Result<Self> {
        Ok(Self(serde_json::from_str(text).context("the baseline is not a file of figures")?))
    }
}

fn parse(row: &str) -> Result<(&str, Figure)> {
    let mut words = row.split_whitespace();
    let id = words.next().context("no operation")?;
    let fields: BTreeMap<&str, &str> = words.filter_map(|word| word.split_once('=')).collect();
    let number = |name: &str| -> Result<u64> {
        let text = fields.get(name).with_context(|| format!("no `{name}=`"))?;
        text.parse().with_context(|| format!("`{name}={text}` is no number"))
    };
    let unit = (*fields.get("unit").context("no `unit=`")?).to_owned();
    let figure = Figure { min: number("min")?, med: number("med")?, max: number("max")?, unit };
    ensure!(number("n")? > 0, "measured no sample");
    ensure!(figure.min <= figure.med && figure.med <= figure.max, "min, med and max are not in order");
    Ok((id, figure))
}

fn show(figure: Option<&Figure>) -> String {
    figure.map_or("absent".to_owned(), |it| format!("min={} med={} max={}", it.min, it.med, it.max))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(lines: &[&str]) -> Figures {
        let mut figures = Figures::default();
        lines.iter().for_each(|line| figures.line(line).unwrap());
        figures
    }

    #[test]
    fn rows_are_taken_and_other_lines_are_left() {
        let all = figures(&[
            "neuron: boot harts=1 memory=256MiB",
            "R null_call unit=instr n=9 min=30 med=31 max=44",
        ]);
        let expected = Figure { min: 30, med: 31, max: 44, unit: "instr".to_owned() };
        assert_eq!(all.iter().collect::<Vec<_>>(), [("null_call", &expected)]);
        assert_eq!(Figures::from_json(&all.to_json().unwrap()).unwrap(), all);
    }

    #[test]
    fn a_row_that_is_cut_or_impossible_or_repeated_is_refused() {
        for line in [
            "R null_call unit=instr n=9 min=30 med=3",
            "R null_call unit=instr n=0 min=1 med=1 max=1",
            "R null_call unit=instr n=9 min=30 med=x max=44",
        ] {
            assert!(Figures::default().line(line).is_err(), "{line}");
        }
        let mut twice = figures(&["R a unit=count n=1 min=1 med=1 max=1"]);
        assert!(twice.line("R a unit=count n=1 min=1 med=1 max=1").is_err());
    }

    #[test]
    fn one_instruction_of_difference_between_runs_is_told() {
        let first = figures(&["R a unit=instr n=2 min=1 med=2 max=3"]);
        let second = figures(&["R a unit=instr n=2 min=1 med=2 max=4"]);
        assert_eq!(first.difference(&first), None);
        assert_eq!(first.difference(&second).unwrap(), "`a` is min=1 med=2 max=3 and then min=1 med=2 max=4");
        assert!(first.difference(&Figures::default()).is_some());
    }
}
