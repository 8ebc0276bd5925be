//! Memory that is not Rust's, and instructions that a task must not execute.
#![expect(unsafe_code, reason = "reads and executes on purpose what the kernel must guard")]

use core::arch::asm;
use core::ptr;

use nexus_abi::{Error, Handle, PAGE_SIZE, Rights, user};

use crate::script::{Misdeed, PROGRAM};

/// A mapping of a VMO. Nothing in it is ever a Rust object: every access is one volatile word.
#[derive(Debug)]
pub struct Window {
    address: usize,
    bytes: usize,
}

impl Window {
    /// Maps `pages` pages of `vmo` from page `first` on.
    pub fn map(vmo: Handle, first: usize, pages: usize, access: Rights) -> Result<Self, Error> {
        Self::map_at(vmo, first, pages, access, 0)
    }

    /// Maps at an address of the caller's choice.
    pub fn map_at(vmo: Handle, first: usize, pages: usize, access: Rights, at: usize) -> Result<Self, Error> {
        let address = user::vmo_map(vmo, first, pages, access, at)?;
        Ok(Self { address, bytes: pages * PAGE_SIZE })
    }

    /// Where it is.
    pub fn address(&self) -> usize {
        self.address
    }

    /// The word at byte `at`; 0 outside.
    pub fn read(&self, at: usize) -> u64 {
        if !at.is_multiple_of(8) || at + 8 > self.bytes {
            return 0;
        }
        // SAFETY: inside the mapping, aligned; the memory holds no Rust object, and a revoked page reads as zeros.
        unsafe { ptr::with_exposed_provenance::<u64>(self.address + at).read_volatile() }
    }

    /// Writes the word at byte `at`; outside nothing happens.
    pub fn write(&self, at: usize, value: u64) {
        if !at.is_multiple_of(8) || at + 8 > self.bytes {
            return;
        }
        // SAFETY: as in `read`; without the right to write the task faults, which is defined.
        unsafe { ptr::with_exposed_provenance_mut::<u64>(self.address + at).write_volatile(value) }
    }

    /// Reads a device's byte register.
    pub fn read_byte(&self, at: usize) -> u8 {
        if at >= self.bytes {
            return 0;
        }
        // SAFETY: inside the mapping.
        unsafe { ptr::with_exposed_provenance::<u8>(self.address + at).read_volatile() }
    }

    /// Writes a device's byte register.
    pub fn write_byte(&self, at: usize, value: u8) {
        if at < self.bytes {
            // SAFETY: inside the mapping.
            unsafe { ptr::with_exposed_provenance_mut::<u8>(self.address + at).write_volatile(value) }
        }
    }

    /// Undoes the mapping.
    pub fn unmap(self) -> Result<(), Error> {
        // SAFETY: nothing but this value reaches the memory.
        unsafe { user::vm_unmap(self.address) }
    }
}

/// Executes the code that was written into a mapping.
pub fn execute(window: &Window) {
    // SAFETY: a test writes a `ret` there, or the mapping is not executable and the task faults.
    unsafe { asm!("jalr ra, {0}, 0", in(reg) window.address, out("ra") _, clobber_abi("C")) }
}

/// Two instructions: `ret`, and a breakpoint.
pub const RETURN: u64 = 0x0010_0073_0000_8067;

/// Any call at all: status, `a0`, `a1`. Only for calls that write no memory.
pub fn call_raw(number: u64, a: [u64; 5]) -> (u64, u64, u64) {
    let words = [a[0], a[1], a[2], a[3], a[4], 0, 0, 0];
    // SAFETY: used for calls without buffers.
    unsafe { user::arbitrary(number, words, [0; 5]) }
}

/// Does what must end the task. Should the kernel let it pass, the task exits with [`SURVIVED`].
pub fn misbehave(misdeed: Misdeed, stack_pages: usize) -> ! {
    let stack_top = PROGRAM - PAGE_SIZE;
    match misdeed {
        Misdeed::ReadNull => load(0),
        Misdeed::WriteNull => store(0),
        Misdeed::JumpNull => jump(0),
        Misdeed::WriteCode => store(PROGRAM),
        Misdeed::WriteConst => store(ptr::from_ref(&CONSTANT).addr()),
        Misdeed::ExecStack => {
            let word = RETURN;
            jump((&raw const word).addr());
        }
        Misdeed::ExecConst => jump(ptr::from_ref(&CONSTANT).addr()),
        Misdeed::UnderStack => store(stack_top - stack_pages * PAGE_SIZE - 8),
        Misdeed::OverStack => store(stack_top),
        Misdeed::Recurse => {
            recurse(0);
        }
        Misdeed::ReadKernel => load(KERNEL_CODE),
        Misdeed::WriteDirectMap => store(DIRECT_MAP),
        Misdeed::JumpKernel => jump(KERNEL_CODE),
        Misdeed::ReadHole => load(HOLE),
        Misdeed::Illegal
        | Misdeed::ReadCycle
        | Misdeed::ReadControl
        | Misdeed::ReturnFromTrap
        | Misdeed::Break => forbidden(misdeed),
        Misdeed::ReadUnmapped => load(nexus_abi::USER_BASE),
    }
    user::task_exit(SURVIVED)
}

