//! How harts keep out of each other's way: locks that sleep instead of spinning, and mailboxes.
//!
//! Most state needs neither, because exactly one hart owns it. What is shared is either a word that its
//! owner reads at its next safe point (an atomic), a task handed over whole ([`mailbox`]), or one of the
//! few structures below, taken in this order and checked in debug builds ([`Rank`]):
//!
//! ```text
//! Port < Irqs < Vmo < Owned < TaskTable < Slab < Frames < Console
//! ```

/// The words that harts share. The model checker compiles lock, mailbox, ports and replies against its own.
pub(crate) mod atomic {
    pub(crate) use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};
}
pub mod lock;
pub mod mailbox;
pub(crate) mod order;

pub use lock::{Lock, RawLock};
pub use order::Rank;
