//! Exits with code 0 and does nothing else.
#![no_std]
#![no_main]
#![expect(unsafe_code, reason = "the program is three instructions")]

use core::arch::global_asm;

use nexus_abi::Call;
// Its panic handler; nothing here panics.
use nexus_rt as _;

global_asm!(
    ".section .text._start, \"ax\"",
    ".globl _start",
    "_start:",
    "li a0, 0",
    "li t0, {exit}",
    "ecall",
    // Not reached: `task_exit` does not return.
    "unimp",
    exit = const Call::TaskExit as u64,
);
