//! A machine with one lock for all ports.

use crate::cap::stripes::Stripes;
use crate::sync::RawLock;

#[derive(Debug)]
pub struct Machine {
    pub port_locks: Stripes,
}

impl Machine {
    pub fn new() -> Self {
        let lock = RawLock::new();
        // Loom wants to see the word before there are threads.
        assert!(lock.try_acquire());
        lock.release_raw();
        Self { port_locks: Stripes::of_one(lock) }
    }
}
