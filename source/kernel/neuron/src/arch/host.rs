//! The host: a simulated clock, and memory at an offset that keeps frame numbers small.
//!
//! A test drives one or more [`Hart`]s of a [`crate::machine::Machine`] from one thread. Time stands still
//! until the test moves it; timers and IPIs are noted per hart for the test to look at; flushing and
//! switching spaces do nothing, because nobody translates addresses here.

use std::cell::Cell;

use nexus_abi::HARTS_MAX;

use super::{Asid, Pending};
use crate::mm::Frame;
use crate::sched::Hart;
use crate::smp;
use crate::task::{Flags, OwnedTask, SpaceId};

std::thread_local! {
    static NOW: Cell<u64> = const { Cell::new(0) };
    static TIMERS: [Cell<u64>; HARTS_MAX] = const { [const { Cell::new(u64::MAX) }; HARTS_MAX] };
    static SOFTWARE: [Cell<bool>; HARTS_MAX] = const { [const { Cell::new(false) }; HARTS_MAX] };
    static UNITS: [Cell<Unit>; HARTS_MAX] = const { [const { Cell::new(UNIT_OFF) }; HARTS_MAX] };
    static THIS_HART: Cell<*const Hart> = const { Cell::new(core::ptr::null()) };
    /// Pointer minus physical address.
    static MEMORY_OFFSET: Cell<usize> = const { Cell::new(0) };
    static TAG: Cell<Asid> = const { Cell::new(Asid(1)) };
    static OTHER_HARTS: Cell<Option<fn()>> = const { Cell::new(None) };
}

/// A machine is switched on: time begins, and its physical memory is where the test has put it.
///
/// `physical` is the address that the machine knows the byte at `memory` by. `other_harts` lets the harts
/// run that this one waits for while it sleeps; without it sleep ends by the timer or is a test's mistake.
pub fn power_on(memory: *mut u8, physical: u64, other_harts: Option<fn()>) {
    NOW.set(0);
    TIMERS.with(|timers| timers.iter().for_each(|timer| timer.set(u64::MAX)));
    SOFTWARE.with(|pending| pending.iter().for_each(|pending| pending.set(false)));
    UNITS.with(|units| units.iter().for_each(|unit| unit.set(UNIT_OFF)));
    THIS_HART.set(core::ptr::null());
    MEMORY_OFFSET.set(memory.expose_provenance().wrapping_sub(physical as usize));
    TAG.set(Asid(1));
    OTHER_HARTS.set(other_harts);
}

/// Sets the clock.
pub fn set_ticks(now: u64) {
    NOW.set(now);
}

/// What this hart's timer was set to last.
pub fn timer() -> u64 {
    TIMERS.with(|timers| timers[smp::this_hart_index()].get())
}

/// Now.
pub fn ticks() -> u64 {
    NOW.get()
}

/// Notes when the timer should fire.
///
/// # Panics
///
/// When the timer was not set to `was`.
pub fn set_timer(was: u64, at: u64) {
    assert_eq!(timer(), was, "the kernel knows what its timer is set to");
    TIMERS.with(|timers| timers[smp::this_hart_index()].set(at));
}

/// The timer, once the clock has reached it, and what [`raise_software_interrupt`] raised.
pub fn pending_interrupts() -> Pending {
    let software = SOFTWARE.with(|pending| pending[smp::this_hart_index()].get());
    Pending { timer: timer() <= NOW.get(), software, external: false }
}

/// Another hart's interrupt has been seen.
pub fn clear_software_interrupt() {
    SOFTWARE.with(|pending| pending[smp::this_hart_index()].set(false));
}

/// As if another hart had interrupted.
pub fn raise_software_interrupt() {
    SOFTWARE.with(|pending| pending[smp::this_hart_index()].set(true));
}

/// Sleeping lets the other harts run, or the clock jump to the timer. A hart that would sleep for ever is
/// a test's mistake.
///
/// # Panics
///
/// When nothing can ever wake this hart.
pub fn wait_for_interrupt() {
    if pending_interrupts() != Pending::default() || let_others_run() {
        return;
    }
    assert!(timer() != u64::MAX, "asleep for ever: no timer is set and no other hart runs");
    NOW.set(timer().max(NOW.get()));
}

/// The same, for another hart's interrupt only.
///
/// # Panics
///
/// When there is no other hart.
pub fn wait_for_other_hart() {
    assert!(pending_interrupts().software || let_others_run(), "asleep for ever: no other hart runs");
}

