//! Locks that outlive what they protect: a fixed array, picked by address.
//!
//! Somebody who holds only a stale pointer to an object may still lock the object's stripe, then check
//! whether the object is what it was (a task still waits there, an owner still owns it), and only then
//! touch it. With the lock inside the object that first step would touch freed memory. Two objects may
//! share a stripe; a hart holds at most one stripe of an array at a time.

use crate::sync::RawLock;

const STRIPES: usize = 64;

/// The array.
#[derive(Debug)]
pub struct Stripes([RawLock; STRIPES]);

impl Stripes {
    /// All free.
    pub const fn new() -> Self {
        Self([const { RawLock::new() }; STRIPES])
    }

    /// The lock for whatever lives at `object`.
    pub fn of<T>(&self, object: *const T) -> &RawLock {
        // Objects are 64 bytes and more, and aligned to 16: the bits above differ between neighbours.
        &self.0[(object as usize >> 6) % STRIPES]
    }
}

impl Default for Stripes {
    fn default() -> Self {
        Self::new()
    }
}
