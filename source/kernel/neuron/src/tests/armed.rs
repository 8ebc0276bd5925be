//! A server's deadline stays armed while it is called and answers by the fast path; and it never ends, delays or
//! outlives anything that it should not.

use nexus_abi::{Call, Error, Handle, HartMask, Nanos, QosClass, Rights, SpawnArgs};

use super::actor::Actor;
use super::fast::{trap, trap_until};
use super::message::Message;
use super::world::{APP, TICK_NS, World};
use crate::arch;
use crate::task::Flags;
use crate::task::registers::Reg;
use crate::time::Ticks;

const MS: u64 = 1_000_000;
const WORDS: [u64; 8] = [1; 8];
const DUE: Nanos = Nanos(5 * MS);

/// A server that waits until [`DUE`], with a free slot for a reply, and its client; both have run on the first hart.
struct Pair {
    client: Actor,
    to: u64,
    server: Actor,
    at: u64,
}

impl Pair {
    fn new(world: &mut World) -> Self {
        let args = SpawnArgs { flags: nexus_abi::spawn::SpawnFlags::PRECISE_TIME, ..SpawnArgs::new(APP) };
        let server = world.spawn_by(world.root, args).unwrap().0;
        let client = world.spawn();
        let at = world.make(server, Call::EndpointCreate, &[]);
        let to = world.grant(server, at, client, Rights::CALL | Rights::NOTIFY);
        let pair = Self { client, to: to.to_wire(), server, at: at.to_wire() };
        world.message(server, Call::Receive, Message::at(at).until(DUE));
        world.message(client, Call::Call, Message::to(to, [0; 8]));
        pair.answer_generally(world, DUE);
        client.result().unwrap();
        assert!(server.waits());
        pair
    }

    fn call(&self, world: &mut World) -> bool {
        trap(world, self.client, Call::Call, WORDS, self.to)
    }

    fn answer(&self, world: &mut World, until: Nanos) -> bool {
        let reply = self.server.registers().get(Reg::T1);
        let taken = trap_until(world, self.server, Call::ReplyReceive, WORDS, reply << 32 | self.at, until);
        if !taken {
            self.server.registers().set(Reg::T1, reply);
        }
        taken
    }

    fn answer_generally(&self, world: &mut World, until: Nanos) {
        let reply = self.server.incoming().unwrap().reply;
        let answer = Message::to(Handle::from_wire(self.at), WORDS).replying(reply).until(until);
        world.message(self.server, Call::ReplyReceive, answer);
    }

    /// The deadline ends the server's wait at its moment.
    fn is_due(&self, world: &mut World, due: Nanos) {
        world.pass(due.0 - TICK_NS - arch::ticks() * TICK_NS);
        assert!(self.server.waits(), "too early");
        world.pass(TICK_NS);
        assert_eq!(self.server.result(), Err(Error::TimedOut));
    }
}

fn is_armed(actor: Actor) -> bool {
    actor.shared().flags() & Flags::ANCHORED != 0
}

#[test]
fn a_server_is_called_and_answers_by_the_fast_path_until_its_deadline() {
    let mut world = World::new();
    let pair = Pair::new(&mut world);
    for _ in 0..3 {
        assert!(pair.call(&mut world));
        assert_eq!(world.current(), pair.server);
        assert!(pair.answer(&mut world, DUE));
        assert_eq!(world.current(), pair.client);
        world.pass(MS);
    }
    pair.is_due(&mut world, DUE);
    assert!(!is_armed(pair.server));
}

/// By the fast path and by the general one.
#[test]
fn a_server_that_may_see_the_time_is_told_when_it_was_called() {
    let mut world = World::new();
    let pair = Pair::new(&mut world);
    let told = || Nanos(pair.server.registers().get(Reg::T5));
    for _ in 0..3 {
        world.pass(MS / 2);
        let now = Nanos(arch::ticks() * TICK_NS);
        assert!(pair.call(&mut world));
        assert!(told() >= now && told() <= Nanos(arch::ticks() * TICK_NS));
        assert!(pair.answer(&mut world, DUE));
    }
    world.message(pair.client, Call::Call, Message::to(Handle::from_wire(pair.to), [0; 8]));
    assert_eq!(told(), Nanos(arch::ticks() * TICK_NS));
}

