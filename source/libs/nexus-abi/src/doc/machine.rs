//! The machine: clock, devices, log, records, trace, its end.

use super::{ADDRESS, CallDoc, NEW_HANDLE_FULL, NO_MEMORY, SYSTEM_BAD, SYSTEM_DENIED, SYSTEM_KIND};
use crate::{Call, Error};

pub(super) const CLOCK_NOW: CallDoc = CallDoc {
    call: Call::ClockNow,
    name: "clock_now",
    summary: "Monotonic time since boot.",
    arguments: &[],
    returns: "a0 = nanoseconds; a multiple of 100 µs for a task without precise time",
    rights: "none",
    effects: "none",
    errors: &[],
};

pub(super) const IRQ_BIND: CallDoc = CallDoc {
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
};

pub(super) const IRQ_ACK: CallDoc = CallDoc {
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
};

pub(super) const DEVICE_MAP: CallDoc = CallDoc {
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
};

pub(super) const LOG_WRITE: CallDoc = CallDoc {
    call: Call::LogWrite,
    name: "log_write",
    summary: "Write text to the console, and into the kernel's log.",
    arguments: &[
        ("a0", "system", "the system handle"),
        ("a1", "text", "address"),
        ("a2", "len", "length, at most 256 bytes"),
        ("a3", "output", "0 console and log, 1 console only"),
    ],
    returns: "nothing",
    rights: "LOG",
    effects: "the bytes appear together, never mixed with those of other harts",
    errors: &[
        SYSTEM_BAD,
        SYSTEM_KIND,
        SYSTEM_DENIED,
        (Error::Invalid, "more than 256 bytes, or an unknown output"),
        ADDRESS,
    ],
};

pub(super) const LOG_READ: CallDoc = CallDoc {
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
};

pub(super) const INFO: CallDoc = CallDoc {
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
        (Error::NotFound, "no such hart, no further task, or no wall clock"),
        ADDRESS,
    ],
};

pub(super) const BOOT_FILE: CallDoc = CallDoc {
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
};

pub(super) const TRACE_CONTROL: CallDoc = CallDoc {
    call: Call::TraceControl,
    name: "trace_control",
    summary: "Switch tracing on all harts.",
    arguments: &[("a0", "system", "the system handle"), ("a1", "state", "0 off, 1 on")],
    returns: "nothing",
    rights: "TRACE",
    effects: "from each hart's next event on",
    errors: &[SYSTEM_BAD, SYSTEM_KIND, SYSTEM_DENIED, (Error::Invalid, "neither 0 nor 1")],
};

pub(super) const TRACE_READ: CallDoc = CallDoc {
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
};

pub(super) const MACHINE_EXIT: CallDoc = CallDoc {
    call: Call::MachineExit,
    name: "machine_exit",
    summary: "End the machine.",
    arguments: &[("a0", "system", "the system handle"), ("a1", "code", "an `ExitCode`")],
    returns: "never",
    rights: "POWER",
    effects: "every hart stops",
    errors: &[SYSTEM_BAD, SYSTEM_KIND, SYSTEM_DENIED, (Error::Invalid, "not an exit code")],
};
