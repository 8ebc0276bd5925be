//! Trap entry and exit: the code between a task and Rust, which begins in `handlers`.
//!
//! While a task runs `sscratch` holds its hart's record, while the kernel runs it holds 0; so the first
//! instruction of a trap tells where it came from. The record is also the top of the hart's kernel stack,
//! and `tp` while the kernel runs.
//!
//! Three ways in for a system call, cheapest first:
//!
//! ```text
//! leaf   task_self, clock_now,      nothing saved; the result is in a0, the rest cleared
//!        notify
//! fast   call, reply_receive,       what a call preserves is saved; the eight words stay in s2–s9 while
//!        receive, reply with        Rust finds the other side, which finds them there
//!        words only
//! full   everything else            all registers that matter are in the task, Rust decides; `yield` and
//!                                   `wait` need not store their arguments first
//! ```
//!
//! A call preserves `s0`, `s1`, `sp`, `gp`, `tp`, one without a message also `s2`–`s11`, and nothing else: that
//! is what makes the first two cheap. What comes back in the others is zero, the message, or an older value
//! of the task's own.
#![expect(unsafe_code, reason = "assembly")]

use core::arch::global_asm;

use crate::ipc::fast;
use crate::sched::{self, Hart};
use crate::task::Task;

const _: () = {
    use nexus_abi::Call;
    let in_order =
        [Call::Notify, Call::Call, Call::ReplyReceive, Call::Yield, Call::Wait, Call::Receive, Call::Reply];
    let mut n = 0;
    while n < in_order.len() {
        assert!(in_order[n] as usize == n + 2, "the trap code tells these calls apart by their order");
        n += 1;
    }
};

