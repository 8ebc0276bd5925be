//! Call numbers and the register convention.
//!
//! A task executes `ecall` with the number in `t0`. Arguments are in `a0`–`a4` in the order of [`crate::doc`];
//! the status comes back in `t0` (0, or an [`crate::Error`]), values in `a0`, `a1`. The kernel preserves
//! `s0`–`s11`, `sp`, `gp`, `tp`; `ra`, `t0`–`t6` and `a0`–`a7` are the call's to use and come back without
//! anything of the kernel's in them. The calls after which other tasks run (`call`, `receive`, `reply`,
//! `reply_receive`, `wait`, `yield`) preserve only `s0`, `s1`, `sp`, `gp`, `tp`: what their caller needs besides
//! it keeps itself, which is cheaper than the kernel keeping everything.
//!
//! The message calls have the eight words of the message in `s2`–`s9`, both ways: the kernel's own code leaves
//! those alone, so on the fast path nobody moves them. Besides they use these; bits that come instead of a
//! message are in `a0`:
//!
//! | register | in | out |
//! |---|---|---|
//! | `t0` | call number | status |
//! | `t1` | endpoint (low half), reply (high half) | reply handle of the message received |
//! | `t2` | [`crate::ipc::Shape`] of the message and of the buffer | [`crate::ipc::Received`] |
//! | `t3` | address of the bytes to send | sender's task id |
//! | `t4` | address of the buffer to receive into | [`crate::ipc::Stamp`] |
//! | `t5` | deadline in nanoseconds, `u64::MAX` for none | when the message came, or `u64::MAX` |
//!
//! When a message came is told to a task that may see the time as it is, so that it need not ask; not while it waits
//! without a deadline, and not with an answer, where the register means nothing.

/// A system call. Numbers are append-only; 15 is fixed by contract. The first three can be answered without
/// saving the caller, the first seven have a fast path.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u64)]
pub enum Call {
    /// The caller's own task id: the null call.
    TaskSelf = 0,
    /// Monotonic time.
    ClockNow = 1,
    /// Set bits.
    Notify = 2,
    /// Message calls: see the module header for their registers.
    Call = 3,
    /// Answer a caller and wait for the next message.
    ReplyReceive = 4,
    /// Let others of the same class run.
    Yield = 5,
    /// Wait for bits, or just for a moment to come.
    Wait = 6,
    /// Wait for a message or for bits.
    Receive = 7,
    /// Answer a caller.
    Reply = 8,
    /// Duplicate a handle with fewer rights.
    HandleCopy = 9,
    /// Give up a handle.
    HandleClose = 10,
    /// Make an endpoint.
    EndpointCreate = 11,
    /// Make a notification.
    NotificationCreate = 12,
    /// Make a VMO of zeroed pages.
    VmoCreate = 13,
    /// Map a VMO or device memory.
    VmoMap = 14,
    /// Read one's own class or set a task's.
    TaskQos = 15,
    /// Undo a mapping.
    VmUnmap = 16,
    /// Take a VMO's pages back from everybody.
    VmoRevoke = 17,
    /// Start a task from the boot image.
    TaskSpawn = 18,
    /// End oneself.
    TaskExit = 19,
    /// End another task.
    TaskKill = 20,
    /// Read how a task is, or how it ended.
    TaskStatus = 21,
    /// Deliver an interrupt line as bits.
    IrqBind = 22,
    /// Take the next interrupt of a line.
    IrqAck = 23,
    /// Make a handle to device memory.
    DeviceMap = 24,
    /// Write a line to the log.
    LogWrite = 25,
    /// Read the log back.
    LogRead = 26,
    /// Read a record about the machine, a hart or a task.
    Info = 27,
    /// Find a file of the boot image.
    BootFile = 28,
    /// Switch tracing.
    TraceControl = 29,
    /// Read a hart's trace.
    TraceRead = 30,
    /// End the machine.
    MachineExit = 31,
    /// Take over a task whose death is reported to the caller.
    TaskAdopt = 32,
    /// Change how a task is scheduled.
    SchedSet = 33,
    /// Read how a task is scheduled.
    SchedGet = 34,
    /// Answer several callers alike.
    ReplyAll = 35,
}

impl Call {
    /// Every call, in wire order: the index is the number.
    pub const ALL: [Self; 36] = [
        Self::TaskSelf,
        Self::ClockNow,
        Self::Notify,
        Self::Call,
        Self::ReplyReceive,
        Self::Yield,
        Self::Wait,
        Self::Receive,
        Self::Reply,
        Self::HandleCopy,
        Self::HandleClose,
        Self::EndpointCreate,
        Self::NotificationCreate,
        Self::VmoCreate,
        Self::VmoMap,
        Self::TaskQos,
        Self::VmUnmap,
        Self::VmoRevoke,
        Self::TaskSpawn,
        Self::TaskExit,
        Self::TaskKill,
        Self::TaskStatus,
        Self::IrqBind,
        Self::IrqAck,
        Self::DeviceMap,
        Self::LogWrite,
        Self::LogRead,
        Self::Info,
        Self::BootFile,
        Self::TraceControl,
        Self::TraceRead,
        Self::MachineExit,
        Self::TaskAdopt,
        Self::SchedSet,
        Self::SchedGet,
        Self::ReplyAll,
    ];

    /// The call with this number.
    pub fn from_wire(number: u64) -> Option<Self> {
        Self::ALL.get(usize::try_from(number).ok()?).copied()
    }

    /// The number that travels in `t0`.
    pub const fn to_wire(self) -> u64 {
        self as u64
    }
}

/// `task_qos` operation: read one's own class.
pub const QOS_GET: u64 = 0;
/// `task_qos` operation: set a task's class.
pub const QOS_SET: u64 = 1;

const _: () = assert!(Call::TaskQos as u64 == 15, "the number of task_qos is fixed by contract");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_in_all_is_the_number() {
        for (number, call) in Call::ALL.into_iter().enumerate() {
            assert_eq!(call.to_wire(), number as u64);
            assert_eq!(Call::from_wire(number as u64), Some(call));
        }
        assert_eq!(Call::from_wire(Call::ALL.len() as u64), None);
    }
}
