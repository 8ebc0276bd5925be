//! How a task begins, and how a task or the machine ends.

use crate::{Error, Handle, HartMask, QosClass};

/// Everything a spawner says about a new task. Lives in the spawner's memory; `task_spawn` gets its address.
///
/// The child starts with `a0` = address and `a1` = length of the argument bytes (on its stack), and finds
/// the given handles under [`Handle::startup`] in order.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct SpawnArgs {
    /// Index of the program in the boot image, from `boot_file`.
    pub image: u32,
    /// [`SpawnFlags`].
    pub flags: SpawnFlags,
    /// A [`QosClass`] wire value. Above Normal needs a privileged spawner.
    pub class: u32,
    /// Pages the task may own: memory, page tables, kernel objects' pages.
    pub pages: u32,
    /// Handles it may hold, at most [`crate::HANDLES_MAX`].
    pub handles: u32,
    /// Kernel objects it may own.
    pub objects: u32,
    /// Harts it may run on.
    pub affinity: HartMask,
    /// Endpoint or notification that hears of its death; [`Handle::NONE`] for nobody. Needs NOTIFY.
    pub supervisor: Handle,
    /// Pages of stack; touched ones count.
    pub stack_pages: u32,
    /// The bits set at `supervisor`.
    pub supervisor_bits: u64,
    /// Handles moved to the child. Each needs MOVE.
    pub given: [Handle; Handle::STARTUP_MAX],
    /// Address of the argument bytes.
    pub args: u64,
    /// Their length, at most [`SpawnArgs::ARGS_MAX`].
    pub args_len: u64,
}

impl SpawnArgs {
    /// Most argument bytes.
    pub const ARGS_MAX: usize = 2048;
    /// Stack of a task whose spawner has no opinion.
    pub const STACK_PAGES: u32 = 16;

    /// A Normal task with modest limits and nothing given.
    pub const fn new(image: u32) -> Self {
        Self {
            image,
            flags: SpawnFlags::NONE,
            class: QosClass::Normal as u32,
            pages: 1024,
            handles: 256,
            objects: 256,
            affinity: HartMask::ANY,
            supervisor: Handle::NONE,
            stack_pages: Self::STACK_PAGES,
            supervisor_bits: 0,
            given: [Handle::NONE; Handle::STARTUP_MAX],
            args: 0,
            args_len: 0,
        }
    }
}

/// Bits that make a task special.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct SpawnFlags(pub u32);

impl SpawnFlags {
    /// An ordinary task.
    pub const NONE: Self = Self(0);
    /// Sees the clock at full resolution and waits without slack.
    pub const PRECISE_TIME: Self = Self(1 << 0);
    /// Every flag there is.
    pub const ALL: Self = Self(1);

    /// True when every bit of `other` is here.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// Why a task ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExitReason {
    /// It called `task_exit` with this code.
    Exited(i32),
    /// Somebody with the MANAGE right killed it.
    Killed,
    /// It did what the hardware forbids.
    Fault {
        /// The trap's cause (`scause`).
        cause: u8,
        /// Where it was.
        pc: u64,
        /// What it touched (`stval`).
        address: u64,
    },
    /// The memory it was entitled to could not be found: its own quota, or the machine's.
    OutOfMemory(Error),
}

impl core::fmt::Display for ExitReason {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "exit {code}"),
            Self::Killed => f.write_str("killed"),
            Self::Fault { cause, pc, address } => {
                let what = match cause {
                    0 | 1 | 12 => "bad jump",
                    2 => "illegal instruction",
                    3 => "breakpoint",
                    4 | 5 | 13 => "bad load",
                    6 | 7 | 15 => "bad store",
                    _ => "trap",
                };
                write!(f, "{what} at pc {pc:#x}, address {address:#x}")
            }
            Self::OutOfMemory(error) => write!(f, "out of memory: {error}"),
        }
    }
}

/// How the machine ends: the emulator's own exit code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum ExitCode {
    /// All well.
    Ok = 0,
    /// A selftest failed.
    SelftestFailed = 1,
    /// The benchmark could not measure.
    BenchFailed = 2,
    /// The kernel found itself broken.
    KernelPanic = 16,
    /// No usable device tree.
    BadDeviceTree = 17,
    /// The boot image is missing or broken.
    BadImage = 18,
    /// The first task died.
    InitDied = 19,
    /// Not enough memory to start.
    NoMemory = 20,
}

impl ExitCode {
    /// Reads a register.
    pub fn from_wire(value: u64) -> Option<Self> {
        [
            Self::Ok,
            Self::SelftestFailed,
            Self::BenchFailed,
            Self::KernelPanic,
            Self::BadDeviceTree,
            Self::BadImage,
            Self::InitDied,
            Self::NoMemory,
        ]
        .into_iter()
        .find(|code| *code as u64 == value)
    }
}
