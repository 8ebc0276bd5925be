//! All apps, and what each signal leads to.
//!
//! ```text
//!                in background,                   `bg_inactive` without an activity,
//!  foreground    nothing exempts it               or `nx` asks
//!  or exempt ─────────────────────► inactive ───────────────────────────────────► standby
//!    ▲  ▲                            │   ▲                                        │  │
//!    │  │ foreground, or exempt      │   │ a tap, or `nx` asks: counts anew       │  │
//!    │  └────────────────────────────┘   └────────────────────────────────────────┘  │
//!    │ foreground, or exempt                                                         │
//!    └───────────────────────────────────────────────────────────────────────────────┘
//! ```

use alloc::vec::Vec;

use nexus_abi::Nanos;

use crate::app::{Record, State, Surroundings};
use crate::config::Config;
use crate::signal::{Act, Activity, App, Cause, Effect, Refusal, Signal};

/// Most apps that are known at once.
pub const APPS_MAX: usize = 128;

/// Standby of all apps.
///
/// ```
/// use nexus_abi::Nanos;
/// use standby::*;
///
/// let minute = |minutes: u64| Nanos::from_millis(minutes * 60_000);
/// let chat = App::try_from("org.chat").map_err(|_| "long")?;
/// let mut standby = Standby::new(Config::DEFAULT);
///
/// let effects = standby.signal(&chat, Signal::Background, minute(1)).map_err(|_| "refused")?;
/// assert_eq!(effects, []);
/// assert_eq!(standby.next_change(minute(1)), Some(minute(6)));
///
/// let acts: Vec<Act> = standby.tick(minute(6)).into_iter().map(|effect| effect.act).collect();
/// let hold = Act::HoldTimers(Config::DEFAULT.hold());
/// assert_eq!(acts, [Act::Deny(Resource::Sensors), Act::Deny(Resource::Network), hold, Act::Entered]);
///
/// let effects = standby.signal(&chat, Signal::Foreground, minute(9)).map_err(|_| "refused")?;
/// assert!(effects.iter().all(|effect| effect.cause == Cause::Foreground));
/// assert_eq!(standby.state(&chat, minute(9)), State::Foreground);
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Standby {
    around: Surroundings,
    /// At most [`APPS_MAX`], in the order in which they became known.
    records: Vec<Record>,
}

impl Standby {
    /// No apps, and not charging.
    pub const fn new(config: Config) -> Self {
        Self { around: Surroundings { charging: false, config }, records: Vec::new() }
    }

    /// Something happened to `app`. O(apps).
    pub fn signal(&mut self, app: &App, signal: Signal, now: Nanos) -> Result<Vec<Effect>, Refusal> {
        let around = self.around;
        let Some(index) = self.admit(app, signal, now)? else { return Ok(Vec::new()) };
        let record = &mut self.records[index];
        let mut effects = Vec::new();
        record.note(signal, around, now);
        match signal {
            Signal::Tapped => record.leave(Cause::Tapped, now, &mut effects),
            Signal::ExitAsked => record.leave(Cause::Asked, now, &mut effects),
            _ => record.settle(around, now, &mut effects),
        }
        if !record.matters() {
            self.records.remove(index);
        }
        Ok(effects)
    }

    /// A person asks for standby, with `nx`, without waiting for inactivity. What must not be in standby is refused.
    /// O(apps).
    pub fn enter(&mut self, app: &App, now: Nanos) -> Result<Vec<Effect>, Refusal> {
        let known = self.records.iter_mut().find(|record| record.app == *app);
        let record = known.ok_or(Refusal::NotInBackground)?;
        match record.way_out(self.around, now) {
            None => {}
            Some(Cause::Exempt(exemption)) => return Err(Refusal::Exempt(exemption)),
            Some(_) => return Err(Refusal::NotInBackground),
        }
        let mut effects = Vec::new();
        record.enter(Cause::Asked, self.around.config, now, &mut effects);
        Ok(effects)
    }

    /// The device is charging from now on, or no longer. O(apps).
    pub fn charging(&mut self, charging: Activity, now: Nanos) -> Vec<Effect> {
        self.surround(Surroundings { charging: charging == Activity::Begins, ..self.around }, now)
    }

    /// Standby has other numbers from now on, for apps that are in standby too. O(apps).
    pub fn configure(&mut self, config: Config, now: Nanos) -> Vec<Effect> {
        let mut effects = Vec::new();
        if config.hold() != self.around.config.hold() {
            let act = Act::HoldTimers(config.hold());
            let held = self.in_standby();
            effects.extend(held.map(|app| Effect { app: app.clone(), act, cause: Cause::Configured }));
        }
        effects.extend(self.surround(Surroundings { config, ..self.around }, now));
        effects
    }

    /// Time has passed. O(apps).
    pub fn tick(&mut self, now: Nanos) -> Vec<Effect> {
        let mut effects = Vec::new();
        for record in &mut self.records {
            record.settle(self.around, now, &mut effects);
        }
        effects
    }

    /// When to tick next. A late tick only leaves an app where it is for as long. O(apps).
    pub fn next_change(&self, now: Nanos) -> Option<Nanos> {
        self.records.iter().filter_map(|record| record.next_change(self.around, now)).min()
    }

    /// Where `app` stands. O(apps).
    pub fn state(&self, app: &App, now: Nanos) -> State {
        let known = self.records.iter().find(|record| record.app == *app);
        known.map_or(State::NotRunning, |record| record.state(self.around, now))
    }

    /// The apps that are in standby.
    pub fn in_standby(&self) -> impl Iterator<Item = &App> {
        self.records.iter().filter(|record| record.in_standby()).map(|record| &record.app)
    }

    /// The numbers in force.
    pub const fn config(&self) -> Config {
        self.around.config
    }

    /// The record that a signal is about: a new one if the signal says something worth remembering.
    fn admit(&mut self, app: &App, signal: Signal, now: Nanos) -> Result<Option<usize>, Refusal> {
        if let Some(index) = self.records.iter().position(|record| record.app == *app) {
            return Ok(Some(index));
        }
        let mut record = Record::new(app.clone(), now);
        record.note(signal, self.around, now);
        if !record.matters() {
            return Ok(None);
        }
        if self.records.len() >= APPS_MAX {
            return Err(Refusal::TooManyApps);
        }
        self.records.push(record);
        Ok(Some(self.records.len() - 1))
    }

    fn surround(&mut self, after: Surroundings, now: Nanos) -> Vec<Effect> {
        for record in &mut self.records {
            record.note_surroundings(self.around, after, now);
        }
        self.around = after;
        self.tick(now)
    }
}
