//! The fast path: eight words from one task to another that waits for them, on this hart, nothing else.
//!
//! The trap code comes here with the words still in registers. Each function either completes the whole
//! exchange and says whose registers to load, or changes nothing and says so; then the general path in
//! [`super::call`] does the same work with everything considered. What must hold:
//!
//! 1. no trace is kept, and nobody asked anything of the tasks (no kill, no deadline, no floating point);
//! 2. the handle names an endpoint, or a reply, with the right;
//! 3. nobody else is at the endpoint's lock, and the other side waits;
//! 4. there is room for the reply handle.
//!
//! A peer that has not run here, or may not, is sent home with its message: [`super::elsewhere`].
//!
//! A server that is called takes over the hart with its caller's class, for the time being: the hart's
//! decision was for whoever makes progress with the caller's work, and that is now the server. So the run
//! queue is not looked at; slice and timer stay as they are, and the caller goes on paying. What the server
//! did of that is noted with the answer.
//!
//! Cost is counted in `make bench`: each instruction here is paid on every message. Nothing is called but in
//! tail position, so that the compiler need not save a register.

#![expect(unsafe_code, reason = "spares second looks at what was just checked")]

use core::hint::black_box;
use core::ptr;
use core::sync::atomic::{Ordering, fence};

use nexus_abi::{Handle, Nanos};

use super::elsewhere::{neuron_call_elsewhere, neuron_reply_elsewhere};
use super::port::{Port, PortGuard};
use super::reply;
use crate::cap::Uses;
use crate::cap::table::ReplySlot;
use crate::sched::Hart;
use crate::smp;
use crate::task::registers::Reg;
use crate::task::{Flags, OwnedTask, Task, TaskPtr};
use crate::time::{self, Ticks};

/// What came of it: the task that runs now, whose registers to load; or [`Switch::REFUSED_BIT`]. With
/// [`Switch::ELSEWHERE`] added, the peer, which has no words yet and is to be sent home with [`super::elsewhere`].
/// The handle with which a call can be answered is in the peer's registers, so that this is one word.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct Switch(pub *const Task);

impl Switch {
    /// Tasks are pages, so these bits of their addresses are free.
    pub const ELSEWHERE: usize = 1;
    /// Nothing was done.
    pub const REFUSED_BIT: usize = 2;
    pub(super) const REFUSED: Self = Self(ptr::without_provenance(Self::REFUSED_BIT));
}

/// A call with words only and no deadline.
#[inline(always)]
pub fn call(hart: &mut Hart, named: u64) -> Switch {
    let task = running(hart);
    if !hart.runs_for(task) || task.flags() != 0 {
        return Switch::REFUSED;
    }
    let Some(endpoint) = task.own().handles.port(Handle::from_wire(named), Uses::CALL) else {
        return Switch::REFUSED;
    };
    let Some(mut port) = kept(endpoint).try_lock(hart.port_locks) else { return Switch::REFUSED };
    let mut flags = 0;
    let is_fit = |server: &OwnedTask| {
        flags = server.flags();
        hart.are_fit(flags) && server.own().handles.has_free_slot()
    };
    let Some(mut server) = port.pop_receiver_if(is_fit) else { return refuse(port) };
    let number = reply::next_call(task);
    // SAFETY: the server was fit only with a free slot, and its table is in our hands since.
    let handle = unsafe { server.own_mut().handles.insert_reply(number, task.share()) };
    server.registers_mut().set(Reg::T1, handle.to_wire());
    if flags != 0 {
        // Its deadline is armed, which stands where it is told the moment; else there is none to tell it from.
        tell_moment(hart, &mut server, time::now());
    }
    if !hart.translations_are_good(&server) {
        return neuron_call_elsewhere(server.into_ptr(), port);
    }
    let switch = Switch(server.as_ptr().as_ptr());
    task.spending.call_fast(&server.spending, time::now());
    // SAFETY: it ran a moment ago.
    let task = unsafe { hart.run_instead(server).unwrap_unchecked() };
    let caller = task.ptr();
    reply::await_reply(task, number);
    let sleepers = port.unlock();
    // A kill that came a moment before its target began to wait is noticed here.
    fence(Ordering::SeqCst);
    if is_killed(caller) || sleepers != 0 {
        return neuron_fast_after_call(switch, hart, caller, sleepers);
    }
    switch
}

/// A server that may see the time as it is, and has a deadline, is told when it was called. So it need not ask.
#[inline(always)]
pub(super) fn tell_moment(hart: &Hart, server: &mut OwnedTask, now: Ticks) {
    let moment = if server.precise_time() { hart.machine.clock.nanos_if_whole(now) } else { Nanos::NEVER };
    server.registers_mut().set(Reg::T5, moment.0);
}

