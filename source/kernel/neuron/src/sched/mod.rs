//! A hart: what it owns, and how it decides what runs.
//!
//! Everything in a [`Hart`] is its own: run queue, deadlines, timer, stock of frames. There is no lock in
//! the scheduler. Tasks come from other harts through a mailbox and go to them the same way; the policy is
//! the `sched-policy` library, this is its mechanism.
//!
//! A trap's handler takes the current task out of the hart and says with an [`Outcome`] what becomes of
//! it; [`Hart::settle`] then puts a task in its place, or sleeps until there is one.
//!
//! | module | holds |
//! |---|---|
//! | [`settle`] | outcome → next task, timer |
//! | [`quick`] | the same when there is little to decide |
//! | [`claim`] | in whose name the hart runs, and what tasks may have of it |
//! | [`wait`] | a task stops, until its deadline at the latest |
//! | [`place`] | which hart a task that became ready goes to; giving surplus away |
//! | [`resources`] | frames, objects and handles on behalf of a task |

pub mod claim;
pub mod place;
mod quick;
pub mod resources;
pub mod settle;
mod wait;

use core::cell::Cell;
use core::sync::atomic::{AtomicU64, Ordering};

use nexus_abi::QosClass;
use nexus_abi::info::TraceKind;
use sched_policy::HartQueue;

use crate::arch;
use crate::cap::stripes::Stripes;
use crate::machine::Machine;
use crate::mm::frames::Magazine;
use crate::platform::plic::Context;
use crate::smp::HartShared;
use crate::task::{Flags, OwnedTask, SpaceId, Task, TaskPtr};
use crate::time::{self, Deadlines, Ticks};

/// One hart. The first fields are at fixed offsets: the trap code uses them.
#[repr(C)]
pub struct Hart {
    /// Trap entry's scratch space.
    scratch: [u64; 4],
    /// The running task; its registers are where its address says.
    current: Option<OwnedTask>,
    /// What all harts share.
    pub machine: &'static Machine,
    /// What this hart shows the others.
    pub shared: &'static HartShared,
    /// The machine's, at hand.
    pub(crate) port_locks: &'static Stripes,
    /// The machine's, at hand.
    pub(crate) idle: &'static AtomicU64,
    /// The machine's, at hand.
    pub(crate) online: &'static AtomicU64,
    index: usize,
    bit: u64,
    /// Its bit while no trace is kept, else 0: then no task is fit for a fast path.
    fast_bit: u64,
    /// [`Flags`] with which a task is not called by the fast path here: all but that its deadline is armed here.
    unfit: u32,
    /// The class of the running claim: the running task's, or its caller's.
    class: QosClass,
    /// Events are recorded: a copy of the machine's switch.
    pub(crate) tracing: bool,
    /// This hart knows that nothing is left to be said of the first sleep.
    announced_idle: bool,
    /// Falling asleep and waking are of interest to somebody: the trace, or whoever reads the first of them.
    pub(crate) watched: bool,
    loaded: Cell<SpaceId>,
    queue: HartQueue<TaskPtr>,
    /// The queue may want another task to run, or the present one for longer or shorter.
    stale: bool,
    deadlines: Deadlines,
    /// When the queue decides anew, as of its last decision.
    decide_at: Ticks,
    /// When this hart looks whether others have less to do, if it has tasks to give then.
    even_at: Ticks,
    /// When it looks whether others sleep, if it has; never, as long as none did.
    offer_at: Ticks,
    /// What the timer is set for.
    armed: Ticks,
    /// What it is set to: that, or earlier.
    timer: Ticks,
    magazine: Magazine,
    pub(crate) held_ranks: Cell<u32>,
}

/// Byte offset of `current`, which the trap code knows.
pub const CURRENT_OFFSET: usize = core::mem::offset_of!(Hart, current);

impl core::fmt::Debug for Hart {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Hart").field("index", &self.index).finish_non_exhaustive()
    }
}

/// What becomes of the task whose trap was handled.
#[derive(Debug)]
#[must_use]
pub enum Outcome {
    /// It goes on.
    Resume(OwnedTask),
    /// It is ready, behind the others of its class.
    Yield(OwnedTask),
    /// It waits somewhere; this one takes the hart in its stead.
    HandOver(OwnedTask),
    /// It waits somewhere, or is no more.
    Blocked,
}

impl Hart {
    /// Hart number `index`, with nothing to do.
    pub fn new(machine: &'static Machine, index: usize) -> Option<Self> {
        let tracing = machine.tracing.load(Ordering::Relaxed);
        let shared = machine.harts.get(index)?;
        shared.set_hardware_id(machine.board.harts.get(index)?.hardware_id);
        Some(Self {
            scratch: [0; 4],
            current: None,
            machine,
            shared,
            port_locks: &machine.port_locks,
            idle: &machine.idle,
            online: &machine.online,
            index,
            bit: 1 << index,
            fast_bit: fast_bit(index, tracing),
            unfit: !Flags::anchor(index),
            class: QosClass::Idle,
            tracing,
            announced_idle: false,
            watched: true,
            loaded: Cell::new(SpaceId(0)),
            queue: HartQueue::new(machine.clock.tempo(), index as u16),
            stale: false,
            deadlines: Deadlines::new(),
            decide_at: Ticks::NEVER,
            even_at: Ticks(0),
            offer_at: Ticks::NEVER,
            armed: Ticks::NEVER,
            timer: Ticks::NEVER,
            magazine: Magazine::new(),
            held_ranks: Cell::new(0),
        })
    }

