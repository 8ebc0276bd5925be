//! The token that makes its holder the one owner of a task.
//!
//! There is one [`OwnedTask`] per task, it can be moved but not copied, and everything that only the owner
//! may do needs it: so a task can be neither lost nor run twice without the compiler or, in debug builds,
//! the drop check objecting. A queue stores the token as a [`TaskPtr`] and gives it back on removal.
#![expect(unsafe_code, reason = "the one place where tokens become pointers and pointers tokens")]

use core::mem::ManuallyDrop;
use core::ops::Deref;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicPtr, Ordering};

use nexus_abi::Error;
use timer_coalescer::queue::{Node, Nodes};

use super::{Links, Own, Registers, Task};
use crate::cap::Ref;
use crate::ipc::port::Port;
use crate::mm::page_table::Access;
use crate::sched::Hart;
use crate::sync::mailbox::Parcel;
use crate::time::Ticks;

/// The one owner of a task.
#[derive(Debug)]
#[must_use = "dropping the token would lose the task"]
#[repr(transparent)]
pub struct OwnedTask(NonNull<Task>);

// SAFETY: the token is the right to use the task's owned part, and it moves between harts whole.
unsafe impl Send for OwnedTask {}

impl Deref for OwnedTask {
    type Target = Task;
    #[inline(always)]
    fn deref(&self) -> &Task {
        // SAFETY: a task lives at least as long as its token.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for OwnedTask {
    fn drop(&mut self) {
        debug_assert!(false, "task lost: its token was dropped");
    }
}

impl OwnedTask {
    /// The token of a task that nobody owns yet.
    ///
    /// # Safety
    ///
    /// No other token for the task exists, and the task is alive.
    #[inline(always)]
    pub unsafe fn adopt(task: NonNull<Task>) -> Self {
        Self(task)
    }

    /// Gives up the token, to be kept as a pointer.
    #[inline(always)]
    pub fn into_ptr(self) -> TaskPtr {
        TaskPtr(ManuallyDrop::new(self).0)
    }

    /// Ends the task's life: the reference it began with, to its record.
    pub(super) fn into_record(self) -> crate::cap::Ref<Task> {
        let task = self.into_ptr().0;
        // SAFETY: a task is made with one reference, which belongs to its token and to no `Ref` until now.
        unsafe { crate::cap::Ref::adopt(task) }
    }

    /// Its name as a pointer, without giving up the token.
    #[inline(always)]
    pub fn ptr(&self) -> TaskPtr {
        TaskPtr(self.0)
    }

    /// Its saved registers.
    #[inline(always)]
    pub fn registers(&self) -> &Registers {
        // SAFETY: the token is borrowed, so nobody writes.
        unsafe { &*self.registers.get() }
    }

    /// Its saved registers, to change.
    #[inline(always)]
    pub fn registers_mut(&mut self) -> &mut Registers {
        // SAFETY: the token is borrowed exclusively.
        unsafe { &mut *self.registers.get() }
    }

    /// Its owned part.
    #[inline(always)]
    pub fn own(&self) -> &Own {
        // SAFETY: the token is borrowed, so nobody writes.
        unsafe { &*self.own.get() }
    }

    /// Its owned part, to change.
    #[inline(always)]
    pub fn own_mut(&mut self) -> &mut Own {
        // SAFETY: the token is borrowed exclusively.
        unsafe { &mut *self.own.get() }
    }

    /// Its owned part, to change, beside its shared part.
    #[inline(always)]
    pub fn parts(&mut self) -> (&Task, &mut Own) {
        // SAFETY: as above; the owned part is in a cell of its own.
        unsafe { (self.0.as_ref(), &mut *self.0.as_ref().own.get()) }
    }

    /// Makes an access possible: see [`crate::mm::space::AddressSpace::fault`].
    pub fn fault(&mut self, hart: &mut Hart, address: usize, needed: Access) -> Result<(), Error> {
        let (task, own) = self.parts();
        own.space.fault(hart, task, address, needed).map_err(Error::from)
    }

    /// Where its floating-point registers are kept.
    pub(crate) fn fpu_state(&self) -> *mut crate::arch::FpuState {
        self.fpu.get()
    }

    /// Notes how many handles it holds, for people.
    #[inline(always)]
    pub fn note_handles(&self) {
        self.handles_seen.store(self.own().handles.used(), core::sync::atomic::Ordering::Relaxed);
    }

    /// Says who is to hear of its death, before anybody can know the task.
    pub(super) fn set_supervisor(&mut self, port: Ref<Port>, bits: u64) {
        self.supervisor.store(port.as_ptr().as_ptr(), Ordering::Relaxed);
        self.death_bits.store(bits, Ordering::Relaxed);
        self.own_mut().supervisor = Some(port);
    }

