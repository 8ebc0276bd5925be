//! Calls into the firmware (SBI).
//!
//! Only what the kernel needs: starting harts, interrupting them, the timer of harts without Sstc, reset,
//! and a console for the moments before the UART is mapped. A call costs 250 to 800 instructions, so none
//! is on a hot path; remote fences are missing on purpose, because firmware spins in them.
//!
//! On the host there is no firmware: every call answers [`SbiError::NotSupported`].

#![expect(unsafe_code, reason = "ecall is an instruction, and starting a hart hands out memory")]

/// Extensions, by the numbers of the specification.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub enum Extension {
    /// Console output of SBI 0.1, one byte a call.
    LegacyConsole = 0x01,
    /// What firmware can do.
    Base = 0x10,
    /// The timer.
    Timer = 0x5449_4D45,
    /// Interrupts between harts.
    Ipi = 0x73_5049,
    /// Starting and stopping harts.
    HartState = 0x48_534D,
    /// Ending the machine.
    SystemReset = 0x5352_5354,
    /// Console output of SBI 2.0.
    DebugConsole = 0x4442_434E,
}

/// Why firmware refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SbiError {
    /// It tried and failed.
    Failed,
    /// It has no such call.
    NotSupported,
    /// A parameter is wrong.
    InvalidParameter,
    /// Not allowed.
    Denied,
    /// The address is not one it may use.
    InvalidAddress,
    /// The hart is started already.
    AlreadyAvailable,
    /// Anything else, by number.
    Other(isize),
}

impl SbiError {
    #[cfg_attr(
        not(any(target_arch = "riscv64", test)),
        expect(dead_code, reason = "firmware's answers; tested")
    )]
    const fn from_wire(value: isize) -> Self {
        match value {
            -1 => Self::Failed,
            -2 => Self::NotSupported,
            -3 => Self::InvalidParameter,
            -4 => Self::Denied,
            -5 => Self::InvalidAddress,
            -6 => Self::AlreadyAvailable,
            other => Self::Other(other),
        }
    }
}

impl core::fmt::Display for SbiError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Failed => f.write_str("firmware call failed"),
            Self::NotSupported => f.write_str("firmware lacks the call"),
            Self::InvalidParameter => f.write_str("firmware found a parameter invalid"),
            Self::Denied => f.write_str("firmware denied the call"),
            Self::InvalidAddress => f.write_str("firmware found an address invalid"),
            Self::AlreadyAvailable => f.write_str("the hart is started already"),
            Self::Other(number) => write!(f, "firmware error {number}"),
        }
    }
}

/// What a hart is doing, as firmware knows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HartStatus {
    /// Running.
    Started,
    /// Waiting to be started.
    Stopped,
    /// On its way from one state to another, or suspended.
    Other(usize),
}

/// What kind of end the machine comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub enum ResetKind {
    /// Power off.
    Shutdown = 0,
    /// Start again, as after power-on.
    ColdReboot = 1,
}

/// Why it ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub enum ResetReason {
    /// Somebody asked.
    None = 0,
    /// Something broke.
    SystemFailure = 1,
}

/// True when firmware has an extension.
pub fn probe(extension: Extension) -> bool {
    const PROBE: usize = 3;
    matches!(call(Extension::Base, PROBE, [extension as usize, 0, 0]), Ok(found) if found != 0)
}

/// Starts a stopped hart: it enters `start` in S-mode, without translation, with `a0` = its hardware id,
/// `a1` = `opaque` and interrupts off.
///
/// # Safety
///
/// `start` is the physical address of code meant to be entered this way, and what it does with `opaque`
/// is sound.
pub unsafe fn hart_start(hardware_id: u64, start: u64, opaque: usize) -> Result<(), SbiError> {
    call(Extension::HartState, 0, [hardware_id as usize, start as usize, opaque]).map(drop)
}

/// What a hart is doing.
pub fn hart_status(hardware_id: u64) -> Result<HartStatus, SbiError> {
    call(Extension::HartState, 2, [hardware_id as usize, 0, 0]).map(|status| match status {
        0 => HartStatus::Started,
        1 => HartStatus::Stopped,
        other => HartStatus::Other(other),
    })
}

