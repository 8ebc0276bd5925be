//! What tasks do in a test: make system calls, send messages, look at their memory.
#![expect(unsafe_code, reason = "reads and writes registers and memory of tasks that stand still")]

use core::ptr::NonNull;

use nexus_abi::info::TaskState;
use nexus_abi::ipc::{Received, Stamp};
use nexus_abi::{Call, Error, Handle, PAGE_SIZE, Rights, SpawnArgs, TaskId};
use sched_policy::{Entities, Settings};

use super::image::{CODE, DATA};
use super::message::{Incoming, Message};
use super::world::World;
use crate::cap::Object;
use crate::mm::page_table::PageTable;
use crate::mm::user_memory;
use crate::smp::ECALL_LEN;
use crate::task::owned::Claims;
use crate::task::registers::{Reg, Registers};
use crate::task::{OwnedTask, Spent, Task, TaskPtr};
use crate::time::Ticks;

/// The system handle of a task that the kernel or [`World::spawn_privileged`] started.
pub const SYSTEM: Handle = Handle::startup(1);
/// Where tasks put the arguments of a spawn: the end of their data.
const SPAWN_ARGS: usize = DATA + 2 * PAGE_SIZE - 512;

/// A task of the test.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Actor(NonNull<Task>);

impl Actor {
    pub fn of(task: NonNull<Task>) -> Self {
        Self(task)
    }

    /// What anybody may see of it.
    pub fn shared<'a>(self) -> &'a Task {
        // SAFETY: the world holds a reference to each of its actors until its end.
        unsafe { self.0.as_ref() }
    }

    pub fn id(self) -> TaskId {
        self.shared().id()
    }

    /// What it has spent, as far as it has been charged.
    pub fn spent(self) -> Spent {
        self.shared().spending.read(TaskState::Ready as u8, Ticks(0), Ticks(0))
    }

    /// What its claim to time is entered with. It is what the task may have, unless it is marked to be looked at, or runs
    /// in another's name.
    pub fn claimed(self) -> Settings {
        // SAFETY: nobody else runs.
        unsafe { Claims::new() }.entity(TaskPtr::to(self.shared())).settings()
    }

    /// Its registers. They come first in the task, where the trap code finds them too.
    pub fn registers<'a>(self) -> &'a mut Registers {
        // SAFETY: nobody else runs, and no reference from here outlives its statement.
        unsafe { self.0.cast().as_mut() }
    }

    /// True while it waits for a message, bits, an answer or a moment.
    pub fn waits(self) -> bool {
        let task = self.shared();
        let relaxed = core::sync::atomic::Ordering::Relaxed;
        !task.waiting_at.load(relaxed).is_null() || task.call_state.load(relaxed) & 1 == 1
    }

    pub fn is_running(self) -> bool {
        self.shared().state.load(core::sync::atomic::Ordering::Relaxed) == TaskState::Running as u8
    }

    pub fn is_dead(self) -> bool {
        self.shared().exit_reason().is_some()
    }

    /// What its last call ended with.
    pub fn result(self) -> Result<(u64, u64), Error> {
        assert!(!self.waits(), "{self:?} still waits");
        let registers = self.registers();
        match registers.get(Reg::T0) {
            0 => Ok((registers.arg(0), registers.arg(1))),
            status => Err(Error::from_wire(status)),
        }
    }

    /// The message its last call ended with.
    pub fn incoming(self) -> Result<Incoming, Error> {
        self.result()?;
        let registers = self.registers();
        let received = Received(registers.get(Reg::T2));
        Ok(Incoming {
            words: registers.words(),
            bits: registers.arg(0),
            reply: Handle::from_wire(registers.get(Reg::T1)),
            len: received.len(),
            moved: received.handle(),
            sender: TaskId::from_wire(registers.get(Reg::T3)),
            stamp: Stamp(registers.get(Reg::T4)),
        })
    }
}

impl core::fmt::Debug for Actor {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:?} (status {:#x})", self.id(), self.registers().get(Reg::T0))
    }
}

