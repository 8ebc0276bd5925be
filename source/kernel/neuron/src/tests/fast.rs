//! The fast path against the general one: the same exchange ends with the same registers, and what the
//! fast path does not take it leaves as it was.

use nexus_abi::{Call, Handle, Nanos, QosClass, Rights};

use super::actor::Actor;
use super::image::DATA;
use super::message::Message;
use super::world::World;
use crate::ipc::fast;
use crate::task::registers::Reg;

const WORDS: [u64; 8] = [11, 12, 13, 14, 15, 16, 17, 18];

/// What a task can tell of an exchange.
fn seen(actor: Actor) -> [u64; 13] {
    let registers = actor.registers();
    let mut all = [0; 13];
    all[..8].copy_from_slice(&registers.words());
    for (slot, reg) in all[8..].iter_mut().zip([Reg::T0, Reg::T1, Reg::T2, Reg::T3, Reg::T4]) {
        *slot = registers.get(reg);
    }
    all
}

/// What the trap code does with a message that asks for nothing but words: tries the fast path with the
/// words still in the hart's registers, which the task that goes on then finds in its own.
fn trap(world: &mut World, actor: Actor, call: Call, words: [u64; 8], named: u64) -> bool {
    world.run(actor);
    let registers = actor.registers();
    registers.set(Reg::T1, named);
    let path = if call == Call::Call { fast::call } else { fast::reply_receive };
    let hart = world.hart();
    let switch = path(hart, named);
    if switch.chosen.is_null() {
        return false;
    }
    let now = world.current();
    assert!(core::ptr::eq(switch.chosen, now.shared()), "whose registers to load is who runs");
    let called = call == Call::Call;
    let registers = now.registers();
    registers.set_words(words);
    registers.set(Reg::T0, 0);
    registers.set(Reg::T1, switch.reply);
    registers.set(Reg::T2, 0);
    registers.set(Reg::T3, if called { actor.id().to_wire() } else { 0 });
    registers.set(Reg::T4, if called { actor.shared().stamp().0 } else { 0 });
    true
}

/// Client, its handle, server, its handle; the server has received and answered before, so that it has a
/// free slot for the reply, and waits.
fn served(world: &mut World) -> (Actor, u64, Actor, u64) {
    let (client, to, server, at) = world.pair();
    world.message(server, Call::Receive, Message::at(at));
    world.message(client, Call::Call, Message::to(to, [0; 8]));
    let got = server.incoming().unwrap();
    world.message(server, Call::ReplyReceive, Message::to(at, [0; 8]).replying(got.reply));
    client.result().unwrap();
    assert!(server.waits());
    (client, to.to_wire(), server, at.to_wire())
}

/// A call and its answer, on either path: what server and client saw.
fn exchange(fast: bool) -> [[u64; 13]; 2] {
    let mut world = World::new();
    let (client, to, server, at) = served(&mut world);
    let endpoint = Handle::from_wire;
    if fast {
        assert!(trap(&mut world, client, Call::Call, WORDS, to), "the fast path takes it");
    } else {
        world.message(client, Call::Call, Message::to(endpoint(to), WORDS));
    }
    let (called, reply) = (seen(server), server.incoming().unwrap().reply);
    assert!(client.waits());
    if fast {
        assert!(trap(&mut world, server, Call::ReplyReceive, [7; 8], reply.to_wire() << 32 | at));
    } else {
        world.message(server, Call::ReplyReceive, Message::to(endpoint(at), [7; 8]).replying(reply));
    }
    assert!(server.waits());
    assert_eq!(world.current(), client);
    [called, seen(client)]
}

#[test]
fn both_paths_end_with_the_same_registers() {
    assert_eq!(exchange(true), exchange(false));
}

#[test]
fn without_a_waiting_server_the_general_path_decides() {
    let mut world = World::new();
    let (client, to, server, at) = world.pair();
    for named in [to.to_wire(), 99, 0, u64::MAX] {
        assert!(!trap(&mut world, client, Call::Call, WORDS, named));
        assert!(!trap(&mut world, server, Call::ReplyReceive, WORDS, named << 32 | at.to_wire()));
    }
}

#[test]
fn a_server_with_a_deadline_is_left_to_the_general_path() {
    let mut world = World::new();
    let (client, to, server, at) = world.pair();
    world.message(server, Call::Receive, Message::at(at).until(Nanos::from_millis(5)));
    assert!(!trap(&mut world, client, Call::Call, WORDS, to.to_wire()));
    assert!(server.waits());
}

#[test]
fn a_server_of_a_lower_class_runs_in_its_callers_stead() {
    let mut world = World::new();
    let (client, to, server, at) = served(&mut world);
    let rival = world.spawn();
    world.run(client);
    server.shared().set_class(QosClass::Idle);
    assert!(trap(&mut world, client, Call::Call, WORDS, to), "{rival:?} is ready, but no more urgent");
    assert_eq!(world.current(), server);
    let reply = server.registers().get(Reg::T1);
    assert!(trap(&mut world, server, Call::ReplyReceive, WORDS, reply << 32 | at));
    assert_eq!(world.current(), client);
}

/// The server's table is full when it answers by the fast path, another caller waits, and so the fast path
/// gives up; the general path then refuses too, for want of a handle. The caller's buffer must still be
/// known when the answer with bytes comes at last.
#[test]
fn a_reply_that_the_fast_path_gives_up_on_finds_the_caller_unchanged() {
    let mut world = World::new();
    let (client, to, server, at) = world.pair();
    let other = world.spawn();
    let to_other = world.grant(server, at, other, Rights::CALL);
    world.message(client, Call::Call, Message::to(to, WORDS).with_room(DATA, 32));
    let got = world.exchange(server, Call::Receive, Message::at(at)).unwrap();
    world.message(other, Call::Call, Message::to(to_other, WORDS));
    let before = seen(client);
    assert!(!trap(&mut world, server, Call::ReplyReceive, WORDS, got.reply.to_wire() << 32 | at.to_wire()));
    assert_eq!(seen(client), before);
    world.poke(server, DATA, b"with bytes");
    let answer = Message::answer(got.reply, [1; 8]).sending(DATA, 10);
    world.exchange(server, Call::Reply, answer).unwrap();
    assert_eq!(client.incoming().map(|answer| answer.len), Ok(10));
    assert_eq!(world.peek(client, DATA, 10), b"with bytes");
}

#[test]
fn a_killed_caller_or_server_does_not_stay_where_the_fast_path_put_it() {
    let mut world = World::new();
    let (client, to, server, at) = served(&mut world);
    assert!(trap(&mut world, client, Call::Call, WORDS, to));
    let reply = server.registers().get(Reg::T1);
    world.bury(client);
    assert!(!trap(&mut world, server, Call::ReplyReceive, WORDS, reply << 32 | at));
    world.bury(server);
}
