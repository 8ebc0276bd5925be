//! One app: what is known of it, and what follows from that at a moment.

use alloc::vec::Vec;

use nexus_abi::Nanos;

use crate::config::Config;
use crate::signal::{Act, Activity, App, Cause, Effect, Exemption, Resource, Signal};

/// Where an app stands.
///
/// ```
/// use nexus_abi::Nanos;
/// use standby::{Cause, State};
///
/// let asleep = State::Standby { since: Nanos(5), cause: Cause::Inactive };
/// assert!(asleep.is_standby());
/// assert!(!State::Foreground.is_standby());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// It does not run.
    NotRunning,
    /// It is on the screen.
    Foreground,
    /// It is in background and exempt.
    Exempt(Exemption),
    /// It is in background and has been inactive since then.
    Inactive {
        /// The latest activity or end of an exemption.
        since: Nanos,
    },
    /// It is in standby.
    Standby {
        /// From when on.
        since: Nanos,
        /// Why.
        cause: Cause,
    },
}

impl State {
    /// True for an app in standby.
    pub const fn is_standby(self) -> bool {
        matches!(self, Self::Standby { .. })
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Presence {
    NotRunning,
    Foreground,
    Background,
}

/// What is known of an app.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Record {
    pub app: App,
    presence: Presence,
    media: bool,
    service: bool,
    allowed: bool,
    alarm_clock: Option<Nanos>,
    /// The latest activity, or the latest end of what kept it out of standby.
    active_at: Nanos,
    standby: Option<(Nanos, Cause)>,
}

/// What concerns all apps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Surroundings {
    pub charging: bool,
    pub config: Config,
}

impl Record {
    pub const fn new(app: App, now: Nanos) -> Self {
        Self {
            app,
            presence: Presence::NotRunning,
            media: false,
            service: false,
            allowed: false,
            alarm_clock: None,
            active_at: now,
            standby: None,
        }
    }

    /// Notes what a signal says; what it leads to is decided afterwards. Only what a person does, and the end of what
    /// kept the app out of standby, are activities: an app that keeps talking is not thereby in use.
    pub fn note(&mut self, signal: Signal, around: Surroundings, now: Nanos) {
        let was_kept_out = self.way_out(around, now).is_some();
        self.active_at = self.inactive_since(now);
        match signal {
            Signal::Foreground => self.presence = Presence::Foreground,
            Signal::Background => self.presence = Presence::Background,
            Signal::Gone => {
                self.presence = Presence::NotRunning;
                self.media = false;
                self.service = false;
            }
            Signal::Media(activity) => self.media = activity == Activity::Begins,
            Signal::Service(activity) => self.service = activity == Activity::Begins,
            Signal::AllowList(activity) => self.allowed = activity == Activity::Begins,
            Signal::AlarmClock(due) => self.alarm_clock = due.filter(|due| *due > now),
            Signal::Tapped | Signal::ExitAsked => self.active_at = now,
        }
        self.note_end(was_kept_out, around, now);
    }

    /// What concerns all apps was `before` and is `after` from now on.
    pub fn note_surroundings(&mut self, before: Surroundings, after: Surroundings, now: Nanos) {
        let was_kept_out = self.way_out(before, now).is_some();
        self.note_end(was_kept_out, after, now);
    }

    fn note_end(&mut self, was_kept_out: bool, around: Surroundings, now: Nanos) {
        if was_kept_out && self.way_out(around, now).is_none() {
            self.active_at = now;
        }
    }

    pub fn state(&self, around: Surroundings, now: Nanos) -> State {
        if let Some((since, cause)) = self.standby {
            return State::Standby { since, cause };
        }
        match self.presence {
            Presence::NotRunning => State::NotRunning,
            Presence::Foreground => State::Foreground,
            Presence::Background => match self.exemption(around, now) {
                Some(exemption) => State::Exempt(exemption),
                None => State::Inactive { since: self.inactive_since(now) },
            },
        }
    }

