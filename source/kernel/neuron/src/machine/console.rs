//! The console: lines to the UART and into the log, and a bound on how many an auditor may cause.

use core::fmt::Write;
use core::sync::atomic::{AtomicU64, Ordering};

use nexus_abi::Nanos;
use nexus_abi::info::Output;

use crate::platform::log::LogRing;
use crate::platform::uart::Uart;

/// UART and log, used together under one lock so that lines of different harts do not mix.
pub struct Console {
    uart: Option<Uart>,
    log: LogRing,
}

impl core::fmt::Debug for Console {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Console")
    }
}

impl Console {
    /// A console on `uart`; without one, just the log.
    pub const fn new(uart: Option<Uart>) -> Self {
        Self { uart, log: LogRing::new() }
    }

    /// Writes bytes to the UART, and into the log if they are to be kept. O(len), and the UART is waited for.
    pub fn write(&mut self, text: &[u8], output: Output) {
        if let Some(uart) = &self.uart {
            uart.write(text);
        }
        if output == Output::Kept {
            self.log.write(text);
        }
    }

    /// Writes a line to both.
    pub fn print(&mut self, line: core::fmt::Arguments<'_>) {
        // Writing into the log and a UART cannot fail.
        let _always_ok = writeln!(Writer(self), "{line}");
    }

    /// The log from `position` on.
    pub fn read_from(&self, position: u64, out: &mut [u8]) -> (usize, u64) {
        self.log.read_from(position, out)
    }
}

struct Writer<'a>(&'a mut Console);

impl Write for Writer<'_> {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        self.0.write(text.as_bytes(), Output::Kept);
        Ok(())
    }
}

/// At most [`AuditBudget::PER_SECOND`] audit lines a second, so that no task can flood the log.
#[derive(Debug, Default)]
pub struct AuditBudget {
    /// `second << 8 | lines used in it`.
    used: AtomicU64,
}

impl AuditBudget {
    /// Lines a second.
    pub const PER_SECOND: u64 = 32;

    /// A full budget.
    pub const fn new() -> Self {
        Self { used: AtomicU64::new(0) }
    }

    /// True when a line may be printed at `now`.
    pub fn take(&self, now: Nanos) -> bool {
        let second = now.0 / 1_000_000_000;
        self.used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                let count = if used >> 8 == second { used & 0xff } else { 0 };
                (count < Self::PER_SECOND).then_some(second << 8 | (count + 1))
            })
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_audit_budget_is_per_second() {
        let budget = AuditBudget::new();
        let taken = (0..100).filter(|_| budget.take(Nanos::from_millis(1500))).count();
        assert_eq!(taken as u64, AuditBudget::PER_SECOND);
        assert!(budget.take(Nanos::from_millis(2000)));
    }
}
