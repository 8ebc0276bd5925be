//! The hostile program of the device tests: asks for everything that it must not have.
//!
//! It has the right to print, and may ask execd and policyd, like any app. It ends with 0 when every attempt was
//! refused as it should be and has changed nothing of it; the first one that was not is in the log.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::format;
use alloc::string::String;
use core::fmt::Debug;

use nexus_abi::user;
use nexus_abi::{AffinityPolicy, Call, Error, Nanos, QosClass, SchedField, SpawnArgs, TaskId};
use nexus_rt::startup::{EXECD, POLICYD, SYSTEM, option};
use nexus_service::os::ask;
use nexus_wire::execd::{self, Change, Execd, Image, Refusal, Spawn};
use nexus_wire::policyd::{self, Action, Decision, Denial, May, Policyd};
use selftest_client::intrusion::{CLAIM, GONE, MORE, NO_CLASS, OTHERS, RACE, RAISES, ROLE, SERVICE, VICTIM};
use selftest_client::raw::call_raw;

nexus_rt::entry!(main);

/// Something worked.
const EXIT_BROKE_IN: i32 = 1;
/// A second of the kernel's audit.
const SECOND_NS: u64 = 1_000_000_000;
/// Between two attempts of a race: others get to run.
const BREATH: Nanos = Nanos::from_micros(50);
/// Attempts of a race, more than there is time for before the victim is killed.
const ATTEMPTS_MAX: usize = 1_000_000;
/// How long a service may take.
const PATIENCE: Nanos = Nanos::from_millis(60_000);

/// What worked, or failed in another way than it should.
type Breach = String;

fn main(args: &'static str) -> i32 {
    let task = |key| option(args, key).and_then(|id| id.parse().ok()).map(TaskId::from_wire);
    let tried = match (option(args, ROLE), task(VICTIM), task(GONE), task(SERVICE)) {
        (Some(CLAIM), Some(victim), Some(gone), Some(service)) => claim(victim, gone, service),
        (Some(RACE), Some(victim), ..) => race(victim),
        _ => Err(String::from("nobody says whom to meddle with")),
    };
    match tried.and_then(|()| unchanged()) {
        Ok(()) => 0,
        Err(breach) => {
            nexus_rt::log!("[intruder] {breach}");
            EXIT_BROKE_IN
        }
    }
}

/// Everything once. It begins with a second, so that the kernel's audit has room for all of it.
fn claim(victim: TaskId, gone: TaskId, service: TaskId) -> Result<(), Breach> {
    let second = user::clock_now().0 / SECOND_NS + 1;
    user::sleep_until(Nanos(second * SECOND_NS));
    raise_oneself()?;
    meddle_with(victim)?;
    meddle_with(service)?;
    forge(victim, gone)?;
    reach_beyond_its_rights(victim)?;
    ask_execd(victim, gone, service)?;
    pretend_to_be_others()
}

fn raise_oneself() -> Result<(), Breach> {
    for target in [TaskId::NONE, user::task_self()] {
        for class in RAISES {
            refused("raising itself", user::set_qos(target, class), Error::Denied)?;
        }
    }
    for (field, value) in MORE {
        let set = user::sched_set(TaskId::NONE, field, value, 0);
        refused("more for itself", set, Error::Denied)?;
    }
    Ok(())
}

/// Neither up nor down.
fn meddle_with(other: TaskId) -> Result<(), Breach> {
    for class in QosClass::ALL {
        refused("another task's class", user::set_qos(other, class), Error::Denied)?;
    }
    for (field, value) in OTHERS {
        let set = user::sched_set(other, field, value, AffinityPolicy::Pin.to_wire());
        refused("another task's field", set, Error::Denied)?;
        refused("reading another task", user::sched_get(other, field), Error::Denied)?;
    }
    Ok(())
}

/// Ids of the dead, of generations that never were, of nobody; and classes that do not exist.
fn forge(victim: TaskId, gone: TaskId) -> Result<(), Breach> {
    refused("a dead task's class", user::set_qos(gone, QosClass::PerfBurst), Error::Invalid)?;
    refused("a dead task's shares", user::sched_set(gone, SchedField::Shares, 1, 0), Error::Invalid)?;
    let later = |id: TaskId| TaskId::new(id.index(), id.generation() + 1);
    for forged in [later(user::task_self()), later(victim), TaskId::from_wire(u64::MAX)] {
        refused("a forged id", user::set_qos(forged, QosClass::PerfBurst), Error::Invalid)?;
    }
    for class in NO_CLASS {
        let (status, ..) = call_raw(Call::TaskQos.to_wire(), [1, 0, class, 0, 0]);
        same("a class out of range", status, Error::Invalid.to_wire())?;
    }
    Ok(())
}