impl World {
    /// Makes it this task's turn, out of its turn.
    pub fn run(&mut self, actor: Actor) {
        for _ in 0..512 {
            self.hart_at(actor.shared().hart());
            if self.current() == actor {
                return;
            }
            self.hart().collect_mail();
            self.hart().bring(actor.shared());
        }
        panic!("it is never the turn of {actor:?}");
    }

    /// The task begins a call, and goes on with it as often as the kernel asks for.
    pub fn begin(&mut self, actor: Actor, call: Call, args: &[u64]) {
        self.run(actor);
        let registers = actor.registers();
        for n in 0..8 {
            registers.set_arg(n, args.get(n).copied().unwrap_or(0));
        }
        self.trap(actor, call);
    }

    /// The task makes a call that does not wait.
    pub fn syscall(&mut self, actor: Actor, call: Call, args: &[u64]) -> Result<(u64, u64), Error> {
        self.begin(actor, call, args);
        actor.result()
    }

    /// The task begins a message call.
    pub fn message(&mut self, actor: Actor, call: Call, message: Message) {
        self.run(actor);
        message.put(actor.registers());
        self.trap(actor, call);
    }

    /// As [`Self::message`], for calls that do not wait this time.
    pub fn exchange(&mut self, actor: Actor, call: Call, message: Message) -> Result<Incoming, Error> {
        self.message(actor, call, message);
        actor.incoming()
    }

    fn trap(&mut self, actor: Actor, call: Call) {
        let registers = actor.registers();
        registers.set(Reg::T0, call.to_wire());
        loop {
            actor.registers().set(Reg::Pc, CODE as u64 + ECALL_LEN);
            crate::syscall::system_call(self.hart());
            let again = !actor.waits() && !actor.is_dead() && actor.registers().get(Reg::Pc) == CODE as u64;
            if !again {
                return;
            }
            self.run(actor);
        }
    }

    /// A call that makes a handle.
    pub fn make(&mut self, actor: Actor, call: Call, args: &[u64]) -> Handle {
        Handle::from_wire(self.syscall(actor, call, args).unwrap().0)
    }

    /// A task of class Normal, started by the first task, which keeps no handle to it.
    pub fn spawn(&mut self) -> Actor {
        let (actor, handle) = self.spawn_by(self.root, SpawnArgs::new(super::world::APP)).unwrap();
        self.syscall(self.root, Call::HandleClose, &[handle.to_wire()]).unwrap();
        actor
    }

    /// A task as `parent` wants it, and the parent's handle to it.
    pub fn spawn_by(&mut self, parent: Actor, args: SpawnArgs) -> Option<(Actor, Handle)> {
        let (handle, id) = self.try_spawn(parent, args).ok()?;
        let task = self.machine.tasks.lock().get(id)?;
        let actor = Actor::of(task.as_ptr());
        self.actors.push(task);
        Some((actor, handle))
    }

    /// The `task_spawn` call.
    pub fn try_spawn(&mut self, parent: Actor, args: SpawnArgs) -> Result<(Handle, TaskId), Error> {
        // SAFETY: the arguments are integers without padding that matters.
        let bytes = unsafe {
            core::slice::from_raw_parts(core::ptr::from_ref(&args).cast::<u8>(), size_of::<SpawnArgs>())
        };
        self.poke(parent, SPAWN_ARGS, bytes);
        let args = [SYSTEM.to_wire(), SPAWN_ARGS as u64];
        let (handle, id) = self.syscall(parent, Call::TaskSpawn, &args)?;
        Ok((Handle::from_wire(handle), TaskId::from_wire(id)))
    }

