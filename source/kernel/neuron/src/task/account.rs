//! What a task may own and what it owns: pages and kernel objects. Handles are counted by its table.
#![expect(unsafe_code, reason = "an object's owner is a raw pointer")]

use core::sync::atomic::{AtomicU32, Ordering};

use nexus_abi::Error;

use super::Task;

/// Counters with limits. Any hart may charge: a page of a shared VMO is touched by whomever.
#[derive(Debug)]
pub struct Account {
    pages: Counter,
    objects: Counter,
}

#[derive(Debug)]
struct Counter {
    used: AtomicU32,
    limit: u32,
}

impl Account {
    /// Nothing used yet.
    pub const fn new(pages: u32, objects: u32) -> Self {
        Self {
            pages: Counter { used: AtomicU32::new(0), limit: pages },
            objects: Counter { used: AtomicU32::new(0), limit: objects },
        }
    }

    /// Pages owned.
    pub fn pages(&self) -> u32 {
        self.pages.used.load(Ordering::Relaxed)
    }

    /// Kernel objects owned.
    pub fn objects(&self) -> u32 {
        self.objects.used.load(Ordering::Relaxed)
    }

    /// One page more, if the limit allows.
    #[inline]
    pub fn charge_page(&self) -> Result<(), Error> {
        self.pages.charge()
    }

    /// One page less.
    #[inline]
    pub fn refund_page(&self) {
        self.pages.used.fetch_sub(1, Ordering::Relaxed);
    }

    /// One object more, if the limit allows.
    pub fn charge_object(&self) -> Result<(), Error> {
        self.objects.charge()
    }

    /// One object less.
    pub fn refund_object(&self) {
        self.objects.used.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Counter {
    #[inline]
    fn charge(&self) -> Result<(), Error> {
        if self.used.fetch_add(1, Ordering::Relaxed) < self.limit {
            return Ok(());
        }
        self.used.fetch_sub(1, Ordering::Relaxed);
        Err(Error::OverQuota)
    }
}

/// The account of an object's owner; `None` for the kernel's own objects.
///
/// # Safety
///
/// `owner` is null or alive for as long as the account is used: the caller holds the lock under which the
/// owner's death detaches the object.
pub unsafe fn account_of<'a>(owner: *const Task) -> Option<&'a Account> {
    // SAFETY: by contract.
    unsafe { owner.as_ref() }.map(|task| &task.account)
}
