//! Who works for whom, in which class, and for how long.

use nexus_abi::{Call, Error, Handle, Nanos, QosClass, Rights};

use super::actor::Actor;
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