    /// Gives `to` a handle to what `from` calls `handle`.
    pub fn grant(&mut self, from: Actor, handle: Handle, to: Actor, rights: Rights) -> Handle {
        self.run(from);
        let task = self.hart().take_current().unwrap();
        let object = match task.own().handles.get(handle).unwrap().0 {
            Object::Port(port) => {
                if rights.contains(Rights::RECEIVE) {
                    port.receiver_opened();
                }
                Object::Port(port.share())
            }
            Object::Vmo(vmo) => Object::Vmo(vmo.share()),
            Object::Task(task) => Object::Task(task.share()),
            Object::System => Object::System,
            other => panic!("{other:?} is not to be shared"),
        };
        self.hart().put_current(task);
        self.give(to, object, rights)
    }

    /// The same for an endpoint of a task that waits, and to one that may.
    pub fn share_port(&mut self, from: Actor, handle: Handle, to: Actor, rights: Rights) -> Handle {
        // SAFETY: it stands still, and nobody else looks at its table.
        let owner = core::mem::ManuallyDrop::new(unsafe { OwnedTask::adopt(NonNull::from(from.shared())) });
        let object = match owner.own().handles.get(handle).unwrap().0 {
            Object::Port(port) => Object::Port(port.share()),
            other => panic!("{other:?} is no port"),
        };
        // SAFETY: as above.
        let taker = unsafe { OwnedTask::adopt(NonNull::from(to.shared())) };
        let mut taker = core::mem::ManuallyDrop::new(taker);
        self.hart().insert_handle(&mut taker, object, rights).unwrap()
    }

    fn give(&mut self, to: Actor, object: Object, rights: Rights) -> Handle {
        self.run(to);
        let mut task = self.hart().take_current().unwrap();
        let granted = self.hart().insert_handle(&mut task, object, rights).unwrap();
        self.hart().put_current(task);
        granted
    }

    /// Writes a task's memory, as the task could.
    pub fn poke(&mut self, actor: Actor, address: usize, bytes: &[u8]) {
        self.run(actor);
        let mut task = self.hart().take_current().unwrap();
        user_memory::write(self.hart(), &mut task, address, bytes).unwrap();
        self.hart().put_current(task);
    }

    /// What is in a task's memory; pages that were never touched read as zeros.
    pub fn peek(&self, actor: Actor, address: usize, len: usize) -> std::vec::Vec<u8> {
        let table = PageTable::new(actor.shared().root());
        let byte = |at: usize| {
            let entry = table.lookup(at);
            // SAFETY: a valid entry's frame is memory of the machine.
            if entry.is_leaf() { unsafe { *entry.frame().as_ptr::<u8>().add(at % PAGE_SIZE) } } else { 0 }
        };
        (address..address + len).map(byte).collect()
    }

    /// Handles a task holds.
    pub fn handles(&mut self, actor: Actor) -> u32 {
        self.run(actor);
        self.hart().current().map_or(0, |task| task.own().handles.used())
    }

    /// Makes handles until the task may hold no more.
    pub fn fill_table(&mut self, actor: Actor) {
        let first = self.make(actor, Call::NotificationCreate, &[]).to_wire();
        let copy = [first, Rights::RECEIVE.to_wire()];
        while self.syscall(actor, Call::HandleCopy, &copy).is_ok() {}
        assert_eq!(actor.result(), Err(Error::OverQuota));
    }

    /// Moves a ready task to another hart, as stealing would.
    pub fn move_to(&mut self, actor: Actor, hart: usize) {
        self.run(actor);
        let task = self.hart().take_current().unwrap();
        self.hart().drop_claim();
        task.set_hart(hart);
        if let Some(shared) = self.machine.harts.get(hart) {
            shared.push_mail(task);
        }
        self.hart().settle(crate::sched::Outcome::Blocked);
        self.interrupt(hart);
    }

    /// Two tasks and an endpoint between them: client, its handle, server, its handle.
    pub fn pair(&mut self) -> (Actor, Handle, Actor, Handle) {
        let (client, server) = (self.spawn(), self.spawn());
        let at = self.make(server, Call::EndpointCreate, &[]);
        let to = self.grant(server, at, client, Rights::CALL | Rights::NOTIFY);
        (client, to, server, at)
    }
}
