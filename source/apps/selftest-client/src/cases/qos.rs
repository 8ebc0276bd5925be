//! Classes are set, and refused, exactly as the contract says.

use nexus_abi::user;
use nexus_abi::{Call, Error, QosClass, TaskId};
use selftest_client::raw::call_raw;

use crate::check::{Because, Verdict, refused, same};
use crate::ledger::leaves_nothing;
use crate::partner::{Partner, image};
use selftest_client::Op;

const GET: u64 = 0;
const SET: u64 = 1;

pub fn run() -> Verdict {
    leaves_nothing("changing classes", oneself)?;
    leaves_nothing("changing others", others)?;
    leaves_nothing("spawning above oneself", spawned)
}

/// Lower or equal is allowed, raising is not, and nonsense is refused and never clamped.
fn oneself() -> Verdict {
    let peer = Partner::spawn()?;
    let class = |peer: &Partner| peer.ask(Op::Qos, &[GET, 0, 0]).map(|(class, _)| class);
    let set = |peer: &Partner, op, target, class| match peer.try_ask(Op::Qos, &[op, target, class], None) {
        Ok(answer) => answer,
        Err(error) => Err(error),
    };
    same("a new task's class", class(&peer)?, QosClass::Normal as u64)?;
    let me = peer.id().to_wire();
    for (what, op, target, value, error) in [
        ("an unknown operation", 2, 0, 1, Error::Invalid),
        ("an operation out of range", u64::MAX, 0, 1, Error::Invalid),
        ("a class out of range", SET, 0, 4, Error::Invalid),
        ("a class far out of range", SET, 0, u64::MAX, Error::Invalid),
        ("a target that does not exist", SET, 0xffff_ffff, 1, Error::Invalid),
        (
            "a target of an earlier generation",
            SET,
            TaskId::new(peer.id().index(), 0xfff_ffff).to_wire(),
            1,
            Error::Invalid,
        ),
        ("raising oneself", SET, 0, QosClass::Interactive as u64, Error::Denied),
        ("raising oneself by id", SET, me, QosClass::Interactive as u64, Error::Denied),
        ("raising oneself to the top", SET, 0, QosClass::PerfBurst as u64, Error::Denied),
    ] {
        refused(what, set(&peer, op, target, value), error)?;
        same("the class after a refusal", class(&peer)?, QosClass::Normal as u64)?;
    }
    set(&peer, SET, 0, QosClass::Normal as u64).because("an equal class")?;
    set(&peer, SET, me, QosClass::Idle as u64).because("a lower class")?;
    same("the lower class", class(&peer)?, QosClass::Idle as u64)?;
    same("the lower class in the record", peer.status()?.class, QosClass::Idle as u64)?;
    refused("going back up", set(&peer, SET, 0, QosClass::Normal as u64), Error::Denied)?;
    peer.end()
}

/// Nobody without privilege touches another task, not even downwards; this test has none.
fn others() -> Verdict {
    let peer = Partner::spawn()?;
    for class in QosClass::ALL {
        refused("another task's class", user::set_qos(peer.id(), class), Error::Denied)?;
    }
    same("the other task's class", peer.status()?.class, QosClass::Normal as u64)?;
    let mine = user::own_info().because("own record")?.id;
    let down = peer.try_ask(Op::Qos, &[SET, mine, 0], None).because("asking")?;
    refused("lowering the test", down, Error::Denied)?;
    let id = peer.id();
    peer.end()?;
    refused("a dead task's class", user::set_qos(id, QosClass::Idle), Error::Invalid)?;
    let (status, class, _) = call_raw(Call::TaskQos.to_wire(), [GET, u64::MAX, u64::MAX, 0, 0]);
    same("reading ignores the other arguments", (status, class), (0, QosClass::Normal as u64))
}

/// A class above Normal and precise time need a privileged spawner.
fn spawned() -> Verdict {
    let program = image(crate::partner::PEER)?;
    for class in [QosClass::Interactive, QosClass::PerfBurst] {
        let mut args = nexus_abi::SpawnArgs::new(program);
        args.class = class as u32;
        let spawned = user::task_spawn(nexus_rt::startup::SYSTEM, &args);
        refused("spawning above Normal", spawned, Error::Denied)?;
    }
    let mut args = nexus_abi::SpawnArgs::new(program);
    args.class = 4;
    refused("an unknown class", user::task_spawn(nexus_rt::startup::SYSTEM, &args), Error::Invalid)?;
    args.class = 1;
    args.flags = nexus_abi::spawn::SpawnFlags::PRECISE_TIME;
    refused("precise time", user::task_spawn(nexus_rt::startup::SYSTEM, &args), Error::Denied)?;
    args.flags = nexus_abi::spawn::SpawnFlags(2);
    refused("an unknown flag", user::task_spawn(nexus_rt::startup::SYSTEM, &args), Error::Invalid)
}
