//! The message bus: requests to timed as they travel on the device, with the faults that a device meets.
//!
//! Each request is encoded, kernel-stamped with its caller, given to the service in memory and answered, like the
//! kernel does it; [`Link`] is what `nexus-time` talks through. All that passes is also given to [`Promise`].

use std::cell::RefCell;
use std::rc::Rc;

use nexus_abi::{Error, Handle, Nanos, ServiceId};
use nexus_service::memory::{Bench, Outcome};
use nexus_service::{AnswerOf, Call, Caller, Effects, RequestOf, Service};
use nexus_wire::timed::{Answer, Request, Timed as Protocol};

use crate::promise::Promise;
use crate::violation::{Invariant, Violation};

/// A service that speaks timed's messages.
pub type DynTimed = Box<dyn Service<Protocol = Protocol>>;

/// When a service that is to die does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Death {
    /// Before it has read the message.
    Before,
    /// After it has carried out what it says, and before its answer is sent.
    After,
}

/// The bus.
pub struct Bus {
    bench: Option<Bench<Slot>>,
    /// The moment it is.
    pub now: Nanos,
    /// What is promised.
    pub promise: Promise,
    /// Messages so far.
    pub messages: u64,
    /// After so many more messages timed dies, like this.
    dies_in: Option<(u64, Death)>,
    violation: Option<Violation>,
}

/// timed, whatever it is made of.
struct Slot(DynTimed);

impl Service for Slot {
    type Protocol = Protocol;

    fn call(&mut self, call: Call<'_, RequestOf<Self>>, now: Nanos, effects: &mut Effects<AnswerOf<Self>>) {
        self.0.call(call, now, effects);
    }

    fn bits(&mut self, bits: u64, now: Nanos, effects: &mut Effects<AnswerOf<Self>>) {
        self.0.bits(bits, now, effects);
    }

    fn tick(&mut self, now: Nanos, effects: &mut Effects<AnswerOf<Self>>) -> Nanos {
        self.0.tick(now, effects)
    }
}

impl Bus {
    /// Without timed.
    pub fn new(now: Nanos) -> Self {
        let promise = Promise::default();
        Self { bench: None, now, promise, messages: 0, dies_in: None, violation: None }
    }

    /// timed starts, and knows nothing.
    pub fn start(&mut self, timed: DynTimed) {
        let mut bench = Bench::new(Slot(timed));
        bench.run_until(self.now);
        self.bench = Some(bench);
        self.promise = Promise::default();
    }

    /// timed is gone, with all it knew.
    pub fn stop(&mut self) {
        self.bench = None;
        self.promise = Promise::default();
        self.dies_in = None;
    }

    /// True when there is a timed to talk to.
    pub const fn is_up(&self) -> bool {
        self.bench.is_some()
    }

    /// timed dies at one of the messages to come.
    pub fn kill_after(&mut self, messages: u64, death: Death) {
        self.dies_in = Some((messages, death));
    }

    /// When timed has to be woken up.
    pub fn deadline(&self) -> Nanos {
        self.bench.as_ref().map_or(Nanos::NEVER, Bench::deadline)
    }

    /// The machine is awake at `now`: timed fires what it can.
    pub fn wake(&mut self, now: Nanos) {
        self.now = now;
        if let Some(bench) = &mut self.bench {
            let rings_now = bench.deadline() == now;
            bench.run_until(now);
            // Nobody has looked at the clock unless a deadline was at this moment.
            if !rings_now {
                bench.run_until(now);
            }
            self.promise.tick(now);
        }
    }

    /// Bits that timed has set since this was asked last: whose, by the handle that was given.
    pub fn take_notes(&mut self) -> Vec<Handle> {
        let notes = self.bench.as_mut().map(Bench::take_notes).unwrap_or_default();
        notes.into_iter().map(|(_, handle, _)| handle).collect()
    }

    /// Asks timed, as the kernel would carry it.
    pub fn ask(
        &mut self,
        caller: Caller,
        request: &Request,
        attached: Option<Handle>,
    ) -> Result<Answer, Error> {
        if self.bench.is_none() {
            return Err(Error::Dead);
        }
        self.messages += 1;
        let death = self.death();
        if death == Some(Death::Before) {
            self.stop();
            return Err(Error::Dead);
        }
        let bench = self.bench.as_mut().ok_or(Error::Dead)?;
        if bench.now() < self.now {
            bench.run_until(self.now);
        }
        // It looks at the clock before it reads the message.
        self.promise.tick(self.now);
        let id = bench.call_with(caller, request, attached);
        let outcome = bench.take_outcome(id);
        bench.forget_closed();
        if death == Some(Death::After) {
            self.stop();
            return Err(Error::Dead);
        }
        let Ok(Outcome::Answered(answer)) = outcome else { return Err(Error::Invalid) };
        if let Err(violation) = self.promise.heard(caller, request, &answer, self.now) {
            self.violation.get_or_insert(violation);
        }
        Ok(answer)
    }

    /// Whether what timed does is what it has promised.
    pub fn check(&mut self) -> Result<(), Violation> {
        if let Some(violation) = self.violation.take() {
            return Err(violation);
        }
        let (is, must) = (self.deadline(), self.promise.deadline());
        if is != must {
            let what = match must.since(is) {
                Nanos(0) => format!("it wakes up {} ns after a window has ended", is.since(must).0),
                early => format!("it wakes up {} ns before it has to", early.0),
            };
            return Err(Violation::new(Invariant::WakesWhenItMust, self.now, what));
        }
        Ok(())
    }

    fn death(&mut self) -> Option<Death> {
        let (left, death) = self.dies_in?;
        self.dies_in = left.checked_sub(1).map(|left| (left, death));
        (left == 0).then_some(death)
    }
}

/// The bus as `nexus-time` knows it, for one task.
pub struct Link {
    /// The bus.
    pub bus: Rc<RefCell<Bus>>,
    /// The task.
    pub caller: Caller,
    /// Where it is told of expiries.
    pub notification: Handle,
}

impl nexus_time::Link for Link {
    fn ask(&mut self, request: &Request) -> Result<Answer, Error> {
        self.bus.borrow_mut().ask(self.caller, request, None)
    }

    fn listen(&mut self, bits: u64) -> Result<Answer, Error> {
        let request = Request::Listen { bits };
        self.bus.borrow_mut().ask(self.caller, &request, Some(self.notification))
    }
}

/// The identities of services that are not in the boot image yet.
pub mod identity {
    use super::ServiceId;

    #[expect(missing_docs, reason = "each is what its name says")]
    pub const POWERD: ServiceId = ServiceId(20);
    #[expect(missing_docs, reason = "each is what its name says")]
    pub const STANDBYD: ServiceId = ServiceId(21);
    #[expect(missing_docs, reason = "each is what its name says")]
    pub const ALARMSD: ServiceId = ServiceId(22);
    #[expect(missing_docs, reason = "each is what its name says")]
    pub const APPMGRD: ServiceId = ServiceId(23);
}
