//! The kernel as it ships, run on the host: tasks that stand still while a test writes their registers and
//! lets the kernel handle their traps.
//!
//! | module | holds |
//! |---|---|
//! | [`world`], [`machine`], [`actor`], [`message`], [`image`] | the machine, its tasks and its programs |
//! | [`decode`], [`program`], [`spawn`] | what comes from outside: registers, files, wishes |
//! | [`ipc`], [`fast`], [`late`], [`armed`], [`notify`], [`deadline`], [`slack`] | messages, bits, moments |
//! | [`death`], [`sched`], [`qos`], [`schedule`] | who runs, where, and how it ends |
//! | [`donation`], [`lending`] | in whose class a server runs |
//! | [`fpu`] | whose floating-point registers are where |
//! | [`handles`], [`frames`], [`space`], [`device`], [`full`] | what a task may hold, and what is full |

mod actor;
mod armed;
mod deadline;
mod death;
mod decode;
mod device;
mod donation;
mod fast;
mod fpu;
mod frames;
mod full;
mod handles;
mod image;
mod ipc;
mod late;
mod lending;
mod machine;
mod message;
mod notify;
mod program;
mod qos;
mod sched;
mod schedule;
mod slack;
mod space;
mod spawn;
mod spending;
mod world;
