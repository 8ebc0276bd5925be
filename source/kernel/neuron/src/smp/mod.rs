//! What harts want of each other: mail, a flush, surplus, an end to sleep.
//!
//! Each hart has a [`HartShared`] that all can reach. A request is left there first and an IPI says "look";
//! an IPI alone means nothing, so a spurious one is harmless. Waiting for another hart is done asleep, and
//! a hart that waits inside the kernel ([`park`]) still answers flush requests, so two harts can never wait
//! for each other.
#![expect(unsafe_code, reason = "the running hart is found through a register")]

use core::cell::Cell;
use core::sync::atomic::{AtomicPtr, AtomicU64, Ordering, fence};

use sched_policy::Pressure;

use crate::arch;
use crate::machine::Machine;
use crate::platform::sbi;
use crate::sched::Hart;
use crate::sched::claim::Changed;
use crate::sync::mailbox::{Mailbox, Parcels};
use crate::task::OwnedTask;
use crate::time::Ticks;
use crate::trace::TraceRing;

/// Length of the `ecall` instruction: how far to go back to repeat a call.
pub const ECALL_LEN: u64 = 4;

/// Among the harts that ask for surplus: something has changed. No hart has that number.
const CHANGED: u64 = 1 << 63;

/// The part of a hart that others reach.
#[derive(Debug)]
pub struct HartShared {
    mail: Mailbox<OwnedTask>,
    /// Tasks that may have something else of it than before.
    changed: Mailbox<Changed>,
    /// Harts that wait until this one has flushed its translations.
    flush_for: AtomicU64,
    /// Harts that ask for surplus; and [`CHANGED`].
    steal_for: AtomicU64,
    /// Tasks in its run queue, as of its last decision.
    load: AtomicU64,
    /// [`Pressure`], as of its last decision; nothing while it sleeps.
    pressure: AtomicU64,
    /// When its timer wakes it for deadlines, in ticks.
    wakeup: AtomicU64,
    /// What the firmware calls it.
    hardware_id: AtomicU64,
    trace: AtomicPtr<TraceRing>,
    counters: Counters,
}

/// Written by their own hart, read by anybody.
#[derive(Debug, Default)]
pub struct Counters {
    /// Its first decision, in ticks: neither work nor sleep began before.
    pub began_at: AtomicU64,
    /// Ticks asleep.
    pub idle_ticks: AtomicU64,
    /// When it went to sleep, in ticks; 0 while it is awake.
    pub asleep_since: AtomicU64,
    /// Up to when the time of its tasks was charged, in ticks.
    pub charged_at: AtomicU64,
    /// Times it went to sleep.
    pub idle_entries: AtomicU64,
    /// Timer interrupts.
    pub timer_irqs: AtomicU64,
    /// Interrupts from other harts.
    pub ipis: AtomicU64,
    /// Device interrupts.
    pub device_irqs: AtomicU64,
    /// Task switches.
    pub switches: AtomicU64,
    /// Tasks received when asked for surplus.
    pub steals: AtomicU64,
}

#[inline(always)]
fn bump(counter: &AtomicU64, by: u64) {
    // One writer: no need for an atomic addition.
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(by), Ordering::Relaxed);
}

impl HartShared {
    /// A hart nobody wants anything of yet.
    pub const fn new() -> Self {
        Self {
            mail: Mailbox::new(),
            changed: Mailbox::new(),
            flush_for: AtomicU64::new(0),
            steal_for: AtomicU64::new(0),
            load: AtomicU64::new(0),
            pressure: AtomicU64::new(0),
            wakeup: AtomicU64::new(Ticks::NEVER.0),
            hardware_id: AtomicU64::new(0),
            trace: AtomicPtr::new(core::ptr::null_mut()),
            counters: Counters {
                began_at: AtomicU64::new(0),
                idle_ticks: AtomicU64::new(0),
                asleep_since: AtomicU64::new(0),
                charged_at: AtomicU64::new(0),
                idle_entries: AtomicU64::new(0),
                timer_irqs: AtomicU64::new(0),
                ipis: AtomicU64::new(0),
                device_irqs: AtomicU64::new(0),
                switches: AtomicU64::new(0),
                steals: AtomicU64::new(0),
            },
        }
    }

    /// Its counters.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Tasks in its run queue.
    pub fn load(&self) -> u64 {
        self.load.load(Ordering::Relaxed)
    }

