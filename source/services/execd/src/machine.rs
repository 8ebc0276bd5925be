//! What execd asks of the kernel, policyd and timed. Only [`Machine::decide`] and [`Machine::forget_timers`] wait, for
//! a bounded time: neither service ever waits for anything itself.

use core::fmt;

use nexus_abi::{BurstHint, Error, ExitReason, Handle, HartMask, LatencyHint, QosClass, Shares, TaskId};
use nexus_wire::execd::Image;
use nexus_wire::policyd::{Decision, May};
use nexus_wire::recipe::{Placement, Profile};

/// A task to start. It begins at Normal; how it is scheduled otherwise is set when it exists.
#[derive(Clone, Copy, Debug)]
pub struct Launch<'a> {
    /// Its image.
    pub image: &'a str,
    /// Its arguments.
    pub args: &'a str,
    /// What it may do.
    pub profile: &'a Profile,
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

/// The kernel, policyd and timed, as far as execd needs them.
pub trait Machine {
    /// Starts a task. Refused, it leaves nothing behind.
    fn spawn(&mut self, launch: &Launch<'_>) -> Result<(Handle, TaskId), Error>;

    /// Ends a task.
    fn kill(&mut self, task: Handle) -> Result<(), Error>;

    /// How a task ended; `None` while it lives.
    fn ended(&mut self, task: Handle) -> Option<ExitReason>;

    /// The first task from slot `from` on that an earlier incarnation of execd started and left.
    fn orphan(&mut self, from: u32) -> Option<Orphan>;

    /// The image of a living task, whoever started it.
    fn image_of(&mut self, task: TaskId) -> Option<Image>;

    /// Sets a task's class.
    fn set_class(&mut self, task: TaskId, class: QosClass) -> Result<(), Error>;

    /// Sets where a task runs; answers the harts the kernel stored.
    fn set_affinity(&mut self, task: TaskId, place: Placement) -> Result<HartMask, Error>;

    /// Sets a task's weight inside its class; answers what the kernel stored.
    fn set_shares(&mut self, task: TaskId, shares: Shares) -> Result<Shares, Error>;

    /// Sets how long a task is willing to wait; answers what the kernel stored.
    fn set_latency(&mut self, task: TaskId, latency: LatencyHint) -> Result<LatencyHint, Error>;

    /// Sets how long a task wants to run; answers what the kernel stored.
    fn set_burst(&mut self, task: TaskId, burst: BurstHint) -> Result<BurstHint, Error>;

    /// Asks policyd; nothing when it does not answer in time.
    fn decide(&mut self, question: &May) -> Option<Decision>;

    /// Has timed forget a task that is dead. Should timed die meanwhile, it has.
    fn forget_timers(&mut self, task: TaskId);

    /// Gives up a handle.
    fn close(&mut self, handle: Handle);

    /// Prints a line.
    fn log(&mut self, line: fmt::Arguments<'_>);
}
