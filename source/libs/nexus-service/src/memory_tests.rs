//! The loop, run over the memory transport with a service that does a little of everything.

use super::*;
use crate::{Call, Effects};
use nexus_abi::{QosClass, ServiceId, TaskId};
use nexus_wire::Protocol;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

/// Answers at once, after a delay, or when bits come.
#[derive(Default)]
struct Echo {
    later: Vec<(Nanos, Ticket, u32)>,
    on_bits: Vec<(Ticket, TaskId)>,
    taken: Vec<Handle>,
    calls: u32,
}

struct EchoProtocol;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Ask {
    Now(u32),
    After { ms: u32, value: u32 },
    OnBits,
    TakeHandle,
    Nudge { bits: u64 },
    Long,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Say {
    Value(u32),
    Bits(u64, u64),
    Long(Vec<u8>),
}

impl Protocol for EchoProtocol {
    type Request = Ask;
    type Answer = Say;
}

impl Service for Echo {
    type Protocol = EchoProtocol;

    fn call(&mut self, call: Call<'_, Ask>, now: Nanos, effects: &mut Effects<Say>) {
        self.calls += 1;
        match call.request {
            Ask::Now(value) => effects.answer(call.ticket, Say::Value(value)),
            Ask::After { ms, value } => {
                self.later.push((now.after(Nanos::from_millis(ms.into())), call.ticket, value));
            }
            Ask::OnBits => self.on_bits.push((call.ticket, call.caller.task)),
            Ask::TakeHandle => {
                self.taken.extend(call.attached.take());
                effects.answer(call.ticket, Say::Value(0));
            }
            Ask::Nudge { bits } => {
                if let Some(target) = call.attached.take() {
                    effects.close(target);
                    effects.notify(target, bits);
                }
                effects.answer(call.ticket, Say::Value(0));
            }
            Ask::Long => effects.answer(call.ticket, Say::Long(std::vec![0; MESSAGE_BYTES_MAX + 1])),
        }
    }

    fn bits(&mut self, bits: u64, _now: Nanos, effects: &mut Effects<Say>) {
        for (ticket, task) in self.on_bits.drain(..) {
            if bits == 0 {
                effects.abandon(ticket);
            } else {
                effects.answer(ticket, Say::Bits(bits, task.to_wire()));
            }
        }
    }

