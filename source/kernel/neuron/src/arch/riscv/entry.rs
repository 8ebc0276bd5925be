//! Power-on, trap entry and exit: the code between the hardware and Rust.
//!
//! While a task runs `sscratch` holds its hart's record, while the kernel runs it holds 0; so the first
//! instruction of a trap tells where it came from. The record is also the top of the hart's kernel stack,
//! and `tp` while the kernel runs.
//!
//! Three ways in for a system call, cheapest first:
//!
//! ```text
//! leaf   task_self, clock_now       nothing saved; the result is in a0, the rest cleared
//! fast   call, reply_receive with   what a call preserves is saved; the eight words stay in s2–s9 while
//!        words only                 Rust finds the other side, then become the other side's a0–a7
//! full   everything else            all registers that matter are in the task, Rust decides
//! ```
//!
//! A call preserves `s0`, `s1`, `sp`, `gp`, `tp`, one without a message also `s2`–`s11`, and nothing else: that
//! is what makes the first two cheap. What comes back in the others is zero, the message, or an older value
//! of the task's own.
#![expect(unsafe_code, reason = "assembly")]

use core::arch::global_asm;
use core::sync::atomic::{AtomicU64, Ordering};

use super::super::Trap;
use crate::ipc::fast;
use crate::mm::page_table::Access;
use crate::sched::{self, Hart};
use crate::syscall;
use crate::task::Task;

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

    .text
    .balign 4
    .globl  trap_entry
trap_entry:
    csrrw   sp, sscratch, sp
    beqz    sp, 9f
    sd      t6, 0(sp)
    csrr    t6, scause
    addi    t6, t6, -8
    bnez    t6, trap_full

# A system call. t0 = number; ra and all t registers are ours.
    csrrw   t6, sscratch, zero
    sltiu   ra, t0, 2
    bnez    ra, leaf
    ld      ra, {CURRENT}(sp)
    sd      t6, 2*8(ra)
    sd      gp, 3*8(ra)
    sd      tp, 4*8(ra)
    sd      s0, 8*8(ra)
    sd      s1, 9*8(ra)
    csrr    t6, sepc
    addi    t6, t6, 4
    sd      t6, 0(ra)
    mv      tp, sp
    # Words only, no deadline?
    addi    t6, t5, 1
    or      t6, t6, t2
    bnez    t6, call_preserving
    addi    t6, t0, -{CALL}
    beqz    t6, fast_call
    addi    t6, t0, -{REPLY_RECEIVE}
    beqz    t6, fast_reply

call_preserving:
    sd      s2, 18*8(ra)
    sd      s3, 19*8(ra)
    sd      s4, 20*8(ra)
    sd      s5, 21*8(ra)
    sd      s6, 22*8(ra)
    sd      s7, 23*8(ra)
    sd      s8, 24*8(ra)
    sd      s9, 25*8(ra)
    sd      s10, 26*8(ra)
    sd      s11, 27*8(ra)

call_full:
    sd      t0, 5*8(ra)
    sd      t1, 6*8(ra)
    sd      t2, 7*8(ra)
    sd      a0, 10*8(ra)
    sd      a1, 11*8(ra)
    sd      a2, 12*8(ra)
    sd      a3, 13*8(ra)
    sd      a4, 14*8(ra)
    sd      a5, 15*8(ra)
    sd      a6, 16*8(ra)
    sd      a7, 17*8(ra)
    sd      t3, 28*8(ra)
    sd      t4, 29*8(ra)
    sd      t5, 30*8(ra)
    sd      zero, 1*8(ra)
    sd      zero, 31*8(ra)
    mv      a0, tp
    call    neuron_system_call
    j       exit_full

leaf:
    sd      t6, 8(sp)
    sd      tp, 0(sp)
    mv      tp, sp
    mv      a0, sp
    bnez    t0, 1f
    call    neuron_leaf_task_self
    j       2f
1:  call    neuron_leaf_clock_now
2:  csrr    t6, sepc
    addi    t6, t6, 4
    csrw    sepc, t6
    csrw    sscratch, sp
    ld      tp, 0(sp)
    ld      sp, 8(sp)
    li      t0, 0
    li      t1, 0
    li      t2, 0
    li      t3, 0
    li      t4, 0
    li      t5, 0
    li      t6, 0
    li      ra, 0
    li      a1, 0
    li      a2, 0
    li      a3, 0
    li      a4, 0
    li      a5, 0
    li      a6, 0
    li      a7, 0
    sret

# The words travel in s2-s9, which Rust preserves.
    .macro words_to_s
    mv      s2, a0
    mv      s3, a1
    mv      s4, a2
    mv      s5, a3
    mv      s6, a4
    mv      s7, a5
    mv      s8, a6
    mv      s9, a7
    .endm