/// Interrupts one hart: its software interrupt becomes pending.
pub fn send_ipi(hardware_id: u64) -> Result<(), SbiError> {
    // A mask of one bit, based at the hart itself: hardware ids may be sparse and beyond 63.
    call(Extension::Ipi, 0, [1, hardware_id as usize, 0]).map(drop)
}

/// Arms this hart's timer for an absolute time in ticks and clears a pending one; `u64::MAX` is never.
pub fn set_timer(ticks: u64) -> Result<(), SbiError> {
    call(Extension::Timer, 0, [ticks as usize, 0, 0]).map(drop)
}

/// Ends the machine; returns only when firmware will not.
pub fn system_reset(kind: ResetKind, reason: ResetReason) -> SbiError {
    match call(Extension::SystemReset, 0, [kind as usize, reason as usize, 0]) {
        Err(error) => error,
        Ok(_) => SbiError::Failed,
    }
}

/// Prints before there is a UART: slow, polled, `\n` becomes `\r\n`. Lost when firmware has no console.
pub fn console_write(text: &[u8]) {
    for byte in text {
        if *byte == b'\n' {
            console_byte(b'\r');
        }
        console_byte(*byte);
    }
}

fn console_byte(byte: u8) {
    const WRITE_BYTE: usize = 2;
    if call(Extension::DebugConsole, WRITE_BYTE, [usize::from(byte), 0, 0]).is_err() {
        // Nothing is left to report a failure to.
        let _lost = call(Extension::LegacyConsole, 0, [usize::from(byte), 0, 0]);
    }
}

/// One call. Firmware keeps every register but `a0` and `a1`; the old extensions answer in `a0` alone,
/// where 0 is success too.
#[cfg(target_arch = "riscv64")]
fn call(extension: Extension, function: usize, arguments: [usize; 3]) -> Result<usize, SbiError> {
    let [a0, a1, a2] = arguments;
    let (error, value): (isize, usize);
    // SAFETY: the calls of this module make firmware touch no memory of ours; `hart_start`, which makes
    // another hart do so, hands its conditions to its caller. Left without `nomem`, so that what was
    // written before a hart is started or interrupted is written.
    unsafe {
        core::arch::asm!(
            "ecall",
            inlateout("a0") a0 => error,
            inlateout("a1") a1 => value,
            in("a2") a2,
            in("a6") function,
            in("a7") extension as usize,
            options(nostack),
        );
    }
    if error == 0 { Ok(value) } else { Err(SbiError::from_wire(error)) }
}

#[cfg(not(target_arch = "riscv64"))]
fn call(_: Extension, _: usize, _: [usize; 3]) -> Result<usize, SbiError> {
    Err(SbiError::NotSupported)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_firmware_every_call_says_so() {
        assert!(!probe(Extension::Timer));
        assert_eq!(hart_status(0), Err(SbiError::NotSupported));
        assert_eq!(send_ipi(1), Err(SbiError::NotSupported));
        assert_eq!(set_timer(u64::MAX), Err(SbiError::NotSupported));
        assert_eq!(system_reset(ResetKind::Shutdown, ResetReason::None), SbiError::NotSupported);
        console_write(b"lost\n");
    }

    #[test]
    fn extension_numbers_spell_their_names() {
        assert_eq!(Extension::Timer as u32, u32::from_be_bytes(*b"TIME"));
        assert_eq!(Extension::Ipi as u32, u32::from_be_bytes(*b"\0sPI"));
        assert_eq!(Extension::HartState as u32, u32::from_be_bytes(*b"\0HSM"));
        assert_eq!(Extension::SystemReset as u32, u32::from_be_bytes(*b"SRST"));
        assert_eq!(Extension::DebugConsole as u32, u32::from_be_bytes(*b"DBCN"));
    }

    #[test]
    fn firmware_errors_have_names() {
        assert_eq!(SbiError::from_wire(-6), SbiError::AlreadyAvailable);
        assert_eq!(SbiError::from_wire(-99), SbiError::Other(-99));
    }
}
