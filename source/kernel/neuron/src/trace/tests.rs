use super::*;
use std::vec::Vec;

fn event(number: u64) -> TraceEvent {
    TraceEvent { at_ns: number, kind: number ^ 0x5555, task: number << 8, detail: !number }
}

fn numbers(events: &[TraceEvent]) -> Vec<u64> {
    events.iter().inspect(|found| assert_eq!(**found, event(found.at_ns), "torn")).map(|e| e.at_ns).collect()
}

fn ring() -> TraceRing<8> {
    let ring = TraceRing::new();
    ring.set_enabled(true);
    ring
}

#[test]
fn events_are_read_in_order_and_in_pieces() {
    let ring = ring();
    (0..5).for_each(|number| ring.record(event(number)));
    let mut out = [TraceEvent::default(); 3];
    assert_eq!(ring.read_from(0, &mut out), (3, 3));
    assert_eq!(numbers(&out), [0, 1, 2]);
    assert_eq!(ring.read_from(3, &mut out), (2, 5));
    assert_eq!(numbers(&out[..2]), [3, 4]);
    assert_eq!(ring.read_from(5, &mut out), (0, 5));
}

#[test]
fn overwritten_events_are_skipped() {
    let ring = ring();
    (0..20).for_each(|number| ring.record(event(number)));
    let mut out = [TraceEvent::default(); 16];
    assert_eq!(ring.read_from(3, &mut out), (8, 20));
    assert_eq!(numbers(&out[..8]), [12, 13, 14, 15, 16, 17, 18, 19]);
}

#[test]
fn a_position_in_the_future_is_pulled_back_to_the_end() {
    let ring = ring();
    ring.record(event(0));
    assert_eq!(ring.read_from(u64::MAX, &mut [TraceEvent::default(); 4]), (0, 1));
    assert_eq!(ring.read_from(0, &mut []), (0, 0));
}

#[test]
fn nothing_is_recorded_while_off_and_what_was_stays() {
    let ring = TraceRing::<8>::new();
    ring.record(event(0));
    assert_eq!(ring.position(), 0);
    ring.set_enabled(true);
    ring.record(event(0));
    ring.set_enabled(false);
    ring.record(event(1));
    assert_eq!(ring.read_from(0, &mut [TraceEvent::default(); 4]), (1, 1));
}

#[test]
fn a_reader_on_another_hart_never_sees_a_torn_event() {
    const EVENTS: u64 = 300_000;
    let ring = ring();
    std::thread::scope(|scope| {
        scope.spawn(|| (0..EVENTS).for_each(|number| ring.record(event(number))));
        let (mut position, mut out) = (0, [TraceEvent::default(); 5]);
        while position < EVENTS {
            let (count, next) = ring.read_from(position, &mut out);
            let read = numbers(&out[..count]);
            let expected: Vec<u64> = (next - count as u64..next).collect();
            assert_eq!(read, expected, "events are consecutive and end before the returned position");
            assert!(next >= position);
            position = next;
        }
    });
}
