//! When machines woke for the same sleepers: the guests' lines `M <load> n=<count> at_us=<moment>,<moment>,…`.
//!
//! A moment is so many microseconds into a stretch of 100 ms at the end of the load. Nothing is judged by them; they are
//! kept in `bench/moments.json` so that a picture can be drawn of them.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// The committed moments.
pub const KEPT: &str = "bench/moments.json";
/// How long is looked at.
pub const STRETCH_US: u32 = 100_000;

/// The moments of one system, by load.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Moments(BTreeMap<String, Vec<u32>>);

impl Moments {
    /// Takes a line of our console; anything but moments is none of our business.
    pub fn line(&mut self, line: &str) -> Result<()> {
        let Some(rest) = line.strip_prefix("M ") else { return Ok(()) };
        let (load, rest) = rest.split_once(' ').with_context(|| format!("no load in `{line}`"))?;
        self.insert(load, rest).with_context(|| format!("not a line of moments: `{line}`"))
    }

    /// Takes the fields of such a line.
    pub fn insert(&mut self, load: &str, fields: &str) -> Result<()> {
        let field = |name: &str| {
            fields.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
        };
        let count: usize = field("n").context("no `n=`")?.parse()?;
        let at = field("at_us").context("no `at_us=`")?;
        let moments: Vec<u32> =
            at.split(',').filter(|it| !it.is_empty()).map(str::parse).collect::<Result<_, _>>()?;
        ensure!(moments.len() == count, "{} moments of {count}: the line is cut", moments.len());
        ensure!(moments.is_sorted_by(|a, b| a < b), "moments go backwards");
        ensure!(moments.last().is_none_or(|last| *last < STRETCH_US), "a moment is behind the stretch");
        self.0.insert(load.to_owned(), moments);
        Ok(())
    }

    /// The moments of a load.
    pub fn get(&self, load: &str) -> Option<&[u32]> {
        self.0.get(load).map(Vec::as_slice)
    }

    fn to_json(&self) -> String {
        let load = |(load, moments): (&String, &Vec<u32>)| {
            let moments: Vec<_> = moments.iter().map(u32::to_string).collect();
            format!("    \"{load}\": [{}]", moments.join(", "))
        };
        let loads: Vec<_> = self.0.iter().map(load).collect();
        format!("{{\n{}\n  }}", loads.join(",\n"))
    }
}

/// What is kept: ours and Linux's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    pub neuron: Moments,
    pub linux: Moments,
}

impl Kept {
    pub fn from_json(text: &str) -> Result<Self> {
        serde_json::from_str(text).context("not a file of moments")
    }

    /// A line a load: the numbers are many, and none means anything alone.
    pub fn to_json(&self) -> String {
        format!("{{\n  \"neuron\": {},\n  \"linux\": {}\n}}\n", self.neuron.to_json(), self.linux.to_json())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_moments_are_taken_and_other_lines_are_left() {
        let mut ours = Moments::default();
        for line in ["M some n=2 at_us=100,99900", "M none n=0 at_us=", "R x unit=count", "MM"] {
            ours.line(line).unwrap();
        }
        assert_eq!(ours.get("some"), Some([100, 99_900].as_slice()));
        assert_eq!(ours.get("none"), Some([].as_slice()));
        assert_eq!(ours.get("x"), None);
        let kept = Kept { neuron: ours, linux: Moments::default() };
        assert_eq!(Kept::from_json(&kept.to_json()).unwrap(), kept);
    }

    #[test]
    fn a_line_that_is_cut_or_impossible_is_refused() {
        for fields in ["n=2 at_us=1", "n=1", "at_us=1", "n=2 at_us=2,1", "n=1 at_us=100000", "n=1 at_us=x"] {
            assert!(Moments::default().insert("a", fields).is_err(), "{fields}");
        }
        assert!(Moments::default().line("M a").is_err());
    }
}
