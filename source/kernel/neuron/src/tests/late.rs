//! A server that answers late, by the short ways of `receive` and `reply`: as by the general ones, and what the short
//! ways do not take they leave as it was.
#![expect(unsafe_code, reason = "plays the trap code, for which tasks are addresses")]

use nexus_abi::spawn::SpawnFlags;
use nexus_abi::{Call, Error, Handle, Nanos, QosClass, Rights, SpawnArgs};

use super::actor::Actor;
use super::fast::{seen, trap};
use super::message::Message;
use super::world::{APP, TICK_NS, World};
use crate::arch;
use crate::ipc::fast::Switch;
use crate::ipc::fast_server;
use crate::task::registers::Reg;
use crate::task::{Flags, TaskPtr};

const MS: u64 = 1_000_000;
const WORDS: [u64; 8] = [11, 12, 13, 14, 15, 16, 17, 18];
const BITS: u64 = 4;

/// A server of a class above its two clients', which waits, and has room for the calls of both.
struct Three {
    clients: [Actor; 2],
    to: [Handle; 2],
    server: Actor,
    at: Handle,
}

impl Three {
    fn new(world: &mut World) -> Self {
        let args = SpawnArgs {
            class: QosClass::PerfBurst as u32,
            flags: SpawnFlags::PRECISE_TIME,
            ..SpawnArgs::new(APP)
        };
        let server = world.spawn_by(world.root, args).unwrap().0;
        let clients = [(); 2].map(|()| world.spawn());
        let at = world.make(server, Call::EndpointCreate, &[]);
        let to = clients.map(|client| world.grant(server, at, client, Rights::CALL | Rights::NOTIFY));
        let three = Self { clients, to, server, at };
        world.message(server, Call::Receive, Message::at(at));
        let replies = [0, 1].map(|n| {
            world.message(clients[n], Call::Call, Message::to(to[n], [0; 8]));
            let reply = server.incoming().unwrap().reply;
            three.receive_generally(world, Nanos::NEVER);
            reply
        });
        three.wake(world);
        for reply in replies {
            world.exchange(server, Call::Reply, Message::answer(reply, [0; 8])).unwrap();
        }
        three.receive_generally(world, Nanos::NEVER);
        assert!(clients.iter().all(|client| client.result().is_ok()));
        three
    }

    /// A client calls by the fast path: how it can be answered.
    fn call(&self, world: &mut World, client: usize) -> Handle {
        assert!(trap(world, self.clients[client], Call::Call, WORDS, self.to[client].to_wire()));
        assert_eq!(world.current(), self.server);
        Handle::from_wire(self.server.registers().get(Reg::T1))
    }

    /// The server is woken by bits, and so runs in its own name.
    fn wake(&self, world: &mut World) {
        let root = world.root;
        let to = world.share_port(self.server, self.at, root, Rights::NOTIFY);
        world.syscall(root, Call::Notify, &[to.to_wire(), BITS]).unwrap();
        world.syscall(root, Call::HandleClose, &[to.to_wire()]).unwrap();
        world.run(self.server);
        assert_eq!(self.server.incoming().unwrap().bits, BITS);
    }

    fn receive_generally(&self, world: &mut World, until: Nanos) {
        world.message(self.server, Call::Receive, Message::at(self.at).until(until));
    }

    fn receive(&self, world: &mut World, until: Nanos) -> bool {
        world.run(self.server);
        let registers = self.server.registers();
        registers.set(Reg::T1, self.at.to_wire());
        registers.set(Reg::T2, 0);
        registers.set(Reg::T5, until.0);
        fast_server::receive(world.hart(), self.at.to_wire(), until.0)
    }

    /// The server answers several callers with 3 and 4: how many.
    fn reply_all(&self, world: &mut World, replies: &[Handle]) -> u64 {
        world.run(self.server);
        let mut words = [0; 8];
        words.iter_mut().zip(replies).for_each(|(word, reply)| *word = reply.to_wire());
        self.server.registers().set_words(words);
        world.syscall(self.server, Call::ReplyAll, &[3, 4]).unwrap().0
    }

