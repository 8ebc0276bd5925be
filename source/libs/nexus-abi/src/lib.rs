//! The contract between the kernel and user tasks, in one place.
//!
//! [`Call`] numbers the system calls, [`Error`] says what can go wrong and whose fault it is, and the
//! newtypes ([`Handle`], [`Rights`], [`TaskId`], [`QosClass`], …) keep raw integers at the boundary.
//! Kernel, runtime, tools and the generated page `docs/kernel/syscalls.md` all read these definitions;
//! nothing here depends on anything of ours.
//!
//! | module | holds |
//! |---|---|
//! | [`call`] | call numbers and the register convention |
//! | [`doc`] | arguments, rights, effects and errors of every call, as data |
//! | [`error`] | errors with their blame |
//! | [`handle`] | handles and rights |
//! | [`ident`] | tasks, services, QoS classes, hart masks |
//! | [`idle`] | how deeply a hart sleeps |
//! | [`info`] | the records that `info`, `task_status` and `trace_read` fill |
//! | [`qos`] | shares and hints for the scheduler |
//! | [`sched`] | affinity, and the fields that the scheduling calls name |
//! | [`spawn`] | what a spawner says about a new task, and how a machine or a task ends |
//! | `user` | the typed calls (only when compiled for the device) |

#![no_std]

pub mod call;
pub mod doc;
pub mod error;
pub mod handle;
pub mod ident;
pub mod idle;
pub mod info;
pub mod ipc;
pub mod qos;
pub mod sched;
pub mod spawn;
#[cfg(all(target_arch = "riscv64", target_os = "none"))]
pub mod user;

pub use call::Call;
pub use error::{Blame, Error};
pub use handle::{Handle, Rights};
pub use ident::{HartMask, Nanos, QosClass, ServiceId, TaskId};
pub use idle::IdleLevel;
pub use qos::{BurstHint, LatencyHint, Shares};
pub use sched::{Affinity, AffinityPolicy, SchedField};
pub use spawn::{ExitCode, ExitReason, SpawnArgs};

/// Bytes in a page: the unit of mapping and of memory quotas.
pub const PAGE_SIZE: usize = 4096;
/// Words a message carries in registers.
pub const MESSAGE_WORDS: usize = 8;
/// Most bytes one message copies; larger data goes through a VMO.
pub const MESSAGE_BYTES_MAX: usize = 4096;
/// Most handles one task may hold.
pub const HANDLES_MAX: usize = 1024;
/// Harts the kernel can drive.
pub const HARTS_MAX: usize = 8;
/// Tasks that can exist at once.
pub const TASKS_MAX: usize = 16_384;
/// Longest line `log_write` takes, in bytes.
pub const LOG_LINE_MAX: usize = 256;
/// First address a user task may map: below it lies the null guard.
pub const USER_BASE: usize = 0x1_0000;
/// One past the last user address (the lower half of Sv39).
pub const USER_END: usize = 1 << 38;
/// Resolution of the clock for a task without [`spawn::SpawnFlags::PRECISE_TIME`].
pub const COARSE_CLOCK: Nanos = Nanos(100_000);
