//! The kernel's lock and mailbox over loom's atomics.

pub mod atomic;
#[path = "../../src/sync/lock.rs"]
#[expect(dead_code, reason = "a scenario uses a part of it")]
pub mod lock;
#[path = "../../src/sync/mailbox.rs"]
pub mod mailbox;

pub use lock::{Lock, RawLock};

/// The lock order is checked elsewhere.
pub mod order {
    #[derive(Clone, Copy, Debug)]
    pub struct Rank(#[expect(dead_code, reason = "stated, not checked")] pub u8);

    impl Rank {
        pub const PORT: u8 = 0;
    }

    pub fn entering(_: Rank) {}
    pub fn left(_: Rank) {}
}
