//! `recipes/power.toml`: every number of the power stack that a person may change.
//!
//! Keys, ranges, defaults and rules are those of `power-config`; here they meet the places in the file. The schema of
//! the file for editors and other tools, and the tables of the documentation, are made of them too.

mod page;
mod schema;

use power_config::{Entry, KEYS, Mistake, Rule, SECTIONS, Values};

pub use page::tables;
pub use schema::{SCHEMA_PATH, text as schema};

use super::document::{Placed, Report, number};

pub const PATH: &str = "recipes/power.toml";

/// A value that no key may have: what is no number at all is as wrong as that.
const NO_NUMBER: u32 = u32::MAX;

/// What the file says, with defaults for what it does not; nothing when it is no TOML. What is wrong with it is in the
/// report.
pub fn read(report: &mut Report<'_>) -> Option<Values> {
    let mut found: [Option<Placed<u32>>; KEYS.len()] = [const { None }; KEYS.len()];
    for mut section in report.sections()? {
        let name = section.name().to_owned();
        if !SECTIONS.iter().any(|(known, _)| *known == name) {
            let known = SECTIONS.map(|(known, _)| known).join(", ");
            section.complain(report, format_args!(": unknown table; allowed are {known}"));
            continue;
        }
        let entries = || KEYS.iter().filter(|entry| entry.section == name);
        for entry in entries() {
            let read = section.take_if_there(entry.name, report, |value| {
                let number = number(value, 0..NO_NUMBER.into()).and_then(|number| number.try_into().ok());
                number.unwrap_or(NO_NUMBER)
            });
            found[entry.key as usize] = read;
        }
        section.close(&entries().map(|entry| entry.name).collect::<Vec<_>>(), report);
    }
    let values = KEYS.iter().fold(Values::DEFAULT, |values, Entry { key, .. }| {
        found[*key as usize].as_ref().map_or(values, |placed| values.with(*key, placed.value))
    });
    blame(&values, &found, report);
    Some(values)
}

/// Says every mistake at the value that makes it.
fn blame(values: &Values, found: &[Option<Placed<u32>>; KEYS.len()], report: &mut Report<'_>) {
    for mistake in values.mistakes() {
        match mistake {
            Mistake::OutOfRange(key) => {
                let what = format!("allowed is {}", key.entry().allowed());
                complain([&found[key as usize]], &what, report);
            }
            // A number that is wrong by itself says nothing about another.
            Mistake::Breaks(Rule { key, other, .. })
                if [key, other].iter().any(|key| !key.entry().allows(values.get(*key))) => {}
            Mistake::Breaks(Rule { key, relation, other }) => {
                let what = format!(
                    "{key}, which is {}, must be {} {other}, which is {}",
                    values.get(key),
                    relation.text(),
                    values.get(other)
                );
                complain([&found[key as usize], &found[other as usize]], &what, report);
            }
        }
    }
}

/// At the first of the values that stands in the file: defaults alone make no mistake.
fn complain<const N: usize>(places: [&Option<Placed<u32>>; N], what: &str, report: &mut Report<'_>) {
    if let Some(placed) = places.into_iter().flatten().next() {
        placed.complain(report, what);
    }
}
