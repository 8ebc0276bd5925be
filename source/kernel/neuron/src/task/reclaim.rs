//! Making kernel objects and taking them back.
//!
//! An object is in its owner's list from creation until it is destroyed or its owner dies, whichever comes
//! first; both look under the owner's stripe, so exactly one of them takes it out and refunds it.
#![expect(unsafe_code, reason = "objects are raw memory before their first and after their last reference")]

use core::ptr::{self, NonNull};
use core::sync::atomic::Ordering;

use nexus_abi::{Error, Rights};

use super::{OwnedTask, Task};
use crate::cap::object::{Counted, Header, Kind};
use crate::cap::{Object, Ref};
use crate::ipc::irq::{self, Irq};
use crate::ipc::port::Port;
use crate::ipc::reply;
use crate::machine::Machine;
use crate::mm::frames::{Frames, Magazine};
use crate::mm::slab::Slab;
use crate::mm::vmo::Vmo;
use crate::sched::Hart;

/// A new object in `slab`, charged to `owner` and in its list. On refusal the value comes back.
pub fn create<T: Counted>(
    hart: &mut Hart,
    owner: &OwnedTask,
    value: T,
    slab: &Slab<T>,
) -> Result<Ref<T>, (Error, T)> {
    if let Err(error) = owner.account.charge_object() {
        return Err((error, value));
    }
    let machine = hart.machine;
    let (magazine, frames) = hart.stock();
    let object = match slab.take(magazine, frames, value) {
        Ok(object) => object,
        Err((error, value)) => {
            owner.account.refund_object();
            return Err((error, value));
        }
    };
    // SAFETY: the object is new, and its first reference is adopted once.
    let object = unsafe { Ref::adopt(object) };
    link(machine, owner, object.header());
    Ok(object)
}

/// A new object of the kernel's own, charged to nobody, before there is a hart.
pub fn create_at_boot<T: Counted>(frames: &Frames, value: T, slab: &Slab<T>) -> Result<Ref<T>, Error> {
    let mut magazine = Magazine::new();
    let object = slab.take(&mut magazine, frames, value).map_err(|(error, _)| error)?;
    magazine.give_back_all(frames);
    // SAFETY: as in `create`.
    Ok(unsafe { Ref::adopt(object) })
}

fn link(machine: &Machine, owner: &Task, header: &Header) {
    let lock = machine.owner_locks.of(ptr::from_ref(owner));
    let this = ptr::from_ref(header).cast_mut();
    lock.acquire();
    let head = owner.owned.load(Ordering::Relaxed);
    header.next.store(head, Ordering::Relaxed);
    header.prev.store(ptr::null_mut(), Ordering::Relaxed);
    // SAFETY: an object in the list is alive; the list is ours under the stripe.
    if let Some(head) = unsafe { head.as_ref() } {
        head.prev.store(this, Ordering::Relaxed);
    }
    owner.owned.store(this, Ordering::Relaxed);
    header.owner.store(ptr::from_ref(owner).cast_mut(), Ordering::Release);
    lock.release();
}

/// Takes an object out of its owner's list and refunds it. The caller holds the owner's stripe.
fn unlink(owner: &Task, header: &Header) {
    let next = header.next.load(Ordering::Relaxed);
    let prev = header.prev.load(Ordering::Relaxed);
    // SAFETY: neighbours in the list are alive under the stripe.
    unsafe {
        match prev.as_ref() {
            Some(prev) => prev.next.store(next, Ordering::Relaxed),
            None => owner.owned.store(next, Ordering::Relaxed),
        }
        if let Some(next) = next.as_ref() {
            next.prev.store(prev, Ordering::Relaxed);
        }
    }
    header.owner.store(ptr::null_mut(), Ordering::Release);
    owner.account.refund_object();
}

/// Takes an object whose last reference is gone out of its owner's list, if it still has an owner. What
/// `last_charges` refunds happens while the owner is certainly alive.
fn disown(machine: &Machine, header: &Header, last_charges: impl FnOnce(Option<&Task>)) {
    let owner = header.owner.load(Ordering::Acquire);
    if !owner.is_null() {
        let lock = machine.owner_locks.of(owner.cast_const());
        lock.acquire();
        if header.owner.load(Ordering::Relaxed) == owner {
            // SAFETY: an owner detaches its objects under this stripe before it dies, so it is alive.
            let owner = unsafe { &*owner };
            last_charges(Some(owner));
            unlink(owner, header);
            lock.release();
            return;
        }
        lock.release();
    }
    last_charges(None);
}

