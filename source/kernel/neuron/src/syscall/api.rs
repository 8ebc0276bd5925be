//! Calls on handles, objects, memory and tasks. Each reads its registers into types, checks, and acts.

use nexus_abi::{Error, ExitCode, ExitReason, HANDLES_MAX, Handle, PAGE_SIZE, Rights, SpawnArgs, TaskId};

use super::{Values, handle, sched};
use crate::cap::{Object, Ref};
use crate::ipc::irq;
use crate::ipc::port::{Port, PortKind};
use crate::mm::Frame;
use crate::mm::PhysAddr;
use crate::mm::space::{self, MapRequest};
use crate::mm::user_memory;
use crate::mm::vmo::{self, Drained, Vmo};
use crate::sched::{Hart, Outcome};
use crate::smp::ECALL_LEN;
use crate::task::registers::Reg;
use crate::task::{OwnedTask, Task, death, spawn};

const ENDPOINT: Rights =
    Rights::COPY.union(Rights::MOVE).union(Rights::CALL).union(Rights::RECEIVE).union(Rights::NOTIFY);
const NOTIFICATION: Rights = Rights::COPY.union(Rights::MOVE).union(Rights::RECEIVE).union(Rights::NOTIFY);
const VMO: Rights =
    Rights::COPY.union(Rights::MOVE).union(Rights::READ).union(Rights::WRITE).union(Rights::MANAGE);
const DEVICE: Rights = Rights::MOVE.union(Rights::READ).union(Rights::WRITE);

/// Checks that a handle names the system with `needed`.
pub(super) fn system(task: &OwnedTask, system: Handle, needed: Rights) -> Result<(), Error> {
    match task.own().handles.get(system)? {
        (Object::System, rights) if rights.contains(needed) => Ok(()),
        (Object::System, _) => Err(Error::Denied),
        _ => Err(Error::WrongKind),
    }
}

pub(super) fn handle_copy(hart: &mut Hart, task: &mut OwnedTask) -> Values {
    let wanted = Rights::from_wire(task.registers().arg(1)).ok_or(Error::Invalid)?;
    let (object, rights) = task.own().handles.get(handle(task, 0))?;
    if matches!(object, Object::Reply { .. } | Object::Irq(_)) {
        return Err(Error::WrongKind);
    }
    if !rights.contains(Rights::COPY) || !rights.contains(wanted) {
        return Err(Error::Denied);
    }
    let copy = match object {
        Object::Port(port) => {
            if wanted.contains(Rights::RECEIVE) {
                port.receiver_opened();
            }
            Object::Port(port.share())
        }
        Object::Vmo(vmo) => Object::Vmo(vmo.share()),
        Object::Task(task) => Object::Task(task.share()),
        Object::System => Object::System,
        Object::Reply { .. } | Object::Irq(_) => return Err(Error::WrongKind),
    };
    inserted(hart.insert_handle(task, copy, wanted))
}

pub(super) fn handle_close(hart: &mut Hart, mut task: OwnedTask) -> Outcome {
    let handle = handle(&task, 0);
    // The last handle of a large VMO frees its pages in steps, like a revocation.
    if let Ok((Object::Vmo(vmo), _)) = task.own().handles.get(handle)
        && vmo.is_sole_reference()
    {
        let vmo = vmo.share();
        let drained = vmo.revoke_step(hart, None);
        hart.release_vmo(vmo);
        if drained == Drained::Partly {
            return again(task);
        }
    }
    let result = task.own_mut().handles.remove(handle).map(|(object, rights)| {
        hart.release(object, rights);
        (0, 0)
    });
    task.registers_mut().set_result(result);
    Outcome::Resume(task)
}

pub(super) fn endpoint_create(hart: &mut Hart, task: &mut OwnedTask) -> Values {
    port_create(hart, task, PortKind::Endpoint, ENDPOINT)
}

pub(super) fn notification_create(hart: &mut Hart, task: &mut OwnedTask) -> Values {
    port_create(hart, task, PortKind::Notification, NOTIFICATION)
}

