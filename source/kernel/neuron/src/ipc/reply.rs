//! Who may answer a call, and who may give up on it: at most one of them, exactly once.
//!
//! A caller whose message was received waits in no queue. Its token is *nowhere*, and the right to take it
//! is decided by one word of the task: `call number << 1 | awaiting`. Whoever changes `awaiting` from 1 to
//! 0 for the right call number owns the task: the holder of the reply, the deadline, or a kill.
#![expect(unsafe_code, reason = "winning the exchange is what makes the token ours")]

use nexus_abi::info::TaskState;

use super::port::Port;
use crate::machine::Machine;
use crate::sync::atomic::Ordering;
use crate::task::{Flags, OwnedTask, Task};

const AWAITING: u64 = 1;

/// The number of a task's next call.
#[inline(always)]
pub fn next_call(task: &Task) -> u32 {
    ((task.call_state.load(Ordering::Relaxed) >> 1) as u32).wrapping_add(1)
}

/// The task awaits the answer to `call` from now on: it may be running elsewhere before this returns.
#[inline(always)]
pub fn await_reply(task: OwnedTask, call: u32) {
    let state = u64::from(call) << 1 | AWAITING;
    let ptr = task.into_ptr();
    // SAFETY: the task was alive a moment ago, and cannot die before this store lets somebody take it.
    unsafe { ptr.shared() }.call_state.store(state, Ordering::Release);
}

/// Takes the caller, if it still awaits the answer to `call`.
#[inline(always)]
pub fn claim(task: &Task, call: u32) -> Option<OwnedTask> {
    let awaiting = u64::from(call) << 1 | AWAITING;
    let done = u64::from(call) << 1;
    task.call_state.compare_exchange(awaiting, done, Ordering::Acquire, Ordering::Relaxed).ok()?;
    // SAFETY: the exchange succeeds once per call, so no other token exists.
    Some(unsafe { OwnedTask::adopt(task.as_ptr()) })
}

/// What a task waits for, for people; `None` when it does not wait.
pub fn waiting(machine: &Machine, task: &Task) -> Option<TaskState> {
    let port = task.waiting_at.load(Ordering::SeqCst);
    if !port.is_null() {
        let still_there = || core::ptr::eq(task.waiting_at.load(Ordering::Relaxed), port);
        // SAFETY: as in `interrupt_wait`.
        if let Some(guard) = unsafe { Port::lock_if(port, machine, still_there) } {
            return Some(if guard.is_receiving(task) { TaskState::Waiting } else { TaskState::Calling });
        }
    }
    if task.call_state.load(Ordering::Relaxed) & AWAITING == 0 {
        return None;
    }
    // A sleep says so: nobody owes it a reply.
    let asleep = task.state.load(Ordering::Relaxed) == TaskState::Waiting as u8;
    Some(if asleep { TaskState::Waiting } else { TaskState::AwaitingReply })
}

/// Takes a task out of whatever it waits for: a port's queue or a reply. `None` when it does not wait, or
/// somebody else is just taking it.
pub fn interrupt_wait(machine: &Machine, task: &Task) -> Option<OwnedTask> {
    loop {
        let port = task.waiting_at.load(Ordering::SeqCst);
        if port.is_null() {
            break;
        }
        // The port may be gone by now, but its stripe is not; and if under the stripe the task still waits
        // there, then so is the port: a waiting task keeps its handle.
        let still_there = || core::ptr::eq(task.waiting_at.load(Ordering::Relaxed), port);
        // SAFETY: `lock_if` dereferences the port only when the closure has said that the task waits there.
        if let Some(mut guard) = unsafe { Port::lock_if(port, machine, still_there) } {
            return guard.remove(task);
        }
    }
    let state = task.call_state.load(Ordering::SeqCst);
    if state & AWAITING == 0 {
        return None;
    }
    claim(task, (state >> 1) as u32)
}

/// For whoever has just put a task where others can take it: the task again, if it was killed or its
/// deadline passed while its token was on the way there. Whoever asked that looked too early, and nobody
/// else will.
pub fn take_if_unwanted(machine: &Machine, task: &Task) -> Option<OwnedTask> {
    if task.flags_after_publishing() & (Flags::KILL | Flags::EXPIRED) == 0 {
        return None;
    }
    interrupt_wait(machine, task)
}
