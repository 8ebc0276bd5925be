//! What is wrong with a scenario, and where.

use std::collections::BTreeSet;
use std::fmt;

use crate::scenario::{Name, Scenario};

/// Most apps of a scenario: as many as standby knows.
const APPS_MAX: usize = standby::APPS_MAX;
/// Most beats of one app: as many timers as timed gives one task.
const BEATS_MAX: usize = 64;

/// A mistake: which file, which line, which key, and what is allowed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub struct Mistake {
    file: String,
    line: usize,
    what: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

impl Mistake {
    fn at(file: &str, text: &str, byte: usize, what: &str) -> Self {
        let before = text.get(..byte).unwrap_or(text);
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let written = text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        // A value that does not fit does not say which key it is of; the line does.
        let key = written
            .split_once('=')
            .map(|(key, _)| key.trim())
            .filter(|key| !what.contains(&format!("`{key}`")));
        let what = key.map_or(what.to_owned(), |key| format!("{key}: {what}"));
        Self { file: file.to_owned(), line: 1 + before.matches('\n').count(), what }
    }

    pub(super) fn of_toml(file: &str, text: &str, error: &toml::de::Error) -> Self {
        Self::at(file, text, error.span().map_or(0, |span| span.start), error.message())
    }
}

/// What no single value shows.
pub(super) fn check(scenario: &Scenario, file: &str, text: &str) -> Result<(), Mistake> {
    let wrong = |byte: usize, what: &str| Err(Mistake::at(file, text, byte, what));
    let whole = |key: &str| text.find(key).unwrap_or(0);
    if scenario.app.is_empty() || scenario.app.len() > APPS_MAX {
        return wrong(whole("[[app]]"), &format!("{} apps: allowed is 1 to {APPS_MAX}", scenario.app.len()));
    }
    let mut names = BTreeSet::new();
    for app in &scenario.app {
        if !names.insert(app.name.get_ref()) {
            return wrong(app.name.span().start, "an app of this name is there already: names differ");
        }
        if app.beat.len() > BEATS_MAX {
            let what = format!("{} beats: a task may have {BEATS_MAX} timers", app.beat.len());
            return wrong(app.name.span().start, &what);
        }
    }
    let known = || names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
    let named: [&mut dyn Iterator<Item = &toml::Spanned<Name>>; 2] =
        [&mut scenario.user.glances_at.iter(), &mut scenario.user.visit.iter().map(|visit| &visit.app)];
    for name in named.into_iter().flatten() {
        if !names.contains(name.get_ref()) {
            let what = format!("there is no app `{}`: allowed are {}", name.get_ref().as_str(), known());
            return wrong(name.span().start, &what);
        }
    }
    if let Err(mistake) = scenario.policy.check() {
        return wrong(whole("set"), &mistake);
    }
    if scenario.user.glances_per_hour.0 > 0.0 && scenario.user.glances_at.is_empty() {
        return wrong(whole("glances_per_hour"), "glances_at must name what is looked at");
    }
    Ok(())
}