    /// Its number.
    #[inline(always)]
    pub fn index(&self) -> usize {
        self.index
    }

    /// Its bit in masks.
    #[inline(always)]
    pub fn bit(&self) -> u64 {
        self.bit
    }

    /// Takes the running task out, to handle its trap.
    #[inline(always)]
    pub fn take_current(&mut self) -> Option<OwnedTask> {
        self.current.take()
    }

    /// The running task.
    pub fn current(&self) -> Option<&OwnedTask> {
        self.current.as_ref()
    }

    /// The running task, to change.
    pub fn current_mut(&mut self) -> Option<&mut OwnedTask> {
        self.current.as_mut()
    }

    /// Charges what the running task ran since the last time: to it, or to the client in whose name it ran.
    #[inline(always)]
    pub fn charge(&mut self, task: &Task) {
        self.charge_until(task, time::now());
    }

    #[inline(always)]
    fn charge_until(&mut self, task: &Task, now: Ticks) {
        let ran = now.0.wrapping_sub(self.charged_at().0);
        self.charge_nobody(now);
        match self.queue.claim() {
            Some(client) if client != TaskPtr::to(task) => Self::charge_client(client, task, ran, now),
            _ => task.spending.pay(ran),
        }
    }

    /// The same for one that runs in its own name, because it is lent to.
    #[inline(always)]
    pub fn charge_own(&mut self, task: &Task) {
        let now = time::now();
        task.spending.pay(now.0.wrapping_sub(self.charged_at().0));
        self.charge_nobody(now);
    }

    /// Up to when time has been charged.
    #[inline(always)]
    fn charged_at(&self) -> Ticks {
        Ticks(self.shared.counters().charged_at.load(Ordering::Relaxed))
    }

    /// True when no task waits here, and nothing is known of one that runs.
    #[inline(always)]
    pub(crate) fn queue_is_at_rest(&self) -> bool {
        self.queue.is_at_rest()
    }

    /// True when no task waits here.
    #[inline(always)]
    pub(crate) fn is_uncontested(&self) -> bool {
        self.queue.is_uncontested()
    }

    /// Looks at the machine's tracing switch.
    pub(crate) fn note_tracing(&mut self) {
        self.tracing = self.machine.tracing.load(Ordering::Relaxed);
        self.fast_bit = fast_bit(self.index, self.tracing);
        self.note_watched();
    }

    /// Looks whether the first sleep has been announced.
    pub(crate) fn note_announced(&mut self) {
        self.announced_idle = self.machine.first_sleep.is_over();
        self.note_watched();
    }

    fn note_watched(&mut self) {
        self.watched = self.tracing || !self.announced_idle;
    }

    /// The time up to `now` is nobody's.
    #[inline(always)]
    pub(crate) fn charge_nobody(&mut self, now: Ticks) {
        self.shared.counters().charged_at.store(now.0, Ordering::Relaxed);
    }

    /// Counts a device interrupt.
    pub(crate) fn count_device_irq(&self, line: u32) {
        self.shared.count_device_irq();
        self.trace(TraceKind::Irq, None, u64::from(line));
    }

    /// The controller context that takes device interrupts: the first hart's.
    pub fn irq_context(&self) -> Option<Context> {
        self.machine.board.harts.first().map(|hart| hart.plic_context)
    }

    /// Notes an event in the trace, when tracing is on.
    #[inline(always)]
    pub fn trace(&self, kind: TraceKind, task: Option<&Task>, detail: u64) {
        if self.tracing {
            self.trace_on(kind, task, detail);
        }
    }

    #[cold]
    fn trace_on(&self, kind: TraceKind, task: Option<&Task>, detail: u64) {
        let Some(ring) = self.shared.trace() else { return };
        ring.set_enabled(true);
        ring.record(nexus_abi::info::TraceEvent {
            at_ns: self.machine.clock.nanos(time::now()).0,
            kind: kind as u64,
            task: task.map_or(0, |task| task.id().to_wire()),
            detail,
        });
    }

    /// Keeps the floating-point registers of a task that used them since it was switched to.
    #[inline(always)]
    pub(crate) fn save_fpu(&mut self, task: &OwnedTask) {
        if task.flags() & Flags::FPU != 0 {
            arch::fpu_save(task);
        }
    }
}

const fn fast_bit(index: usize, tracing: bool) -> u64 {
    if tracing { 0 } else { 1 << index }
}
