//! As much of a task as waiting needs, and a token that knows when it is doubled.
#![expect(unsafe_code, reason = "tokens are pointers, as in the kernel")]

use std::cell::UnsafeCell;
use std::ptr::{self, NonNull};

use nexus_abi::QosClass;
use sched_policy::Settings;

use crate::ipc::port::Port;
use crate::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering, fence};

#[path = "../../src/task/loan.rs"]
#[expect(dead_code, reason = "no scenario lends anything")]
mod loan;

#[derive(Debug)]
pub struct Task {
    pub loan: loan::Loan,
    pub call_state: AtomicU64,
    pub waiting_at: AtomicPtr<Port>,
    pub state: std::sync::atomic::AtomicU8,
    flags: AtomicU32,
    links: UnsafeCell<Links>,
    /// Written by whoever holds the token: loom objects when two hold it, or when one does not see what
    /// the one before did.
    own: loom::cell::UnsafeCell<u32>,
}

// SAFETY: the links change under the port's lock; the rest is atomic or checked by loom.
unsafe impl Sync for Task {}
// SAFETY: as above.
unsafe impl Send for Task {}

#[derive(Debug, Default)]
pub struct Links {
    pub next: Option<TaskPtr>,
    pub prev: Option<TaskPtr>,
    pub list: u8,
}

pub struct Flags;

impl Flags {
    pub const KILL: u32 = 1;
    pub const EXPIRED: u32 = 1 << 3;
}

impl Task {
    pub fn new() -> Self {
        let task = Self {
            loan: loan::Loan::new(),
            call_state: AtomicU64::new(0),
            waiting_at: AtomicPtr::new(ptr::null_mut()),
            state: std::sync::atomic::AtomicU8::new(0),
            flags: AtomicU32::new(0),
            links: UnsafeCell::new(Links::default()),
            own: loom::cell::UnsafeCell::new(0),
        };
        // Loom wants to see the words before there are threads.
        task.call_state.store(0, Ordering::Relaxed);
        task.waiting_at.store(ptr::null_mut(), Ordering::Relaxed);
        task.flags.store(0, Ordering::Relaxed);
        task
    }

    /// The token, for the scenario to begin with.
    pub fn token(&self) -> OwnedTask {
        OwnedTask(NonNull::from(self))
    }

    pub fn settings(&self) -> Settings {
        Settings { class: QosClass::Normal, ..Settings::default() }
    }

    pub fn as_ptr(&self) -> NonNull<Self> {
        NonNull::from(self)
    }

    pub fn set_flag(&self, flag: u32) -> u32 {
        self.flags.fetch_or(flag, Ordering::SeqCst)
    }

    pub fn flags_after_publishing(&self) -> u32 {
        fence(Ordering::SeqCst);
        self.flags.load(Ordering::Relaxed)
    }
}

/// The token.
#[derive(Debug)]
pub struct OwnedTask(NonNull<Task>);

// SAFETY: as in the kernel.
unsafe impl Send for OwnedTask {}

impl std::ops::Deref for OwnedTask {
    type Target = Task;
    fn deref(&self) -> &Task {
        // SAFETY: tasks outlive their scenario's threads.
        unsafe { self.0.as_ref() }
    }
}

impl OwnedTask {
    /// # Safety
    ///
    /// As in the kernel.
    pub unsafe fn adopt(task: NonNull<Task>) -> Self {
        Self(task)
    }

    pub fn into_ptr(self) -> TaskPtr {
        TaskPtr(self.0)
    }

    /// Does what only the owner may.
    pub fn touch(&mut self) {
        // SAFETY: loom checks that nobody else is here.
        self.own.with_mut(|own| unsafe { *own += 1 });
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TaskPtr(NonNull<Task>);

// SAFETY: a pointer alone gives no access.
unsafe impl Send for TaskPtr {}

impl TaskPtr {
    pub fn to(task: &Task) -> Self {
        Self(NonNull::from(task))
    }

    /// # Safety
    ///
    /// As in the kernel.
    pub unsafe fn take(self) -> OwnedTask {
        OwnedTask(self.0)
    }

    /// # Safety
    ///
    /// As in the kernel.
    pub unsafe fn shared<'a>(self) -> &'a Task {
        // SAFETY: by contract.
        unsafe { self.0.as_ref() }
    }
}

pub mod owned {
    use super::{Links, TaskPtr};

    pub struct QueueLinks;

    impl QueueLinks {
        /// # Safety
        ///
        /// As in the kernel.
        pub unsafe fn new() -> Self {
            Self
        }

        pub fn of(&mut self, task: TaskPtr) -> &mut Links {
            // SAFETY: by the contract of `new`.
            unsafe { &mut *task.0.as_ref().links.get() }
        }
    }
}
