//! Who works for whom, in which class, and for how long.

use nexus_abi::{Call, Error, Handle, Nanos, QosClass, Rights};

use super::actor::Actor;
use super::fast::trap;
use super::message::Message;
use super::world::World;

const MS: u64 = 1_000_000;
const WORDS: [u64; 8] = [1; 8];

/// A server of this class that waits for messages, and its endpoint.
fn server(world: &mut World, class: QosClass) -> (Actor, Handle) {
    let server = world.spawn();
    let at = world.make(server, Call::EndpointCreate, &[]);
    world.set_class(server, class);
    world.message(server, Call::Receive, Message::at(at));
    assert!(server.waits());
    (server, at)
}

/// A client of this class with a handle to a server's endpoint.
fn client(world: &mut World, class: QosClass, (of, at): (Actor, Handle)) -> (Actor, Handle) {
    let client = world.spawn();
    let to = connect(world, client, (of, at));
    world.set_class(client, class);
    world.interrupt_all();
    (client, to)
}

/// Gives a task a handle to a server's endpoint, though that waits.
fn connect(world: &mut World, client: Actor, (server, at): (Actor, Handle)) -> Handle {
    world.share_port(server, at, client, Rights::CALL)
}

fn class(task: Actor) -> QosClass {
    task.shared().settings().class
}

#[test]
fn a_server_has_its_callers_class_until_it_answers() {
    for (own, theirs) in [(QosClass::Idle, QosClass::PerfBurst), (QosClass::Interactive, QosClass::Normal)] {
        let mut world = World::new();
        let (served, at) = server(&mut world, own);
        let (caller, to) = client(&mut world, theirs, (served, at));
        world.message(caller, Call::Call, Message::to(to, WORDS));
        assert_eq!(class(served), theirs);
        assert_eq!(world.current(), served, "it goes on in its caller's name");
        let got = served.incoming().unwrap();
        world.exchange(served, Call::Reply, Message::answer(got.reply, WORDS)).unwrap();
        assert_eq!(class(served), own);
        assert!(caller.incoming().is_ok());
    }
}

#[test]
fn an_urgent_caller_raises_a_busy_server_over_whoever_holds_it_up() {
    let mut world = World::new();
    let (served, at) = server(&mut world, QosClass::Idle);
    let (idle, to) = client(&mut world, QosClass::Idle, (served, at));
    world.message(idle, Call::Call, Message::to(to, WORDS));
    assert_eq!(class(served), QosClass::Idle);
    let (urgent, to) = client(&mut world, QosClass::PerfBurst, (served, at));
    assert_ne!(world.current(), served, "the first task, of class Normal, holds it up");
    world.message(urgent, Call::Call, Message::to(to, WORDS));
    assert_eq!(class(served), QosClass::PerfBurst);
    assert_eq!(world.current(), served);
    let got = served.incoming().unwrap();
    world.exchange(served, Call::Reply, Message::answer(got.reply, WORDS)).unwrap();
    assert_eq!(class(served), QosClass::PerfBurst, "the other still waits for it");
    let got = world.exchange(served, Call::Receive, Message::at(at)).unwrap();
    assert_eq!((got.sender, class(served)), (urgent.id(), QosClass::PerfBurst));
}

#[test]
fn a_class_goes_through_a_chain_of_three() {
    let mut world = World::new();
    let (last, at_last) = server(&mut world, QosClass::Idle);
    let (middle, at_middle) = server(&mut world, QosClass::Idle);
    let (first, at_first) = server(&mut world, QosClass::Idle);
    let to_last = connect(&mut world, middle, (last, at_last));
    let to_middle = connect(&mut world, first, (middle, at_middle));
    let (idle, to) = client(&mut world, QosClass::Idle, (first, at_first));
    world.message(idle, Call::Call, Message::to(to, WORDS));
    let to_idle = first.incoming().unwrap().reply;
    world.message(first, Call::Call, Message::to(to_middle, WORDS));
    let to_first = middle.incoming().unwrap().reply;
    world.message(middle, Call::Call, Message::to(to_last, WORDS));
    let to_that = last.incoming().unwrap().reply;
    assert_eq!([first, middle, last].map(class), [QosClass::Idle; 3]);
    let (urgent, to) = client(&mut world, QosClass::Interactive, (first, at_first));
    world.message(urgent, Call::Call, Message::to(to, WORDS));
    assert_eq!([first, middle, last].map(class), [QosClass::Interactive; 3]);
    assert_eq!(world.current(), last, "all the others wait for it");
    for (task, reply, next) in [(last, to_that, middle), (middle, to_first, first), (first, to_idle, idle)] {
        world.exchange(task, Call::Reply, Message::answer(reply, WORDS)).unwrap();
        assert_eq!(class(task), if task == first { QosClass::Interactive } else { QosClass::Idle });
        assert!(next == idle || class(next) == QosClass::Interactive);
        assert!(next.incoming().is_ok());
    }
}

