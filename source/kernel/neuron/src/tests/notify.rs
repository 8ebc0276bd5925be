//! Bits at notifications, and waiting for a moment.

use nexus_abi::{Call, Error, Rights};

use super::world::World;

#[test]
fn bits_gather_until_they_are_taken() {
    let mut world = World::new();
    let task = world.spawn();
    let bits = world.make(task, Call::NotificationCreate, &[]).to_wire();
    for bit in [1, 4, 1] {
        world.syscall(task, Call::Notify, &[bits, bit]).unwrap();
    }
    assert_eq!(world.syscall(task, Call::Wait, &[bits, u64::MAX]), Ok((5, 0)));
    assert_eq!(world.syscall(task, Call::Wait, &[bits, 0]), Err(Error::TimedOut));
}

#[test]
fn one_waiting_task_takes_all_bits_and_the_others_wait_on() {
    let mut world = World::new();
    let (first, second, signaller) = (world.spawn(), world.spawn(), world.spawn());
    let bits = world.make(signaller, Call::NotificationCreate, &[]);
    for waiter in [first, second] {
        let at = world.grant(signaller, bits, waiter, Rights::RECEIVE);
        world.begin(waiter, Call::Wait, &[at.to_wire(), u64::MAX]);
    }
    world.syscall(signaller, Call::Notify, &[bits.to_wire(), 6]).unwrap();
    assert_eq!(first.result(), Ok((6, 0)));
    assert!(second.waits());
    world.syscall(signaller, Call::Notify, &[bits.to_wire(), 1]).unwrap();
    assert_eq!(second.result(), Ok((1, 0)));
}

#[test]
fn what_is_no_notification_or_lacks_the_right_is_refused() {
    let mut world = World::new();
    let (client, to, server, at) = world.pair();
    let bits = world.make(client, Call::NotificationCreate, &[]).to_wire();
    let deaf = world.syscall(client, Call::HandleCopy, &[bits, Rights::NOTIFY.to_wire()]).unwrap().0;
    let mute = world.syscall(client, Call::HandleCopy, &[bits, Rights::RECEIVE.to_wire()]).unwrap().0;
    assert_eq!(world.syscall(client, Call::Wait, &[deaf, 0]), Err(Error::Denied));
    assert_eq!(world.syscall(client, Call::Notify, &[mute, 1]), Err(Error::Denied));
    assert_eq!(world.syscall(client, Call::Notify, &[bits, 0]), Err(Error::Invalid));
    assert_eq!(world.syscall(server, Call::Wait, &[at.to_wire(), 0]), Err(Error::WrongKind));
    assert_eq!(world.syscall(client, Call::Wait, &[to.to_wire(), 0]), Err(Error::WrongKind));
    assert_eq!(world.syscall(client, Call::Notify, &[99, 1]), Err(Error::BadHandle));
}

#[test]
fn a_notification_dies_with_the_task_that_paid_for_it() {
    let mut world = World::new();
    let (owner, waiter) = (world.spawn(), world.spawn());
    let bits = world.make(owner, Call::NotificationCreate, &[]);
    let at = world.grant(owner, bits, waiter, Rights::RECEIVE | Rights::NOTIFY).to_wire();
    world.begin(waiter, Call::Wait, &[at, u64::MAX]);
    world.bury(owner);
    assert_eq!(waiter.result(), Err(Error::Dead));
    assert_eq!(world.syscall(waiter, Call::Wait, &[at, 0]), Err(Error::Dead));
    assert_eq!(world.syscall(waiter, Call::Notify, &[at, 1]), Err(Error::Dead));
}
