//! The kernel's transport, and the client's side of a call.
//!
//! The last answer of a turn goes with the next receive, so that an ordinary request costs the service one
//! system call: answer and receive in one step.

use alloc::vec::Vec;

use nexus_abi::user::{self, Incoming, Message, Outgoing};
use nexus_abi::{Error, Handle, MESSAGE_BYTES_MAX, MESSAGE_WORDS, Nanos};
use nexus_wire::{Protocol, Status, Words, decode, encode};

use crate::{Caller, Closed, Event, Reply, Ticket, Transport, only};

/// Pause before receiving again when the task has no handle or page left for the next message. Long enough
/// not to take the hart, short enough that a caller does not notice.
const STARVED_PAUSE: Nanos = Nanos::from_millis(10);

/// Serves an endpoint.
#[derive(Debug)]
pub struct Os {
    endpoint: Handle,
}

impl Os {
    /// Serves `endpoint`, which needs RECEIVE.
    pub const fn new(endpoint: Handle) -> Self {
        Self { endpoint }
    }

    #[inline(always)]
    fn receive(
        &self,
        last: Option<Reply<'_>>,
        buffer: &mut [u8],
        deadline: Nanos,
    ) -> Result<Incoming, Error> {
        match last {
            None if buffer.is_empty() => user::receive_words(self.endpoint, deadline),
            None => user::receive(self.endpoint, buffer, deadline),
            Some(Reply { ticket: Ticket(reply), words, bytes: [] }) if buffer.is_empty() => {
                user::reply_receive_until(self.endpoint, reply, words, deadline)
            }
            Some(Reply { ticket: Ticket(reply), words, bytes }) => {
                let out = outgoing(words, bytes);
                user::reply_receive_with(self.endpoint, reply, out, buffer, deadline)
            }
        }
    }
}

/// Sees to it that receiving again makes sense after it has failed, with an answer to `reply` or without.
// It returns next to nothing: whoever is told much by a call has what it is told in memory, then and always.
#[cold]
#[inline(never)]
fn mend(reply: Option<Handle>, error: Error) -> Result<(), Closed> {
    match (reply, error) {
        // Only the reply can fail like this, and its handle is still there.
        (
            Some(reply),
            Error::TooLong | Error::PeerFull | Error::Denied | Error::BadAddress | Error::Invalid,
        ) => answer_status_only(reply),
        (reply, Error::OverQuota | Error::NoMemory) => {
            if let Some(reply) = reply {
                // It was not given, and what it said is gone: the caller hears `Dead`, and its place here is free.
                let _gone = user::handle_close(reply);
            }
            // POLL: nobody is told that memory is free again.
            user::sleep_until(user::clock_now().after(STARVED_PAUSE));
        }
        _ => return Err(Closed),
    }
    Ok(())
}

impl Transport for Os {
    fn now(&mut self) -> Nanos {
        user::clock_now()
    }

    fn answer(&mut self, reply: Reply<'_>) {
        answer_one(reply);
    }

    fn answer_all(&mut self, tickets: &mut Vec<Ticket>, words: Words, bytes: &[u8]) {
        let [first, second, ref others @ ..] = words;
        let are_two_words = bytes.is_empty() && others.iter().all(|word| *word == 0);
        let mut left = tickets.as_slice();
        while let Some((Ticket(next), others)) = left.split_first() {
            let replies = left.iter().map(|Ticket(reply)| *reply);
            match if are_two_words { user::reply_all(replies, [first, second]) } else { 0 } {
                0 => {
                    answer_one(Reply { ticket: Ticket(*next), words, bytes });
                    left = others;
                }
                given => left = left.get(given..).unwrap_or(&[]),
            }
        }
        tickets.clear();
    }

    fn abandon(&mut self, ticket: Ticket) {
        self.close(ticket.0);
    }

    fn notify(&mut self, target: Handle, bits: u64) {
        let _gone = user::notify(target, bits);
    }

    fn close(&mut self, handle: Handle) {
        // It can only fail because the handle is gone, which is what is wanted.
        let _gone = user::handle_close(handle);
    }

