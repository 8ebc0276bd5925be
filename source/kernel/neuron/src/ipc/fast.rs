//! The fast path: eight words from one task to another that waits for them, on this hart, nothing else.
//!
//! The trap code comes here with the words still in registers. Each function either completes the whole
//! exchange and says whose registers to load, or changes nothing and says so; then the general path in
//! [`super::call`] does the same work with everything considered. What must hold is checked in the order in
//! which it most likely fails:
//!
//! 1. nobody asked anything of the tasks (no kill, no deadline, no floating point: all flags clear);
//! 2. the handle names an endpoint, or a reply, with the right;
//! 3. the other side waits, may run here, and is not outranked by a task in the run queue;
//! 4. there is room for the reply handle.
//!
//! Cost is counted in `make bench`: each instruction here is paid on every message.

use core::ptr;

use nexus_abi::{Handle, Rights};

use super::port::{Port, PortKind};
use super::reply;
use crate::cap::Object;
use crate::sched::Hart;
use crate::task::registers::Reg;
use crate::task::{OwnedTask, Task};

/// A call with words only and no deadline: the server that runs now, or null.
#[inline(always)]
pub fn call(hart: &mut Hart, named: u64) -> *const Task {
    let machine = hart.machine;
    let Some(task) = hart.current() else { return ptr::null() };
    let Some(endpoint) = endpoint(task, named, Rights::CALL) else { return ptr::null() };
    if hart.must_go_slow() {
        return ptr::null();
    }
    let mut port = endpoint.lock(machine);
    let Some(server) = port.first_receiver() else { return ptr::null() };
    if !hart.can_take_over(server) {
        return ptr::null();
    }
    let number = reply::next_call(task);
    let Some(mut server) = port.pop_receiver() else { return ptr::null() };
    if !server.own().handles.has_free_slot() {
        port.push_receiver_front(server);
        return ptr::null();
    }
    drop(port);
    let caller = task.share();
    let Ok(handle) = server.own_mut().handles.insert(Object::Reply { call: number, caller }, Rights::MOVE)
    else {
        // `has_free_slot` was true, and nobody else reaches the table.
        unreachable!("a free slot is gone");
    };
    let (sender, stamp) = (task.id(), task.stamp());
    let registers = server.registers_mut();
    registers.set(Reg::T1, handle.to_wire());
    registers.set(Reg::T3, sender.to_wire());
    registers.set(Reg::T4, stamp.0);
    let Some(task) = hart.take_current() else { return ptr::null() };
    let caller = task.ptr();
    reply::await_reply(task, number);
    let chosen = hart.run_instead(server);
    hart.check_killed(caller, number);
    chosen
}

/// An answer with words only, and waiting for the next message without a deadline: the caller that runs
/// now, or null.
#[inline(always)]
pub fn reply_receive(hart: &mut Hart, named: u64) -> *const Task {
    let machine = hart.machine;
    let Some(task) = hart.current() else { return ptr::null() };
    let Some(endpoint) = endpoint(task, named, Rights::RECEIVE) else { return ptr::null() };
    let handle = Handle::from_wire(named >> 32);
    let Ok((Object::Reply { call, caller }, _)) = task.own().handles.get(handle) else {
        return ptr::null();
    };
    if hart.must_go_slow() || !hart.can_take_over(caller) {
        return ptr::null();
    }
    let call = *call;
    let endpoint = ptr::from_ref(endpoint);
    let Some(mut caller) = reply::claim(caller, call) else { return ptr::null() };
    let Some(mut task) = hart.take_current() else { return give_back(hart, caller, call) };
    // SAFETY: the endpoint is kept alive by the server's handle, which is not closed here.
    #[expect(unsafe_code, reason = "the borrow of the handle table ends before the task moves")]
    let endpoint: &Port = unsafe { &*endpoint };
    let mut port = endpoint.lock(machine);
    if port.is_dead() || port.has_work() {
        // Something waits to be received: the general path does both halves.
        drop(port);
        hart.put_current(task);
        return give_back(hart, caller, call);
    }
    // Not before it is certain: until the answer is delivered these say where the caller's buffer is.
    let registers = caller.registers_mut();
    registers.set(Reg::T1, 0);
    registers.set(Reg::T3, 0);
    registers.set(Reg::T4, 0);
    if let Ok((Object::Reply { caller, .. }, _)) = task.own_mut().handles.remove(handle) {
        hart.release_task(caller);
    }
    port.push_receiver(task);
    // A kill that came a moment before its target began to wait is noticed here, while the lock still
    // keeps the task in place.
    let killed = port.take_killed_receiver();
    drop(port);
    let chosen = hart.run_instead(caller);
    if let Some(killed) = killed {
        hart.make_ready(killed);
    }
    chosen
}

/// The caller goes back to waiting for the answer, as if nothing had been tried.
fn give_back(hart: &mut Hart, caller: OwnedTask, call: u32) -> *const Task {
    let waiting = caller.share();
    reply::await_reply(caller, call);
    hart.after_waiting(waiting);
    ptr::null()
}

/// The endpoint in the low half of `named`, if the task may use it so.
#[inline(always)]
fn endpoint(task: &OwnedTask, named: u64, needed: Rights) -> Option<&Port> {
    match task.own().handles.get(Handle::from_wire(named)) {
        Ok((Object::Port(port), rights)) if port.kind() == PortKind::Endpoint && rights.contains(needed) => {
            Some(port)
        }
        _ => None,
    }
}
