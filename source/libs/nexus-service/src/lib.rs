//! How a service is run: one trait, one loop, two transports.
//!
//! A [`Service`] is a state machine. It is given a call with its kernel-stamped [`Caller`], bits, or a tick,
//! always with the moment it is, and says what shall happen through [`Effects`]. [`serve`] runs it over a
//! [`Transport`]: the kernel's (`os`, on the device) or [`memory`], where tests and the simulator move the
//! clock. Both run the very same object and the very same loop.
//!
//! ```text
//!            ┌──────────── serve ────────────┐
//!   message ─┤ decode ─▶ call(caller, …, now)├─▶ Effects ─▶ answers (now or later)
//!   bits ────┤           bits(…, now)        │              bits set elsewhere
//!   deadline ┤           tick(now) ──────────┼─▶ next deadline   handles closed
//!            └───────────────────────────────┘
//! ```
//!
//! - An answer may come later: the [`Ticket`] of a call is kept until then. It can be used once, by its type.
//! - A request that cannot be read is answered [`Status::Malformed`] by the loop and never reaches the
//!   service; a handle that came with it is closed.
//! - Buffers are one message each way; the number of tickets kept is the service's to bound.

#![cfg_attr(not(test), no_std)]

extern crate alloc;

pub mod memory;
#[cfg(all(target_arch = "riscv64", target_os = "none"))]
pub mod os;
mod serve;

pub use serve::serve;

use alloc::vec::Vec;

use nexus_abi::{Handle, Nanos, QosClass, ServiceId, TaskId};
use nexus_wire::{Protocol, Status, Words};

/// A service as a state machine: no I/O and no clock of its own.
pub trait Service {
    /// What it can be asked.
    type Protocol: Protocol;

    /// Somebody asks. Answer through `effects`, now or in a later step; until then keep the ticket.
    fn call(&mut self, call: Call<'_, RequestOf<Self>>, now: Nanos, effects: &mut Effects<AnswerOf<Self>>);

    /// Bits were set at the service's endpoint: an interrupt, the death of a task, a nudge.
    fn bits(&mut self, bits: u64, now: Nanos, effects: &mut Effects<AnswerOf<Self>>);

    /// Do what is due at `now` and say when to be called again. Comes after every event.
    fn tick(&mut self, now: Nanos, effects: &mut Effects<AnswerOf<Self>>) -> Nanos;
}

/// The requests of a service.
pub type RequestOf<S> = <<S as Service>::Protocol as Protocol>::Request;
/// The answers of a service.
pub type AnswerOf<S> = <<S as Service>::Protocol as Protocol>::Answer;

/// Who asks, by the kernel's word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Caller {
    /// The task.
    pub task: TaskId,
    /// Its identity.
    pub service: ServiceId,
    /// The class it runs at.
    pub class: QosClass,
}

/// A request that could be read.
#[derive(Debug)]
pub struct Call<'a, R> {
    /// Who asks.
    pub caller: Caller,
    /// For what.
    pub request: R,
    /// Answers it, once.
    pub ticket: Ticket,
    /// The handle that came along; closed after the call unless taken.
    pub attached: &'a mut Option<Handle>,
}

/// The right to answer one call. Not copied and not made up: giving it away is answering.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a caller waits for this ticket's answer"]
pub struct Ticket(Handle);

/// What a service wants to happen. At most one answer per ticket, so as bounded as the tickets are; of bits and
/// handles to close a service says no more in one step than it keeps handles.
///
/// Most steps want one answer and nothing else, which takes no memory and one look to carry out.
#[derive(Debug)]
pub struct Effects<A> {
    /// The first answer of the step.
    first: Option<(Ticket, A)>,
    /// Whether there is anything in `rest`.
    has_rest: bool,
    rest: Rest<A>,
}

/// All but the first answer.
#[derive(Debug)]
struct Rest<A> {
    answers: Vec<(Ticket, A)>,
    /// Those who get this answer.
    gathered: Vec<Ticket>,
    common: Option<A>,
    abandoned: Vec<Ticket>,
    notes: Vec<(Handle, u64)>,
    closed: Vec<Handle>,
}