#[test]
fn a_call_that_would_wait_for_itself_is_told_so() {
    let mut world = World::new();
    let (second, at_second) = server(&mut world, QosClass::Normal);
    let (first, at_first) = server(&mut world, QosClass::Normal);
    let to_second = connect(&mut world, first, (second, at_second));
    let to_first = connect(&mut world, second, (first, at_first));
    let (caller, to) = client(&mut world, QosClass::Normal, (first, at_first));
    world.message(caller, Call::Call, Message::to(to, WORDS));
    world.message(first, Call::Call, Message::to(to_second, WORDS));
    world.message(second, Call::Call, Message::to(to_first, WORDS));
    assert_eq!(second.result(), Err(Error::Deadlock));
    assert!(first.waits() && caller.waits());
    let to_itself = world.share_port(second, at_second, second, Rights::CALL);
    world.message(second, Call::Call, Message::to(to_itself, WORDS));
    assert_eq!(second.result(), Err(Error::Deadlock));
}

#[test]
fn what_was_lent_ends_with_the_callers_patience_or_life() {
    for dies in [false, true] {
        let mut world = World::new();
        let (served, at) = server(&mut world, QosClass::Idle);
        let (caller, to) = client(&mut world, QosClass::Interactive, (served, at));
        world.message(caller, Call::Call, Message::to(to, WORDS).until(Nanos(MS)));
        assert_eq!(class(served), QosClass::Interactive);
        if dies {
            world.bury(caller);
        } else {
            world.pass(MS);
            assert_eq!(caller.result(), Err(Error::TimedOut));
        }
        assert_eq!(class(served), QosClass::Idle);
        world.interrupt_all();
        assert_ne!(world.current(), served, "the first task, of class Normal, goes first");
    }
}

#[test]
fn a_server_on_another_hart_has_its_callers_class_too() {
    let mut world = World::with(2, 2048);
    let (served, at) = server(&mut world, QosClass::Idle);
    let (caller, to) = client(&mut world, QosClass::Interactive, (served, at));
    let away = 1 - served.shared().hart();
    world.move_to(caller, away);
    world.message(caller, Call::Call, Message::to(to, WORDS));
    world.interrupt_all();
    assert_eq!(class(served), QosClass::Interactive);
    let got = served.incoming().unwrap();
    world.exchange(served, Call::Reply, Message::answer(got.reply, WORDS)).unwrap();
    world.interrupt_all();
    assert_eq!((class(served), caller.incoming().is_ok()), (QosClass::Idle, true));
}

/// A server of class Idle that works for a caller of class Idle, and that caller.
fn busy_server(world: &mut World) -> ((Actor, Handle), Actor) {
    let at = server(world, QosClass::Idle);
    let (idle, to) = client(world, QosClass::Idle, at);
    world.message(idle, Call::Call, Message::to(to, WORDS));
    (at, idle)
}

/// Somebody of this class who waits in the queue of a busy server, until `deadline`.
fn queued(world: &mut World, class: QosClass, at: (Actor, Handle), deadline: Nanos) -> Actor {
    let (caller, to) = client(world, class, at);
    world.message(caller, Call::Call, Message::to(to, WORDS).until(deadline));
    assert!(caller.waits());
    caller
}

#[test]
fn what_a_queued_caller_has_raised_ends_with_its_patience_or_life() {
    for dies in [false, true] {
        let mut world = World::new();
        let (at, _) = busy_server(&mut world);
        let urgent = queued(&mut world, QosClass::PerfBurst, at, Nanos(MS));
        assert_eq!(class(at.0), QosClass::PerfBurst);
        if dies {
            world.bury(urgent);
        } else {
            world.pass(MS);
            assert_eq!(urgent.result(), Err(Error::TimedOut));
        }
        assert_eq!(class(at.0), QosClass::Idle);
        world.interrupt_all();
        assert_ne!(world.current(), at.0, "the first task, of class Normal, goes first");
    }
}

