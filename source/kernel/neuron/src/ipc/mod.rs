//! Messages and bits between tasks.
//!
//! ```text
//!  client                      endpoint                      server
//!  call ──── waits in callers ────┐      ┌──── waits in receivers ──── receive
//!                                 ▼      ▼
//!             the first of each meet: the message is copied, the client awaits the reply,
//!             and the server runs at once on the client's hart
//!  answer ◄──────────────────────────────────────────────────────────── reply
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`port`] | endpoints and notifications: queues, bits, death |
//! | [`message`] | moving a message from one waiting task to another |
//! | [`call`] | call, receive, reply, reply-and-receive |
//! | [`fast`] | the same for messages in registers, when nothing is in the way |
//! | [`elsewhere`] | the same when the peer is at home on another hart |
//! | [`fast_server`] | receiving and answering, each for itself |
//! | [`fast_bits`] | the same for bits |
//! | [`notify`] | bits, and waiting for them |
//! | [`donation`] | what a caller lends to whoever works for it |
//! | [`reply`] | who may answer a call, and giving up on one |
//! | [`irq`] | device interrupts as bits |

pub mod call;
pub mod donation;
pub mod elsewhere;
pub mod fast;
pub mod fast_bits;
pub mod fast_server;
pub mod irq;
pub mod message;
pub mod notify;
pub mod port;
pub mod reply;
