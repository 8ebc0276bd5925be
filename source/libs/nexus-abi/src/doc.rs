//! Every system call described as data: the source of `docs/kernel/syscalls.md`.

use crate::{Call, Error};

/// What a reader has to know of one call.
#[derive(Clone, Copy, Debug)]
pub struct CallDoc {
    /// The call.
    pub call: Call,
    /// Its name as written in text.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// Register, name and meaning of each argument.
    pub arguments: &'static [(&'static str, &'static str, &'static str)],
    /// What comes back on success.
    pub returns: &'static str,
    /// The right or privilege it needs.
    pub rights: &'static str,
    /// What has changed afterwards. A refused call changes nothing.
    pub effects: &'static str,
    /// Each error with its cause.
    pub errors: &'static [(Error, &'static str)],
}

const MESSAGE: &[(&str, &str, &str)] = &[
    ("s2–s9", "words", "the message's eight words"),
    ("t1", "endpoint", "where to"),
    ("t2", "shape", "bytes to send, room to receive, handle to move"),
    ("t3", "bytes", "address of the bytes to send"),
    ("t4", "buffer", "address of the receive buffer"),
    ("t5", "deadline", "when to give up"),
];

const SYSTEM_BAD: (Error, &str) = (Error::BadHandle, "the system handle is not in the table");
const SYSTEM_KIND: (Error, &str) = (Error::WrongKind, "it is not the system object");
const SYSTEM_DENIED: (Error, &str) = (Error::Denied, "it lacks the right");
const NEW_HANDLE_FULL: (Error, &str) = (Error::OverQuota, "the handle or object quota is used up");
const NO_MEMORY: (Error, &str) = (Error::NoMemory, "the machine has no free page");
const ADDRESS: (Error, &str) = (Error::BadAddress, "a buffer is not mapped for this access");

