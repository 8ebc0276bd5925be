//! Apps: how they live, what they do again and again, what comes for them, and the person who opens them.

use fastrand::Rng;
use lifecycle::{Act, Effect, Event as Life, Opener, Restart, State};
use nexus_abi::{ExitReason, Nanos, QosClass, ServiceId, TaskId};
use nexus_service::Caller;
use nexus_time::{Key, Plan as Timer, TimerSet};
use standby::{Activity, Signal};
use std::time::Duration;
use wakelock::{Attribution, Kind as LockKind, LockId, MaxHold, Request, Standing};

use crate::battery::Energy;
use crate::bus::Link;
use crate::event::{Event, Step};
use crate::record::{Kind, record};
use crate::scenario::{self, After, During, LockUse, Resource, Starts};
use crate::stats::Cause;
use crate::world::days::stream;
use crate::world::{SERVICES, World, handle};

/// What an app does when standby has denied it what it needs: look, and go back to sleep.
const GIVES_UP: Nanos = Nanos::from_millis(1);
/// Work on an alarm, besides ringing.
const ALARM_WORK: Nanos = Nanos::from_millis(150);

/// An app as it runs.
pub struct App<'a> {
    pub spec: &'a scenario::App,
    pub name: lifecycle::App,
    place: usize,
    pub task: Option<TaskId>,
    generation: u32,
    pub state: State,
    /// Large, and taken out and put back all the time.
    timers: Option<Box<TimerSet<Link>>>,
    /// Of each beat: its timer, and the event that set it.
    beats: Vec<Option<(Key, Step)>>,
    pub service: bool,
    /// Locks that it holds and means to release, by the number of the work.
    pub holds: Vec<(u64, LockId, LockUse)>,
    /// How long its foreground service shall go on that has not begun yet.
    wants_service: Nanos,
    pub chance: Rng,
    /// What standby denies it.
    pub denied: [bool; 2],
    /// Messages that wait for the end of standby, and since when.
    waiting: u64,
    waiting_since: Nanos,
    /// For the statistics: whether it has a lock that counts, and is in standby.
    pub locks_count: bool,
    pub in_standby: bool,
    /// The last moment at which nothing could put it into standby.
    pub spared_at: Nanos,
    /// Whether it was in standby when the rules were last checked.
    pub checked_in_standby: bool,
    /// What standby was told of its next alarm clock.
    pub alarm_clock: Option<Nanos>,
}

impl<'a> App<'a> {
    pub fn new(spec: &'a scenario::App, place: usize, seed: u64) -> Self {
        Self {
            spec,
            name: spec.name.get_ref().0.clone(),
            place,
            task: None,
            generation: 0,
            state: State::Stopped,
            timers: None,
            beats: vec![None; spec.beat.len()],
            service: false,
            holds: Vec::new(),
            wants_service: Nanos(0),
            chance: stream(seed, 100 + place as u64),
            denied: [false; 2],
            waiting: 0,
            waiting_since: Nanos(0),
            locks_count: false,
            in_standby: false,
            spared_at: Nanos(0),
            checked_in_standby: false,
            alarm_clock: None,
        }
    }

    /// Forgets everything but its number of lives.
    pub fn lose_all(&mut self) {
        self.task = None;
        self.state = State::Stopped;
        self.timers = None;
        self.beats.fill(None);
        self.service = false;
        self.holds.clear();
        self.denied = [false; 2];
        self.waiting = 0;
        self.in_standby = false;
        self.alarm_clock = None;
    }

    pub fn standing(&self) -> Standing {
        match self.state {
            _ if self.in_standby => Standing::Suspended,
            State::Background | State::Standby => Standing::Background,
            _ => Standing::Foreground,
        }
    }

    fn wants(&self, beat: usize) -> bool {
        use State::*;
        match self.spec.beat[beat].during {
            During::Running => matches!(self.state, Foreground | ForegroundService | Background | Standby),
            During::Foreground => self.state == Foreground,
            During::Service => self.service && matches!(self.state, Foreground | ForegroundService),
            During::Background => matches!(self.state, Background | Standby),
        }
    }
}

