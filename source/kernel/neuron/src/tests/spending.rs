//! Who pays for what a server does: exact, by either path.

use nexus_abi::{Call, ExitReason, Handle, Nanos, Rights};

use super::actor::Actor;
use super::fast::trap;
use super::message::Message;
use super::world::{TICK_NS, World};
use crate::task::Spent;

const WORDS: [u64; 8] = [1; 8];
const US: u64 = 1_000 / TICK_NS;

/// How an exchange goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    Fast,
    General,
    /// The answer does not wait for the next message.
    Plain,
}

/// A client with a handle to the endpoint of a server that waits for messages; both have talked before.
fn pair(world: &mut World) -> (Actor, Handle, Actor, Handle) {
    let (client, to, server, at) = world.pair();
    world.message(server, Call::Receive, Message::at(at));
    work(world, Way::General, (client, to), (server, at), 0);
    (client, to, server, at)
}

fn call(world: &mut World, way: Way, client: Actor, to: Handle) {
    if way == Way::Fast {
        assert!(trap(world, client, Call::Call, WORDS, to.to_wire()));
    } else {
        world.message(client, Call::Call, Message::to(to, WORDS));
    }
}

fn answer(world: &mut World, way: Way, server: Actor, at: Handle) {
    let reply = server.incoming().unwrap().reply;
    match way {
        Way::Fast => {
            assert!(trap(world, server, Call::ReplyReceive, WORDS, reply.to_wire() << 32 | at.to_wire()));
        }
        Way::General => world.message(server, Call::ReplyReceive, Message::to(at, WORDS).replying(reply)),
        Way::Plain => {
            world.exchange(server, Call::Reply, Message::answer(reply, WORDS)).unwrap();
        }
    }
}

/// A call, some microseconds of work, and the answer.
fn work(world: &mut World, way: Way, client: (Actor, Handle), server: (Actor, Handle), us: u64) {
    call(world, way, client.0, client.1);
    assert_eq!(world.current(), server.0);
    world.pass(us * 1_000);
    answer(world, way, server.0, server.1);
}

/// What a task has spent since `before`, in microseconds: run, donated, received.
fn since(before: Spent, task: Actor) -> [u64; 3] {
    let now = task.spent();
    [now.run.0 - before.run.0, now.donated.0 - before.donated.0, now.received.0 - before.received.0]
        .map(|ticks| ticks / US)
}

/// All that ran is charged.
fn charge(world: &mut World) {
    let current = world.current();
    world.hart().charge(current.shared());
}

#[test]
fn a_client_donates_what_its_server_needs_for_the_answer() {
    for way in [Way::Fast, Way::General, Way::Plain] {
        let mut world = World::new();
        let (client, to, server, at) = pair(&mut world);
        world.run(client);
        charge(&mut world);
        let before = [client, server].map(Actor::spent);
        world.pass(3_000);
        for us in [20, 50] {
            work(&mut world, way, (client, to), (server, at), us);
            world.run(client);
            world.pass(7_000);
            if way == Way::Plain {
                world.message(server, Call::Receive, Message::at(at));
                world.run(client);
            }
        }
        charge(&mut world);
        assert_eq!(since(before[0], client), [17, 70, 0], "{way:?}");
        assert_eq!(since(before[1], server), [70, 0, 70], "{way:?}");
    }
}

#[test]
fn what_is_charged_in_the_middle_counts_once() {
    let mut world = World::new();
    let (client, to, server, at) = pair(&mut world);
    world.begin(world.root, Call::Wait, &[0, u64::MAX]);
    world.run(client);
    charge(&mut world);
    let before = [client, server].map(Actor::spent);
    world.pass(5_000);
    call(&mut world, Way::Fast, client, to);
    for _ in 0..3 {
        world.pass(10_000);
        charge(&mut world);
    }
    world.pass(10_000);
    answer(&mut world, Way::Fast, server, at);
    charge(&mut world);
    assert_eq!(since(before[0], client), [5, 40, 0]);
    assert_eq!(since(before[1], server), [40, 0, 40]);
}

