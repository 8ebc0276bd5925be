//! Ports: the kernel object behind endpoints and notifications.
//!
//! A port has a word of bits, a queue of tasks that wait to receive, and (endpoints only) queues of tasks
//! that have called and were not received yet, one per class. Never does a receiver wait while there is a
//! caller or a bit, nor the other way round. Queues are links inside tasks, so they cannot be full.
//!
//! A port is dead once its last RECEIVE handle is closed or the task that pays for it dies: everybody who
//! waits is sent away with `Dead`, and so is everybody who comes later.
//!
//! All of it is under the port's lock, a stripe of [`crate::machine::Machine::port_locks`]. O(1) each.
#![expect(unsafe_code, reason = "queues keep tokens as pointers, and the lock is outside the object")]

use core::cell::UnsafeCell;
use core::mem::ManuallyDrop;
use core::ptr;

use nexus_abi::{QosClass, TaskId};

use crate::cap::object::{Counted, Header, Kind};
use crate::cap::stripes::Stripes;
use crate::machine::Machine;
use crate::sync::RawLock;
use crate::sync::atomic::{AtomicU32, Ordering};
use crate::sync::order::{self, Rank};
use crate::task::owned::QueueLinks;
use crate::task::{Flags, OwnedTask, Task, TaskPtr};

const RECEIVERS: usize = QosClass::ALL.len();
const LISTS: usize = RECEIVERS + 1;

/// The object.
#[derive(Debug)]
#[repr(C)]
pub struct Port {
    header: Header,
    kind: PortKind,
    /// Open handles with the RECEIVE right.
    open_receivers: AtomicU32,
    state: UnsafeCell<State>,
}

// SAFETY: `state` is reached only through the guard, which holds the port's lock.
unsafe impl Sync for Port {}

// SAFETY: `repr(C)` with the header first.
unsafe impl Counted for Port {
    fn header(&self) -> &Header {
        &self.header
    }
}

/// What a port is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PortKind {
    /// Messages and bits.
    Endpoint,
    /// Bits only.
    Notification,
}

const CALLERS: u8 = (1 << RECEIVERS) - 1;
const BITS: u8 = 1 << RECEIVERS;
const DEAD: u8 = BITS << 1;
/// An endpoint at which nobody has received yet.
const NEW: u8 = DEAD << 1;
/// Instead of a server: more than one task has received here.
const SHARED: TaskId = TaskId::from_wire(u64::MAX);

/// What the queue of an endpoint lends to whoever serves there has changed: the class of its first caller. Idle is
/// nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use = "the server is counted on to hear of it"]
pub struct Urge {
    /// Who serves there, or did.
    pub server: TaskId,
    /// What it lent.
    pub from: QosClass,
    /// What it lends now.
    pub to: QosClass,
}

#[derive(Debug)]
struct State {
    /// Bit `c` is set when callers of class `c` wait, [`BITS`] when bits do, [`DEAD`] when it is dead; [`NEW`].
    pending: u8,
    /// Who receives here, or [`SHARED`].
    server: TaskId,
    /// To whom the queue lends, and which class.
    lends: (TaskId, QosClass),
    bits: u64,
    /// Callers by class, then the receivers.
    lists: [List; LISTS],
}

#[derive(Clone, Copy, Debug)]
struct List {
    ends: Option<(TaskPtr, TaskPtr)>,
}

impl Port {
    /// A port nobody waits at.
    pub const fn new(kind: PortKind) -> Self {
        let lists = [List { ends: None }; LISTS];
        let pending = if matches!(kind, PortKind::Endpoint) { NEW } else { 0 };
        Self {
            header: Header::new(Kind::Port),
            kind,
            open_receivers: AtomicU32::new(0),
            state: UnsafeCell::new(State {
                pending,
                server: TaskId::NONE,
                lends: (TaskId::NONE, QosClass::Idle),
                bits: 0,
                lists,
            }),
        }
    }

    /// What it is for.
    #[inline(always)]
    pub fn kind(&self) -> PortKind {
        self.kind
    }

    /// One more handle can receive here.
    pub fn receiver_opened(&self) {
        self.open_receivers.fetch_add(1, Ordering::Relaxed);
    }

