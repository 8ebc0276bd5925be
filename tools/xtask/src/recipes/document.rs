//! Reading a TOML file that a person wrote: every value with its place, every mistake as a sentence.
//!
//! A [`Section`] hands out values by [`Key`]; what is asked for is what is known, so what is left over is a mistake.
//! Nothing stops at the first mistake: a [`Report`] collects them all.

use std::fmt;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A key that a section may have: the message about a wrong value and the documentation are both made of this.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    pub name: &'static str,
    pub meaning: &'static str,
    /// What values it takes.
    pub allowed: fn() -> String,
    /// What holds without it; nothing when it must be there.
    pub default: Option<fn() -> String>,
}

/// A mistake, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    pub path: String,
    pub line: usize,
    pub what: String,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// A file's text, and what is wrong with it so far.
#[derive(Debug)]
pub struct Report<'t> {
    path: &'t str,
    text: &'t str,
    complaints: Vec<Complaint>,
}

impl<'t> Report<'t> {
    pub fn new(path: &'t str, text: &'t str) -> Self {
        Self { path, text, complaints: Vec::new() }
    }

    /// The whole file as a section without a name; nothing when it is no TOML.
    pub fn root(&mut self) -> Option<Section<'t>> {
        match DeTable::parse(self.text) {
            Ok(table) => Some(Section { title: String::new(), at: 0, table: table.into_inner() }),
            Err(error) => {
                let at = error.span().map_or(0, |span| span.start);
                self.complain(at, error.message().to_owned());
                None
            }
        }
    }

    /// The file's tables, `[name]` each, in their order; nothing when it is no TOML.
    pub fn sections(&mut self) -> Option<Vec<Section<'t>>> {
        let mut sections = Vec::new();
        for (name, value) in self.root()?.table {
            let at = name.span().start;
            match value.into_inner() {
                DeValue::Table(table) => {
                    sections.push(Section { title: format!("[{}]", name.get_ref()), at, table });
                }
                _ => self.complain(at, format!("{0}: allowed is a table, [{0}]", name.get_ref())),
            }
        }
        Some(sections)
    }

    /// Notes that something is wrong at byte `at`.
    pub fn complain(&mut self, at: usize, what: String) {
        let line = 1 + self.text.bytes().take(at).filter(|byte| *byte == b'\n').count();
        self.complaints.push(Complaint { path: self.path.to_owned(), line, what });
    }

    pub fn finish(self) -> Vec<Complaint> {
        self.complaints
    }

    /// A value as it is written, on one line.
    fn written(&self, span: Range<usize>) -> String {
        self.text.get(span).unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// A table of a file. Values are taken out of it; [`Section::close`] complains about what is left.
#[derive(Debug)]
pub struct Section<'t> {
    title: String,
    at: usize,
    table: DeTable<'t>,
}

impl<'t> Section<'t> {
    /// The name between the brackets.
    pub fn name(&self) -> &str {
        self.title.trim_matches(['[', ']'])
    }

    /// What is wrong with the section as a whole.
    pub fn complain(&self, report: &mut Report<'_>, what: impl fmt::Display) {
        report.complain(self.at, format!("{}{what}", self.title));
    }

    /// The value of `key`, if it is there and `read` understands it.
    pub fn take<T>(
        &mut self,
        key: &Key,
        report: &mut Report<'_>,
        read: impl FnOnce(&DeValue<'t>) -> Option<T>,
    ) -> Option<Placed<T>> {
        let Some(Placed { value, at, said }) = self.take_if_there(key.name, report, read) else {
            if key.default.is_none() {
                self.complain(report, format_args!(" has no {}: allowed is {}", key.name, (key.allowed)()));
            }
            return None;
        };
        if value.is_none() {
            report.complain(at, format!("{said}: allowed is {}", (key.allowed)()));
        }
        Some(Placed { value: value?, at, said })
    }

    /// What `read` makes of the value of the key called `name`, if it is there.
    pub fn take_if_there<T>(
        &mut self,
        name: &str,
        report: &Report<'_>,
        read: impl FnOnce(&DeValue<'t>) -> T,
    ) -> Option<Placed<T>> {
        let (key, value) = self.table.remove_entry(name)?;
        let said = format!("{} {name} = {}", self.title, report.written(value.span()));
        Some(Placed { value: read(value.get_ref()), at: key.span().start, said })
    }

    /// The tables of `[[name]]`, in their order.
    pub fn take_list(&mut self, name: &str, report: &mut Report<'_>) -> Vec<Section<'t>> {
        let title = format!("[[{name}]]");
        let Some((key, value)) = self.table.remove_entry(name) else { return Vec::new() };
        let items = match value.into_inner() {
            DeValue::Array(items) => items.into_iter().collect(),
            _ => Vec::new(),
        };
        let sections: Vec<_> = items.into_iter().filter_map(|item| section(&title, item)).collect();
        if sections.is_empty() {
            report.complain(key.span().start, format!("{name}: allowed are tables, {title}"));
        }
        sections
    }

    /// Complains about every key that nobody asked for.
    pub fn close(self, allowed: &[&str], report: &mut Report<'_>) {
        for name in self.table.keys() {
            let known = allowed.join(", ");
            let said = format!("{} {}: unknown key; allowed are {known}", self.title, name.get_ref());
            report.complain(name.span().start, said.trim_start().to_owned());
        }
    }
}

fn section<'t>(title: &str, item: Spanned<DeValue<'t>>) -> Option<Section<'t>> {
    let at = item.span().start;
    match item.into_inner() {
        DeValue::Table(table) => Some(Section { title: title.to_owned(), at, table }),
        _ => None,
    }
}

/// A value that was understood, and where it stands.
#[derive(Debug, Clone)]
pub struct Placed<T> {
    pub value: T,
    at: usize,
    said: String,
}

impl<T> Placed<T> {
    /// What is wrong with it after all.
    pub fn complain(&self, report: &mut Report<'_>, what: impl fmt::Display) {
        report.complain(self.at, format!("{}: {what}", self.said));
    }
}

/// The value, or what holds without one.
pub fn value_or<T>(placed: Option<Placed<T>>, default: T) -> T {
    placed.map_or(default, |placed| placed.value)
}

/// A whole number within `range`.
pub fn number(value: &DeValue<'_>, range: Range<u64>) -> Option<u64> {
    let digits = value.as_integer()?;
    let number = u64::from_str_radix(digits.as_str(), digits.radix()).ok()?;
    range.contains(&number).then_some(number)
}

/// One of several names.
pub fn pick<T: Copy>(value: &DeValue<'_>, names: &[(&str, T)]) -> Option<T> {
    let text = value.as_str()?;
    names.iter().find(|(name, _)| *name == text).map(|(_, meaning)| *meaning)
}

/// A list of different names.
pub fn pick_all<T: Copy + PartialEq>(value: &DeValue<'_>, names: &[(&str, T)]) -> Option<Vec<T>> {
    let mut picked = Vec::new();
    for item in value.as_array()?.iter() {
        let one = pick(item.get_ref(), names)?;
        if picked.contains(&one) {
            return None;
        }
        picked.push(one);
    }
    Some(picked)
}

/// `a, b or c`, each in quotation marks.
pub fn one_of<T>(names: &[(&str, T)]) -> String {
    let quoted: Vec<_> = names.iter().map(|(name, _)| format!("\"{name}\"")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}
