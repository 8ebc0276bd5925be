//! Names of timers.
//!
//! An id says which slot of the table it means, which use of the slot, and whom it was given to. So an id of a timer
//! that is gone never means another one, and whether an id is one's own can be answered without looking at what it
//! names: nothing is revealed about timers of others.

use nexus_abi::{TASKS_MAX, TaskId};

use crate::slab::Slot;
use crate::timers::TIMERS_MAX;

/// A timer, as its owner names it.
///
/// ```text
///   63        26 25        12 11     0
///  ┌────────────┬────────────┬────────┐
///  │ generation │   holder   │  slot  │
///  └────────────┴────────────┴────────┘
/// ```
///
/// All slots are used in turn, so generations come round after 2⁵⁰ timers: at a million a second in 35 years.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(transparent)]
pub struct TimerId(u64);

/// Bits of a slot's number.
pub(crate) const SLOT_BITS: u32 = 12;
const HOLDER_BITS: u32 = 14;

const _: () = assert!(TIMERS_MAX <= 1 << SLOT_BITS, "every slot has a number");
const _: () = assert!(TASKS_MAX <= 1 << HOLDER_BITS, "no two living tasks are the same holder");

impl TimerId {
    pub(crate) const fn new(slot: Slot, generation: u64, owner: TaskId) -> Self {
        // What of the generation does not fit is shifted out.
        Self(generation << (SLOT_BITS + HOLDER_BITS) | holder(owner) << SLOT_BITS | slot.index() as u64)
    }

    /// The number of its slot, below [`TIMERS_MAX`]: no two live timers have the same.
    pub const fn slot(self) -> usize {
        (self.0 & ((1 << SLOT_BITS) - 1)) as usize
    }

    /// Whether it was given to `owner`, or made up by it.
    pub(crate) const fn is_held_by(self, owner: TaskId) -> bool {
        self.0 >> SLOT_BITS & ((1 << HOLDER_BITS) - 1) == holder(owner)
    }

    /// The value that travels.
    pub const fn to_wire(self) -> u64 {
        self.0
    }

    /// Reads a value; any is an id, though perhaps of nothing.
    pub const fn from_wire(value: u64) -> Self {
        Self(value)
    }
}

const fn holder(owner: TaskId) -> u64 {
    owner.index() as u64 & ((1 << HOLDER_BITS) - 1)
}
