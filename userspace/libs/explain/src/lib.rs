//! Why the device does what it does: the log of decisions.
//!
//! Policies answer with effects, and each effect has a cause. Who carries an effect out writes it down here as a
//! [`Decision`]: when, what about, what, and what it follows from, which is an earlier decision or an [`Origin`]. So
//! a [`Question`] is answered with a chain, from the decision to the task and the request with which it began. The
//! rules:
//!
//! 1. A cause is an origin or a decision that has been made. So chains have no circles and always end.
//! 2. The latest decisions are in a ring. Those that hold stay, however many come after them, until another decision
//!    about the same [`Subject`] or until they no longer hold.
//! 3. Each decision carries its origin. When links of its chain have left the ring, the answer says how many, and
//!    still with what it began.
//! 4. A question is answered with every decision that holds, the latest first. If none does, with the latest that is
//!    remembered, marked so.
//!
//! Memory is bounded: [`RECORDS`] decisions in the ring and [`HOLDING_MAX`] that hold, each with short texts. No clock,
//! no I/O: the caller says when.
//!
//! | module | holds |
//! |---|---|
//! | `decision` | what is written down |
//! | `log` | the ring, and finding the chain |
//! | `answer` | text and JSON |

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod answer;
mod decision;
mod log;

pub use answer::{Answer, Chain, Link};
pub use decision::{Cause, Decision, Holds, Name, Origin, Question, Seq, Subject, TEXT_MAX, Text, clipped};
pub use log::{HOLDING_MAX, LINKS_MAX, Log, NoSuchDecision, RECORDS};
