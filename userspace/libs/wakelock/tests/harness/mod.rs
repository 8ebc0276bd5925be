//! Short words for what the tests say often.

#![expect(
    dead_code,
    clippy::unwrap_used,
    reason = "each test file uses its own part; a helper of tests may unwrap like a test"
)]

pub mod world;

use nexus_abi::{Nanos, TaskId};
use wakelock::{
    Attribution, End, Event, Grant, Kind, LockId, MaxHold, Name, Permit, Refusal, Request, Standing,
    WakeLocks,
};

pub const PLAIN: Permit = Permit { long_hold: false, for_others: false };
pub const MAY_HOLD_LONG: Permit = Permit { long_hold: true, for_others: false };
pub const MAY_SERVE: Permit = Permit { long_hold: false, for_others: true };

pub fn ms(ms: u64) -> Nanos {
    Nanos::from_millis(ms)
}

/// One unit of time less.
pub fn before(moment: Nanos) -> Nanos {
    Nanos(moment.0 - 1)
}

pub fn name(text: &str) -> Name {
    text.try_into().unwrap()
}

pub fn task(index: u32) -> TaskId {
    TaskId::new(index, 1)
}

/// A request by task `index`, whose app is called the same, for ten seconds.
pub fn request(index: u32, lock: &str) -> Request {
    let app = name(&format!("app{index}"));
    let who = Attribution { task: task(index), app, name: name(lock), on_behalf_of: None };
    Request { hold: Some(MaxHold::of(ms(10_000))), ..Request::new(who, Kind::Partial) }
}

pub fn hold(locks: &mut WakeLocks, index: u32, lock: &str) -> Grant {
    locks.acquire(request(index, lock), PLAIN).unwrap()
}

/// What happened, without the locks: moment, id, `None` for a report.
pub fn summary(events: &[Event]) -> Vec<(Nanos, LockId, Option<End>)> {
    let summary = |event: &Event| match event {
        Event::Ended(ended) => (event.at(), event.lock().id(), Some(ended.why)),
        Event::HeldTooLong { .. } => (event.at(), event.lock().id(), None),
    };
    events.iter().map(summary).collect()
}

/// Asserts that a refused request leaves everything as it was.
pub fn refuses(locks: &mut WakeLocks, request: Request, permit: Permit, expected: Refusal) {
    let was = locks.clone();
    assert_eq!(locks.acquire(request, permit), Err(expected));
    assert_eq!(*locks, was, "{expected}");
}

pub const STANDINGS: [Standing; 3] = [Standing::Foreground, Standing::Background, Standing::Suspended];
