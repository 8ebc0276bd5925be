//! Kernel objects: what a handle can name, how references are counted, and who pays.
//!
//! Every object begins with a [`Header`]. It lives until its last [`Ref`] is released, but it *works* only
//! while the task that pays for it lives: at that task's death its objects are found through the header's
//! list, made dead, and charged to nobody. Releasing needs the hart (for the pools), so it is a call, not a
//! destructor: [`crate::task::reclaim`] has it.
#![expect(unsafe_code, reason = "reference counting hands out shared references to pooled objects")]

use core::ops::Deref;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use crate::ipc::irq::Irq;
use crate::ipc::port::Port;
use crate::ipc::reply::CallNumber;
use crate::mm::vmo::Vmo;
use crate::task::Task;

/// The start of every kernel object.
#[derive(Debug)]
#[repr(C)]
pub struct Header {
    refs: AtomicU32,
    pub(crate) kind: Kind,
    /// The task that pays; null once it died. Changes under the owner's stripe.
    pub(crate) owner: AtomicPtr<Task>,
    /// Neighbours in the owner's list; under the owner's stripe.
    pub(crate) next: AtomicPtr<Header>,
    pub(crate) prev: AtomicPtr<Header>,
}

/// What follows a header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Kind {
    /// A [`Port`].
    Port,
    /// A [`Vmo`].
    Vmo,
    /// An [`Irq`].
    Irq,
    /// A [`Task`].
    Task,
}

impl Header {
    /// The header of a new object with one reference, in nobody's list yet.
    pub const fn new(kind: Kind) -> Self {
        Self {
            refs: AtomicU32::new(1),
            kind,
            owner: AtomicPtr::new(ptr::null_mut()),
            next: AtomicPtr::new(ptr::null_mut()),
            prev: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// One more reference to an object that is alive.
    #[inline(always)]
    pub(crate) fn retain(&self) {
        self.refs.fetch_add(1, Ordering::Relaxed);
    }

    /// One more reference, unless the last one is already gone.
    pub(crate) fn try_retain(&self) -> bool {
        self.refs
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| if n == 0 { None } else { Some(n + 1) })
            .is_ok()
    }
}

/// An object type: how to reach its header.
///
/// # Safety
///
/// The type is `repr(C)` and its first field is the returned header.
pub unsafe trait Counted {
    /// The header.
    fn header(&self) -> &Header;
}

/// A counted reference. Give it back with `release`; dropping it silently leaks the count.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
#[repr(transparent)]
pub struct Ref<T>(NonNull<T>);

// SAFETY: objects are shared between harts by design; their fields are atomics or behind locks.
unsafe impl<T: Sync> Send for Ref<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Ref<T> {}

impl<T: Counted> Ref<T> {
    /// Adopts the reference that a new object begins with, or one kept as a raw pointer.
    ///
    /// # Safety
    ///
    /// `object` is alive and one of its references belongs to the caller and to no `Ref`.
    pub unsafe fn adopt(object: NonNull<T>) -> Self {
        Self(object)
    }

    /// Another reference to the same object. O(1).
    #[inline(always)]
    pub fn share(&self) -> Self {
        self.header().retain();
        Self(self.0)
    }

    /// True when no other reference exists. Whoever holds the only one can rely on it.
    pub fn is_sole_reference(&self) -> bool {
        self.header().refs.load(Ordering::Acquire) == 1
    }

    /// Gives this reference up if there are others: true when it is gone, and `self` with it.
    pub(crate) fn release_unless_last(&self) -> bool {
        let less = |n: u32| (n > 1).then(|| n - 1);
        self.header().refs.fetch_update(Ordering::AcqRel, Ordering::Relaxed, less).is_ok()
    }

    /// Where it lives.
    #[inline(always)]
    pub fn as_ptr(&self) -> NonNull<T> {
        self.0
    }

    /// Gives this reference up; true when it was the last and the object is now the caller's to destroy.
    #[inline(always)]
    pub(crate) fn release_count(self) -> bool {
        self.header().refs.fetch_sub(1, Ordering::AcqRel) == 1
    }
}

impl<T> Deref for Ref<T> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: a counted reference keeps the object alive and in place.
        unsafe { self.0.as_ref() }
    }
}

/// What a slot of a handle table names.
#[derive(Debug)]
pub enum Object {
    /// An endpoint or a notification.
    Port(Ref<Port>),
    /// Memory, of the machine or of a device.
    Vmo(Ref<Vmo>),
    /// A task.
    Task(Ref<Task>),
    /// A bound interrupt line.
    Irq(Ref<Irq>),
    /// A caller that waits for the answer to its call number `call`.
    Reply {
        /// Which of the caller's calls.
        call: CallNumber,
        /// The caller.
        caller: Ref<Task>,
    },
    /// The machine itself.
    System,
}