fast_call:
    words_to_s
    mv      s10, t1
    li      s11, {CALL}
    mv      a0, tp
    mv      a1, t1
    call    neuron_fast_call
    beqz    a0, fast_refused
    j       exit_fast

fast_reply:
    words_to_s
    mv      s10, t1
    li      s11, {REPLY_RECEIVE}
    mv      a0, tp
    mv      a1, t1
    call    neuron_fast_reply
    beqz    a0, fast_refused

# a0 = the task that runs now, whose words are in s2-s9.
exit_fast:
    mv      t6, a0
    ld      t0, 0(t6)
    csrw    sepc, t0
    csrw    sscratch, tp
    mv      a0, s2
    mv      a1, s3
    mv      a2, s4
    mv      a3, s5
    mv      a4, s6
    mv      a5, s7
    mv      a6, s8
    mv      a7, s9
    ld      t1, 6*8(t6)
    ld      t3, 28*8(t6)
    ld      t4, 29*8(t6)
    ld      sp, 2*8(t6)
    ld      gp, 3*8(t6)
    ld      tp, 4*8(t6)
    ld      s0, 8*8(t6)
    ld      s1, 9*8(t6)
    li      s10, 0
    li      s11, 0
    li      t0, 0
    li      t2, 0
    li      t5, 0
    li      ra, 0
    li      t6, 0
    sret

# Something is in the way: the registers as the full path expects them.
fast_refused:
    ld      ra, {CURRENT}(tp)
    mv      a0, s2
    mv      a1, s3
    mv      a2, s4
    mv      a3, s5
    mv      a4, s6
    mv      a5, s7
    mv      a6, s8
    mv      a7, s9
    mv      t1, s10
    mv      t0, s11
    li      t2, 0
    li      t3, 0
    li      t4, 0
    li      t5, -1
    j       call_full

trap_full:
    ld      t6, {CURRENT}(sp)
    sd      x1, 1*8(t6)
    sd      x3, 3*8(t6)
    sd      x4, 4*8(t6)
    sd      x5, 5*8(t6)
    sd      x6, 6*8(t6)
    sd      x7, 7*8(t6)
    sd      x8, 8*8(t6)
    sd      x9, 9*8(t6)
    sd      x10, 10*8(t6)
    sd      x11, 11*8(t6)
    sd      x12, 12*8(t6)
    sd      x13, 13*8(t6)
    sd      x14, 14*8(t6)
    sd      x15, 15*8(t6)
    sd      x16, 16*8(t6)
    sd      x17, 17*8(t6)
    sd      x18, 18*8(t6)
    sd      x19, 19*8(t6)
    sd      x20, 20*8(t6)
    sd      x21, 21*8(t6)
    sd      x22, 22*8(t6)
    sd      x23, 23*8(t6)
    sd      x24, 24*8(t6)
    sd      x25, 25*8(t6)
    sd      x26, 26*8(t6)
    sd      x27, 27*8(t6)
    sd      x28, 28*8(t6)
    sd      x29, 29*8(t6)
    sd      x30, 30*8(t6)
    ld      t0, 0(sp)
    sd      t0, 31*8(t6)
    csrrw   t0, sscratch, zero
    sd      t0, 2*8(t6)
    csrr    t0, sepc
    sd      t0, 0(t6)
    mv      tp, sp
    mv      a0, tp
    csrr    a1, scause
    csrr    a2, stval
    call    neuron_trap

    .globl  exit_full
exit_full:
    ld      t6, {CURRENT}(tp)
    ld      t0, 0(t6)
    csrw    sepc, t0
    csrw    sscratch, tp
    ld      x1, 1*8(t6)
    ld      x2, 2*8(t6)
    ld      x3, 3*8(t6)
    ld      x4, 4*8(t6)
    ld      x5, 5*8(t6)
    ld      x6, 6*8(t6)
    ld      x7, 7*8(t6)
    ld      x8, 8*8(t6)
    ld      x9, 9*8(t6)
    ld      x10, 10*8(t6)
    ld      x11, 11*8(t6)
    ld      x12, 12*8(t6)
    ld      x13, 13*8(t6)
    ld      x14, 14*8(t6)
    ld      x15, 15*8(t6)
    ld      x16, 16*8(t6)
    ld      x17, 17*8(t6)
    ld      x18, 18*8(t6)
    ld      x19, 19*8(t6)
    ld      x20, 20*8(t6)
    ld      x21, 21*8(t6)
    ld      x22, 22*8(t6)
    ld      x23, 23*8(t6)
    ld      x24, 24*8(t6)
    ld      x25, 25*8(t6)
    ld      x26, 26*8(t6)
    ld      x27, 27*8(t6)
    ld      x28, 28*8(t6)
    ld      x29, 29*8(t6)
    ld      x30, 30*8(t6)
    ld      x31, 31*8(t6)
    sret