#[test]
fn a_server_that_loses_the_hart_meanwhile_still_runs_on_its_client() {
    let mut world = World::new();
    let (client, to, server, at) = pair(&mut world);
    let rival = world.spawn();
    world.run(client);
    charge(&mut world);
    let before = [client, server, rival].map(Actor::spent);
    call(&mut world, Way::Fast, client, to);
    world.pass(10_000);
    world.run(rival);
    world.pass(100_000);
    world.run(server);
    world.pass(30_000);
    answer(&mut world, Way::General, server, at);
    world.run(client);
    charge(&mut world);
    assert_eq!(since(before[0], client), [0, 40, 0]);
    assert_eq!(since(before[1], server), [40, 0, 40]);
    assert_eq!(since(before[2], rival), [100, 0, 0]);
}

#[test]
fn a_servers_server_is_the_clients_too() {
    let mut world = World::new();
    let (client, to, server, at) = pair(&mut world);
    let last = world.spawn();
    let at_last = world.make(last, Call::EndpointCreate, &[]);
    world.message(last, Call::Receive, Message::at(at_last));
    let to_last = world.share_port(last, at_last, server, Rights::CALL);
    world.run(client);
    charge(&mut world);
    let before = [client, server, last].map(Actor::spent);
    call(&mut world, Way::Fast, client, to);
    let reply = server.incoming().unwrap().reply;
    world.pass(10_000);
    work(&mut world, Way::General, (server, to_last), (last, at_last), 25);
    world.run(server);
    world.pass(5_000);
    world.message(server, Call::ReplyReceive, Message::to(at, WORDS).replying(reply));
    world.run(client);
    charge(&mut world);
    assert_eq!(since(before[0], client), [0, 40, 0]);
    assert_eq!(since(before[1], server), [15, 25, 40]);
    assert_eq!(since(before[2], last), [25, 0, 25]);
}

#[test]
fn a_client_that_is_kept_waiting_has_paid_for_what_was_done() {
    let mut world = World::new();
    let (client, to, server, at) = pair(&mut world);
    world.run(client);
    charge(&mut world);
    let before = [client, server].map(Actor::spent);
    call(&mut world, Way::General, client, to);
    world.pass(10_000);
    world.message(server, Call::Receive, Message::at(at));
    assert!(client.waits());
    assert_eq!(since(before[0], client), [0, 10, 0]);
    assert_eq!(since(before[1], server), [10, 0, 10]);
}

#[test]
fn who_has_given_up_pays_no_more() {
    let mut world = World::new();
    let (client, to, server, at) = pair(&mut world);
    world.run(client);
    charge(&mut world);
    let before = [client, server].map(Actor::spent);
    let soon = Nanos(crate::time::now().0 * TICK_NS + 20_000);
    world.message(client, Call::Call, Message::to(to, WORDS).until(soon));
    world.pass(30_000);
    world.interrupt(0);
    assert!(!client.waits(), "it has given up");
    world.run(server);
    world.pass(10_000);
    world.message(server, Call::Receive, Message::at(at));
    assert_eq!(since(before[0], client)[1..], [0, 0]);
    assert_eq!(since(before[1], server), [40, 0, 0]);
}

#[test]
fn a_client_killed_while_its_server_runs_in_its_name_ends_that() {
    let mut world = World::with(2, 2048);
    let (client, to, server, at) = world.pair();
    // Two more compete, so that the claims are in the queue.
    let rivals = [world.spawn(), world.spawn()];
    for task in [client, server].into_iter().chain(rivals) {
        world.move_to(task, 0);
    }
    world.message(server, Call::Receive, Message::at(at));
    work(&mut world, Way::General, (client, to), (server, at), 0);
    call(&mut world, Way::Fast, client, to);
    assert_eq!(world.current(), server);
    world.hart_at(1);
    assert_eq!(world.bury(client), ExitReason::Killed);
    world.run(server);
    let reply = server.incoming().unwrap().reply;
    world.message(server, Call::ReplyReceive, Message::to(at, WORDS).replying(reply));
    assert!(server.waits());
    world.interrupt(0);
    assert!(rivals.contains(&world.current()));
    for task in rivals {
        assert_eq!(world.bury(task), ExitReason::Killed);
    }
}