#[test]
fn any_other_server_is_not_told_the_time() {
    let mut world = World::new();
    let [server, client] = [(); 2].map(|()| world.spawn());
    let at = world.make(server, Call::EndpointCreate, &[]);
    let to = world.grant(server, at, client, Rights::CALL);
    for deadline in [DUE, Nanos::NEVER] {
        world.message(server, Call::Receive, Message::at(at).until(deadline));
        world.message(client, Call::Call, Message::to(to, [0; 8]));
        assert_eq!(server.registers().get(Reg::T5), Nanos::NEVER.0);
        let answer = Message::answer(server.incoming().unwrap().reply, WORDS);
        world.exchange(server, Call::Reply, answer).unwrap();
        assert_eq!(client.incoming().unwrap().words, WORDS);
    }
}

#[test]
fn another_deadline_is_armed_by_the_general_path_and_the_old_one_is_forgotten() {
    for other in [Nanos(9 * MS), Nanos(3 * MS)] {
        let mut world = World::new();
        let pair = Pair::new(&mut world);
        assert!(pair.call(&mut world));
        assert!(!pair.answer(&mut world, other), "left to the general path");
        pair.answer_generally(&mut world, other);
        pair.is_due(&mut world, other);
    }
}

#[test]
fn a_server_that_waits_for_ever_is_not_ended_by_the_deadline_it_had() {
    let mut world = World::new();
    let pair = Pair::new(&mut world);
    assert!(pair.call(&mut world));
    assert!(!pair.answer(&mut world, Nanos::NEVER), "left to the general path");
    pair.answer_generally(&mut world, Nanos::NEVER);
    assert!(!is_armed(pair.server));
    world.pass(2 * DUE.0);
    assert!(pair.server.waits());
    assert!(pair.call(&mut world) && pair.answer(&mut world, Nanos::NEVER), "back to the fast path");
}

#[test]
fn a_deadline_that_passes_while_the_server_runs_ends_its_next_wait() {
    let mut world = World::new();
    let pair = Pair::new(&mut world);
    assert!(pair.call(&mut world));
    world.pass(DUE.0);
    world.run(pair.server);
    assert!(!pair.answer(&mut world, DUE), "left to the general path");
    pair.answer_generally(&mut world, DUE);
    assert_eq!(pair.server.result(), Err(Error::TimedOut));
    assert_eq!(pair.client.incoming().unwrap().words, WORDS, "its answer was given all the same");
    assert!(!is_armed(pair.server));
}

#[test]
fn a_deadline_that_passes_while_the_server_runs_does_not_end_a_wait_of_another() {
    let mut world = World::new();
    let pair = Pair::new(&mut world);
    assert!(pair.call(&mut world));
    world.pass(DUE.0);
    world.run(pair.server);
    let later = Nanos(3 * DUE.0);
    pair.answer_generally(&mut world, later);
    pair.is_due(&mut world, later);
}

/// It gives way, sleeps, is preempted for good, or is stolen: each time its deadline goes first.
#[test]
fn a_server_that_leaves_its_hart_otherwise_than_by_waiting_takes_no_deadline_along() {
    let mut world = World::with(2, 2048);
    let pair = Pair::new(&mut world);
    assert!(pair.call(&mut world));
    assert!(is_armed(pair.server));
    world.rotate();
    assert_ne!(world.current(), pair.server);
    assert!(!is_armed(pair.server), "it is ready, and may be taken to another hart");
    world.move_to(pair.server, 1);
    assert_eq!(pair.server.shared().hart(), 1);
    world.pass(2 * DUE.0);
    let end = Nanos(4 * DUE.0);
    pair.answer_generally(&mut world, end);
    world.interrupt_all();
    pair.is_due(&mut world, end);
}

#[test]
fn a_server_that_waits_for_something_else_is_told_of_that_deadline_only() {
    let mut world = World::new();
    let pair = Pair::new(&mut world);
    assert!(pair.call(&mut world));
    world.begin(pair.server, Call::Wait, &[0, 3 * DUE.0]);
    world.pass(2 * DUE.0);
    assert!(pair.server.waits());
    world.pass(DUE.0);
    assert_eq!(pair.server.result(), Err(Error::TimedOut));
}

#[test]
fn a_server_that_may_not_run_here_any_more_takes_no_deadline_along() {
    let mut world = World::with(2, 2048);
    let pair = Pair::new(&mut world);
    assert!(pair.call(&mut world));
    let harts = nexus_abi::Affinity { harts: HartMask::only(1), policy: nexus_abi::AffinityPolicy::Pin };
    pair.server.shared().set_affinity(harts);
    world.interrupt(0);
    world.interrupt(1);
    assert_eq!(pair.server.shared().hart(), 1);
    assert!(!is_armed(pair.server));
    world.pass(2 * DUE.0);
    let end = Nanos(4 * DUE.0);
    pair.answer_generally(&mut world, end);
    pair.is_due(&mut world, end);
}