    /// The server answers as the trap code does it.
    fn reply(&self, world: &mut World, reply: Handle, words: [u64; 8]) -> bool {
        world.run(self.server);
        let switch = fast_server::reply(world.hart(), reply.to_wire() << 32);
        if switch.0.addr() & Switch::REFUSED_BIT != 0 {
            return false;
        }
        // SAFETY: the first half says that this is a task, and in nobody's hands but ours.
        let caller = unsafe { &*switch.0 };
        Actor::of(caller.as_ptr()).registers().set_words(words);
        fast_server::replied(world.hart(), TaskPtr::to(caller));
        assert_eq!(world.current(), self.server, "it goes on");
        true
    }
}

/// Two calls that are kept, and answered in turn: what the clients saw.
fn kept(fast: bool) -> [[u64; 13]; 2] {
    let mut world = World::new();
    let three = Three::new(&mut world);
    let mut replies = [Handle::NONE; 2];
    for (client, reply) in replies.iter_mut().enumerate() {
        *reply = three.call(&mut world, client);
        if fast {
            assert!(three.receive(&mut world, Nanos::NEVER));
        } else {
            three.receive_generally(&mut world, Nanos::NEVER);
        }
        assert!(three.server.waits() && three.clients[client].waits());
    }
    three.wake(&mut world);
    for (reply, words) in replies.into_iter().zip([[7; 8], [8; 8]]) {
        if fast {
            assert!(three.reply(&mut world, reply, words));
        } else {
            world.exchange(three.server, Call::Reply, Message::answer(reply, words)).unwrap();
        }
    }
    three.clients.map(|client| {
        assert!(!client.waits());
        seen(client)
    })
}

#[test]
fn clients_answered_late_see_the_same_by_both_ways() {
    assert_eq!(kept(true), kept(false));
}

#[test]
fn a_server_that_keeps_an_answer_waits_until_its_deadline() {
    let due = Nanos(5 * MS);
    // It is armed by the first wait; by the second, instead of a later one, an earlier one or none; by both.
    for before in [due, Nanos(9 * MS), Nanos(MS), Nanos::NEVER] {
        let mut world = World::new();
        let three = Three::new(&mut world);
        three.call(&mut world, 0);
        assert!(!three.receive(&mut world, Nanos::NOW), "that is no wait: left to the general path");
        assert!(three.receive(&mut world, before));
        three.call(&mut world, 1);
        assert!(three.receive(&mut world, due));
        world.pass(due.0 - TICK_NS);
        assert!(three.server.waits(), "too early");
        world.pass(TICK_NS);
        assert_eq!(three.server.result(), Err(Error::TimedOut));
        assert!(three.clients.iter().all(|client| client.waits()));
    }
}

#[test]
fn a_deadline_that_has_passed_ends_a_wait_that_began_the_short_way() {
    let mut world = World::new();
    let three = Three::new(&mut world);
    world.pass(5 * MS);
    three.call(&mut world, 0);
    assert!(three.receive(&mut world, Nanos(2 * MS)));
    assert!(arch::timer() <= arch::ticks(), "it is told at once");
    world.pass(0);
    assert_eq!(three.server.result(), Err(Error::TimedOut));
}

#[test]
fn a_server_that_would_find_something_is_left_to_the_general_path() {
    let mut world = World::new();
    let three = Three::new(&mut world);
    three.call(&mut world, 0);
    world.message(three.clients[1], Call::Call, Message::to(three.to[1], WORDS));
    assert!(!three.receive(&mut world, Nanos::NEVER), "a caller waits");
    three.receive_generally(&mut world, Nanos::NEVER);
    assert_eq!(three.server.incoming().unwrap().sender, three.clients[1].id());
    let (root, at) = (world.root, three.at);
    let to = world.share_port(three.server, at, root, Rights::NOTIFY);
    world.syscall(root, Call::Notify, &[to.to_wire(), BITS]).unwrap();
    assert!(!three.receive(&mut world, Nanos::NEVER), "bits wait");
}

#[test]
fn a_server_without_room_for_another_call_is_left_to_the_general_path() {
    let mut world = World::new();
    let three = Three::new(&mut world);
    let third = world.spawn();
    let to = world.share_port(three.server, three.at, third, Rights::CALL);
    for client in [0, 1] {
        three.call(&mut world, client);
        three.receive_generally(&mut world, Nanos::NEVER);
    }
    world.message(third, Call::Call, Message::to(to, WORDS));
    assert!(!three.receive(&mut world, Nanos::NEVER), "no slot was ever made for a fourth call");
}

