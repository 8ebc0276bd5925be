//! What has happened to a task, for people: counted where it costs next to nothing, decided on nowhere.

use core::sync::atomic::{AtomicU64, Ordering};

use crate::time::Ticks;

/// The counts.
#[derive(Debug)]
pub struct History {
    /// Times the scheduler gave it to another hart.
    migrations: AtomicU64,
    /// Times it was woken: how often it began to wait, but for messages that went hand in hand.
    wakeups: AtomicU64,
    /// Ticks.
    longest_wait: AtomicU64,
    /// Since when it has been in a queue.
    ready_since: AtomicU64,
}

/// One writer at a time, whoever has the token: no need for an atomic addition.
fn bump(count: &AtomicU64) {
    count.store(count.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
}

impl History {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self {
            migrations: AtomicU64::new(0),
            wakeups: AtomicU64::new(0),
            longest_wait: AtomicU64::new(0),
            ready_since: AtomicU64::new(0),
        }
    }

    /// It goes to another hart.
    pub fn migrates(&self) {
        bump(&self.migrations);
    }

    /// It begins to wait for something.
    #[inline(always)]
    pub fn waits(&self) {
        bump(&self.wakeups);
    }

    /// It is in a queue from now on.
    #[inline(always)]
    pub fn is_ready(&self, now: Ticks) {
        self.ready_since.store(now.0, Ordering::Relaxed);
    }

    /// Its turn has come.
    #[inline(always)]
    pub fn has_turn(&self, now: Ticks) {
        let waited = now.0.saturating_sub(self.ready_since.load(Ordering::Relaxed));
        if waited > self.longest_wait.load(Ordering::Relaxed) {
            self.longest_wait.store(waited, Ordering::Relaxed);
        }
    }

    /// Migrations, wake-ups, and the longest time between being ready and running, in ticks.
    pub fn read(&self) -> (u64, u64, Ticks) {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (read(&self.migrations), read(&self.wakeups), Ticks(read(&self.longest_wait)))
    }
}

impl Default for History {
    fn default() -> Self {
        Self::new()
    }
}
