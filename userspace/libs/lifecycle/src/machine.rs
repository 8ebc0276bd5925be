//! All apps of the device, and what each event leads to.
//!
//! ```text
//!           opened               ready, and a person waits
//!  stopped ────────► starting ───────────────────────────────► foreground
//!                        │                                      │      │
//!                        │ ready                 off the screen │      │ off the screen, with a service
//!                        ▼                                      │      ▼
//!                    background ◄───────────────────────────────┘   foreground service
//!                      │    ▲  ▲        the service ends                │
//!                      ▼    │  └────────────────────────────────────────┘
//!                     standby
//!
//!  from each that runs:   a person opens it ──► foreground
//!                         ends well, or is killed ──► stopped
//!                         crashes ──► back-off: its recipe wants it again, starting when the pause is over
//!                                 ──► crashed: its recipe does not, starting when it is opened
//!                                 ──► blocked: the fifth crash in 60 s, starting when a person opens it
//! ```

use alloc::vec::Vec;

use nexus_abi::{ExitReason, Nanos, TaskId};

use crate::event::{Act, App, Cause, Effect, Event, KillReason, Opener, Refusal, State};
use crate::record::Record;
use crate::restart::Restart;

/// Most apps that are installed at once.
pub const APPS_MAX: usize = 128;

/// Most effects of one event: a task is made or ended and the app is in another state, or two apps are.
const EFFECTS_MAX: usize = 2;

/// Where an app stands.
///
/// ```
/// use lifecycle::{App, Lifecycle, Restart, Standing, State};
/// use nexus_abi::Nanos;
///
/// let chat = App::try_from("org.chat").map_err(|_| "long")?;
/// let mut apps = Lifecycle::new();
/// assert_eq!(apps.install(&chat, Restart::Never, Nanos(5)), Ok(vec![]));
/// let new = Standing { state: State::Stopped, since: Nanos(5), cause: None, task: None };
/// assert_eq!(apps.standing(&chat), Some(new));
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Standing {
    /// Its state.
    pub state: State,
    /// From when on.
    pub since: Nanos,
    /// Why; nothing has happened yet to an app without a cause.
    pub cause: Option<Cause>,
    /// Its task, as far as there is one yet.
    pub task: Option<TaskId>,
}

/// The lives of all apps.
///
/// ```
/// use lifecycle::*;
/// use nexus_abi::{ExitReason, Nanos, TaskId};
///
/// let ms = Nanos::from_millis;
/// let chat = App::try_from("org.chat").map_err(|_| "long")?;
/// let task = TaskId::new(7, 1);
/// let mut apps = Lifecycle::new();
/// let _ = apps.install(&chat, Restart::OnFailure, ms(0)).map_err(|_| "full")?;
///
/// let mut tell = |event, now| apps.event(&chat, event, now).map_err(|_| "refused");
/// assert_eq!(tell(Event::Open(Opener::Person), ms(0))?[0].act, Act::Spawn);
/// let _ = tell(Event::Spawned(task), ms(1))?;
/// let shown = tell(Event::Ready(task), ms(90))?;
/// assert_eq!(shown[0].act, Act::Moved { from: State::Starting, to: State::Foreground });
///
/// let _ = tell(Event::Died(task, ExitReason::Exited(1)), ms(3_000))?;
/// assert_eq!(apps.state(&chat), Some(State::BackOff { until: ms(3_500) }));
/// assert_eq!(apps.tick(ms(3_500))[0].act, Act::Spawn);
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Lifecycle {
    /// In the order in which they were installed, at most [`APPS_MAX`].
    records: Vec<Record>,
}

impl Lifecycle {
    /// No apps.
    pub const fn new() -> Self {
        Self { records: Vec::new() }
    }

    /// Makes an app known, or puts another version in its place, whose past does not count. O(apps).
    pub fn install(&mut self, app: &App, restart: Restart, now: Nanos) -> Result<Vec<Effect>, Refusal> {
        let mut effects = Vec::new();
        if let Ok(index) = self.index(app) {
            self.records[index].replace(restart, now, &mut effects);
            return Ok(effects);
        }
        if self.records.len() >= APPS_MAX {
            return Err(Refusal::TooManyApps);
        }
        self.records.push(Record::new(app.clone(), restart, now));
        Ok(effects)
    }

