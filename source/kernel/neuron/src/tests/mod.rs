//! The kernel as it ships, run on the host: tasks that stand still while a test writes their registers and
//! lets the kernel handle their traps.
//!
//! | module | tests |
//! |---|---|
//! | [`world`], [`machine`], [`actor`], [`message`], [`image`] | nothing: the machine, its tasks and programs |

mod actor;
mod deadline;
mod death;
mod decode;
mod device;
mod fast;
mod frames;
mod handles;
mod image;
mod ipc;
mod machine;
mod message;
mod notify;
mod program;
mod qos;
mod sched;
mod space;
mod spawn;
mod world;
