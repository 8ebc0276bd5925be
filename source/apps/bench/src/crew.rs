//! Peers: starting them, and getting rid of them without a trace.

use alloc::vec::Vec;

use bench::Role;
use nexus_abi::user;
use nexus_abi::{Handle, HartMask, Nanos, Rights, SpawnArgs};
use nexus_rt::startup::{EXTRA_SLOT, SYSTEM};

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
}

impl Crew {
    /// Nobody yet.
    pub fn new() -> Result<Self, Trouble> {
        let deaths = user::notification_create().during("a notification")?;
        Ok(Self { image: image("bin/bench-peer")?, deaths, tasks: Vec::new() })
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
        let (task, _) = user::task_spawn(SYSTEM, &spawn).during("spawning a peer")?;
        self.tasks.push(task);
        Ok(())
    }

    /// Kills them all and waits until each is gone.
    pub fn dismiss(self) -> Result<(), Trouble> {
        for task in self.tasks {
            user::task_kill(task).during("killing a peer")?;
            while user::task_status(task).during("a peer's state")?.exit_reason().is_none() {
                user::wait(self.deaths, Nanos::NEVER).during("a peer's end")?;
            }
            user::handle_close(task).during("closing a peer")?;
        }
        user::handle_close(self.deaths).during("closing a notification")
    }
}