    /// Records how it ended.
    pub(crate) fn set_exit(&mut self, reason: nexus_abi::ExitReason) {
        // SAFETY: nobody reads it before the state says dead, and the token is borrowed exclusively.
        unsafe { self.exit.get().write(reason) }
    }
}

impl Task {
    /// How it ended; `None` while it is not dead.
    pub fn exit_reason(&self) -> Option<nexus_abi::ExitReason> {
        let dead = nexus_abi::info::TaskState::Dead as u8;
        // SAFETY: the reason was written before the state was published, and never after.
        (self.state.load(core::sync::atomic::Ordering::Acquire) == dead).then(|| unsafe { *self.exit.get() })
    }
}

/// A task by address, while its token is in a structure that knows how to give it back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct TaskPtr(NonNull<Task>);

// SAFETY: a pointer alone gives no access.
unsafe impl Send for TaskPtr {}

impl TaskPtr {
    /// A task by address.
    pub fn to(task: &Task) -> Self {
        Self(task.as_ptr())
    }

    /// The address.
    #[inline(always)]
    pub fn as_ptr(self) -> *const Task {
        self.0.as_ptr()
    }

    /// Takes the token out of the structure that held the task.
    ///
    /// # Safety
    ///
    /// The structure holds the task's only token, is the caller's alone, and gives it up now.
    #[inline(always)]
    pub unsafe fn take(self) -> OwnedTask {
        OwnedTask(self.0)
    }

    /// The shared part.
    ///
    /// # Safety
    ///
    /// The task is alive for as long as the reference is used.
    #[inline(always)]
    pub unsafe fn shared<'a>(self) -> &'a Task {
        // SAFETY: by contract.
        unsafe { self.0.as_ref() }
    }
}

/// Reaches the links of tasks in a queue that the caller owns.
#[derive(Debug)]
pub struct QueueLinks {
    _private: (),
}

impl QueueLinks {
    /// The way to the links.
    ///
    /// # Safety
    ///
    /// Used only on tasks whose tokens are in the queue at hand, by the hart that may change the queue.
    #[inline(always)]
    pub const unsafe fn new() -> Self {
        Self { _private: () }
    }

    /// The links of a task in the queue.
    #[inline(always)]
    pub fn of(&mut self, task: TaskPtr) -> &mut Links {
        // SAFETY: by the contract of `new`.
        unsafe { &mut *task.0.as_ref().links.get() }
    }
}

/// Reaches the claims to time that a hart's queue knows of.
#[derive(Debug)]
pub struct Claims {
    _private: (),
}

impl Claims {
    /// The way to the claims.
    ///
    /// # Safety
    ///
    /// Used only on tasks whose claims the hart's queue holds, or whose tokens the hart has in its hands.
    #[inline(always)]
    pub const unsafe fn new() -> Self {
        Self { _private: () }
    }
}

impl sched_policy::Entities<TaskPtr> for Claims {
    #[inline(always)]
    fn entity(&mut self, id: TaskPtr) -> &mut sched_policy::Entity<TaskPtr> {
        // SAFETY: by the contract of `new`.
        unsafe { &mut *id.0.as_ref().claim.get() }
    }
}

/// Reaches the deadline nodes of the tasks whose deadlines a hart holds.
#[derive(Debug)]
pub struct TimerNodes {
    _private: (),
}

impl TimerNodes {
    /// The way to the nodes.
    ///
    /// # Safety
    ///
    /// Used only by the hart whose deadline queue holds, or is about to hold, the tasks.
    #[inline(always)]
    pub const unsafe fn new() -> Self {
        Self { _private: () }
    }
}

impl Nodes for TimerNodes {
    type Id = TaskPtr;
    type Moment = Ticks;
    #[inline(always)]
    fn node(&mut self, id: TaskPtr) -> &mut Node<TaskPtr, Ticks> {
        // SAFETY: by the contract of `TimerNodes::new`.
        unsafe { &mut *id.0.as_ref().timer.get() }
    }
}

// SAFETY: the token is the only owner; the task stays in its page.
unsafe impl Parcel for OwnedTask {
    type Node = Task;
    fn into_raw(self) -> NonNull<Task> {
        self.into_ptr().0
    }
    unsafe fn from_raw(node: NonNull<Task>) -> Self {
        Self(node)
    }
    fn link(node: &Task) -> &AtomicPtr<Task> {
        &node.mail
    }
}