/// Every call, in wire order.
pub const CALLS: &[CallDoc] = &[
    CallDoc {
        call: Call::TaskSelf,
        name: "task_self",
        summary: "The caller's own task id; the cheapest call there is.",
        arguments: &[],
        returns: "a0 = task id",
        rights: "none",
        effects: "none",
        errors: &[],
    },
    CallDoc {
        call: Call::ClockNow,
        name: "clock_now",
        summary: "Monotonic time since boot.",
        arguments: &[],
        returns: "a0 = nanoseconds; a multiple of 100 µs for a task without precise time",
        rights: "none",
        effects: "none",
        errors: &[],
    },
    CallDoc {
        call: Call::Notify,
        name: "notify",
        summary: "Set bits at a notification or an endpoint; never waits.",
        arguments: &[("a0", "target", "notification or endpoint"), ("a1", "bits", "bits to set, not 0")],
        returns: "nothing",
        rights: "NOTIFY",
        effects: "the bits are set; one task waiting there takes all bits and becomes ready",
        errors: &[
            (Error::BadHandle, "the target is not in the table"),
            (Error::WrongKind, "neither notification nor endpoint"),
            (Error::Denied, "NOTIFY is missing"),
            (Error::Invalid, "no bit given"),
            (Error::Dead, "the target died with the task that paid for it"),
        ],
    },
    CallDoc {
        call: Call::Call,
        name: "call",
        summary: "Send a message and wait for its answer.",
        arguments: MESSAGE,
        returns: "the answer: words in s2–s9, t2 = length and handle",
        rights: "CALL on the endpoint; MOVE on a handle sent along",
        effects: "the handle sent along has moved to the receiver, unless the status is PeerFull, TooLong, \
                  BadAddress or a refusal; a server waiting here runs at once on the caller's hart when \
                  affinity permits",
        errors: &[
            (Error::BadHandle, "the endpoint or the handle sent along is not in the table"),
            (Error::WrongKind, "not an endpoint"),
            (Error::Denied, "CALL is missing, or MOVE on the handle sent along"),
            (Error::Invalid, "a length above 4 KiB"),
            (Error::BadAddress, "the bytes or the buffer are not mapped for this access"),
            (Error::TooLong, "the bytes do not fit into the receiver's buffer"),
            (Error::PeerFull, "the receiver has no room for the handle or the reply"),
            (
                Error::TimedOut,
                "no answer by the deadline; a server that took the message finds its reply dead",
            ),
            (Error::Dead, "the endpoint died, or the server died or dropped the reply"),
            (Error::OverQuota, "materialising a buffer page would exceed the quota"),
            (Error::NoMemory, "the machine has no free page for a buffer"),
        ],
    },
    CallDoc {
        call: Call::ReplyReceive,
        name: "reply_receive",
        summary: "Answer a caller and wait for the next message, in one step: the server's loop.",
        arguments: &[
            ("s2–s9", "words", "the answer's eight words"),
            ("t1", "endpoint, reply", "endpoint in the low half, reply handle in the high half"),
            ("t2", "shape", "bytes to send, room to receive, handle to move"),
            ("t3", "bytes", "address of the bytes to send"),
            ("t4", "buffer", "address of the receive buffer"),
            ("t5", "deadline", "when to give up receiving"),
        ],
        returns: "as `receive`",
        rights: "as `reply` and `receive`",
        effects: "a reply that finds its caller gone is dropped and receiving goes on; every other reply error \
                  is returned before anything is received, with the reply handle kept",
        errors: &[
            (Error::BadHandle, "endpoint, reply or the handle sent along is not in the table"),
            (Error::WrongKind, "not an endpoint, or not a reply"),
            (Error::Denied, "RECEIVE is missing, or MOVE on the handle sent along"),
            (Error::Invalid, "a length above 4 KiB"),
            (Error::BadAddress, "the bytes or the buffer are not mapped for this access"),
            (Error::TooLong, "the bytes do not fit into the caller's buffer"),
            (Error::PeerFull, "the caller has no room for the handle"),
            (Error::TimedOut, "nothing came by the deadline"),
            (Error::OverQuota, "no handle is free for the next reply, or a buffer page exceeds the quota"),
            (Error::NoMemory, "the machine has no free page for the buffer"),
            (Error::Dead, "the endpoint died with the task that paid for it"),
        ],
    },
    CallDoc {
        call: Call::Yield,
        name: "yield",
        summary: "Let other tasks of the same class run first.",
        arguments: &[],
        returns: "nothing",
        rights: "none",
        effects: "the caller goes to the end of its class's queue on this hart",
        errors: &[],
    },
    CallDoc {
        call: Call::Wait,
        name: "wait",
        summary: "Wait for bits at a notification; without a handle, just until the deadline.",
        arguments: &[
            ("a0", "notification", "where, or 0 to sleep"),
            ("a1", "deadline", "when to give up; 0 polls"),
        ],
        returns: "a0 = the bits",
        rights: "RECEIVE",
        effects: "the bits are cleared",
        errors: &[
            (Error::BadHandle, "the notification is not in the table"),
            (Error::WrongKind, "not a notification"),
            (Error::Denied, "RECEIVE is missing"),
            (Error::TimedOut, "no bit was set by the deadline; a sleep always ends so"),
            (Error::Dead, "the notification died with the task that paid for it"),
        ],
    },
    CallDoc {
        call: Call::Receive,
        name: "receive",
        summary: "Wait for a message or for bits at an endpoint.",
        arguments: &[
            ("t1", "endpoint", "where from"),
            ("t2", "shape", "room to receive"),
            ("t4", "buffer", "address of the receive buffer"),
            ("t5", "deadline", "when to give up; 0 polls"),
        ],
        returns: "a message: words in s2–s9, t1 = reply handle, t2 = length and handle, t3 = sender, \
                  t4 = stamp. Or bits: a0 = the bits, t4 = the bits stamp",
        rights: "RECEIVE",
        effects: "the message is taken and a reply handle made; or the bits are cleared. Bits come before \
                  messages, messages by class and then by arrival",
        errors: &[
            (Error::BadHandle, "the endpoint is not in the table"),
            (Error::WrongKind, "not an endpoint"),
            (Error::Denied, "RECEIVE is missing"),
            (Error::Invalid, "a length above 4 KiB, or something to send"),
            (Error::BadAddress, "the buffer is not mapped for writing"),
            (Error::TimedOut, "nothing came by the deadline"),
            (Error::OverQuota, "no handle is free for the reply, or a buffer page exceeds the quota"),
            (Error::NoMemory, "the machine has no free page for the buffer"),
            (Error::Dead, "the endpoint died with the task that paid for it"),
        ],
    },
    CallDoc {
        call: Call::Reply,
        name: "reply",
        summary: "Answer a caller.",
        arguments: &[
            ("s2–s9", "words", "the answer's eight words"),
            ("t1", "reply", "the reply handle, in the high half"),
            ("t2", "shape", "bytes to send, handle to move"),
            ("t3", "bytes", "address of the bytes to send"),
        ],
        returns: "nothing",
        rights: "holding the reply; MOVE on a handle sent along",
        effects: "the caller is ready to run with the answer and the reply handle is gone; kept only when the \
                  status is TooLong, PeerFull or a refusal, so that another answer can be given",
        errors: &[
            (Error::BadHandle, "the reply or the handle sent along is not in the table"),
            (Error::WrongKind, "not a reply"),
            (Error::Denied, "MOVE is missing on the handle sent along"),
            (Error::Invalid, "a length above 4 KiB"),
            (Error::BadAddress, "the bytes are not mapped"),
            (Error::TooLong, "the bytes do not fit into the caller's buffer"),
            (Error::PeerFull, "the caller has no room for the handle"),
            (Error::Dead, "the caller died or gave up waiting; the reply handle is gone"),
        ],
    },
    CallDoc {
        call: Call::HandleCopy,
        name: "handle_copy",
        summary: "Duplicate a handle, with the same or fewer rights.",
        arguments: &[("a0", "handle", "what to duplicate"), ("a1", "rights", "the rights of the duplicate")],
        returns: "a0 = the new handle",
        rights: "COPY, and every right asked for",
        effects: "one more handle names the object",
        errors: &[
            (Error::BadHandle, "it is not in the table"),
            (Error::WrongKind, "a reply, which can be answered only once"),
            (Error::Denied, "COPY or a right asked for is missing"),
            (Error::Invalid, "unknown right bits"),
            NEW_HANDLE_FULL,
            NO_MEMORY,
        ],
    },
    CallDoc {
        call: Call::HandleClose,
        name: "handle_close",
        summary: "Give up a handle.",
        arguments: &[("a0", "handle", "what to close")],
        returns: "nothing",
        rights: "none",
        effects: "the object dies with its last handle; closing a reply answers its caller with Dead; closing the \
                  last RECEIVE handle of an endpoint answers everybody queued there with Dead",
        errors: &[(Error::BadHandle, "it is not in the table")],
    },
    CallDoc {
        call: Call::EndpointCreate,
        name: "endpoint_create",
        summary: "Make an endpoint, charged to the caller.",
        arguments: &[],
        returns: "a0 = a handle with every endpoint right",
        rights: "none",
        effects: "one object and one handle more; the endpoint dies with the caller",
        errors: &[NEW_HANDLE_FULL, NO_MEMORY],
    },
    CallDoc {
        call: Call::NotificationCreate,
        name: "notification_create",
        summary: "Make a notification, charged to the caller.",
        arguments: &[],
        returns: "a0 = a handle with every notification right",
        rights: "none",
        effects: "one object and one handle more; the notification dies with the caller",
        errors: &[NEW_HANDLE_FULL, NO_MEMORY],
    },
    CallDoc {
        call: Call::VmoCreate,
        name: "vmo_create",
        summary: "Make a VMO: memory that can be mapped and shared. Pages are zero and come when touched.",
        arguments: &[("a0", "pages", "its size, 1 to 262,144 pages")],
        returns: "a0 = a handle with every VMO right except EXECUTE",
        rights: "none",
        effects: "one object and one handle more; its pages are charged to the caller as they are touched, by \
                  whomever, and taken back from everybody when the caller dies",
        errors: &[(Error::Invalid, "0 pages, or too many"), NEW_HANDLE_FULL, NO_MEMORY],
    },
    CallDoc {
        call: Call::VmoMap,
        name: "vmo_map",
        summary: "Map pages of a VMO or of device memory into the caller's address space.",
        arguments: &[
            ("a0", "object", "VMO or device memory"),
            ("a1", "first", "first page of the object"),
            ("a2", "pages", "how many"),
            ("a3", "access", "READ, READ|WRITE or READ|EXECUTE"),
            ("a4", "address", "where, page aligned; 0 lets the kernel choose"),
        ],
        returns: "a0 = the address",
        rights: "the rights named in `access`",
        effects: "the range is mapped; page tables are charged to the caller",
        errors: &[
            (Error::BadHandle, "it is not in the table"),
            (Error::WrongKind, "neither VMO nor device memory"),
            (Error::Denied, "a right of `access` is missing"),
            (Error::Invalid, "bad range, bad access, unaligned or outside the user half"),
            (Error::NoSpace, "the range is taken, or the task has 48 mappings already"),
            (Error::OverQuota, "no page left for page tables"),
            NO_MEMORY,
            (Error::Dead, "the VMO was revoked"),
        ],
    },
    CallDoc {
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
    },
    CallDoc {
        call: Call::VmUnmap,
        name: "vm_unmap",
        summary: "Undo a mapping made by `vmo_map`.",
        arguments: &[("a0", "address", "the mapping's first address")],
        returns: "nothing",
        rights: "none",
        effects: "the whole mapping is gone and its page tables are given back",
        errors: &[(Error::NotFound, "no mapping begins there"), (Error::Invalid, "unaligned")],
    },
    CallDoc {
        call: Call::VmoRevoke,
        name: "vmo_revoke",
        summary: "Take a VMO's pages back from everybody who has it mapped.",
        arguments: &[("a0", "vmo", "the VMO")],
        returns: "nothing",
        rights: "MANAGE",
        effects: "on return no hart can reach the old pages and they are free; the mappings stay and read as \
                  zeros, charged to whoever touches them; the VMO is dead",
        errors: &[
            (Error::BadHandle, "it is not in the table"),
            (Error::WrongKind, "not a VMO"),
            (Error::Denied, "MANAGE is missing, or the VMO is part of the boot image"),
            (Error::Dead, "it was revoked before"),
        ],
    },
    CallDoc {
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
    },
    CallDoc {
        call: Call::TaskExit,
        name: "task_exit",
        summary: "End oneself.",
        arguments: &[("a0", "code", "the exit code")],
        returns: "never",
        rights: "none",
        effects: "everything the task owned is returned, its peers see Dead, its supervisor hears of it last",
        errors: &[],
    },
    CallDoc {
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
    },
    CallDoc {
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
    },
    CallDoc {
        call: Call::IrqBind,
        name: "irq_bind",
        summary: "Deliver an interrupt line as bits.",
        arguments: &[
            ("a0", "system", "the system handle"),
            ("a1", "line", "the interrupt line"),
            ("a2", "target", "endpoint or notification"),
            ("a3", "bits", "bits to set, not 0"),
        ],
        returns: "a0 = a handle to the interrupt",
        rights: "HARDWARE on the system, NOTIFY on the target",
        effects: "the line is enabled; each interrupt masks it and sets the bits until `irq_ack`",
        errors: &[
            (Error::BadHandle, "the system or the target is not in the table"),
            (Error::WrongKind, "not the system object, or the target takes no bits"),
            SYSTEM_DENIED,
            (Error::Invalid, "no such line, or no bit given"),
            (Error::Busy, "the line is bound already"),
            NEW_HANDLE_FULL,
            NO_MEMORY,
        ],
    },
    CallDoc {
        call: Call::IrqAck,
        name: "irq_ack",
        summary: "The device is served: take its next interrupt.",
        arguments: &[("a0", "interrupt", "the interrupt")],
        returns: "nothing",
        rights: "MANAGE",
        effects: "the line is enabled again",
        errors: &[
            (Error::BadHandle, "it is not in the table"),
            (Error::WrongKind, "not an interrupt"),
            (Error::Denied, "MANAGE is missing"),
        ],
    },
    CallDoc {
        call: Call::DeviceMap,
        name: "device_map",
        summary: "Make a handle to a device's registers, to be mapped with `vmo_map`.",
        arguments: &[
            ("a0", "system", "the system handle"),
            ("a1", "address", "physical address, page aligned"),
            ("a2", "pages", "how many"),
        ],
        returns: "a0 = a handle with READ and WRITE",
        rights: "HARDWARE",
        effects: "one object and one handle more",
        errors: &[
            SYSTEM_BAD,
            SYSTEM_KIND,
            SYSTEM_DENIED,
            (Error::Invalid, "unaligned, empty, or not a device of the device tree"),
            NEW_HANDLE_FULL,
            NO_MEMORY,
        ],
    },
    CallDoc {
        call: Call::LogWrite,
        name: "log_write",
        summary: "Write text to the console and the kernel's log.",
        arguments: &[
            ("a0", "system", "the system handle"),
            ("a1", "text", "address"),
            ("a2", "len", "length, at most 256 bytes"),
        ],
        returns: "nothing",
        rights: "LOG",
        effects: "the bytes appear together, never mixed with those of other harts",
        errors: &[SYSTEM_BAD, SYSTEM_KIND, SYSTEM_DENIED, (Error::Invalid, "more than 256 bytes"), ADDRESS],
    },
    CallDoc {
        call: Call::LogRead,
        name: "log_read",
        summary: "Read the kernel's log from a position on.",
        arguments: &[
            ("a0", "system", "the system handle"),
            ("a1", "position", "bytes since boot; 0 is the oldest"),
            ("a2", "buffer", "address"),
            ("a3", "len", "its length, at most 4 KiB"),
        ],
        returns: "a0 = bytes read, a1 = the position after them",
        rights: "LOG",
        effects: "none; what the bounded log has dropped is skipped",
        errors: &[SYSTEM_BAD, SYSTEM_KIND, SYSTEM_DENIED, (Error::Invalid, "more than 4 KiB"), ADDRESS],
    },
    CallDoc {
        call: Call::Info,
        name: "info",
        summary: "Read a record about the machine, a hart or a task.",
        arguments: &[
            ("a0", "system", "the system handle, or 0 for one's own record"),
            ("a1", "kind", "an `InfoKind`"),
            ("a2", "index", "which hart, or the task slot to begin at"),
            ("a3", "record", "address"),
            ("a4", "len", "its length; the record is cut to it"),
        ],
        returns: "a0 = bytes written",
        rights: "INSPECT, except for one's own record",
        effects: "none",
        errors: &[
            SYSTEM_BAD,
            SYSTEM_KIND,
            SYSTEM_DENIED,
            (Error::Invalid, "unknown kind"),
            (Error::NotFound, "no such hart, or no further task"),
            ADDRESS,
        ],
    },
    CallDoc {
        call: Call::BootFile,
        name: "boot_file",
        summary: "Find a file of the boot image by name.",
        arguments: &[
            ("a0", "system", "the system handle"),
            ("a1", "name", "address of its path"),
            ("a2", "len", "length of the path, at most 256 bytes"),
        ],
        returns: "a0 = index (low half) and length (high half), a1 = a handle to a VMO of its pages with READ",
        rights: "READ",
        effects: "one object and one handle more",
        errors: &[
            SYSTEM_BAD,
            SYSTEM_KIND,
            SYSTEM_DENIED,
            (Error::NotFound, "no such file"),
            (Error::Invalid, "the path is too long"),
            ADDRESS,
            NEW_HANDLE_FULL,
            NO_MEMORY,
        ],
    },
    CallDoc {
        call: Call::TraceControl,
        name: "trace_control",
        summary: "Switch tracing on all harts.",
        arguments: &[("a0", "system", "the system handle"), ("a1", "state", "0 off, 1 on")],
        returns: "nothing",
        rights: "TRACE",
        effects: "from each hart's next event on",
        errors: &[SYSTEM_BAD, SYSTEM_KIND, SYSTEM_DENIED, (Error::Invalid, "neither 0 nor 1")],
    },
    CallDoc {
        call: Call::TraceRead,
        name: "trace_read",
        summary: "Read a hart's trace from a position on.",
        arguments: &[
            ("a0", "system", "the system handle"),
            ("a1", "hart", "its index"),
            ("a2", "position", "events since boot"),
            ("a3", "buffer", "address of an array of `TraceEvent`"),
            ("a4", "count", "its length, at most 128"),
        ],
        returns: "a0 = events read, a1 = the position after them",
        rights: "TRACE",
        effects: "none; what the bounded ring has overwritten is skipped",
        errors: &[
            SYSTEM_BAD,
            SYSTEM_KIND,
            SYSTEM_DENIED,
            (Error::NotFound, "no such hart"),
            (Error::Invalid, "more than 128 events"),
            ADDRESS,
        ],
    },
    CallDoc {
        call: Call::MachineExit,
        name: "machine_exit",
        summary: "End the machine.",
        arguments: &[("a0", "system", "the system handle"), ("a1", "code", "an `ExitCode`")],
        returns: "never",
        rights: "POWER",
        effects: "every hart stops",
        errors: &[SYSTEM_BAD, SYSTEM_KIND, SYSTEM_DENIED, (Error::Invalid, "not an exit code")],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_is_documented_once_in_wire_order() {
        assert_eq!(CALLS.len(), Call::ALL.len());
        for (doc, call) in CALLS.iter().zip(Call::ALL) {
            assert_eq!(doc.call, call, "{}", doc.name);
            assert!(!doc.summary.is_empty() && !doc.returns.is_empty());
        }
    }

    #[test]
    fn no_error_is_listed_twice_for_a_call() {
        for doc in CALLS {
            for (n, (error, _)) in doc.errors.iter().enumerate() {
                assert!(!doc.errors[..n].iter().any(|(e, _)| e == error), "{}: {error:?}", doc.name);
            }
        }
    }
}
