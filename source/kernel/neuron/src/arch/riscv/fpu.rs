//! Floating-point registers.
//!
//! The unit is off until a task's first floating-point instruction traps; from then on the task's
//! registers are saved when it stops running and loaded when it runs again, and nobody else's are touched.
//! The kernel itself uses none.
#![expect(unsafe_code, reason = "saves and loads registers")]

use core::arch::asm;

use crate::task::{Flags, OwnedTask};

const FS: usize = 3 << 13;
const FS_CLEAN: usize = 2 << 13;

/// `f0`–`f31` and `fcsr`.
#[derive(Debug)]
#[repr(C)]
pub struct FpuState([u64; 33]);

impl Default for FpuState {
    fn default() -> Self {
        Self::new()
    }
}

impl FpuState {
    /// All zero, as a task finds them first.
    pub const fn new() -> Self {
        Self([0; 33])
    }
}

/// True when neither the unit nor the task with these flags is concerned.
#[inline(always)]
pub fn fpu_is_idle(flags: u32) -> bool {
    flags & Flags::FPU == 0 && status() & FS == 0
}

/// Switches the unit on for the running task; false when it is on, and so not what the task lacked.
pub fn fpu_enable(task: &OwnedTask) -> bool {
    if status() & FS != 0 {
        return false;
    }
    task.set_flag(Flags::FPU);
    fpu_switch_to(task);
    true
}

/// Loads a task's registers, or switches the unit off for one that does not use it.
pub fn fpu_switch_to(task: &OwnedTask) {
    if task.flags() & Flags::FPU == 0 {
        // SAFETY: off, so the registers cannot be read by the task.
        unsafe { asm!("csrc sstatus, {0}", in(reg) FS, options(nostack)) };
        return;
    }
    // SAFETY: the state is the task's own, and the unit is on while its registers are loaded.
    unsafe {
        asm!("csrs sstatus, {0}", in(reg) FS, options(nostack));
        asm!(
            ".option push", ".option arch, +d",
            ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31",
            "fld f\\n, 8*\\n({0})",
            ".endr",
            "ld t0, 256({0})",
            "fscsr t0",
            ".option pop",
            in(reg) task.fpu_state(), out("t0") _, options(nostack)
        );
        asm!("csrc sstatus, {0}", in(reg) FS & !FS_CLEAN, options(nostack));
    }
}

/// Keeps the registers of a task that uses the unit and stops running, if they changed, and switches the unit off:
/// it is on only while a task runs that uses it.
pub fn fpu_save(task: &OwnedTask) {
    if status() & FS == FS {
        save_registers(task);
    }
    // SAFETY: off, so that whoever runs next cannot read the registers.
    unsafe { asm!("csrc sstatus, {0}", in(reg) FS, options(nostack)) };
}

fn save_registers(task: &OwnedTask) {
    // SAFETY: as above.
    unsafe {
        asm!(
            ".option push", ".option arch, +d",
            ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31",
            "fsd f\\n, 8*\\n({0})",
            ".endr",
            "frcsr t0",
            "sd t0, 256({0})",
            ".option pop",
            in(reg) task.fpu_state(), out("t0") _, options(nostack)
        );
    }
}

fn status() -> usize {
    let status;
    // SAFETY: reads a register.
    unsafe { asm!("csrr {0}, sstatus", out(reg) status, options(nomem, nostack)) };
    status
}
