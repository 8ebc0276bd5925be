//! The last full buckets, and the one that is being filled.

use nexus_abi::Nanos;

use crate::BUCKETS;
use crate::spent::{Idle, Spent};

/// Buckets of one width.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ring {
    width: Nanos,
    /// Full ones; `full` of them are in use, the oldest is overwritten first.
    buckets: [Idle; BUCKETS],
    full: usize,
    /// Where the next full one goes.
    next: usize,
    filling: Idle,
}

impl Ring {
    pub const fn new(width: Nanos) -> Self {
        let nothing = Idle { l1: Nanos(0), l2: Nanos(0) };
        Self { width, buckets: [nothing; BUCKETS], full: 0, next: 0, filling: nothing }
    }

    /// Time passes up to `end`, reckoned from the start; it does not pass the end of a bucket.
    pub fn fill(&mut self, idle: Idle, end: u64) {
        self.filling += idle;
        if end.is_multiple_of(self.width.0) {
            self.buckets[self.next] = core::mem::take(&mut self.filling);
            self.next = (self.next + 1) % BUCKETS;
            self.full = BUCKETS.min(self.full + 1);
        }
    }

    /// A gap that ends where a bucket begins: what the unfinished one holds belongs to nothing.
    pub fn skip(&mut self) {
        self.filling = Idle::default();
    }

    /// Full buckets, oldest first.
    pub fn spent(&self) -> impl Iterator<Item = Spent> {
        let oldest = self.next + BUCKETS - self.full;
        (oldest..oldest + self.full).map(|place| Spent::of_span(self.width, self.buckets[place % BUCKETS]))
    }
}
