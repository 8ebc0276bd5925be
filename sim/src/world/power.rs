//! powerd, standbyd and timed as the device's owner sees them: modes, locks, standby, bells, and starting again.

use explain::{Cause as Why, Decision, Holds, Origin, Subject, clipped};
use nexus_abi::Nanos;
use nexus_wire::timed::{Govern, Tier};
use power_governor::{Input, ModeDecision, Percent, Supply as PowerSupply};
use standby::{Act, Activity, Effect, Resource, Signal};
use wakelock::{Ended, Event as LockEvent, Grant, Lock};

use crate::bell::{Bell, Wanted};
use crate::event::Event;
use crate::promise::{Fired, Late};
use crate::record::{Kind, record};
use crate::scenario::LockUse;
use crate::stats::Cause;
use crate::violation::{Invariant, Violation};
use crate::world::{ALARMSD, APPMGRD, POWERD, STANDBYD, Supply, World, residency};

/// execd waits for so long before it starts timed again.
const TIMED_RESTARTS: Nanos = Nanos::from_millis(500);
/// How late standbyd may look again: an app only stays where it is for as long, and nothing wakes up for it alone.
const STANDBYD_LATE: Nanos = Nanos::from_millis(10_000);
/// Residency is sampled so often while the machine is awake anyway.
const SAMPLED: Nanos = Nanos::from_millis(30_000);
/// What the gauge shows of a battery with which the device does not start.
const FLAT: Percent = Percent::clamped(0);
/// A timer that is later than this is written down one by one.
const VERY_LATE: Nanos = Nanos::from_millis(1_000);

