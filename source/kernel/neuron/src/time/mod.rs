//! Time: the clock's units, and the deadlines of one hart.
//!
//! Inside the kernel time is counted in ticks of the hardware timer, because every switch reads it; the
//! conversion to nanoseconds happens at the edge, and a deadline is rounded up so that it never comes early.

pub mod heap;

use nexus_abi::Nanos;
use sched_policy::Tempo;
pub use sched_policy::Ticks;

use crate::arch;
use crate::task::{Flags, Task, TaskPtr, owned::TimerNodes};

/// Moments from here on do not come: 146 years after reset. A timer is never set so far ahead, because what lies
/// below it counts in signed nanoseconds: QEMU 7.2 overflows, fires at once, sets its timer again, and so never
/// lets go of its own lock.
const FAR_FUTURE: Nanos = Nanos(1 << 62);

/// Converts between ticks and nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    hz: u64,
    /// Nanoseconds of a tick, when that is a whole number.
    whole: u64,
}

const NANOS_PER_SECOND: u64 = 1_000_000_000;

impl Clock {
    /// A timer of `hz` ticks per second, not 0.
    pub const fn new(hz: u64) -> Self {
        let hz = if hz == 0 { 1 } else { hz };
        let whole = if NANOS_PER_SECOND.is_multiple_of(hz) { NANOS_PER_SECOND / hz } else { 0 };
        Self { hz, whole }
    }

    /// The same for the scheduling policy, which counts in ticks too.
    pub const fn tempo(&self) -> Tempo {
        Tempo::clamped(self.hz)
    }

    /// The time of a tick, rounded down.
    #[inline]
    pub fn nanos(&self, ticks: Ticks) -> Nanos {
        if self.whole != 0 {
            return Nanos(ticks.0.saturating_mul(self.whole));
        }
        let nanos = u128::from(ticks.0) * u128::from(NANOS_PER_SECOND) / u128::from(self.hz);
        Nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// The first tick at or after a moment; never, when that is too far ahead.
    #[inline]
    pub fn ticks(&self, moment: Nanos) -> Ticks {
        if moment >= FAR_FUTURE {
            return Ticks::NEVER;
        }
        if self.whole != 0 {
            return Ticks(moment.0.div_ceil(self.whole));
        }
        let ticks = (u128::from(moment.0) * u128::from(self.hz)).div_ceil(u128::from(NANOS_PER_SECOND));
        Ticks(u64::try_from(ticks).unwrap_or(u64::MAX))
    }
}

/// The deadlines that a hart holds, earliest first. Every operation is O(log n), owner hart only.
#[derive(Debug)]
pub struct Deadlines {
    heap: heap::Heap<TaskPtr>,
    /// The earliest, so that asking costs nothing.
    first: Ticks,
}

impl Deadlines {
    /// None.
    pub const fn new() -> Self {
        Self { heap: heap::Heap::new(), first: Ticks::NEVER }
    }

    /// The earliest deadline.
    #[inline(always)]
    pub const fn first(&self) -> Ticks {
        self.first
    }

    /// Arms a deadline for a task that is about to wait: it is anchored to this hart from now on.
    #[expect(unsafe_code, reason = "reaches the node in the task")]
    pub fn arm(&mut self, task: &Task, ptr: TaskPtr, at: Ticks) {
        task.set_flag(Flags::ANCHORED);
        // SAFETY: the task is not in any deadline queue, and this hart owns the one it enters.
        let mut nodes = unsafe { TimerNodes::new() };
        self.heap.insert(ptr, at.0, &mut nodes);
        self.note_first(&mut nodes);
    }

    /// Disarms the deadline of a task that holds one here.
    #[expect(unsafe_code, reason = "reaches the node in the task")]
    pub fn disarm(&mut self, task: &Task, ptr: TaskPtr) {
        // SAFETY: an anchored task's node is in the queue of its own hart, which this is.
        let mut nodes = unsafe { TimerNodes::new() };
        self.heap.remove(ptr, &mut nodes);
        task.clear_flag(Flags::ANCHORED);
        self.note_first(&mut nodes);
    }

    /// Takes out a task whose deadline has come by `now`; it stays anchored until it is made ready.
    #[expect(unsafe_code, reason = "reaches the node in the task")]
    pub fn expire(&mut self, now: Ticks) -> Option<TaskPtr> {
        if self.first > now {
            return None;
        }
        // SAFETY: as above.
        let mut nodes = unsafe { TimerNodes::new() };
        let task = self.heap.pop(&mut nodes);
        self.note_first(&mut nodes);
        task
    }

    fn note_first(&mut self, nodes: &mut TimerNodes) {
        self.first = self.heap.first_key(nodes).map_or(Ticks::NEVER, Ticks);
    }
}

impl Default for Deadlines {
    fn default() -> Self {
        Self::new()
    }
}

/// Now.
#[inline(always)]
pub fn now() -> Ticks {
    Ticks(arch::ticks())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_never_comes_early_and_conversion_never_overflows() {
        for hz in [1, 32_768, 10_000_000, 24_000_000, 1_000_000_000, 3_000_000_007] {
            let clock = Clock::new(hz);
            for moment in [0, 1, 99, 100, 101, 1_000_000_007, 1 << 40, FAR_FUTURE.0 - 1] {
                let ticks = clock.ticks(Nanos(moment));
                if ticks == Ticks::NEVER {
                    // Beyond what the counter can count: it never comes.
                    assert!(clock.nanos(ticks).0 <= moment, "{hz} {moment}: never, though it would come");
                    continue;
                }
                assert!(clock.nanos(ticks).0 >= moment, "{hz} {moment}: early");
                if ticks.0 > 0 {
                    assert!(clock.nanos(Ticks(ticks.0 - 1)).0 < moment, "{hz} {moment}: not the first tick");
                }
            }
            for moment in [FAR_FUTURE, Nanos(u64::MAX - 1), Nanos::NEVER] {
                assert_eq!(clock.ticks(moment), Ticks::NEVER);
            }
        }
    }
}