/// Other ways to a better class, all of which need a right or a handle that it does not have.
fn reach_beyond_its_rights(victim: TaskId) -> Result<(), Breach> {
    let mut spawn = SpawnArgs::new(0);
    spawn.class = QosClass::PerfBurst as u32;
    refused("starting a program", user::task_spawn(SYSTEM, &spawn), Error::Denied)?;
    refused("looking at tasks", user::task_info_from(SYSTEM, 0), Error::Denied)?;
    refused("adopting another's child", user::task_adopt(EXECD, victim), Error::Denied)
}

/// No rule names it, so neither for itself nor for others, whether they exist or not.
fn ask_execd(victim: TaskId, gone: TaskId, service: TaskId) -> Result<(), Breach> {
    let ask = |request: execd::Request| {
        ask::<Execd>(EXECD, &request, None, patience()).map_err(|error| format!("asking execd: {error}"))
    };
    let burst = Change::Class(QosClass::PerfBurst.to_wire());
    let denied = execd::Answer::Refused(Refusal::Denied(Denial::NoRuleForSubject));
    for (target, change) in [
        (TaskId::NONE, Change::Class(QosClass::Interactive.to_wire())),
        (TaskId::NONE, burst),
        (user::task_self(), Change::Shares(501)),
        (victim, burst),
        (gone, burst),
        (service, Change::Class(QosClass::Idle.to_wire())),
    ] {
        let request = execd::Request::Schedule { task: target.to_wire(), change };
        same("execd's help", ask(request)?, denied.clone())?;
    }
    let spawn = Spawn::new("peer", "").ok_or("too long for execd")?.at(QosClass::PerfBurst);
    for request in [execd::Request::Spawn(spawn), execd::Request::Kill { task: victim.to_wire() }] {
        same("control of programs", ask(request)?, execd::Answer::Refused(Refusal::NotAllowed))?;
    }
    Ok(())
}

/// policyd believes the kernel's stamp and no name in a message.
fn pretend_to_be_others() -> Result<(), Breach> {
    let name = |text: &str| Image::try_from(text).map_err(|_| String::from("a name too long"));
    let not_privileged = policyd::Answer::Decided(Decision::Deny(Denial::NotPrivileged));
    let ask = |request: policyd::Request| {
        ask::<Policyd>(POLICYD, &request, None, patience())
            .map_err(|error| format!("asking policyd: {error}"))
    };
    for subject in ["execd", "shell", "peer"] {
        let may = May { subject: name(subject)?, action: Action::QosPerfBurst, object: name("intruder")? };
        same("a question in another's name", ask(policyd::Request::May(may))?, not_privileged.clone())?;
    }
    same("reading the audit", ask(policyd::Request::Audit { from: 0 })?, not_privileged)
}

/// Whatever moment the victim dies at: refused while it lives, unknown from then on.
fn race(victim: TaskId) -> Result<(), Breach> {
    for _ in 0..ATTEMPTS_MAX {
        match user::set_qos(victim, QosClass::PerfBurst) {
            // POLL: it tries at a pace until it is refused otherwise.
            Err(Error::Denied) => user::sleep_until(user::clock_now().after(BREATH)),
            Err(Error::Invalid) => return Ok(()),
            other => return Err(format!("a dying task's class: {other:?}")),
        }
    }
    Err(String::from("the victim lives for ever"))
}

/// It is scheduled like any program that no recipe mentions.
fn unchanged() -> Result<(), Breach> {
    same("its class", user::qos(), Ok(QosClass::Normal))?;
    let fields = SchedField::ALL.map(|field| user::sched_get(TaskId::NONE, field));
    let any = (u64::MAX, AffinityPolicy::Any.to_wire());
    same("its fields", fields, [Ok(any), Ok((100, 0)), Ok((0, 0)), Ok((0, 0))])
}

fn refused<T: Debug>(what: &str, result: Result<T, Error>, wanted: Error) -> Result<(), Breach> {
    match result {
        Err(error) if error == wanted => Ok(()),
        other => Err(format!("{what}: {other:?} instead of {wanted:?}")),
    }
}

fn same<T: PartialEq + Debug>(what: &str, seen: T, wanted: T) -> Result<(), Breach> {
    if seen == wanted { Ok(()) } else { Err(format!("{what}: {seen:?} instead of {wanted:?}")) }
}

fn patience() -> Nanos {
    user::clock_now().after(PATIENCE)
}
