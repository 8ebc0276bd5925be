//! System calls and traps: from registers to a handler and back.
//!
//! The trap code saves the task and calls [`system_call`] or [`trap`]; both take the current task out of
//! the hart, let a handler say what becomes of it, and settle. A handler decodes first and then commits:
//! what it refuses has changed nothing.
//!
//! | module | calls |
//! |---|---|
//! | [`api`] | handles, objects, memory, tasks |
//! | [`sched`] | class, affinity, shares, hints |
//! | [`info`] | records, log, trace, boot image |
//! | [`crate::ipc`] | messages and bits |

pub mod api;
pub mod info;
mod sched;
mod traps;

pub use traps::trap;

use nexus_abi::{Call, Error, Handle, Nanos};

use crate::ipc::{call, fast_server, irq, notify};
use crate::sched::{Hart, Outcome};
use crate::task::registers::Reg;
use crate::task::{OwnedTask, Task};
use crate::time;

/// Handles the system call of the current task, whose registers are saved.
pub fn system_call(hart: &mut Hart) {
    let Some(task) = hart.take_current() else { return };
    let outcome = dispatch(hart, task);
    hart.settle(outcome);
}

/// The `yield` call of the current task, of whose registers those are saved that the call preserves.
#[inline(always)]
pub fn yield_now(hart: &mut Hart) {
    if let Some(task) = hart.current_mut() {
        task.registers_mut().set_result(Ok((0, 0)));
    }
    if !hart.yield_quickly() {
        return yield_generally(hart);
    }
    if hart.turn_ends_before_timer() {
        hart.arm_for_turn();
    }
}

#[cold]
#[inline(never)]
fn yield_generally(hart: &mut Hart) {
    let Some(task) = hart.take_current() else { return };
    hart.settle(Outcome::Yield(task));
}

/// `task_self`, for the leaf path: no register of the task has been saved.
#[inline(always)]
pub fn task_self(task: &Task) -> u64 {
    task.id().to_wire()
}

/// `clock_now`, for the leaf path.
#[inline(always)]
pub fn clock_now(hart: &Hart, task: &Task) -> u64 {
    let ticks = time::now();
    let now = match hart.machine.clock.nanos_if_whole(ticks) {
        Nanos::NEVER => hart.machine.clock.nanos(ticks),
        now => now,
    };
    if task.precise_time() {
        return now.0;
    }
    let coarse: Nanos = nexus_abi::COARSE_CLOCK;
    now.0 - now.0 % coarse.0
}

#[inline(always)]
fn dispatch(hart: &mut Hart, mut task: OwnedTask) -> Outcome {
    let Some(call) = Call::from_wire(task.registers().get(Reg::T0)) else {
        return simple(hart, task, |_, _| Err(Error::NoSuchCall));
    };
    match call {
        Call::Call => call::call(hart, task),
        Call::Receive => call::receive(hart, task),
        Call::Reply => call::reply(hart, task),
        Call::ReplyReceive => call::reply_receive(hart, task),
        Call::Wait => notify::wait(hart, task),
        Call::Yield => {
            task.registers_mut().set_result(Ok((0, 0)));
            Outcome::Yield(task)
        }
        Call::Notify => simple(hart, task, |hart, task| {
            let (target, bits) = (handle(task, 0), task.registers().arg(1));
            notify::notify(hart, task, target, bits).map(|()| (0, 0))
        }),
        Call::IrqAck => {
            simple(hart, task, |hart, task| irq::acknowledge(hart, task, handle(task, 0)).map(|()| (0, 0)))
        }
        Call::TaskExit => api::exit(task),
        Call::VmoRevoke => api::vmo_revoke(hart, task),
        Call::HandleClose => api::handle_close(hart, task),
        Call::TaskSelf => simple(hart, task, |_, task| Ok((task_self(task), 0))),
        Call::ClockNow => simple(hart, task, |hart, task| Ok((clock_now(hart, task), 0))),
        Call::HandleCopy => simple(hart, task, api::handle_copy),
        Call::EndpointCreate => simple(hart, task, api::endpoint_create),
        Call::NotificationCreate => simple(hart, task, api::notification_create),
        Call::VmoCreate => simple(hart, task, api::vmo_create),
        Call::VmoMap => simple(hart, task, api::vmo_map),
        Call::TaskQos => simple(hart, task, sched::task_qos),
        Call::SchedSet => simple(hart, task, sched::set),
        Call::SchedGet => simple(hart, task, sched::get),
        Call::ReplyAll => simple(hart, task, fast_server::reply_all),
        Call::VmUnmap => simple(hart, task, api::vm_unmap),
        Call::TaskSpawn => simple(hart, task, api::task_spawn),
        Call::TaskKill => simple(hart, task, api::task_kill),
        Call::TaskStatus => simple(hart, task, info::task_status),
        Call::TaskAdopt => simple(hart, task, api::task_adopt),
        Call::IrqBind => simple(hart, task, api::irq_bind),
        Call::DeviceMap => simple(hart, task, api::device_map),
        Call::LogWrite => simple(hart, task, info::log_write),
        Call::LogRead => simple(hart, task, info::log_read),
        Call::Info => simple(hart, task, info::info),
        Call::BootFile => simple(hart, task, info::boot_file),
        Call::TraceControl => simple(hart, task, info::trace_control),
        Call::TraceRead => simple(hart, task, info::trace_read),
        Call::MachineExit => simple(hart, task, api::machine_exit),
    }
}

/// What a call that never waits answers with.
type Values = Result<(u64, u64), Error>;

/// A call that never waits: its result goes into the registers and the task goes on.
#[inline(always)]
fn simple(
    hart: &mut Hart,
    mut task: OwnedTask,
    handler: impl FnOnce(&mut Hart, &mut OwnedTask) -> Values,
) -> Outcome {
    let result = handler(hart, &mut task);
    task.note_handles();
    task.registers_mut().set_result(result);
    Outcome::Resume(task)
}

/// Argument `n` as a handle.
fn handle(task: &OwnedTask, n: usize) -> Handle {
    Handle::from_wire(task.registers().arg(n))
}
