//! Loom's atomics with the two things the kernel expects of atomics and loom does not have.
//!
//! 1. They can be made in constants: the word itself comes into being when it is first used. A scenario
//!    uses each once before it starts threads.
//! 2. `SeqCst` orders: loom treats it as acquire and release, except for fences. On the hardware the kernel
//!    runs on such an access is one between fences, and so it is here.

use std::sync::OnceLock;

pub use loom::sync::atomic::{Ordering, fence};

/// The order of the access itself, when it stands between fences where it must.
fn ordered<T>(order: Ordering, weaker: Ordering, access: impl FnOnce(Ordering) -> T) -> T {
    if order != Ordering::SeqCst {
        return access(order);
    }
    fence(Ordering::SeqCst);
    let value = access(weaker);
    fence(Ordering::SeqCst);
    value
}

macro_rules! atomic {
    ($name:ident $(<$t:ident>)?, $value:ty, $loom:ty) => {
        #[derive(Debug)]
        pub struct $name$(<$t>)? {
            initial: $value,
            word: OnceLock<$loom>,
        }

        impl$(<$t>)? $name$(<$t>)? {
            pub const fn new(initial: $value) -> Self {
                Self { initial, word: OnceLock::new() }
            }
            fn word(&self) -> &$loom {
                self.word.get_or_init(|| <$loom>::new(self.initial))
            }
            pub fn load(&self, order: Ordering) -> $value {
                ordered(order, Ordering::Acquire, |order| self.word().load(order))
            }
            pub fn store(&self, value: $value, order: Ordering) {
                ordered(order, Ordering::Release, |order| self.word().store(value, order));
            }
        }
    };
}

atomic!(AtomicU64, u64, loom::sync::atomic::AtomicU64);
atomic!(AtomicU32, u32, loom::sync::atomic::AtomicU32);
atomic!(AtomicPtr<T>, *mut T, loom::sync::atomic::AtomicPtr<T>);

impl AtomicU64 {
    pub fn swap(&self, value: u64, order: Ordering) -> u64 {
        ordered(order, Ordering::AcqRel, |order| self.word().swap(value, order))
    }
    pub fn compare_exchange(&self, from: u64, to: u64, won: Ordering, lost: Ordering) -> Result<u64, u64> {
        ordered(won, Ordering::AcqRel, |won| self.word().compare_exchange(from, to, won, lost))
    }
    pub fn fetch_or(&self, bits: u64, order: Ordering) -> u64 {
        ordered(order, Ordering::AcqRel, |order| self.word().fetch_or(bits, order))
    }
}

impl<T> AtomicPtr<T> {
    pub fn swap(&self, value: *mut T, order: Ordering) -> *mut T {
        ordered(order, Ordering::AcqRel, |order| self.word().swap(value, order))
    }
    /// Never fails without reason: loom would retry for ever.
    pub fn compare_exchange_weak(
        &self,
        from: *mut T,
        to: *mut T,
        won: Ordering,
        lost: Ordering,
    ) -> Result<*mut T, *mut T> {
        ordered(won, Ordering::AcqRel, |won| self.word().compare_exchange(from, to, won, lost))
    }
}

impl AtomicU32 {
    pub fn fetch_or(&self, bits: u32, order: Ordering) -> u32 {
        ordered(order, Ordering::AcqRel, |order| self.word().fetch_or(bits, order))
    }
    pub fn fetch_add(&self, by: u32, order: Ordering) -> u32 {
        ordered(order, Ordering::AcqRel, |order| self.word().fetch_add(by, order))
    }
    pub fn fetch_sub(&self, by: u32, order: Ordering) -> u32 {
        ordered(order, Ordering::AcqRel, |order| self.word().fetch_sub(by, order))
    }
}

impl Default for AtomicU64 {
    fn default() -> Self {
        Self::new(0)
    }
}
