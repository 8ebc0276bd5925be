//! Call, receive, reply, and reply-and-receive: the general path.
//!
//! Each first turns its registers into a checked request ([`Parts`], an endpoint, a reply), touching
//! nothing; then it meets the other side or waits. A task that waits keeps its request in its registers.

use nexus_abi::{Error, Handle, Nanos, Rights, TaskId};

use super::message::{Kind, Parts, Undelivered, deliver};
use super::port::{Port, PortKind, Urge};
use super::reply;
use crate::cap::{Object, Ref};
use crate::mm::page_table::Access;
use crate::mm::user_memory;
use crate::sched::claim::Claim;
use crate::sched::{Hart, Outcome};
use crate::task::registers::Reg;
use crate::task::{OwnedTask, Task};

/// Sends a message and waits for its answer.
pub fn call(hart: &mut Hart, mut task: OwnedTask) -> Outcome {
    match decode_call(hart, &mut task) {
        Ok(endpoint) => send_call(hart, task, endpoint),
        Err(error) => fail(task, error),
    }
}

/// Waits for a message or bits.
pub fn receive(hart: &mut Hart, mut task: OwnedTask) -> Outcome {
    let sends = Parts::of(&task).is_none_or(|parts| parts.moved.is_some() || parts.send_len > 0);
    if sends {
        return fail(task, Error::Invalid);
    }
    match decode_receive(hart, &mut task) {
        Ok(endpoint) => {
            hart.claim_for_running(&task);
            hart.end_all_loans(&task);
            wait_for_message(hart, task, endpoint, Claim::Leaves)
        }
        Err(error) => fail(task, error),
    }
}

/// Answers a caller.
pub fn reply(hart: &mut Hart, mut task: OwnedTask) -> Outcome {
    match answer(hart, &mut task) {
        Ok(caller) => {
            task.registers_mut().set_result(Ok((0, 0)));
            if hart.settle_with(&task, &caller) {
                hart.end_loan(&task);
                hart.return_claim(&task, &caller);
            }
            hart.make_ready(caller);
            Outcome::Resume(task)
        }
        Err(error) => fail(task, error),
    }
}

/// Answers a caller and waits for the next message.
pub fn reply_receive(hart: &mut Hart, mut task: OwnedTask) -> Outcome {
    let endpoint = match decode_receive(hart, &mut task) {
        Ok(endpoint) => endpoint,
        Err(error) => return fail(task, error),
    };
    let caller = match answer(hart, &mut task) {
        Ok(caller) => Some(caller),
        Err(Error::Dead) => None,
        Err(error) => {
            hart.release_port(endpoint, Rights::NONE);
            return fail(task, error);
        }
    };
    // Else it works for somebody that it has received by the fast path, and keeps waiting.
    let paid = caller.as_ref().is_some_and(|caller| hart.settle_with(&task, caller) || hart.runs_for(caller));
    if !paid {
        hart.charge(&task);
        hart.claim_for(&task);
    }
    hart.end_all_loans(&task);
    let claim = match &caller {
        Some(caller) if paid || hart.is_uncontested() => hart.offer_claim(&task, caller),
        // What the server has of the hart is not this caller's.
        _ => Claim::Leaves,
    };
    let outcome = wait_for_message(hart, task, endpoint, claim);
    match (outcome, caller) {
        (outcome, None) => outcome,
        // The server waits now: its caller takes the hart.
        (Outcome::Blocked, Some(caller)) if claim == Claim::Stays => hart.hand_over(caller),
        (outcome, Some(caller)) => {
            hart.make_ready(caller);
            outcome
        }
    }
}

/// Ends the call with an error; nothing else has changed.
fn fail(mut task: OwnedTask, error: Error) -> Outcome {
    task.registers_mut().set_result(Err(error));
    Outcome::Resume(task)
}

fn decode_call(hart: &mut Hart, task: &mut OwnedTask) -> Result<Ref<Port>, Error> {
    let parts = Parts::of(task).ok_or(Error::Invalid)?;
    let endpoint = endpoint(task, Rights::CALL)?;
    let checked = check_sent(hart, task, &parts)
        .and_then(|()| user_memory::prepare(hart, task, parts.buffer, parts.room, Access::USER_WRITE));
    match checked {
        Ok(()) => Ok(endpoint),
        Err(error) => {
            hart.release_port(endpoint, Rights::NONE);
            Err(error)
        }
    }
}

