//! Birth: a task from a program of the boot image.
//!
//! ```text
//! decode: limits, flags, class, harts, handles, program     nothing has changed yet
//! build:  page table, mappings, data, stack, handle table   failure takes the half-built task apart again
//! commit: given handles move, the id is filled, it is ready cannot fail
//! ```
//!
//! Code and constants are mapped straight from the boot image; only data and stack are memory of the
//! task's own, in one VMO.

use nexus_abi::{
    Error, HANDLES_MAX, Handle, HartMask, PAGE_SIZE, QosClass, Rights, ServiceId, SpawnArgs, TaskId,
    spawn::SpawnFlags,
};

use super::program::Program;
use super::{Account, Identity, NAME_LEN, Own, OwnedTask, Registers, Task, death};
use crate::cap::{HandleTable, Object, Ref};
use crate::ipc::port::Port;
use crate::mm::Frame;
use crate::mm::page_table::{Access, PageTable};
use crate::mm::space::{AddressSpace, MapRequest};
use crate::mm::user_memory;
use crate::mm::vmo::{Backing, Vmo};
use crate::sched::Hart;

/// Largest stack a spawner may ask for.
const STACK_PAGES_MAX: u32 = 128;

/// What whoever looks after a task may do with it.
pub const SUPERVISOR: Rights = Rights::MANAGE.union(Rights::INSPECT).union(Rights::MOVE).union(Rights::COPY);

/// A spawner's wishes, checked.
struct Request {
    args: SpawnArgs,
    class: QosClass,
    affinity: HartMask,
    service: ServiceId,
    name: [u8; NAME_LEN],
    program: Program,
    first_page: u32,
}

/// The `task_spawn` call, behind its checks of the system handle and of the class: the new task's handle and id.
pub fn spawn(
    hart: &mut Hart,
    parent: &mut OwnedTask,
    args: SpawnArgs,
    class: QosClass,
) -> Result<(Handle, TaskId), Error> {
    let request = decode(hart, parent.stamp().service(), args, class)?;
    let supervisor = check_handles(hart, parent, &args)?;
    spawn_checked(hart, parent, request, supervisor)
}

/// The first task: the program `image`, with every right to the system.
pub fn spawn_first(hart: &mut Hart, image: u32) -> Result<TaskId, Error> {
    let mut args = SpawnArgs::new(image);
    args.flags = SpawnFlags::PRECISE_TIME;
    let request = decode(hart, ServiceId::INIT, args, QosClass::Interactive)?;
    let mut task = build(hart, &request, &[])?;
    // By convention slot 0 is for an endpoint to whoever spawned, which the first task does not have.
    let handles = &mut task.own_mut().handles;
    handles.skip();
    if let Err((error, _)) = handles.insert_next(Object::System, Rights::ALL) {
        death::abandon(hart, task);
        return Err(error);
    }
    let id = task.id();
    start(hart, task);
    Ok(id)
}

fn spawn_checked(
    hart: &mut Hart,
    parent: &mut OwnedTask,
    request: Request,
    supervisor: Option<Ref<Port>>,
) -> Result<(Handle, TaskId), Error> {
    let release = |hart: &mut Hart, supervisor: Option<Ref<Port>>| {
        if let Some(port) = supervisor {
            hart.release_port(port, Rights::NONE);
        }
    };
    if let Err(error) = hart.reserve_handles(parent, 1) {
        release(hart, supervisor);
        return Err(error);
    }
    let mut bytes = [0; SpawnArgs::ARGS_MAX];
    let built = request.args_bytes(hart, parent, &mut bytes).and_then(|args| build(hart, &request, args));
    let mut task = match built {
        Ok(task) => task,
        Err(error) => {
            release(hart, supervisor);
            return Err(error);
        }
    };
    // From here on nothing fails: the table of the child has room for what it is given.
    if let Some(port) = supervisor {
        task.set_supervisor(port, request.args.supervisor_bits);
    }
    for handle in request.args.given {
        match handle.present().and_then(|handle| parent.own_mut().handles.remove(handle).ok()) {
            None => task.own_mut().handles.skip(),
            Some((object, rights)) => {
                if let Err((_, object)) = task.own_mut().handles.insert_next(object, rights) {
                    hart.release(object, rights);
                }
            }
        }
    }
    let id = task.id();
    let handle = hart.insert_handle(parent, Object::Task(task.share()), SUPERVISOR);
    start(hart, task);
    handle.map(|handle| (handle, id))
}

/// The task becomes ready, on whichever hart is free.
fn start(hart: &mut Hart, task: OwnedTask) {
    let mask = task.affinity().0 & hart.machine.online();
    let here = if mask & hart.bit() != 0 { hart.index() } else { mask.trailing_zeros() as usize };
    task.set_hart(here);
    hart.machine.tasks.lock().fill(task.id(), task.share());
    hart.make_ready(task);
}

