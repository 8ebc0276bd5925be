//! The fast paths against the general ones: the same exchange ends with the same registers, and what a fast
//! path does not take it leaves as it was.
#![expect(unsafe_code, reason = "plays the trap code, for which tasks are addresses")]

use core::ptr::NonNull;

use nexus_abi::{Call, Handle, HartMask, Nanos, QosClass, Rights, SchedField, SpawnArgs};

use super::actor::Actor;
use super::image::DATA;
use super::message::Message;
use super::world::{APP, World};
use crate::ipc::fast::{self, Switch};
use crate::ipc::{elsewhere, fast_bits};
use crate::task::TaskPtr;
use crate::task::registers::Reg;

const MS: u64 = 1_000_000;
const WORDS: [u64; 8] = [11, 12, 13, 14, 15, 16, 17, 18];

/// What a task can tell of an exchange.
pub fn seen(actor: Actor) -> [u64; 13] {
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
pub fn trap(world: &mut World, actor: Actor, call: Call, words: [u64; 8], named: u64) -> bool {
    trap_until(world, actor, call, words, named, Nanos::NEVER)
}

/// The same until a deadline, which only a server that answers and receives can have.
pub fn trap_until(
    world: &mut World,
    actor: Actor,
    call: Call,
    words: [u64; 8],
    named: u64,
    deadline: Nanos,
) -> bool {
    world.run(actor);
    let registers = actor.registers();
    registers.set(Reg::T1, named);
    registers.set(Reg::T2, 0);
    let hart = world.hart();
    let switch = match call {
        Call::Call => fast::call(hart, named),
        _ => {
            registers.set(Reg::T5, deadline.0);
            fast::reply_receive(hart, named, deadline.0)
        }
    };
    if switch.0.addr() & Switch::REFUSED_BIT != 0 {
        return false;
    }
    if switch.0.addr() & Switch::ELSEWHERE != 0 {
        send_elsewhere(world, call, words, switch);
        return true;
    }
    let now = world.current();
    assert!(core::ptr::eq(switch.0, now.shared()), "whose registers to load is who runs");
    let called = call == Call::Call;
    let registers = now.registers();
    registers.set_words(words);
    registers.set(Reg::T0, 0);
    if !called {
        registers.set(Reg::T1, 0);
    }
    registers.set(Reg::T2, 0);
    registers.set(Reg::T3, if called { actor.id().to_wire() } else { 0 });
    registers.set(Reg::T4, if called { actor.shared().stamp().0 } else { 0 });
    true
}

/// What the trap code does when the peer is at home elsewhere.
fn send_elsewhere(world: &mut World, call: Call, words: [u64; 8], switch: Switch) {
    let peer = switch.0.wrapping_byte_sub(Switch::ELSEWHERE).cast_mut();
    let peer = NonNull::new(peer).unwrap();
    Actor::of(peer).registers().set_words(words);
    // SAFETY: the first half says that this is a task, and in nobody's hands but ours.
    let peer = TaskPtr::to(unsafe { peer.as_ref() });
    match call {
        Call::Call => elsewhere::call(world.hart(), peer),
        _ => elsewhere::reply(world.hart(), peer),
    }
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
fn a_server_of_a_lower_class_runs_in_its_callers_stead() {
    let mut world = World::new();
    let (client, to, server, at) = served(&mut world);
    let rival = world.spawn();
    server.shared().set_class(QosClass::Idle);
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

/// A call and its answer between tasks at home on two harts: what server and client saw.
fn exchange_across(fast: bool) -> [[u64; 13]; 2] {
    let mut world = World::with(2, 2048);
    let at_home = |index| SpawnArgs { affinity: HartMask::only(index), ..SpawnArgs::new(APP) };
    let root = world.root;
    let (client, _) = world.spawn_by(root, at_home(0)).unwrap();
    let (server, _) = world.spawn_by(root, at_home(1)).unwrap();
    world.interrupt_all();
    let at = world.make(server, Call::EndpointCreate, &[]);
    let to = world.grant(server, at, client, Rights::CALL);
    // Once the general way, so that the server has a free slot for the reply and both have run.
    world.message(server, Call::Receive, Message::at(at));
    world.message(client, Call::Call, Message::to(to, [0; 8]));
    world.interrupt_all();
    let got = server.incoming().unwrap();
    world.message(server, Call::ReplyReceive, Message::to(at, [0; 8]).replying(got.reply));
    world.interrupt_all();
    client.result().unwrap();
    if fast {
        assert!(trap(&mut world, client, Call::Call, WORDS, to.to_wire()));
    } else {
        world.message(client, Call::Call, Message::to(to, WORDS));
    }
    assert!(client.waits());
    world.interrupt_all();
    let (called, reply) = (seen(server), server.incoming().unwrap().reply);
    assert_eq!(server.shared().hart(), 1);
    if fast {
        let named = reply.to_wire() << 32 | at.to_wire();
        assert!(trap(&mut world, server, Call::ReplyReceive, [7; 8], named));
    } else {
        world.message(server, Call::ReplyReceive, Message::to(at, [7; 8]).replying(reply));
    }
    assert!(server.waits());
    world.interrupt_all();
    assert_eq!(client.shared().hart(), 0);
    [called, seen(client)]
}

#[test]
fn both_paths_end_alike_between_harts() {
    assert_eq!(exchange_across(true), exchange_across(false));
}

#[test]
fn a_client_killed_while_its_call_goes_to_another_hart_is_gone() {
    let mut world = World::with(2, 2048);
    let (client, to, server, at) = served(&mut world);
    server.shared().set_hart(1);
    server.shared().tlb_ok.store(0, core::sync::atomic::Ordering::Relaxed);
    world.run(client);
    let switch = fast::call(world.hart(), to);
    assert_eq!(switch.0.addr() & Switch::ELSEWHERE, Switch::ELSEWHERE);
    client.shared().set_flag(crate::task::Flags::KILL);
    send_elsewhere(&mut world, Call::Call, WORDS, switch);
    world.interrupt_all();
    let reply = server.incoming().unwrap().reply;
    assert!(world.bury(client) == nexus_abi::ExitReason::Killed);
    world.run(server);
    let answer = Message::to(Handle::from_wire(at), [0; 8]).replying(reply);
    world.message(server, Call::ReplyReceive, answer);
    assert!(server.waits(), "a reply nobody wants is dropped");
}

/// It was interrupted before, so whatever it computed with is in its saved registers; the trap code has put its
/// request over that, all but the deadline that it does not have.
#[test]
fn a_server_that_waits_by_the_fast_path_and_must_begin_again_waits_for_ever() {
    let mut world = World::new();
    let (client, to, server, at) = served(&mut world);
    assert!(trap(&mut world, client, Call::Call, WORDS, to));
    let named = server.registers().get(Reg::T1) << 32 | at;
    server.registers().set(Reg::T5, 0);
    assert!(trap(&mut world, server, Call::ReplyReceive, WORDS, named));
    let taken = world.hart().interrupt_wait(server.shared()).unwrap();
    world.hart().retry(taken);
    world.run(server);
    let asked = [Reg::T0, Reg::T1, Reg::T2, Reg::T5].map(|reg| server.registers().get(reg));
    assert_eq!(asked, [Call::Receive.to_wire(), at, 0, Nanos::NEVER.0]);
}

#[test]
fn a_more_urgent_server_leaves_its_callers_rival_the_slice() {
    let mut world = World::new();
    let (client, to, server, _) = served(&mut world);
    let rival = world.spawn();
    world.run(client);
    world.interrupt(0);
    let slice_end = crate::arch::timer();
    assert_ne!(slice_end, u64::MAX, "{rival:?} waits");
    server.shared().set_class(QosClass::Interactive);
    assert!(trap(&mut world, client, Call::Call, WORDS, to));
    world.interrupt(0);
    assert_eq!(world.current(), server);
    assert_eq!(crate::arch::timer(), slice_end);
}

/// Two tasks and a notification between them: who waits, its handle, who notifies, its handle.
fn bits_between(world: &mut World) -> (Actor, u64, Actor, u64) {
    let (waiter, notifier) = (world.spawn(), world.spawn());
    let at = world.make(waiter, Call::NotificationCreate, &[]);
    let to = world.grant(waiter, at, notifier, Rights::NOTIFY);
    (waiter, at.to_wire(), notifier, to.to_wire())
}

#[test]
fn bits_wake_a_waiting_task_and_the_notifier_goes_on() {
    let mut world = World::new();
    let (waiter, at, notifier, to) = bits_between(&mut world);
    world.begin(world.root, Call::Wait, &[0, Nanos::NEVER.0]);
    world.run(waiter);
    fast_bits::wait(world.hart(), at, Nanos::NEVER.0);
    assert!(waiter.waits());
    world.run(notifier);
    world.hush(MS);
    assert!(fast_bits::notify(world.hart(), to, 5));
    assert_eq!(world.current(), notifier);
    assert_eq!(waiter.result(), Ok((5, 0)));
    world.run(waiter);
    world.pass(MS);
}

#[test]
fn who_is_raised_while_it_waits_for_its_turn_has_it_at_once_however_it_came() {
    for has_yielded in [false, true] {
        let mut world = World::new();
        let (waiter, at, notifier, to) = bits_between(&mut world);
        let heavy = world.root;
        let shares = [heavy.id().to_wire(), SchedField::Shares.to_wire(), 1_000, 0];
        world.syscall(heavy, Call::SchedSet, &shares).unwrap();
        world.begin(heavy, Call::Wait, &[0, 20_000]);
        world.run(waiter);
        fast_bits::wait(world.hart(), at, Nanos::NEVER.0);
        world.run(notifier);
        world.hush(MS);
        assert!(fast_bits::notify(world.hart(), to, 1));
        let (runs, waits) = if has_yielded { (waiter, notifier) } else { (notifier, waiter) };
        if has_yielded {
            assert!(world.hart().yield_quickly());
        }
        assert_eq!(world.current(), runs);
        world.pass(20_000);
        assert_eq!(world.current(), heavy, "now all three are weighed");
        world.set_class(waits, QosClass::Interactive);
        world.interrupt(0);
        assert_eq!(world.current(), waits);
        world.begin(waits, Call::Wait, &[0, Nanos::NEVER.0]);
        world.pass(MS);
    }
}

#[test]
fn bits_that_nobody_waits_for_are_kept_and_taken_whole() {
    let mut world = World::new();
    let (waiter, at, notifier, to) = bits_between(&mut world);
    world.run(notifier);
    assert!(fast_bits::notify(world.hart(), to, 1));
    assert!(fast_bits::notify(world.hart(), to, 4));
    world.run(waiter);
    fast_bits::wait(world.hart(), at, Nanos::NEVER.0);
    assert_eq!(waiter.result(), Ok((5, 0)));
}

#[test]
fn a_notifier_gives_way_to_a_more_urgent_task_by_the_general_path() {
    let mut world = World::new();
    let (waiter, at, notifier, to) = bits_between(&mut world);
    world.set_class(waiter, QosClass::Interactive);
    world.run(waiter);
    fast_bits::wait(world.hart(), at, Nanos::NEVER.0);
    world.run(notifier);
    assert!(!fast_bits::notify(world.hart(), to, 1), "left to the general path");
    assert!(waiter.waits());
    world.begin(notifier, Call::Notify, &[to, 1]);
    assert_eq!(world.current(), waiter);
}

#[test]
fn nonsense_to_the_short_ways_is_answered_by_the_general_path() {
    let mut world = World::new();
    let (waiter, at, notifier, to) = bits_between(&mut world);
    for (handle, bits) in [(to, 0), (0, 1), (u64::MAX, 1), (to + 1, 1), (to ^ 1 << 16, 1)] {
        world.run(notifier);
        assert!(!fast_bits::notify(world.hart(), handle, bits), "{handle:#x} {bits}");
    }
    for handle in [u64::MAX, at + 1, at ^ 1 << 16] {
        world.run(waiter);
        fast_bits::wait(world.hart(), handle, Nanos::NEVER.0);
        assert_eq!(waiter.result(), Err(nexus_abi::Error::BadHandle), "{handle:#x}");
    }
}

#[test]
fn a_task_killed_as_it_begins_to_wait_does_not_wait() {
    let mut world = World::new();
    let (waiter, at, ..) = bits_between(&mut world);
    world.run(waiter);
    waiter.shared().set_flag(crate::task::Flags::KILL);
    fast_bits::wait(world.hart(), at, Nanos::NEVER.0);
    for _ in 0..64 {
        world.rotate();
    }
    assert!(waiter.is_dead());
}

#[test]
fn yielding_alternates_two_tasks_and_returns_at_once_to_a_lonely_one() {
    let mut world = World::new();
    let (one, two) = (world.spawn(), world.spawn());
    let root = world.root;
    world.begin(root, Call::Wait, &[0, Nanos::NEVER.0]);
    world.run(one);
    for _ in 0..3 {
        crate::syscall::yield_now(world.hart());
        assert_eq!(world.current(), two);
        crate::syscall::yield_now(world.hart());
        assert_eq!(world.current(), one);
    }
    world.bury(two);
    world.run(one);
    crate::syscall::yield_now(world.hart());
    assert_eq!(world.current(), one, "the idle task is of a lower class");
    assert_eq!(one.result(), Ok((0, 0)));
}
