//! Model checking: the lock, the mailbox, ports and replies, as they ship, under every interleaving.
//!
//! The very files of the kernel are compiled here against [loom]'s atomics; around them stand the few types
//! they need of the rest. Loom then runs each scenario with every order of steps that a bounded number of
//! preemptions allows, and with every value that a relaxed load may return. A wake-up that is lost shows as
//! a deadlock, a task taken twice or by nobody as a failed assertion.
//!
//! | module | scenarios |
//! |---|---|
//! | [`mailbox`] | nothing lost, nothing doubled, the receiver told when it must be |
//! | [`locks`] | one holder at a time, no sleeper forgotten |
//! | [`waits`] | a task that waits is taken by exactly one of answer, deadline, kill |

#![expect(clippy::unwrap_used, reason = "a poisoned model has failed already")]

mod cap;
mod ipc;
mod locks;
mod machine;
mod mailbox;
mod smp;
mod sync;
mod task;
mod waits;

/// Checks a scenario under every interleaving with at most this many preemptions. Bugs of this kind show
/// with two; three costs minutes.
const PREEMPTIONS: usize = 2;

fn check(scenario: impl Fn() + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(PREEMPTIONS);
    model.check(scenario);
}
