//! Failing: before the kernel runs, and when it finds itself broken.
//!
//! A kernel panic prints hart, task, registers and a symbolised backtrace, straight to the UART because
//! whoever holds the console's lock may be the one that broke, and ends the machine, which stops all harts.

use core::fmt::{Arguments, Write};
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicBool, Ordering};

use nexus_abi::ExitCode;
use nexus_proof::{BootFailure, KernelPanic};

use super::map;
use crate::arch::{self, KernelTrap};
use crate::platform::backtrace::{self, Bounds};
use crate::platform::boot_image::ImageError;
use crate::platform::power::Power;
use crate::platform::sbi;
use crate::platform::symbols::Symbols;
use crate::platform::uart::Uart;
use crate::sched::Hart;

/// The first hart to fail reports; a failure while reporting ends the machine at once.
static REPORTING: AtomicBool = AtomicBool::new(false);

/// What is wrong with the boot image.
#[derive(Clone, Copy, Debug)]
pub enum ImageTrouble {
    /// The loader brought none.
    Missing,
    /// It is not a good archive.
    Broken(ImageError),
}

impl core::fmt::Display for ImageTrouble {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Missing => f.write_str("the loader brought none (-initrd)"),
            Self::Broken(error) => error.fmt(f),
        }
    }
}

/// Ends a boot that cannot go on, through firmware's console: there is no other yet.
pub fn fail(power: &Power, code: ExitCode, why: Arguments<'_>) -> ! {
    // Writing to firmware's console cannot fail.
    let _always_ok = writeln!(Firmware, "{}", BootFailure(why));
    power.exit(code)
}

/// A panic in kernel code.
pub fn panic(info: &PanicInfo<'_>) -> ! {
    let message = info.message();
    match info.location() {
        Some(at) => report(format_args!("{message} at {}:{}", at.file(), at.line()), None),
        None => report(format_args!("{message}"), None),
    }
}

/// A trap in kernel code.
pub fn kernel_trap(trap: &KernelTrap) -> ! {
    report(format_args!("{trap}"), Some(trap))
}

fn report(message: Arguments<'_>, trap: Option<&KernelTrap>) -> ! {
    let hart = this_hart();
    if REPORTING.swap(true, Ordering::SeqCst) {
        end(hart);
    }
    match hart {
        Some(hart) => {
            let mut uart = Uart::new(super::registers(hart.machine.board.uart.region));
            // A console that does not take the report leaves only the exit code; so go on to it.
            let _best_effort = write_report(&mut uart, Some(hart), message, trap);
        }
        None => {
            let _best_effort = write_report(&mut Firmware, None, message, trap);
        }
    }
    end(hart)
}

fn end(hart: Option<&Hart>) -> ! {
    match hart {
        Some(hart) => hart.machine.power.exit(ExitCode::KernelPanic),
        None => {
            let (base, len) = super::TEST_DEVICE_GUESS;
            let guess = crate::platform::region::Region::new(base, len).map(super::registers);
            Power::new(guess).exit(ExitCode::KernelPanic)
        }
    }
}

fn write_report(
    out: &mut dyn Write,
    hart: Option<&Hart>,
    message: Arguments<'_>,
    trap: Option<&KernelTrap>,
) -> core::fmt::Result {
    writeln!(out, "\n{}", KernelPanic(message))?;
    match hart {
        None => writeln!(out, "  before any hart was set up")?,
        Some(hart) => match hart.current() {
            Some(task) => writeln!(out, "  hart {}, task {:?}", hart.index(), task.id())?,
            None => writeln!(out, "  hart {}, between tasks", hart.index())?,
        },
    }
    if let Some(trap) = trap {
        for (n, value) in trap.registers.iter().enumerate() {
            let end = if n % 4 == 3 { "\n" } else { "" };
            write!(out, "  {}={value:016x}{end}", REGISTERS[n % REGISTERS.len()])?;
        }
    }
    let symbols = hart.map(|hart| {
        let image = &hart.machine.image;
        Symbols::new(image.find("boot/neuron.sym").map_or(&[], |file| image.data(file)))
    });
    let sp = trap.map_or_else(arch::stack_pointer, |trap| trap.registers[2] as usize);
    let stack = match hart.map(Hart::index).map(map::hart_stack) {
        Some(stack) if stack.contains(&sp) => stack,
        _ => arch::boot_stack_bounds(),
    };
    let text = map::kernel_text();
    if let Some(trap) = trap {
        write_frame(out, symbols.as_ref(), text.start, trap.registers[0] as usize)?;
    }
    let bounds = Bounds { stack: stack.clone(), text: text.clone() };
    for address in backtrace::scan(bounds, sp, |at| read(at, &[stack.clone(), text.clone()])) {
        write_frame(out, symbols.as_ref(), text.start, address)?;
    }
    Ok(())
}

const REGISTERS: [&str; 32] = [
    "pc ", "ra ", "sp ", "gp ", "tp ", "t0 ", "t1 ", "t2 ", "s0 ", "s1 ", "a0 ", "a1 ", "a2 ", "a3 ", "a4 ",
    "a5 ", "a6 ", "a7 ", "s2 ", "s3 ", "s4 ", "s5 ", "s6 ", "s7 ", "s8 ", "s9 ", "s10", "s11", "t3 ", "t4 ",
    "t5 ", "t6 ",
];

fn write_frame(
    out: &mut dyn Write,
    symbols: Option<&Symbols<'_>>,
    base: usize,
    address: usize,
) -> core::fmt::Result {
    let named = symbols.and_then(|symbols| symbols.resolve(address.wrapping_sub(base) as u64));
    match named {
        Some((name, delta)) => writeln!(out, "  {address:#x} {name}+{delta:#x}"),
        None => writeln!(out, "  {address:#x}"),
    }
}

/// A word of the stack or of the text.
#[expect(unsafe_code, reason = "reads memory that is known to be mapped")]
fn read(at: usize, mapped: &[core::ops::Range<usize>]) -> Option<u64> {
    let readable =
        at.is_multiple_of(8) && mapped.iter().any(|range| at >= range.start && at + 8 <= range.end);
    // SAFETY: inside the stack or the text, both mapped and aligned.
    readable.then(|| unsafe { (at as *const u64).read_volatile() })
}

/// The running hart's record, if the register that should hold it does.
#[expect(unsafe_code, reason = "reads a record at an address that can only be one")]
fn this_hart() -> Option<&'static Hart> {
    let address = arch::this_hart();
    map::hart_at(address as usize)?;
    // SAFETY: the address is the place of a hart's record, and the register holds it only once it is made.
    unsafe { address.as_ref() }
}

/// Firmware's console.
struct Firmware;

impl Write for Firmware {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        for piece in text.split_inclusive('\n') {
            match piece.strip_suffix('\n') {
                Some(line) => {
                    sbi::console_write(line.as_bytes());
                    sbi::console_write(b"\r\n");
                }
                None => sbi::console_write(piece.as_bytes()),
            }
        }
        Ok(())
    }
}
