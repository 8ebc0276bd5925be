//! Tasks: birth, turns, class, death.

use super::{ADDRESS, CallDoc, NEW_HANDLE_FULL, NO_MEMORY, SYSTEM_BAD, SYSTEM_DENIED, SYSTEM_KIND};
use crate::{Call, Error};

pub(super) const TASK_SELF: CallDoc = CallDoc {
    call: Call::TaskSelf,
    name: "task_self",
    summary: "The caller's own task id; the cheapest call there is.",
    arguments: &[],
    returns: "a0 = task id",
    rights: "none",
    effects: "none",
    errors: &[],
};

pub(super) const YIELD: CallDoc = CallDoc {
    call: Call::Yield,
    name: "yield",
    summary: "Let other tasks of the same class run first.",
    arguments: &[],
    returns: "nothing",
    rights: "none",
    effects: "the caller goes to the end of its class's queue on this hart",
    errors: &[],
};

pub(super) const TASK_QOS: CallDoc = CallDoc {
    call: Call::TaskQos,
    name: "task_qos",
    summary: "Read one's own class (operation 0) or set a task's (operation 1).",
    arguments: &[
        ("a0", "operation", "0 get, 1 set"),
        ("a1", "target", "task id; 0 is the caller"),
        ("a2", "class", "0 Idle, 1 Normal, 2 Interactive, 3 PerfBurst"),
    ],
    returns: "a0 = the class",
    rights: "oneself: equal or lower; anything else only execd and policyd, by kernel-stamped identity",
    effects: "the class takes effect at the target's next scheduling decision; every decision is audited",
    errors: &[
        (Error::Invalid, "unknown operation, unknown class, or no such task"),
        (Error::Denied, "raising oneself or touching another task without privilege"),
    ],
};

pub(super) const TASK_SPAWN: CallDoc = CallDoc {
    call: Call::TaskSpawn,
    name: "task_spawn",
    summary: "Start a task from a program of the boot image.",
    arguments: &[("a0", "system", "the system handle"), ("a1", "args", "address of a `SpawnArgs`")],
    returns: "a0 = a handle to the task with every task right, a1 = its task id",
    rights: "SPAWN; MOVE on each given handle, NOTIFY on the supervisor; a class above Normal and precise \
             time need execd's or init's identity",
    effects: "the task is ready to run; the given handles have moved to it",
    errors: &[
        SYSTEM_BAD,
        SYSTEM_KIND,
        SYSTEM_DENIED,
        ADDRESS,
        (Error::NotFound, "no such program in the boot image, or not a valid program"),
        (Error::Invalid, "unknown flag or class, a limit out of range, no online hart in the mask"),
        (Error::Dead, "the supervisor's endpoint or notification is dead"),
        (Error::NoSpace, "the task table is full"),
        NEW_HANDLE_FULL,
        NO_MEMORY,
    ],
};

pub(super) const TASK_EXIT: CallDoc = CallDoc {
    call: Call::TaskExit,
    name: "task_exit",
    summary: "End oneself.",
    arguments: &[("a0", "code", "the exit code")],
    returns: "never",
    rights: "none",
    effects: "everything the task owned is returned, its peers see Dead, its supervisor hears of it last",
    errors: &[],
};

pub(super) const TASK_KILL: CallDoc = CallDoc {
    call: Call::TaskKill,
    name: "task_kill",
    summary: "End another task, wherever it runs or waits.",
    arguments: &[("a0", "task", "the task")],
    returns: "nothing",
    rights: "MANAGE",
    effects: "the task runs no further user instruction on this hart, and on another hart none after its next \
              trap, which this call forces; the supervisor hears when all is returned",
    errors: &[
        (Error::BadHandle, "it is not in the table"),
        (Error::WrongKind, "not a task"),
        (Error::Denied, "MANAGE is missing"),
        (Error::Dead, "it is dead or dying already"),
    ],
};

pub(super) const TASK_ADOPT: CallDoc = CallDoc {
    call: Call::TaskAdopt,
    name: "task_adopt",
    summary: "A handle to a task whose death is reported where the caller receives: how a supervisor that was \
              started again finds its tasks.",
    arguments: &[
        ("a0", "supervisor", "the endpoint or notification that the task was spawned with"),
        ("a1", "task", "task id"),
    ],
    returns: "a0 = handle with MANAGE, INSPECT, MOVE, COPY, a1 = the bits that its death will set",
    rights: "RECEIVE",
    effects: "one more handle to the task",
    errors: &[
        (Error::BadHandle, "the supervisor is not in the table"),
        (Error::WrongKind, "neither notification nor endpoint"),
        (Error::Denied, "RECEIVE is missing, or the task's death is reported elsewhere or nowhere"),
        (Error::NotFound, "no task has this id, or it is dead"),
        NEW_HANDLE_FULL,
        NO_MEMORY,
    ],
};

pub(super) const SCHED_SET: CallDoc = CallDoc {
    call: Call::SchedSet,
    name: "sched_set",
    summary: "Change where a task runs, its weight in its class, or a hint about its slices.",
    arguments: &[
        ("a0", "target", "task id, 0 for oneself"),
        ("a1", "field", "0 affinity, 1 shares, 2 latency in ms, 3 burst in ms"),
        ("a2", "value", "a mask of harts, or the number"),
        ("a3", "policy", "for affinity: 0 pin, 1 prefer, 2 any"),
    ],
    returns: "a0 = what was stored, a1 = the policy stored",
    rights: "execd and policyd may do anything; a task may ask for less for itself: fewer shares, a longer latency, \
             a shorter burst, fewer harts",
    effects: "audited. Numbers are stored as the nearest in range, harts that are not online are dropped. A running \
              task leaves a hart it may not run on at once, a waiting one when it next becomes ready",
    errors: &[
        (Error::Invalid, "no such task, field or policy, no online hart in the mask, or shares of 0"),
        (Error::Denied, "more for oneself, or another task, without privilege"),
    ],
};

pub(super) const SCHED_GET: CallDoc = CallDoc {
    call: Call::SchedGet,
    name: "sched_get",
    summary: "Read what `sched_set` sets.",
    arguments: &[("a0", "target", "task id, 0 for oneself"), ("a1", "field", "as in `sched_set`")],
    returns: "a0 = the value, a1 = the affinity's policy",
    rights: "none for oneself; only execd and policyd may ask about others",
    effects: "none",
    errors: &[(Error::Invalid, "no such task or field"), (Error::Denied, "another task, without privilege")],
};

pub(super) const TASK_STATUS: CallDoc = CallDoc {
    call: Call::TaskStatus,
    name: "task_status",
    summary: "How a task is, or how it ended.",
    arguments: &[("a0", "task", "the task"), ("a1", "record", "address of a `TaskInfo`")],
    returns: "the record is filled",
    rights: "INSPECT",
    effects: "none",
    errors: &[
        (Error::BadHandle, "it is not in the table"),
        (Error::WrongKind, "not a task"),
        (Error::Denied, "INSPECT is missing"),
        ADDRESS,
    ],
};