impl World<'_> {
    /// The person opens an app.
    pub(super) fn pick(&mut self, app: usize, length: Nanos, service_for: Nanos) {
        self.interrupt(Cause::User, "");
        let visit = self.days_visit(length);
        self.queue.plan(self.now.after(length), Event::Put { visit }, self.step);
        self.open(app, Opener::Person);
        if service_for > Nanos(0) && self.apps[app].state == State::Foreground {
            self.begin_service(app, service_for);
        } else {
            self.apps[app].wants_service = service_for;
        }
    }

    /// The person puts the device away, unless it has been picked up again.
    pub(super) fn put(&mut self, visit: u64) {
        if visit != self.visit {
            return;
        }
        self.interrupt(Cause::User, "");
        let timeout = self.config.screen.timeout;
        self.lit_until = if self.days.presses_button() { self.now } else { self.now.after(timeout) };
        if let Some(app) = self.apps.iter().position(|app| app.state == State::Foreground) {
            self.live(app, Life::Hide);
        }
    }

    fn days_visit(&mut self, length: Nanos) -> u64 {
        self.visit += 1;
        self.lit_until = self.now.after(length);
        self.visit
    }

    fn begin_service(&mut self, app: usize, lasts: Nanos) {
        self.apps[app].wants_service = Nanos(0);
        self.apps[app].service = true;
        self.live(app, Life::ServiceBegins);
        self.signal(app, Signal::Service(Activity::Begins));
        if let Some(task) = self.apps[app].task {
            self.queue.plan(self.now.after(lasts), Event::ServiceEnds { app, task }, self.step);
        }
        self.settle_beats(app, false);
    }

    pub(super) fn service_ends(&mut self, app: usize, task: TaskId) {
        if self.apps[app].task != Some(task) || !self.apps[app].service {
            return;
        }
        self.interrupt(Cause::User, "");
        self.apps[app].service = false;
        self.live(app, Life::ServiceEnds);
        self.signal(app, Signal::Service(Activity::Ends));
        self.settle_beats(app, false);
    }

    /// A message for an app. Who is denied the network does not hear of it, and the machine sleeps on.
    pub(super) fn push(&mut self, app: usize, push: usize) {
        let receiver = &mut self.apps[app];
        if receiver.denied[Resource::Network as usize] {
            if receiver.waiting == 0 {
                receiver.waiting_since = self.now;
            }
            receiver.waiting += 1;
            self.stats.apps[app].waited += 1;
            return;
        }
        let name = receiver.name.clone();
        let alive = receiver.task.is_some() && receiver.state != State::Starting;
        self.interrupt(Cause::Network, &name);
        self.stats.apps[app].wakeups += 1;
        if alive {
            let push = &self.apps[app].spec.push[push];
            self.work(app, push.work.0, &[Resource::Network], push.lock.as_ref());
        }
    }

    /// The network is allowed again: what has waited comes.
    pub(super) fn catch_up(&mut self, app: usize) {
        let waited = std::mem::take(&mut self.apps[app].waiting);
        if waited == 0 || self.apps[app].task.is_none() {
            return;
        }
        let longest = self.now.since(self.apps[app].waiting_since).0;
        let totals = &mut self.stats.apps[app];
        totals.longest_wait = totals.longest_wait.max(longest);
        if let Some(push) = self.apps[app].spec.push.first() {
            let span = Nanos(push.work.0.0.saturating_mul(waited.min(20)));
            self.work(app, span, &[Resource::Network], push.lock.as_ref());
        }
    }

    /// An app works, and uses what it needs.
    pub(super) fn work(&mut self, app: usize, span: Nanos, uses: &[Resource], lock: Option<&LockUse>) {
        let denied = self.apps[app].denied;
        let exits = self.exits;
        if uses.iter().any(|resource| denied[*resource as usize]) {
            self.stats.apps[app].denied += 1;
            let _done = self.harts.work(GIVES_UP, |level| exits.exit_latency(level));
            return;
        }
        let costs = self.plan.scenario.device;
        for resource in uses {
            let units = if *resource == Resource::Network { costs.network } else { costs.sensor };
            self.battery.flow(Energy::default(), Energy::units(units.into()));
            self.stats.used += Energy::units(units.into());
        }
        let taken = lock.and_then(|lock| Some((self.acquire(app, lock)?, lock)));
        self.stats.apps[app].work += span.0;
        let done = self.harts.work(span, |level| exits.exit_latency(level));
        if let (Some((id, lock)), Some(task)) = (taken, self.apps[app].task)
            && lock.after == After::Released
        {
            self.works += 1;
            self.apps[app].holds.push((self.works, id, lock.clone()));
            self.queue.plan(done, Event::Done { app, task, work: self.works }, self.step);
        }
    }

    fn acquire(&mut self, app: usize, lock: &LockUse) -> Option<LockId> {
        let holder = &self.apps[app];
        let who = Attribution {
            task: holder.task?,
            app: holder.name.clone(),
            name: lock.name.0.clone(),
            on_behalf_of: None,
        };
        let hold = lock.hold.map(|hold| MaxHold::of(hold.0));
        let request = Request { hold, standing: holder.standing(), ..Request::new(who, LockKind::Partial) };
        let grant = self.powerd.acquire(request).ok()?;
        self.lock_taken(app, grant, lock);
        Some(grant.id)
    }

    /// Work under a lock is done.
    pub(super) fn done(&mut self, app: usize, task: TaskId, work: u64) {
        if self.apps[app].task != Some(task) {
            return;
        }
        let Some(place) = self.apps[app].holds.iter().position(|(its, ..)| *its == work) else { return };
        let (_, lock, _) = self.apps[app].holds.remove(place);
        // One that has expired meanwhile is not there to be released.
        if let Ok(wakelock::Released::Ended(ended)) = self.powerd.release(task, lock) {
            self.lock_ended(&ended);
        }
    }

    /// powerd has been started again: who meant to hold a lock takes it anew.
    pub(super) fn take_locks_again(&mut self) {
        for app in 0..self.apps.len() {
            for (work, _, lock) in std::mem::take(&mut self.apps[app].holds) {
                if let Some(id) = self.acquire(app, &lock) {
                    self.apps[app].holds.push((work, id, lock));
                }
            }
        }
    }

    /// An app reads what has fired, and does what is to be done.
    pub(super) fn read(&mut self, app: usize) {
        let Some(mut timers) = self.apps[app].timers.take() else { return };
        let mut fired = Vec::new();
        // When timed dies over this, the rest is read when it is back.
        let _read = timers.fired(|expired| fired.push(expired.key));
        self.apps[app].timers = Some(timers);
        for key in fired {
            let beats = &self.apps[app].beats;
            let Some(beat) = beats.iter().position(|beat| beat.is_some_and(|(its, _)| its == key)) else {
                continue;
            };
            let spec = &self.apps[app].spec.beat[beat];
            self.work(app, spec.work.0, &spec.uses, spec.lock.as_ref());
        }
    }

    /// Sets and cancels timers, so that the app has those that its state takes. `late`: what was to begin begins late.
    pub(super) fn settle_beats(&mut self, app: usize, late: bool) {
        if !late
            && self.now < self.slow_until
            && let Some(task) = self.apps[app].task
        {
            let delay = self.days.late(self.plan.scenario.faults.delay_max.0);
            self.queue.plan(self.now.after(delay), Event::Beats { app, task }, self.step);
            return;
        }
        let wanted: Vec<bool> =
            (0..self.apps[app].beats.len()).map(|beat| self.apps[app].wants(beat)).collect();
        let has = |app: &App| app.beats.iter().map(Option::is_some).eq(wanted.iter().copied());
        if has(&self.apps[app]) || !self.bus.borrow().is_up() {
            return;
        }
        let Some(mut timers) = self.timers(app) else { return };
        let (now, step) = (self.now, self.step);
        let owner = &mut self.apps[app];
        for (beat, wanted) in wanted.into_iter().enumerate() {
            match (owner.beats[beat], wanted) {
                (None, true) => {
                    let spec = &owner.spec.beat[beat];
                    // Apps that start together need not stay together.
                    let phase = owner.chance.u64(1..=spec.every.0.0);
                    let plan = Timer::at(now.after(Nanos(phase)).into())
                        .every(Duration::from_nanos(spec.every.0.0))
                        .late_by(Duration::from_nanos(spec.late_by.0.0));
                    owner.beats[beat] = timers.set(plan).ok().map(|key| (key, step));
                }
                // When timed dies over this, it is cancelled again when it is back.
                (Some((key, _)), false) if timers.cancel(key).is_ok() => owner.beats[beat] = None,
                _ => {}
            }
        }
        owner.timers = Some(timers);
    }

    /// The app's end of the talk with timed.
    fn timers(&mut self, app: usize) -> Option<Box<TimerSet<Link>>> {
        if let Some(timers) = self.apps[app].timers.take() {
            return Some(timers);
        }
        let task = self.apps[app].task?;
        let class = QosClass::from(self.apps[app].spec.class);
        let caller = Caller { task, service: ServiceId::APP, class };
        let notification = handle(SERVICES.len() + app);
        TimerSet::told_by(Link { bus: self.bus.clone(), caller, notification }, 1).ok().map(Box::new)
    }

    /// Somebody opens an app; what pauses after a crash is not opened by the system.
    pub(super) fn open(&mut self, app: usize, opener: Opener) {
        self.live(app, Life::Open(opener));
    }

    pub(super) fn ready(&mut self, app: usize, task: TaskId) {
        if self.apps[app].task != Some(task) {
            return;
        }
        self.live(app, Life::Ready(task));
        self.set_alarms(app);
        let service = self.apps[app].wants_service;
        if service > Nanos(0) && self.apps[app].state == State::Foreground {
            self.begin_service(app, service);
        }
    }

    pub(super) fn crash(&mut self, app: usize) {
        if let Some(task) = self.apps[app].task {
            self.end_task(app, task);
            self.live(app, Life::Died(task, ExitReason::Exited(101)));
        }
    }

    /// Tells the lifecycle; a refusal is an answer, not a mistake.
    pub(super) fn live(&mut self, app: usize, event: Life) {
        let effects = self.appmgrd.event(&self.apps[app].name.clone(), event, self.now).unwrap_or_default();
        self.carry_out(effects);
    }

    pub(super) fn appmgrd_is_due(&mut self) {
        if self.appmgrd.deadline().is_some_and(|deadline| deadline <= self.now) {
            let effects = self.appmgrd.tick(self.now);
            self.carry_out(effects);
        }
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for Effect { app: name, act, .. } in effects {
            let Some(app) = self.apps.iter().position(|app| app.name == name) else { continue };
            match act {
                Act::Spawn => self.spawn(app),
                Act::Kill(task) => self.end_task(app, task),
                Act::Moved { from, to } => self.moved(app, from, to),
            }
        }
    }

    fn spawn(&mut self, app: usize) {
        let launched = &mut self.apps[app];
        launched.generation += 1;
        // After the services.
        let task = TaskId::new(100 + launched.place as u32, launched.generation);
        launched.task = Some(task);
        launched.wants_service = Nanos(0);
        self.live(app, Life::Spawned(task));
        let exits = self.exits;
        let launch = self.apps[app].spec.launch.0;
        let ready = self.harts.work(launch, |level| exits.exit_latency(level));
        self.queue.plan(ready, Event::Ready { app, task }, self.step);
    }

    /// A task is no more: the kernel tells everybody whom it concerns.
    fn end_task(&mut self, app: usize, task: TaskId) {
        for ended in self.powerd.holder_died(task) {
            self.lock_ended(&ended);
        }
        self.bury(task);
        let ended = &mut self.apps[app];
        ended.task = None;
        ended.timers = None;
        ended.beats.fill(None);
        ended.holds.clear();
        ended.service = false;
        ended.waiting = 0;
    }

    fn moved(&mut self, app: usize, from: State, to: State) {
        use State::*;
        self.apps[app].state = to;
        let what = state_name(to);
        self.recorder.record(&record(self.now, Kind::App, &self.apps[app].name, what, 0));
        match to {
            Foreground => self.signal(app, Signal::Foreground),
            Background if from == Standby => {}
            Starting | ForegroundService | Background => self.signal(app, Signal::Background),
            Standby => {}
            Stopped | Crashed { .. } | BackOff { .. } | Blocked => self.signal(app, Signal::Gone),
        }
        let standing = self.apps[app].standing();
        self.powerd.stand(&self.apps[app].name, standing);
        self.settle_beats(app, false);
    }

    /// Everything that is installed is made known, and what starts with the device is started.
    pub(super) fn install_apps(&mut self) {
        for app in 0..self.apps.len() {
            let at_boot = self.apps[app].spec.starts == Starts::AtBoot;
            let restart = if at_boot { Restart::Always } else { Restart::Never };
            let name = self.apps[app].name.clone();
            let effects = self.appmgrd.install(&name, restart, self.now).unwrap_or_default();
            self.carry_out(effects);
            if self.apps[app].spec.exempt {
                self.signal(app, Signal::AllowList(Activity::Begins));
            }
            if at_boot {
                self.open(app, Opener::System);
            }
        }
    }

    /// An alarm of an app rings: the app runs, the screen shows it.
    pub(super) fn rings(&mut self, app: usize, label: &str) {
        if self.apps[app].task.is_none() {
            self.open(app, Opener::System);
        }
        if self.apps[app].task.is_some() {
            self.work(app, ALARM_WORK, &[], None);
        }
        let alarm = self.apps[app].spec.alarm.iter().find(|alarm| alarm.label.as_str() == label);
        let rings_for = alarm.map_or(Nanos(0), |alarm| alarm.rings_for.0);
        self.lit_until = self.lit_until.max(self.now.after(rings_for));
    }
}

const fn state_name(state: State) -> &'static str {
    match state {
        State::Starting => "starting",
        State::Foreground => "foreground",
        State::ForegroundService => "foreground service",
        State::Background => "background",
        State::Standby => "standby",
        State::Stopped => "stopped",
        State::Crashed { .. } => "crashed",
        State::BackOff { .. } => "back-off",
        State::Blocked => "blocked",
    }
}
