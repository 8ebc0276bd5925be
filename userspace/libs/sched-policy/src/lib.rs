//! Which task a hart runs next: strict classes with starvation bounds, inside a class EEVDF.
//!
//! EEVDF is *earliest eligible virtual deadline first*: I. Stoica and H. Abdel-Wahab, "Earliest Eligible
//! Virtual Deadline First: A Flexible and Accurate Mechanism for Proportional Share Resource Allocation",
//! 1995. The rules, which the kernel only executes:
//!
//! 1. A runnable task of a higher class runs before any of a lower one.
//! 2. But a class that has been passed over for its bound ([`starvation_bound`]) gets one grant ([`GRANT`]) of
//!    the hart, which nobody interrupts.
//! 3. Each class has a clock of *virtual time*: the service due so far to a unit of weight. While one of its
//!    members (queued or running) is served for *t*, the clock moves by *t* over the weight of all, and that
//!    member's own *point* by *t* over its own weight. *Lag* = weight × (clock − point): what it is owed.
//! 4. A task asks for service in *requests*. The length of a request is the task's share of its latency: latency
//!    × weight / weight of all; or its burst, if that is longer. Its *deadline* is where the task's point will
//!    be when it is served, which is where the clock will be when the latency is over. Without a hint the
//!    latency is [`LATENCY`]; none is below [`GRAIN`] × members. The [`FIRST_PART`] of the first request of a task
//!    that wakes is a request of its own, unless the task has a burst hint; the rest keeps its deadline.
//! 5. A task is *eligible* while its point is not past the clock: while it is not ahead of its share.
//! 6. Of the eligible tasks the one with the earliest deadline is next; of equal ones, the one that came first.
//!    If nobody is eligible, the clock first leaps to the point of the least advanced.
//! 7. A task runs until its request is done, and then waits again with the next. With nobody of its class
//!    waiting there is no end and no timer.
//! 8. It makes room earlier for a task that is eligible and has an earlier deadline: at once when that one
//!    wakes, at the exact moment when it becomes eligible by waiting. A task with a burst hint is not
//!    interrupted by its class before its burst is over.
//! 9. A task that yields gives up its turn, the rest of its request and what it is owed: one of the others is
//!    next, and it waits with a new request. So two equal tasks that yield alternate.
//! 10. A task that goes to sleep in debt (negative lag) pays while it sleeps, as fast as the ideal machine would
//!     have gone on serving it; what is left when it wakes still counts. A credit is not kept: who sleeps has
//!     had all it asked for. So a sleeper starts at lag 0 or below it.
//! 11. Giving work away ([`RunQueue::take_surplus`]) takes the task that would run last of the highest class
//!     that has one the taker may run. A task that changes harts takes its lag along, of a credit at most one
//!     request.
//! 12. Settings may change at any time. The task begins a new request; a debt stays the same service, a credit is
//!     given up.
//! 13. While one task runs alone, nothing is counted. If one more comes, and neither has a weight, hints or debts of its
//!     own, it waits *at the door*; and if some come while nothing runs, or while one of a higher class does, or one of
//!     them, they wait *in line*: higher classes first, inside a class in the order in which they came. The one that runs
//!     is in a request of half the [`LATENCY`] that began when it did; but it keeps the hart no longer than a [`TRIFLE`]
//!     from those of its class, and one of a higher class, whatever its weight, no longer than [`OUTRANKED`] uncounted.
//!     What it has had of the hart since they came is forgiven if it gives way before that; and so is what others owe,
//!     when nobody waits any more and it is a trifle together.
//! 14. Every [`EVEN_OUT`] a hart on which tasks wait looks at the others in turn. The first with less to do, for a task
//!     that waits here, gets it: of the highest class that has one, the lightest. Less to do is less weight in the
//!     task's class and nothing above it, or any at all if there is something above it here. The points of all harts
//!     are on one scale, and a task that moves in this way keeps its own: so it catches up with those who had less
//!     company, or waits for those who had more, as far as harts can part in 250 ms.
//!
//! What follows, and is tested (`tests/`), for every task at every moment, as long as charges are prompt:
//!
//! - −request ≤ lag ≤ request + the longest burst hint among the others of its class (+ the credit of tasks that
//!   came from another hart).
//! - A request is done when its latency is over, plus that burst: so a latency hint is met whenever it is
//!   *feasible*: the share of the latency is no less than the task's own burst, the latency is no less than
//!   `GRAIN` × members, and no weight is added meanwhile. No admission test is needed: a latency buys an early
//!   turn, never a larger share.
//! - Service over any interval is in the ratio of the weights, within one request of each.
//! - On several harts service is what is due of the whole machine, and at most one hart, within 60 ms at any moment of
//!   10 s, whatever the weights.
//!
//! | module | holds |
//! |---|---|
//! | [`hart_queue`] | what a hart calls |
//! | `crowd`, `line` | rule 13 for more than one that waits |
//! | [`run_queue`], `leaving` | tasks that compete |
//! | [`entity`] | the part that lives in each task; what its owner decides about it |
//! | [`time`] | ticks, and every span the rules mention |
//! | `class_queue`, `contest` | rules 4 to 9 for one class |
//! | `clock` | rules 3 and 10 |
//! | `virtual_time` | fixed-point arithmetic |
//! | `shortlist`, `tree` | where a class keeps those who wait |
//! | `starvation` | rule 2 |
//! | `even` | rule 14 |
//!
//! No clock, no memory of its own, no I/O: the caller says when, and the entities live in its tasks. A decision
//! is O(log n) in the tasks of the class, O(1) in line and while four or fewer wait, and divides nowhere.

#![no_std]
#![forbid(unsafe_code)]

mod class_queue;
mod clock;
mod contest;
mod crowd;
pub mod entity;
mod even;
pub mod hart_queue;
mod leaving;
mod line;
pub mod run_queue;
mod shortlist;
mod starvation;
pub mod time;
mod tree;
mod virtual_time;

pub use entity::{Entities, Entity, Settings};
pub use even::Pressure;
pub use hart_queue::HartQueue;
pub use run_queue::{RunQueue, Standing};
pub use time::{
    EVEN_OUT, FIRST_PART, GRAIN, GRANT, LATENCY, OUTRANKED, TRIFLE, Tempo, Ticks, starvation_bound,
};
