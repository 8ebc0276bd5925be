//! What the machine is and how to reach it: everything that knows a device's registers, the firmware's
//! calling convention or the layout of what the loader left in memory.
//!
//! | module | holds |
//! |---|---|
//! | [`board`] | the device tree, read once into plain data |
//! | [`boot_image`] | the archive of programs behind `-initrd` |
//! | [`mmio`] | device registers: with `sbi` the only unsafe code here |
//! | [`uart`], [`plic`], [`power`] | console output, interrupt routing, the end of the machine |
//! | [`sbi`] | calls into the firmware |
//! | [`log`] | the bounded log |
//! | [`symbols`], [`backtrace`] | names and frames for a panic message |
//! | [`region`], [`table`] | physical ranges; lists with a stated bound |
//!
//! Nothing here allocates, keeps static state, takes a lock or panics on what it reads: the rest of the
//! kernel owns the values and decides who may use them when. All of it runs on the host, where device
//! registers are a test's buffer and the firmware answers "not supported".

pub mod backtrace;
pub mod board;
pub mod boot_image;
pub mod log;
pub mod mmio;
pub mod plic;
pub mod power;
pub mod region;
pub mod sbi;
pub mod symbols;
pub mod table;
pub mod uart;
