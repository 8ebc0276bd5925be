//! Death: from every state, on any hart, everything comes back and everybody is told.
//!
//! That every frame and object came back is checked by the end of every world; these tests see to it that
//! there is something to lose.

use nexus_abi::{Call, Error, ExitReason, Handle, Nanos, Rights, SpawnArgs};

use super::actor::{Actor, SYSTEM};
use super::image::DATA;
use super::message::Message;
use super::world::{APP, World};
use crate::arch::Trap;
use crate::mm::page_table::Access;

#[test]
fn whoever_receives_the_news_of_a_death_takes_the_task_over() {
    let mut world = World::new();
    let (root, heir) = (world.root, world.spawn());
    let deaths = world.make(root, Call::NotificationCreate, &[]);
    let mut args = SpawnArgs::new(APP);
    (args.supervisor, args.supervisor_bits) = (deaths, 0b1000);
    let (child, given) = world.spawn_by(root, args).unwrap();
    world.syscall(root, Call::HandleClose, &[given.to_wire()]).unwrap();
    let here = world.grant(root, deaths, heir, Rights::RECEIVE).to_wire();
    let (adopted, bits) = world.syscall(heir, Call::TaskAdopt, &[here, child.id().to_wire()]).unwrap();
    assert_eq!(bits, 0b1000);
    world.syscall(heir, Call::TaskKill, &[adopted]).unwrap();
    assert_eq!(world.bury(child), ExitReason::Killed);
    assert_eq!(world.syscall(heir, Call::Wait, &[here, 0]), Ok((0b1000, 0)));
    let late = world.syscall(heir, Call::TaskAdopt, &[here, child.id().to_wire()]);
    assert_eq!(late, Err(Error::NotFound), "it is dead");
}

#[test]
fn test_reject_adoption_by_who_is_not_told_of_the_death() {
    let mut world = World::new();
    let root = world.root;
    let deaths = world.make(root, Call::NotificationCreate, &[]);
    let other = world.make(root, Call::NotificationCreate, &[]);
    let mut args = SpawnArgs::new(APP);
    (args.supervisor, args.supervisor_bits) = (deaths, 1);
    let (child, _) = world.spawn_by(root, args).unwrap();
    let (orphan, _) = world.spawn_by(root, SpawnArgs::new(APP)).unwrap();
    let deaf = world.make(root, Call::HandleCopy, &[deaths.to_wire(), Rights::NOTIFY.to_wire()]);
    let (before, handles) = (world.counts(), world.handles(root));
    let cases = [
        (Handle::NONE, child, Error::BadHandle),
        (SYSTEM, child, Error::WrongKind),
        (deaf, child, Error::Denied),
        (other, child, Error::Denied),
        (deaths, orphan, Error::Denied),
        (deaths, root, Error::Denied),
    ];
    for (n, (at, task, error)) in cases.into_iter().enumerate() {
        let args = [at.to_wire(), task.id().to_wire()];
        assert_eq!(world.syscall(root, Call::TaskAdopt, &args), Err(error), "case {n}");
    }
    assert_eq!(world.syscall(root, Call::TaskAdopt, &[deaths.to_wire(), 0]), Err(Error::NotFound));
    assert_eq!((world.counts(), world.handles(root)), (before, handles));
}

/// Ways to stand still.
#[derive(Clone, Copy, Debug)]
enum State {
    Ready,
    Sleeping,
    SleepingUntil,
    Receiving,
    ReceivingUntil,
    Calling,
    CallingUntil,
    AwaitingReply,
    AwaitingReplyUntil,
    WaitingForBits,
}

const STATES: [State; 10] = [
    State::Ready,
    State::Sleeping,
    State::SleepingUntil,
    State::Receiving,
    State::ReceivingUntil,
    State::Calling,
    State::CallingUntil,
    State::AwaitingReply,
    State::AwaitingReplyUntil,
    State::WaitingForBits,
];

/// Puts a task into a state; its peer is the other side where there is one.
fn enter(world: &mut World, task: Actor, peer: Actor, state: State) {
    let soon = Nanos::from_millis(50);
    let at = world.make(task, Call::EndpointCreate, &[]);
    let far = world.make(peer, Call::EndpointCreate, &[]);
    let to = world.grant(peer, far, task, Rights::CALL);
    let call = Message::to(to, [0; 8]);
    match state {
        State::Ready => {}
        State::Sleeping => world.begin(task, Call::Wait, &[0, u64::MAX]),
        State::SleepingUntil => world.begin(task, Call::Wait, &[0, soon.0]),
        State::Receiving => world.message(task, Call::Receive, Message::at(at)),
        State::ReceivingUntil => world.message(task, Call::Receive, Message::at(at).until(soon)),
        State::Calling => world.message(task, Call::Call, call),
        State::CallingUntil => world.message(task, Call::Call, call.until(soon)),
        State::AwaitingReply | State::AwaitingReplyUntil => {
            let until = if matches!(state, State::AwaitingReply) { Nanos::NEVER } else { soon };
            world.message(task, Call::Call, call.until(until));
            world.exchange(peer, Call::Receive, Message::at(far)).unwrap();
        }
        State::WaitingForBits => {
            let bits = world.make(task, Call::NotificationCreate, &[]);
            world.begin(task, Call::Wait, &[bits.to_wire(), u64::MAX]);
        }
    }
    assert_eq!(task.waits(), !matches!(state, State::Ready), "{state:?}");
}