    /// One handle less; true when it was the last.
    pub fn receiver_closed(&self) -> bool {
        self.open_receivers.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// Its queues and bits, to oneself.
    #[inline(always)]
    pub fn lock<'a>(&'a self, machine: &'a Machine) -> PortGuard<'a> {
        order::entering(Rank(Rank::PORT));
        let lock = machine.port_locks.of(ptr::from_ref(self));
        lock.acquire();
        PortGuard { port: self, lock }
    }

    /// The same, unless somebody else has it.
    #[inline(always)]
    pub fn try_lock<'a>(&'a self, locks: &'a Stripes) -> Option<PortGuard<'a>> {
        let lock = locks.of(ptr::from_ref(self));
        if !lock.try_acquire() {
            return None;
        }
        order::entering(Rank(Rank::PORT));
        Some(PortGuard { port: self, lock })
    }

    /// Locks the stripe of a port that may be gone, and the port itself if `alive` says so under the lock.
    ///
    /// # Safety
    ///
    /// While the stripe is held, `alive` returning true implies that the port is alive and stays so.
    pub unsafe fn lock_if<'a>(
        port: *const Self,
        machine: &'a Machine,
        alive: impl FnOnce() -> bool,
    ) -> Option<PortGuard<'a>> {
        order::entering(Rank(Rank::PORT));
        let lock = machine.port_locks.of(port);
        lock.acquire();
        if !alive() {
            order::left(Rank(Rank::PORT));
            lock.release();
            return None;
        }
        // SAFETY: by contract.
        Some(PortGuard { port: unsafe { &*port }, lock })
    }
}

/// Proof that the port's lock is held.
#[derive(Debug)]
#[must_use]
#[repr(C)]
pub struct PortGuard<'a> {
    port: &'a Port,
    lock: &'a RawLock,
}

impl Drop for PortGuard<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        order::left(Rank(Rank::PORT));
        self.lock.release();
    }
}

