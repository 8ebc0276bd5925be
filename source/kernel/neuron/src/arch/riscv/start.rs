//! Power-on: from firmware's entry to Rust, on the boot hart and on the others.
//!
//! Paging is off when firmware hands over. Each hart loads a page table under which its own next instruction
//! is not mapped, with the trap vector at the address in the upper half where it shall go on: the fault takes
//! it there.
#![expect(unsafe_code, reason = "assembly")]

use core::arch::global_asm;
use core::sync::atomic::{AtomicU64, Ordering};

/// What a hart that firmware starts needs to find its place.
#[derive(Debug)]
#[repr(C)]
pub struct HartStart {
    /// Address space to load.
    pub satp: u64,
    /// Its record, and top of stack.
    pub hart: u64,
    /// Where to go on, a function of one argument: the record.
    pub enter: u64,
    /// Whose it is, as firmware numbers harts.
    pub hardware_id: u64,
}

global_asm!(
    r#"
    .section .text.entry, "ax"
    .globl _start
    .globl secondary_start
    .option push
    .option norelax

# Firmware: a0 = hart id, a1 = device tree. Paging off, so pc is physical.
_start:
    csrw    sie, zero
    lla     t0, boot_taken
    li      t1, 1
    .option push
    .option arch, +a
    amoswap.w.aqrl t1, t1, (t0)
    .option pop
    bnez    t1, released_early
    lla     t0, __bss_start
    lla     t1, __bss_end
1:  sd      zero, 0(t0)
    addi    t0, t0, 8
    bltu    t0, t1, 1b
    lla     t0, boot_root
    srli    t0, t0, 12
    li      t1, 8 << 60
    or      t0, t0, t1
    lla     t2, boot_high_address
    ld      t2, 0(t2)
    csrw    stvec, t2
    sfence.vma
    csrw    satp, t0
    # pc is unmapped from here on: the fetch faults and the trap goes to the high half.
    unimp

    .balign 4
boot_high:
    la      sp, boot_stack_top
    mv      tp, zero
    la      t0, kernel_trap_early
    csrw    stvec, t0
    csrw    sscratch, zero
    tail    neuron_boot

    .balign 8
boot_high_address:
    .dword  boot_high

# A second hart here is one that firmware let go too early: OpenSBI before 1.3 first marks a hart as started and
# then notes where to, and a hart that looks in between goes where the first one went. It was started by us, so
# its HartStart is there; what came in a1 is not to be trusted.
released_early:
    lla     t0, hart_starts
    ld      a1, 0(t0)
1:  ld      t0, {START_ID}(a1)
    beq     t0, a0, secondary_start
    addi    a1, a1, {START_SIZE}
    j       1b

# Firmware: a0 = hart id, a1 = physical address of a HartStart.
    .balign 4
secondary_start:
    csrw    sie, zero
    ld      t0, 0(a1)
    ld      a0, 8(a1)
    ld      t1, 16(a1)
    lla     t2, secondary_high_address
    ld      t2, 0(t2)
    csrw    stvec, t2
    sfence.vma
    csrw    satp, t0
    unimp

    .balign 4
secondary_high:
    mv      sp, a0
    mv      tp, a0
    la      t0, trap_entry
    csrw    stvec, t0
    csrw    sscratch, zero
    jr      t1

    .balign 8
secondary_high_address:
    .dword  secondary_high
    .option pop

# Not in .bss, which the first hart clears while others may come.
    .section .data
    .balign 8
    .globl  hart_starts
hart_starts:
    .dword  0
boot_taken:
    .dword  0

# The first page table: the kernel image and the direct map of 8 GiB, as large pages, all rights. It is
# left before any other hart or task runs.
    .section .data
    .balign 4096
boot_root:
    .fill   256, 8, 0
    .dword  0x000000cf, 0x100000cf, 0x200000cf, 0x300000cf, 0x400000cf, 0x500000cf, 0x600000cf, 0x700000cf
    .fill   246, 8, 0
    .dword  0x200000cf
    .dword  0

    .section .bss
    .balign 16
    .globl  boot_stack
    .globl  boot_stack_top
boot_stack:
    .skip   65536
boot_stack_top:
"#,
    START_ID = const core::mem::offset_of!(HartStart, hardware_id),
    START_SIZE = const size_of::<HartStart>(),
);

unsafe extern "C" {
    fn secondary_start();
    static hart_starts: AtomicU64;
    static boot_stack: u8;
    static boot_stack_top: u8;
}

/// The physical address at which firmware starts other harts.
pub fn secondary_entry_address() -> u64 {
    super::memory::image_physical(secondary_start as *const () as usize)
}

/// Tells where the records are that harts start with, one after the other at a physical address, before any hart
/// is started. There must be one for every hart that is.
pub fn publish_hart_starts(address: u64) {
    // SAFETY: the word is this atomic's own; other harts only load it.
    unsafe { &hart_starts }.store(address, Ordering::SeqCst);
}

/// Where the boot stack is, for backtraces.
pub fn boot_stack_bounds() -> core::ops::Range<usize> {
    (&raw const boot_stack) as usize..(&raw const boot_stack_top) as usize
}