/// Exit code of a task whose misdeed went unpunished.
pub const SURVIVED: i32 = 77;
/// Where the kernel's code is.
pub const KERNEL_CODE: usize = 0xffff_ffff_8020_0000;
/// Where the kernel sees memory.
pub const DIRECT_MAP: usize = 0xffff_ffc0_8000_0000;
/// Between the halves of the address space.
pub const HOLE: usize = 0x0000_4000_0000_0000;
static CONSTANT: u64 = RETURN;
/// Where [`Misdeed::WriteConst`] and [`Misdeed::ExecConst`] go is only known to the peer: its constants.
pub fn constant_address() -> usize {
    ptr::from_ref(&CONSTANT).addr()
}

fn forbidden(misdeed: Misdeed) {
    // SAFETY: each traps and ends the task.
    unsafe {
        match misdeed {
            Misdeed::ReadCycle => asm!("rdcycle {0}", out(reg) _),
            Misdeed::ReadControl => asm!("csrr {0}, sstatus", out(reg) _),
            Misdeed::ReturnFromTrap => asm!("sret"),
            Misdeed::Break => asm!("ebreak"),
            _ => asm!("unimp"),
        }
    }
}

fn load(address: usize) {
    // SAFETY: the address is not ours, so the load ends the task.
    unsafe { asm!("ld {0}, 0({1})", out(reg) _, in(reg) address) }
}

fn store(address: usize) {
    // SAFETY: as in `load`.
    unsafe { asm!("sd zero, 0({0})", in(reg) address) }
}

fn jump(address: usize) {
    // SAFETY: the address is not executable, so the jump ends the task.
    unsafe { asm!("jalr ra, {0}, 0", in(reg) address, out("ra") _, clobber_abi("C")) }
}

#[expect(unconditional_recursion, reason = "until the stack is used up")]
#[inline(never)]
fn recurse(depth: u64) -> u64 {
    let frame = core::hint::black_box([depth; 64]);
    recurse(depth + 1).wrapping_add(core::hint::black_box(frame)[(depth % 64) as usize])
}

/// Runs for ever without a system call. No hint that this is a spin: an emulator may honour it. Mostly no jumps,
/// which an emulator takes longer for.
pub fn spin() -> ! {
    // SAFETY: does nothing.
    unsafe { asm!("1:", ".rept 255", "nop", ".endr", "j 1b", options(noreturn, nomem, nostack)) }
}

/// Runs a loop of `turns` turns of two instructions each: a measure of time that is the program's own.
pub fn work(turns: u64) {
    // SAFETY: counts a register down.
    unsafe {
        asm!("1: addi {0}, {0}, -1", "bnez {0}, 1b", inout(reg) turns.max(1) => _, options(nomem, nostack));
    }
}

/// Puts values made from `seed` into floating-point registers, counts down from `hold`, or from 0 gives way to
/// others, and compares: how many of them changed.
pub fn float_round(seed: u64, hold: u64) -> u64 {
    let mut bad: u64 = 0;
    // SAFETY: uses registers that are declared; the call preserves what the convention says, and the
    // kernel must preserve every floating-point register.
    unsafe {
        asm!(
            ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31",
            "addi s10, s11, \\n",
            "fmv.d.x f\\n, s10",
            ".endr",
            "andi s10, s11, 3",
            "fsrm zero, s10",
            "beqz s7, 1f",
            "2: addi s7, s7, -1",
            "bnez s7, 2b",
            "j 3f",
            "1: addi sp, sp, -16",
            "sd s9, 0(sp)",
            "sd s11, 8(sp)",
            "li t0, {yield_now}",
            "ecall",
            "ld s9, 0(sp)",
            "ld s11, 8(sp)",
            "addi sp, sp, 16",
            "3: frrm t1",
            "andi s10, s11, 3",
            "xor s10, s10, t1",
            "snez s10, s10",
            "add s9, s9, s10",
            ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31",
            "addi s10, s11, \\n",
            "fmv.x.d t1, f\\n",
            "xor s10, s10, t1",
            "snez s10, s10",
            "add s9, s9, s10",
            ".endr",
            "fsrm zero, zero",
            yield_now = const nexus_abi::Call::Yield as u64,
            inout("s9") bad,
            inout("s11") seed => _,
            out("s2") _, out("s3") _, out("s4") _, out("s5") _, out("s6") _, inout("s7") hold => _, out("s8") _,
            out("s10") _,
            out("fs0") _, out("fs1") _, out("fs2") _, out("fs3") _, out("fs4") _, out("fs5") _,
            out("fs6") _, out("fs7") _, out("fs8") _, out("fs9") _, out("fs10") _, out("fs11") _,
            out("ra") _,
            clobber_abi("C"),
        );
    }
    bad
}
