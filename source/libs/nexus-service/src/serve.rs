//! The loop.

use nexus_abi::{MESSAGE_BYTES_MAX, Nanos};
use nexus_wire::{Malformed, Protocol, Status, Words, decode, encode};

use crate::{AnswerOf, Call, Closed, Effects, Event, Reply, RequestOf, Service, Ticket, Transport, only};

/// Room for one message.
type Buffer = [u8; MESSAGE_BYTES_MAX];

/// Runs `service` until the transport closes. Each turn is one event, then one tick, at the same moment.
pub fn serve<S: Service, T: Transport>(service: &mut S, transport: &mut T) -> Closed {
    // Made once: clearing them for every message would cost more than most messages.
    let (mut inbox, mut outbox) = ([0; MESSAGE_BYTES_MAX], [0; MESSAGE_BYTES_MAX]);
    turns(service, transport, &mut inbox, &mut outbox)
}

/// The turns. Apart from the buffers, because what lies beside them on the stack is far away from where the stack
/// pointer is, and takes several instructions to reach.
#[inline(never)]
fn turns<S: Service, T: Transport>(
    service: &mut S,
    transport: &mut T,
    inbox: &mut Buffer,
    outbox: &mut Buffer,
) -> Closed {
    let inbox = &mut inbox[..S::Protocol::REQUEST_BYTES];
    let mut effects = Effects::new();
    let mut now = transport.now();
    loop {
        let deadline = service.tick(now, &mut effects);
        let last = carry_out::<S, T>(&mut effects, transport, outbox);
        match transport.next(last, inbox, deadline) {
            Ok((event, moment)) => {
                now = moment;
                deliver(service, transport, event, inbox, now, &mut effects);
            }
            Err(closed) => return closed,
        }
    }
}

#[inline(always)]
fn deliver<S: Service, T: Transport>(
    service: &mut S,
    transport: &mut T,
    event: Event,
    buffer: &[u8],
    now: Nanos,
    effects: &mut Effects<AnswerOf<S>>,
) {
    match event {
        Event::Message { caller, words, len, ticket, mut attached } => {
            match read::<S>(&words, buffer.get(..len).unwrap_or(&[])) {
                Ok(request) => {
                    service.call(Call { caller, request, ticket, attached: &mut attached }, now, effects);
                }
                Err(Malformed) => answer_malformed(transport, ticket),
            }
            if let Some(untaken) = attached {
                transport.close(untaken);
            }
        }
        Event::Bits(bits) => service.bits(bits, now, effects),
        // The tick that follows every event is all there is to do.
        Event::DeadlinePassed => {}
    }
}

#[cold]
fn answer_malformed<T: Transport>(transport: &mut T, ticket: Ticket) {
    transport.answer(Reply { ticket, words: only(Status::Malformed), bytes: &[] });
}

/// A request is in the bytes, or in the words if there are none.
#[inline(always)]
fn read<S: Service>(words: &Words, bytes: &[u8]) -> Result<RequestOf<S>, Malformed> {
    match bytes {
        [] => S::Protocol::request_from_words(words),
        bytes => decode(bytes),
    }
}

/// Carries out what the service wants, but for the last answer, and leaves nothing behind.
// Where the answers are they stay until they are said: they are moved about at the size of the largest.
#[inline(always)]
fn carry_out<'b, S: Service, T: Transport>(
    effects: &mut Effects<AnswerOf<S>>,
    transport: &mut T,
    outbox: &'b mut Buffer,
) -> Option<Reply<'b>> {
    if effects.has_rest {
        carry_out_rest::<S, T>(effects, transport, outbox);
    }
    let (Ticket(handle), answer) = effects.first.as_ref()?;
    let last = reply::<S>(Ticket(*handle), answer, outbox);
    effects.first = None;
    Some(last)
}

/// All but the last answer, which is the first then.
#[inline(never)]
fn carry_out_rest<S: Service, T: Transport>(
    effects: &mut Effects<AnswerOf<S>>,
    transport: &mut T,
    outbox: &mut Buffer,
) {
    let Effects { first: last, has_rest, rest } = effects;
    *has_rest = false;
    for ticket in rest.abandoned.drain(..) {
        transport.abandon(ticket);
    }
    for (target, bits) in rest.notes.drain(..) {
        transport.notify(target, bits);
    }
    if let Some(answer) = rest.common.take() {
        let (words, bytes) = said::<S>(&answer, outbox);
        transport.answer_all(&mut rest.gathered, words, bytes);
    }
    if let Some(newest) = rest.answers.pop() {
        let before = last.replace(newest);
        for (Ticket(handle), answer) in before.iter().chain(&rest.answers) {
            transport.answer(reply::<S>(Ticket(*handle), answer, outbox));
        }
        rest.answers.clear();
    }
    for handle in rest.closed.drain(..) {
        transport.close(handle);
    }
}

#[inline(always)]
fn reply<'b, S: Service>(ticket: Ticket, answer: &AnswerOf<S>, outbox: &'b mut Buffer) -> Reply<'b> {
    let (words, bytes) = said::<S>(answer, outbox);
    Reply { ticket, words, bytes }
}

/// What is said of an answer: itself, in words or in bytes, or that it is too long.
#[inline(always)]
fn said<'b, S: Service>(answer: &AnswerOf<S>, outbox: &'b mut Buffer) -> (Words, &'b [u8]) {
    if let Some(mut words) = S::Protocol::answer_to_words(answer) {
        words[0] = Status::InWords.to_wire();
        return (words, &[]);
    }
    match encode(answer, outbox) {
        Ok(bytes) => (only(Status::Answered), bytes),
        Err(_) => (only(Status::AnswerTooLong), &[]),
    }
}