/// True when a task of this service may start others that have more than its own would.
pub fn is_privileged(spawner: ServiceId) -> bool {
    matches!(spawner, ServiceId::INIT | ServiceId::EXECD)
}

fn decode(hart: &Hart, spawner: ServiceId, args: SpawnArgs, class: QosClass) -> Result<Request, Error> {
    let privileged = is_privileged(spawner);
    let known_flags = SpawnFlags::ALL.contains(args.flags);
    let online = args.affinity.0 & hart.machine.online();
    let limits_ok = (1..=HANDLES_MAX as u32).contains(&args.handles)
        && (1..=STACK_PAGES_MAX).contains(&args.stack_pages)
        && args.args_len as usize <= SpawnArgs::ARGS_MAX;
    if !known_flags || online == 0 || !limits_ok {
        return Err(Error::Invalid);
    }
    if !privileged && args.flags != SpawnFlags::NONE {
        return Err(Error::Denied);
    }
    let machine = hart.machine;
    let file = machine.image.get(args.image as usize).ok_or(Error::NotFound)?;
    let path = machine.image.name(args.image as usize).ok_or(Error::NotFound)?;
    let image_name = path.strip_prefix("bin/").ok_or(Error::NotFound)?;
    let program = Program::parse(machine.image.data(file)).ok_or(Error::NotFound)?;
    if !file.offset.is_multiple_of(PAGE_SIZE) {
        return Err(Error::NotFound);
    }
    let mut name = [0; NAME_LEN];
    for (to, from) in name.iter_mut().zip(image_name.bytes()) {
        *to = from;
    }
    Ok(Request {
        args,
        class,
        affinity: args.affinity,
        // An identity comes from the image *and* from who starts it: the right to spawn is not the right to
        // become execd.
        service: if privileged { ServiceId::of_image(image_name) } else { ServiceId::APP },
        name,
        program,
        first_page: (file.offset / PAGE_SIZE) as u32,
    })
}

/// Every given handle may be moved and is given once; the supervisor may be notified: a reference to it.
fn check_handles(hart: &Hart, parent: &OwnedTask, args: &SpawnArgs) -> Result<Option<Ref<Port>>, Error> {
    let table = &parent.own().handles;
    for (n, handle) in args.given.iter().enumerate() {
        let Some(handle) = handle.present() else { continue };
        let (_, rights) = table.get(handle)?;
        if !rights.contains(Rights::MOVE) {
            return Err(Error::Denied);
        }
        if args.given.iter().take(n).any(|other| *other == handle) {
            return Err(Error::Invalid);
        }
    }
    let Some(handle) = args.supervisor.present() else { return Ok(None) };
    match table.get(handle)? {
        (Object::Port(port), rights) if rights.contains(Rights::NOTIFY) => {
            if port.lock(hart.machine).is_dead() { Err(Error::Dead) } else { Ok(Some(port.share())) }
        }
        (Object::Port(_), _) => Err(Error::Denied),
        _ => Err(Error::WrongKind),
    }
}

impl Request {
    fn args_bytes<'a>(
        &self,
        hart: &mut Hart,
        parent: &mut OwnedTask,
        bytes: &'a mut [u8; SpawnArgs::ARGS_MAX],
    ) -> Result<&'a [u8], Error> {
        let len = (self.args.args_len as usize).min(bytes.len());
        let (used, _) = bytes.split_at_mut(len);
        user_memory::read(hart, parent, self.args.args as usize, used)?;
        Ok(used)
    }
}

/// A task with its memory, not in the table of tasks yet.
fn build(hart: &mut Hart, request: &Request, args: &[u8]) -> Result<OwnedTask, Error> {
    let machine = hart.machine;
    let id = {
        let mut table = machine.tasks.lock();
        table.reserve(hart)?
    };
    let mut task = match empty_task(hart, request, id) {
        Ok(task) => task,
        Err(error) => {
            machine.tasks.lock().remove(id);
            return Err(error);
        }
    };
    match furnish(hart, &mut task, request, args) {
        Ok(()) => Ok(task),
        Err(error) => {
            death::abandon(hart, task);
            Err(error)
        }
    }
}