#[test]
fn an_answer_that_could_end_the_servers_turn_is_left_to_the_general_path() {
    let mut world = World::new();
    let three = Three::new(&mut world);
    let reply = three.call(&mut world, 0);
    assert!(!three.reply(&mut world, reply, WORDS), "the hart runs in the name of the client");
    assert!(three.receive(&mut world, Nanos::NEVER));
    three.wake(&mut world);
    three.clients[0].shared().set_class(QosClass::PerfBurst);
    assert!(!three.reply(&mut world, reply, WORDS), "they are of one class");
    assert!(three.clients[0].waits());
    world.exchange(three.server, Call::Reply, Message::answer(reply, WORDS)).unwrap();
    assert_eq!(three.clients[0].incoming().unwrap().words, WORDS);
}

#[test]
fn an_answer_to_whom_something_is_asked_of_is_left_to_the_general_path() {
    for flag in [Flags::KILL, Flags::MOVE, Flags::WEIGH, Flags::LENT] {
        let mut world = World::new();
        let three = Three::new(&mut world);
        let reply = three.call(&mut world, 0);
        assert!(three.receive(&mut world, Nanos::NEVER));
        three.wake(&mut world);
        three.clients[0].shared().set_flag(flag);
        assert!(!three.reply(&mut world, reply, WORDS));
        three.clients[0].shared().clear_flag(flag);
        assert!(three.reply(&mut world, reply, WORDS));
    }
}

#[test]
fn an_answer_to_a_client_with_a_deadline_or_none_at_all_is_left_to_the_general_path() {
    let mut world = World::new();
    let three = Three::new(&mut world);
    let until = Message::to(three.to[0], WORDS).until(Nanos::from_millis(5));
    world.message(three.clients[0], Call::Call, until);
    let reply = three.server.incoming().unwrap().reply;
    three.receive_generally(&mut world, Nanos::NEVER);
    three.wake(&mut world);
    assert!(!three.reply(&mut world, reply, WORDS), "its deadline is armed");
    world.pass(5 * MS + 4 * MS);
    assert_eq!(three.clients[0].result(), Err(Error::TimedOut));
    assert!(!three.reply(&mut world, reply, WORDS), "it has given up");
    assert!(!three.reply(&mut world, three.at, WORDS), "that is no reply");
    assert!(!three.reply(&mut world, Handle::NONE, WORDS));
}

#[test]
fn several_are_answered_at_once_and_what_needs_a_second_look_is_left() {
    let mut world = World::new();
    let three = Three::new(&mut world);
    let replies = [0, 1].map(|client| {
        let reply = three.call(&mut world, client);
        assert!(three.receive(&mut world, Nanos::NEVER));
        reply
    });
    three.wake(&mut world);
    assert_eq!(three.reply_all(&mut world, &[]), 0);
    assert_eq!(
        three.reply_all(&mut world, &[three.at, replies[0]]),
        0,
        "that is no reply, and nobody passes it"
    );
    assert_eq!(three.reply_all(&mut world, &[replies[0], replies[0], replies[1]]), 1, "it is given");
    assert_eq!(three.reply_all(&mut world, &[replies[1], Handle::NONE, replies[0]]), 1);
    for client in three.clients {
        assert_eq!(client.incoming().unwrap().words, [3, 4, 0, 0, 0, 0, 0, 0]);
    }
    assert_eq!(world.current(), three.server, "it goes on");
}

#[test]
fn callers_of_the_servers_own_class_are_not_answered_at_once() {
    let mut world = World::new();
    let three = Three::new(&mut world);
    world.set_class(three.clients[0], QosClass::PerfBurst);
    let replies = [0, 1].map(|client| {
        if !three.server.waits() {
            three.receive_generally(&mut world, Nanos::NEVER);
        }
        world.message(three.clients[client], Call::Call, Message::to(three.to[client], WORDS));
        three.server.incoming().unwrap().reply
    });
    three.receive_generally(&mut world, Nanos::NEVER);
    three.wake(&mut world);
    assert_eq!(three.reply_all(&mut world, &replies), 0);
    world.exchange(three.server, Call::Reply, Message::answer(replies[0], WORDS)).unwrap();
}

