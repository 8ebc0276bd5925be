//! A device of one hart, as far as its power policies go: what the services will do with the libraries, without them.
//!
//! A [`Device`] has a clock that only [`Device::at`] moves. Whatever the libraries want to happen on the way there (a
//! lock that expires, an app that enters standby) happens at its own moment. So a scenario is a table of (time, event,
//! expected), and expectations are equalities.

#![forbid(unsafe_code)]

use std::collections::BTreeMap;

use nexus_abi::{IdleLevel, Nanos, QosClass, TaskId};
use power_config::PowerConfig;
use power_governor::{Governor, Input, Locks, Mode, Percent, Supply};
use power_residency::{Idle, Residency};
use standby::{Act, App, Effect, Resource, Signal, Standby};
use timer_coalescer::Tier;
use timer_coalescer::compose::{Promise, Regime, Terms, compose};
use wakelock::{Attribution, Grant, Kind, LockId, Permit, Request, WakeLocks};

/// Something happens.
#[derive(Clone, Copy, Debug)]
pub enum Event {
    /// Nothing: somebody looks.
    Look,
    /// A person sets a mode, or takes that back.
    Set(Option<Mode>),
    /// The battery is read.
    Battery(u8, Supply),
    /// The hart has something to run.
    Run,
    /// The hart has nothing to run, and expects that for so many milliseconds.
    Rest(u64),
    /// A task acquires a lock of this name.
    Acquire(u32, &'static str, Kind),
    /// A task releases its lock of this name.
    Release(u32, &'static str),
    /// A task dies.
    Die(u32),
    /// Something is known of an app.
    App(&'static str, Signal),
}

/// Whether the screen may go off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Screen {
    /// As its settings say.
    Free,
    /// Somebody keeps it on.
    KeptOn,
}

/// What is to be seen of the device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct View {
    /// The hint for `timed`, in milliseconds.
    pub hint_ms: u64,
    /// What the hart does.
    pub level: IdleLevel,
    /// What the screen may do.
    pub screen: Screen,
}

/// What is done to an app in standby: nothing to others.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Restraint {
    /// The shortest delay of its timers.
    pub floor: Nanos,
    /// What it goes without.
    pub denied: Vec<Resource>,
}

/// The device.
#[derive(Debug)]
pub struct Device {
    now: Nanos,
    governor: Governor,
    locks: WakeLocks,
    names: BTreeMap<(u32, &'static str), LockId>,
    standby: Standby,
    restraints: BTreeMap<App, Restraint>,
    /// How much idleness the hart expects; zero while it runs.
    expected: Nanos,
    level: IdleLevel,
    counters: Idle,
    residency: Residency,
}

impl Device {
    /// One that has just booted; the governor has spoken.
    pub fn new(config: PowerConfig) -> Self {
        let mut governor = Governor::new(config.governor);
        governor.speak();
        let none = [Idle::default()];
        let Ok(residency) = Residency::with_windows(config.residency, Nanos(0), &none) else {
            unreachable!("there is one hart")
        };
        Self {
            now: Nanos(0),
            governor,
            locks: WakeLocks::new(config.wakelocks),
            names: BTreeMap::new(),
            standby: Standby::new(config.standby),
            restraints: BTreeMap::new(),
            expected: Nanos(0),
            level: IdleLevel::L0,
            counters: Idle::default(),
            residency,
        }
    }

    /// It becomes `ms`, and then `event` happens.
    ///
    /// # Panics
    ///
    /// When a library refuses something: scenarios are about what is allowed.
    pub fn at(&mut self, ms: u64, event: Event) -> View {
        self.pass(Nanos::from_millis(ms));
        self.happen(event);
        self.decide();
        View {
            hint_ms: self.governor.hint().0 / 1_000_000,
            level: self.level,
            screen: if self.locks.demand() == Some(Kind::Full) { Screen::KeptOn } else { Screen::Free },
        }
    }

    /// Where the time of the hart went.
    pub const fn residency(&self) -> &Residency {
        &self.residency
    }

    /// The locks that are held.
    pub const fn locks(&self) -> &WakeLocks {
        &self.locks
    }