    fn tick(&mut self, now: Nanos, effects: &mut Effects<Say>) -> Nanos {
        while let Some(due) = self.later.iter().position(|(at, ..)| *at <= now) {
            let (_, ticket, value) = self.later.remove(due);
            effects.answer(ticket, Say::Value(value));
        }
        self.later.iter().map(|(at, ..)| *at).min().unwrap_or(Nanos::NEVER)
    }
}

fn caller(n: u32) -> Caller {
    Caller { task: TaskId::new(n, 1), service: ServiceId::APP, class: QosClass::Normal }
}

fn ms(ms: u64) -> Nanos {
    Nanos::from_millis(ms)
}

#[test]
fn an_answer_now_comes_in_the_same_turn() {
    let mut bench = Bench::new(Echo::default());
    let id = bench.call(caller(1), &Ask::Now(7));
    assert_eq!(bench.outcome(id), Ok(Outcome::Answered(Say::Value(7))));
}

#[test]
fn what_is_taken_is_forgotten_and_what_is_still_to_come_is_not() {
    let mut bench = Bench::new(Echo::default());
    let now = bench.call(caller(1), &Ask::Now(7));
    let later = bench.call(caller(2), &Ask::After { ms: 10, value: 1 });
    assert_eq!(bench.take_outcome(now), Ok(Outcome::Answered(Say::Value(7))));
    assert_eq!(bench.take_outcome(later), Ok(Outcome::Waiting));
    bench.run_until(ms(10));
    assert_eq!(bench.take_outcome(later), Ok(Outcome::Answered(Say::Value(1))));
    assert_eq!([now, later].map(|id| bench.outcome(id)), [Ok(Outcome::Waiting), Ok(Outcome::Waiting)]);

    let target = Handle::from_wire(9);
    bench.call_with(caller(1), &Ask::Nudge { bits: 4 }, Some(target));
    assert_eq!(bench.take_notes(), [(ms(10), target, 4)]);
    assert_eq!(bench.take_notes(), []);
    assert_eq!(bench.closed(), [target]);
    bench.forget_closed();
    assert_eq!(bench.closed(), []);
}

#[test]
fn a_deferred_answer_comes_at_its_deadline_and_not_before() {
    let mut bench = Bench::new(Echo::default());
    let slow = bench.call(caller(1), &Ask::After { ms: 20, value: 1 });
    let fast = bench.call(caller(2), &Ask::After { ms: 10, value: 2 });
    assert_eq!(bench.deadline(), ms(10));
    bench.run_until(Nanos(ms(10).0 - 1));
    assert_eq!(bench.outcome(fast), Ok(Outcome::Waiting));
    bench.run_until(ms(10));
    assert_eq!(bench.outcome(fast), Ok(Outcome::Answered(Say::Value(2))));
    assert_eq!(bench.outcome(slow), Ok(Outcome::Waiting));
    bench.run_until(ms(1000));
    assert_eq!(bench.outcome(slow), Ok(Outcome::Answered(Say::Value(1))));
    assert_eq!((bench.now(), bench.deadline()), (ms(1000), Nanos::NEVER));
}

#[test]
fn bits_answer_everybody_who_waits_for_them() {
    let mut bench = Bench::new(Echo::default());
    let ids = [1, 2, 3].map(|n| bench.call(caller(n), &Ask::OnBits));
    bench.bits(0b100);
    for (id, n) in ids.into_iter().zip(1..) {
        let expected = Say::Bits(0b100, TaskId::new(n, 1).to_wire());
        assert_eq!(bench.outcome(id), Ok(Outcome::Answered(expected)));
    }
}

#[test]
fn an_abandoned_call_is_told_so() {
    let mut bench = Bench::new(Echo::default());
    let id = bench.call(caller(1), &Ask::OnBits);
    bench.bits(0);
    assert_eq!(bench.outcome(id), Ok(Outcome::Abandoned));
}

#[test]
fn a_malformed_request_is_answered_and_loses_nothing() {
    let mut bench = Bench::new(Echo::default());
    let waiting = bench.call(caller(1), &Ask::OnBits);
    let garbage = bench.send(caller(2), &[0xff; 40], Some(Handle::new(9, 1)));
    assert_eq!(bench.outcome(garbage), Ok(Outcome::Status(Status::Malformed)));
    assert_eq!(bench.closed(), [Handle::new(9, 1)]);
    assert_eq!(bench.service.calls, 1, "the service never saw it");
    bench.bits(1);
    assert!(matches!(bench.outcome(waiting), Ok(Outcome::Answered(Say::Bits(1, _)))));
}

#[test]
fn a_handle_is_the_service_s_only_if_taken() {
    let mut bench = Bench::new(Echo::default());
    bench.call_with(caller(1), &Ask::TakeHandle, Some(Handle::new(1, 1)));
    bench.call_with(caller(1), &Ask::Now(0), Some(Handle::new(2, 1)));
    assert_eq!(bench.service.taken, [Handle::new(1, 1)]);
    assert_eq!(bench.closed(), [Handle::new(2, 1)]);
}

#[test]
fn bits_are_set_where_the_service_says_and_its_handles_are_closed() {
    let mut bench = Bench::new(Echo::default());
    let target = Handle::new(5, 1);
    bench.run_until(ms(3));
    let id = bench.call_with(caller(1), &Ask::Nudge { bits: 0b101 }, Some(target));
    assert_eq!(bench.outcome(id), Ok(Outcome::Answered(Say::Value(0))));
    assert_eq!((bench.notes(), bench.closed()), (&[(ms(3), target, 0b101)][..], &[target][..]));
}

#[test]
fn an_answer_longer_than_a_message_is_a_status() {
    let mut bench = Bench::new(Echo::default());
    let id = bench.call(caller(1), &Ask::Long);
    assert_eq!(bench.outcome(id), Ok(Outcome::Status(Status::AnswerTooLong)));
}

#[test]
#[should_panic(expected = "a moment that has passed")]
fn a_service_that_spins_is_caught() {
    struct Spinner;
    impl Service for Spinner {
        type Protocol = EchoProtocol;
        fn call(&mut self, _: Call<'_, Ask>, _: Nanos, _: &mut Effects<Say>) {}
        fn bits(&mut self, _: u64, _: Nanos, _: &mut Effects<Say>) {}
        fn tick(&mut self, now: Nanos, _: &mut Effects<Say>) -> Nanos {
            now
        }
    }
    Bench::new(Spinner).run_until(ms(1));
}

proptest! {
    #[test]
    fn every_call_is_answered_exactly_once(
        asks in proptest::collection::vec((0u8..4, 0u32..50), 0..60),
    ) {
        let mut bench = Bench::new(Echo::default());
        let mut ids = Vec::new();
        for (kind, n) in asks {
            let now = bench.now();
            match kind {
                0 => ids.push(bench.call(caller(n), &Ask::Now(n))),
                1 => ids.push(bench.call(caller(n), &Ask::After { ms: n, value: n })),
                2 => ids.push(bench.send(caller(n), &n.to_le_bytes(), None)),
                _ => bench.run_until(now.after(ms(n.into()))),
            }
        }
        bench.run_until(bench.now().after(ms(50)));
        for id in ids {
            prop_assert!(!matches!(bench.outcome(id), Ok(Outcome::Waiting | Outcome::Abandoned)));
        }
        prop_assert!(bench.service.later.is_empty());
    }
}
