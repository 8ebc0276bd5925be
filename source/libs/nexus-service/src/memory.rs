//! The transport without a kernel: a queue of events and a clock that moves when told.
//!
//! [`Bench`] holds a service and its mail. [`Bench::run_until`] serves everything in the queue, then moves the
//! clock from deadline to deadline, never past the moment given: a day of restarts takes microseconds.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use nexus_abi::{Handle, MESSAGE_BYTES_MAX, MESSAGE_WORDS, Nanos};
use nexus_wire::{Malformed, Protocol, Status, Words, decode, encode};

use crate::{AnswerOf, Caller, Closed, Event, Reply, RequestOf, Service, Ticket, Transport, serve};

/// Deadlines at one moment after which a service is taken to spin instead of waiting.
const TURNS_WITHOUT_TIME_MAX: u32 = 1000;

const NO_WORDS: Words = [0; MESSAGE_WORDS];

/// A call made through a [`Bench`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct CallId(u64);

/// What has become of a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome<A> {
    /// Nobody has answered yet.
    Waiting,
    /// An answer came.
    Answered(A),
    /// Only a status came.
    Status(Status),
    /// The service let go of it.
    Abandoned,
}

/// A service on the workbench.
#[derive(Debug)]
pub struct Bench<S> {
    /// The service itself, open to inspection.
    pub service: S,
    wire: Wire,
}

impl<S: Service> Bench<S> {
    /// At the beginning of time, with nothing in the queue.
    pub fn new(service: S) -> Self {
        Self { service, wire: Wire::default() }
    }

    /// Asks, and serves what is in the queue.
    pub fn call(&mut self, caller: Caller, request: &RequestOf<S>) -> CallId {
        self.call_with(caller, request, None)
    }

    /// Asks with a handle attached.
    pub fn call_with(&mut self, caller: Caller, request: &RequestOf<S>, attached: Option<Handle>) -> CallId {
        if let Some(words) = S::Protocol::request_to_words(request) {
            return self.post(caller, words, &[], attached);
        }
        let mut buffer = [0; MESSAGE_BYTES_MAX];
        let bytes = encode(request, &mut buffer).unwrap_or(&[]);
        self.post(caller, NO_WORDS, bytes, attached)
    }

    /// Sends any bytes at all.
    pub fn send(&mut self, caller: Caller, bytes: &[u8], attached: Option<Handle>) -> CallId {
        self.post(caller, NO_WORDS, bytes, attached)
    }

    /// Sends any words at all.
    pub fn send_words(&mut self, caller: Caller, words: Words) -> CallId {
        self.post(caller, words, &[], None)
    }

    fn post(&mut self, caller: Caller, words: Words, bytes: &[u8], attached: Option<Handle>) -> CallId {
        let id = self.wire.enqueue(caller, words, bytes, attached);
        self.run_until(self.now());
        id
    }

    /// Sets bits, and serves what is in the queue.
    pub fn bits(&mut self, bits: u64) {
        self.wire.inbox.push_back(Mail::Bits(bits));
        self.run_until(self.now());
    }

    /// Serves the queue, then every deadline up to and including `moment`, where the clock then stands.
    pub fn run_until(&mut self, moment: Nanos) {
        self.wire.horizon = moment;
        let Closed = serve(&mut self.service, &mut self.wire);
        self.wire.now = moment;
    }

    /// The moment it is.
    pub fn now(&self) -> Nanos {
        self.wire.now
    }

    /// When the service wants to be called next.
    pub fn deadline(&self) -> Nanos {
        self.wire.deadline
    }

    /// Handles that were closed: by the loop because nobody took them, or by the service.
    pub fn closed(&self) -> &[Handle] {
        &self.wire.closed
    }

    /// Bits the service has set, in order: when, where, which.
    pub fn notes(&self) -> &[(Nanos, Handle, u64)] {
        &self.wire.notes
    }

    /// What has become of a call, which is then forgotten: for benches that run for longer than their memory.
    pub fn take_outcome(&mut self, id: CallId) -> Result<Outcome<AnswerOf<S>>, Malformed> {
        let outcome = self.outcome(id);
        self.wire.outcomes.remove(&id.0);
        outcome
    }

