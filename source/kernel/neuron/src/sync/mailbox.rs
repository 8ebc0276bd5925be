//! A hart's inbox: whole tasks handed over by other harts, without a lock.
//!
//! A stack that many push to and one empties. The link lives in the parcel, and a parcel is in at most one
//! mailbox at a time because the sender gave up owning it, so a mailbox is never full: its bound is the
//! number of parcels there are.
//!
//! ```text
//! sender:   parcel ─push─►  head ► newest ► … ► oldest
//! receiver: take_all ─ swaps head for nothing, walks, and returns oldest first
//! ```
//!
//! `push` says whether the box was empty: only then does the receiver need an IPI.
#![expect(unsafe_code, reason = "parcels travel as raw pointers while nobody owns them")]

use core::ptr::{self, NonNull};

use super::atomic::{AtomicPtr, Ordering};

/// Something that can be sent: an owner of a heap-like `Node` that carries the link.
///
/// # Safety
///
/// `into_raw` gives up the only owner of the node, `from_raw` recreates it, and the node stays valid and
/// in place in between.
pub unsafe trait Parcel: Sized {
    /// What is pointed to.
    type Node;
    /// Gives up ownership.
    fn into_raw(self) -> NonNull<Self::Node>;
    /// Takes ownership back.
    ///
    /// # Safety
    ///
    /// `node` came from `into_raw`, and nobody else has taken it back.
    unsafe fn from_raw(node: NonNull<Self::Node>) -> Self;
    /// The link that mailboxes use; nothing else touches it.
    fn link(node: &Self::Node) -> &AtomicPtr<Self::Node>;
}

/// The inbox.
#[derive(Debug)]
pub struct Mailbox<P: Parcel> {
    head: AtomicPtr<P::Node>,
}

impl<P: Parcel> Mailbox<P> {
    /// An empty inbox.
    pub const fn new() -> Self {
        Self { head: AtomicPtr::new(ptr::null_mut()) }
    }

    /// True when nothing has arrived.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.head.load(Ordering::Relaxed).is_null()
    }

    /// Hands `parcel` over; true when the box was empty before. Lock-free, from any hart.
    #[inline(always)]
    pub fn push(&self, parcel: P) -> bool {
        let node = parcel.into_raw();
        // SAFETY: the node is ours until the exchange below succeeds.
        let link = P::link(unsafe { node.as_ref() });
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            link.store(head, Ordering::Relaxed);
            // SeqCst: the receiver going to sleep and the sender deciding not to wake it must agree.
            match self.head.compare_exchange_weak(head, node.as_ptr(), Ordering::SeqCst, Ordering::Relaxed) {
                Ok(_) => return head.is_null(),
                Err(now) => head = now,
            }
        }
    }

    /// Everything that has arrived, oldest first. Only the box's own hart calls this.
    pub fn take_all(&self) -> Parcels<P> {
        let head = NonNull::new(self.head.swap(ptr::null_mut(), Ordering::SeqCst));
        // SAFETY: the swap made the whole chain ours.
        let is_alone =
            |node: NonNull<P::Node>| P::link(unsafe { node.as_ref() }).load(Ordering::Relaxed).is_null();
        // Mostly there is one, and nothing to turn round.
        if head.is_some_and(is_alone) {
            return Parcels { next: head };
        }
        let mut newest = head;
        let mut oldest: *mut P::Node = ptr::null_mut();
        while let Some(node) = newest {
            // SAFETY: the swap made the whole chain ours.
            let link = P::link(unsafe { node.as_ref() });
            newest = NonNull::new(link.load(Ordering::Relaxed));
            link.store(oldest, Ordering::Relaxed);
            oldest = node.as_ptr();
        }
        Parcels { next: NonNull::new(oldest) }
    }
}

impl<P: Parcel> Default for Mailbox<P> {
    fn default() -> Self {
        Self::new()
    }
}

/// Parcels taken out of a mailbox. What is not consumed stays unowned for ever, so consume all.
#[must_use]
#[derive(Debug)]
pub struct Parcels<P: Parcel> {
    next: Option<NonNull<P::Node>>,
}

impl<P: Parcel> Parcels<P> {
    /// True when none is left.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.next.is_none()
    }
}

impl<P: Parcel> Iterator for Parcels<P> {
    type Item = P;

    #[inline(always)]
    fn next(&mut self) -> Option<P> {
        let node = self.next?;
        // SAFETY: the chain is ours since `take_all`, and each node is taken back once.
        unsafe {
            self.next = NonNull::new(P::link(node.as_ref()).load(Ordering::Relaxed));
            Some(P::from_raw(node))
        }
    }
}
