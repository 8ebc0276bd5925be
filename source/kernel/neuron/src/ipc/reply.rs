//! Who may answer a call, and who may give up on it: at most one of them, exactly once.
//!
//! A caller whose message was received waits in no queue. Its token is *nowhere*, and the right to take it
//! is decided by one word of the task: odd while it awaits the answer to the call of that number, one less
//! once it has it. Whoever changes the word from the right call's number to one less owns the task: the
//! holder of the reply, the deadline, or a kill.
#![expect(unsafe_code, reason = "winning the exchange is what makes the token ours")]

use nexus_abi::TaskId;
use nexus_abi::info::TaskState;

use super::port::{Port, Urge};
use crate::machine::Machine;
use crate::sync::atomic::Ordering;
use crate::task::{Flags, OwnedTask, Task};

const AWAITING: u64 = 1;

/// Which of a task's calls: an odd number. It is never used again, so a reply that is kept for long answers
/// its own call or none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct CallNumber(pub(crate) u64);

/// The number of a task's next call. The task does not await an answer.
#[inline(always)]
pub fn next_call(task: &Task) -> CallNumber {
    CallNumber(task.call_state.load(Ordering::Relaxed) + 2 + AWAITING)
}

/// The task awaits the answer to `call` from now on: it may be running elsewhere before this returns.
#[inline(always)]
pub fn await_reply(task: OwnedTask, call: CallNumber) {
    let ptr = task.into_ptr();
    // SAFETY: the task was alive a moment ago, and cannot die before this store lets somebody take it.
    unsafe { ptr.shared() }.call_state.store(call.0, Ordering::Release);
}

/// Takes the caller, if it still awaits the answer to `call`.
#[inline(always)]
pub fn claim(task: &Task, call: CallNumber) -> Option<OwnedTask> {
    let done = call.0 - AWAITING;
    task.call_state.compare_exchange(call.0, done, Ordering::Acquire, Ordering::Relaxed).ok()?;
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

/// Whose work a task waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Awaited {
    /// Who serves at the endpoint in whose queue it is.
    Turn(TaskId),
    /// Who has its call.
    Answer(TaskId),
}

impl Awaited {
    /// Who that is.
    pub const fn task(self) -> TaskId {
        match self {
            Self::Turn(task) | Self::Answer(task) => task,
        }
    }
}

/// Whose work a task waits for; nobody's, when it waits for something else.
pub fn waits_for(machine: &Machine, task: &Task) -> Awaited {
    let port = task.waiting_at.load(Ordering::SeqCst);
    if !port.is_null() {
        let still_there = || core::ptr::eq(task.waiting_at.load(Ordering::Relaxed), port);
        // SAFETY: as in `interrupt_wait`.
        if let Some(guard) = unsafe { Port::lock_if(port, machine, still_there) } {
            return Awaited::Turn(if guard.is_receiving(task) { TaskId::NONE } else { guard.server() });
        }
    }
    let state = task.call_state.load(Ordering::Relaxed);
    Awaited::Answer(if state & AWAITING != 0 { task.loan.server(state) } else { TaskId::NONE })
}

/// Who had the call that a task has just given up.
pub fn last_server(task: &Task) -> TaskId {
    task.loan.server(task.call_state.load(Ordering::Relaxed) + AWAITING)
}

/// The call whose answer a task awaits, or awaits soon: the hart it ran on asks.
pub fn this_call(task: &Task) -> CallNumber {
    CallNumber(task.call_state.load(Ordering::Relaxed) | AWAITING)
}

/// A caller whose class has changed goes where it belongs in its endpoint's queue: what changes for the server.
pub fn reorder(machine: &Machine, task: &Task) -> Option<Urge> {
    let port = task.waiting_at.load(Ordering::SeqCst);
    if port.is_null() {
        return None;
    }
    let still_there = || core::ptr::eq(task.waiting_at.load(Ordering::Relaxed), port);
    // SAFETY: as in `interrupt_wait`.
    let mut guard = unsafe { Port::lock_if(port, machine, still_there) }?;
    guard.reorder(task);
    guard.note_urge()
}

/// What a task waited for that was taken out of it, and what is to be told to whom.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Left {
    /// A port's queue.
    Queue(Option<Urge>),
    /// An answer.
    Answer,
}

/// Takes a task out of whatever it waits for: a port's queue or a reply. `None` when it does not wait, or
/// somebody else is just taking it.
#[inline(always)]
pub fn interrupt_wait(machine: &Machine, task: &Task) -> Option<(OwnedTask, Left)> {
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
            let calls = !guard.is_receiving(task);
            let taken = guard.remove(task)?;
            return Some((taken, Left::Queue(if calls { guard.note_urge() } else { None })));
        }
    }
    let state = task.call_state.load(Ordering::SeqCst);
    if state & AWAITING == 0 {
        return None;
    }
    claim(task, CallNumber(state)).map(|taken| (taken, Left::Answer))
}

/// For whoever has just put a task where others can take it: the task again, if it was killed or its
/// deadline passed while its token was on the way there. Whoever asked that looked too early, and nobody
/// else will.
#[inline(always)]
pub fn take_if_unwanted(machine: &Machine, task: &Task) -> Option<(OwnedTask, Left)> {
    if task.flags_after_publishing() & (Flags::KILL | Flags::EXPIRED) == 0 {
        return None;
    }
    interrupt_unwanted(machine, task)
}

#[cold]
#[inline(never)]
fn interrupt_unwanted(machine: &Machine, task: &Task) -> Option<(OwnedTask, Left)> {
    interrupt_wait(machine, task)
}