    /// Its trace.
    pub fn trace(&self) -> Option<&TraceRing> {
        // SAFETY: set once, at boot, to memory that is never freed.
        unsafe { self.trace.load(Ordering::Acquire).as_ref() }
    }

    /// Gives it a trace, at boot.
    pub fn set_trace(&self, ring: &'static TraceRing) {
        self.trace.store(core::ptr::from_ref(ring).cast_mut(), Ordering::Release);
    }

    /// Says what the firmware calls it, at boot.
    pub fn set_hardware_id(&self, id: u64) {
        self.hardware_id.store(id, Ordering::Relaxed);
    }

    /// Sends it an IPI. It is online.
    #[inline(always)]
    pub fn interrupt(&self) {
        // Firmware refuses only harts that do not exist, and these were started by it.
        let _started_by_firmware = sbi::send_ipi(self.hardware_id.load(Ordering::Relaxed));
    }

    /// True when no task has been sent here.
    #[inline(always)]
    pub fn has_no_mail(&self) -> bool {
        self.mail.is_empty()
    }

    /// The tasks that were sent here, oldest first.
    pub fn take_mail(&self) -> Parcels<OwnedTask> {
        self.mail.take_all()
    }

    /// Sends a task here; true when the hart must be told.
    #[inline(always)]
    pub fn push_mail(&self, task: OwnedTask) -> bool {
        self.mail.push(task)
    }

    /// Says that a task of its queue may have something else than before.
    pub(crate) fn push_changed(&self, task: Changed) {
        self.changed.push(task);
        self.ask_to_look();
    }

    /// The tasks of which that was said.
    pub(crate) fn take_changed(&self) -> Parcels<Changed> {
        self.changed.take_all()
    }

    /// Asks the hart to look at what may have changed: tasks of its queue, the switch of the trace.
    pub(crate) fn ask_to_look(&self) {
        self.steal_for.fetch_or(CHANGED, Ordering::SeqCst);
    }

    /// True when a hart wants a flush, or surplus, or a look at something.
    #[inline(always)]
    fn is_asked(&self) -> bool {
        self.flush_for.load(Ordering::Relaxed) | self.steal_for.load(Ordering::Relaxed) != 0
    }

    /// Harts that asked for surplus since the last time.
    pub fn take_steal_requests(&self) -> u64 {
        self.steal_for.swap(0, Ordering::SeqCst) & !CHANGED
    }

    #[inline(always)]
    pub(crate) fn publish_load(&self, tasks: usize) {
        self.load.store(tasks as u64, Ordering::Relaxed);
    }

    /// What there is to do here, as of its last decision.
    pub fn pressure(&self) -> Pressure {
        Pressure::from_word(self.pressure.load(Ordering::Relaxed))
    }

    #[inline(always)]
    pub(crate) fn publish_pressure(&self, pressure: Pressure) {
        self.pressure.store(pressure.to_word(), Ordering::Relaxed);
    }

    /// When its timer wakes it for deadlines, if it is set for them.
    pub(crate) fn wakeup(&self) -> Ticks {
        Ticks(self.wakeup.load(Ordering::Relaxed))
    }

    pub(crate) fn publish_wakeup(&self, at: Ticks) {
        self.wakeup.store(at.0, Ordering::Relaxed);
    }

    #[inline(always)]
    pub(crate) fn count_switch(&self) {
        bump(&self.counters.switches, 1);
    }

    pub(crate) fn count_timer_irq(&self) {
        bump(&self.counters.timer_irqs, 1);
    }

    pub(crate) fn count_device_irq(&self) {
        bump(&self.counters.device_irqs, 1);
    }

    pub(crate) fn count_steal(&self) {
        self.counters.steals.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn sleep_begins(&self, at: u64) {
        self.counters.asleep_since.store(at, Ordering::Relaxed);
    }

    pub(crate) fn count_sleep(&self, ticks: u64) {
        self.counters.asleep_since.store(0, Ordering::Relaxed);
        bump(&self.counters.idle_ticks, ticks);
        bump(&self.counters.idle_entries, 1);
    }
}

impl Default for HartShared {
    fn default() -> Self {
        Self::new()
    }
}

impl Hart {
    /// An IPI: something was left in this hart's shared part. Mail is looked at in every decision.
    #[inline(always)]
    pub(crate) fn on_ipi(&mut self) {
        let shared = self.shared;
        bump(&shared.counters.ipis, 1);
        arch::clear_software_interrupt();
        // What was left before the interrupt was sent is seen from here on.
        fence(Ordering::SeqCst);
        if shared.is_asked() {
            self.answer_requests();
        }
    }