    #[inline(always)]
    fn next(
        &mut self,
        last: Option<Reply<'_>>,
        buffer: &mut [u8],
        deadline: Nanos,
    ) -> Result<(Event, Nanos), Closed> {
        let mut last = last;
        let event = loop {
            let answered = last.as_ref().map(|reply| reply.ticket.0);
            match self.receive(last.take(), buffer, deadline) {
                Ok(Incoming::Message(message)) if message.moment != Nanos::NEVER => {
                    return Ok((event(message), message.moment));
                }
                Ok(Incoming::Message(message)) => break event(message),
                Ok(Incoming::Bits(bits)) => break Event::Bits(bits),
                Err(Error::TimedOut) => break Event::DeadlinePassed,
                Err(error) => mend(answered, error)?,
            }
        };
        Ok((event, user::clock_now()))
    }
}

#[inline(always)]
fn event(message: Message) -> Event {
    Event::Message {
        caller: Caller {
            task: message.sender,
            service: message.stamp.service(),
            class: message.stamp.class(),
        },
        words: message.words,
        len: message.len,
        ticket: Ticket(message.reply),
        attached: message.handle,
    }
}

const fn outgoing(words: Words, bytes: &[u8]) -> Outgoing<'_> {
    Outgoing { words, bytes, handle: None }
}

fn answer_one(Reply { ticket: Ticket(reply), words, bytes }: Reply<'_>) {
    let result = match bytes {
        [] => user::reply_words(reply, words),
        bytes => user::reply(reply, outgoing(words, bytes)),
    };
    if result.is_err_and(|error| error != Error::Dead) {
        answer_status_only(reply);
    }
}

/// The caller's buffer cannot take the answer: it hears that, or, failing that too, `Dead`.
#[cold]
fn answer_status_only(reply: Handle) {
    if user::reply(reply, outgoing(only(Status::AnswerTooLong), &[])).is_err() {
        let _gone = user::handle_close(reply);
    }
}

/// Why a service could not be asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AskError {
    /// The kernel could not carry the message.
    Kernel(Error),
    /// The request is longer than a message.
    RequestTooLong,
    /// The service could not read the request, or its answer cannot be read: two versions of the protocol.
    Malformed,
    /// The answer did not fit.
    AnswerTooLong,
}

impl core::fmt::Display for AskError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Kernel(error) => error.fmt(f),
            Self::RequestTooLong => f.write_str("the request is longer than a message"),
            Self::Malformed => f.write_str("the service speaks another version of its protocol"),
            Self::AnswerTooLong => f.write_str("the answer is longer than the buffer"),
        }
    }
}

/// Asks the service behind `endpoint` and waits for its answer until `deadline`. `attached` moves along.
pub fn ask<P: Protocol>(
    endpoint: Handle,
    request: &P::Request,
    attached: Option<Handle>,
    deadline: Nanos,
) -> Result<P::Answer, AskError> {
    let mut outbox = [0; MESSAGE_BYTES_MAX];
    let mut inbox = [0; MESSAGE_BYTES_MAX];
    let (words, bytes): (_, &[u8]) = match P::request_to_words(request) {
        Some(words) => (words, &[]),
        None => {
            let bytes = encode(request, &mut outbox).map_err(|_| AskError::RequestTooLong)?;
            ([0; MESSAGE_WORDS], bytes)
        }
    };
    let out = Outgoing { words, bytes, handle: attached };
    let answer = user::call_with(endpoint, out, &mut inbox, deadline).map_err(AskError::Kernel)?;
    match Status::from_wire(answer.words[0]) {
        Some(Status::InWords) => P::answer_from_words(&answer.words).map_err(|_| AskError::Malformed),
        Some(Status::Answered) => {
            decode(inbox.get(..answer.len).unwrap_or(&[])).map_err(|_| AskError::Malformed)
        }
        Some(Status::AnswerTooLong) => Err(AskError::AnswerTooLong),
        Some(Status::Malformed) | None => Err(AskError::Malformed),
    }
}
