//! The order in which locks may nest, checked at run time in debug builds and free in others.
//!
//! A lock may be taken only while every lock held by this hart has a lower rank. Two locks of one rank are
//! never held together. The held ranks are one bit each in a word of the hart.

use crate::smp;

/// A lock's place in the order; outer locks first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Rank(pub u8);

impl Rank {
    /// An endpoint's or notification's queue and bits.
    pub const PORT: u8 = 0;
    /// The table of bound interrupt lines.
    pub const IRQS: u8 = 1;
    /// A VMO's pages and the list of its mappings.
    pub const VMO: u8 = 2;
    /// The list of objects that a task pays for.
    pub const OWNED: u8 = 3;
    /// The table of tasks.
    pub const TASK_TABLE: u8 = 4;
    /// A pool of kernel objects.
    pub const SLAB: u8 = 5;
    /// Page frames.
    pub const FRAMES: u8 = 6;
    /// The console and the log.
    pub const CONSOLE: u8 = 7;
}

/// This hart is about to take a lock of `rank`.
#[inline(always)]
pub fn entering(rank: Rank) {
    if cfg!(debug_assertions)
        && let Some(held) = smp::held_ranks()
    {
        let mask = held.get();
        debug_assert!(mask >> rank.0 == 0, "lock of rank {} taken while holding {mask:#b}", rank.0);
        held.set(mask | 1 << rank.0);
    }
}

/// This hart has given back a lock of `rank`.
#[inline(always)]
pub fn left(rank: Rank) {
    if cfg!(debug_assertions)
        && let Some(held) = smp::held_ranks()
    {
        held.set(held.get() & !(1 << rank.0));
    }
}
