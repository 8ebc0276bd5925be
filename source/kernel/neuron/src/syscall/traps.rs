//! Traps that are not system calls: interrupts, page faults, and what a task must not do.

use nexus_abi::ExitReason;

use crate::arch::{self, Trap};
use crate::mm::page_table::Access;
use crate::mm::space::Fault;
use crate::sched::{Hart, Outcome};
use crate::task::registers::Reg;
use crate::task::{OwnedTask, death};
use crate::time;

/// Handles a trap of the current task, whose registers are saved.
pub fn trap(hart: &mut Hart, trap: Trap) {
    let Some(task) = hart.take_current() else { return };
    let outcome = match trap {
        Trap::Interrupt => interrupt(hart, task),
        Trap::PageFault { address, access, cause } => page_fault(hart, task, address, access, cause),
        Trap::Illegal { cause, value } => {
            if arch::fpu_enable(&task) {
                Outcome::Resume(task)
            } else {
                fault(task, cause, value)
            }
        }
        Trap::Other { cause, value } => fault(task, cause, value),
    };
    hart.settle(outcome);
}

/// Serves whatever is pending, and whoever is due now that the hart is awake anyway. O(deadlines that came + mail).
fn interrupt(hart: &mut Hart, task: OwnedTask) -> Outcome {
    hart.poll_interrupts();
    let now = time::now();
    if hart.somebody_is_due(now) {
        hart.wake_due(now);
        // Whoever was due may be on its way here already, and then this task simply goes on.
        hart.set_timer();
    }
    if hart.decision_is_due(now) {
        hart.offer_surplus(now);
        hart.even_out();
    }
    Outcome::Resume(task)
}

/// Makes the page present, or ends the task.
fn page_fault(hart: &mut Hart, mut task: OwnedTask, address: usize, access: Access, cause: u8) -> Outcome {
    let (shared, own) = task.parts();
    match own.space.fault(hart, shared, address, access) {
        Ok(()) => Outcome::Resume(task),
        Err(Fault::Forbidden) => fault(task, cause, address as u64),
        Err(Fault::Memory(error)) => death::end(task, ExitReason::OutOfMemory(error)),
    }
}

fn fault(task: OwnedTask, cause: u8, address: u64) -> Outcome {
    let pc = task.registers().get(Reg::Pc);
    death::end(task, ExitReason::Fault { cause, pc, address })
}