fn decode_receive(hart: &mut Hart, task: &mut OwnedTask) -> Result<Ref<Port>, Error> {
    let parts = Parts::of(task).ok_or(Error::Invalid)?;
    let endpoint = endpoint(task, Rights::RECEIVE)?;
    let checked = user_memory::prepare(hart, task, parts.buffer, parts.room, Access::USER_WRITE)
        .and_then(|()| hart.reserve_handles(task, 1));
    match checked {
        Ok(()) => Ok(endpoint),
        Err(error) => {
            hart.release_port(endpoint, Rights::NONE);
            Err(error)
        }
    }
}

/// What is sent must exist and be allowed to go before anybody is looked for.
fn check_sent(hart: &mut Hart, task: &mut OwnedTask, parts: &Parts) -> Result<(), Error> {
    if let Some(handle) = parts.moved {
        let (_, rights) = task.own().handles.get(handle)?;
        if !rights.contains(Rights::MOVE) {
            return Err(Error::Denied);
        }
    }
    user_memory::prepare(hart, task, parts.bytes, parts.send_len, Access::USER_READ)
}

/// The endpoint named in the low half of `t1`.
fn endpoint(task: &OwnedTask, needed: Rights) -> Result<Ref<Port>, Error> {
    let handle = Handle::from_wire(task.registers().get(Reg::T1));
    match task.own().handles.get(handle)? {
        (Object::Port(port), rights) if port.kind() == PortKind::Endpoint => {
            if rights.contains(needed) {
                Ok(port.share())
            } else {
                Err(Error::Denied)
            }
        }
        _ => Err(Error::WrongKind),
    }
}

/// Meets a waiting server, or waits for one.
fn send_call(hart: &mut Hart, mut task: OwnedTask, endpoint: Ref<Port>) -> Outcome {
    let machine = hart.machine;
    let number = reply::next_call(&task);
    hart.claim_for_running(&task);
    let outcome = loop {
        let mut port = endpoint.lock(machine);
        if port.is_dead() {
            drop(port);
            break fail(task, Error::Dead);
        }
        let Some(mut server) = port.pop_receiver() else {
            let deadline = Nanos(task.registers().get(Reg::T5));
            if hart.deadline_passed(deadline) {
                drop(port);
                break fail(task, Error::TimedOut);
            }
            hart.before_waiting(&task, deadline);
            let waiting = task.share();
            port.push_caller(task);
            let (server, urge) = (port.server(), port.note_urge());
            drop(port);
            wait_in_line(hart, waiting, server, urge);
            break Outcome::Blocked;
        };
        drop(port);
        match deliver(hart, &mut task, &mut server, Kind::Call(number)) {
            Ok(()) => {
                let deadline = Nanos(task.registers().get(Reg::T5));
                hart.before_calling(&task, deadline);
                let waiting = task.share();
                reply::await_reply(task, number);
                hart.after_waiting(waiting);
                break hart.hand_over(server);
            }
            Err(Undelivered::Sender(error)) => {
                let mut port = endpoint.lock(machine);
                if port.is_dead() {
                    drop(port);
                    server.registers_mut().set_result(Err(Error::Dead));
                    hart.make_ready(server);
                } else if port.has_work() {
                    // Bits came meanwhile, or another caller: the server must not sleep through them.
                    drop(port);
                    hart.retry(server);
                } else {
                    let waiting = server.share();
                    port.push_receiver_front(server);
                    drop(port);
                    hart.after_waiting(waiting);
                }
                break fail(task, error);
            }
            Err(Undelivered::Receiver(error)) => {
                server.registers_mut().set_result(Err(error));
                hart.make_ready(server);
            }
        }
    };
    hart.release_port(endpoint, Rights::NONE);
    outcome
}

/// A caller waits in an endpoint's queue, where others may have taken it by now: whoever it waits for hears of it. If
/// that is itself, it waits no longer.
fn wait_in_line(hart: &mut Hart, caller: Ref<Task>, server: TaskId, urge: Option<Urge>) {
    hart.pass_on(urge);
    if hart.waits_for(server, caller.id())
        && let Some(mut taken) = hart.interrupt_wait(&caller)
    {
        taken.registers_mut().set_result(Err(Error::Deadlock));
        hart.make_ready(taken);
    }
    hart.after_waiting(caller);
}