/// Some object in the owner's list, taken out of it, with a reference; for the owner's death.
pub fn take_owned(hart: &mut Hart, owner: &OwnedTask) -> Option<Object> {
    let lock = hart.machine.owner_locks.of(ptr::from_ref::<Task>(owner));
    lock.acquire();
    let mut found = None;
    loop {
        let head = owner.owned.load(Ordering::Relaxed);
        // SAFETY: an object in the list is alive under the stripe.
        let Some(header) = (unsafe { head.as_ref() }) else { break };
        let alive = header.try_retain();
        let kind = header.kind;
        if alive && kind == Kind::Vmo {
            // SAFETY: the header is the first field of a VMO, which the reference keeps alive. While it is in
            // the list it has a payer; afterwards nobody must find pages that no one pays for.
            unsafe { &*head.cast::<Vmo>() }.close_to_new_pages();
        }
        unlink(owner, header);
        if alive {
            // SAFETY: the header is the object's first field, and the reference was just counted.
            found = NonNull::new(head).map(|head| unsafe {
                match kind {
                    Kind::Port => Object::Port(Ref::adopt(head.cast())),
                    Kind::Vmo => Object::Vmo(Ref::adopt(head.cast())),
                    Kind::Irq => Object::Irq(Ref::adopt(head.cast())),
                    Kind::Task => Object::Task(Ref::adopt(head.cast())),
                }
            });
            break;
        }
        // Otherwise its last reference is being released right now; that hart finds no owner and frees it.
    }
    lock.release();
    found
}

impl Hart {
    /// A handle was closed: its object loses a reference, and what the handle alone kept up ends.
    pub fn release(&mut self, object: Object, rights: Rights) {
        match object {
            Object::Port(port) => self.release_port(port, rights),
            Object::Vmo(vmo) => self.release_vmo(vmo),
            Object::Task(task) => self.release_task(task),
            Object::Irq(irq) => self.release_irq(irq),
            Object::Reply { call, caller } => {
                if let Some(mut waiting) = reply::claim(&caller, call) {
                    self.withdraw_loan(&caller);
                    waiting.registers_mut().set_result(Err(Error::Dead));
                    self.make_ready(waiting);
                }
                self.release_task(caller);
            }
            Object::System => {}
        }
    }

    /// Releases a port; `rights` are those of the handle closed, none for an inner reference.
    pub fn release_port(&mut self, port: Ref<Port>, rights: Rights) {
        if rights.contains(Rights::RECEIVE) && port.receiver_closed() {
            self.kill_port(&port);
        }
        let object = port.as_ptr();
        if port.release_count() {
            // SAFETY: the last reference is gone, so the object is ours to destroy.
            unsafe {
                disown(self.machine, object.as_ref().header(), |_| ());
                let machine = self.machine;
                let (magazine, frames) = self.stock();
                machine.ports.give(magazine, frames, object);
            }
        }
    }

    /// Sends away everybody who waits at a port, and everybody who will come.
    pub fn kill_port(&mut self, port: &Port) {
        let machine = self.machine;
        loop {
            let mut guard = port.lock(machine);
            guard.kill();
            let Some(mut waiting) = guard.pop_caller().or_else(|| guard.pop_receiver()) else { return };
            let urge = guard.note_urge();
            drop(guard);
            self.pass_on(urge);
            waiting.registers_mut().set_result(Err(Error::Dead));
            self.make_ready(waiting);
        }
    }

    /// Releases a VMO. Without references it is in no mapping, so its pages can go at once.
    pub fn release_vmo(&mut self, vmo: Ref<Vmo>) {
        let mut object = vmo.as_ptr();
        if vmo.release_count() {
            let machine = self.machine;
            // SAFETY: as in `release_port`.
            unsafe {
                let header = ptr::from_ref(object.as_ref().header());
                disown(machine, &*header, |owner| {
                    let account = owner.map(|owner| &owner.account);
                    object.as_mut().drain_unmapped(self, account);
                });
                let (magazine, frames) = self.stock();
                machine.vmos.give(magazine, frames, object);
            }
        }
    }

    /// Releases a task reference; the last one frees its memory.
    #[inline(always)]
    pub fn release_task(&mut self, task: Ref<Task>) {
        let object = task.as_ptr();
        if task.release_count() {
            self.free_task(object);
        }
    }

    #[cold]
    fn free_task(&mut self, object: NonNull<Task>) {
        // SAFETY: the last reference is gone, and a task gives up everything it owns before the table's
        // reference goes; so only its page is left.
        unsafe { object.drop_in_place() };
        let address = crate::mm::PhysAddr(crate::arch::physical(object.as_ptr().cast()));
        self.give_frame(crate::mm::Frame::containing(address));
    }

    /// Releases an interrupt; with the last reference its line is free.
    pub fn release_irq(&mut self, irq: Ref<Irq>) {
        let object = irq.as_ptr();
        if irq.release_count() {
            let machine = self.machine;
            // SAFETY: as in `release_port`; the value is moved out before its slot is given back empty.
            unsafe {
                disown(machine, object.as_ref().header(), |_| ());
                let value = object.read();
                let (magazine, frames) = self.stock();
                machine.irqs.give_moved(magazine, frames, object);
                irq::unbind(self, value);
            }
        }
    }
}
