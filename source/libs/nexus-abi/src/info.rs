//! Records about the machine, its harts and its tasks, as `info` and its kin fill them.
//!
//! Every record is `repr(C)`, made of integers only, so any bytes are a valid value.

/// Where text goes that a task writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
pub enum Output {
    /// To the console, and into the log for later.
    Kept = 0,
    /// To the console only: what a person asked for, who sees it now.
    Shown = 1,
}

impl Output {
    /// Reads a register.
    pub const fn from_wire(value: u64) -> Option<Self> {
        match value {
            0 => Some(Self::Kept),
            1 => Some(Self::Shown),
            _ => None,
        }
    }
}

/// What `info` can be asked about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
pub enum InfoKind {
    /// [`MachineInfo`].
    Machine = 0,
    /// [`HartInfo`] of the hart with the given index.
    Hart = 1,
    /// [`TaskInfo`] of the first task whose slot is at or after the given index.
    Task = 2,
    /// [`TaskInfo`] of the caller. Needs no right.
    Own = 3,
    /// The kernel command line, as bytes.
    CommandLine = 4,
    /// [`ConsoleInfo`].
    Console = 5,
    /// [`WallClockInfo`].
    WallClock = 6,
}

impl InfoKind {
    /// Reads a register.
    pub fn from_wire(value: u64) -> Option<Self> {
        let all = [
            Self::Machine,
            Self::Hart,
            Self::Task,
            Self::Own,
            Self::CommandLine,
            Self::Console,
            Self::WallClock,
        ];
        all.into_iter().find(|kind| *kind as u64 == value)
    }
}

/// The machine as a whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct MachineInfo {
    /// Harts running.
    pub harts: u64,
    /// Page frames that tasks and the kernel take and give back.
    pub frames_total: u64,
    /// Those of them that nobody uses.
    pub frames_free: u64,
    /// Tasks alive or not yet collected.
    pub tasks: u64,
    /// Kernel objects alive (endpoints, notifications, VMOs, interrupts, device memory).
    pub objects: u64,
    /// Handles open in all tasks together.
    pub handles: u64,
    /// Nanoseconds from reset until the first user instruction.
    pub boot_ns: u64,
    /// Files in the boot image.
    pub boot_files: u64,
    /// Page frames taken for good at boot, in no other count: the kernel, the boot image, a tag per frame.
    pub frames_fixed: u64,
}

impl MachineInfo {
    /// Page frames in use, whatever for.
    pub fn frames_used(&self) -> u64 {
        self.frames_fixed + self.frames_total.saturating_sub(self.frames_free)
    }
}

/// One hart.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct HartInfo {
    /// The number firmware knows it by.
    pub hardware_id: u64,
    /// Nanoseconds running tasks or the kernel, since it began to.
    pub busy_ns: u64,
    /// Nanoseconds asleep in `wfi`.
    pub idle_ns: u64,
    /// Times it went to sleep.
    pub idle_entries: u64,
    /// Timer interrupts taken.
    pub timer_irqs: u64,
    /// Interrupts from other harts taken.
    pub ipis: u64,
    /// Device interrupts taken.
    pub device_irqs: u64,
    /// Task switches, except those of messages in registers.
    pub switches: u64,
    /// Tasks taken from another hart.
    pub steals: u64,
    /// Tasks ready to run here now.
    pub runnable: u64,
}

/// What a task is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
pub enum TaskState {
    /// On a hart, now.
    Running = 0,
    /// Ready, in a run queue or on its way to one.
    Ready = 1,
    /// Waiting in `receive` or `wait`.
    Waiting = 2,
    /// Has called, and no server has taken the call yet.
    Calling = 3,
    /// A server works on its call.
    AwaitingReply = 4,
    /// Giving back what it owned.
    Dying = 5,
    /// Gone; only its exit reason is left.
    Dead = 6,
}

impl TaskState {
    /// Reads a record's field.
    pub fn from_wire(value: u64) -> Option<Self> {
        [
            Self::Running,
            Self::Ready,
            Self::Waiting,
            Self::Calling,
            Self::AwaitingReply,
            Self::Dying,
            Self::Dead,
        ]
        .into_iter()
        .find(|state| *state as u64 == value)
    }
}

/// Bytes the kernel keeps of an image's name.
pub const NAME_MAX: usize = 24;

