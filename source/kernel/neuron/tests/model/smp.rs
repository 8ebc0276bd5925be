//! Harts that sleep: an interrupt that comes before the sleep ends it at once, as `wfi` has it.

use std::cell::Cell;

use loom::sync::{Condvar, Mutex};

const HARTS: usize = 4;

loom::lazy_static! {
    static ref INTERRUPTS: [Interrupt; HARTS] = std::array::from_fn(|_| Interrupt::default());
}

loom::thread_local! {
    static INDEX: Cell<usize> = Cell::new(0);
}

struct Interrupt {
    pending: Mutex<bool>,
    changed: Condvar,
}

impl Default for Interrupt {
    fn default() -> Self {
        Self { pending: Mutex::new(false), changed: Condvar::new() }
    }
}

/// The thread is this hart from now on.
pub fn become_hart(index: usize) {
    INDEX.with(|cell| cell.set(index));
}

pub fn this_hart_index() -> usize {
    INDEX.with(Cell::get)
}

pub fn park() {
    let me = &INTERRUPTS[this_hart_index()];
    let mut pending = me.pending.lock().unwrap();
    while !*pending {
        pending = me.changed.wait(pending).unwrap();
    }
    *pending = false;
}

/// What else was announced is looked at later: no scenario announces anything else.
pub fn unpark() {}

pub fn interrupt(index: usize) {
    *INTERRUPTS[index].pending.lock().unwrap() = true;
    INTERRUPTS[index].changed.notify_one();
}

pub fn wake_parked(sleepers: u64) {
    (0..HARTS).filter(|hart| sleepers >> hart & 1 == 1 && *hart != this_hart_index()).for_each(interrupt);
}