fn port_create(hart: &mut Hart, task: &mut OwnedTask, kind: PortKind, rights: Rights) -> Values {
    hart.reserve_handles(task, 1)?;
    let port: Ref<Port> = hart.create_port(task, kind)?;
    port.receiver_opened();
    inserted(hart.insert_handle(task, Object::Port(port), rights))
}

pub(super) fn vmo_create(hart: &mut Hart, task: &mut OwnedTask) -> Values {
    let pages = task.registers().arg(0);
    if pages == 0 || pages > u64::from(vmo::PAGES_MAX) {
        return Err(Error::Invalid);
    }
    hart.reserve_handles(task, 1)?;
    let vmo = hart.create_vmo(task, Vmo::paged(pages as u32))?;
    inserted(hart.insert_handle(task, Object::Vmo(vmo), VMO))
}

pub(super) fn vmo_map(hart: &mut Hart, task: &mut OwnedTask) -> Values {
    let registers = task.registers();
    let wanted = Rights::from_wire(registers.arg(3)).ok_or(Error::Invalid)?;
    let access = space::access_of(wanted).ok_or(Error::Invalid)?;
    let first = u32::try_from(registers.arg(1)).map_err(|_| Error::Invalid)?;
    let pages = u32::try_from(registers.arg(2)).map_err(|_| Error::Invalid)?;
    let at = registers.arg(4) as usize;
    let at = (at != 0).then_some(at);
    let vmo = match task.own().handles.get(handle(task, 0))? {
        (Object::Vmo(vmo), rights) if rights.contains(wanted) => vmo.share(),
        (Object::Vmo(_), _) => return Err(Error::Denied),
        _ => return Err(Error::WrongKind),
    };
    let (shared, own) = task.parts();
    let request = MapRequest { vmo, first, pages, access, at };
    match own.space.map(shared.as_ptr(), request) {
        Ok(address) => Ok((address as u64, 0)),
        Err((error, vmo)) => {
            hart.release_vmo(vmo);
            Err(error)
        }
    }
}

pub(super) fn vm_unmap(hart: &mut Hart, task: &mut OwnedTask) -> Values {
    let address = task.registers().arg(0) as usize;
    if !address.is_multiple_of(PAGE_SIZE) {
        return Err(Error::Invalid);
    }
    let (shared, own) = task.parts();
    own.space.unmap(hart, shared, address).map(|()| (0, 0))
}

pub(super) fn vmo_revoke(hart: &mut Hart, mut task: OwnedTask) -> Outcome {
    let vmo = match task.own().handles.get(handle(&task, 0)) {
        Ok((Object::Vmo(vmo), rights)) if rights.contains(Rights::MANAGE) => Ok(vmo.share()),
        Ok((Object::Vmo(_), _)) => Err(Error::Denied),
        Ok(_) => Err(Error::WrongKind),
        Err(error) => Err(error),
    };
    let result = match vmo {
        Err(error) => Err(error),
        Ok(vmo) if vmo.is_revoked() => {
            hart.release_vmo(vmo);
            Err(Error::Dead)
        }
        Ok(vmo) if vmo.is_fixed() => {
            hart.release_vmo(vmo);
            Err(Error::Denied)
        }
        Ok(vmo) => {
            let drained = vmo.revoke_step(hart, None);
            hart.release_vmo(vmo);
            if drained == Drained::Partly {
                return again(task);
            }
            Ok((0, 0))
        }
    };
    task.registers_mut().set_result(result);
    Outcome::Resume(task)
}

/// Long work goes on with the same call, after whatever else this hart has to do.
fn again(mut task: OwnedTask) -> Outcome {
    let registers = task.registers_mut();
    registers.set(Reg::Pc, registers.get(Reg::Pc).wrapping_sub(ECALL_LEN));
    Outcome::Resume(task)
}

pub(super) fn task_spawn(hart: &mut Hart, task: &mut OwnedTask) -> Values {
    system(task, handle(task, 0), Rights::SPAWN)?;
    let address = task.registers().arg(1) as usize;
    let args: SpawnArgs = user_memory::read_value(hart, task, address)?;
    let class = sched::class_of_new(hart, task, args.class)?;
    let (handle, id) = spawn::spawn(hart, task, args, class)?;
    Ok((handle.to_wire(), id.to_wire()))
}

