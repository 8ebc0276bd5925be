//! The kernel's ports and replies over loom's atomics.

#[path = "../../src/ipc/port.rs"]
#[expect(dead_code, reason = "a scenario uses a part of it")]
pub mod port;
#[path = "../../src/ipc/reply.rs"]
#[expect(dead_code, reason = "a scenario uses a part of it")]
pub mod reply;