/// Whoever holds the reply need not be who has the loan.
#[test]
fn an_answer_by_another_than_the_one_that_was_lent_to_is_left_to_the_general_path() {
    let mut world = World::new();
    let three = Three::new(&mut world);
    let (client, other) = (three.clients[0], world.spawn());
    let at = world.make(other, Call::EndpointCreate, &[]);
    let to = world.grant(other, at, client, Rights::CALL);
    world.message(client, Call::Call, Message::to(to, WORDS));
    let got = world.exchange(other, Call::Receive, Message::at(at)).unwrap();
    let ask = world.share_port(three.server, three.at, other, Rights::CALL);
    world.message(other, Call::Call, Message::to(ask, WORDS).moving(got.reply));
    let moved = three.server.incoming().unwrap().moved.unwrap();
    three.receive_generally(&mut world, Nanos::NEVER);
    three.wake(&mut world);
    assert_eq!(client.shared().loan.server(crate::ipc::reply::this_call(client.shared()).0), other.id());
    assert!(!three.reply(&mut world, moved, WORDS));
    world.exchange(three.server, Call::Reply, Message::answer(moved, WORDS)).unwrap();
    assert_eq!(client.incoming().unwrap().words, WORDS);
}

/// The queue was not asked about the client: it is at the latest a millisecond later, and sooner if the server waits.
#[test]
fn a_server_that_goes_on_keeps_the_hart_and_its_client_is_not_forgotten() {
    let mut world = World::new();
    let three = Three::new(&mut world);
    let reply = three.call(&mut world, 0);
    assert!(three.receive(&mut world, Nanos::NEVER));
    three.wake(&mut world);
    world.hush(1_000 * MS);
    world.run(three.server);
    assert!(three.reply(&mut world, reply, WORDS));
    assert!(arch::timer() <= arch::ticks() + MS / TICK_NS);
    world.pass(MS);
    assert_eq!(world.current(), three.server, "it is of the higher class");
    // Until the client is owed a grant, 80 ms after it became ready.
    assert!(arch::timer() > arch::ticks() + 70 * MS / TICK_NS);
    assert!(arch::timer() <= arch::ticks() + 80 * MS / TICK_NS);
    assert!(three.receive(&mut world, Nanos::NEVER));
    assert!(world.current() != three.server && !three.clients[0].waits());
    world.pass(1_100 * MS);
}

#[test]
fn a_server_killed_as_it_waits_the_short_way_dies() {
    let mut world = World::new();
    let three = Three::new(&mut world);
    three.call(&mut world, 0);
    assert!(three.receive(&mut world, Nanos::NEVER));
    world.bury(three.server);
    assert_eq!(three.clients[0].result(), Err(Error::Dead));
}

/// The client pays up to where the server waits for others, and for nothing after.
#[test]
fn a_client_pays_until_its_server_waits_for_others() {
    for fast in [true, false] {
        let mut world = World::new();
        let three = Three::new(&mut world);
        let before = [three.clients[0], three.server].map(Actor::spent);
        let reply = three.call(&mut world, 0);
        arch::set_ticks(arch::ticks() + 3 * MS / TICK_NS);
        if fast {
            assert!(three.receive(&mut world, Nanos::NEVER));
        } else {
            three.receive_generally(&mut world, Nanos::NEVER);
        }
        world.pass(5 * MS);
        three.wake(&mut world);
        world.pass(2 * MS);
        if fast {
            assert!(three.reply(&mut world, reply, WORDS));
        } else {
            world.exchange(three.server, Call::Reply, Message::answer(reply, WORDS)).unwrap();
        }
        world.pass(MS);
        let current = world.current();
        world.hart().charge(current.shared());
        let ms = |ticks: u64| ticks * TICK_NS / MS;
        let [client, server] = [three.clients[0], three.server].map(Actor::spent);
        assert_eq!(ms(client.donated.0 - before[0].donated.0), 3);
        assert_eq!(ms(server.received.0 - before[1].received.0), 3);
        assert_eq!(ms(server.run.0 - before[1].run.0), 6, "3 for the client, 3 in its own name");
        assert_eq!(ms(client.run.0 - before[0].run.0), 0);
    }
}