global_asm!(
    r#"
# a0 = the task that runs now, whose words are in s2-s9.
    .macro exit_fast
    ld      t0, 0(a0)
    csrw    sepc, t0
    csrw    sscratch, tp
    ld      sp, 2*8(a0)
    ld      gp, 3*8(a0)
    ld      tp, 4*8(a0)
    ld      s0, 8*8(a0)
    ld      s1, 9*8(a0)
    li      a0, 0
    li      a1, 0
    li      a2, 0
    li      a3, 0
    li      a4, 0
    li      a5, 0
    li      a6, 0
    li      a7, 0
    li      s10, 0
    li      s11, 0
    li      t0, 0
    li      t2, 0
    li      t6, 0
    li      ra, 0
    sret
    .endm

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
    sltiu   ra, t0, {LEAVES}
    bnez    ra, leaf
    ld      ra, {CURRENT}(sp)
save_caller:
    sd      t6, 2*8(ra)
    sd      gp, 3*8(ra)
    sd      tp, 4*8(ra)
    sd      s0, 8*8(ra)
    sd      s1, 9*8(ra)
    csrr    t6, sepc
    addi    t6, t6, 4
    sd      t6, 0(ra)
    mv      tp, sp
    # Below is a call, or a notify that was more than a leaf, which asks for no deadline that never comes.
    addi    t6, t0, -{REPLY_RECEIVE}
    beqz    t6, reply_receive
    bltz    t6, call
    addi    t6, t6, {REPLY_RECEIVE} - {REPLY} - 1
    bgez    t6, call_preserving
    addi    t6, t6, {REPLY} + 1 - {WAIT}
    bltz    t6, quick_yield
    beqz    t6, quick_wait
    addi    t6, t6, {WAIT} - {REPLY}
    beqz    t6, reply
    # Fall through.

receive:
    # Words only?
    bnez    t2, call_preserving
    sd      t1, 6*8(ra)
    sd      zero, 7*8(ra)
    sd      t5, 30*8(ra)
    mv      a0, tp
    mv      a1, t1
    mv      a2, t5
    jal     neuron_fast_receive
    bnez    a0, exit_full
    li      t0, {RECEIVE}
    j       refused_until

reply:
    bnez    t2, call_preserving
    sd      t1, 6*8(ra)
    mv      a0, tp
    mv      a1, t1
    jal     neuron_fast_answer
    andi    t0, a0, {REFUSED}
    bnez    t0, fast_answer_refused
    mv      a1, a0
    mv      a0, tp
    sd      s2, 18*8(a1)
    sd      s3, 19*8(a1)
    sd      s4, 20*8(a1)
    sd      s5, 21*8(a1)
    sd      s6, 22*8(a1)
    sd      s7, 23*8(a1)
    sd      s8, 24*8(a1)
    sd      s9, 25*8(a1)
    jal     neuron_answered
    ld      a0, {CURRENT}(tp)
    li      t1, 0
    li      t3, 0
    li      t4, 0
    li      t5, 0
    exit_fast

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
    jal     neuron_system_call
    j       exit_full

quick_yield:
    mv      a0, tp
    jal     neuron_yield
    j       exit_full

quick_wait:
    mv      a2, tp
    jal     neuron_wait
    j       exit_full

leaf:
    sd      t6, 8(sp)
    sd      tp, 0(sp)
    mv      tp, sp
    addi    t6, t0, -{NOTIFY}
    beqz    t6, leaf_notify
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

leaf_notify:
    sd      a0, 16(sp)
    sd      a1, 24(sp)
    mv      a2, sp
    jal     neuron_leaf_notify
    beqz    a0, 1f
    li      a0, 0
    j       2b
# Something is in the way: the registers as the full path expects them.
1:  ld      t6, 8(sp)
    ld      tp, 0(sp)
    ld      a0, 16(sp)
    ld      a1, 24(sp)
    li      a2, 0
    li      a3, 0
    li      a4, 0
    li      a5, 0
    li      a6, 0
    li      a7, 0
    li      t0, {NOTIFY}
    li      t1, 0
    li      t2, 0
    li      t3, 0
    li      t4, 0
    li      t5, 0
    ld      ra, {CURRENT}(sp)
    j       save_caller

# The words travel in s2-s9, which Rust preserves. Whom the task names, that it has no room for more, and until when it
# receives, is kept: whoever meets it on the general path looks for that among its registers.
call:
    # Words only, no deadline?
    addi    t6, t5, 1
    or      t6, t6, t2
    bnez    t6, call_preserving
    sd      t1, 6*8(ra)
    sd      zero, 7*8(ra)
    mv      s11, ra
    mv      a0, tp
    mv      a1, t1
    jal     neuron_fast_call
    andi    t0, a0, {REFUSED} | {ELSEWHERE}
    bnez    t0, call_not_here
    ld      t1, 6*8(a0)
    ld      t3, {ID}(s11)
    ld      t4, {STAMP}(s11)
    ld      t5, 30*8(a0)
    exit_fast

reply_receive:
    # Words only?
    bnez    t2, call_preserving
    sd      t1, 6*8(ra)
    sd      zero, 7*8(ra)
    sd      t5, 30*8(ra)
    mv      a0, tp
    mv      a1, t1
    mv      a2, t5
    jal     neuron_fast_reply
    andi    t0, a0, {REFUSED} | {ELSEWHERE}
    bnez    t0, reply_not_here
    li      t1, 0
    li      t3, 0
    li      t4, 0
    li      t5, 0
    exit_fast

# The peer is elsewhere, a0 - 1: its words go where it finds them.
    .macro words_to_peer
    addi    a1, a0, -1
    mv      a0, tp
    sd      s2, 18*8(a1)
    sd      s3, 19*8(a1)
    sd      s4, 20*8(a1)
    sd      s5, 21*8(a1)
    sd      s6, 22*8(a1)
    sd      s7, 23*8(a1)
    sd      s8, 24*8(a1)
    sd      s9, 25*8(a1)
    .endm

call_not_here:
    andi    t0, a0, {REFUSED}
    bnez    t0, fast_call_refused
    words_to_peer
    jal     neuron_call_sent
    j       exit_full

reply_not_here:
    andi    t0, a0, {REFUSED}
    bnez    t0, fast_reply_refused
    words_to_peer
    jal     neuron_reply_sent
    j       exit_full

# Something is in the way: the registers as the full path expects them.
fast_call_refused:
    li      t0, {CALL}
    li      t5, -1
    ld      ra, {CURRENT}(tp)
    j       1f
fast_answer_refused:
    li      t0, {REPLY}
    li      t5, 0
    ld      ra, {CURRENT}(tp)
    j       1f
fast_reply_refused:
    li      t0, {REPLY_RECEIVE}
refused_until:
    ld      ra, {CURRENT}(tp)
    ld      t5, 30*8(ra)
1:  ld      t1, 6*8(ra)
    li      t2, 0
    li      t3, 0
    li      t4, 0
    li      a0, 0
    li      a1, 0
    li      a2, 0
    li      a3, 0
    li      a4, 0
    li      a5, 0
    li      a6, 0
    li      a7, 0
    li      s10, 0
    li      s11, 0
    j       call_preserving

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
    ID = const Task::ID_OFFSET,
    STAMP = const Task::STAMP_OFFSET,
    CALL = const nexus_abi::Call::Call as u64,
    REPLY_RECEIVE = const nexus_abi::Call::ReplyReceive as u64,
    NOTIFY = const nexus_abi::Call::Notify as u64,
    WAIT = const nexus_abi::Call::Wait as u64,
    RECEIVE = const nexus_abi::Call::Receive as u64,
    REPLY = const nexus_abi::Call::Reply as u64,
    REFUSED = const fast::Switch::REFUSED_BIT,
    ELSEWHERE = const fast::Switch::ELSEWHERE,
    LEAVES = const nexus_abi::Call::Notify as u64 + 1,
);

unsafe extern "C" {
    fn exit_full() -> !;
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
