//! Sleep: what a hart does when no task wants it.
//!
//! ```text
//! L0  a task runs
//! L1  wfi, until a deadline can wait no longer, a device, or another hart
//! ```
//!
//! The timer is set for the end of the first deadline's window or not at all, so a machine with nothing to do takes no
//! timer interrupt. Whoever is due already is woken before the hart sleeps: it is awake anyway. Interrupts stay
//! masked: `wfi` returns when one is pending, and it is served without a trap.
//! Time asleep is accounted per hart; the first transition of a boot each way is printed as a marker.

#[cfg(test)]
mod tests;

use core::sync::atomic::{AtomicU8, Ordering};

use nexus_abi::info::TraceKind;
use nexus_proof::Marker;
use sched_policy::Pressure;

use crate::arch;
use crate::sched::Hart;
use crate::time::{self, Ticks};

/// Which of the markers about sleep are printed: each once, after the boot's, and in their order, whichever harts
/// sleep meanwhile.
///
/// ```text
/// BOOTING ─boot is announced─► AWAITED ─a hart sleeps─► ENTERING ─printed─► ENTERED ─a hart wakes─► LEFT
/// ```
#[derive(Debug)]
pub struct FirstSleep(AtomicU8);

impl FirstSleep {
    const BOOTING: u8 = 0;
    const AWAITED: u8 = 1;
    const ENTERING: u8 = 2;
    const ENTERED: u8 = 3;
    const LEFT: u8 = 4;

    /// Harts may sleep, and nothing is said of it yet.
    pub const fn new() -> Self {
        Self(AtomicU8::new(Self::BOOTING))
    }

    /// The boot has been announced: the next sleep is the first.
    pub fn boot_announced(&self) {
        self.0.store(Self::AWAITED, Ordering::Release);
    }

    /// A hart goes to sleep.
    pub fn enter(&self, print: impl FnOnce()) {
        if self.advance(Self::AWAITED, Self::ENTERING) {
            print();
            self.0.store(Self::ENTERED, Ordering::Release);
        }
    }

    /// A hart has woken.
    pub fn leave(&self, print: impl FnOnce()) {
        if self.advance(Self::ENTERED, Self::LEFT) {
            print();
        }
    }

    /// True when all is said.
    pub fn is_over(&self) -> bool {
        self.0.load(Ordering::Relaxed) == Self::LEFT
    }

    /// True for the one hart that takes this step. Looks first: most of the time it was taken long ago.
    fn advance(&self, from: u8, to: u8) -> bool {
        self.0.load(Ordering::Relaxed) == from
            && self.0.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}

impl Default for FirstSleep {
    fn default() -> Self {
        Self::new()
    }
}

impl Hart {
    /// Sleeps until there is something to do; true when that was a single task, which runs now. The queue is
    /// empty, nobody runs, and no floating-point registers are in use.
    ///
    /// The address space stays as it is: whoever takes it down asks every hart that has had it loaded to let
    /// go, asleep or not.
    #[inline(never)]
    pub(crate) fn sleep(&mut self) -> bool {
        let bit = self.bit();
        let idle = self.idle.fetch_or(bit, Ordering::SeqCst) | bit;
        if idle != self.online.load(Ordering::Relaxed) || self.watched {
            self.begin_idle();
        }
        self.shared.publish_pressure(Pressure::default());
        // Even if there is no sleep: who comes by mail runs without a look at the timer.
        self.arm_for_deadlines();
        // What came before the bit above was set may not have been announced by an interrupt.
        let only_mail = loop {
            if !self.queue_is_at_rest() {
                break false;
            }
            if !self.shared.has_no_mail() {
                break true;
            }
            self.doze();
        };
        self.idle.fetch_and(!self.bit(), Ordering::SeqCst);
        if self.watched {
            self.end_idle();
        }
        only_mail && self.run_mail()
    }

    /// Sleeps once, unless somebody is due already. The timer is set for the end of the first window, before and after.
    #[inline(always)]
    fn doze(&mut self) {
        let asleep = time::now();
        if self.somebody_is_due(asleep) {
            self.wake_due(asleep);
            return self.arm_for_deadlines();
        }
        self.shared.sleep_begins(asleep.0);
        arch::wait_for_interrupt();
        let awake = time::now();
        self.shared.count_sleep(awake.0 - asleep.0);
        self.charge_nobody(awake);
        self.poll_interrupts();
    }

    /// Whoever need not be woken yet, but may be: the hart is awake, and would have to wake for them again.
    #[cold]
    #[inline(never)]
    pub(crate) fn wake_due(&mut self, now: Ticks) {
        self.expire_deadlines(now);
    }

    /// Falling asleep is worth more than a count: others have work, or somebody wants to know.
    #[cold]
    #[inline(never)]
    fn begin_idle(&mut self) {
        self.ask_for_surplus();
        self.trace(TraceKind::IdleEnter, None, 0);
        let machine = self.machine;
        machine.first_sleep.enter(|| machine.print(format_args!("{}", Marker::IdleEnterL1)));
    }

    #[cold]
    #[inline(never)]
    fn end_idle(&mut self) {
        self.trace(TraceKind::IdleLeave, None, 0);
        let machine = self.machine;
        machine.first_sleep.leave(|| machine.print(format_args!("{}", Marker::IdleLeaveL1)));
        self.note_announced();
    }
}
