//! The end of the machine.
//!
//! Firmware can switch off but not say why; the emulator's test device can. A kernel that knows how it
//! ended says it there and falls back to firmware when the board has no such device.

use nexus_abi::ExitCode;

use super::mmio::Mmio;
use super::sbi::{self, ResetKind, ResetReason};

/// The test device's word for success.
const SUCCESS: u32 = 0x5555;
/// Its word for failure; the code stands above it.
const FAILURE: u32 = 0x3333;

/// The way out.
#[derive(Clone, Copy, Debug)]
pub struct Power {
    test_device: Option<Mmio>,
}

impl Power {
    /// With the registers of the test device when the board has one.
    pub const fn new(test_device: Option<Mmio>) -> Self {
        Self { test_device }
    }

    /// Ends the machine with a code the emulator exits with.
    pub fn exit(&self, code: ExitCode) -> ! {
        self.request(code);
        let reason = if code == ExitCode::Ok { ResetReason::None } else { ResetReason::SystemFailure };
        sbi::system_reset(ResetKind::Shutdown, reason);
        // Nobody can switch off: stay here, harmlessly.
        loop {
            core::hint::spin_loop();
        }
    }

    /// Tells the test device. The emulator ends within this store; a board without one just goes on.
    fn request(&self, code: ExitCode) {
        let word = match code {
            ExitCode::Ok => SUCCESS,
            code => (code as u32) << 16 | FAILURE,
        };
        if let Some(device) = self.test_device {
            device.write32(0, word);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::mmio::fake;

    #[test]
    fn the_test_device_gets_success_or_the_code() {
        let device = fake::registers(0x1000);
        let power = Power::new(Some(device));
        power.request(ExitCode::Ok);
        assert_eq!(device.read32(0), 0x5555);
        power.request(ExitCode::KernelPanic);
        assert_eq!(device.read32(0), 16 << 16 | 0x3333);
    }

    #[test]
    fn a_board_without_the_device_has_nothing_to_tell() {
        Power::new(None).request(ExitCode::InitDied);
    }
}
