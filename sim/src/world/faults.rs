//! What goes wrong.

use nexus_abi::{Nanos, ServiceId, TaskId};
use nexus_service::Caller;
use nexus_wire::timed::{Govern, Request};
use power_governor::Input;
use standby::{Activity, Signal};

use alarm_queue::{AlarmQueue, Zone};
use lifecycle::{Lifecycle, State};

use crate::bell::Bell;
use crate::event::{Event, Fault};
use crate::record::{Kind, record};
use crate::stats::Cause;
use crate::world::{Supply, World};

/// How long the device stays off when the power fails.
const DARK: Nanos = Nanos::from_millis(60_000);
/// How long a wrong clock stays wrong.
const CLOCK_WRONG: Nanos = Nanos::from_millis(600_000);

impl World<'_> {
    pub(super) fn fault(&mut self, fault: Fault) {
        if self.supply == Supply::Off {
            return;
        }
        *self.stats.faults.entry(fault.text()).or_default() += 1;
        self.recorder.record(&record(self.now, Kind::Fault, "", fault.text(), 0));
        match fault {
            Fault::TimedDies { messages, before } => {
                self.bus.borrow_mut().kill_after(messages, Fault::death(before));
            }
            Fault::PowerdDies => self.restart_powerd(),
            Fault::StandbydDies => self.restart_standbyd(),
            Fault::AlarmsdDies => {
                self.interrupt(Cause::Fault, "alarmsd");
                self.restore_alarms();
            }
            Fault::AppDies { app } => {
                if self.apps[app].task.is_some() && self.apps[app].state != State::Starting {
                    self.interrupt(Cause::Fault, &self.apps[app].name.clone());
                    self.crash(app);
                }
            }
            Fault::Delays { lasts } => self.slow_until = self.now.after(lasts),
            Fault::ClockSet { minutes } => {
                self.set_clock(minutes * 60_000_000_000);
                self.queue.plan(self.now.after(CLOCK_WRONG), Event::ClockRight, self.step);
            }
            Fault::DiskFull { lasts } => self.disk.full_until = self.now.after(lasts),
            Fault::PowerCut => {
                self.switch_off();
                self.queue.plan(self.now.after(DARK), Event::Boot, self.step);
            }
        }
    }

    /// The wall clock of the device is so much ahead of the true time from now on.
    pub(super) fn set_clock(&mut self, ahead: i64) {
        self.interrupt(Cause::User, "");
        self.clock_ahead = ahead;
        let wall = self.wall();
        let shell = Caller {
            task: TaskId::new(ServiceId::SHELL.0, 1),
            service: ServiceId::SHELL,
            class: nexus_abi::QosClass::Interactive,
        };
        let set = Request::Govern(Govern::SetWall { wall_ns: wall.0 });
        // A timed that is dead asks the clock itself when it is back.
        let _done = self.bus.borrow_mut().ask(shell, &set, None);
        self.alarms.clock_set(wall, self.now);
        self.disturbed = self.now;
        self.alarms_changed();
    }

    /// powerd has lost all locks, and who meant to hold one takes it again.
    fn restart_powerd(&mut self) {
        self.interrupt(Cause::Fault, "powerd");
        self.powerd = self.firmware.powerd(&self.config);
        // A service that starts learns what time it is.
        let _nothing = self.powerd.advance(self.now);
        let _silent = self.powerd.hear(Input::Setting(Some(self.plan.policy.mode.into())));
        self.hear_battery();
        let decision = self.powerd.speak();
        self.mode_is(decision);
        self.take_locks_again();
    }

    /// standbyd has forgotten who is in standby: it lets everybody out, and is told how apps stand.
    fn restart_standbyd(&mut self) {
        self.interrupt(Cause::Fault, "standbyd");
        for app in 0..self.apps.len() {
            if self.apps[app].in_standby {
                self.hold_back_no_longer(app);
            }
        }
        self.standbyd = self.firmware.standbyd(self.config.standby);
        let charging = if self.charging { Activity::Begins } else { Activity::Ends };
        let _nobody = self.standbyd.charging(charging, self.now);
        for app in 0..self.apps.len() {
            let (state, service) = (self.apps[app].state, self.apps[app].service);
            if self.apps[app].spec.exempt {
                self.signal(app, Signal::AllowList(Activity::Begins));
            }
            self.signal(app, Signal::AlarmClock(self.apps[app].alarm_clock));
            match state {
                State::Foreground => self.signal(app, Signal::Foreground),
                state if state.is_alive() => self.signal(app, Signal::Background),
                _ => {}
            }
            if service {
                self.signal(app, Signal::Service(Activity::Begins));
            }
        }
    }

    /// The device is without power: what is in memory is gone.
    pub(super) fn switch_off(&mut self) {
        self.supply = Supply::Off;
        self.recorder.record(&record(self.now, Kind::Fault, "", "off", 0));
        self.harts.stop();
        self.bus.borrow_mut().stop();
        self.timed_is_down = false;
        self.bells.iter_mut().for_each(Bell::lost);
        self.apps.iter_mut().for_each(super::apps::App::lose_all);
        self.powerd = self.firmware.powerd(&self.config);
        let _nothing = self.powerd.advance(self.now);
        self.standbyd = self.firmware.standbyd(self.config.standby);
        self.standby_due = None;
        self.alarms = AlarmQueue::new(Zone::UTC);
        self.alarms_due = None;
        self.appmgrd = Lifecycle::new();
        self.log = explain::Log::new();
        self.lit_until = self.now;
        self.slow_until = self.now;
        self.note_locks();
    }

    /// What would have happened to a device that is off.
    pub(super) fn missed(&mut self, event: Event) {
        if event == Event::ClockRight {
            self.clock_ahead = 0;
        }
    }
}
