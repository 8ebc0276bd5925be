//! What is full: a typed error, nothing lost, and everything goes on once there is room again.
//!
//! Full tables of handles and mappings are tested where their calls are, in [`super::ipc`] and
//! [`super::space`].

use std::vec::Vec;

use nexus_abi::{Call, Error, SpawnArgs, TASKS_MAX, TaskId};

use super::actor::Actor;
use super::message::Message;
use super::world::{APP, World};
use crate::mm::Frame;
use crate::mm::user_memory;

/// All ids that are left. A task gets its id before anything is made for it, so ids alone fill the table.
fn take_all_ids(world: &mut World) -> Vec<TaskId> {
    let tasks = &world.machine.tasks;
    let ids = core::iter::from_fn(|| match tasks.lock().reserve(world.hart()) {
        Ok(id) => Some(id),
        Err(error) => {
            assert_eq!(error, Error::NoSpace);
            None
        }
    });
    ids.collect()
}

#[test]
fn a_spawn_into_a_full_task_table_is_refused_and_leaves_nothing() {
    let mut world = World::new();
    let (root, victim) = (world.root, world.spawn());
    let frames = world.counts().frames;
    let ids = take_all_ids(&mut world);
    world.forgo(frames - world.counts().frames);
    let (before, handles) = (world.counts(), world.handles(root));
    assert_eq!(before.tasks as usize, TASKS_MAX);
    for _ in 0..3 {
        assert_eq!(world.try_spawn(root, SpawnArgs::new(APP)), Err(Error::NoSpace));
        assert_eq!((world.counts(), world.handles(root)), (before, handles));
    }
    world.bury(victim);
    let (child, _) = world.spawn_by(root, SpawnArgs::new(APP)).expect("the victim's place is free");
    assert_eq!(child.id().index(), victim.id().index());
    assert_ne!(child.id(), victim.id(), "an id is not used again");
    assert_eq!(world.try_spawn(root, SpawnArgs::new(APP)), Err(Error::NoSpace));
    for id in ids {
        assert!(world.machine.tasks.lock().remove(id).is_none());
    }
    assert!(world.spawn_by(root, SpawnArgs::new(APP)).is_some());
}

/// Takes every free frame of the machine.
fn hoard(world: &mut World) -> Vec<Frame> {
    core::iter::from_fn(|| world.hart().take_frame().ok()).collect()
}

fn let_go(world: &mut World, frames: Vec<Frame>) {
    frames.into_iter().for_each(|frame| world.hart().give_frame(frame));
}

#[test]
fn objects_that_find_no_memory_are_not_made() {
    for (call, args) in [(Call::EndpointCreate, 0), (Call::NotificationCreate, 0), (Call::VmoCreate, 1)] {
        let mut world = World::new();
        let task = world.spawn();
        let frames = hoard(&mut world);
        // Whatever fits into pages that hold objects already.
        let made = (0..256).take_while(|_| world.syscall(task, call, &[args]).is_ok()).count();
        assert_eq!(task.result(), Err(Error::NoMemory), "{call:?} after {made}");
        let (before, handles) = (world.counts(), world.handles(task));
        assert_eq!(world.syscall(task, call, &[args]), Err(Error::NoMemory));
        assert_eq!((world.counts(), world.handles(task)), (before, handles));
        let_go(&mut world, frames);
        assert!(world.syscall(task, call, &[args]).is_ok());
    }
}

/// Writes where the task has mapped something that was never touched.
fn touch(world: &mut World, task: Actor, address: u64) -> Result<(), Error> {
    world.run(task);
    let mut token = world.hart().take_current().unwrap();
    let result = user_memory::write(world.hart(), &mut token, address as usize, b"here");
    world.hart().put_current(token);
    result
}

#[test]
fn a_touch_succeeds_as_soon_as_there_is_a_frame_for_each_table_and_the_page() {
    const READ_WRITE: u64 = 0x60;
    const FAR: u64 = 8 << 30;
    let mut world = World::new();
    let task = world.spawn();
    let vmo = world.make(task, Call::VmoCreate, &[1]).to_wire();
    world.syscall(task, Call::VmoMap, &[vmo, 0, 1, READ_WRITE, FAR]).unwrap();
    let mut frames = hoard(&mut world);
    for _ in 0..3 {
        assert_eq!(touch(&mut world, task, FAR), Err(Error::NoMemory));
        let frame = frames.pop().unwrap();
        world.hart().give_frame(frame);
    }
    touch(&mut world, task, FAR).unwrap();
    assert_eq!(world.peek(task, FAR as usize, 4), b"here");
    assert_eq!(world.counts().frames, 0, "two tables and a page");
    let_go(&mut world, frames);
}

#[test]
fn a_message_needs_no_memory() {
    let mut world = World::new();
    let (client, to, server, at) = world.pair();
    let frames = hoard(&mut world);
    for round in 0..200 {
        world.message(server, Call::Receive, Message::at(at));
        world.message(client, Call::Call, Message::to(to, [round; 8]));
        let got = server.incoming().unwrap();
        world.exchange(server, Call::Reply, Message::answer(got.reply, [round + 1; 8])).unwrap();
        assert_eq!(client.incoming().map(|answer| answer.words), Ok([round + 1; 8]));
    }
    let_go(&mut world, frames);
}