#[test]
fn a_server_that_dies_while_it_runs_leaves_no_deadline_behind() {
    let mut world = World::new();
    let pair = Pair::new(&mut world);
    assert!(pair.call(&mut world));
    world.bury(pair.server);
    assert_eq!(pair.client.result(), Err(Error::Dead));
    assert!(!world.hart_at(0).somebody_is_due(Ticks(u64::MAX - 1)), "nothing is armed any more");
}

#[test]
fn a_server_killed_as_it_waits_with_its_deadline_leaves_none_behind() {
    let mut world = World::new();
    let pair = Pair::new(&mut world);
    assert!(pair.call(&mut world));
    assert!(pair.answer(&mut world, DUE));
    world.bury(pair.server);
    assert!(!world.hart_at(0).somebody_is_due(Ticks(u64::MAX - 1)), "nothing is armed any more");
}

/// The deadline is the first hart's: what comes from another must pass through it.
#[test]
fn a_caller_on_another_hart_does_not_take_a_server_from_its_deadline() {
    let mut world = World::with(2, 2048);
    let pair = Pair::new(&mut world);
    world.move_to(pair.client, 1);
    assert!(!pair.call(&mut world), "left to the general path");
    world.message(pair.client, Call::Call, Message::to(Handle::from_wire(pair.to), WORDS));
    world.interrupt_all();
    assert_eq!(pair.server.shared().hart(), 0);
    assert_eq!(pair.server.incoming().unwrap().words, WORDS);
    pair.answer_generally(&mut world, DUE);
    world.interrupt_all();
    pair.client.result().unwrap();
    pair.is_due(&mut world, DUE);
}

/// Its caller has gone to another hart meanwhile; it waits again where it is.
#[test]
fn an_answer_to_another_hart_keeps_the_deadline_armed() {
    let mut world = World::with(2, 2048);
    let pair = Pair::new(&mut world);
    assert!(pair.call(&mut world));
    pair.client.shared().set_affinity(nexus_abi::Affinity {
        harts: HartMask::only(1),
        policy: nexus_abi::AffinityPolicy::Pin,
    });
    pair.client.shared().clear_flag(Flags::MOVE);
    assert!(pair.answer(&mut world, DUE));
    world.interrupt_all();
    assert_eq!((pair.client.shared().hart(), pair.server.shared().hart()), (1, 0));
    pair.is_due(&mut world, DUE);
}

/// How late it may be told follows its class, also when the deadline is the same as before.
#[test]
fn a_server_whose_class_has_changed_waits_in_the_window_of_that_class() {
    let mut world = World::new();
    let (client, to, server, at) = world.pair();
    world.message(server, Call::Receive, Message::at(at).until(DUE));
    world.message(client, Call::Call, Message::to(to, [0; 8]));
    let pair = Pair { client, to: to.to_wire(), server, at: at.to_wire() };
    pair.answer_generally(&mut world, DUE);
    world.begin(client, Call::Wait, &[0, Nanos::NEVER.0]);
    assert_eq!(arch::timer(), (DUE.0 + 4 * MS) / TICK_NS);
    world.interrupt(0);
    world.pass(0);
    world.set_class(server, QosClass::Interactive);
    let other = world.spawn();
    let to = world.share_port(server, at, other, Rights::CALL);
    world.message(other, Call::Call, Message::to(to, [0; 8]));
    pair.answer_generally(&mut world, DUE);
    world.begin(other, Call::Wait, &[0, Nanos::NEVER.0]);
    assert_eq!(arch::timer(), (DUE.0 + MS) / TICK_NS);
}

/// It was taken out for a message that it did not get, and begins again with all that it asked for.
#[test]
fn a_server_that_must_begin_again_asks_for_the_same_deadline() {
    let mut world = World::new();
    let pair = Pair::new(&mut world);
    assert!(pair.call(&mut world));
    pair.server.registers().set(Reg::T5, 77);
    assert!(pair.answer(&mut world, DUE));
    let taken = world.hart().interrupt_wait(pair.server.shared()).unwrap();
    world.hart().retry(taken);
    world.run(pair.server);
    assert_eq!(pair.server.registers().get(Reg::T5), DUE.0);
    assert!(!is_armed(pair.server));
}
