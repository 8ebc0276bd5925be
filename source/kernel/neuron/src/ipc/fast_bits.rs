//! The short ways through `notify` and `wait`, for what happens most: a task on this hart waits for the bits,
//! and the one that set them then waits in turn.
//!
//! As in [`super::fast`], a short way does the whole of it or nothing, and then the general path in
//! [`super::notify`] decides; and nothing is called but in tail position.
#![expect(unsafe_code, reason = "the borrow of the handle table ends before the task moves")]

use core::hint::black_box;
use core::ptr;

use nexus_abi::{Handle, Nanos};

use super::notify::{put_bits, wait_generally};
use super::port::{PortGuard, PortKind};
use crate::cap::Uses;
use crate::sched::Hart;
use crate::smp;
use crate::time;

/// The `notify` call of a task of which no register has been saved: false when nothing was done. A woken task
/// goes into this hart's queue, and the caller goes on. O(1).
#[inline(always)]
pub fn notify(hart: &mut Hart, handle: u64, bits: u64) -> bool {
    let Some(task) = hart.current() else { return false };
    let Some(target) = task.own().handles.port(Handle::from_wire(handle), Uses::NOTIFY) else {
        return false;
    };
    // SAFETY: the caller goes on running, and keeps its handle.
    let target = unsafe { &*ptr::from_ref(target) };
    let Some(mut port) = target.try_lock(hart.port_locks) else { return false };
    if bits == 0 || port.is_dead() {
        return unlock(hart, port, false);
    }
    if !port.has_receiver() {
        port.add_bits(bits);
        return unlock(hart, port, true);
    }
    let Some(mut receiver) = port.pop_receiver_if(|receiver| hart.keeps(receiver)) else {
        return unlock(hart, port, false);
    };
    let sleepers = port.unlock();
    match target.kind() {
        PortKind::Endpoint => put_bits(&mut receiver, bits),
        PortKind::Notification => receiver.registers_mut().set_result(Ok((bits, 0))),
    }
    hart.queue_quickly(receiver);
    if sleepers != 0 || hart.turn_ends_before_timer() {
        return neuron_bits_end(hart, sleepers, true);
    }
    true
}

/// The `wait` call of a task of which those registers have been saved that the call preserves. If there is
/// something to wait for, and a task that can take the hart at once, that one runs. O(1).
#[inline(always)]
pub fn wait(hart: &mut Hart, handle: u64, deadline: u64) {
    let Some(task) = hart.current().filter(|task| task.flags() == 0 && deadline == Nanos::NEVER.0) else {
        return wait_generally(hart, handle, deadline);
    };
    let Some(source) = task.own().handles.port(Handle::from_wire(handle), Uses::WAIT) else {
        return wait_generally(hart, handle, deadline);
    };
    // SAFETY: the handle keeps the port while its holder runs, and once that waits, only the lock is used.
    let source = unsafe { &*ptr::from_ref(source) };
    let Some(mut port) = source.try_lock(hart.port_locks) else {
        return wait_generally(hart, handle, deadline);
    };
    if !port.is_quiet() {
        return neuron_bits_refused(hart, handle, deadline, port.unlock());
    }
    let now = time::now();
    let Some(next) = hart.next_quickly(now) else {
        return neuron_bits_refused(hart, handle, deadline, port.unlock());
    };
    // SAFETY: it ran a moment ago.
    let task = unsafe { hart.give_way_to(next, now).unwrap_unchecked() };
    port.push_only_receiver(task);
    if port.last_receiver_is_killed() {
        return neuron_bits_killed(hart, port);
    }
    let sleepers = port.unlock();
    if sleepers != 0 {
        neuron_bits_end(hart, sleepers, true);
    }
}

#[inline(always)]
fn unlock(hart: &mut Hart, port: PortGuard<'_>, done: bool) -> bool {
    let sleepers = port.unlock();
    if sleepers != 0 { neuron_bits_end(hart, sleepers, done) } else { done }
}

// The rare ends, with names and signatures the compiler must not touch: it then jumps to them.

/// Harts sleep for the lock, or a turn has begun.
#[cold]
#[inline(never)]
#[unsafe(no_mangle)]
extern "C" fn neuron_bits_end(hart: &mut Hart, sleepers: u64, done: bool) -> bool {
    if sleepers != 0 {
        smp::wake_parked(sleepers);
    }
    if done && hart.turn_ends_before_timer() {
        hart.arm_for_turn();
    }
    // Else the compiler sees that this is what came in, and keeps it across the call instead of jumping.
    black_box(done)
}

/// The general path decides.
#[cold]
#[inline(never)]
#[unsafe(no_mangle)]
extern "C" fn neuron_bits_refused(hart: &mut Hart, handle: u64, deadline: u64, sleepers: u64) {
    if sleepers != 0 {
        smp::wake_parked(sleepers);
    }
    wait_generally(hart, handle, deadline);
}

/// The task was killed a moment before it began to wait.
#[cold]
#[inline(never)]
#[unsafe(no_mangle)]
extern "C" fn neuron_bits_killed(hart: &mut Hart, mut port: PortGuard<'_>) {
    let killed = port.take_killed_receiver();
    drop(port);
    if let Some(killed) = killed {
        hart.make_ready(killed);
    }
}
