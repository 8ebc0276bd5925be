//! A trap inside the kernel: a bug, reported with everything known about it.
#![expect(unsafe_code, reason = "reads the saved registers")]

/// What the hart was doing.
#[derive(Debug)]
pub struct KernelTrap {
    /// `pc` in the place of `x0`, then `x1`–`x31`.
    pub registers: &'static [u64; 32],
    /// The hardware's number for it.
    pub cause: usize,
    /// What the hardware says about it.
    pub value: usize,
}

impl core::fmt::Display for KernelTrap {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let pc = self.registers[0];
        write!(f, "kernel trap cause={} value={:#x} pc={pc:#x}", self.cause, self.value)
    }
}

/// The stack pointer of the caller.
#[inline(always)]
pub fn stack_pointer() -> usize {
    let sp;
    // SAFETY: reads a register.
    unsafe { core::arch::asm!("mv {0}, sp", out(reg) sp, options(nomem, nostack)) };
    sp
}

#[unsafe(no_mangle)]
extern "C" fn neuron_kernel_trap(registers: &'static [u64; 32], cause: usize, value: usize) -> ! {
    crate::boot::report::kernel_trap(&KernelTrap { registers, cause, value })
}
