//! alarmsd: alarms set, rung, kept on the disk.

use alarm_queue::{Alarm, AlarmQueue, Grants, Kind as AlarmKind, Label, Pace, Weekly, When, Zone};
use nexus_abi::Nanos;
use standby::Signal;

use crate::record::{Kind, record};
use crate::violation::{Invariant, Violation};
use crate::world::World;

/// Apps of a scenario may set any alarm.
const GRANTS: Grants = Grants { notifications: true, exact_alarms: true };

impl World<'_> {
    /// An app that has started sees to it that its alarms are set.
    pub(super) fn set_alarms(&mut self, app: usize) {
        let (name, spec) = (self.apps[app].name.clone(), self.apps[app].spec);
        if self.alarms.count(&name) >= spec.alarm.len() {
            return;
        }
        let old: Vec<_> =
            self.alarms.alarms().filter(|(_, alarm)| alarm.app == name).map(|(id, _)| id).collect();
        for id in old {
            let _gone = self.alarms.cancel(&name, id);
        }
        for alarm in &spec.alarm {
            let Some(weekly) = Weekly::new(alarm.days.into(), alarm.at.minute) else { continue };
            let label = Label::try_from(alarm.label.as_str()).unwrap_or_default();
            let alarm =
                Alarm { app: name.clone(), label, kind: alarm.kind.into(), when: When::Weekly(weekly) };
            // Sixty-four of an app fit, and a scenario with more hears of none of the others.
            let _set = self.alarms.set(alarm, GRANTS, self.now);
        }
        self.alarms_changed();
    }

    pub(super) fn alarmsd_is_due(&mut self) -> Result<(), Violation> {
        if self.alarms_due.is_none_or(|due| due.from > self.now) {
            return Ok(());
        }
        while let Some(ring) = self.alarms.ring(self.now) {
            let planned = Nanos(self.now.0.saturating_sub(ring.late.0));
            let is_excused = ring.missed.is_some() || planned <= self.disturbed;
            if ring.alarm.kind == AlarmKind::AlarmClock && ring.late > Nanos(0) && !is_excused {
                let what =
                    format!("`{}` of {} rings {} ns late", ring.alarm.label, ring.alarm.app, ring.late.0);
                return Err(Violation::new(Invariant::AlarmsAreOnTime, self.now, what));
            }
            self.stats.alarms += 1;
            let what = if ring.missed.is_some() { "missed" } else { ring.alarm.label.as_str() };
            self.recorder.record(&record(self.now, Kind::Alarm, &ring.alarm.app, what, ring.late.0));
            self.alarms_changed();
            if let Some(app) = self.apps.iter().position(|app| app.name == ring.alarm.app) {
                self.rings(app, &ring.alarm.label);
                self.pace(app);
            }
        }
        // What is due and does not ring yet is paced: come back then.
        self.alarms_due = self.alarms.wakeup();
        Ok(())
    }

    /// Something about the alarms is another: it is saved, standby hears of alarm clocks.
    pub(super) fn alarms_changed(&mut self) {
        if self.now >= self.disk.full_until {
            self.disk.file = Some(self.alarms.save(self.now));
        }
        for app in 0..self.apps.len() {
            let next = self.alarms.next_alarm_clock(&self.apps[app].name);
            if next != self.apps[app].alarm_clock {
                self.apps[app].alarm_clock = next;
                self.signal(app, Signal::AlarmClock(next));
            }
        }
        self.alarms_due = self.alarms.wakeup();
    }

    /// In standby an app's next alarm waits for the maintenance window after its moment.
    pub(super) fn pace(&mut self, app: usize) {
        let name = self.apps[app].name.clone();
        if self.alarms.count(&name) == 0 {
            return;
        }
        // As if it were not in standby: its moment.
        let _known =
            self.alarms.set_pace(&name, Pace { quota: self.config.alarms, ..Pace::IN_USE }, self.now);
        if self.apps[app].in_standby {
            let ids = self.alarms.alarms().filter(|(_, alarm)| alarm.app == name).map(|(id, _)| id);
            let next = ids.filter_map(|id| self.alarms.standing(id)?.rings_from).min();
            let hold = self.config.standby.hold();
            let not_before = hold.window(next.unwrap_or(self.now).max(self.now));
            let _known =
                self.alarms.set_pace(&name, Pace { quota: self.config.alarms, not_before }, self.now);
        }
        self.alarms_due = self.alarms.wakeup();
    }

    /// alarmsd starts, with what the disk has kept.
    pub(super) fn restore_alarms(&mut self) {
        self.disturbed = self.now;
        let wall = self.wall();
        let file = self.disk.file.as_deref();
        let restored = file.and_then(|file| AlarmQueue::restore(file, Zone::UTC, Some(wall), self.now).ok());
        self.alarms = restored.unwrap_or_else(|| {
            let mut empty = AlarmQueue::new(Zone::UTC);
            empty.clock_set(wall, self.now);
            empty
        });
        self.alarms.set_quota(self.config.alarms);
        for app in 0..self.apps.len() {
            if self.apps[app].task.is_some() {
                self.set_alarms(app);
            }
            self.pace(app);
        }
        self.alarms_changed();
    }
}
