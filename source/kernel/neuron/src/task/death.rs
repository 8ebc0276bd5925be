//! Death: giving back everything a task owned, a bounded step at a time, and telling who wants to know.
//!
//! A task dies in its own turn: its hart picks it like any other, sees that it is to die, and instead of
//! returning to it takes a step. Interrupts are served between steps, and a higher class goes first.
//!
//! ```text
//! Handles ─► Objects ─► Mappings ─► Tables ─► dead: reason published, supervisor told
//!    │          │           │          └ page tables, handle pages, the id
//!    │          │           └ pages that revoked mappings had replaced
//!    │          └ ports: waiters get Dead; VMOs: revoked everywhere, pages freed
//!    └ replies: callers get Dead
//! ```

use core::sync::atomic::Ordering;

use nexus_abi::info::{TaskState, TraceKind};
use nexus_abi::{ExitCode, ExitReason, Rights};

use super::{Flags, OwnedTask, reclaim};
use crate::cap::{Object, Ref};
use crate::ipc::notify;
use crate::mm::vmo::{Drained, Vmo};
use crate::sched::{Hart, Outcome};

/// Handles closed in one step.
const HANDLES_STEP: usize = 16;

/// How far a death has come.
#[derive(Debug)]
pub enum Phase {
    /// Closing handles, from this slot on.
    Handles(u16),
    /// Making owned objects dead.
    Objects,
    /// Freeing the pages of an owned VMO.
    Draining(Ref<Vmo>),
    /// Undoing mappings.
    Mappings,
    /// Giving back tables.
    Tables,
}

/// The task ends itself, or is ended for what it did.
pub fn end(mut task: OwnedTask, reason: ExitReason) -> Outcome {
    if task.set_flag(Flags::KILL) & Flags::KILL == 0 {
        task.set_exit(reason);
    }
    Outcome::Resume(task)
}

/// The `task_kill` call: ends another task, wherever it is. False when it was dying already.
pub fn kill(hart: &mut Hart, target: &super::Task) -> bool {
    if target.set_flag(Flags::KILL) & Flags::KILL != 0 {
        return false;
    }
    // Whoever is about to put the task somewhere looks at the flag afterwards; whoever has put it somewhere
    // is seen here. A task that runs is interrupted; one in a queue is looked at when its turn comes.
    match hart.interrupt_wait(target) {
        Some(task) => hart.make_ready(task),
        None => crate::smp::interrupt(hart.machine, hart.machine.online() & !hart.bit()),
    }
    true
}

/// One bounded step; the task comes back until it is gone.
pub fn step(hart: &mut Hart, mut task: OwnedTask) -> Option<OwnedTask> {
    task.state.store(TaskState::Dying as u8, Ordering::Relaxed);
    let next = match task.own_mut().dying.take().unwrap_or(Phase::Handles(0)) {
        Phase::Handles(from) => close_handles(hart, &mut task, from),
        Phase::Objects => kill_object(hart, &mut task),
        Phase::Draining(vmo) => drain(hart, &task, vmo),
        Phase::Mappings => {
            let (shared, own) = task.parts();
            if own.space.unmap_any(hart, shared) { Phase::Mappings } else { Phase::Tables }
        }
        Phase::Tables => {
            finish(hart, task);
            return None;
        }
    };
    task.own_mut().dying = Some(next);
    Some(task)
}

/// Takes a half-built task apart, at once: it owns next to nothing, and nobody knows of it.
pub fn abandon(hart: &mut Hart, task: OwnedTask) {
    let mut left = Some(task);
    while let Some(task) = left {
        left = step(hart, task);
    }
}

fn close_handles(hart: &mut Hart, task: &mut OwnedTask, mut from: u16) -> Phase {
    for _ in 0..HANDLES_STEP {
        let Some((object, rights, next)) = task.own_mut().handles.take_any(from) else {
            return Phase::Objects;
        };
        hart.release(object, rights);
        from = next;
    }
    Phase::Handles(from)
}

fn kill_object(hart: &mut Hart, task: &mut OwnedTask) -> Phase {
    match reclaim::take_owned(hart, task) {
        None => Phase::Mappings,
        Some(Object::Vmo(vmo)) => drain(hart, task, vmo),
        Some(Object::Port(port)) => {
            hart.kill_port(&port);
            hart.release_port(port, Rights::NONE);
            Phase::Objects
        }
        Some(other) => {
            hart.release(other, Rights::NONE);
            Phase::Objects
        }
    }
}

fn drain(hart: &mut Hart, task: &OwnedTask, vmo: Ref<Vmo>) -> Phase {
    match vmo.revoke_step(hart, Some(&task.account)) {
        Drained::Partly => Phase::Draining(vmo),
        Drained::Wholly => {
            hart.release_vmo(vmo);
            Phase::Objects
        }
    }
}

/// Gives back the tables, publishes the reason, tells the supervisor.
fn finish(hart: &mut Hart, mut task: OwnedTask) {
    hart.leave_space(&task);
    let root = task.root();
    let (shared, own) = task.parts();
    for page in own.handles.take_pages() {
        hart.give_charged_frame(&shared.account, page);
    }
    own.space.give_spare_tables(hart, shared);
    hart.give_charged_frame(&shared.account, root);
    let supervisor = own.supervisor.take().map(|port| (port, shared.death_bits.load(Ordering::Relaxed)));
    debug_assert_eq!(task.account.pages(), 0, "pages of a dead task are lost");
    debug_assert_eq!(task.account.objects(), 0, "objects of a dead task are lost");
    hart.charge(&task);
    hart.retire(&task);
    hart.trace(TraceKind::Death, Some(&task), 0);
    task.state.store(TaskState::Dead as u8, Ordering::Release);
    let entry = hart.machine.tasks.lock().remove(task.id());
    // Its service is no proof: whoever may spawn can start another task from the same image.
    if hart.machine.first_task.load(Ordering::Relaxed) == task.id().to_wire() {
        hart.machine.print(format_args!("[neuron] init ended: {}", Reason(&task)));
        hart.machine.power.exit(ExitCode::InitDied);
    }
    // The token ends here; what is left is a record for whoever still has a handle.
    hart.release_task(task.into_record());
    if let Some(entry) = entry {
        hart.release_task(entry);
    }
    if let Some((port, bits)) = supervisor {
        notify::signal_last(hart, port, bits);
    }
}

struct Reason<'a>(&'a OwnedTask);

impl core::fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.0.exit_reason() {
            Some(reason) => reason.fmt(f),
            None => f.write_str("unknown"),
        }
    }
}
