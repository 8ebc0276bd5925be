//! Giving every hart its record and its stack, and starting them.

use core::sync::atomic::Ordering;

use nexus_abi::{Error, PAGE_SIZE};

use super::map::{self, KernelTable};
use crate::arch::{self, HartStart};
use crate::machine::Machine;
use crate::mm::Frame;
use crate::platform::plic::Priority;
use crate::platform::sbi;
use crate::sched::Hart;
use crate::smp;
use crate::trace::TraceRing;

/// Makes the record of the boot hart, starts the others, and waits, asleep, until all run. A hart that
/// firmware does not start is left out.
#[expect(unsafe_code, reason = "hands stacks to the harts")]
#[expect(clippy::mut_from_ref, reason = "the record is memory of its own, not part of the machine")]
pub fn bring_up(
    machine: &'static Machine,
    kernel: &KernelTable,
    boot_index: usize,
) -> Result<&'static mut Hart, Error> {
    let boot = make_record(machine, boot_index)?;
    arch::prepare_hart(boot);
    go_online(boot);
    let starts: *mut HartStart = machine.frames.take_block(0)?.as_ptr();
    write_starts(machine, kernel, boot, starts)?;
    let mut expected = boot.bit();
    for (index, described) in machine.board.harts.iter().enumerate() {
        if index == boot_index {
            continue;
        }
        // SAFETY: the entry is code that needs a start record, and each hart gets its own.
        let started = unsafe {
            sbi::hart_start(
                described.hardware_id,
                arch::secondary_entry_address(),
                arch::physical(starts.add(index).cast()) as usize,
            )
        };
        match started {
            Ok(()) => expected |= 1 << index,
            Err(error) => machine.print(format_args!("[neuron] hart {index} not started: {error}")),
        }
    }
    while machine.online() != expected {
        smp::park();
    }
    smp::unpark();
    let address = Frame::containing(crate::mm::PhysAddr(arch::physical(starts.cast())));
    machine.frames.give_block(address, 0);
    Ok(boot)
}

/// Makes the records of the other harts, and what each starts with, all before the first of them runs.
#[expect(unsafe_code, reason = "writes what the harts read")]
fn write_starts(
    machine: &'static Machine,
    kernel: &KernelTable,
    boot: &mut Hart,
    starts: *mut HartStart,
) -> Result<(), Error> {
    const { assert!(size_of::<HartStart>() * nexus_abi::HARTS_MAX <= PAGE_SIZE) };
    for (index, described) in machine.board.harts.iter().enumerate() {
        let record = if index == boot.index() {
            core::ptr::from_mut(boot)
        } else {
            core::ptr::from_mut(make_record(machine, index)?)
        };
        let start = HartStart {
            satp: kernel.space.0,
            hart: record as u64,
            enter: secondary as *const () as u64,
            hardware_id: described.hardware_id,
        };
        // SAFETY: the page is ours and has room for a start record per hart.
        unsafe { starts.add(index).write(start) };
    }
    arch::publish_hart_starts(arch::physical(starts.cast()));
    Ok(())
}

/// The record of a hart, in its window.
#[expect(unsafe_code, reason = "places the record")]
#[expect(clippy::mut_from_ref, reason = "as above")]
fn make_record(machine: &'static Machine, index: usize) -> Result<&'static mut Hart, Error> {
    const { assert!(size_of::<Hart>() <= PAGE_SIZE) };
    let order = size_of::<TraceRing>().div_ceil(PAGE_SIZE).next_power_of_two().ilog2() as usize;
    let ring: *mut TraceRing = machine.frames.take_block(order)?.as_ptr();
    let hart = Hart::new(machine, index).ok_or(Error::NoSpace)?;
    // SAFETY: the window is mapped, and made for exactly this; both blocks are never given back.
    unsafe {
        ring.write(TraceRing::new());
        hart.shared.set_trace(&*ring);
        let place = map::hart_record(index) as *mut Hart;
        place.write(hart);
        Ok(&mut *place)
    }
}

/// A started hart, on its own stack.
extern "C" fn secondary(hart: &'static mut Hart) -> ! {
    arch::prepare_hart(hart);
    go_online(hart);
    smp::interrupt(hart.machine, hart.machine.online() & !hart.bit());
    super::run(hart)
}

fn go_online(hart: &Hart) {
    let machine = hart.machine;
    if let Some(described) = machine.board.harts.get(hart.index()) {
        machine.plic.reset_context(described.plic_context);
        machine.plic.set_threshold(described.plic_context, Priority::NEVER);
    }
    machine.online.fetch_or(hart.bit(), Ordering::SeqCst);
}