/// Takes bits or a caller that is there, or waits for one.
fn wait_for_message(hart: &mut Hart, mut task: OwnedTask, endpoint: Ref<Port>, claim: Claim) -> Outcome {
    let machine = hart.machine;
    let outcome = loop {
        let mut port = endpoint.lock(machine);
        if port.is_dead() {
            drop(port);
            break fail(task, Error::Dead);
        }
        let bits = port.take_bits();
        if bits != 0 {
            drop(port);
            super::notify::put_bits(&mut task, bits);
            break Outcome::Resume(task);
        }
        port.set_server(task.id());
        let Some(mut caller) = port.pop_caller() else {
            let deadline = Nanos(task.registers().get(Reg::T5));
            if hart.deadline_passed(deadline) {
                drop(port);
                break fail(task, Error::TimedOut);
            }
            match claim {
                Claim::Leaves => hart.before_waiting(&task, deadline),
                // What is left until the caller runs is the caller's.
                Claim::Stays => hart.stop(&task, deadline),
            }
            let waiting = task.share();
            port.push_receiver(task);
            drop(port);
            hart.after_waiting(waiting);
            break Outcome::Blocked;
        };
        let urge = port.note_urge();
        drop(port);
        hart.note_own_urge(&task, urge);
        // What it did before is not its caller's.
        hart.charge(&task);
        let number = reply::next_call(&caller);
        match deliver(hart, &mut caller, &mut task, Kind::Call(number)) {
            Ok(()) => {
                let waiting = caller.share();
                reply::await_reply(caller, number);
                hart.after_waiting(waiting);
                break Outcome::Resume(task);
            }
            Err(Undelivered::Sender(error)) => {
                caller.registers_mut().set_result(Err(error));
                hart.make_ready(caller);
            }
            Err(Undelivered::Receiver(error)) => {
                // The caller keeps its place as well as a queue by arrival can give it back.
                let mut port = endpoint.lock(machine);
                if port.is_dead() {
                    drop(port);
                    caller.registers_mut().set_result(Err(Error::Dead));
                    hart.make_ready(caller);
                } else {
                    let waiting = caller.share();
                    port.push_caller(caller);
                    let urge = port.note_urge();
                    drop(port);
                    hart.pass_on(urge);
                    hart.after_waiting(waiting);
                }
                break fail(task, error);
            }
        }
    };
    hart.release_port(endpoint, Rights::NONE);
    outcome
}

/// Answers the caller named in the high half of `t1`: its token, ready to run with the answer. On success
/// and on [`Error::Dead`] the reply handle is gone.
fn answer(hart: &mut Hart, task: &mut OwnedTask) -> Result<OwnedTask, Error> {
    let parts = Parts::of(task).ok_or(Error::Invalid)?;
    let handle = Handle::from_wire(task.registers().get(Reg::T1) >> 32);
    let (call, caller) = match task.own().handles.get(handle)? {
        (Object::Reply { call, caller }, _) => (*call, caller.share()),
        _ => return Err(Error::WrongKind),
    };
    let result = check_sent(hart, task, &parts).and_then(|()| {
        if parts.moved == Some(handle) {
            return Err(Error::Denied);
        }
        let Some(mut caller) = reply::claim(&caller, call) else {
            drop_reply(hart, task, handle);
            return Err(Error::Dead);
        };
        match deliver(hart, task, &mut caller, Kind::Answer) {
            Ok(()) => {
                drop_reply(hart, task, handle);
                Ok(caller)
            }
            Err(Undelivered::Sender(error)) => {
                // It goes on waiting for another answer to the same call.
                let waiting = caller.share();
                reply::await_reply(caller, call);
                hart.after_waiting(waiting);
                Err(error)
            }
            Err(Undelivered::Receiver(error)) => {
                caller.registers_mut().set_result(Err(error));
                drop_reply(hart, task, handle);
                Ok(caller)
            }
        }
    });
    if let Ok(answered) = &result
        && task.loan.client() != answered.id()
    {
        hart.answered_another(task, answered);
    }
    hart.release_task(caller);
    result
}

/// Removes a reply handle that has done its work.
fn drop_reply(hart: &mut Hart, task: &mut OwnedTask, handle: Handle) {
    if let Ok((Object::Reply { caller, .. }, _)) = task.own_mut().handles.remove(handle) {
        hart.release_task(caller);
    }
}
