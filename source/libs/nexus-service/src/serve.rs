//! The loop.

use nexus_abi::{MESSAGE_BYTES_MAX, Nanos};
use nexus_wire::{Malformed, Protocol, Status, Words, decode, encode};

use crate::{AnswerOf, Call, Closed, Effects, Event, RequestOf, Service, Transport, only};

/// Runs `service` until the transport closes. Each turn is one event, then one tick, at the same moment.
pub fn serve<S: Service, T: Transport>(service: &mut S, transport: &mut T) -> Closed {
    // Made once: clearing them for every message would cost more than most messages.
    let (mut inbox, mut outbox) = ([0; MESSAGE_BYTES_MAX], [0; MESSAGE_BYTES_MAX]);
    let inbox = &mut inbox[..S::Protocol::REQUEST_BYTES];
    let mut effects = Effects::new();
    let mut now = transport.now();
    loop {
        let deadline = service.tick(now, &mut effects);
        apply::<S, T>(&mut effects, transport, &mut outbox);
        match transport.next(inbox, deadline) {
            Ok(event) => {
                now = transport.now();
                deliver(service, transport, event, inbox, now, &mut effects);
            }
            Err(closed) => return closed,
        }
    }
}

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
                Err(Malformed) => transport.answer(ticket, only(Status::Malformed), &[]),
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

/// A request is in the bytes, or in the words if there are none.
fn read<S: Service>(words: &Words, bytes: &[u8]) -> Result<RequestOf<S>, Malformed> {
    match bytes {
        [] => S::Protocol::request_from_words(words),
        bytes => decode(bytes),
    }
}

/// Carries out what the service wants and leaves nothing behind.
fn apply<S: Service, T: Transport>(effects: &mut Effects<AnswerOf<S>>, transport: &mut T, outbox: &mut [u8]) {
    for ticket in effects.abandoned.drain(..) {
        transport.abandon(ticket);
    }
    for (target, bits) in effects.notes.drain(..) {
        transport.notify(target, bits);
    }
    for (ticket, answer) in effects.answers.drain(..) {
        if let Some(mut words) = S::Protocol::answer_to_words(&answer) {
            words[0] = Status::InWords.to_wire();
            transport.answer(ticket, words, &[]);
            continue;
        }
        match encode(&answer, outbox) {
            Ok(bytes) => transport.answer(ticket, only(Status::Answered), bytes),
            Err(_) => transport.answer(ticket, only(Status::AnswerTooLong), &[]),
        }
    }
    for handle in effects.closed.drain(..) {
        transport.close(handle);
    }
}