#[test]
fn of_two_queued_callers_the_one_that_stays_still_raises() {
    let both = [QosClass::PerfBurst, QosClass::Interactive];
    for (first, second) in [(both[0], both[1]), (both[1], both[0])] {
        let mut world = World::new();
        let (at, _) = busy_server(&mut world);
        let callers = [(first, 2 * MS), (second, MS)]
            .map(|(class, moment)| queued(&mut world, class, at, Nanos(moment)));
        assert_eq!(class(at.0), QosClass::PerfBurst);
        world.pass(MS);
        assert_eq!(callers[1].result(), Err(Error::TimedOut));
        assert_eq!(class(at.0), first);
        world.pass(MS);
        assert_eq!((callers[0].result(), class(at.0)), (Err(Error::TimedOut), QosClass::Idle));
    }
}

/// Three servers, of which the first has called the second and that the third, for an Idle caller of the first.
fn chain(world: &mut World) -> ([Actor; 3], Handle) {
    let servers = [(); 3].map(|()| server(world, QosClass::Idle));
    let [first, middle, last] = servers;
    let next = [connect(world, first.0, middle), connect(world, middle.0, last)];
    let (idle, to) = client(world, QosClass::Idle, first);
    world.message(idle, Call::Call, Message::to(to, WORDS));
    world.message(first.0, Call::Call, Message::to(next[0], WORDS));
    world.message(middle.0, Call::Call, Message::to(next[1], WORDS));
    (servers.map(|(server, _)| server), first.1)
}

#[test]
fn what_is_withdrawn_is_withdrawn_from_a_whole_chain() {
    for dies in [false, true] {
        let mut world = World::new();
        let (servers, at) = chain(&mut world);
        let steady = queued(&mut world, QosClass::Normal, (servers[0], at), Nanos(2 * MS));
        let urgent = queued(&mut world, QosClass::PerfBurst, (servers[0], at), Nanos(MS));
        assert_eq!(servers.map(class), [QosClass::PerfBurst; 3]);
        if dies {
            world.bury(urgent);
        } else {
            world.pass(MS);
        }
        assert_eq!(servers.map(class), [QosClass::Normal; 3]);
        world.pass(2 * MS);
        assert_eq!((steady.result(), servers.map(class)), (Err(Error::TimedOut), [QosClass::Idle; 3]));
    }
}

#[test]
fn a_client_that_gives_up_its_call_takes_its_class_from_a_whole_chain() {
    let mut world = World::new();
    let servers = [(); 2].map(|()| server(&mut world, QosClass::Idle));
    let to_last = connect(&mut world, servers[0].0, servers[1]);
    let (urgent, to) = client(&mut world, QosClass::PerfBurst, servers[0]);
    world.message(urgent, Call::Call, Message::to(to, WORDS).until(Nanos(MS)));
    world.message(servers[0].0, Call::Call, Message::to(to_last, WORDS));
    assert_eq!(servers.map(|(server, _)| class(server)), [QosClass::PerfBurst; 2]);
    world.pass(MS);
    assert_eq!(urgent.result(), Err(Error::TimedOut));
    assert_eq!(servers.map(|(server, _)| class(server)), [QosClass::Idle; 2]);
}

#[test]
fn a_server_in_the_queue_of_another_takes_its_class_and_its_place_with_it() {
    let mut world = World::new();
    let (at_last, _) = busy_server(&mut world);
    let (at_first, _) = busy_server(&mut world);
    let normal = queued(&mut world, QosClass::Normal, at_last, Nanos::NEVER);
    let to_last = connect(&mut world, at_first.0, at_last);
    world.message(at_first.0, Call::Call, Message::to(to_last, WORDS));
    assert_eq!([at_first.0, at_last.0].map(class), [QosClass::Idle, QosClass::Normal]);
    let urgent = queued(&mut world, QosClass::Interactive, at_first, Nanos(MS));
    assert_eq!([at_first.0, at_last.0].map(class), [QosClass::Interactive; 2]);
    world.pass(MS);
    assert_eq!(urgent.result(), Err(Error::TimedOut));
    assert_eq!([at_first.0, at_last.0].map(class), [QosClass::Idle, QosClass::Normal]);
    let _urgent = queued(&mut world, QosClass::Interactive, at_first, Nanos::NEVER);
    let got = at_last.0.incoming().unwrap();
    world.exchange(at_last.0, Call::Reply, Message::answer(got.reply, WORDS)).unwrap();
    let got = world.exchange(at_last.0, Call::Receive, Message::at(at_last.1)).unwrap();
    assert_eq!(got.sender, at_first.0.id(), "it came later, and goes first");
    assert!(normal.waits());
}