    /// Why it must not be in standby, if so.
    pub fn way_out(&self, around: Surroundings, now: Nanos) -> Option<Cause> {
        match self.presence {
            Presence::NotRunning => Some(Cause::Gone),
            Presence::Foreground => Some(Cause::Foreground),
            Presence::Background => self.exemption(around, now).map(Cause::Exempt),
        }
    }

    /// The moment at which something changes by itself: it enters standby, or its alarm clock lets it out.
    pub fn next_change(&self, around: Surroundings, now: Nanos) -> Option<Nanos> {
        if self.presence != Presence::Background || self.lasting_exemption(around).is_some() {
            return None;
        }
        let alarm = self.alarm_clock.filter(|due| *due > now);
        let exempt_from = alarm.map(|due| due.since(around.config.bg_inactive()));
        if self.standby.is_some() {
            return exempt_from;
        }
        let enters = self.inactive_since(now).after(around.config.bg_inactive());
        match (alarm, exempt_from) {
            (Some(due), Some(from)) if enters.max(now) >= from => {
                Some(due.after(around.config.bg_inactive()))
            }
            _ => Some(enters),
        }
    }

    /// Enters or leaves standby if its time or a reason has come.
    pub fn settle(&mut self, around: Surroundings, now: Nanos, effects: &mut Vec<Effect>) {
        match self.way_out(around, now) {
            Some(cause) => self.leave(cause, now, effects),
            None if now >= self.inactive_since(now).after(around.config.bg_inactive()) => {
                self.enter(Cause::Inactive, around.config, now, effects);
            }
            None => {}
        }
    }

    /// Nothing happens to an app that is in standby.
    pub fn enter(&mut self, cause: Cause, config: Config, now: Nanos, effects: &mut Vec<Effect>) {
        if self.standby.is_some() {
            return;
        }
        self.standby = Some((now, cause));
        let acts = [
            Act::Deny(Resource::Sensors),
            Act::Deny(Resource::Network),
            Act::HoldTimers(config.hold()),
            Act::Entered,
        ];
        effects.extend(acts.map(|act| Effect { app: self.app.clone(), act, cause }));
    }

    /// Nothing happens to an app that is out.
    pub fn leave(&mut self, cause: Cause, now: Nanos, effects: &mut Vec<Effect>) {
        if self.standby.take().is_none() {
            return;
        }
        self.active_at = now;
        let acts =
            [Act::Allow(Resource::Sensors), Act::Allow(Resource::Network), Act::ReleaseTimers, Act::Left];
        effects.extend(acts.map(|act| Effect { app: self.app.clone(), act, cause }));
    }

    pub const fn in_standby(&self) -> bool {
        self.standby.is_some()
    }

    /// False when forgetting it loses nothing.
    pub fn matters(&self) -> bool {
        let runs = self.presence != Presence::NotRunning;
        runs || self.media || self.service || self.allowed || self.alarm_clock.is_some()
    }

    fn exemption(&self, around: Surroundings, now: Nanos) -> Option<Exemption> {
        let soon = |due: &Nanos| *due > now && due.since(now) <= around.config.bg_inactive();
        let alarm = || self.alarm_clock.filter(soon).map(|_| Exemption::AlarmClock);
        self.lasting_exemption(around).or_else(alarm)
    }

    /// One that holds until a signal ends it.
    fn lasting_exemption(&self, around: Surroundings) -> Option<Exemption> {
        let all = [
            (around.charging, Exemption::Charging),
            (self.allowed, Exemption::AllowList),
            (self.media, Exemption::Media),
            (self.service, Exemption::Service),
        ];
        all.into_iter().find(|(applies, _)| *applies).map(|(_, exemption)| exemption)
    }

    /// An alarm clock that has rung was an activity.
    fn inactive_since(&self, now: Nanos) -> Nanos {
        let rang = self.alarm_clock.filter(|due| *due <= now);
        rang.map_or(self.active_at, |due| due.max(self.active_at))
    }
}