impl World<'_> {
    /// The governor hears when the gauge shows something else, and when nothing is left the device goes off.
    pub(super) fn read_gauge(&mut self) {
        let charge = self.battery.percent();
        if charge != self.gauge {
            self.gauge = charge;
            self.recorder.record(&record(self.now, Kind::Battery, "", "", charge.get().into()));
            self.hear_battery();
        }
        // The gauge shows nothing for a while before nothing is left.
        if self.battery.is_empty() && !self.charging {
            self.stats.empty += 1;
            self.switch_off();
        }
    }

    pub(super) fn hear_battery(&mut self) {
        let supply = if self.charging { PowerSupply::Mains } else { PowerSupply::Battery };
        let decision = self.powerd.hear(Input::Battery { charge: self.gauge, supply });
        decision.into_iter().for_each(|decision| self.mode_is(decision));
    }

    /// The governor has decided.
    pub(super) fn mode_is(&mut self, decision: ModeDecision) {
        let ModeDecision { mode, because } = decision;
        self.stats.modes += 1;
        self.recorder.record(&record(self.now, Kind::Mode, mode.name(), because.name(), mode.to_wire()));
        let what = clipped(&format!("mode {}, by {}", mode.name(), because.name()));
        let cause = Why::Origin(self.origin());
        self.note(Subject::Mode, Holds::FromNowOn, what, cause);
        self.tell_hint();
    }

    fn tell_hint(&mut self) {
        // When timed is dead or dies over this, it is told again when it is back.
        let _told = self.govern(POWERD, Govern::Hint { hint_ns: self.powerd.hint().0 });
    }

    pub(super) fn plug(&mut self, begins: bool) {
        self.charging = begins;
        self.recorder.record(&record(self.now, Kind::Charger, "", "", begins.into()));
        if self.supply == Supply::Off {
            if begins && self.gauge == FLAT {
                self.queue.plan(self.now.after(Nanos::from_millis(300_000)), Event::Boot, self.step);
            }
            return;
        }
        self.interrupt(Cause::Charger, "");
        self.hear_battery();
        let activity = if begins { Activity::Begins } else { Activity::Ends };
        let effects = self.standbyd.charging(activity, self.now);
        self.hold_back(effects);
    }

    pub(super) fn lock_taken(&mut self, app: usize, grant: Grant, lock: &LockUse) {
        let holder = &self.apps[app];
        let id = grant.id.to_wire();
        self.recorder.record(&record(self.now, Kind::LockTaken, &holder.name, lock.name.as_str(), id));
        let Some(task) = holder.task else { return };
        let asked = clipped(&format!("lock `{}`", lock.name.as_str()));
        let cause = Why::Origin(Origin::Request { task, who: holder.name.clone(), asked });
        let what = clipped(&format!("partial lock {id} of {} is held", holder.name));
        self.note(Subject::Awake(id as u32), Holds::FromNowOn, what, cause);
    }

    pub(super) fn lock_ended(&mut self, ended: &Ended) {
        let (lock, why) = (&ended.lock, ended.why.name());
        let id = lock.id().to_wire();
        self.recorder.record(&record(self.now, Kind::LockEnded, lock.who().charged(), why, id));
        let what = clipped(&format!("lock {id} ended: {why}"));
        let cause = Why::Origin(Origin::Event(what.clone()));
        self.note(Subject::Awake(id as u32), Holds::NoLonger, what, cause);
    }

    pub(super) fn powerd_is_due(&mut self) {
        for event in self.powerd.advance(self.now) {
            match event {
                LockEvent::Ended(ended) => self.lock_ended(&ended),
                LockEvent::HeldTooLong { lock, .. } => self.reported(&lock),
            }
        }
    }

    fn reported(&mut self, lock: &Lock) {
        let who = lock.who();
        self.recorder.record(&record(
            self.now,
            Kind::LockReported,
            who.charged(),
            &who.name,
            lock.id().to_wire(),
        ));
        if let Some(app) = self.apps.iter().position(|app| app.name == who.charged()) {
            self.stats.apps[app].reports += 1;
        }
    }

    /// What standby hears of an app.
    pub(super) fn signal(&mut self, app: usize, signal: Signal) {
        let effects = self.standbyd.signal(&self.apps[app].name, signal, self.now).unwrap_or_default();
        self.hold_back(effects);
    }

    pub(super) fn standbyd_is_due(&mut self) {
        if self.standby_due.is_some_and(|due| due <= self.now) {
            let effects = self.standbyd.tick(self.now);
            self.hold_back(effects);
        }
    }

    fn hold_back(&mut self, effects: Vec<Effect>) {
        for Effect { app: name, act, cause } in effects {
            let Some(app) = self.apps.iter().position(|app| app.name == name) else { continue };
            match act {
                Act::Deny(resource) => self.apps[app].denied[place(resource)] = true,
                Act::Allow(resource) => self.apps[app].denied[place(resource)] = false,
                Act::HoldTimers(hold) => self.floor(app, hold.floor()),
                Act::ReleaseTimers => self.floor(app, Nanos(0)),
                Act::Entered => self.enters_standby(app, cause.text()),
                Act::Left => self.leaves_standby(app, cause.text()),
            }
        }
        self.standby_due = self.standbyd.next_change(self.now);
    }

    /// What standbyd does when it starts about an app that it finds held back.
    pub(super) fn hold_back_no_longer(&mut self, app: usize) {
        self.apps[app].denied = [false; 2];
        self.floor(app, Nanos(0));
        self.leaves_standby(app, "standbyd was started again");
    }

    fn floor(&mut self, app: usize, floor: Nanos) {
        if let Some(task) = self.apps[app].task {
            let request = Govern::Floor { task: task.to_wire(), floor_ns: floor.0 };
            // When timed is dead or dies over this, it is told again when it is back.
            let _told = self.govern(STANDBYD, request);
        }
    }

    fn enters_standby(&mut self, app: usize, why: &'static str) {
        let held = &mut self.apps[app];
        held.in_standby = true;
        let name = held.name.clone();
        self.recorder.record(&record(self.now, Kind::StandbyEntered, &name, why, 0));
        let what = clipped(&format!("{name} is in standby: {why}"));
        let cause = Why::Origin(self.origin());
        self.note(Subject::Standby(name.clone()), Holds::FromNowOn, what, cause);
        self.powerd.stand(&name, wakelock::Standing::Suspended);
        self.live(app, lifecycle::Event::StandbyBegins);
        self.pace(app);
    }

    fn leaves_standby(&mut self, app: usize, why: &'static str) {
        let held = &mut self.apps[app];
        held.in_standby = false;
        let (name, standing) = (held.name.clone(), held.standing());
        self.recorder.record(&record(self.now, Kind::StandbyLeft, &name, why, 0));
        let what = clipped(&format!("{name} left standby: {why}"));
        let cause = Why::Origin(self.origin());
        self.note(Subject::Standby(name.clone()), Holds::NoLonger, what, cause);
        self.powerd.stand(&name, standing);
        self.live(app, lifecycle::Event::StandbyEnds);
        self.pace(app);
        self.catch_up(app);
    }

    /// Tells timed when each service wants to be woken up.
    pub(super) fn set_bells(&mut self) {
        let soon = |due, late_by| Wanted { due, late_by, tier: Tier::Ordinary };
        let powerd = Some(self.powerd.deadline()).filter(|due| *due != Nanos::NEVER);
        let wanted = [
            (POWERD, powerd.map(|due| soon(due, Nanos(0)))),
            (STANDBYD, self.standby_due.map(|due| soon(due, STANDBYD_LATE))),
            (ALARMSD, self.alarms_due.map(|alarm| ring(alarm.from, alarm.until))),
            (APPMGRD, self.appmgrd.deadline().map(|due| soon(due, Nanos(0)))),
        ];
        for (bell, wanted) in wanted {
            self.bells[bell].want(wanted, &mut self.bus.borrow_mut());
        }
    }

    /// timed may have died over a message.
    pub(super) fn look_after_timed(&mut self) {
        if self.timed_is_down || self.bus.borrow().is_up() {
            return;
        }
        self.timed_is_down = true;
        self.bells.iter_mut().for_each(Bell::lost);
        self.recorder.record(&record(self.now, Kind::Fault, "timed", "died", 0));
        self.queue.plan(self.now.after(TIMED_RESTARTS), Event::TimedBack, self.step);
    }

    /// timed is there again, and knows nothing: who wants something of it says so.
    pub(super) fn timed_back(&mut self) {
        self.interrupt(Cause::Fault, "timed");
        self.start_timed();
        for app in 0..self.apps.len() {
            self.read(app);
            self.settle_beats(app, true);
        }
    }

    pub(super) fn start_timed(&mut self) {
        self.timed_is_down = false;
        self.disturbed = self.now;
        let timed = self.firmware.timed(self.wall().0, self.now);
        self.bus.borrow_mut().start(timed);
        self.tell_hint();
        let floor = self.config.standby.hold().floor();
        for app in 0..self.apps.len() {
            if self.apps[app].in_standby {
                self.floor(app, floor);
            }
        }
    }

    pub(super) fn note_late(&mut self, fired: &[Fired]) {
        for fired in fired {
            let Some(app) = self.app_of(fired.task) else { continue };
            self.stats.late.add(fired.late);
            self.stats.lateness[fired.why as usize].add(fired.late);
            for bucket in self.stats.at(self.now) {
                bucket.late[fired.why as usize] += 1;
            }
            if fired.late > VERY_LATE {
                let name = &self.apps[app].name;
                self.recorder.record(&record(self.now, Kind::Late, name, fired.why.text(), fired.late.0));
            }
            if matches!(fired.why, Late::Standby | Late::SetLate) && fired.late > VERY_LATE {
                let ms = fired.late.0 / 1_000_000;
                let what = clipped(&format!(
                    "a timer of {} is {ms} ms late: {}",
                    self.apps[app].name,
                    fired.why.text()
                ));
                let cause = Why::Origin(Origin::Event(clipped(fired.why.text())));
                self.note(Subject::Late(fired.id), Holds::Once, what, cause);
            }
        }
    }

    /// What residency says adds up to what it is about.
    pub(super) fn sample_residency(&mut self) -> Result<(), Violation> {
        if self.now.since(self.residency.at()) < SAMPLED {
            return Ok(());
        }
        let wrong = |what: String| Violation::new(Invariant::ResidencyAddsUp, self.now, what);
        let counters = self.harts.counters();
        self.residency.record(self.now, &counters).map_err(|refusal| wrong(refusal.to_string()))?;
        let range = power_residency::Range::Status;
        let window = self.residency.window(range, power_residency::Of::All);
        let window = window.map_err(|refusal| wrong(refusal.to_string()))?;
        let (total, length) =
            (window.spent.total().0, window.to.since(window.from).0 * counters.len() as u64);
        if total != length {
            return Err(wrong(format!("a window of {length} ns of hart time adds up to {total} ns")));
        }
        Ok(())
    }

    /// For the statistics: whose locks count.
    pub(super) fn note_locks(&mut self) {
        for bucket in self.stats.at(self.now) {
            bucket.battery = self.gauge.get();
        }
        let locks = self.powerd.locks();
        for app in &mut self.apps {
            app.locks_count =
                locks.iter().any(|lock| lock.counts() && lock.who().charged() == app.name.as_str());
        }
    }

    pub(super) fn note(&mut self, subject: Subject, holds: Holds, what: explain::Text, cause: Why) {
        // Causes are origins, which are never refused.
        let _seq = self.log.note(Decision { at: self.now, subject, holds, what, cause });
    }

    /// The device is switched on, with what the disk has kept.
    pub(super) fn boot(&mut self) {
        if self.supply == Supply::On || (self.gauge == FLAT && !self.charging) {
            return;
        }
        self.supply = Supply::On;
        self.residency = residency(&self.config, &self.harts, self.now);
        let _cold = self.harts.interrupt(Nanos::from_millis(800), false, |_| Nanos(0));
        self.start_timed();
        let mode = self.plan.policy.mode;
        let _silent = self.powerd.hear(Input::Setting(Some(mode.into())));
        self.hear_battery();
        let decision = self.powerd.speak();
        self.mode_is(decision);
        if self.charging {
            let effects = self.standbyd.charging(Activity::Begins, self.now);
            self.hold_back(effects);
        }
        self.restore_alarms();
        self.install_apps();
    }
}

const fn place(resource: Resource) -> usize {
    match resource {
        Resource::Network => crate::scenario::Resource::Network as usize,
        Resource::Sensors => crate::scenario::Resource::Sensor as usize,
    }
}

/// An alarm on the dot needs a timer of the alarm tier; one with a window does not.
fn ring(from: Nanos, until: Nanos) -> Wanted {
    let late_by = until.since(from);
    let tier = if late_by == Nanos(0) { Tier::AlarmClock } else { Tier::Ordinary };
    Wanted { due: from, late_by, tier }
}
