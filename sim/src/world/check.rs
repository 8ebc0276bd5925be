//! The rules, checked after every event.

use lifecycle::State;
use nexus_abi::{IdleLevel, Nanos};

use crate::violation::{Invariant, Violation};
use crate::world::{Supply, World};

/// How late powerd may hear that a hold is over: the window of its class. It looks at the clock before it decides
/// anything, so no lock counts for longer than it may.
const POWERD_LATE: Nanos = Nanos::from_millis(1);

impl World<'_> {
    pub(super) fn check(&mut self) -> Result<(), Violation> {
        self.check_levels()?;
        if self.supply == Supply::Off {
            return Ok(());
        }
        self.bus.borrow_mut().check()?;
        self.check_locks()?;
        self.check_standby()?;
        let shown = self.apps.iter().filter(|app| app.state == State::Foreground).count();
        if shown > 1 {
            let what = format!("{shown} apps are on the screen");
            return Err(Violation::new(Invariant::OneOnTheScreen, self.now, what));
        }
        Ok(())
    }

    /// Before an event: who cannot be put into standby at this moment counts from here.
    pub(super) fn note_who_is_spared(&mut self) {
        let charging = self.charging;
        for app in &mut self.apps {
            if charging || is_spared(app) {
                app.spared_at = self.now;
            }
        }
    }

    fn check_levels(&self) -> Result<(), Violation> {
        for (hart, [l0, l1, l2]) in self.harts.spent().enumerate() {
            let (sum, passed) = (l0.after(l1).after(l2), self.now.since(self.off));
            if sum != passed {
                let what = format!("hart {hart} has {} ns in all where {} ns have passed", sum.0, passed.0);
                return Err(Violation::new(Invariant::ResidencyAddsUp, self.now, what));
            }
        }
        Ok(())
    }

    fn check_locks(&self) -> Result<(), Violation> {
        let locks = self.powerd.locks();
        let wrong = |invariant, what| Err(Violation::new(invariant, self.now, what));
        for lock in locks.iter() {
            let who = lock.who();
            let holder = self.apps.iter().find(|app| app.task == Some(who.task));
            let Some(holder) = holder.filter(|app| app.name == who.app) else {
                let what =
                    format!("lock `{}` is held by {:?} of {}, which is dead", who.name, who.task, who.app);
                return wrong(Invariant::LocksAreAttributed, what);
            };
            if lock.end().after(POWERD_LATE) < self.now {
                let over = self.now.since(lock.end()).0;
                let what = format!("lock `{}` of {} is {over} ns past its end", who.name, holder.name);
                return wrong(Invariant::LocksAreAttributed, what);
            }
            if lock.standing() != holder.standing() {
                let what = format!("lock `{}` of {} counts as {:?}", who.name, holder.name, lock.standing());
                return wrong(Invariant::LocksAreAttributed, what);
            }
        }
        let counting = locks.iter().filter(|lock| lock.counts()).map(|lock| lock.kind()).max();
        if counting != locks.demand() {
            let what = format!("{counting:?} counts, and {:?} is demanded", locks.demand());
            return wrong(Invariant::LocksForbidL2, what);
        }
        let idle = self.powerd.idle(Nanos::NEVER);
        if counting.is_some() && idle.level == IdleLevel::L2 {
            return wrong(Invariant::LocksForbidL2, "a hart would idle at L2 while a lock counts".to_owned());
        }
        Ok(())
    }

    fn check_standby(&mut self) -> Result<(), Violation> {
        let up = self.bus.borrow().is_up();
        let bg_inactive = self.config.standby.bg_inactive();
        for app in &mut self.apps {
            let is_in = self.standbyd.is_in_standby(&app.name);
            let wrong = |invariant, what: &str| {
                Err(Violation::new(invariant, self.now, format!("{} {what}", app.name)))
            };
            if is_in && (self.charging || is_spared(app)) {
                return wrong(Invariant::StandbySparesTheUsed, "is in standby while it is in use or exempt");
            }
            let has_entered = is_in && !app.checked_in_standby;
            app.checked_in_standby = is_in;
            if has_entered && self.now.since(app.spared_at) < bg_inactive {
                return wrong(Invariant::StandbyWaits, "entered standby before its time of inactivity");
            }
            let is_floored = |task| self.bus.borrow().promise.floor(task) > Nanos(0);
            let floored = app.task.is_some_and(is_floored);
            if app.in_standby != is_in || app.denied != [is_in; 2] || (up && floored != is_in) {
                return wrong(Invariant::StandbyHoldsBack, "is held back otherwise than standby says");
            }
        }
        Ok(())
    }
}

/// True for an app that must not be in standby, whatever the time.
fn is_spared(app: &super::apps::App<'_>) -> bool {
    // An app that starts runs and is not on the screen yet.
    let is_hidden = matches!(app.state, State::Starting | State::Background | State::Standby);
    app.spec.exempt || app.service || !is_hidden
}