impl PortGuard<'_> {
    /// Gives the lock back: the harts that sleep for it, for the caller to wake. What a fast path has left to
    /// do is then known before its last branch.
    #[inline(always)]
    pub fn unlock(self) -> u64 {
        order::left(Rank(Rank::PORT));
        ManuallyDrop::new(self).lock.release_raw()
    }

    /// True when nobody can wait here any more.
    #[inline(always)]
    pub fn is_dead(&self) -> bool {
        self.state().pending & DEAD != 0
    }

    /// From now on it is dead; whoever waits must be taken out and told.
    pub fn kill(&mut self) {
        self.state_mut().pending |= DEAD;
    }

    /// Adds bits for whoever waits next.
    pub fn add_bits(&mut self, bits: u64) {
        let state = self.state_mut();
        state.bits |= bits;
        state.pending |= BITS;
    }

    /// Takes all bits.
    pub fn take_bits(&mut self) -> u64 {
        let state = self.state_mut();
        state.pending &= !BITS;
        core::mem::take(&mut state.bits)
    }

    /// True when a receiver would find something at once.
    #[inline(always)]
    pub fn has_work(&self) -> bool {
        self.state().pending & (CALLERS | BITS) != 0
    }

    /// True when a task waits to receive.
    #[inline(always)]
    pub fn has_receiver(&self) -> bool {
        self.state().lists[RECEIVERS].ends.is_some()
    }

    /// True when a task that begins to receive would wait, and be the only one.
    #[inline(always)]
    pub fn is_quiet(&self) -> bool {
        self.state().pending == 0 && self.state().lists[RECEIVERS].ends.is_none()
    }

    /// Who serves here, if it is one.
    pub fn server(&self) -> TaskId {
        let server = self.state().server;
        if server == SHARED { TaskId::NONE } else { server }
    }

    /// True when it is known that this task receives here.
    #[inline(always)]
    pub fn knows(&self, server: TaskId) -> bool {
        let known = self.state().server;
        known == server || known == SHARED
    }

    /// This task receives here.
    pub fn set_server(&mut self, server: TaskId) {
        let state = self.state_mut();
        let is_first = state.pending & NEW != 0;
        state.pending &= !NEW;
        state.server = if is_first || state.server == server { server } else { SHARED };
    }

    /// True when a task, which waits here, waits to receive; false when it has called.
    pub fn is_receiving(&self, task: &Task) -> bool {
        usize::from(self.links().of(TaskPtr::to(task)).list) == RECEIVERS
    }

    /// The receiver that would be served next, still waiting.
    #[inline(always)]
    pub fn first_receiver(&self) -> Option<&Task> {
        let (head, _) = self.state().lists[RECEIVERS].ends?;
        // SAFETY: a task in the queue is alive, and the lock keeps it there.
        Some(unsafe { head.shared() })
    }

    /// A task waits to receive. It may be gone as soon as the guard is.
    #[inline(always)]
    pub fn push_receiver(&mut self, task: OwnedTask) {
        self.push_back(RECEIVERS, task);
    }

    /// The same, at a port that [`Self::is_quiet`].
    #[inline(always)]
    pub fn push_only_receiver(&mut self, task: OwnedTask) {
        let ptr = self.adopt(RECEIVERS, task);
        self.state_mut().lists[RECEIVERS].ends = Some((ptr, ptr));
    }

    /// True when the receiver that came last has been killed: whoever killed it may have looked too early.
    #[inline(always)]
    pub fn last_receiver_is_killed(&self) -> bool {
        let Some((_, tail)) = self.state().lists[RECEIVERS].ends else { return false };
        // SAFETY: a task in the queue is alive, and the lock keeps it there.
        unsafe { tail.shared() }.flags_after_publishing() & Flags::KILL != 0
    }

    /// The receiver that came last, if it has been killed: whoever killed it may have looked too early.
    #[inline(always)]
    pub fn take_killed_receiver(&mut self) -> Option<OwnedTask> {
        let (_, tail) = self.state().lists[RECEIVERS].ends?;
        // SAFETY: a task in the queue is alive, and the lock keeps it there.
        let task = unsafe { tail.shared() };
        if task.flags_after_publishing() & Flags::KILL == 0 {
            return None;
        }
        self.remove(task)
    }

    /// The task that has waited longest to receive, if it is fit to be served.
    #[inline(always)]
    pub fn pop_receiver_if(&mut self, is_fit: impl FnOnce(&OwnedTask) -> bool) -> Option<OwnedTask> {
        let (head, _) = self.state().lists[RECEIVERS].ends?;
        // SAFETY: the queue holds the token, and the lock keeps it there; this one is only looked through.
        let token = ManuallyDrop::new(unsafe { head.take() });
        if is_fit(&token) { self.pop_receiver() } else { None }
    }

    /// The task that has waited longest to receive.
    #[inline(always)]
    pub fn pop_receiver(&mut self) -> Option<OwnedTask> {
        self.pop_front(RECEIVERS)
    }

    /// A receiver that could not be served after all keeps its place.
    pub fn push_receiver_front(&mut self, task: OwnedTask) {
        let ptr = self.adopt(RECEIVERS, task);
        let mut links = self.links();
        let list = &mut self.state_mut().lists[RECEIVERS];
        match list.ends {
            None => list.ends = Some((ptr, ptr)),
            Some((head, tail)) => {
                links.of(ptr).next = Some(head);
                links.of(head).prev = Some(ptr);
                list.ends = Some((ptr, tail));
            }
        }
    }

    /// A task has called and waits to be received.
    pub fn push_caller(&mut self, task: OwnedTask) {
        let class = task.settings().class as usize;
        self.state_mut().pending |= 1 << class;
        self.push_back(class, task);
    }

    /// A task that has called may have something else than when it came: it goes behind those of its class now.
    pub fn reorder(&mut self, caller: &Task) {
        let ptr = TaskPtr::to(caller);
        let list = usize::from(self.links().of(ptr).list);
        let class = caller.settings().class as usize;
        if list != RECEIVERS && list != class {
            // All the while it says that it is here: whoever looks for it has no lock yet, and must find it.
            self.unlink(ptr);
            *self.links().of(ptr) = crate::task::Links { next: None, prev: None, list: class as u8 };
            self.state_mut().pending |= 1 << class;
            self.link_last(class, ptr);
        }
    }

    /// Notes what the queue lends now, and to whom: call it when callers or the server have changed. O(1).
    pub fn note_urge(&mut self) -> Option<Urge> {
        let class = self.first_class().unwrap_or(QosClass::Idle);
        let nobody = (TaskId::NONE, QosClass::Idle);
        let now = (self.server(), class);
        let now = if now.0 == TaskId::NONE || class == QosClass::Idle { nobody } else { now };
        let before = core::mem::replace(&mut self.state_mut().lends, now);
        // An endpoint has one server, or none: it does not pass from one to another.
        let server = if now.0 == TaskId::NONE { before.0 } else { now.0 };
        (before != now).then_some(Urge { server, from: before.1, to: now.1 })
    }

    /// The highest class of which callers wait. The hardware does not count zeros, so this looks.
    #[inline(always)]
    fn first_class(&self) -> Option<QosClass> {
        let callers = self.state().pending & CALLERS;
        if callers == 0 {
            return None;
        }
        QosClass::ALL.into_iter().rev().find(|class| callers >> *class as u8 & 1 == 1)
    }

    /// The caller of the highest class that has waited longest.
    pub fn pop_caller(&mut self) -> Option<OwnedTask> {
        let class = self.first_class()? as usize;
        let task = self.pop_front(class);
        if self.state().lists[class].ends.is_none() {
            self.state_mut().pending &= !(1 << class);
        }
        task
    }

    /// Takes out a task if it is here.
    pub fn remove(&mut self, task: &Task) -> Option<OwnedTask> {
        let here = ptr::from_ref(self.port);
        if !ptr::eq(task.waiting_at.load(Ordering::Relaxed), here) {
            return None;
        }
        // SAFETY: the task waits in this port's queue, under the lock we hold; `task` is its address.
        let token = unsafe { OwnedTask::adopt(task.as_ptr()) };
        let ptr = token.into_ptr();
        self.unlink(ptr);
        Some(self.release(ptr))
    }

    /// Takes a task out of its list.
    fn unlink(&mut self, ptr: TaskPtr) {
        let mut links = self.links();
        let (next, prev, at) = {
            let own = links.of(ptr);
            (own.next, own.prev, usize::from(own.list) % LISTS)
        };
        let list = &mut self.state_mut().lists[at];
        if let Some((head, tail)) = list.ends {
            let head = if head == ptr { next } else { Some(head) };
            let tail = if tail == ptr { prev } else { Some(tail) };
            list.ends = head.zip(tail);
        }
        if let Some(next) = next {
            links.of(next).prev = prev;
        }
        if let Some(prev) = prev {
            links.of(prev).next = next;
        }
        if self.state().lists[at].ends.is_none() && at != RECEIVERS {
            self.state_mut().pending &= !(1 << at);
        }
    }

    #[inline(always)]
    fn push_back(&mut self, at: usize, task: OwnedTask) {
        let ptr = self.adopt(at, task);
        self.link_last(at, ptr);
    }

    /// Puts a task that belongs to a list at its end.
    #[inline(always)]
    fn link_last(&mut self, at: usize, ptr: TaskPtr) {
        let mut links = self.links();
        let list = &mut self.state_mut().lists[at];
        list.ends = match list.ends {
            None => Some((ptr, ptr)),
            Some((head, tail)) => {
                links.of(tail).next = Some(ptr);
                links.of(ptr).prev = Some(tail);
                Some((head, ptr))
            }
        };
    }

    #[inline(always)]
    fn pop_front(&mut self, at: usize) -> Option<OwnedTask> {
        let mut links = self.links();
        let list = &mut self.state_mut().lists[at];
        let (head, tail) = list.ends?;
        list.ends = match links.of(head).next {
            None => None,
            Some(next) => {
                links.of(next).prev = None;
                Some((next, tail))
            }
        };
        Some(self.release(head))
    }

    /// The task is in this port's queue from now on.
    #[inline(always)]
    fn adopt(&mut self, at: usize, task: OwnedTask) -> TaskPtr {
        let here = ptr::from_ref(self.port).cast_mut();
        task.waiting_at.store(here, Ordering::Relaxed);
        let ptr = task.into_ptr();
        *self.links().of(ptr) = crate::task::Links { next: None, prev: None, list: at as u8 };
        ptr
    }

    /// The task has left this port's queue.
    #[inline(always)]
    fn release(&mut self, ptr: TaskPtr) -> OwnedTask {
        // SAFETY: the queue held the token, and the caller has just unlinked it under the lock.
        let task = unsafe { ptr.take() };
        task.waiting_at.store(ptr::null_mut(), Ordering::Relaxed);
        task
    }

    #[inline(always)]
    fn links(&self) -> QueueLinks {
        // SAFETY: used on tasks in this port's queues only, under its lock.
        unsafe { QueueLinks::new() }
    }

    #[inline(always)]
    fn state(&self) -> &State {
        // SAFETY: the guard holds the lock.
        unsafe { &*self.port.state.get() }
    }

    #[inline(always)]
    fn state_mut(&mut self) -> &mut State {
        // SAFETY: the guard holds the lock and is borrowed exclusively.
        unsafe { &mut *self.port.state.get() }
    }
}