    /// Bits the service has set since this was asked last, in order: when, where, which.
    pub fn take_notes(&mut self) -> Vec<(Nanos, Handle, u64)> {
        core::mem::take(&mut self.wire.notes)
    }

    /// Forgets which handles were closed.
    pub fn forget_closed(&mut self) {
        self.wire.closed.clear();
    }

    /// What has become of a call.
    pub fn outcome(&self, id: CallId) -> Result<Outcome<AnswerOf<S>>, Malformed> {
        match self.wire.outcomes.get(&id.0) {
            None => Ok(Outcome::Waiting),
            Some(Sent::Abandoned) => Ok(Outcome::Abandoned),
            Some(Sent::Answer(words, bytes)) => match Status::from_wire(words[0]).ok_or(Malformed)? {
                Status::Answered => decode(bytes).map(Outcome::Answered),
                Status::InWords => S::Protocol::answer_from_words(words).map(Outcome::Answered),
                status => Ok(Outcome::Status(status)),
            },
        }
    }
}

#[derive(Debug)]
enum Mail {
    Message { caller: Caller, words: Words, bytes: Vec<u8>, id: u64, attached: Option<Handle> },
    Bits(u64),
}

#[derive(Debug)]
enum Sent {
    Answer(Words, Vec<u8>),
    Abandoned,
}

#[derive(Debug, Default)]
struct Wire {
    inbox: VecDeque<Mail>,
    outcomes: BTreeMap<u64, Sent>,
    closed: Vec<Handle>,
    notes: Vec<(Nanos, Handle, u64)>,
    calls: u64,
    now: Nanos,
    horizon: Nanos,
    deadline: Nanos,
    turns_without_time: u32,
}

impl Wire {
    fn enqueue(&mut self, caller: Caller, words: Words, bytes: &[u8], attached: Option<Handle>) -> CallId {
        self.calls += 1;
        let bytes = bytes.to_vec();
        self.inbox.push_back(Mail::Message { caller, words, bytes, id: self.calls, attached });
        CallId(self.calls)
    }

    /// Moves the clock to the deadline, unless that is past the horizon.
    fn pass_time(&mut self, deadline: Nanos) -> Result<Event, Closed> {
        if deadline > self.horizon || deadline == Nanos::NEVER {
            return Err(Closed);
        }
        self.turns_without_time = if deadline > self.now { 0 } else { self.turns_without_time + 1 };
        assert!(
            self.turns_without_time < TURNS_WITHOUT_TIME_MAX,
            "the service asks again and again for a moment that has passed"
        );
        self.now = self.now.max(deadline);
        Ok(Event::DeadlinePassed)
    }
}

impl Transport for Wire {
    fn now(&mut self) -> Nanos {
        self.now
    }

    fn answer(&mut self, Reply { ticket, words, bytes }: Reply<'_>) {
        self.outcomes.insert(ticket.0.to_wire(), Sent::Answer(words, bytes.to_vec()));
    }

    fn abandon(&mut self, ticket: Ticket) {
        self.outcomes.insert(ticket.0.to_wire(), Sent::Abandoned);
    }

    fn notify(&mut self, target: Handle, bits: u64) {
        self.notes.push((self.now, target, bits));
    }

    fn close(&mut self, handle: Handle) {
        self.closed.push(handle);
    }

    fn next(
        &mut self,
        last: Option<Reply<'_>>,
        buffer: &mut [u8],
        deadline: Nanos,
    ) -> Result<(Event, Nanos), Closed> {
        if let Some(reply) = last {
            self.answer(reply);
        }
        self.deadline = deadline;
        let event = match self.inbox.pop_front() {
            Some(mail) => {
                self.turns_without_time = 0;
                event(mail, buffer)
            }
            None => self.pass_time(deadline)?,
        };
        Ok((event, self.now))
    }
}

fn event(mail: Mail, buffer: &mut [u8]) -> Event {
    match mail {
        Mail::Bits(bits) => Event::Bits(bits),
        Mail::Message { caller, words, bytes, id, attached } => {
            let len = bytes.len().min(buffer.len());
            buffer[..len].copy_from_slice(&bytes[..len]);
            Event::Message { caller, words, len, ticket: Ticket(Handle::from_wire(id)), attached }
        }
    }
}

#[cfg(test)]
#[path = "memory_tests.rs"]
mod tests;
