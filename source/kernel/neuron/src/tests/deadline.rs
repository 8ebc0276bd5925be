//! Deadlines: never early, never lost, and without effect on whoever was served in time.

use nexus_abi::{Call, Error, Nanos, Rights};

use super::message::Message;
use super::world::{TICK_NS, World};
use crate::arch;

const MS: u64 = 1_000_000;

#[test]
fn a_sleep_ends_at_its_moment_and_not_before() {
    let mut world = World::new();
    let task = world.spawn();
    world.begin(task, Call::Wait, &[0, 5 * MS]);
    world.pass(5 * MS - TICK_NS);
    assert!(task.waits(), "too early");
    world.pass(TICK_NS);
    assert_eq!(task.result(), Err(Error::TimedOut));
}

#[test]
fn deadlines_end_every_kind_of_wait() {
    let mut world = World::new();
    let (client, to, server, at) = world.pair();
    let deadline = |ms: u64| Nanos::from_millis(ms);
    world.message(server, Call::Receive, Message::at(at).until(deadline(1)));
    world.pass(MS);
    assert_eq!(server.result(), Err(Error::TimedOut));
    world.message(client, Call::Call, Message::to(to, [0; 8]).until(deadline(2)));
    world.pass(MS);
    assert_eq!(client.result(), Err(Error::TimedOut));
    assert_eq!(
        world.exchange(server, Call::Receive, Message::at(at).until(Nanos::NOW)),
        Err(Error::TimedOut),
        "a caller that gave up is not received"
    );
    world.message(client, Call::Call, Message::to(to, [0; 8]).until(deadline(3)));
    let got = world.exchange(server, Call::Receive, Message::at(at)).unwrap();
    world.pass(MS);
    assert_eq!(client.result(), Err(Error::TimedOut));
    assert_eq!(world.exchange(server, Call::Reply, Message::answer(got.reply, [0; 8])), Err(Error::Dead));
    let bits = world.make(client, Call::NotificationCreate, &[]);
    world.begin(client, Call::Wait, &[bits.to_wire(), 4 * MS]);
    world.pass(MS);
    assert_eq!(client.result(), Err(Error::TimedOut));
}

#[test]
fn a_task_served_in_time_hears_nothing_of_its_deadline() {
    let mut world = World::new();
    let (client, to, server, at) = world.pair();
    world.message(client, Call::Call, Message::to(to, [0; 8]).until(Nanos::from_millis(2)));
    let got = world.exchange(server, Call::Receive, Message::at(at)).unwrap();
    world.exchange(server, Call::Reply, Message::answer(got.reply, [7; 8])).unwrap();
    assert_eq!(client.incoming().unwrap().words, [7; 8]);
    world.begin(client, Call::Wait, &[0, 10 * MS]);
    world.pass(5 * MS);
    assert!(client.waits(), "the old deadline is gone");
    world.pass(5 * MS);
    assert_eq!(client.result(), Err(Error::TimedOut));
}

/// The server waits on hart 0 with a deadline, is called on hart 1, and its deadline passes while it is
/// in hart 0's mailbox: the message wins, and the deadline leaves nothing behind.
#[test]
fn a_deadline_that_passes_while_the_token_is_on_its_way_is_harmless() {
    let mut world = World::with(2, 2048);
    let (client, to, server, at) = world.pair();
    world.message(server, Call::Receive, Message::at(at).until(Nanos::from_millis(1)));
    world.move_to(client, 1);
    world.message(client, Call::Call, Message::to(to, [3; 8]));
    assert_eq!(server.shared().hart(), 0, "a task with a deadline becomes ready where the deadline is");
    arch::set_ticks(MS / TICK_NS);
    world.interrupt_all();
    assert_eq!(server.incoming().unwrap().words, [3; 8]);
    world.begin(server, Call::Wait, &[0, 3 * MS]);
    world.pass(MS);
    assert!(server.waits(), "nothing is left of the first deadline");
    world.pass(MS);
    assert_eq!(server.result(), Err(Error::TimedOut));
}

/// An answer and the deadline meet on one hart: whichever is first takes the task, the other finds nothing.
#[test]
fn an_answer_after_the_deadline_finds_its_caller_gone() {
    let mut world = World::with(2, 2048);
    let (client, to, server, at) = world.pair();
    world.message(client, Call::Call, Message::to(to, [0; 8]).until(Nanos::from_millis(1)));
    let got = world.exchange(server, Call::Receive, Message::at(at)).unwrap();
    let helper = world.spawn();
    let bits = world.make(helper, Call::NotificationCreate, &[]);
    let moved = world.grant(helper, bits, server, Rights::MOVE | Rights::NOTIFY);
    world.pass(MS);
    let answer = Message::answer(got.reply, [1; 8]).moving(moved);
    assert_eq!(world.exchange(server, Call::Reply, answer), Err(Error::Dead));
    assert_eq!(client.result(), Err(Error::TimedOut));
    world.syscall(server, Call::Notify, &[moved.to_wire(), 1]).unwrap();
}
