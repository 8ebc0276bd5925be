//! What the simulated device runs: each part behind the smallest interface that the world needs.
//!
//! timed is the very service of the device, spoken to by messages. powerd, standbyd, alarmsd and appmgrd are no services
//! yet: their policies are driven directly, through [`Powerd`] and [`Standbyd`] where a service can take their place.
//! Tests put broken parts here, to show that the simulator notices.

use nexus_abi::{Nanos, ServiceId, TaskId};
use power_config::PowerConfig;
use power_governor::{Governor, IdleDecision, Input, Locks, ModeDecision};
use standby::{Activity, App, Config, Effect, Refusal as StandbyRefusal, Signal, Standby};
use timed::{Audit, Privilege, Surroundings, Timed};
use wakelock::{Ended, Event, Grant, LockId, Permit, Refusal, Released, Request, Standing, WakeLocks};

use crate::bus::{DynTimed, identity};

/// Wake locks and the governor.
pub trait Powerd {
    /// See [`WakeLocks::acquire`].
    fn acquire(&mut self, request: Request) -> Result<Grant, Refusal>;
    /// See [`WakeLocks::release`].
    fn release(&mut self, holder: TaskId, id: LockId) -> Result<Released, Refusal>;
    /// See [`WakeLocks::holder_died`].
    fn holder_died(&mut self, holder: TaskId) -> Vec<Ended>;
    /// See [`WakeLocks::stand`]; an app without locks is no mistake.
    fn stand(&mut self, app: &str, standing: Standing);
    /// See [`WakeLocks::advance`].
    fn advance(&mut self, now: Nanos) -> Vec<Event>;
    /// See [`WakeLocks::deadline`].
    fn deadline(&self) -> Nanos;
    /// What is held, to be looked at.
    fn locks(&self) -> &WakeLocks;
    /// See [`Governor::hear`].
    fn hear(&mut self, input: Input) -> Option<ModeDecision>;
    /// See [`Governor::speak`].
    fn speak(&mut self) -> ModeDecision;
    /// See [`Governor::hint`].
    fn hint(&self) -> Nanos;
    /// How deeply to idle, with the locks as they are.
    fn idle(&self, expected: Nanos) -> IdleDecision;
}

/// Standby.
pub trait Standbyd {
    /// See [`Standby::signal`].
    fn signal(&mut self, app: &App, signal: Signal, now: Nanos) -> Result<Vec<Effect>, StandbyRefusal>;
    /// See [`Standby::charging`].
    fn charging(&mut self, charging: Activity, now: Nanos) -> Vec<Effect>;
    /// See [`Standby::tick`].
    fn tick(&mut self, now: Nanos) -> Vec<Effect>;
    /// See [`Standby::next_change`].
    fn next_change(&self, now: Nanos) -> Option<Nanos>;
    /// True for an app in standby.
    fn is_in_standby(&self, app: &App) -> bool;
}

/// All parts, made anew whenever one starts.
pub trait Firmware: Sync {
    /// timed.
    fn timed(&self, wall_ns: u64, now: Nanos) -> DynTimed {
        Box::new(Timed::new(World, Some(wall_ns), now))
    }
    /// powerd.
    fn powerd(&self, config: &PowerConfig) -> Box<dyn Powerd> {
        Box::new(Power::new(config))
    }
    /// standbyd.
    fn standbyd(&self, config: Config) -> Box<dyn Standbyd> {
        Box::new(Standby::new(config))
    }
}

/// What ships.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shipping;

impl Firmware for Shipping {}

/// Wake locks and the governor, as powerd will hold them.
#[derive(Debug)]
pub struct Power {
    locks: WakeLocks,
    governor: Governor,
}

impl Power {
    /// Nothing is held, and nothing has been said.
    pub fn new(config: &PowerConfig) -> Self {
        Self { locks: WakeLocks::new(config.wakelocks), governor: Governor::new(config.governor) }
    }

    /// How deeply to idle if the locks were these.
    pub fn idle_with(&self, expected: Nanos, locks: Locks) -> IdleDecision {
        self.governor.idle(expected, locks)
    }
}

impl Powerd for Power {
    fn acquire(&mut self, request: Request) -> Result<Grant, Refusal> {
        self.locks.acquire(request, Permit::default())
    }

    fn release(&mut self, holder: TaskId, id: LockId) -> Result<Released, Refusal> {
        self.locks.release(holder, id)
    }

    fn holder_died(&mut self, holder: TaskId) -> Vec<Ended> {
        self.locks.holder_died(holder)
    }

    fn stand(&mut self, app: &str, standing: Standing) {
        let _has_locks = self.locks.stand(app, standing);
    }

    fn advance(&mut self, now: Nanos) -> Vec<Event> {
        self.locks.advance(now)
    }

    fn deadline(&self) -> Nanos {
        self.locks.deadline()
    }

    fn locks(&self) -> &WakeLocks {
        &self.locks
    }

    fn hear(&mut self, input: Input) -> Option<ModeDecision> {
        self.governor.hear(input)
    }

    fn speak(&mut self) -> ModeDecision {
        self.governor.speak()
    }

    fn hint(&self) -> Nanos {
        self.governor.hint()
    }

    fn idle(&self, expected: Nanos) -> IdleDecision {
        let locks = if self.locks.demand().is_some() { Locks::Held } else { Locks::None };
        self.idle_with(expected, locks)
    }
}

impl Standbyd for Standby {
    fn signal(&mut self, app: &App, signal: Signal, now: Nanos) -> Result<Vec<Effect>, StandbyRefusal> {
        self.signal(app, signal, now)
    }

    fn charging(&mut self, charging: Activity, now: Nanos) -> Vec<Effect> {
        self.charging(charging, now)
    }

    fn tick(&mut self, now: Nanos) -> Vec<Effect> {
        self.tick(now)
    }

    fn next_change(&self, now: Nanos) -> Option<Nanos> {
        self.next_change(now)
    }

    fn is_in_standby(&self, app: &App) -> bool {
        self.in_standby().any(|other| other == app)
    }
}

/// What timed sees of the world: services have the privilege that their name says.
#[derive(Clone, Copy, Debug)]
struct World;

impl Surroundings for World {
    fn grants(&self, service: ServiceId, privilege: Privilege) -> bool {
        match privilege {
            Privilege::Govern => service == identity::POWERD,
            Privilege::Floor => service == identity::STANDBYD,
            Privilege::AlarmClock => service == identity::ALARMSD,
            Privilege::SetClock | Privilege::List => service == ServiceId::SHELL,
            Privilege::Bury => service == ServiceId::EXECD,
        }
    }

    /// execd tells of every death, so nobody has to be looked for.
    fn is_alive(&self, _task: TaskId) -> bool {
        true
    }

    fn audit(&mut self, _audit: Audit) {}
}
