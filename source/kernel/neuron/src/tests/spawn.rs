//! Birth: what a spawner may ask for, and that a refusal leaves nothing behind.

use nexus_abi::spawn::SpawnFlags;
use nexus_abi::{Call, Error, Handle, HartMask, QosClass, Rights, ServiceId, SpawnArgs};

use super::actor::SYSTEM;
use super::image::{DATA, DATA_BYTES};
use super::world::{APP, EXECD, IMAGES, World};
use crate::task::registers::Reg;

/// An archive index that is a file but not a program.
const README: u32 = IMAGES.len() as u32;
const BROKEN: u32 = README + 1;

#[test]
fn a_new_task_finds_its_data_its_arguments_and_its_handles() {
    let mut world = World::new();
    let root = world.root;
    world.poke(root, DATA + 64, b"--verbose");
    let given = world.make(root, Call::NotificationCreate, &[]);
    let mut args = SpawnArgs::new(APP);
    (args.args, args.args_len) = (DATA as u64 + 64, 9);
    args.given[2] = given;
    let (child, _) = world.spawn_by(root, args).unwrap();
    let registers = child.registers();
    let (address, len) = (registers.arg(0) as usize, registers.arg(1) as usize);
    assert_eq!(world.peek(child, address, len), b"--verbose");
    assert_eq!(registers.get(Reg::Sp) % 16, 0);
    assert!((2..31).filter(|n| ![2, 10, 11].contains(n)).all(|n| registers.raw()[n] == 0));
    world.poke(child, DATA + 2000, b"touched");
    assert_eq!(world.peek(child, DATA, DATA_BYTES.len()), DATA_BYTES);
    assert_eq!(world.syscall(child, Call::Notify, &[Handle::startup(2).to_wire(), 1]), Ok((0, 0)));
    for empty in [0, 1, 3] {
        let closed = world.syscall(child, Call::HandleClose, &[Handle::startup(empty).to_wire()]);
        assert_eq!(closed, Err(Error::BadHandle));
    }
    assert_eq!(world.syscall(root, Call::Notify, &[given.to_wire(), 1]), Err(Error::BadHandle), "it moved");
}

#[test]
fn test_reject_service_identity_for_an_unprivileged_spawner() {
    let mut world = World::new();
    let root = world.root;
    let rights = Rights::SPAWN | Rights::MOVE;
    let mut args = SpawnArgs::new(APP);
    args.given[1] = world.make(root, Call::HandleCopy, &[SYSTEM.to_wire(), rights.to_wire()]);
    let (app, _) = world.spawn_by(root, args).unwrap();
    for (spawner, identity) in [(root, ServiceId::EXECD), (app, ServiceId::APP)] {
        let (child, _) = world.spawn_by(spawner, SpawnArgs::new(EXECD)).unwrap();
        let task = world.machine.tasks.lock().get(child.id()).unwrap();
        assert_eq!(task.stamp().service(), identity);
        world.hart().release_task(task);
    }
}

type Change = fn(&mut SpawnArgs);

/// Changes to acceptable arguments, each with what it is refused with.
fn refusals() -> std::vec::Vec<(Change, Error)> {
    std::vec![
        (|args| args.image = 999, Error::NotFound),
        (|args| args.image = README, Error::NotFound),
        (|args| args.image = BROKEN, Error::NotFound),
        (|args| args.class = 4, Error::Invalid),
        (|args| args.flags = SpawnFlags(2), Error::Invalid),
        (|args| args.handles = 0, Error::Invalid),
        (|args| args.handles = 1025, Error::Invalid),
        (|args| args.stack_pages = 0, Error::Invalid),
        (|args| args.stack_pages = 129, Error::Invalid),
        (|args| args.stack_pages = u32::MAX, Error::Invalid),
        (|args| args.affinity = HartMask(0), Error::Invalid),
        (|args| args.affinity = HartMask(1 << 63), Error::Invalid),
        (|args| args.args_len = 2049, Error::Invalid),
        (|args| args.args_len = u64::MAX, Error::Invalid),
        (|args| (args.args, args.args_len) = (0x2000_0000, 8), Error::BadAddress),
        (|args| (args.args, args.args_len) = (u64::MAX - 3, 8), Error::BadAddress),
        (|args| args.given[0] = Handle::new(500, 1), Error::BadHandle),
        (
            |args| args.given = [SYSTEM, SYSTEM, SYSTEM, SYSTEM, SYSTEM, SYSTEM, SYSTEM, SYSTEM],
            Error::Invalid
        ),
        (|args| args.supervisor = Handle::new(500, 1), Error::BadHandle),
        (|args| args.supervisor = SYSTEM, Error::WrongKind),
        (|args| args.pages = 0, Error::OverQuota),
        (|args| args.pages = 2, Error::OverQuota),
        (|args| args.objects = 0, Error::OverQuota),
    ]
}

