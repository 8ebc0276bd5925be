//! The short ways of a server that answers when it likes: `receive`, which waits, and `reply`, after which it goes on.
//!
//! As in [`super::fast`], a short way does the whole of it or nothing, and then the general path in [`super::call`]
//! decides. What must hold besides: nothing is lent to the server, no caller that it keeps waiting is more urgent than
//! the server itself, and the caller that is answered is of a lower class than what runs, so that the server goes on
//! whatever the queue thinks of it. The decision is left to whatever the server does next: mostly it answers others and
//! then waits. If it does neither, the timer reminds the hart.
#![expect(unsafe_code, reason = "the borrow of the handle table ends before the task moves")]

use nexus_abi::{Error, Handle, Nanos, TaskId};

use super::fast::{Switch, kept, refuse, reply_is_given, running, wake};
use super::reply;
use crate::cap::Uses;
use crate::cap::table::ReplySlot;
use crate::sched::{Hart, Outcome};
use crate::task::registers::Reg;
use crate::task::{Flags, OwnedTask, Task, TaskPtr};

/// Waiting for a message with words only. False when nothing was done.
#[inline(always)]
pub fn receive(hart: &mut Hart, named: u64, deadline: u64) -> bool {
    let task = running(hart);
    if task.flags() & Flags::OTHERS != 0
        || Nanos(deadline) == Nanos::NOW
        || task.loan.client() != TaskId::NONE
        || hart.runs_above(task)
    {
        return false;
    }
    let handles = &task.own().handles;
    // The answer is kept, so the next message needs a slot of its own.
    let Some(endpoint) = handles.port(Handle::from_wire(named), Uses::RECEIVE) else { return false };
    if !handles.has_free_slot() {
        return false;
    }
    let Some(mut port) = kept(endpoint).try_lock(hart.port_locks) else { return false };
    if !port.is_quiet() || !port.knows(task.id()) {
        refuse(port);
        return false;
    }
    if !hart.runs_for(task) {
        hart.tie_claim(task);
    }
    let Some(task) = hart.take_current() else { unreachable!("it ran a moment ago") };
    hart.charge(&task);
    if task.waits_until().0 != deadline {
        hart.anchor_anew(&task, Nanos(deadline));
    }
    let next = hart.leave_to_next();
    if next.is_none() {
        hart.drop_claim();
    }
    task.history.waits();
    port.push_only_receiver(task);
    let killed = port.take_killed_receiver();
    wake(port.unlock());
    match (next, killed) {
        (Some(next), None) => hart.run_next(next),
        (next, killed) => wait_on(hart, next, killed),
    }
    true
}

/// The hart decides who is next, or whether the one that is has to make room for a server that was killed.
#[cold]
fn wait_on(hart: &mut Hart, next: Option<OwnedTask>, killed: Option<OwnedTask>) {
    if let Some(killed) = killed {
        hart.make_ready(killed);
    }
    hart.settle(next.map_or(Outcome::Blocked, Outcome::HandOver));
}

/// First half of an answer with words only: the caller, who has no words yet.
#[inline(always)]
pub fn reply(hart: &mut Hart, named: u64) -> Switch {
    let task = running(hart);
    if !may_answer(hart, task) {
        return Switch::REFUSED;
    }
    let Some((caller, slot)) = claim_caller(hart, task, Handle::from_wire(named >> 32)) else {
        return Switch::REFUSED;
    };
    if let Some(task) = hart.current_mut() {
        // SAFETY: the slot was found a moment ago in this table, which nobody else reaches.
        unsafe { reply_is_given(task, slot) };
    }
    Switch(caller.into_ptr().as_ptr())
}

/// True when the task that runs may answer by the short way.
#[inline(always)]
fn may_answer(hart: &Hart, task: &Task) -> bool {
    task.flags() & Flags::OTHERS == 0 && hart.runs_for(task) && task.loan.client() == TaskId::NONE
}

/// The caller that this handle answers, if it goes the short way, and where the handle is.
#[inline(always)]
fn claim_caller(hart: &Hart, task: &OwnedTask, named: Handle) -> Option<(OwnedTask, ReplySlot)> {
    let answer = task.own().handles.reply(named)?;
    let lent_to = answer.caller.loan.server(answer.call.0);
    let is_lent_elsewhere = lent_to != TaskId::NONE && lent_to != task.id();
    if is_lent_elsewhere || answer.caller.flags() != 0 || !hart.goes_on_before(answer.caller) {
        return None;
    }
    let slot = answer.slot();
    Some((reply::claim(answer.caller, answer.call)?, slot))
}

/// Second half: the caller, who has its words, becomes ready, and the server goes on.
#[inline(always)]
pub fn replied(hart: &mut Hart, caller: TaskPtr) {
    // SAFETY: the first half has claimed it.
    wake_answered(hart, unsafe { caller.take() });
    hart.decide_soon();
}

/// The caller has its words.
#[inline(always)]
fn wake_answered(hart: &mut Hart, mut caller: OwnedTask) {
    let registers = caller.registers_mut();
    registers.set(Reg::T0, 0);
    registers.set(Reg::T1, 0);
    registers.set(Reg::T2, 0);
    registers.set(Reg::T3, 0);
    registers.set(Reg::T4, 0);
    if let Err(caller) = hart.stands_in_line(caller) {
        hart.make_others_ready(caller);
    }
}

/// The `reply_all` call: as many of the replies in the message's words as go the short way, in their order.
pub fn reply_all(hart: &mut Hart, task: &mut OwnedTask) -> Result<(u64, u64), Error> {
    let registers = task.registers();
    let (replies, first, second) = (registers.words(), registers.arg(0), registers.arg(1));
    let mut given = 0;
    if !may_answer(hart, task) {
        return Ok((given, 0));
    }
    for named in replies.map(Handle::from_wire) {
        if named == Handle::NONE {
            break;
        }
        let Some((mut caller, slot)) = claim_caller(hart, task, named) else { break };
        // SAFETY: the slot was found a moment ago in this table, which nobody else reaches.
        unsafe { reply_is_given(task, slot) };
        caller.registers_mut().set_words([first, second, 0, 0, 0, 0, 0, 0]);
        wake_answered(hart, caller);
        given += 1;
    }
    hart.decide_soon();
    Ok((given, 0))
}
