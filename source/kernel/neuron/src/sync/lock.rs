//! A mutual-exclusion lock whose waiters sleep in `wfi` and are woken by an IPI.
//!
//! Spinning on another hart is forbidden here: it burns power on a board, and under an emulator that runs
//! harts in turns the spinner can keep the holder from ever running. So a hart that finds the lock taken
//! leaves its bit in the lock word and sleeps; whoever releases the lock sees the bits and sends one IPI
//! to each sleeper. Uncontended, taking and releasing are one atomic instruction each.
//!
//! ```text
//! word:  bit 0 = held      bit 8+h = hart h sleeps until the next release
//! ```
//!
//! No wake-up is lost: the sleeper sets its bit with the same atomic operation that tests the lock, so the
//! release sees the bit, and an IPI that arrives before `wfi` makes `wfi` return at once.
#![expect(unsafe_code, reason = "a lock hands out references to what it protects")]

use core::cell::UnsafeCell;
use core::ops::{Deref, DerefMut};

use super::atomic::{AtomicU64, Ordering};
use super::order::{self, Rank};
use crate::smp;

const HELD: u64 = 1;
const WAITERS: u32 = 8;

/// The lock word alone, for what cannot be wrapped.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct RawLock(AtomicU64);

impl RawLock {
    /// A free lock.
    pub const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Takes the lock if it is free.
    #[inline(always)]
    pub fn try_acquire(&self) -> bool {
        self.0.fetch_or(HELD, Ordering::Acquire) & HELD == 0
    }

    /// Takes the lock, asleep until it is free.
    #[inline(always)]
    pub fn acquire(&self) {
        if !self.try_acquire() {
            self.acquire_contended(1 << smp::this_hart_index(), smp::park);
            smp::unpark();
        }
    }

    /// Gives the lock back and wakes its sleepers.
    #[inline(always)]
    pub fn release(&self) {
        let sleepers = self.release_raw();
        if sleepers != 0 {
            smp::wake_parked(sleepers);
        }
    }

    /// Takes the lock for the hart with the bit `me`, calling `park` while somebody else holds it.
    #[cold]
    pub fn acquire_contended(&self, me: u64, mut park: impl FnMut()) {
        while self.0.fetch_or(HELD | me << WAITERS, Ordering::SeqCst) & HELD != 0 {
            park();
        }
    }

    /// Gives the lock back: the harts that sleep, one bit each. The last holder's own bit may be among
    /// them.
    #[inline(always)]
    pub fn release_raw(&self) -> u64 {
        self.0.swap(0, Ordering::SeqCst) >> WAITERS
    }
}

/// A value that only the holder of the lock can reach. `R` is its place in the lock order.
#[derive(Debug)]
pub struct Lock<T, const R: u8> {
    raw: RawLock,
    value: UnsafeCell<T>,
}

// SAFETY: the lock lets one hart at a time reach the value, so sharing it needs no more than sending it.
unsafe impl<T: Send, const R: u8> Sync for Lock<T, R> {}

impl<T, const R: u8> Lock<T, R> {
    /// A free lock around `value`.
    pub const fn new(value: T) -> Self {
        Self { raw: RawLock::new(), value: UnsafeCell::new(value) }
    }

    /// The value, once no other hart has it.
    #[inline(always)]
    pub fn lock(&self) -> Guard<'_, T, R> {
        order::entering(Rank(R));
        self.raw.acquire();
        Guard { lock: self }
    }

    /// The value when the caller owns the lock itself.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }
}

/// Proof that the lock is held; gives it back when dropped.
#[must_use]
pub struct Guard<'a, T, const R: u8> {
    lock: &'a Lock<T, R>,
}

impl<T, const R: u8> Deref for Guard<'_, T, R> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: a guard exists only while its hart holds the lock.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T, const R: u8> DerefMut for Guard<'_, T, R> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above, and `self` is borrowed exclusively.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T, const R: u8> Drop for Guard<'_, T, R> {
    #[inline(always)]
    fn drop(&mut self) {
        order::left(Rank(R));
        self.lock.raw.release();
    }
}
