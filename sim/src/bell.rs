//! The one timer of a service: set anew whenever its next deadline is another.

use nexus_abi::{Handle, Nanos, QosClass, ServiceId, TaskId};
use nexus_service::Caller;
use nexus_wire::timed::{Answer, Request, Tier, Timer};

use crate::bus::Bus;

/// When a service wants to be woken up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wanted {
    /// From this moment on.
    pub due: Nanos,
    /// And at most so much later.
    pub late_by: Nanos,
    /// What for.
    pub tier: Tier,
}

/// The timer.
#[derive(Debug)]
pub struct Bell {
    caller: Caller,
    handle: Handle,
    /// As timed has it; nothing when it has fired or timed was started anew.
    set: Option<(u64, Wanted)>,
    listens: bool,
}

impl Bell {
    /// Of a service.
    pub fn new(service: ServiceId, handle: Handle) -> Self {
        // Services come first in the table of tasks, by their identity.
        let task = TaskId::new(service.0, 1);
        let caller = Caller { task, service, class: QosClass::Interactive };
        Self { caller, handle, set: None, listens: false }
    }

    /// Who rings it.
    pub const fn caller(&self) -> Caller {
        self.caller
    }

    /// timed knows nothing of it any more.
    pub fn lost(&mut self) {
        self.set = None;
        self.listens = false;
    }

    /// Sees to it that it rings then. When timed dies over that, it is lost, and set again when timed is back.
    pub fn want(&mut self, wanted: Option<Wanted>, bus: &mut Bus) {
        if self.set.map(|(_, set)| set) == wanted || !bus.is_up() {
            return;
        }
        if !self.listens {
            let listening = bus.ask(self.caller, &Request::Listen { bits: 1 }, Some(self.handle));
            self.listens = matches!(listening, Ok(Answer::Listening { .. }));
        }
        let answer = match (self.set, wanted) {
            (Some((id, _)), None) => bus.ask(self.caller, &Request::Cancel { id }, None),
            (Some((id, _)), Some(wanted)) => {
                bus.ask(self.caller, &Request::Rearm { id, timer: timer(wanted) }, None)
            }
            (None, Some(wanted)) => bus.ask(self.caller, &Request::Set(timer(wanted)), None),
            (None, None) => return,
        };
        self.set = match answer {
            Ok(Answer::Set { id, .. } | Answer::Rearmed { id, .. }) => wanted.map(|wanted| (id, wanted)),
            _ => None,
        };
    }

    /// It has rung, maybe: reads what has fired.
    pub fn read(&mut self, bus: &mut Bus) {
        if let Ok(Answer::Fired { expiries, .. }) = bus.ask(self.caller, &Request::Fired, None)
            && expiries.iter().any(|expiry| self.set.is_some_and(|(id, _)| id == expiry.id))
        {
            self.set = None;
        }
    }
}

const fn timer(wanted: Wanted) -> Timer {
    let Wanted { due, late_by, tier } = wanted;
    Timer { due_ns: due.0, period_ns: None, late_by_ns: late_by.0, tier }
}
