//! timed on the workbench, with clients that have names and a world that remembers the audit.

use std::vec::Vec;

use nexus_abi::{Handle, Nanos, QosClass, ServiceId, TaskId};
use nexus_service::Caller;
use nexus_service::memory::{Bench, CallId, Outcome};
use nexus_wire::timed::{Answer, Expiry, Govern, Listed, PAGE, Request, Tier, Timer};

use crate::{Audit, Privilege, Surroundings, Timed};

pub(super) const POWERD: ServiceId = ServiceId(20);
pub(super) const STANDBYD: ServiceId = ServiceId(21);
pub(super) const ALARMSD: ServiceId = ServiceId(22);

/// Gives each service what its name says.
#[derive(Default)]
pub(super) struct World {
    pub(super) audits: Vec<Audit>,
    /// Tasks that have died without a word.
    pub(super) dead: Vec<TaskId>,
}

impl Surroundings for World {
    fn grants(&self, service: ServiceId, privilege: Privilege) -> bool {
        match privilege {
            Privilege::Govern => service == POWERD,
            Privilege::Floor => service == STANDBYD,
            Privilege::AlarmClock => service == ALARMSD,
            Privilege::SetClock | Privilege::List => service == ServiceId::SHELL,
            Privilege::Bury => service == ServiceId::EXECD,
        }
    }

    fn is_alive(&self, task: TaskId) -> bool {
        !self.dead.contains(&task)
    }

    fn audit(&mut self, audit: Audit) {
        self.audits.push(audit);
    }
}

pub(super) struct Rig(pub(super) Bench<Timed<World>>);

impl Rig {
    pub(super) fn new() -> Self {
        Self(Bench::new(Timed::new(World::default(), None, Nanos(0))))
    }

    pub(super) fn answer(&self, id: CallId) -> Answer {
        match self.0.outcome(id) {
            Ok(Outcome::Answered(answer)) => answer,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn ask(&mut self, caller: Caller, request: Request) -> Answer {
        let id = self.0.call(caller, &request);
        self.answer(id)
    }

    pub(super) fn govern(&mut self, service: ServiceId, request: Govern) -> Answer {
        self.ask(by(service, 900), Request::Govern(request))
    }

    pub(super) fn sleep(&mut self, caller: Caller, until: Nanos) -> CallId {
        self.0.call(caller, &Request::Sleep { until_ns: until.0, late_by_ns: 0 })
    }

    pub(super) fn is_asleep(&self, id: CallId) -> bool {
        self.0.outcome(id) == Ok(Outcome::Waiting)
    }

    pub(super) fn set(&mut self, caller: Caller, timer: Timer) -> u64 {
        match self.ask(caller, Request::Set(timer)) {
            Answer::Set { id, .. } => id,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn rearm(&mut self, caller: Caller, id: u64, timer: Timer) -> (u64, bool) {
        match self.ask(caller, Request::Rearm { id, timer }) {
            Answer::Rearmed { id, was_live, .. } => (id, was_live),
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn cancel(&mut self, caller: Caller, id: u64) -> bool {
        match self.ask(caller, Request::Cancel { id }) {
            Answer::Cancelled { was_live, .. } => was_live,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn listen(&mut self, caller: Caller, target: Handle, bits: u64) {
        let id = self.0.call_with(caller, &Request::Listen { bits }, Some(target));
        assert_eq!(self.answer(id), Answer::Listening { era: 0 });
    }

    /// A page of what has fired.
    pub(super) fn page(&mut self, caller: Caller) -> Vec<Expiry> {
        match self.ask(caller, Request::Fired) {
            Answer::Fired { expiries, .. } => expiries.to_vec(),
            other => panic!("{other:?}"),
        }
    }

    /// Names and counts of what has fired.
    pub(super) fn fired(&mut self, caller: Caller) -> Vec<(u64, u64)> {
        self.page(caller).iter().map(|expiry| (expiry.id, expiry.times)).collect()
    }

    pub(super) fn list(&mut self) -> Vec<Listed> {
        let mut listed: Vec<Listed> = Vec::new();
        loop {
            let from = listed.last().map_or(0, |timer| timer.place + 1);
            let Answer::Timers(page) = self.govern(ServiceId::SHELL, Govern::List { from }) else { panic!() };
            let is_last = page.len() < PAGE;
            listed.extend(page.iter().copied());
            if is_last {
                return listed;
            }
        }
    }
}

pub(super) fn by(service: ServiceId, task: u32) -> Caller {
    Caller { task: TaskId::new(task, 1), service, class: QosClass::Normal }
}

pub(super) fn app(task: u32) -> Caller {
    by(ServiceId::APP, task)
}

pub(super) fn at_class(task: u32, class: QosClass) -> Caller {
    Caller { class, ..app(task) }
}

pub(super) fn ms(ms: u64) -> Nanos {
    Nanos::from_millis(ms)
}

pub(super) fn once(due: Nanos) -> Timer {
    Timer { due_ns: due.0, period_ns: None, late_by_ns: 0, tier: Tier::Ordinary }
}

pub(super) fn every(first: Nanos, period: Nanos) -> Timer {
    Timer { period_ns: Some(period.0), ..once(first) }
}