#[test]
fn a_queued_caller_whose_class_changes_changes_what_it_raises() {
    let mut world = World::new();
    let (at, _) = busy_server(&mut world);
    let caller = queued(&mut world, QosClass::PerfBurst, at, Nanos::NEVER);
    for now in [QosClass::Normal, QosClass::Interactive, QosClass::Idle] {
        let change = [1, caller.id().to_wire(), now.to_wire()];
        world.syscall(world.root, Call::TaskQos, &change).unwrap();
        assert_eq!(class(at.0), now);
    }
}

#[test]
fn a_client_whose_class_changes_changes_what_it_lends() {
    let mut world = World::new();
    let at = server(&mut world, QosClass::Normal);
    let (caller, to) = client(&mut world, QosClass::Normal, at);
    world.message(caller, Call::Call, Message::to(to, WORDS));
    for now in [QosClass::PerfBurst, QosClass::Idle, QosClass::Normal] {
        let change = [1, caller.id().to_wire(), now.to_wire()];
        world.syscall(world.root, Call::TaskQos, &change).unwrap();
        assert_eq!(class(at.0), now);
    }
}

#[test]
fn what_waits_at_one_endpoint_raises_while_its_server_receives_at_another() {
    let mut world = World::new();
    let (at, _) = busy_server(&mut world);
    let other = world.make(at.0, Call::EndpointCreate, &[]);
    let urgent = queued(&mut world, QosClass::PerfBurst, at, Nanos(MS));
    world.message(at.0, Call::Receive, Message::at(other));
    let (idle, to) = client(&mut world, QosClass::Idle, (at.0, other));
    world.message(idle, Call::Call, Message::to(to, WORDS));
    assert_eq!(class(at.0), QosClass::PerfBurst);
    world.pass(MS);
    assert_eq!((urgent.result(), class(at.0)), (Err(Error::TimedOut), QosClass::Idle));
}

/// A server that puts off a client of class PerfBurst, one of class Interactive and one of class Normal, who is the
/// last: it, its endpoint, the clients, and what answers them.
fn server_of_three(world: &mut World) -> (Actor, [Actor; 3], [Handle; 3]) {
    let (served, at) = server(world, QosClass::Idle);
    let classes = [QosClass::PerfBurst, QosClass::Interactive, QosClass::Normal];
    let mut replies = [Handle::NONE; 3];
    let mut clients = [served; 3];
    for (n, theirs) in classes.into_iter().enumerate() {
        let (caller, to) = client(world, theirs, (served, at));
        if n > 0 {
            world.message(served, Call::Receive, Message::at(at));
        }
        world.message(caller, Call::Call, Message::to(to, WORDS).until(Nanos(MS * (n as u64 + 1))));
        (clients[n], replies[n]) = (caller, served.incoming().unwrap().reply);
    }
    (served, clients, replies)
}

#[test]
fn a_server_of_several_callers_falls_with_each_of_the_highest_that_is_answered() {
    let mut world = World::new();
    let (served, clients, replies) = server_of_three(&mut world);
    let left = [QosClass::Interactive, QosClass::Normal, QosClass::Idle];
    assert_eq!(class(served), QosClass::PerfBurst);
    for ((reply, left), answered) in replies.into_iter().zip(left).zip(clients) {
        world.exchange(served, Call::Reply, Message::answer(reply, WORDS)).unwrap();
        assert_eq!((class(served), answered.result().is_ok()), (left, true));
    }
}

#[test]
fn a_server_of_several_callers_stays_as_urgent_as_those_it_has_not_answered() {
    let mut world = World::new();
    let (served, _, replies) = server_of_three(&mut world);
    let left = [QosClass::PerfBurst, QosClass::PerfBurst, QosClass::Idle];
    for (reply, left) in replies.into_iter().rev().zip(left) {
        world.exchange(served, Call::Reply, Message::answer(reply, WORDS)).unwrap();
        assert_eq!(class(served), left);
    }
}

