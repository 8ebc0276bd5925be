//! The loop.

use nexus_abi::{MESSAGE_BYTES_MAX, Nanos};
use nexus_wire::{Status, decode, encode};

use crate::{AnswerOf, Call, Closed, Effects, Event, RequestOf, Service, Transport};

/// Runs `service` until the transport closes. Each turn is one event, then one tick.
pub fn serve<S: Service, T: Transport>(service: &mut S, transport: &mut T) -> Closed {
    // Made once: clearing them for every message would cost more than most messages.
    let (mut inbox, mut outbox) = ([0; MESSAGE_BYTES_MAX], [0; MESSAGE_BYTES_MAX]);
    let mut effects = Effects::new();
    loop {
        let deadline = service.tick(transport.now(), &mut effects);
        apply::<S, T>(&mut effects, transport, &mut outbox);
        match transport.next(&mut inbox, deadline) {
            Ok(event) => {
                let now = transport.now();
                deliver(service, transport, event, &inbox, now, &mut effects);
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
        Event::Message { caller, len, ticket, mut attached } => {
            match decode::<RequestOf<S>>(buffer.get(..len).unwrap_or(&[])) {
                Ok(request) => {
                    service.call(Call { caller, request, ticket, attached: &mut attached }, now, effects);
                }
                Err(_) => transport.answer(ticket, Status::Malformed, &[]),
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

/// Carries out what the service wants and leaves nothing behind.
fn apply<S: Service, T: Transport>(effects: &mut Effects<AnswerOf<S>>, transport: &mut T, outbox: &mut [u8]) {
    for ticket in effects.abandoned.drain(..) {
        transport.abandon(ticket);
    }
    for (target, bits) in effects.notes.drain(..) {
        transport.notify(target, bits);
    }
    for (ticket, answer) in effects.answers.drain(..) {
        match encode(&answer, outbox) {
            Ok(bytes) => transport.answer(ticket, Status::Answered, bytes),
            Err(_) => transport.answer(ticket, Status::AnswerTooLong, &[]),
        }
    }
    for handle in effects.closed.drain(..) {
        transport.close(handle);
    }
}