#[test]
fn what_is_out_of_range_is_refused_and_leaves_nothing() {
    let mut world = World::new();
    let root = world.root;
    let (_, handle) = world.spawn_by(root, SpawnArgs::new(APP)).unwrap();
    let (before, handles) = (world.counts(), world.handles(root));
    for (n, (change, error)) in refusals().into_iter().enumerate() {
        let mut args = SpawnArgs::new(APP);
        change(&mut args);
        assert_eq!(world.try_spawn(root, args), Err(error), "refusal {n}");
        assert_eq!((world.counts(), world.handles(root)), (before, handles), "refusal {n}");
    }
    world.syscall(root, Call::HandleClose, &[handle.to_wire()]).unwrap();
}

#[test]
fn handles_without_the_right_are_not_given() {
    let mut world = World::new();
    let root = world.root;
    let bits = world.make(root, Call::NotificationCreate, &[]).to_wire();
    let fixed = world.make(root, Call::HandleCopy, &[bits, Rights::NOTIFY.to_wire()]);
    let deaf = world.make(root, Call::HandleCopy, &[bits, Rights::RECEIVE.to_wire()]);
    let mut args = SpawnArgs::new(APP);
    args.given[3] = fixed;
    assert_eq!(world.try_spawn(root, args), Err(Error::Denied));
    let mut args = SpawnArgs::new(APP);
    args.supervisor = deaf;
    assert_eq!(world.try_spawn(root, args), Err(Error::Denied));
    args.supervisor = fixed;
    assert!(world.spawn_by(root, args).is_some());
}

#[test]
fn a_supervisor_that_is_dead_already_is_refused() {
    let mut world = World::new();
    let (root, owner) = (world.root, world.spawn());
    let bits = world.make(owner, Call::NotificationCreate, &[]);
    let mut args = SpawnArgs::new(APP);
    args.supervisor = world.grant(owner, bits, root, Rights::NOTIFY);
    world.bury(owner);
    assert_eq!(world.try_spawn(root, args), Err(Error::Dead));
}

#[test]
fn a_spawner_without_privilege_gets_normal_tasks_only() {
    let mut world = World::new();
    let root = world.root;
    let mut args = SpawnArgs::new(APP);
    args.given[1] = world.make(root, Call::HandleCopy, &[SYSTEM.to_wire(), Rights::ALL.to_wire()]);
    let (app, _) = world.spawn_by(root, args).unwrap();
    for class in [QosClass::Interactive, QosClass::PerfBurst] {
        let mut args = SpawnArgs::new(APP);
        args.class = class as u32;
        assert_eq!(world.try_spawn(app, args), Err(Error::Denied));
    }
    let mut args = SpawnArgs::new(APP);
    args.flags = SpawnFlags::PRECISE_TIME;
    assert_eq!(world.try_spawn(app, args), Err(Error::Denied));
    let (child, _) = world.spawn_by(app, SpawnArgs::new(APP)).unwrap();
    assert_eq!(child.shared().class(), QosClass::Normal);
}

#[test]
fn a_task_may_be_limited_to_a_single_handle() {
    let mut world = World::new();
    let mut args = SpawnArgs::new(APP);
    args.handles = 1;
    let (child, _) = world.spawn_by(world.root, args).expect("a limit from 1 on is in range");
    world.make(child, Call::NotificationCreate, &[]);
    assert_eq!(world.syscall(child, Call::NotificationCreate, &[]), Err(Error::OverQuota));
}

#[test]
fn more_handles_than_the_child_may_hold_are_not_given() {
    let mut world = World::new();
    let root = world.root;
    let mut args = SpawnArgs::new(APP);
    args.handles = 1;
    args.given[0] = world.make(root, Call::NotificationCreate, &[]);
    args.given[1] = world.make(root, Call::NotificationCreate, &[]);
    assert_eq!(world.try_spawn(root, args), Err(Error::OverQuota));
    world.syscall(root, Call::Notify, &[args.given[1].to_wire(), 1]).unwrap();
}

#[test]
fn memory_running_out_at_any_point_of_a_spawn_leaves_nothing() {
    let mut world = World::new();
    let root = world.root;
    let (first, handle) = world.spawn_by(root, SpawnArgs::new(APP)).unwrap();
    let _alive = first;
    let mut hoard = std::vec::Vec::new();
    while let Ok(frame) = world.hart().take_frame() {
        hoard.push(frame);
    }
    let handles = world.handles(root);
    let mut spawned = 0;
    for _ in 0..64 {
        let before = world.counts();
        match world.spawn_by(root, SpawnArgs::new(APP)) {
            Some(_) => spawned += 1,
            None => {
                assert_eq!(root.result(), Err(Error::NoMemory));
                assert_eq!((world.counts(), world.handles(root)), (before, handles + spawned));
            }
        }
        if let Some(frame) = hoard.pop() {
            world.hart().give_frame(frame);
        }
    }
    assert!(spawned > 0);
    for frame in hoard {
        world.hart().give_frame(frame);
    }
    world.syscall(root, Call::HandleClose, &[handle.to_wire()]).unwrap();
}
