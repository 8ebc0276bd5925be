//! Every timer of the device, as a state machine.
//!
//! [`Timed`] puts a service around the pure library `timer-coalescer`, which says when to wake and what fires. It
//! answers who sleeps, tells listeners what has fired, knows the wall clock, and forgets the dead.
//!
//! ```text
//!   Set ────▶ timers ──fire──▶ unread ──Fired──▶ the client
//!                │               └─ its first entry sets the listener's bits
//!   Sleep ───▶ timers ──fire──▶ the late answer
//! ```
//!
//! 1. The class that counts is the one the kernel stamped on the request; nothing in a request can narrow a window.
//! 2. A task has one thread, so a task that asks for something does not sleep: an earlier sleep of its ends then.
//! 3. Timers that live and expiries that nobody has read are bounded together.
//! 4. The tick fires what is due after every event, so being awake for any reason is used for all; the deadline it
//!    answers is the latest moment that keeps every promise.
//! 5. Of a death it hears from execd. Whoever dies without a word is found when there is no room for somebody else.
//! 6. Everybody sees the time as coarsely as a task without the right to more.
//!
//! Nothing here ever waits.

#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

mod audit;
mod clients;
mod requests;
mod surroundings;
mod wall;

pub use audit::AUDIT_PER_SECOND;
pub use clients::{LISTENERS_MAX, SLEEPERS_MAX};
pub use surroundings::{Audit, Privilege, Reason, Surroundings};

use nexus_abi::Nanos;
use nexus_service::Effects;
use nexus_wire::timed::Answer;
use timer_coalescer::{TIMERS_MAX, Timers};

use crate::audit::AuditBudget;
use crate::clients::{Client, Tally, Told};
use crate::wall::WallClock;

/// The timer authority.
#[derive(Debug)]
pub struct Timed<S> {
    surroundings: S,
    /// When it began.
    era: Nanos,
    /// With what is known of each task besides.
    timers: Timers<Client>,
    tally: Tally,
    wall: WallClock,
    audit: AuditBudget,
    /// Not before this moment it looks for dead tasks again.
    next_search: Nanos,
}

/// Between two searches for tasks that have died without a word: each asks the kernel about every client.
const SEARCH_PAUSE: Nanos = Nanos::from_millis(1_000);

impl<S: Surroundings> Timed<S> {
    /// Has no timers yet. `wall_ns` is what time it is, if anybody knows.
    pub fn new(surroundings: S, wall_ns: Option<u64>, now: Nanos) -> Self {
        Self {
            surroundings,
            era: now,
            // Who has no timers and nothing to read listens, or is being answered.
            timers: Timers::keeping(TIMERS_MAX, LISTENERS_MAX + 1),
            tally: Tally::default(),
            wall: WallClock::new(wall_ns, now),
            audit: AuditBudget::default(),
            next_search: Nanos(0),
        }
    }

    /// Fires what is due.
    #[inline]
    fn fire(&mut self, now: Nanos, effects: &mut Effects<Answer>) {
        let Self { timers, tally, .. } = self;
        while let Some(told) = timers.fire_for(now, |fired, client| client.fired(fired, tally)) {
            match told {
                Told::Sleeper(ticket) => effects.gather(ticket),
                Told::Listener(listener) => effects.notify(listener.target, listener.bits),
                Told::Nobody => {}
            }
        }
        effects.answer_gathered(Answer::Woken);
    }
}

#[cfg(test)]
mod tests;
