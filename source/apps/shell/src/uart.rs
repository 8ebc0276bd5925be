//! Keys from the serial line: the receiving half of a 16550.
//!
//! The kernel prints; this reads. An interrupt comes as a bit while bytes wait, the task sleeps until then, and
//! the line is taken again only after the receiver was emptied. No register the kernel writes is touched.
#![expect(unsafe_code, reason = "device registers are memory that changes by itself")]

use nexus_abi::{Error, Handle, Nanos, PAGE_SIZE, Rights, user};
use nexus_rt::startup::SYSTEM;

/// Receive buffer: one byte per read.
const RBR: usize = 0;
/// Interrupt enable; bit 0: bytes wait.
const IER: usize = 1;
const IER_RECEIVED: u8 = 1;
/// Line status; bit 0: a byte waits.
const LSR: usize = 5;
const LSR_READY: u8 = 1;
/// The bits of this task's notification: something was typed; a timer has fired.
const RECEIVED: u64 = 1;
pub const TIMER: u64 = 2;

/// The console's receiver.
#[derive(Debug)]
pub struct Uart {
    registers: *mut u8,
    interrupt: Handle,
    arrivals: Handle,
}

impl Uart {
    /// Maps the console's registers and takes its interrupt.
    pub fn open() -> Result<Self, Error> {
        let console = user::console_info(SYSTEM)?;
        let page = PAGE_SIZE as u64 - 1;
        let device = user::device_map(SYSTEM, console.address & !page, 1)?;
        let base = user::vmo_map(device, 0, 1, Rights::READ | Rights::WRITE, 0)?;
        let arrivals = user::notification_create()?;
        let interrupt = user::irq_bind(SYSTEM, console.irq, arrivals, RECEIVED)?;
        let address = base + (console.address & page) as usize;
        let uart = Self { registers: core::ptr::with_exposed_provenance_mut(address), interrupt, arrivals };
        uart.write(IER, IER_RECEIVED);
        Ok(uart)
    }

    /// Where it is told of what was typed.
    pub const fn arrivals(&self) -> Handle {
        self.arrivals
    }

    /// Sleeps until something was typed, a timer has fired, or `deadline` is there; answers how many bytes are in
    /// `buffer`.
    pub fn read(&self, buffer: &mut [u8], deadline: Nanos) -> Result<usize, Error> {
        let mut has_fired = false;
        loop {
            let len = self.drain(buffer);
            if len > 0 || has_fired {
                return Ok(len);
            }
            // The receiver is empty, so the line is low; what comes from here on raises it again.
            user::irq_ack(self.interrupt)?;
            match user::wait(self.arrivals, deadline) {
                Ok(bits) => has_fired = bits & TIMER != 0,
                Err(Error::TimedOut) => return Ok(0),
                Err(error) => return Err(error),
            }
        }
    }

    fn drain(&self, buffer: &mut [u8]) -> usize {
        let mut len = 0;
        for byte in buffer {
            if self.read_register(LSR) & LSR_READY == 0 {
                break;
            }
            *byte = self.read_register(RBR);
            len += 1;
        }
        len
    }

    fn read_register(&self, register: usize) -> u8 {
        // SAFETY: `open` mapped a page around the registers, and the mapping is never undone.
        unsafe { self.registers.add(register).read_volatile() }
    }

    fn write(&self, register: usize, value: u8) {
        // SAFETY: as in `read_register`.
        unsafe { self.registers.add(register).write_volatile(value) }
    }
}
