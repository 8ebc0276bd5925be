//! Frames, objects and handles, taken and given back on behalf of the task that pays.

use nexus_abi::{Error, Handle, Rights};

use super::Hart;
use crate::cap::{Object, Ref};
use crate::ipc::irq::Irq;
use crate::ipc::port::{Port, PortKind};
use crate::mm::Frame;
use crate::mm::vmo::Vmo;
use crate::task::{Account, OwnedTask, reclaim};

impl Hart {
    /// A frame of zeros on `payer`'s account.
    #[inline]
    pub fn take_charged_frame(&mut self, payer: &Account) -> Result<Frame, Error> {
        payer.charge_page()?;
        self.take_zeroed_frame().inspect_err(|_| payer.refund_page())
    }

    /// Gives back a frame that was on `payer`'s account.
    #[inline]
    pub fn give_charged_frame(&mut self, payer: &Account, frame: Frame) {
        payer.refund_page();
        self.give_frame(frame);
    }

    /// A frame of zeros on the kernel's own account.
    #[inline]
    pub fn take_zeroed_frame(&mut self) -> Result<Frame, Error> {
        self.magazine.take_zeroed(&self.machine.frames)
    }

    /// A frame of unknown content on the kernel's own account.
    pub fn take_frame(&mut self) -> Result<Frame, Error> {
        self.magazine.take(&self.machine.frames)
    }

    /// Gives back a frame.
    #[inline]
    pub fn give_frame(&mut self, frame: Frame) {
        self.magazine.give(&self.machine.frames, frame);
    }

    /// Makes sure that `count` more handles fit into the task's table.
    #[inline]
    pub fn reserve_handles(&mut self, task: &mut OwnedTask, count: u16) -> Result<(), Error> {
        let (shared, own) = task.parts();
        if count == 1 && own.handles.makes_free_slot() || own.handles.has_room(count) {
            return Ok(());
        }
        own.handles.reserve(count, || {
            shared.account.charge_page()?;
            self.magazine.take_zeroed(&self.machine.frames).inspect_err(|_| shared.account.refund_page())
        })
    }

    /// Puts an object into the task's table, or releases it.
    pub fn insert_handle(
        &mut self,
        task: &mut OwnedTask,
        object: Object,
        rights: Rights,
    ) -> Result<Handle, Error> {
        if let Err(error) = self.reserve_handles(task, 1) {
            self.release(object, rights);
            return Err(error);
        }
        task.own_mut().handles.insert(object, rights).map_err(|(error, object)| {
            self.release(object, rights);
            error
        })
    }

    /// A new port, paid for by `task`, not in its table yet.
    pub fn create_port(&mut self, task: &OwnedTask, kind: PortKind) -> Result<Ref<Port>, Error> {
        let machine = self.machine;
        reclaim::create(self, task, Port::new(kind), &machine.ports).map_err(|(error, _)| error)
    }

    /// A new VMO, paid for by `task`, not in its table yet.
    pub fn create_vmo(&mut self, task: &OwnedTask, vmo: Vmo) -> Result<Ref<Vmo>, Error> {
        let machine = self.machine;
        reclaim::create(self, task, vmo, &machine.vmos).map_err(|(error, _)| error)
    }

    /// A new interrupt, paid for by `task`; on refusal it comes back.
    pub fn create_irq(&mut self, task: &OwnedTask, irq: Irq) -> Result<Ref<Irq>, (Error, Irq)> {
        let machine = self.machine;
        reclaim::create(self, task, irq, &machine.irqs)
    }

    /// The stock of frames, with the machine's.
    pub(crate) fn stock(&mut self) -> (&mut crate::mm::frames::Magazine, &'static crate::mm::frames::Frames) {
        (&mut self.magazine, &self.machine.frames)
    }
}
