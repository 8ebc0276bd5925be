//! Device interrupts as bits at a port.
//!
//! ```text
//! line fires ─► claimed (silent from now on) ─► bits set ─► driver serves the device ─► irq_ack ─► completed
//! ```
//!
//! All lines interrupt one hart, the first; the driver may run anywhere.

use nexus_abi::{Error, Handle, Rights};

use super::notify;
use super::port::Port;
use crate::cap::object::{Counted, Header, Kind};
use crate::cap::{Object, Ref};
use crate::platform::plic::{Line, Priority};
use crate::sched::Hart;
use crate::task::OwnedTask;

/// Lines the table has room for; QEMU `virt` has 95.
pub const LINES_MAX: usize = 128;

/// A bound line.
#[derive(Debug)]
#[repr(C)]
pub struct Irq {
    header: Header,
    line: Line,
    target: Ref<Port>,
    bits: u64,
}

#[expect(unsafe_code, reason = "states the layout that `Ref` relies on")]
// SAFETY: `repr(C)` with the header first.
unsafe impl Counted for Irq {
    fn header(&self) -> &Header {
        &self.header
    }
}

/// Who gets which line: the port, and the bits to set there.
#[derive(Debug)]
pub struct Lines([Option<(Ref<Port>, u64)>; LINES_MAX]);

impl Lines {
    /// Nobody gets any.
    pub const fn new() -> Self {
        Self([const { None }; LINES_MAX])
    }

    fn slot(&mut self, line: Line) -> Option<&mut Option<(Ref<Port>, u64)>> {
        self.0.get_mut(line.number() as usize)
    }
}

impl Default for Lines {
    fn default() -> Self {
        Self::new()
    }
}

/// The `irq_bind` call, behind its check of the system handle.
pub fn bind(
    hart: &mut Hart,
    task: &mut OwnedTask,
    number: u64,
    target: Handle,
    bits: u64,
) -> Result<Handle, Error> {
    let machine = hart.machine;
    let line = u32::try_from(number).ok().and_then(|n| machine.plic.line(n)).ok_or(Error::Invalid)?;
    if bits == 0 || line.number() as usize >= LINES_MAX {
        return Err(Error::Invalid);
    }
    let port = match task.own().handles.get(target)? {
        (Object::Port(port), rights) if rights.contains(Rights::NOTIFY) => port.share(),
        (Object::Port(_), _) => return Err(Error::Denied),
        _ => return Err(Error::WrongKind),
    };
    if let Err(error) = hart.reserve_handles(task, 1) {
        hart.release_port(port, Rights::NONE);
        return Err(error);
    }
    let mut lines = machine.lines.lock();
    let taken = lines.slot(line).is_none_or(|slot| slot.is_some());
    if taken {
        drop(lines);
        hart.release_port(port, Rights::NONE);
        return Err(Error::Busy);
    }
    if let Some(slot) = lines.slot(line) {
        *slot = Some((port.share(), bits));
    }
    drop(lines);
    let irq = Irq { header: Header::new(Kind::Irq), line, target: port, bits };
    let irq = match hart.create_irq(task, irq) {
        Ok(irq) => irq,
        Err((error, irq)) => {
            unbind(hart, irq);
            return Err(error);
        }
    };
    if let Some(context) = hart.irq_context() {
        machine.plic.set_priority(line, Priority::NORMAL);
        machine.plic.enable(line, context);
    }
    hart.insert_handle(task, Object::Irq(irq), Rights::MANAGE | Rights::MOVE)
}

/// The `irq_ack` call.
pub fn acknowledge(hart: &mut Hart, task: &mut OwnedTask, handle: Handle) -> Result<(), Error> {
    let irq = match task.own().handles.get(handle)? {
        (Object::Irq(irq), rights) if rights.contains(Rights::MANAGE) => irq,
        (Object::Irq(_), _) => return Err(Error::Denied),
        _ => return Err(Error::WrongKind),
    };
    if let Some(context) = hart.irq_context() {
        hart.machine.plic.complete(context, irq.line);
    }
    Ok(())
}

/// The line is nobody's any more.
pub fn unbind(hart: &mut Hart, irq: Irq) {
    let machine = hart.machine;
    let mut lines = machine.lines.lock();
    if let Some(context) = hart.irq_context() {
        machine.plic.complete(context, irq.line);
        machine.plic.disable(irq.line, context);
    }
    let freed = lines.slot(irq.line).and_then(Option::take);
    drop(lines);
    if let Some((port, _)) = freed {
        hart.release_port(port, Rights::NONE);
    }
    hart.release_port(irq.target, Rights::NONE);
}

/// Serves every pending line of this hart's context. Bounded: a claimed line stays silent until it is
/// acknowledged.
#[inline(never)]
pub fn on_external(hart: &mut Hart) {
    let machine = hart.machine;
    let Some(context) = hart.irq_context() else { return };
    while let Some(line) = machine.plic.claim(context) {
        hart.count_device_irq(line.number());
        let mut lines = machine.lines.lock();
        let bound = lines.slot(line).and_then(|slot| slot.as_ref()).map(|(port, bits)| (port.share(), *bits));
        drop(lines);
        let Some((port, bits)) = bound else {
            machine.plic.complete(context, line);
            continue;
        };
        // A dead driver's line is unbound with it; until then its interrupt is as good as served.
        let _dead_driver = notify::signal(hart, &port, bits);
        hart.release_port(port, Rights::NONE);
    }
}
