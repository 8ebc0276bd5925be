//! One app: its state, its task, and what it is remembered for.

use alloc::vec::Vec;

use nexus_abi::{ExitReason, Nanos, TaskId};

use crate::event::{Act, App, Cause, Effect, KillReason, State};
use crate::restart::{Restart, Supervision, Verdict};

/// How long an app may take to say that it is ready: a person has given up by then.
pub const START_MAX: Nanos = Nanos::from_millis(10_000);

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Record {
    pub app: App,
    restart: Restart,
    pub state: State,
    /// Since when it is in this state, and why.
    pub since: Nanos,
    pub cause: Option<Cause>,
    /// None while the task is being made.
    pub task: Option<TaskId>,
    /// A person wants to see it as soon as it is ready.
    pub wanted_on_screen: bool,
    pub has_service: bool,
    started: Nanos,
    supervision: Supervision,
}

impl Record {
    pub const fn new(app: App, restart: Restart, now: Nanos) -> Self {
        Self {
            app,
            restart,
            state: State::Stopped,
            since: now,
            cause: None,
            task: None,
            wanted_on_screen: false,
            has_service: false,
            started: now,
            supervision: Supervision::new(counting(restart)),
        }
    }

    /// Another version begins without a past, and neither pauses nor is blocked.
    pub fn replace(&mut self, restart: Restart, now: Nanos, effects: &mut Vec<Effect>) {
        self.restart = restart;
        self.forgive();
        if !self.state.is_alive() {
            self.end(State::Stopped, Cause::Replaced, now, effects);
        }
    }

    /// What it did before no longer counts.
    pub fn forgive(&mut self) {
        self.supervision = Supervision::new(counting(self.restart));
    }

    pub fn start(&mut self, cause: Cause, now: Nanos, effects: &mut Vec<Effect>) {
        self.started = now;
        self.effect(Act::Spawn, cause, effects);
        self.go(State::Starting, cause, now, effects);
    }

    /// To the screen, or off it: a service keeps it above background.
    pub fn show(&mut self, cause: Cause, now: Nanos, effects: &mut Vec<Effect>) {
        self.wanted_on_screen = false;
        self.go(State::Foreground, cause, now, effects);
    }

    pub fn hide(&mut self, cause: Cause, now: Nanos, effects: &mut Vec<Effect>) {
        let to = if self.has_service { State::ForegroundService } else { State::Background };
        self.go(to, cause, now, effects);
    }

    /// Ends the task, if there is one yet; what the end counts as depends on the reason.
    pub fn kill(&mut self, reason: KillReason, now: Nanos, effects: &mut Vec<Effect>) {
        let cause = Cause::Killed(reason);
        if let Some(task) = self.task {
            self.effect(Act::Kill(task), cause, effects);
        }
        if reason.is_the_apps_fault() {
            self.crashed(ExitReason::Killed, cause, now, effects);
        } else {
            self.end(State::Stopped, cause, now, effects);
        }
    }

    /// The task ended without being told to.
    pub fn died(&mut self, reason: ExitReason, now: Nanos, effects: &mut Vec<Effect>) {
        if reason == ExitReason::Killed {
            self.end(State::Stopped, Cause::KilledOutside, now, effects);
        } else {
            self.crashed(reason, Cause::Died(reason), now, effects);
        }
    }

    /// It ended by its own fault, or is to run always: what then is [`Supervision`]'s to say.
    pub fn crashed(&mut self, reason: ExitReason, cause: Cause, now: Nanos, effects: &mut Vec<Effect>) {
        let to = match self.supervision.died(reason, self.started, now) {
            Verdict::Ended => State::Stopped,
            Verdict::StartAt(until) if self.restart == Restart::Never => State::Crashed { until },
            Verdict::StartAt(until) => State::BackOff { until },
            Verdict::GiveUp => State::Blocked,
        };
        self.end(to, cause, now, effects);
    }

    pub fn end(&mut self, to: State, cause: Cause, now: Nanos, effects: &mut Vec<Effect>) {
        self.task = None;
        self.wanted_on_screen = false;
        self.has_service = false;
        self.go(to, cause, now, effects);
    }

    /// The moment at which something happens by itself.
    pub fn deadline(&self) -> Option<Nanos> {
        match self.state {
            State::Starting => Some(self.since.after(START_MAX)),
            State::BackOff { until } => Some(until),
            _ => None,
        }
    }

    pub fn go(&mut self, to: State, cause: Cause, now: Nanos, effects: &mut Vec<Effect>) {
        let from = core::mem::replace(&mut self.state, to);
        if from == to {
            return;
        }
        self.since = now;
        self.cause = Some(cause);
        self.effect(Act::Moved { from, to }, cause, effects);
    }

    pub fn effect(&self, act: Act, cause: Cause, effects: &mut Vec<Effect>) {
        effects.push(Effect { app: self.app.clone(), act, cause });
    }
}

/// Crashes count for every app, also for one that is not started again by itself: others may open it over and over.
const fn counting(restart: Restart) -> Restart {
    match restart {
        Restart::Always => Restart::Always,
        Restart::OnFailure | Restart::Never => Restart::OnFailure,
    }
}