    #[inline(never)]
    fn answer_requests(&mut self) {
        answer_flush(self);
        self.note_tracing();
        self.answer_steals();
        self.weigh_changed();
    }

    /// Makes every hart forget its translations, and waits until all have. While this runs no hart keeps a
    /// page that it looked up before: see [`crate::mm::user_memory`].
    pub fn flush_everywhere(&mut self) {
        arch::flush_all();
        self.flush_on(self.machine.online() & !self.bit());
    }

    /// Makes the harts of `others` forget their translations and leave the space of whatever task they do
    /// not run any more, and waits until all have.
    pub(crate) fn flush_on(&mut self, others: u64) {
        for index in bits(others) {
            if let Some(other) = self.machine.harts.get(index) {
                other.flush_for.fetch_or(self.bit(), Ordering::SeqCst);
            }
        }
        interrupt(self.machine, others);
        let me = self.bit();
        let asked = |index: usize| {
            self.machine.harts.get(index).is_some_and(|h| h.flush_for.load(Ordering::SeqCst) & me != 0)
        };
        if others != 0 {
            while bits(others).any(asked) {
                park();
            }
            unpark();
        }
    }

    /// Asks the busiest hart for one of its tasks.
    #[inline(never)]
    pub(crate) fn ask_for_surplus(&self) {
        let mut busiest = (0, self.index());
        for (index, hart) in self.machine.harts.iter().enumerate().take(self.machine.board.harts.len()) {
            let load = hart.load();
            if load > busiest.0 && index != self.index() {
                busiest = (load, index);
            }
        }
        let (load, busiest) = busiest;
        if load == 0 {
            return;
        }
        if let Some(victim) = self.machine.harts.get(busiest) {
            victim.steal_for.fetch_or(self.bit(), Ordering::SeqCst);
            interrupt(self.machine, 1 << busiest);
        }
    }
}

/// Forgets translations for whoever asked, and tells them.
fn answer_flush(hart: &Hart) {
    if hart.shared.flush_for.load(Ordering::SeqCst) == 0 {
        return;
    }
    hart.forget_space();
    arch::flush_all();
    let waiting = hart.shared.flush_for.swap(0, Ordering::SeqCst);
    interrupt(hart.machine, waiting);
}

/// Sends an IPI to each hart of `mask`.
pub fn interrupt(machine: &Machine, mask: u64) {
    for index in bits(mask) {
        if let Some(hart) = machine.harts.get(index) {
            hart.interrupt();
        }
    }
}

/// Sleeps inside the kernel until something interrupts, answering flush requests. Call [`unpark`] once the
/// wait is over.
pub fn park() {
    if let Some(hart) = this_hart() {
        answer_flush(hart);
    }
    arch::wait_for_other_hart();
    arch::clear_software_interrupt();
    if let Some(hart) = this_hart() {
        answer_flush(hart);
    }
}

/// Ends a wait: whatever else an IPI announced meanwhile is looked at on the way out of the kernel.
pub fn unpark() {
    arch::raise_software_interrupt();
}

/// Wakes harts that sleep for a lock.
#[cold]
pub fn wake_parked(sleepers: u64) {
    if let Some(hart) = this_hart() {
        interrupt(hart.machine, sleepers & !hart.bit());
    }
}

/// The number of the hart that runs this; 0 before it has a record.
#[inline(always)]
pub fn this_hart_index() -> usize {
    this_hart().map_or(0, Hart::index)
}

/// The ranks of the locks this hart holds, for the order check of debug builds.
pub(crate) fn held_ranks() -> Option<&'static Cell<u32>> {
    this_hart().map(|hart| &hart.held_ranks)
}

#[inline(always)]
fn this_hart() -> Option<&'static Hart> {
    // SAFETY: the register holds null or this hart's record, which lives for ever. Only fields that are
    // constant or cells are used through this reference.
    unsafe { arch::this_hart().as_ref() }
}

fn bits(mut mask: u64) -> impl Iterator<Item = usize> {
    core::iter::from_fn(move || {
        let index = mask.trailing_zeros() as usize;
        mask &= mask.wrapping_sub(1);
        (index < 64).then_some(index)
    })
}