#[test]
fn a_server_of_several_callers_falls_with_each_that_gives_up_or_is_refused_an_answer() {
    for ending in [Ending::GivesUp, Ending::Dies, Ending::Refused] {
        let mut world = World::new();
        let (served, clients, replies) = server_of_three(&mut world);
        for (n, left) in [QosClass::Interactive, QosClass::Normal, QosClass::Idle].into_iter().enumerate() {
            match ending {
                Ending::GivesUp => world.pass(MS),
                Ending::Dies => _ = world.bury(clients[n]),
                Ending::Refused => {
                    world.syscall(served, Call::HandleClose, &[replies[n].to_wire()]).unwrap();
                }
            }
            assert_eq!(class(served), left);
        }
    }
}

/// How a client waits no longer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ending {
    GivesUp,
    Dies,
    Refused,
}

#[test]
fn whoever_answers_for_another_server_ends_what_that_one_was_lent() {
    let mut world = World::new();
    let (served, clients, replies) = server_of_three(&mut world);
    let (other, at) = server(&mut world, QosClass::Idle);
    let to = connect(&mut world, served, (other, at));
    world.message(served, Call::Call, Message::to(to, WORDS).moving(replies[0]));
    let got = other.incoming().unwrap();
    let moved = got.moved.unwrap();
    assert_eq!([served, other].map(class), [QosClass::PerfBurst; 2]);
    world.exchange(other, Call::Reply, Message::answer(moved, WORDS)).unwrap();
    assert!(clients[0].result().is_ok());
    assert_eq!([served, other].map(class), [QosClass::Interactive; 2]);
}

/// Also by the fast path, which knows of no loan of its own.
#[test]
fn whoever_answers_by_the_fast_path_for_another_server_ends_what_that_one_was_lent() {
    let mut world = World::new();
    let served = server(&mut world, QosClass::Normal);
    let (caller, to) = client(&mut world, QosClass::Interactive, served);
    world.message(caller, Call::Call, Message::to(to, WORDS));
    let reply = served.0.incoming().unwrap().reply;
    let (other, at) = server(&mut world, QosClass::Normal);
    let onward = connect(&mut world, served.0, (other, at));
    world.message(served.0, Call::Call, Message::to(onward, WORDS).moving(reply));
    let got = other.incoming().unwrap();
    world.exchange(other, Call::Reply, Message::answer(got.reply, WORDS)).unwrap();
    assert_eq!([served.0, other].map(class), [QosClass::Interactive, QosClass::Normal]);
    let moved = got.moved.unwrap();
    if !trap(&mut world, other, Call::ReplyReceive, WORDS, moved.to_wire() << 32 | at.to_wire()) {
        world.message(other, Call::ReplyReceive, Message::to(at, WORDS).replying(moved));
    }
    assert!(caller.result().is_ok());
    assert_eq!(class(served.0), QosClass::Normal);
}

#[test]
fn a_queue_that_goes_with_its_endpoint_raises_nobody() {
    let mut world = World::new();
    let (at, _) = busy_server(&mut world);
    let urgent = queued(&mut world, QosClass::PerfBurst, at, Nanos::NEVER);
    world.syscall(at.0, Call::HandleClose, &[at.1.to_wire()]).unwrap();
    assert_eq!((urgent.result(), class(at.0)), (Err(Error::Dead), QosClass::Idle));
}

#[test]
fn a_server_that_is_raised_while_it_runs_does_not_give_way_to_whoever_wakes_at_that_moment() {
    let mut world = World::with(2, 2048);
    let (at, _) = busy_server(&mut world);
    world.move_to(at.0, 1);
    let waking = world.spawn();
    let bits = world.make(waking, Call::NotificationCreate, &[]);
    let wakes = world.grant(waking, bits, world.root, Rights::NOTIFY);
    world.set_class(waking, QosClass::Interactive);
    world.move_to(waking, 1);
    world.begin(waking, Call::Wait, &[bits.to_wire(), Nanos::NEVER.0]);
    world.run(at.0);
    let _urgent = queued(&mut world, QosClass::PerfBurst, at, Nanos::NEVER);
    // Both pieces of news are on their way to the server's hart.
    world.hart_at(1);
    assert_eq!(world.current(), at.0);
    let root = world.root;
    world.syscall(root, Call::Notify, &[wakes.to_wire(), 1]).unwrap();
    world.interrupt_all();
    assert!(!waking.waits());
    world.hart_at(1);
    assert_eq!(world.current(), at.0);
}
