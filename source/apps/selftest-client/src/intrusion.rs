//! What the intruder asks of the kernel, so that the test knows which refusals have to be in the audit.
//!
//! The intruder is an ordinary program with as good as no rights, started by execd. It is told, in its arguments,
//! whom to meddle with, and ends with 0 when nothing that it tried has worked.

use nexus_abi::{QosClass, SchedField};

/// The word of its arguments that says what it does: [`CLAIM`] or [`RACE`].
pub const ROLE: &str = "role";
/// It claims what it must not have, once each.
pub const CLAIM: &str = "claim";
/// It meddles with its victim until that is dead.
pub const RACE: &str = "race";
/// The word with the task, in wire form, that it meddles with.
pub const VICTIM: &str = "victim";
/// The word with a task that is dead.
pub const GONE: &str = "gone";
/// The word with a privileged service's task.
pub const SERVICE: &str = "service";

/// Classes above its own.
pub const RAISES: [QosClass; 2] = [QosClass::Interactive, QosClass::PerfBurst];
/// More than it has, for itself.
pub const MORE: [(SchedField, u64); 5] = [
    (SchedField::Shares, 101),
    (SchedField::Shares, 501),
    (SchedField::Shares, u64::MAX),
    (SchedField::LatencyMs, 1),
    (SchedField::BurstMs, 100),
];
/// Anything, more or less, for another.
pub const OTHERS: [(SchedField, u64); 4] = [
    (SchedField::Affinity, 1),
    (SchedField::Shares, 1),
    (SchedField::LatencyMs, 1000),
    (SchedField::BurstMs, 1),
];
/// Numbers that are no class.
pub const NO_CLASS: [u64; 2] = [4, u64::MAX];
/// Ids that name no task: it makes them of its own id, of its victim's, and of nothing.
pub const FORGED_IDS: usize = 3;

/// Refusals of each kind that the kernel audits when it claims.
pub const SELF_RAISES: usize = 2 * RAISES.len() + MORE.len();
/// The victim, and the service.
pub const OTHER_TASKS: usize = 2 * (QosClass::ALL.len() + OTHERS.len());
/// The dead task by both calls, forged ids, and what is no class.
pub const INVALID: usize = 2 + FORGED_IDS + NO_CLASS.len();

// What the kernel prints in a second; beyond it a refusal would leave no line.
const _: () = assert!(SELF_RAISES + OTHER_TASKS + INVALID <= 32);