/// An answer with words only, and waiting for the next message; until `deadline`, if that is the one that is armed
/// since the server waited last.
#[inline(always)]
pub fn reply_receive(hart: &mut Hart, named: u64, deadline: u64) -> Switch {
    let task = running(hart);
    if task.flags() & Flags::OTHERS != 0 || task.waits_until().0 != deadline {
        return Switch::REFUSED;
    }
    let handles = &task.own().handles;
    let Some(endpoint) = handles.port(Handle::from_wire(named), Uses::RECEIVE) else {
        return Switch::REFUSED;
    };
    let Some(answer) = handles.reply(Handle::from_wire(named >> 32)) else { return Switch::REFUSED };
    if answer.caller.flags() != 0 {
        return Switch::REFUSED;
    }
    let Some(mut port) = kept(endpoint).try_lock(hart.port_locks) else { return Switch::REFUSED };
    if !port.is_quiet() {
        return refuse(port);
    }
    let slot = answer.slot();
    let stays = hart.translations_are_good(answer.caller) && hart.runs_for(answer.caller);
    if !stays && task.loan.client() != answer.caller.id() && !hart.runs_for(answer.caller) {
        // Somebody else may have something of the caller, or the server of another.
        return refuse(port);
    }
    let Some(caller) = reply::claim(answer.caller, answer.call) else { return refuse(port) };
    if !stays {
        return neuron_reply_elsewhere(hart, caller.into_ptr(), slot, port);
    }
    let switch = Switch(caller.as_ptr().as_ptr());
    caller.spending.settle_fast(&task.spending, time::now());
    // SAFETY: it ran a moment ago.
    let mut task = unsafe { hart.run_instead(caller).unwrap_unchecked() };
    // SAFETY: the slot was found a moment ago in this table, which nobody else reaches.
    unsafe { reply_is_given(&mut task, slot) };
    port.push_only_receiver(task);
    if port.last_receiver_is_killed() {
        return neuron_fast_after_reply(switch, hart, port);
    }
    let sleepers = port.unlock();
    if sleepers != 0 { neuron_fast_wake(switch, sleepers) } else { switch }
}

/// The task whose trap this is.
#[inline(always)]
pub(super) fn running(hart: &Hart) -> &OwnedTask {
    debug_assert!(hart.current().is_some());
    // SAFETY: a task made the call, and nobody has taken it out since.
    unsafe { hart.current().unwrap_unchecked() }
}

/// Takes out the handle of a reply whose caller has just been claimed.
///
/// # Safety
///
/// The slot was found in this task's table, which has not changed since.
#[inline(always)]
pub(super) unsafe fn reply_is_given(server: &mut OwnedTask, slot: ReplySlot) {
    // SAFETY: by contract.
    let caller = unsafe { server.own_mut().handles.remove_reply(slot) };
    let last = caller.release_count();
    debug_assert!(!last, "the caller's token is here: it is referred to");
}

/// The endpoint, without the borrow of the table that names it, which ends before the task moves.
#[inline(always)]
pub(super) fn kept<'a>(endpoint: &Port) -> &'a Port {
    // SAFETY: the running task's handle is not closed while it runs; and once the task waits, only its lock
    // is used, which outlives it.
    unsafe { &*ptr::from_ref(endpoint) }
}

#[inline(always)]
fn is_killed(task: TaskPtr) -> bool {
    // SAFETY: the task is kept by the reply handle to it or by the lock of the port it waits at.
    unsafe { task.shared() }.flags() & Flags::KILL != 0
}

#[inline(always)]
pub(super) fn refuse(port: PortGuard<'_>) -> Switch {
    let sleepers = port.unlock();
    if sleepers != 0 { neuron_fast_wake(Switch::REFUSED, sleepers) } else { Switch::REFUSED }
}

/// Wakes the harts that sleep for a lock.
#[inline(always)]
pub(super) fn wake(sleepers: u64) {
    if sleepers != 0 {
        smp::wake_parked(sleepers);
    }
}

// The rare ends, with names and signatures the compiler must not touch: it then jumps to them.

/// The caller was killed, or harts sleep for the lock.
#[cold]
#[inline(never)]
#[unsafe(no_mangle)]
extern "C" fn neuron_fast_after_call(
    switch: Switch,
    hart: &mut Hart,
    caller: TaskPtr,
    sleepers: u64,
) -> Switch {
    // SAFETY: the server holds the reply, made just now, and runs here next.
    let caller = unsafe { caller.shared() };
    if let Some(caller) = hart.take_if_unwanted(caller) {
        hart.make_ready(caller);
    }
    neuron_fast_wake(switch, sleepers)
}

/// The server was killed.
#[cold]
#[inline(never)]
#[unsafe(no_mangle)]
extern "C" fn neuron_fast_after_reply(switch: Switch, hart: &mut Hart, mut port: PortGuard<'_>) -> Switch {
    let killed = port.take_killed_receiver();
    let sleepers = port.unlock();
    if let Some(killed) = killed {
        hart.make_ready(killed);
    }
    neuron_fast_wake(switch, sleepers)
}

/// Harts sleep for the lock.
#[cold]
#[inline(never)]
#[unsafe(no_mangle)]
extern "C" fn neuron_fast_wake(switch: Switch, sleepers: u64) -> Switch {
    if sleepers != 0 {
        smp::wake_parked(sleepers);
    }
    // Else the compiler sees that this is what came in, and keeps it across the call instead of jumping.
    black_box(switch)
}