/// False when there are none.
fn let_others_run() -> bool {
    let Some(run) = OTHER_HARTS.get() else { return false };
    let me = this_hart();
    run();
    set_this_hart(me);
    true
}

/// A space by its root alone.
pub fn space_id(root: Frame, _slot: u32) -> SpaceId {
    SpaceId(u64::from(root.number()))
}

/// The tag that all spaces have on this board.
pub fn asid_of(_space: SpaceId) -> Asid {
    TAG.get()
}

/// Gives the board's spaces another tag; what a test needs to see is whether it is [`Asid::SHARED`].
pub fn set_tag(tag: Asid) {
    TAG.set(tag);
}

/// Nobody translates addresses here.
pub fn load_space(_space: SpaceId) {}

/// Nobody remembers translations here.
pub fn flush_page(_address: usize, _asid: Asid) {}

/// As above.
pub fn flush_space(_asid: Asid) {}

/// As above.
pub fn flush_all() {}

/// The hart that the test says is running.
pub fn this_hart() -> *const Hart {
    THIS_HART.get()
}

/// Says which hart is running.
pub fn set_this_hart(hart: *const Hart) {
    THIS_HART.set(hart);
}

/// Memory is its own direct map, at an offset that keeps frame numbers small.
pub fn direct_map(physical: u64) -> *mut u8 {
    core::ptr::with_exposed_provenance_mut((physical as usize).wrapping_add(MEMORY_OFFSET.get()))
}

/// The reverse.
pub fn physical(pointer: *const u8) -> u64 {
    pointer.expose_provenance().wrapping_sub(MEMORY_OFFSET.get()) as u64
}

/// Zeroes a page.
///
/// # Safety
///
/// `page` points to 4 KiB that nobody else uses.
#[expect(unsafe_code, reason = "writes through a pointer")]
pub unsafe fn zero_page(page: *mut u8) {
    // SAFETY: by contract.
    unsafe { page.write_bytes(0, nexus_abi::PAGE_SIZE) }
}

/// The floating-point unit of a hart: one register stands for all.
#[derive(Clone, Copy)]
struct Unit {
    on: bool,
    dirty: bool,
    register: u64,
}

const UNIT_OFF: Unit = Unit { on: false, dirty: false, register: 0 };

/// That register, while it is not in a hart.
#[derive(Debug)]
pub struct FpuState(u64);

impl FpuState {
    /// Zero, as a task finds it first.
    pub const fn new() -> Self {
        Self(0)
    }
}

impl Default for FpuState {
    fn default() -> Self {
        Self::new()
    }
}

fn unit<R>(look: impl FnOnce(&Cell<Unit>) -> R) -> R {
    UNITS.with(|units| look(&units[smp::this_hart_index()]))
}

/// True when neither the unit nor the task with these flags is concerned.
pub fn fpu_is_idle(flags: u32) -> bool {
    flags & Flags::FPU == 0 && !unit(Cell::get).on
}

/// As on the device.
pub fn fpu_enable(task: &OwnedTask) -> bool {
    if unit(Cell::get).on {
        return false;
    }
    task.set_flag(Flags::FPU);
    fpu_switch_to(task);
    true
}

/// As on the device.
#[expect(unsafe_code, reason = "reads the task's state")]
pub fn fpu_switch_to(task: &OwnedTask) {
    if task.flags() & Flags::FPU == 0 {
        return unit(|unit| unit.set(UNIT_OFF));
    }
    // SAFETY: the state is the task's own, and its token is here.
    let register = unsafe { (*task.fpu_state()).0 };
    unit(|unit| unit.set(Unit { on: true, dirty: false, register }));
}

/// As on the device.
#[expect(unsafe_code, reason = "writes the task's state")]
pub fn fpu_save(task: &OwnedTask) {
    let now = unit(|unit| unit.replace(UNIT_OFF));
    if now.on && now.dirty {
        // SAFETY: as above.
        unsafe { (*task.fpu_state()).0 = now.register };
    }
}

/// The running task's register; `None` when using it would trap.
pub fn fpu_register() -> Option<u64> {
    let unit = unit(Cell::get);
    unit.on.then_some(unit.register)
}

/// The running task computes.
///
/// # Panics
///
/// When using the unit would trap.
pub fn set_fpu_register(register: u64) {
    assert!(fpu_register().is_some(), "the unit is off");
    unit(|unit| unit.set(Unit { on: true, dirty: true, register }));
}
