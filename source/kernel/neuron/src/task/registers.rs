//! A task's registers while it is not running, and their names in the system-call convention.

/// `x1`–`x31`, with the program counter in the place of `x0`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Registers([u64; 32]);

/// A register by its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub enum Reg {
    /// Program counter.
    Pc = 0,
    /// Return address.
    Ra = 1,
    /// Stack pointer.
    Sp = 2,
    /// Thread pointer.
    Tp = 4,
    /// Status out, call number in.
    T0 = 5,
    /// Endpoint and reply in, reply out.
    T1 = 6,
    /// Shape in, received out.
    T2 = 7,
    /// First argument and value.
    A0 = 10,
    /// Second argument and value.
    A1 = 11,
    /// First word of a message; the others follow.
    S2 = 18,
    /// Bytes in, sender out.
    T3 = 28,
    /// Buffer in, stamp out.
    T4 = 29,
    /// Deadline in, moment out.
    T5 = 30,
}

impl Registers {
    /// A task that starts at `pc` with this stack and two arguments; everything else is zero.
    pub fn starting(pc: usize, sp: usize, a0: u64, a1: u64) -> Self {
        let mut registers = Self([0; 32]);
        registers.set(Reg::Pc, pc as u64);
        registers.set(Reg::Sp, sp as u64);
        registers.set(Reg::A0, a0);
        registers.set(Reg::A1, a1);
        registers
    }

    /// Reads one.
    #[inline(always)]
    pub fn get(&self, reg: Reg) -> u64 {
        self.0[reg as usize]
    }

    /// Writes one.
    #[inline(always)]
    pub fn set(&mut self, reg: Reg, value: u64) {
        self.0[reg as usize] = value;
    }

    /// Argument `n` of a call, `a0` to `a7`.
    #[inline(always)]
    pub fn arg(&self, n: usize) -> u64 {
        self.0[Reg::A0 as usize + n % 8]
    }

    /// Sets argument `n` of a call.
    #[inline(always)]
    pub fn set_arg(&mut self, n: usize, value: u64) {
        self.0[Reg::A0 as usize + n % 8] = value;
    }

    /// The eight words of a message.
    #[inline(always)]
    pub fn words(&self) -> [u64; 8] {
        core::array::from_fn(|n| self.0[Reg::S2 as usize + n])
    }

    /// Sets the eight words of a message.
    #[inline(always)]
    pub fn set_words(&mut self, words: [u64; 8]) {
        self.0[Reg::S2 as usize..][..8].copy_from_slice(&words);
    }

    /// Ends a call: status and up to two values; nothing of the kernel's in the rest.
    #[inline(always)]
    pub fn set_result(&mut self, result: Result<(u64, u64), nexus_abi::Error>) {
        let (status, (a0, a1)) = match result {
            Ok(values) => (0, values),
            Err(error) => (error.to_wire(), (0, 0)),
        };
        self.set(Reg::T0, status);
        self.set(Reg::A0, a0);
        self.set(Reg::A1, a1);
    }

    /// All of them, for dumps.
    pub fn raw(&self) -> &[u64; 32] {
        &self.0
    }
}
