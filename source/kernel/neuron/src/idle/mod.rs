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

use core::sync::atomic::Ordering;

use nexus_abi::info::TraceKind;
use nexus_proof::Marker;

use crate::arch;
use crate::sched::Hart;
use crate::time;

impl Hart {
    /// Sleeps until there is a task to run.
    pub(crate) fn sleep(&mut self) {
        let machine = self.machine;
        machine.idle.fetch_or(self.bit(), Ordering::SeqCst);
        self.forget_space();
        self.ask_for_surplus();
        self.shared.publish_load(0);
        if !machine.idle_entered.swap(true, Ordering::Relaxed) {
            machine.print(format_args!("{}", Marker::IdleEnterL1));
        }
        self.trace(TraceKind::IdleEnter, None, 0);
        loop {
            self.poll_interrupts();
            if self.has_ready() {
                break;
            }
            self.set_timer();
            let asleep = time::now();
            self.shared.sleep_begins(asleep.0);
            arch::wait_for_interrupt();
            let awake = time::now();
            self.shared.count_sleep(awake.0 - asleep.0);
        }
        self.trace(TraceKind::IdleLeave, None, 0);
        machine.idle.fetch_and(!self.bit(), Ordering::SeqCst);
        self.charge_nobody();
        if !machine.idle_left.swap(true, Ordering::Relaxed) {
            machine.print(format_args!("{}", Marker::IdleLeaveL1));
        }
    }
}
