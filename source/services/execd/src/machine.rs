//! What execd asks of the kernel. Nothing here waits.

use core::fmt;

use nexus_abi::{Error, ExitReason, Handle, HartMask, TaskId};
use nexus_wire::execd::Image;

use crate::profile::Profile;

/// A task to start.
#[derive(Clone, Copy, Debug)]
pub struct Launch<'a> {
    /// Its image.
    pub image: &'a str,
    /// Its arguments.
    pub args: &'a str,
    /// What it may do.
    pub profile: Profile,
    /// Where it may run.
    pub harts: HartMask,
    /// Set at execd's endpoint when it has died.
    pub death_bit: u64,
    /// A handle for its third startup slot, moved only if the spawn succeeds.
    pub extra: Option<Handle>,
}

/// A task that outlived the execd that started it.
#[derive(Clone, Debug)]
pub struct Orphan {
    /// Its image.
    pub image: Image,
    /// A handle to it.
    pub task: Handle,
    /// Its id.
    pub id: TaskId,
    /// Set at execd's endpoint when it has died.
    pub death_bit: u64,
}

/// The kernel, as far as execd needs it.
pub trait Machine {
    /// Starts a task. Refused, it leaves nothing behind.
    fn spawn(&mut self, launch: &Launch<'_>) -> Result<(Handle, TaskId), Error>;

    /// Ends a task.
    fn kill(&mut self, task: Handle) -> Result<(), Error>;

    /// How a task ended; `None` while it lives.
    fn ended(&mut self, task: Handle) -> Option<ExitReason>;

    /// The first task from slot `from` on that an earlier incarnation of execd started and left.
    fn orphan(&mut self, from: u32) -> Option<Orphan>;

    /// Gives up a handle.
    fn close(&mut self, handle: Handle);

    /// Prints a line.
    fn log(&mut self, line: fmt::Arguments<'_>);
}
