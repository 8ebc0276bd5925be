//! The trace: what a hart did last, as fixed-size binary events.
//!
//! ```text
//! position   0 ........ recorded - N ........ recorded
//!            └ overwritten ┘└── readable ─────┘
//! ```
//!
//! One [`TraceRing`] per hart. Only its own hart records, with interrupts off, so recording needs no lock:
//! O(1), eight stores. Any hart may read at any time, without disturbing the writer: an event that is
//! being overwritten while it is copied is noticed and left out, never torn. Positions count events since
//! boot and never wrap; a reader that was too slow sees a gap.
//!
//! The off switch is a flag of the ring itself, read before anything else: a hart that does not trace
//! pays one load and one branch.
//!
//! How a reader knows what it has: `begun` moves before an event's words are stored, `done` after. A
//! reader copies below `done`, then looks at `begun`: whatever is older than `begun - N` may have been
//! overwritten meanwhile and is dropped.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};

use nexus_abi::info::TraceEvent;

/// Events a hart keeps: the last millisecond or so of a busy hart.
pub const TRACE_EVENTS: usize = 512;

/// The last `N` events of one hart.
pub struct TraceRing<const N: usize = TRACE_EVENTS> {
    enabled: AtomicBool,
    begun: AtomicU64,
    done: AtomicU64,
    slots: [Slot; N],
}

/// An event, readable while it is written.
struct Slot {
    at_ns: AtomicU64,
    kind: AtomicU64,
    task: AtomicU64,
    detail: AtomicU64,
}

impl<const N: usize> TraceRing<N> {
    const SIZE_IS_A_POWER_OF_TWO: () = assert!(N.is_power_of_two());

    /// Empty and off.
    pub const fn new() -> Self {
        const { Self::SIZE_IS_A_POWER_OF_TWO };
        Self {
            enabled: AtomicBool::new(false),
            begun: AtomicU64::new(0),
            done: AtomicU64::new(0),
            slots: [const { Slot::new() }; N],
        }
    }

    /// Switches recording; takes effect at the hart's next event. Any hart.
    pub fn set_enabled(&self, enabled: bool) {
        self.enabled.store(enabled, Ordering::Relaxed);
    }

    /// Whether events are recorded. Ask before gathering what [`Self::record`] wants.
    #[inline]
    pub fn is_enabled(&self) -> bool {
        self.enabled.load(Ordering::Relaxed)
    }

    /// Events recorded since boot.
    pub fn position(&self) -> u64 {
        self.done.load(Ordering::Acquire)
    }

    /// Records an event when tracing is on, overwriting the oldest. O(1). Owner hart only: two writers
    /// would mix their events.
    #[inline]
    pub fn record(&self, event: TraceEvent) {
        if !self.is_enabled() {
            return;
        }
        let position = self.done.load(Ordering::Relaxed);
        self.begun.store(position + 1, Ordering::Relaxed);
        fence(Ordering::Release);
        if let Some(slot) = self.slot(position) {
            slot.store(event);
        }
        self.done.store(position + 1, Ordering::Release);
    }

    /// Copies events from `position` on: how many, and the position after them. Skips what has been
    /// overwritten; a position in the future reads nothing and answers with the end. O(out). Any hart.
    pub fn read_from(&self, position: u64, out: &mut [TraceEvent]) -> (usize, u64) {
        let done = self.position();
        let start = position.clamp(done.saturating_sub(N as u64), done);
        let end = done.min(start.saturating_add(out.len() as u64));
        for (at, event) in (start..end).zip(out.iter_mut()) {
            *event = self.slot(at).map(Slot::load).unwrap_or_default();
        }
        fence(Ordering::Acquire);
        let intact_from = self.begun.load(Ordering::Relaxed).saturating_sub(N as u64);
        let torn = (intact_from.clamp(start, end) - start) as usize;
        let copied = (end - start) as usize;
        out.copy_within(torn..copied, 0);
        (copied - torn, end)
    }

    fn slot(&self, position: u64) -> Option<&Slot> {
        self.slots.get(position as usize & (N - 1))
    }
}

impl<const N: usize> Default for TraceRing<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl Slot {
    const fn new() -> Self {
        Self {
            at_ns: AtomicU64::new(0),
            kind: AtomicU64::new(0),
            task: AtomicU64::new(0),
            detail: AtomicU64::new(0),
        }
    }

    fn store(&self, event: TraceEvent) {
        self.at_ns.store(event.at_ns, Ordering::Relaxed);
        self.kind.store(event.kind, Ordering::Relaxed);
        self.task.store(event.task, Ordering::Relaxed);
        self.detail.store(event.detail, Ordering::Relaxed);
    }

    fn load(&self) -> TraceEvent {
        TraceEvent {
            at_ns: self.at_ns.load(Ordering::Relaxed),
            kind: self.kind.load(Ordering::Relaxed),
            task: self.task.load(Ordering::Relaxed),
            detail: self.detail.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests;