    /// What is done to an app.
    pub fn restraint(&self, app: &str) -> Restraint {
        self.restraints.iter().find(|(name, _)| *name == app).map(|(_, its)| its.clone()).unwrap_or_default()
    }

    /// What `timed` promises to an app that asks for a timer.
    pub fn timer(&self, app: &str, tier: Tier, delay: Nanos) -> Promise {
        let terms = Terms { class: QosClass::Normal, tier, delay, wish: Nanos(0) };
        compose(terms, Regime { hint: self.governor.hint(), floor: self.restraint(app).floor })
    }

    /// Time passes up to `to`, stopping wherever a library wants to be called.
    fn pass(&mut self, to: Nanos) {
        while self.now < to {
            let changes = self.standby.next_change(self.now).unwrap_or(Nanos::NEVER);
            let next = self.locks.deadline().min(changes).min(to).max(Nanos(self.now.0 + 1));
            self.spend(next.since(self.now));
            self.now = next;
            let sample = self.residency.record(next, &[self.counters]);
            assert_eq!(sample, Ok(()), "time goes on and the hart stays");
            drop(self.locks.advance(next));
            let effects = self.standby.tick(next);
            self.carry_out(effects);
            self.decide();
        }
    }

    fn spend(&mut self, span: Nanos) {
        match self.level {
            IdleLevel::L0 => {}
            IdleLevel::L1 => self.counters += Idle { l1: span, l2: Nanos(0) },
            IdleLevel::L2 => self.counters += Idle { l1: Nanos(0), l2: span },
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Look => {}
            Event::Set(mode) => self.hear(Input::Setting(mode)),
            Event::Battery(percent, supply) => {
                self.hear(Input::Battery { charge: Percent::clamped(percent), supply });
            }
            Event::Run => self.expected = Nanos(0),
            Event::Rest(ms) => self.expected = Nanos::from_millis(ms),
            Event::Acquire(index, name, kind) => {
                let Grant { id, .. } = self.acquire(index, name, kind);
                self.names.insert((index, name), id);
            }
            Event::Release(index, name) => {
                let id = self.names[&(index, name)];
                let released = self.locks.release(task(index), id);
                assert!(released.is_ok(), "{name} of {index}: {released:?}");
            }
            Event::Die(index) => drop(self.locks.holder_died(task(index))),
            Event::App(app, signal) => {
                let effects = self.standby.signal(&named(app), signal, self.now);
                assert!(effects.is_ok(), "{app}: {effects:?}");
                self.carry_out(effects.unwrap_or_default());
            }
        }
    }

    fn hear(&mut self, input: Input) {
        // Whether it says something else now is seen by looking.
        let _decision = self.governor.hear(input);
    }

    fn acquire(&mut self, index: u32, name: &str, kind: Kind) -> Grant {
        let app = named(&format!("app{index}"));
        let who = Attribution { task: task(index), app, name: named(name), on_behalf_of: None };
        match self.locks.acquire(Request::new(who, kind), Permit::default()) {
            Ok(grant) => grant,
            Err(refusal) => panic!("{name} of {index}: {refusal}"),
        }
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for Effect { app, act, .. } in effects {
            let restraint = self.restraints.entry(app).or_default();
            match act {
                Act::Deny(resource) => restraint.denied.push(resource),
                Act::Allow(resource) => restraint.denied.retain(|denied| *denied != resource),
                Act::HoldTimers(hold) => restraint.floor = hold.floor(),
                Act::ReleaseTimers => restraint.floor = Nanos(0),
                Act::Entered | Act::Left => {}
            }
        }
    }

    fn decide(&mut self) {
        let locks = if self.locks.demand().is_some() { Locks::Held } else { Locks::None };
        self.level = self.governor.idle(self.expected, locks).level;
    }
}

fn task(index: u32) -> TaskId {
    TaskId::new(index, 1)
}

/// # Panics
///
/// When it is longer than names are.
fn named(text: &str) -> App {
    match App::try_from(text) {
        Ok(name) => name,
        Err(_) => panic!("{text} is too long for a name"),
    }
}
