//! The second half of the fast path when the peer does not take over this hart: it is at home on another, or
//! the hart's decision was not made for it.
//!
//! The first half, in [`super::fast`], has met the peer and taken it out of whatever it waited for. The trap
//! code then stores the words where the peer finds them, and comes back here: the running task waits, the
//! peer goes home, and the hart looks for something else to do.
#![expect(unsafe_code, reason = "between the two halves tokens are addresses in a register")]

use core::sync::atomic::{Ordering, fence};

use super::fast::{Switch, reply_is_given, wake};
use super::port::PortGuard;
use super::reply;
use crate::cap::table::ReplySlot;
use crate::sched::Hart;
use crate::task::registers::Reg;
use crate::task::{Flags, TaskPtr};

/// First half of a call to a server elsewhere, with the reply made and the server in our hands.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn neuron_call_elsewhere(server: TaskPtr, port: PortGuard<'_>) -> Switch {
    wake(port.unlock());
    Switch(server.as_ptr().wrapping_byte_add(Switch::ELSEWHERE))
}

/// First half of an answer to a caller elsewhere, which is claimed: the server waits again.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn neuron_reply_elsewhere(
    hart: &mut Hart,
    caller: TaskPtr,
    slot: ReplySlot,
    mut port: PortGuard<'_>,
) -> Switch {
    let Some(mut task) = hart.take_current() else { unreachable!("it ran a moment ago") };
    // SAFETY: the slot was found a moment ago in this table, which nobody else reaches.
    unsafe { reply_is_given(&mut task, slot) };
    // SAFETY: it is claimed, and so in our hands.
    hart.settle_with(&task, unsafe { caller.shared() });
    hart.drop_claim();
    port.push_only_receiver(task);
    let killed = if port.last_receiver_is_killed() { port.take_killed_receiver() } else { None };
    wake(port.unlock());
    if let Some(killed) = killed {
        hart.make_ready(killed);
    }
    Switch(caller.as_ptr().wrapping_byte_add(Switch::ELSEWHERE))
}

/// Second half of a call: the server, which has its words, goes home.
#[inline(always)]
pub fn call(hart: &mut Hart, server: TaskPtr) {
    // SAFETY: the first half has taken the token out of the endpoint's queue.
    let mut server = unsafe { server.take() };
    let Some(task) = hart.take_current() else { unreachable!("it ran a moment ago") };
    let registers = server.registers_mut();
    registers.set(Reg::T0, 0);
    registers.set(Reg::T2, 0);
    registers.set(Reg::T3, task.id().to_wire());
    registers.set(Reg::T4, task.stamp().0);
    let number = reply::next_call(&task);
    hart.lend_first(&task, number, &server);
    hart.charge(&task);
    let caller = task.ptr();
    reply::await_reply(task, number);
    // A kill that came a moment before its target began to wait is noticed here.
    fence(Ordering::SeqCst);
    // SAFETY: the server holds the reply, and is in our hands.
    let caller = unsafe { caller.shared() };
    if caller.flags() & (Flags::KILL | Flags::EXPIRED) != 0
        && let Some(killed) = hart.take_if_unwanted(caller)
    {
        hart.make_ready(killed);
    }
    let outcome = hart.hand_over(server);
    hart.settle(outcome);
}

/// Second half of an answer: the caller, which has its words, goes home.
#[inline(always)]
pub fn reply(hart: &mut Hart, caller: TaskPtr) {
    // SAFETY: the first half has claimed it.
    let mut caller = unsafe { caller.take() };
    let registers = caller.registers_mut();
    registers.set(Reg::T0, 0);
    registers.set(Reg::T1, 0);
    registers.set(Reg::T2, 0);
    // In the others is something of its own, which means nothing after an answer.
    let outcome = hart.take_free_hart(caller);
    hart.settle(outcome);
}
