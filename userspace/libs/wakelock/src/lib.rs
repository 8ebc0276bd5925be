//! Who keeps the machine awake, and for how much longer.
//!
//! A [`WakeLocks`] is told who acquires, renews and releases locks, who died and what apps do; it answers what the
//! machine owes them all ([`WakeLocks::demand`]) and whom to blame ([`WakeLocks::iter`]).
//!
//! ```text
//!                  acquire, renew: one more reference, a later end
//!                             ┌───┐
//!              acquire        │   ▼        app suspended
//!   (no lock) ─────────────▶  active  ◀──────────────────▶  suspended
//!                               │          app restored         │
//!                               └───────────────┬───────────────┘
//!                                               ▼
//!                        last release, maximum hold over, holder dead: ended
//! ```
//!
//! 1. A lock is its holder's by name: acquiring the same name again adds a reference, and the last release ends it.
//! 2. It ends by its last release, by the end of its hold, or with its holder, and by nothing else.
//! 3. A hold has an end. To have none, or one later than [`Rules::hold_max`] from now, takes a policy rule.
//! 4. No acquiring or renewing makes an end earlier.
//! 5. A lock is charged to the app on whose behalf it is held, else to its holder's. What that app does decides
//!    whether the lock counts: those of a suspended app do not, but age and end like all others.
//! 6. A lock that counts for longer than [`Rules::report_after`] while its app is in the background is reported, once
//!    for each such stretch.
//! 7. Time is what [`WakeLocks::advance`] last said. After it, no lock is left whose end has come.
//!
//! No clock, no I/O. At most [`LOCKS_MAX`] locks of [`LOCKS_PER_TASK`] each, so every operation is bounded.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod event;
mod lock;
mod refusal;
mod request;
mod rules;
mod table;

pub use event::{End, Ended, Event};
pub use lock::{Attribution, Kind, Lock, LockId, Name, Standing};
pub use refusal::Refusal;
pub use request::{Grant, Released, Request};
pub use rules::{MaxHold, Permit, Rules};
pub use table::WakeLocks;

/// Most locks of one task: what it keeps the machine awake for should fit on a screen.
pub const LOCKS_PER_TASK: usize = 32;
/// Most locks at once: eight tasks at their limit, far beyond what a device should need.
pub const LOCKS_MAX: usize = 256;
/// Most references to one lock: more than this many open at once is a holder that forgets to release.
pub const REFERENCES_MAX: u16 = 1000;
