//! Which power mode holds, how much timers may be coalesced, and how deeply an idle hart may sleep.
//!
//! A [`Governor`] hears what the person has set, how the battery is and what the heat demands. It decides on a
//! [`Mode`] and, for a hart with nothing to run, on an idle level. Every decision says what it is because of.
//!
//! ```text
//!   setting ──┐                    ┌─▶ coalescing hint, for timed
//!   battery ──┼─▶ mode ────────────┤
//!   heat ─────┘                    └─▶ deepest level ──┐
//!                                     wake locks ──────┼─▶ idle level, for the harts
//!                                     latency requests ┤
//!                                     expected idle ───┘
//! ```
//!
//! The mode is what the first of these rules says that applies:
//!
//! 1. Hot: frugal. A device that overheats has no other wish.
//! 2. The battery is low: frugal, until it is charged or back at [`Rules::low_leave`].
//! 3. Warm, and performance is set: balanced.
//! 4. The setting. Without one, balanced.
//!
//! The idle level is the deepest that nothing forbids. L1 is forbidden to a hart that has something to run, and by
//! a latency request below its exit latency. L2 is also forbidden, in this order of precedence, by the mode, by wake
//! locks, by a latency request below its exit latency, and by too short an idleness to be worth it.
//!
//! Until the governor has spoken ([`Governor::speak`]) the hint is zero and the deepest level is L1. No clock, no I/O,
//! no allocation; every decision is O(1), and a latency request O([`LATENCY_REQUESTS_MAX`]).

#![no_std]
#![forbid(unsafe_code)]

mod governor;
mod idle;
mod latency;
mod mode;

pub use governor::{Governor, Input, Rules};
pub use idle::{Costs, IdleDecision, IdleReason, Locks};
pub use latency::{Full, LatencyRequests};
pub use mode::{Heat, Hints, Mode, ModeDecision, ModeReason, Percent, Supply};

/// Most tasks with a latency request at once: each is a program that talks to hardware or makes sound.
pub const LATENCY_REQUESTS_MAX: usize = 64;