impl<A> Effects<A> {
    /// Nothing yet.
    pub const fn new() -> Self {
        let rest = Rest {
            answers: Vec::new(),
            gathered: Vec::new(),
            common: None,
            abandoned: Vec::new(),
            notes: Vec::new(),
            closed: Vec::new(),
        };
        Self { first: None, has_rest: false, rest }
    }

    /// Answers a call.
    #[inline(always)]
    pub fn answer(&mut self, ticket: Ticket, answer: A) {
        if self.first.is_none() {
            self.first = Some((ticket, answer));
        } else {
            self.rest().answers.push((ticket, answer));
        }
    }

    /// Keeps a call for [`Self::answer_gathered`].
    #[inline(always)]
    pub fn gather(&mut self, ticket: Ticket) {
        self.rest.gathered.push(ticket);
    }

    /// Answers all gathered calls alike, if there are any; later in the same step it counts for all of them.
    #[inline(always)]
    pub fn answer_gathered(&mut self, answer: A) {
        if !self.rest.gathered.is_empty() {
            self.rest().common = Some(answer);
        }
    }

    /// Gives up on a call whose caller is known not to wait any more; should it wait after all, it sees `Dead`.
    pub fn abandon(&mut self, ticket: Ticket) {
        self.rest().abandoned.push(ticket);
    }

    /// Sets bits at a notification that the service was given.
    pub fn notify(&mut self, target: Handle, bits: u64) {
        self.rest().notes.push((target, bits));
    }

    /// Closes a handle that the service took, after everything else in this step.
    pub fn close(&mut self, handle: Handle) {
        self.rest().closed.push(handle);
    }

    const fn rest(&mut self) -> &mut Rest<A> {
        self.has_rest = true;
        &mut self.rest
    }
}

impl<A> Default for Effects<A> {
    fn default() -> Self {
        Self::new()
    }
}

/// An answer on its way, of which the first word is the status.
#[derive(Debug)]
pub struct Reply<'a> {
    /// Whose it is.
    pub ticket: Ticket,
    /// Its words.
    pub words: Words,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// What carries messages to a service and answers back.
pub trait Transport {
    /// The moment it is.
    fn now(&mut self) -> Nanos;

    /// Hands over an answer. The caller may be gone; that is nobody's error.
    fn answer(&mut self, reply: Reply<'_>);

    /// The same for several callers that are told the same; the list is empty then.
    fn answer_all(&mut self, tickets: &mut Vec<Ticket>, words: Words, bytes: &[u8]) {
        for ticket in tickets.drain(..) {
            self.answer(Reply { ticket, words, bytes });
        }
    }

    /// Lets go of a ticket without an answer.
    fn abandon(&mut self, ticket: Ticket);

    /// Sets bits. Whoever waits for them may be gone, and what was given may be no notification; that is the giver's
    /// concern.
    fn notify(&mut self, target: Handle, bits: u64);

    /// Closes a handle nobody took, or nobody needs any more.
    fn close(&mut self, handle: Handle);

    /// Hands over the turn's last answer, if there is one, and waits for the next event until `deadline`: what came,
    /// and the moment it is then. `buffer` holds one message.
    fn next(
        &mut self,
        last: Option<Reply<'_>>,
        buffer: &mut [u8],
        deadline: Nanos,
    ) -> Result<(Event, Nanos), Closed>;
}

/// An answer that is a status and nothing else.
const fn only(status: Status) -> Words {
    [status.to_wire(), 0, 0, 0, 0, 0, 0, 0]
}

/// What a transport delivers.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// A message came; its bytes are in the buffer.
    Message {
        /// Who sent it.
        caller: Caller,
        /// Its words.
        words: Words,
        /// Bytes in the buffer.
        len: usize,
        /// Answers it.
        ticket: Ticket,
        /// A handle that came along.
        attached: Option<Handle>,
    },
    /// Bits were set.
    Bits(u64),
    /// Nothing came in time.
    DeadlinePassed,
}

/// No event will ever come again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Closed;