/// A task with an empty space and an empty table.
#[expect(unsafe_code, reason = "places the task in its page")]
fn empty_task(hart: &mut Hart, request: &Request, id: TaskId) -> Result<OwnedTask, Error> {
    let account = Account::new(request.args.pages, request.args.objects);
    let root = hart.take_charged_frame(&account)?;
    for (at, entry) in hart.machine.kernel_root.iter() {
        PageTable::set_entry(root, usize::from(*at), *entry);
    }
    let page = match hart.take_frame() {
        Ok(page) => page,
        Err(error) => {
            hart.give_frame(root);
            return Err(error);
        }
    };
    let identity = Identity {
        id,
        service: request.service,
        class: request.class,
        affinity: request.affinity,
        name: request.name,
        precise_time: request.args.flags.contains(SpawnFlags::PRECISE_TIME),
        tempo: hart.machine.clock.tempo(),
    };
    let own = Own {
        handles: HandleTable::new(request.args.handles),
        space: AddressSpace::new(root),
        supervisor: None,
        dying: None,
    };
    let at = page.as_ptr::<Task>();
    // SAFETY: the page is ours, and a task fits into it.
    unsafe {
        at.write(Task::new(identity, root, Registers::starting(0, 0, 0, 0), account, own));
        core::ptr::NonNull::new(at).map(|at| OwnedTask::adopt(at)).ok_or(Error::NoMemory)
    }
}

/// Gives the task its mappings, its data, its stack with the arguments, and its first handle page.
fn furnish(hart: &mut Hart, task: &mut OwnedTask, request: &Request, args: &[u8]) -> Result<(), Error> {
    // All slots with an agreed place are in the first page, so room for what is given is room for each.
    let given = request.args.given.iter().filter(|handle| handle.present().is_some()).count();
    hart.reserve_handles(task, given.max(1) as u16)?;
    let program = &request.program;
    let data_pages: u32 = program.writable().map(|segment| segment.pages).sum();
    let stack_pages = request.args.stack_pages;
    let own = hart.create_vmo(task, Vmo::paged(data_pages + stack_pages))?;
    let furnished = map_all(hart, task, request, &own, data_pages)
        .and_then(|()| fill_data(hart, task, request, &own))
        .and_then(|()| set_start(hart, task, request, args));
    hart.release_vmo(own);
    furnished
}

fn map_all(
    hart: &mut Hart,
    task: &mut OwnedTask,
    request: &Request,
    own: &Ref<Vmo>,
    data_pages: u32,
) -> Result<(), Error> {
    let mut next_data = 0;
    for segment in request.program.segments() {
        let (vmo, first) = if segment.access == Access::USER_WRITE {
            next_data += segment.pages;
            (own.share(), next_data - segment.pages)
        } else {
            let image = hart.machine.image_vmo.as_ref().ok_or(Error::NotFound)?;
            (image.share(), request.first_page + segment.file_page)
        };
        let at = Some(segment.start);
        map(hart, task, MapRequest { vmo, first, pages: segment.pages, access: segment.access, at })?;
    }
    let pages = request.args.stack_pages;
    // A program so low that its stack has no room below it is not a valid program.
    let bottom = stack_top(request).checked_sub(pages as usize * PAGE_SIZE).ok_or(Error::NotFound)?;
    let at = Some(bottom);
    map(hart, task, MapRequest { vmo: own.share(), first: data_pages, pages, access: Access::USER_WRITE, at })
}

fn map(hart: &mut Hart, task: &mut OwnedTask, request: MapRequest) -> Result<(), Error> {
    let (shared, own) = task.parts();
    own.space.map(shared.as_ptr(), request).map(drop).map_err(|(error, vmo)| {
        hart.release_vmo(vmo);
        // A program whose segments collide with each other or the stack is not a valid program.
        if error == Error::NoSpace { Error::NotFound } else { error }
    })
}

/// Copies the initial contents of writable segments.
fn fill_data(hart: &mut Hart, task: &OwnedTask, request: &Request, own: &Ref<Vmo>) -> Result<(), Error> {
    let machine = hart.machine;
    let file = machine.image.get(request.args.image as usize).ok_or(Error::NotFound)?;
    let bytes = machine.image.data(file);
    let mut first = 0;
    for segment in request.program.writable() {
        for (n, piece) in segment.contents(bytes).chunks(PAGE_SIZE).enumerate() {
            let frame = own_page(hart, task, own, first + n as u32)?;
            frame.write(0, piece);
        }
        first += segment.pages;
    }
    Ok(())
}

fn own_page(hart: &mut Hart, task: &OwnedTask, own: &Ref<Vmo>, at: u32) -> Result<Frame, Error> {
    match &mut own.state.lock().backing {
        Backing::Paged(store) => store.page(at, hart, &task.account),
        _ => Err(Error::Dead),
    }
}

/// Puts the arguments on the stack and points the registers at program, stack and arguments.
fn set_start(hart: &mut Hart, task: &mut OwnedTask, request: &Request, args: &[u8]) -> Result<(), Error> {
    let top = stack_top(request);
    let sp = (top - args.len()) & !15;
    if !args.is_empty() {
        user_memory::write(hart, task, sp, args)?;
    }
    *task.registers_mut() = Registers::starting(request.program.entry, sp, sp as u64, args.len() as u64);
    Ok(())
}

/// The stack ends a guard page below the program.
fn stack_top(request: &Request) -> usize {
    request.program.lowest().saturating_sub(PAGE_SIZE)
}
