//! Control registers: interrupts, timer, address space.
#![expect(unsafe_code, reason = "control registers are instructions")]

use core::arch::asm;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::super::{Asid, Pending};
use crate::mm::Frame;
use crate::platform::sbi;
use crate::sched::Hart;
use crate::task::SpaceId;

const SOFTWARE: usize = 1 << 1;
const TIMER: usize = 1 << 5;
const EXTERNAL: usize = 1 << 9;
const SV39: u64 = 8 << 60;
const ASID_SHIFT: u32 = 44;
const ASID_MASK: u64 = 0xffff;

/// Every hart's timer is a register. A fact of the board, found out once at boot.
static HAS_SSTC: AtomicBool = AtomicBool::new(false);
/// Largest address-space tag the harts have. A fact of the board, found out once at boot.
static ASID_MAX: AtomicU64 = AtomicU64::new(0);

/// Tells how the board's timers are set, at boot.
pub fn use_sstc(yes: bool) {
    HAS_SSTC.store(yes, Ordering::Relaxed);
}

/// Finds out how many address-space tags there are, at boot, with `kernel` loaded afterwards.
pub fn probe_asids(kernel: SpaceId) {
    let all: u64;
    // SAFETY: the table stays the same; only the tag changes, and is read back.
    unsafe {
        asm!("csrw satp, {0}", "csrr {1}, satp", in(reg) kernel.0 | ASID_MASK << ASID_SHIFT, out(reg) all);
    }
    ASID_MAX.store(all >> ASID_SHIFT & ASID_MASK, Ordering::Relaxed);
    load_space(kernel);
    flush_all();
}

/// Now, in ticks of the timer.
#[inline(always)]
pub fn ticks() -> u64 {
    let ticks;
    // SAFETY: reads a counter.
    unsafe { asm!("rdtime {0}", out(reg) ticks, options(nomem, nostack)) };
    ticks
}

/// A timer that is set to never.
const NEVER: u64 = u64::MAX;

/// Sets this hart's timer, which was set to `was`, to `at`; `u64::MAX` for never.
///
/// Never is a mask, not a distant moment: the comparator keeps its old value, pending or not, and neither wakes
/// the hart nor interrupts it. An emulator whose clock jumps to the next timer while all harts sleep would
/// otherwise jump to that moment, and find the timer pending from then on. The mask is written only when it
/// changes: most of the time one deadline follows another.
#[inline(always)]
pub fn set_timer(was: u64, at: u64) {
    if at == NEVER {
        // SAFETY: without the bit there is no timer interrupt.
        unsafe { asm!("csrc sie, {0}", in(reg) TIMER, options(nomem, nostack)) };
        return;
    }
    if HAS_SSTC.load(Ordering::Relaxed) {
        // SAFETY: `stimecmp` only decides when the timer interrupt is pending.
        unsafe { asm!("csrw 0x14d, {0}", in(reg) at, options(nomem, nostack)) };
    } else {
        set_timer_by_firmware(at);
    }
    if was == NEVER {
        // SAFETY: the interrupt is taken in user mode only.
        unsafe { asm!("csrs sie, {0}", in(reg) TIMER, options(nomem, nostack)) };
    }
}

#[cold]
fn set_timer_by_firmware(at: u64) {
    // Every firmware has a timer; without one there would be no deadline to keep.
    let _always_there = sbi::set_timer(at);
}

/// What waits to be served: pending and not masked, so that a timer that is not set is not seen.
pub fn pending_interrupts() -> Pending {
    let pending: usize;
    let enabled: usize;
    // SAFETY: reads two registers.
    unsafe {
        asm!("csrr {0}, sip", "csrr {1}, sie", out(reg) pending, out(reg) enabled, options(nomem, nostack));
    }
    let bits = pending & enabled;
    Pending { timer: bits & TIMER != 0, software: bits & SOFTWARE != 0, external: bits & EXTERNAL != 0 }
}

/// The IPI has been seen.
pub fn clear_software_interrupt() {
    // SAFETY: clears a pending bit.
    unsafe { asm!("csrc sip, {0}", in(reg) SOFTWARE, options(nostack)) };
}

