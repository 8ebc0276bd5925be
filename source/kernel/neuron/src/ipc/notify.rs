//! Bits: set without waiting, waited for, delivered whole.

use core::sync::atomic::Ordering;

use nexus_abi::info::TaskState;
use nexus_abi::ipc::Stamp;
use nexus_abi::{Error, Handle, Nanos, Rights};

use super::port::{Port, PortKind};
use crate::cap::{Object, Ref};
use crate::sched::{Hart, Outcome};
use crate::task::OwnedTask;
use crate::task::registers::Reg;

/// Sets bits at a port, and wakes one task that waits there.
pub fn signal(hart: &mut Hart, target: &Port, bits: u64) -> Result<(), Error> {
    let machine = hart.machine;
    let mut port = target.lock(machine);
    if port.is_dead() {
        return Err(Error::Dead);
    }
    port.add_bits(bits);
    let Some(mut receiver) = port.pop_receiver() else { return Ok(()) };
    let bits = port.take_bits();
    drop(port);
    put_bits(&mut receiver, bits);
    hart.make_ready(receiver);
    Ok(())
}

/// Sets bits at a port and gives the reference up, both before anybody can see the bits: whoever is told of
/// a death finds nothing of the dead left, this reference included.
pub fn signal_last(hart: &mut Hart, target: Ref<Port>, bits: u64) {
    let machine = hart.machine;
    let mut port = target.lock(machine);
    let receiver = if port.is_dead() {
        None
    } else {
        port.add_bits(bits);
        let receiver = port.pop_receiver();
        receiver.map(|receiver| (receiver, port.take_bits()))
    };
    let others = target.release_unless_last();
    drop(port);
    if !others {
        hart.release_port(target, Rights::NONE);
    }
    if let Some((mut receiver, bits)) = receiver {
        put_bits(&mut receiver, bits);
        hart.make_ready(receiver);
    }
}

/// The `notify` call.
pub fn notify(hart: &mut Hart, task: &mut OwnedTask, handle: Handle, bits: u64) -> Result<(), Error> {
    let target = match task.own().handles.get(handle)? {
        (Object::Port(port), rights) if rights.contains(Rights::NOTIFY) => port,
        (Object::Port(_), _) => return Err(Error::Denied),
        _ => return Err(Error::WrongKind),
    };
    if bits == 0 {
        return Err(Error::Invalid);
    }
    signal(hart, target, bits)
}

/// The `wait` call of the current task, of whose registers those are saved that the call preserves.
#[cold]
#[inline(never)]
pub fn wait_generally(hart: &mut Hart, handle: u64, deadline: u64) {
    let Some(mut task) = hart.take_current() else { return };
    let registers = task.registers_mut();
    registers.set_arg(0, handle);
    registers.set_arg(1, deadline);
    let outcome = wait(hart, task);
    hart.settle(outcome);
}

/// The `wait` call: bits at a notification, or just a moment.
pub fn wait(hart: &mut Hart, task: OwnedTask) -> Outcome {
    let handle = Handle::from_wire(task.registers().arg(0));
    let deadline = Nanos(task.registers().arg(1));
    let source = match handle.present() {
        None => None,
        Some(handle) => match waitable(&task, handle) {
            Ok(port) => Some(port),
            Err(error) => return end(task, Err(error)),
        },
    };
    let machine = hart.machine;
    let mut guard = source.as_ref().map(|port| port.lock(machine));
    if let Some(port) = &mut guard {
        if port.is_dead() {
            drop(guard);
            return release_and_end(hart, source, task, Err(Error::Dead));
        }
        let bits = port.take_bits();
        if bits != 0 {
            drop(guard);
            return release_and_end(hart, source, task, Ok((bits, 0)));
        }
    }
    if hart.deadline_passed(deadline) {
        drop(guard);
        return release_and_end(hart, source, task, Err(Error::TimedOut));
    }
    hart.before_waiting(&task, deadline);
    let waiting = task.share();
    match &mut guard {
        Some(port) => port.push_receiver(task),
        // A sleep waits for a reply that nobody holds: only its deadline or a kill ends it.
        None => {
            task.state.store(TaskState::Waiting as u8, Ordering::Relaxed);
            let number = super::reply::next_call(&task);
            super::reply::await_reply(task, number);
        }
    }
    drop(guard);
    hart.after_waiting(waiting);
    if let Some(port) = source {
        hart.release_port(port, Rights::NONE);
    }
    Outcome::Blocked
}

/// Writes bits into the registers of a task that waited for them. Clears the registers of a message, so
/// that the result reads the same for `receive` and `wait`.
#[inline(always)]
pub fn put_bits(task: &mut OwnedTask, bits: u64) {
    let registers = task.registers_mut();
    registers.set_result(Ok((bits, 0)));
    registers.set(Reg::T1, 0);
    registers.set(Reg::T2, 0);
    registers.set(Reg::T3, 0);
    registers.set(Reg::T4, Stamp::BITS.0);
}

fn waitable(task: &OwnedTask, handle: Handle) -> Result<Ref<Port>, Error> {
    match task.own().handles.get(handle)? {
        (Object::Port(port), rights) if port.kind() == PortKind::Notification => {
            if rights.contains(Rights::RECEIVE) { Ok(port.share()) } else { Err(Error::Denied) }
        }
        _ => Err(Error::WrongKind),
    }
}

fn end(mut task: OwnedTask, result: Result<(u64, u64), Error>) -> Outcome {
    task.registers_mut().set_result(result);
    Outcome::Resume(task)
}

fn release_and_end(
    hart: &mut Hart,
    source: Option<Ref<Port>>,
    task: OwnedTask,
    result: Result<(u64, u64), Error>,
) -> Outcome {
    if let Some(port) = source {
        hart.release_port(port, Rights::NONE);
    }
    end(task, result)
}
