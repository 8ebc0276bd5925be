//! What time it is when the machine starts: the goldfish RTC that the device tree names.
//!
//! Two registers hold the nanoseconds since 1970. Reading the lower half latches the upper one, so that the pair is of
//! one moment.
#![expect(unsafe_code, reason = "device registers are memory that changes by itself")]

use nexus_abi::{Error, PAGE_SIZE, Rights, user};
use nexus_rt::startup::SYSTEM;

const TIME_LOW: usize = 0;
const TIME_HIGH: usize = 4;

/// Nanoseconds since 1970. [`Error::NotFound`] when there is no such clock, or it was never set.
pub fn read() -> Result<u64, Error> {
    let clock = user::wall_clock_info(SYSTEM)?;
    let in_page = PAGE_SIZE as u64 - 1;
    let device = user::device_map(SYSTEM, clock.address & !in_page, 1)?;
    let mapped = user::vmo_map(device, 0, 1, Rights::READ, 0);
    let wall_ns = mapped.and_then(|page| {
        let wall_ns = registers(page + (clock.address & in_page) as usize);
        // SAFETY: nothing refers to the mapping any more.
        unsafe { user::vm_unmap(page) }?;
        Ok(wall_ns)
    });
    user::handle_close(device)?;
    wall_ns.and_then(|ns| if ns == 0 { Err(Error::NotFound) } else { Ok(ns) })
}

fn registers(base: usize) -> u64 {
    let registers = core::ptr::with_exposed_provenance::<u8>(base);
    // SAFETY: the kernel has just mapped the page around these registers, which are aligned words.
    let [low, high] =
        [TIME_LOW, TIME_HIGH].map(|at| unsafe { registers.add(at).cast::<u32>().read_volatile() });
    u64::from(high) << 32 | u64::from(low)
}