/// Gives a task something of everything.
fn furnish(world: &mut World, task: Actor) {
    let vmo = world.make(task, Call::VmoCreate, &[700]);
    let (at, _) = world.syscall(task, Call::VmoMap, &[vmo.to_wire(), 0, 700, 0x60, 0]).unwrap();
    for page in [0, 23, 24, 600, 699] {
        world.poke(task, at as usize + page * 4096, b"touched");
    }
    world.make(task, Call::EndpointCreate, &[]);
    world.make(task, Call::NotificationCreate, &[]);
}

#[test]
fn a_task_killed_in_any_state_leaves_nothing_behind() {
    for harts in [1, 2] {
        for state in STATES {
            let mut world = World::with(harts, 2048);
            let (task, peer) = (world.spawn(), world.spawn());
            furnish(&mut world, task);
            if harts == 2 {
                world.move_to(task, 1);
            }
            enter(&mut world, task, peer, state);
            world.hart_at(0);
            assert_eq!(world.bury(task), ExitReason::Killed, "{state:?}");
            world.pass(100_000_000);
            assert_eq!(task.shared().account.pages(), 0, "{state:?}");
            assert_eq!(task.shared().account.objects(), 0, "{state:?}");
        }
    }
}

#[test]
fn a_peer_dying_in_any_state_tells_whoever_waits_for_it() {
    for state in STATES {
        let mut world = World::new();
        let (task, peer) = (world.spawn(), world.spawn());
        enter(&mut world, task, peer, state);
        world.bury(peer);
        let expected = matches!(
            state,
            State::Calling | State::CallingUntil | State::AwaitingReply | State::AwaitingReplyUntil
        );
        if expected {
            assert_eq!(task.result(), Err(Error::Dead), "{state:?}");
        } else {
            assert_eq!(task.waits(), !matches!(state, State::Ready), "{state:?}");
        }
    }
}

#[test]
fn the_supervisor_hears_of_it_last_and_can_read_why() {
    let mut world = World::new();
    let root = world.root;
    let bits = world.make(root, Call::NotificationCreate, &[]);
    let mut args = SpawnArgs::new(APP);
    (args.supervisor, args.supervisor_bits) = (bits, 4);
    let (child, handle) = world.spawn_by(root, args).unwrap();
    world.begin(child, Call::TaskExit, &[-3_i64 as u64]);
    assert_eq!(world.syscall(root, Call::Wait, &[bits.to_wire(), u64::MAX]), Ok((4, 0)));
    assert_eq!(child.shared().exit_reason(), Some(ExitReason::Exited(-3)));
    world.syscall(root, Call::TaskStatus, &[handle.to_wire(), DATA as u64]).unwrap();
    assert_eq!(world.syscall(root, Call::TaskKill, &[handle.to_wire()]), Err(Error::Dead));
}

#[test]
fn a_task_that_does_what_is_forbidden_ends_with_the_address() {
    let mut world = World::new();
    let task = world.spawn();
    world.run(task);
    let trap = Trap::PageFault { address: 0xdead_0000, access: Access::USER_WRITE, cause: 15 };
    crate::syscall::trap(world.hart(), trap);
    let reason = task.shared().exit_reason();
    assert!(matches!(reason, Some(ExitReason::Fault { cause: 15, address: 0xdead_0000, .. })), "{reason:?}");
}

#[test]
fn a_task_that_unmaps_what_it_touched_still_gives_its_tables_back() {
    let mut world = World::new();
    let task = world.spawn();
    let vmo = world.make(task, Call::VmoCreate, &[1]).to_wire();
    for at in [1_u64 << 30, 2 << 30, 3 << 30] {
        world.syscall(task, Call::VmoMap, &[vmo, 0, 1, 0x60, at]).unwrap();
        world.poke(task, at as usize, b"x");
        world.syscall(task, Call::VmUnmap, &[at]).unwrap();
    }
    world.bury(task);
    assert_eq!(task.shared().account.pages(), 0);
}

#[test]
fn a_task_may_unmap_everything_it_has_and_then_die() {
    let mut world = World::new();
    let task = world.spawn();
    let stack = 0x10_0000 - 17 * 4096;
    for at in [DATA, stack, 0x10_0000] {
        world.syscall(task, Call::VmUnmap, &[at as u64]).unwrap();
    }
    world.bury(task);
    assert_eq!(task.shared().account.pages(), 0);
}

#[test]
fn a_mapping_outlives_the_death_of_who_paid_and_reads_as_zeros() {
    let mut world = World::new();
    let (owner, user) = (world.spawn(), world.spawn());
    let vmo = world.make(owner, Call::VmoCreate, &[2]);
    let shared = world.grant(owner, vmo, user, Rights::READ | Rights::WRITE).to_wire();
    let (at, _) = world.syscall(user, Call::VmoMap, &[shared, 0, 2, 0x60, 0]).unwrap();
    world.poke(user, at as usize, b"secret");
    world.bury(owner);
    assert_eq!(world.peek(user, at as usize, 6), [0; 6]);
    world.poke(user, at as usize, b"own");
    assert_eq!(world.peek(user, at as usize, 6), b"own\0\0\0");
    assert_eq!(world.syscall(user, Call::VmoMap, &[shared, 0, 2, 0x60, 0]), Err(Error::Dead));
}