/// As if another hart had sent an IPI.
pub fn raise_software_interrupt() {
    // SAFETY: sets a pending bit.
    unsafe { asm!("csrs sip, {0}", in(reg) SOFTWARE, options(nostack)) };
}

/// Sleeps until an interrupt is pending. Interrupts are masked in the kernel, so none is taken.
pub fn wait_for_interrupt() {
    // SAFETY: `wfi` has no other effect.
    unsafe { asm!("wfi", options(nostack)) };
}

/// Sleeps until another hart interrupts. A timer or a device that is pending meanwhile would make it a spin, which may
/// keep the other hart from ever running.
pub fn wait_for_other_hart() {
    // SAFETY: which interrupts end a `wfi` is as before afterwards.
    unsafe {
        asm!(
            "csrrc {enabled}, sie, {others}",
            "wfi",
            "csrs sie, {enabled}",
            enabled = out(reg) _,
            others = in(reg) TIMER | EXTERNAL,
            options(nostack),
        );
    }
}

/// Lets device and inter-hart interrupts be pending for user mode, and the timer's once it is set; switches user
/// access to the counters off.
pub fn enable_interrupt_sources() {
    // SAFETY: interrupts stay masked while the kernel runs.
    unsafe {
        asm!("csrw sie, {0}", in(reg) SOFTWARE | EXTERNAL, options(nostack));
        asm!("csrw scounteren, zero", options(nostack));
    }
}

/// The value of `satp` for a root table and a task slot.
pub fn space_id(root: Frame, slot: u32) -> SpaceId {
    let tag = u64::from(slot) + 1;
    let tag = if tag <= ASID_MAX.load(Ordering::Relaxed) { tag } else { 0 };
    SpaceId(SV39 | tag << ASID_SHIFT | u64::from(root.number()))
}

/// The tag in a `satp` value.
#[inline(always)]
pub fn asid_of(space: SpaceId) -> Asid {
    Asid((space.0 >> ASID_SHIFT & ASID_MASK) as u16)
}

/// Selects an address space.
#[inline(always)]
pub fn load_space(space: SpaceId) {
    // SAFETY: every space maps the kernel's half alike.
    unsafe { asm!("csrw satp, {0}", in(reg) space.0, options(nostack)) };
}

/// Forgets what this hart remembers of one page of one space.
#[inline(always)]
pub fn flush_page(address: usize, asid: Asid) {
    // SAFETY: forgetting translations is always allowed.
    unsafe { asm!("sfence.vma {0}, {1}", in(reg) address, in(reg) asid.0 as usize, options(nostack)) };
}

/// Forgets what this hart remembers of one space.
#[inline(always)]
pub fn flush_space(asid: Asid) {
    // SAFETY: as above.
    unsafe { asm!("sfence.vma zero, {0}", in(reg) asid.0 as usize, options(nostack)) };
}

/// Forgets all translations this hart remembers.
pub fn flush_all() {
    // SAFETY: as above.
    unsafe { asm!("sfence.vma", options(nostack)) };
}

/// This hart's record; null before it has one.
#[inline(always)]
pub fn this_hart() -> *const Hart {
    let hart;
    // SAFETY: inside the kernel `tp` is the hart's record, set at entry, or 0 during boot.
    unsafe { asm!("mv {0}, tp", out(reg) hart, options(nomem, nostack, preserves_flags, pure)) };
    hart
}

/// Makes `hart` this hart's record.
pub fn set_this_hart(hart: *const Hart) {
    // SAFETY: compiled code does not use `tp` in the kernel.
    unsafe { asm!("mv tp, {0}", in(reg) hart, options(nostack)) };
}

/// The value of `satp` for the kernel's own table.
pub fn kernel_space_id(root: Frame) -> SpaceId {
    SpaceId(SV39 | u64::from(root.number()))
}

/// Makes a hart ready to take traps: its record, the trap entry, what may interrupt.
pub fn prepare_hart(hart: &mut Hart) {
    unsafe extern "C" {
        fn trap_entry();
    }
    set_this_hart(hart);
    enable_interrupt_sources();
    // SAFETY: the trap entry is code of this kernel, and the record it needs is set.
    unsafe {
        asm!("csrw stvec, {0}", "csrw sscratch, zero", in(reg) trap_entry as *const () as usize, options(nostack));
    }
}
