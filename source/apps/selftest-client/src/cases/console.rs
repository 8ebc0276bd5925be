//! The log keeps what was written; a device's interrupt arrives as bits, once for each acknowledgement.

use alloc::string::String;

use nexus_abi::info::Output;
use nexus_abi::user;
use nexus_abi::{Error, Nanos, PAGE_SIZE, Rights};
use nexus_rt::startup::SYSTEM;
use selftest_client::raw::Window;

use crate::check::{Because, Verdict, holds, refused, same};
use crate::ledger::leaves_nothing;
use crate::partner::patience;

/// Registers of a 16550.
const INTERRUPT_ENABLE: usize = 1;
const INTERRUPT_IDENTITY: usize = 2;
/// Interrupt when there is room to send: at once, on a UART that sends nothing.
const ON_ROOM: u8 = 2;

pub fn run() -> Verdict {
    log()?;
    leaves_nothing("interrupts", interrupts)?;
    leaves_nothing("refused devices", refusals)
}

fn log() -> Verdict {
    let text = "[selftest] a line that is read back";
    let mut buffer = [0; 4096];
    let mut end = 0;
    while let (1.., next) = user::log_read(SYSTEM, end, &mut buffer).because("log")? {
        end = next;
    }
    nexus_rt::log!("{text}");
    let (len, after) = user::log_read(SYSTEM, end, &mut buffer).because("log")?;
    let read = String::from_utf8_lossy(&buffer[..len]);
    holds("the log holds what was written", read.contains(text))?;
    same("the position after it", after, end + len as u64)?;
    refused("a line too long", user::log_write(SYSTEM, &[b'x'; 257], Output::Kept), Error::Invalid)
}

fn interrupts() -> Verdict {
    let console = user::console_info(SYSTEM).because("console")?;
    let page = PAGE_SIZE as u64 - 1;
    let device = user::device_map(SYSTEM, console.address & !page, 1).because("device")?;
    let registers = Window::map(device, 0, 1, Rights::READ | Rights::WRITE).because("registers")?;
    let at = (console.address & page) as usize;
    let bits = user::notification_create().because("notification")?;
    let soon = || user::clock_now().after(Nanos::from_millis(5));
    let irq = user::irq_bind(SYSTEM, console.irq, bits, 0b100).because("irq_bind")?;
    refused("a line that is bound", user::irq_bind(SYSTEM, console.irq, bits, 1), Error::Busy)?;
    refused("an interrupt of a silent device", user::wait(bits, soon()), Error::TimedOut)?;
    for round in 0..3 {
        registers.write_byte(at + INTERRUPT_ENABLE, ON_ROOM);
        same("the bits of an interrupt", user::wait(bits, patience()), Ok(0b100))?;
        refused("a second one before it is acknowledged", user::wait(bits, soon()), Error::TimedOut)?;
        if round == 1 {
            // The device wants something again: that is kept until the first time is acknowledged.
            registers.write_byte(at + INTERRUPT_ENABLE, 0);
            registers.write_byte(at + INTERRUPT_ENABLE, ON_ROOM);
            refused("another one before it is acknowledged", user::wait(bits, soon()), Error::TimedOut)?;
            user::irq_ack(irq).because("irq_ack")?;
            same("the bits of an interrupt that was kept", user::wait(bits, patience()), Ok(0b100))?;
        }
        registers.write_byte(at + INTERRUPT_ENABLE, 0);
        registers.read_byte(at + INTERRUPT_IDENTITY);
        user::irq_ack(irq).because("irq_ack")?;
    }
    refused("an interrupt of a device that is served", user::wait(bits, soon()), Error::TimedOut)?;
    user::handle_close(irq).because("closing")?;
    // The line is free again.
    let irq = user::irq_bind(SYSTEM, console.irq, bits, 1).because("binding again")?;
    for handle in [irq, bits] {
        user::handle_close(handle).because("closing")?;
    }
    registers.unmap().because("unmap")?;
    user::handle_close(device).because("closing")
}

fn refusals() -> Verdict {
    let bits = user::notification_create().because("notification")?;
    refused("line 0", user::irq_bind(SYSTEM, 0, bits, 1), Error::Invalid)?;
    refused("a line that does not exist", user::irq_bind(SYSTEM, 1 << 40, bits, 1), Error::Invalid)?;
    refused("no bits", user::irq_bind(SYSTEM, 1, bits, 0), Error::Invalid)?;
    refused("memory as a device", user::device_map(SYSTEM, 0x8000_0000, 1), Error::Invalid)?;
    refused("an unaligned device", user::device_map(SYSTEM, 0x1000_0001, 1), Error::Invalid)?;
    refused("nothing as a device", user::device_map(SYSTEM, 0x1000_0000, 0), Error::Invalid)?;
    let poor = user::handle_copy(SYSTEM, Rights::LOG).because("copy")?;
    refused("an interrupt without the right", user::irq_bind(poor, 1, bits, 1), Error::Denied)?;
    refused("a device without the right", user::device_map(poor, 0x1000_0000, 1), Error::Denied)?;
    refused("the machine without the right", user::machine_info(poor).map(drop), Error::Denied)?;
    user::handle_close(poor).because("closing")?;
    user::handle_close(bits).because("closing")
}
