//! Polled output on a 16550.
//!
//! Firmware has set speed and format; nothing here changes them. Input belongs to the task that maps the
//! registers: the kernel never reads the receive buffer and never touches the interrupt enables, so both
//! can use the device at once. Waiting for room is bounded: a UART that never becomes ready costs time,
//! not the machine.

use super::mmio::Mmio;

/// Transmit holding register (write).
const THR: usize = 0;
/// Line status register.
const LSR: usize = 5;
/// The transmitter takes a byte.
const LSR_THR_EMPTY: u8 = 1 << 5;
/// Bytes of registers.
pub const REGISTERS_LEN: usize = 8;
/// Polls before a byte is given up: some milliseconds, far above a character at 9600 baud under emulation.
const POLLS_MAX: u32 = 100_000;

/// The console's output side. The holder serialises: two writers would mix their lines.
#[derive(Clone, Copy, Debug)]
pub struct Uart {
    registers: Mmio,
}

impl Uart {
    /// A UART behind these registers, at least [`REGISTERS_LEN`] bytes.
    pub const fn new(registers: Mmio) -> Self {
        Self { registers }
    }

    /// Sends text, with a carriage return before every line feed.
    pub fn write(&self, text: &[u8]) {
        for byte in text {
            if *byte == b'\n' {
                self.send(b'\r');
            }
            self.send(*byte);
        }
    }

    fn send(&self, byte: u8) {
        for _ in 0..POLLS_MAX {
            if self.registers.read8(LSR) & LSR_THR_EMPTY != 0 {
                self.registers.write8(THR, byte);
                return;
            }
            core::hint::spin_loop();
        }
    }
}

impl core::fmt::Write for Uart {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        self.write(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::mmio::fake;

    #[test]
    fn a_ready_transmitter_takes_the_bytes() {
        let registers = fake::registers(REGISTERS_LEN);
        registers.write8(LSR, LSR_THR_EMPTY);
        let uart = Uart::new(registers);
        uart.write(b"ab");
        assert_eq!(registers.read8(THR), b'b');
        uart.write(b"\n");
        assert_eq!(registers.read8(THR), b'\n');
    }

    #[test]
    fn a_stuck_transmitter_loses_bytes_not_the_machine() {
        let registers = fake::registers(REGISTERS_LEN);
        Uart::new(registers).write(b"x\n");
        assert_eq!(registers.read8(THR), 0);
    }

    #[test]
    fn output_leaves_the_input_side_alone() {
        let registers = fake::registers(REGISTERS_LEN);
        registers.write8(1, 0x01);
        registers.write8(LSR, LSR_THR_EMPTY | 1);
        Uart::new(registers).write(b"hello\n");
        assert_eq!((registers.read8(1), registers.read8(LSR)), (0x01, LSR_THR_EMPTY | 1));
    }
}