    /// Something happened to `app`, or is asked for. What was true of an earlier task of it changes nothing. O(apps).
    pub fn event(&mut self, app: &App, event: Event, now: Nanos) -> Result<Vec<Effect>, Refusal> {
        let index = self.index(app)?;
        let mut effects = Vec::with_capacity(EFFECTS_MAX);
        let record = &mut self.records[index];
        match event {
            Event::Open(opener) => self.open(index, opener, now, &mut effects)?,
            Event::Spawned(task) if record.state == State::Starting && record.task.is_none() => {
                record.task = Some(task);
            }
            Event::Spawned(task) => record.effect(Act::Kill(task), Cause::Unwanted, &mut effects),
            Event::SpawnFailed(error) if record.state == State::Starting && record.task.is_none() => {
                let reason = ExitReason::OutOfMemory(error);
                record.crashed(reason, Cause::SpawnFailed(error), now, &mut effects);
            }
            Event::Ready(task) if record.state == State::Starting && record.task == Some(task) => {
                self.ready(index, now, &mut effects);
            }
            Event::SpawnFailed(_) | Event::Ready(_) => {}
            Event::Hide if record.state == State::Foreground => {
                record.hide(Cause::Hidden, now, &mut effects);
            }
            Event::ServiceBegins if record.state == State::Foreground => record.has_service = true,
            Event::Hide | Event::ServiceBegins => return Err(Refusal::NotInForeground),
            Event::ServiceEnds => {
                record.has_service = false;
                if record.state == State::ForegroundService {
                    record.hide(Cause::ServiceEnded, now, &mut effects);
                }
            }
            Event::StandbyBegins if record.state == State::Background => {
                record.go(State::Standby, Cause::StandbyBegan, now, &mut effects);
            }
            Event::StandbyBegins => return Err(Refusal::NotInBackground),
            Event::StandbyEnds if record.state == State::Standby => {
                record.go(State::Background, Cause::StandbyEnded, now, &mut effects);
            }
            Event::StandbyEnds => {}
            Event::Kill(reason) => self.kill(index, reason, now, &mut effects),
            Event::Died(task, reason) if record.task == Some(task) => {
                record.died(reason, now, &mut effects);
            }
            Event::Died(..) => {}
        }
        Ok(effects)
    }

    /// Time has passed: apps that did not get ready are ended, pauses are over. O(apps).
    pub fn tick(&mut self, now: Nanos) -> Vec<Effect> {
        let mut effects = Vec::new();
        for record in &mut self.records {
            if record.deadline().is_none_or(|deadline| now < deadline) {
                continue;
            }
            if record.state == State::Starting {
                record.kill(KillReason::StartTimeout, now, &mut effects);
            } else {
                record.start(Cause::PauseOver, now, &mut effects);
            }
        }
        effects
    }

    /// When to tick next. O(apps).
    pub fn deadline(&self) -> Option<Nanos> {
        self.records.iter().filter_map(Record::deadline).min()
    }

    /// The state of an app that is installed. O(apps).
    pub fn state(&self, app: &App) -> Option<State> {
        self.standing(app).map(|standing| standing.state)
    }

    /// Where an app stands, and why. O(apps).
    pub fn standing(&self, app: &App) -> Option<Standing> {
        let record = &self.records[self.index(app).ok()?];
        let Record { state, since, cause, task, .. } = *record;
        Some(Standing { state, since, cause, task })
    }

    /// Who ends first when memory is needed: of those in standby, then in background, then with a service, the one
    /// that has been so for longest. Never what is on the screen or about to be. O(apps).
    pub fn victim(&self) -> Option<&App> {
        let rank = |record: &Record| match record.state {
            State::Standby => Some(0),
            State::Background => Some(1),
            State::ForegroundService => Some(2),
            _ => None,
        };
        let ranked = self.records.iter().filter_map(|record| Some((rank(record)?, record)));
        ranked.min_by_key(|(rank, record)| (*rank, record.since)).map(|(_, record)| &record.app)
    }

    fn open(
        &mut self,
        index: usize,
        opener: Opener,
        now: Nanos,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let by_person = opener == Opener::Person;
        let record = &mut self.records[index];
        match record.state {
            State::BackOff { until } | State::Crashed { until } if !by_person && now < until => {
                return Err(Refusal::Pausing { until });
            }
            State::Blocked if !by_person => return Err(Refusal::Blocked),
            State::Blocked => record.forgive(),
            _ => {}
        }
        if !record.state.is_alive() {
            record.start(Cause::Opened(opener), now, effects);
        }
        if by_person {
            self.bring_forward(index, now, effects);
        }
        Ok(())
    }

    /// A person wants to see this app, and no longer what was to come to the screen before.
    fn bring_forward(&mut self, index: usize, now: Nanos, effects: &mut Vec<Effect>) {
        for record in &mut self.records {
            record.wanted_on_screen = false;
        }
        if self.records[index].state == State::Starting {
            self.records[index].wanted_on_screen = true;
        } else {
            self.show(index, Cause::Opened(Opener::Person), now, effects);
        }
    }

    fn ready(&mut self, index: usize, now: Nanos, effects: &mut Vec<Effect>) {
        if self.records[index].wanted_on_screen {
            self.show(index, Cause::Ready, now, effects);
        } else {
            self.records[index].hide(Cause::Ready, now, effects);
        }
    }

    /// Shows one app and covers the other that was on the screen.
    fn show(&mut self, index: usize, cause: Cause, now: Nanos, effects: &mut Vec<Effect>) {
        let on_screen = self.records.iter().position(|record| record.state == State::Foreground);
        if let Some(other) = on_screen.filter(|other| *other != index) {
            self.records[other].hide(Cause::Covered, now, effects);
        }
        self.records[index].show(cause, now, effects);
    }

    fn kill(&mut self, index: usize, reason: KillReason, now: Nanos, effects: &mut Vec<Effect>) {
        let record = &mut self.records[index];
        if record.state.is_alive() {
            record.kill(reason, now, effects);
        } else if matches!(record.state, State::BackOff { .. }) && !reason.is_the_apps_fault() {
            record.end(State::Stopped, Cause::Killed(reason), now, effects);
        }
        if reason == KillReason::Uninstalled {
            self.records.remove(index);
        }
    }

    fn index(&self, app: &App) -> Result<usize, Refusal> {
        self.records.iter().position(|record| record.app == *app).ok_or(Refusal::Unknown)
    }
}
