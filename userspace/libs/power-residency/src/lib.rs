//! How long the harts have been at which idle level, lately.
//!
//! A [`Residency`] is given samples: a moment, and for each hart how long it has been idle in all, by level. It keeps
//! two rolling windows per hart, sixty buckets each, and answers with a [`Window`]. How wide buckets are is said when it
//! is made ([`Windows`]); the widths below are the default.
//!
//! ```text
//!   start                                                    last sample
//!     │  … │ 10 s │ 10 s │ 10 s │ 10 s │ 10 s │ 10 s │ 10 s │··· │
//!          ◀───────────── Range::Graph: 60 × 10 s ──────────▶
//!                                   …│1│1│1│1│1│1│1│1│1│1│1│1│1│·│
//!                                    ◀─ Range::Status: 60 × 1 s ▶
//! ```
//!
//! 1. Buckets are reckoned from the start. A window ends with the last full one, and is shorter only as long as there
//!    have not been sixty.
//! 2. Whatever a hart was not idle, it was running: so L0, L1 and L2 of each window and bucket add up to its length,
//!    to the nanosecond, and those of all harts to that times the harts.
//! 3. What happened between two samples is spread evenly: each bucket gets its part, rounded to a nanosecond, and
//!    nothing is lost or made up.
//! 4. A late sample is an ordinary one: it says what happened since the last, however long ago that was.
//! 5. A sample that is older than the last one is refused and changes nothing. Counters are totals, so the next one
//!    tells what it would have told.
//! 6. A hart that claims more idleness than time has passed, because its counters were read later than the clock, has
//!    the rest counted with the next sample. L1 goes first: deep idle is never flattered.
//! 7. A counter that went back began anew: it counts from what it is now.
//!
//! No clock, no I/O, no allocation. Memory is constant: two rings per hart that could exist, about 16 KiB.

#![no_std]
#![forbid(unsafe_code)]

mod residency;
mod ring;
mod share;
mod spent;
mod windows;

pub use residency::{Of, Refusal, Residency, Window};
pub use spent::{Idle, Spent};
pub use windows::{Range, Windows};

/// Buckets of a window: enough for a graph, few enough to add up at every question.
pub const BUCKETS: usize = 60;
