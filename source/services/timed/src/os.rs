//! The kernel and the recipe behind [`Surroundings`].

use alloc::boxed::Box;

use nexus_abi::info::TaskState;
use nexus_abi::{ServiceId, TaskId, user};
use nexus_proof::Marker;
use nexus_rt::startup::SYSTEM;
use nexus_wire::recipe::{self, Recipe};
use timed::{Audit, Privilege, Surroundings};

/// The kernel, and who may do what.
#[derive(Debug)]
pub struct Os {
    /// On the heap: a stack is small.
    recipe: Box<Recipe>,
}

impl Os {
    /// Privileges are those of the recipe.
    pub fn new(recipe: Recipe) -> Self {
        Self { recipe: Box::new(recipe) }
    }
}

impl Surroundings for Os {
    fn grants(&self, service: ServiceId, privilege: Privilege) -> bool {
        let written = match privilege {
            Privilege::Govern => recipe::Privilege::TimerHint,
            Privilege::Floor => recipe::Privilege::TimerFloor,
            Privilege::AlarmClock => recipe::Privilege::AlarmClock,
            Privilege::SetClock => recipe::Privilege::SetClock,
            Privilege::List => recipe::Privilege::ListTimers,
            // It runs before any recipe and is not in it.
            Privilege::Bury => return service == ServiceId::EXECD,
        };
        self.recipe.grants(service, written)
    }

    fn is_alive(&self, task: TaskId) -> bool {
        let record = user::task_info_from(SYSTEM, task.index()).ok();
        let found = record.filter(|record| record.id == task.to_wire());
        found.is_some_and(|record| record.state != TaskState::Dead as u64)
    }

    fn audit(&mut self, audit: Audit) {
        let Audit { caller, reason, untold } = audit;
        let (decision, reason) = reason.names();
        nexus_rt::log::line(Marker::TimerAudit {
            decision,
            reason,
            caller: caller.service.name(),
            pid: caller.task.index(),
            untold,
        });
    }
}
