//! The kernel behind [`Machine`].

use core::fmt;

use execd::profile::{Client, Time};
use execd::{Launch, Machine, Orphan};
use nexus_abi::spawn::SpawnFlags;
use nexus_abi::{Error, ExitReason, Handle, Rights, SpawnArgs, TaskId, user};
use nexus_rt::startup::{EXECD, EXECD_SLOT, EXTRA_SLOT, SYSTEM, SYSTEM_SLOT};
use nexus_wire::execd::Image;

/// Where programs are in the boot image.
const PROGRAMS: &str = "bin/";
/// Longest path of a program.
const PATH_MAX: usize = PROGRAMS.len() + nexus_wire::execd::IMAGE_MAX;

/// The kernel.
#[derive(Debug)]
pub struct Os;

impl Machine for Os {
    fn spawn(&mut self, launch: &Launch<'_>) -> Result<(Handle, TaskId), Error> {
        let profile = launch.profile;
        let mut args = SpawnArgs::new(image_index(launch.image)?);
        if profile.time == Time::Precise {
            args.flags = SpawnFlags::PRECISE_TIME;
        }
        args.class = profile.class as u32;
        args.pages = profile.pages;
        args.handles = profile.objects;
        args.objects = profile.objects;
        args.affinity = launch.harts;
        args.supervisor = EXECD;
        args.supervisor_bits = launch.death_bit;
        args.args = launch.args.as_ptr() as u64;
        args.args_len = launch.args.len() as u64;
        args.given[EXTRA_SLOT] = launch.extra.unwrap_or(Handle::NONE);
        if profile.system != Rights::NONE {
            args.given[SYSTEM_SLOT] = user::handle_copy(SYSTEM, profile.system | Rights::MOVE)?;
        }
        let result = grant_endpoint(profile.client, &mut args).and_then(|()| user::task_spawn(SYSTEM, &args));
        if result.is_err() {
            for copy in
                [args.given[SYSTEM_SLOT], args.given[EXECD_SLOT]].into_iter().filter_map(Handle::present)
            {
                self.close(copy);
            }
        }
        result
    }

    fn kill(&mut self, task: Handle) -> Result<(), Error> {
        user::task_kill(task)
    }

    fn ended(&mut self, task: Handle) -> Option<ExitReason> {
        user::task_status(task).ok()?.exit_reason()
    }

    fn orphan(&mut self, from: u32) -> Option<Orphan> {
        let mut slot = from;
        while let Ok(task) = user::task_info_from(SYSTEM, slot) {
            let id = TaskId::from_wire(task.id);
            slot = id.index() + 1;
            // The kernel refuses those whose death is reported to somebody else.
            if let Ok((handle, death_bit)) = user::task_adopt(EXECD, id) {
                match Image::try_from(task.name()) {
                    Ok(image) => return Some(Orphan { image, task: handle, id, death_bit }),
                    Err(_) => self.close(handle),
                }
            }
        }
        None
    }

    fn close(&mut self, handle: Handle) {
        // It can only fail because the handle is gone, which is what is wanted.
        let _gone = user::handle_close(handle);
    }

    fn log(&mut self, line: fmt::Arguments<'_>) {
        nexus_rt::log::line(line);
    }
}

fn grant_endpoint(client: Client, args: &mut SpawnArgs) -> Result<(), Error> {
    if client == Client::Yes {
        args.given[EXECD_SLOT] = user::handle_copy(EXECD, Rights::CALL | Rights::COPY | Rights::MOVE)?;
    }
    Ok(())
}

/// Where `image` is in the boot image.
fn image_index(image: &str) -> Result<u32, Error> {
    let mut path = heapless::String::<PATH_MAX>::new();
    path.push_str(PROGRAMS).and_then(|()| path.push_str(image)).map_err(|_| Error::NotFound)?;
    let (file, vmo) = user::boot_file(SYSTEM, &path)?;
    user::handle_close(vmo)?;
    u32::try_from(file.index).map_err(|_| Error::NotFound)
}