pub(super) fn exit(task: OwnedTask) -> Outcome {
    let code = task.registers().arg(0) as i32;
    death::end(task, ExitReason::Exited(code))
}

pub(super) fn task_kill(hart: &mut Hart, task: &mut OwnedTask) -> Values {
    let target = target(task, handle(task, 0), Rights::MANAGE)?;
    let killed = target.exit_reason().is_none() && death::kill(hart, &target);
    hart.release_task(target);
    if killed { Ok((0, 0)) } else { Err(Error::Dead) }
}

/// A handle to a task by its id, for whoever receives the news of its death. O(1).
pub(super) fn task_adopt(hart: &mut Hart, task: &mut OwnedTask) -> Values {
    let port = match task.own().handles.get(handle(task, 0))? {
        (Object::Port(port), rights) if rights.contains(Rights::RECEIVE) => port.share(),
        (Object::Port(_), _) => return Err(Error::Denied),
        _ => return Err(Error::WrongKind),
    };
    let id = TaskId::from_wire(task.registers().arg(1));
    let adopted = adopt(hart, task, &port, id);
    hart.release_port(port, Rights::NONE);
    adopted
}

fn adopt(hart: &mut Hart, task: &mut OwnedTask, supervisor: &Port, id: TaskId) -> Values {
    let found = hart.machine.tasks.lock().get(id).ok_or(Error::NotFound)?;
    let Some(bits) = found.death_bits_at(supervisor) else {
        hart.release_task(found);
        return Err(Error::Denied);
    };
    let handle = hart.insert_handle(task, Object::Task(found), spawn::SUPERVISOR)?;
    Ok((handle.to_wire(), bits))
}

/// The task a handle names, if the handle carries `needed`.
pub(super) fn target(task: &OwnedTask, handle: Handle, needed: Rights) -> Result<Ref<Task>, Error> {
    match task.own().handles.get(handle)? {
        (Object::Task(target), rights) if rights.contains(needed) => Ok(target.share()),
        (Object::Task(_), _) => Err(Error::Denied),
        _ => Err(Error::WrongKind),
    }
}

pub(super) fn irq_bind(hart: &mut Hart, task: &mut OwnedTask) -> Values {
    system(task, handle(task, 0), Rights::HARDWARE)?;
    let (line, bits) = (task.registers().arg(1), task.registers().arg(3));
    let port = handle(task, 2);
    inserted(irq::bind(hart, task, line, port, bits))
}

pub(super) fn device_map(hart: &mut Hart, task: &mut OwnedTask) -> Values {
    system(task, handle(task, 0), Rights::HARDWARE)?;
    let (address, pages) = (task.registers().arg(1), task.registers().arg(2));
    let page = PAGE_SIZE as u64;
    let pages = u32::try_from(pages).ok().filter(|pages| (1..=1024).contains(pages)).ok_or(Error::Invalid)?;
    if !address.is_multiple_of(page) || !hart.machine.board.is_device(address, u64::from(pages) * page) {
        return Err(Error::Invalid);
    }
    hart.reserve_handles(task, 1)?;
    let registers = Vmo::device(Frame::containing(PhysAddr(address)), pages);
    let vmo = hart.create_vmo(task, registers)?;
    inserted(hart.insert_handle(task, Object::Vmo(vmo), DEVICE))
}

pub(super) fn machine_exit(hart: &mut Hart, task: &mut OwnedTask) -> Values {
    system(task, handle(task, 0), Rights::POWER)?;
    let code = ExitCode::from_wire(task.registers().arg(1)).ok_or(Error::Invalid)?;
    hart.machine.power.exit(code)
}

fn inserted(result: Result<Handle, Error>) -> Values {
    result.map(|handle| (handle.to_wire(), 0))
}

const _: () = assert!(HANDLES_MAX <= u16::MAX as usize);