/// One task.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct TaskInfo {
    /// Its [`crate::TaskId`].
    pub id: u64,
    /// Its [`crate::ServiceId`].
    pub service: u64,
    /// Its [`crate::QosClass`].
    pub class: u64,
    /// Its [`TaskState`].
    pub state: u64,
    /// The hart it runs on or ran on last.
    pub hart: u64,
    /// Nanoseconds it has run.
    pub cpu_ns: u64,
    /// Times it was switched to.
    pub switches: u64,
    /// Pages it owns.
    pub pages: u64,
    /// Handles it holds.
    pub handles: u64,
    /// Kernel objects it owns.
    pub objects: u64,
    /// Image name, padded with zeros.
    pub name: [u8; NAME_MAX],
    /// How it ended, when it is dead: 0 exited, 1 killed, 2 fault, 3 out of memory.
    pub exit_kind: u64,
    /// Exit code, trap cause or error.
    pub exit_code: u64,
    /// Program counter at a fault.
    pub exit_pc: u64,
    /// Address of a fault.
    pub exit_address: u64,
    /// Its [`crate::Shares`].
    pub shares: u64,
    /// Nanoseconds of others' time that it ran, as a server that works for its callers.
    pub received_ns: u64,
    /// Nanoseconds of its time that servers ran, because they worked for it.
    pub donated_ns: u64,
    /// Times it came to another hart.
    pub migrations: u64,
    /// Times it became ready after waiting.
    pub wakeups: u64,
    /// The longest it was ready and did not run, in nanoseconds.
    pub longest_wait_ns: u64,
}

impl TaskInfo {
    /// The image name.
    pub fn name(&self) -> &str {
        let end = self.name.iter().position(|b| *b == 0).unwrap_or(self.name.len());
        core::str::from_utf8(self.name.get(..end).unwrap_or(&[])).unwrap_or("?")
    }

    /// How it ended, when it is dead.
    pub fn exit_reason(&self) -> Option<crate::ExitReason> {
        use crate::{Error, ExitReason};
        if self.state != TaskState::Dead as u64 {
            return None;
        }
        Some(match self.exit_kind {
            0 => ExitReason::Exited(self.exit_code as i32),
            1 => ExitReason::Killed,
            2 => ExitReason::Fault {
                cause: self.exit_code as u8,
                pc: self.exit_pc,
                address: self.exit_address,
            },
            _ => ExitReason::OutOfMemory(Error::from_wire(self.exit_code)),
        })
    }

    /// Records how it ended.
    pub fn set_exit(&mut self, reason: crate::ExitReason) {
        use crate::ExitReason;
        (self.exit_kind, self.exit_code, self.exit_pc, self.exit_address) = match reason {
            ExitReason::Exited(code) => (0, code as u32 as u64, 0, 0),
            ExitReason::Killed => (1, 0, 0, 0),
            ExitReason::Fault { cause, pc, address } => (2, u64::from(cause), pc, address),
            ExitReason::OutOfMemory(error) => (3, error.to_wire(), 0, 0),
        };
    }
}

/// Where the console UART is, for the task that reads it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct ConsoleInfo {
    /// Physical address of its registers (a 16550).
    pub address: u64,
    /// Its interrupt line.
    pub irq: u64,
}

/// Where the clock is that runs while the machine is off, for the task that reads it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct WallClockInfo {
    /// Physical address of its registers (a goldfish RTC).
    pub address: u64,
    /// Its interrupt line.
    pub irq: u64,
}

/// One file of the boot image.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct BootFileInfo {
    /// Its index, for `task_spawn`.
    pub index: u64,
    /// Its length in bytes.
    pub len: u64,
}

/// One event of a hart's trace.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct TraceEvent {
    /// When.
    pub at_ns: u64,
    /// A [`TraceKind`].
    pub kind: u64,
    /// The task concerned, 0 for none.
    pub task: u64,
    /// What else there is to say; see [`TraceKind`].
    pub detail: u64,
}

/// What a [`TraceEvent`] tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
pub enum TraceKind {
    /// The hart switched to `task`.
    Switch = 1,
    /// `task` became ready; detail: the hart it goes to.
    Wake = 2,
    /// A device interrupt; detail: the line.
    Irq = 3,
    /// A timer interrupt.
    Timer = 4,
    /// The hart went to sleep.
    IdleEnter = 5,
    /// The hart woke up.
    IdleLeave = 6,
    /// `task` sent a message; detail: the receiver.
    Ipc = 7,
    /// `task` died; detail: kind of its exit reason.
    Death = 8,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Error, ExitReason};

    #[test]
    fn exit_reasons_survive_the_record() {
        let reasons = [
            ExitReason::Exited(-7),
            ExitReason::Killed,
            ExitReason::Fault { cause: 13, pc: 0x10000, address: 8 },
            ExitReason::OutOfMemory(Error::OverQuota),
        ];
        for reason in reasons {
            let mut info = TaskInfo { state: TaskState::Dead as u64, ..Default::default() };
            info.set_exit(reason);
            assert_eq!(info.exit_reason(), Some(reason));
        }
        assert_eq!(TaskInfo::default().exit_reason(), None);
    }
}
