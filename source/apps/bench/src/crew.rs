//! Peers: starting them, and getting rid of them without a trace.

use alloc::format;
use alloc::vec::Vec;

use bench::Role;
use nexus_abi::user;
use nexus_abi::{Handle, HartMask, Nanos, Rights, SpawnArgs, TaskId};
use nexus_rt::startup::{EXECD, EXTRA_SLOT, SYSTEM};
use nexus_service::os::ask;
use nexus_wire::execd::{Answer, Change, Execd, Request, Spawn};

use crate::measure::{During, Trouble};

const DIED: u64 = 1;

/// The boot-image index of a program.
pub fn image(path: &str) -> Result<u32, Trouble> {
    let (file, vmo) = user::boot_file(SYSTEM, path).during(path)?;
    user::handle_close(vmo).during("closing a boot file")?;
    Ok(file.index as u32)
}

/// Peers that live and die together.
pub struct Crew {
    image: u32,
    deaths: Handle,
    tasks: Vec<Handle>,
    ids: Vec<TaskId>,
}

impl Crew {
    /// Nobody yet.
    pub fn new() -> Result<Self, Trouble> {
        let deaths = user::notification_create().during("a notification")?;
        Ok(Self { image: image("bin/bench-peer")?, deaths, tasks: Vec::new(), ids: Vec::new() })
    }

    /// One more, with copies of `handles`.
    pub fn add(
        &mut self,
        role: Role,
        affinity: HartMask,
        handles: &[(Handle, Rights)],
    ) -> Result<(), Trouble> {
        let mut spawn = SpawnArgs::new(self.image);
        spawn.affinity = affinity;
        spawn.pages = 64;
        spawn.supervisor = self.deaths;
        spawn.supervisor_bits = DIED;
        spawn.args = role.name().as_ptr() as u64;
        spawn.args_len = role.name().len() as u64;
        for (slot, (handle, rights)) in spawn.given.iter_mut().skip(EXTRA_SLOT).zip(handles) {
            *slot = user::handle_copy(*handle, *rights | Rights::MOVE).during("a handle for a peer")?;
        }
        let (task, id) = user::task_spawn(SYSTEM, &spawn).during("spawning a peer")?;
        self.tasks.push(task);
        self.ids.push(id);
        Ok(())
    }

    /// Gives the peers these shares, in the order in which they came.
    pub fn share_out(&self, shares: &[u64]) -> Result<(), Trouble> {
        self.ids.iter().zip(shares).try_for_each(|(id, shares)| {
            match execd(&Request::Schedule { task: id.to_wire(), change: Change::Shares(*shares) })? {
                Answer::Scheduled { .. } => Ok(()),
                other => Err(format!("shares: {other:?}")),
            }
        })
    }

    /// How long each has run.
    pub fn ran(&self) -> Result<Vec<u64>, Trouble> {
        let each = self.tasks.iter();
        each.map(|task| user::task_status(*task).map(|it| it.cpu_ns).during("a peer's record")).collect()
    }

    /// Kills them all and waits until each is gone.
    pub fn dismiss(self) -> Result<(), Trouble> {
        // All first: one that waits for its end among many that run would wait for each of them.
        self.tasks.iter().try_for_each(|task| user::task_kill(*task).during("killing a peer"))?;
        for task in self.tasks {
            while user::task_status(task).during("a peer's state")?.exit_reason().is_none() {
                user::wait(self.deaths, Nanos::NEVER).during("a peer's end")?;
            }
            user::handle_close(task).during("closing a peer")?;
        }
        user::handle_close(self.deaths).during("closing a notification")
    }
}

/// A peer that execd has started from its recipe, in the highest class.
pub struct Urgent {
    task: u64,
    job: u32,
}

impl Urgent {
    /// Starts it; it receives from `endpoint`.
    pub fn start(role: Role, endpoint: Handle) -> Result<Self, Trouble> {
        let given =
            user::handle_copy(endpoint, Rights::RECEIVE | Rights::MOVE).during("a handle for a peer")?;
        let spawn = Spawn::new("bench-peer", role.name()).ok_or("too long for execd")?;
        let deadline = user::clock_now().after(PATIENCE);
        match ask::<Execd>(EXECD, &Request::Spawn(spawn), Some(given), deadline) {
            Ok(Answer::Spawned { job, task }) => Ok(Self { task, job }),
            other => Err(format!("an urgent peer: {other:?}")),
        }
    }

    /// Ends it and waits until it is gone.
    pub fn dismiss(self) -> Result<(), Trouble> {
        execd(&Request::Kill { task: self.task })?;
        match execd(&Request::Wait { job: self.job })? {
            Answer::Ended(_) => Ok(()),
            other => Err(format!("the end of an urgent peer: {other:?}")),
        }
    }
}

/// Longer than execd takes for anything, behind whatever is measured.
const PATIENCE: Nanos = Nanos::from_millis(60_000);

fn execd(request: &Request) -> Result<Answer, Trouble> {
    let deadline = user::clock_now().after(PATIENCE);
    ask::<Execd>(EXECD, request, None, deadline).map_err(|error| format!("asking execd: {error}"))
}
