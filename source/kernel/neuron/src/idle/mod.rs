//! Sleep: what a hart does when no task wants it.
//!
//! ```text
//! L0  a task runs
//! L1  wfi, until the next deadline, device, or other hart
//! ```
//!
//! The timer is set to the next deadline or not at all, so a machine with nothing to do takes no timer
//! interrupt. Interrupts stay masked: `wfi` returns when one is pending, and it is served without a trap.
//! Time asleep is accounted per hart; the first transition of a boot is printed as a marker.

use core::sync::atomic::{AtomicBool, Ordering};

use nexus_abi::info::TraceKind;
use nexus_proof::Marker;

use crate::arch;
use crate::machine::Machine;
use crate::sched::Hart;
use crate::time;

impl Hart {
    /// Sleeps until there is something to do; true when that was a single task, which runs now. The queue is
    /// empty, nobody runs, and no floating-point registers are in use.
    ///
    /// The address space stays as it is: whoever takes it down asks every hart that has had it loaded to let
    /// go, asleep or not.
    #[inline(never)]
    pub(crate) fn sleep(&mut self) -> bool {
        let idle = self.idle.fetch_or(self.bit(), Ordering::SeqCst) | self.bit();
        self.shared.publish_load(0);
        if idle != self.machine.online() || self.tracing || !self.announced_idle {
            self.begin_idle();
        }
        // What came before the bit above was set may not have been announced by an interrupt.
        while !self.has_ready() {
            self.doze();
        }
        self.idle.fetch_and(!self.bit(), Ordering::SeqCst);
        if self.tracing || !self.announced_idle {
            self.end_idle();
        }
        self.run_mail()
    }

    /// Sleeps once.
    #[inline(always)]
    fn doze(&mut self) {
        self.arm_for_deadlines();
        let asleep = time::now();
        self.shared.sleep_begins(asleep.0);
        arch::wait_for_interrupt();
        let awake = time::now();
        self.shared.count_sleep(awake.0 - asleep.0);
        self.charge_nobody(awake);
        self.poll_interrupts();
    }

    /// Falling asleep is worth more than a count: others have work, or somebody wants to know.
    #[cold]
    #[inline(never)]
    fn begin_idle(&mut self) {
        self.ask_for_surplus();
        self.trace(TraceKind::IdleEnter, None, 0);
        announce(self.machine, &self.machine.idle_entered, Marker::IdleEnterL1);
    }

    #[cold]
    #[inline(never)]
    fn end_idle(&mut self) {
        self.trace(TraceKind::IdleLeave, None, 0);
        announce(self.machine, &self.machine.idle_left, Marker::IdleLeaveL1);
        self.announced_idle = true;
    }
}

/// Prints a marker once per boot.
#[cold]
fn announce(machine: &Machine, done: &AtomicBool, marker: Marker) {
    if !done.swap(true, Ordering::Relaxed) {
        machine.print(format_args!("{marker}"));
    }
}
