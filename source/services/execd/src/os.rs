//! The kernel, policyd and timed behind [`Machine`].

use core::fmt;

use execd::{JUDGE, Launch, Machine, Orphan, TIMEKEEPER};
use nexus_abi::info::{TaskInfo, TaskState};
use nexus_abi::spawn::SpawnFlags;
use nexus_abi::{
    BurstHint, Error, ExitReason, Handle, HartMask, LatencyHint, Nanos, QosClass, Rights, SchedField, Shares,
    SpawnArgs, TaskId, user,
};
use nexus_rt::startup::{
    EXECD, EXECD_SLOT, EXTRA_SLOT, POLICYD, POLICYD_SLOT, SYSTEM, SYSTEM_SLOT, TIMED, TIMED_SLOT,
};
use nexus_service::os::ask;
use nexus_wire::execd::Image;
use nexus_wire::policyd::{Answer, Decision, May, Policyd, Request};
use nexus_wire::recipe::{Endpoint, Placement, Profile, Time};
use nexus_wire::timed::{self, Govern, Timed};

/// Where programs are in the boot image.
const PROGRAMS: &str = "bin/";
/// Longest path of a program.
const PATH_MAX: usize = PROGRAMS.len() + nexus_wire::execd::IMAGE_MAX;
/// How long policyd and timed may take: they never wait for anything, so this is long, but everybody waits for execd.
const PATIENCE: Nanos = Nanos::from_millis(1_000);

/// What a program that uses a service gets of its endpoint.
const CLIENT: Rights = Rights::CALL.union(Rights::COPY).union(Rights::MOVE);
/// What the service itself gets.
const SERVER: Rights = Rights::RECEIVE.union(Rights::MOVE);

/// The kernel, and policyd behind its endpoint.
#[derive(Debug)]
pub struct Os;

impl Machine for Os {
    fn spawn(&mut self, launch: &Launch<'_>) -> Result<(Handle, TaskId), Error> {
        let profile = launch.profile;
        let mut args = SpawnArgs::new(image_index(launch.image)?);
        if profile.time == Time::Precise {
            args.flags = SpawnFlags::PRECISE_TIME;
        }
        args.pages = profile.pages;
        args.handles = profile.objects;
        args.objects = profile.objects;
        args.affinity = launch.harts;
        args.supervisor = EXECD;
        args.supervisor_bits = launch.death_bit;
        args.args = launch.args.as_ptr() as u64;
        args.args_len = launch.args.len() as u64;
        let granted = grant(launch.image, profile, &mut args.given);
        args.given[EXTRA_SLOT] = launch.extra.unwrap_or(Handle::NONE);
        let result = granted.and_then(|()| user::task_spawn(SYSTEM, &args));
        if result.is_err() {
            args.given[EXTRA_SLOT] = Handle::NONE;
            for copy in args.given.into_iter().filter_map(Handle::present) {
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

    fn image_of(&mut self, task: TaskId) -> Option<Image> {
        let record = user::task_info_from(SYSTEM, task.index()).ok()?;
        let found = record.id == task.to_wire() && is_alive(&record);
        found.then(|| Image::try_from(record.name()).ok()).flatten()
    }

    fn set_class(&mut self, task: TaskId, class: QosClass) -> Result<(), Error> {
        user::set_qos(task, class)
    }

    fn set_affinity(&mut self, task: TaskId, place: Placement) -> Result<HartMask, Error> {
        let (harts, _) = user::sched_set(task, SchedField::Affinity, place.harts.0, place.policy.to_wire())?;
        Ok(HartMask(harts))
    }

    fn set_shares(&mut self, task: TaskId, shares: Shares) -> Result<Shares, Error> {
        let (stored, _) = user::sched_set(task, SchedField::Shares, shares.get().into(), 0)?;
        Shares::exact(stored).ok_or(Error::Invalid)
    }

    fn set_latency(&mut self, task: TaskId, latency: LatencyHint) -> Result<LatencyHint, Error> {
        let (stored, _) = user::sched_set(task, SchedField::LatencyMs, latency.as_ms().into(), 0)?;
        LatencyHint::exact_ms(stored).ok_or(Error::Invalid)
    }

    fn set_burst(&mut self, task: TaskId, burst: BurstHint) -> Result<BurstHint, Error> {
        let (stored, _) = user::sched_set(task, SchedField::BurstMs, burst.as_ms().into(), 0)?;
        BurstHint::exact_ms(stored).ok_or(Error::Invalid)
    }

    fn decide(&mut self, question: &May) -> Option<Decision> {
        let deadline = user::clock_now().after(PATIENCE);
        match ask::<Policyd>(POLICYD, &Request::May(question.clone()), None, deadline) {
            Ok(Answer::Decided(decision)) => Some(decision),
            Ok(Answer::Audit(_)) | Err(_) => None,
        }
    }

    fn forget_timers(&mut self, task: TaskId) {
        let deadline = user::clock_now().after(PATIENCE);
        let ended = timed::Request::Govern(Govern::Ended { task: task.to_wire() });
        // A timed that does not answer finds out by itself when it runs out of room.
        let _answer = ask::<Timed>(TIMED, &ended, None, deadline);
    }

    fn close(&mut self, handle: Handle) {
        // It can only fail because the handle is gone, which is what is wanted.
        let _gone = user::handle_close(handle);
    }

    fn log(&mut self, line: fmt::Arguments<'_>) {
        nexus_rt::log::line(line);
    }
}

/// Makes the handles a program starts with.
fn grant(image: &str, profile: &Profile, given: &mut [Handle]) -> Result<(), Error> {
    if profile.rights != Rights::NONE {
        given[SYSTEM_SLOT] = user::handle_copy(SYSTEM, profile.rights | Rights::MOVE)?;
    }
    for endpoint in &profile.uses {
        let (slot, handle) = match endpoint {
            Endpoint::Execd => (EXECD_SLOT, EXECD),
            Endpoint::Policyd => (POLICYD_SLOT, POLICYD),
            Endpoint::Timed => (TIMED_SLOT, TIMED),
        };
        given[slot] = user::handle_copy(handle, CLIENT)?;
    }
    match image {
        JUDGE => given[POLICYD_SLOT] = user::handle_copy(POLICYD, SERVER)?,
        TIMEKEEPER => given[TIMED_SLOT] = user::handle_copy(TIMED, SERVER)?,
        _ => {}
    }
    Ok(())
}

fn is_alive(task: &TaskInfo) -> bool {
    task.state != TaskState::Dead as u64 && task.state != TaskState::Dying as u64
}

/// Where `image` is in the boot image.
fn image_index(image: &str) -> Result<u32, Error> {
    let mut path = heapless::String::<PATH_MAX>::new();
    path.push_str(PROGRAMS).and_then(|()| path.push_str(image)).map_err(|_| Error::NotFound)?;
    let (file, vmo) = user::boot_file(SYSTEM, &path)?;
    user::handle_close(vmo)?;
    u32::try_from(file.index).map_err(|_| Error::NotFound)
}
