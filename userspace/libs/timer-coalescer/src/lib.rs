//! When to wake for which timers: the fewest wake-ups that keep every promise.
//!
//! 1. A timer never fires before its deadline and never later than its window after it.
//! 2. The machine sleeps until the earliest end of a window, then fires everything whose deadline has passed: by
//!    deadline, then by registration. Whoever is awake for another reason fires what is due as well. No rule wakes up
//!    less often, not even one that knows the future: see [`queue`].
//! 3. How wide a window is follows from the class, the governor, standby and what the timer is for: see [`compose`].
//!    When these change, windows of live timers change with them.
//! 4. The k-th occurrence of a periodic timer is at start + k · period, whatever happened to the earlier ones.
//!    Occurrences that are overtaken fire as one, which says how many it is.
//! 5. A timer fires, is cancelled or is purged: one of them, once. Setting it anew is cancelling and setting, and
//!    gives it a new name.
//! 6. A task has at most [`TIMERS_PER_OWNER_MAX`] timers, all together at most [`TIMERS_MAX`]. What is refused leaves
//!    everything as it was.
//!
//! | module | holds |
//! |---|---|
//! | [`timers`] | the table that `timed` keeps: owners, limits, names, periods |
//! | [`queue`] | rule 2 for anything that has a window: also for whom a table is too much |
//! | [`compose`] | rule 3 |
//! | `course` | rule 4 |
//! | `id`, `slab`, `accounts` | rules 5 and 6 |
//! | `tournament` | rule 2 for the table, whose elements have numbers |
//! | `order` | order without memory, for a [`queue`] |
//!
//! No clock and no I/O: the caller says when it is, and that is all it has to say. Every operation is O(log n). The
//! memory of a table is taken when it is made; after that nothing allocates, and a [`queue`] never does: without the
//! feature `table` there is no allocator to have.

#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "table")]
extern crate alloc;

#[cfg(feature = "table")]
mod accounts;
pub mod compose;
#[cfg(feature = "table")]
mod course;
#[cfg(feature = "table")]
mod id;
mod order;
pub mod queue;
#[cfg(feature = "table")]
mod slab;
#[cfg(feature = "table")]
pub mod timers;
#[cfg(feature = "table")]
mod tournament;

pub use compose::Tier;
#[cfg(feature = "table")]
pub use course::{Ask, Period};
#[cfg(feature = "table")]
pub use id::TimerId;
#[cfg(feature = "table")]
pub use timers::{Fired, Pending, Rearmed, Refusal, TIMERS_MAX, TIMERS_PER_OWNER_MAX, Timers};