# A trap inside the kernel is a bug in it. Only the first hart to get here reports.
9:  csrrw   sp, sscratch, sp
    .globl  kernel_trap_early
    .balign 4
kernel_trap_early:
    csrw    sscratch, t6
    la      t6, kernel_trap_taken
    .option push
    .option arch, +a
    amoswap.w t6, sp, (t6)
    .option pop
    beqz    t6, 1f
0:  wfi
    j       0b
1:  la      t6, kernel_trap_registers
    sd      x1, 1*8(t6)
    sd      x2, 2*8(t6)
    sd      x3, 3*8(t6)
    sd      x4, 4*8(t6)
    sd      x5, 5*8(t6)
    sd      x6, 6*8(t6)
    sd      x7, 7*8(t6)
    sd      x8, 8*8(t6)
    sd      x9, 9*8(t6)
    sd      x10, 10*8(t6)
    sd      x11, 11*8(t6)
    sd      x12, 12*8(t6)
    sd      x13, 13*8(t6)
    sd      x14, 14*8(t6)
    sd      x15, 15*8(t6)
    sd      x16, 16*8(t6)
    sd      x17, 17*8(t6)
    sd      x18, 18*8(t6)
    sd      x19, 19*8(t6)
    sd      x20, 20*8(t6)
    sd      x21, 21*8(t6)
    sd      x22, 22*8(t6)
    sd      x23, 23*8(t6)
    sd      x24, 24*8(t6)
    sd      x25, 25*8(t6)
    sd      x26, 26*8(t6)
    sd      x27, 27*8(t6)
    sd      x28, 28*8(t6)
    sd      x29, 29*8(t6)
    sd      x30, 30*8(t6)
    csrr    t0, sscratch
    sd      t0, 31*8(t6)
    csrr    t0, sepc
    sd      t0, 0(t6)
    mv      a0, t6
    csrr    a1, scause
    csrr    a2, stval
    csrw    sscratch, zero
    la      sp, kernel_trap_stack_top
    tail    neuron_kernel_trap

    .section .bss
    .balign 16
kernel_trap_registers:
    .skip   256
kernel_trap_taken:
    .skip   8
    .balign 16
kernel_trap_stack:
    .skip   8192
kernel_trap_stack_top:
"#,
    CURRENT = const sched::CURRENT_OFFSET,
    START_ID = const core::mem::offset_of!(HartStart, hardware_id),
    START_SIZE = const size_of::<HartStart>(),
    CALL = const nexus_abi::Call::Call as u64,
    REPLY_RECEIVE = const nexus_abi::Call::ReplyReceive as u64,
);

unsafe extern "C" {
    fn exit_full() -> !;
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

/// Runs the hart's current task.
pub fn return_to_user(hart: &mut Hart) -> ! {
    super::csr::set_this_hart(hart);
    // SAFETY: `tp` is the hart, its current task is set, and interrupts stay masked until `sret` restores
    // user mode with them enabled.
    unsafe {
        core::arch::asm!("csrc sstatus, {0}", "csrs sstatus, {1}", in(reg) 1 << 8, in(reg) 1 << 5);
        exit_full()
    }
}

#[unsafe(no_mangle)]
extern "C" fn neuron_system_call(hart: &mut Hart) {
    syscall::system_call(hart);
}

#[unsafe(no_mangle)]
extern "C" fn neuron_leaf_task_self(hart: &Hart) -> u64 {
    hart.current().map_or(0, |task| syscall::task_self(task))
}

#[unsafe(no_mangle)]
extern "C" fn neuron_leaf_clock_now(hart: &Hart) -> u64 {
    hart.current().map_or(0, |task| syscall::clock_now(hart, task))
}

#[unsafe(no_mangle)]
extern "C" fn neuron_fast_call(hart: &mut Hart, named: u64) -> *const Task {
    fast::call(hart, named)
}

#[unsafe(no_mangle)]
extern "C" fn neuron_fast_reply(hart: &mut Hart, named: u64) -> *const Task {
    fast::reply_receive(hart, named)
}

#[unsafe(no_mangle)]
extern "C" fn neuron_trap(hart: &mut Hart, cause: usize, value: usize) {
    let interrupt = (cause as isize) < 0;
    let cause = cause as u8;
    let page_fault = |access| Trap::PageFault { address: value, access, cause };
    let trap = match cause {
        _ if interrupt => Trap::Interrupt,
        2 => Trap::Illegal { cause, value: value as u64 },
        12 => page_fault(Access::USER_EXECUTE),
        13 => page_fault(Access::USER_READ),
        15 => page_fault(Access::USER_WRITE),
        _ => Trap::Other { cause, value: value as u64 },
    };
    syscall::trap(hart, trap);
}
