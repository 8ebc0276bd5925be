//! Messages: words, bytes, handles, and every way for them not to arrive.

use nexus_abi::{Call, Error, Handle, Nanos, QosClass, Rights};

use super::image::DATA;
use super::message::Message;
use super::world::World;

const WORDS: [u64; 8] = [1, 2, 3, 4, 5, 6, 7, 8];
const ANSWER: [u64; 8] = [9; 8];
const NOT_MAPPED: usize = 0x2000_0000;

#[test]
fn a_waiting_server_runs_at_once_and_its_answer_wakes_the_caller() {
    let mut world = World::new();
    let (client, to, server, at) = world.pair();
    world.message(server, Call::Receive, Message::at(at));
    assert!(server.waits());
    world.message(client, Call::Call, Message::to(to, WORDS));
    assert_eq!(world.current(), server, "the caller's hart is handed over");
    let got = server.incoming().unwrap();
    assert_eq!((got.words, got.sender, got.len, got.moved), (WORDS, client.id(), 0, None));
    assert_eq!(got.stamp.class(), QosClass::Normal);
    assert!(client.waits());
    world.exchange(server, Call::Reply, Message::answer(got.reply, ANSWER)).unwrap();
    assert_eq!(client.incoming().unwrap().words, ANSWER);
    assert_eq!(
        world.exchange(server, Call::Reply, Message::answer(got.reply, ANSWER)),
        Err(Error::BadHandle),
        "a reply answers once"
    );
}

#[test]
fn a_caller_waits_for_its_server_and_is_received_with_everything_it_sent() {
    let mut world = World::new();
    let (client, to, server, at) = world.pair();
    world.poke(client, DATA + 4090, b"across two pages");
    let moved = world.make(client, Call::NotificationCreate, &[]);
    let message = Message::to(to, WORDS).sending(DATA + 4090, 16).moving(moved).with_room(DATA, 64);
    world.message(client, Call::Call, message);
    assert!(client.waits());
    let got = world.exchange(server, Call::Receive, Message::at(at).with_room(DATA + 100, 16)).unwrap();
    assert_eq!((got.words, got.len), (WORDS, 16));
    assert_eq!(world.peek(server, DATA + 100, 16), b"across two pages");
    world.syscall(server, Call::Notify, &[got.moved.unwrap().to_wire(), 1]).unwrap();
    let answer = Message::answer(got.reply, ANSWER).sending(DATA + 100, 6).moving(got.moved.unwrap());
    world.exchange(server, Call::Reply, answer).unwrap();
    let back = client.incoming().unwrap();
    assert_eq!((back.words, back.len, world.peek(client, DATA, 6)), (ANSWER, 6, b"across".to_vec()));
    assert_eq!(world.syscall(client, Call::Wait, &[back.moved.unwrap().to_wire(), 0]), Ok((1, 0)));
    assert_eq!(world.syscall(client, Call::HandleClose, &[moved.to_wire()]), Err(Error::BadHandle));
}

#[test]
fn reply_and_receive_takes_the_next_caller_or_hands_the_hart_to_the_answered_one() {
    let mut world = World::new();
    let (first, to, server, at) = world.pair();
    let second = world.spawn();
    let to_second = world.grant(server, at, second, Rights::CALL);
    world.message(first, Call::Call, Message::to(to, [1; 8]));
    world.message(second, Call::Call, Message::to(to_second, [2; 8]));
    let got = world.exchange(server, Call::Receive, Message::at(at)).unwrap();
    assert_eq!(got.sender, first.id());
    let next =
        world.exchange(server, Call::ReplyReceive, Message::to(at, ANSWER).replying(got.reply)).unwrap();
    assert_eq!((next.sender, next.words), (second.id(), [2; 8]));
    assert_eq!(first.incoming().unwrap().words, ANSWER);
    world.message(server, Call::ReplyReceive, Message::to(at, ANSWER).replying(next.reply));
    assert!(server.waits());
    assert_eq!(world.current(), second);
    assert_eq!(second.incoming().unwrap().words, ANSWER);
}

#[test]
fn callers_are_received_by_class_and_then_by_arrival() {
    let mut world = World::new();
    let server = world.spawn();
    let at = world.make(server, Call::EndpointCreate, &[]);
    let classes = [QosClass::Idle, QosClass::Normal, QosClass::Interactive, QosClass::Normal];
    let mut callers = std::vec::Vec::new();
    for class in classes {
        let caller = world.spawn();
        let to = world.grant(server, at, caller, Rights::CALL);
        world.run(caller);
        world.set_class(caller, class);
        world.message(caller, Call::Call, Message::to(to, WORDS));
        callers.push(caller.id());
    }
    for expected in [2, 1, 3, 0] {
        let got = world.exchange(server, Call::Receive, Message::at(at)).unwrap();
        assert_eq!((got.sender, got.stamp.class()), (callers[expected], classes[expected]));
    }
}

#[test]
fn a_refused_call_reaches_nobody() {
    let mut world = World::new();
    let (client, to, server, at) = world.pair();
    let bits = world.make(client, Call::NotificationCreate, &[]);
    let fixed = world.syscall(client, Call::HandleCopy, &[bits.to_wire(), Rights::NOTIFY.to_wire()]).unwrap();
    let fixed = Handle::from_wire(fixed.0);
    world.message(server, Call::Receive, Message::at(at));
    let refused = [
        (Message::to(Handle::new(77, 1), WORDS), Error::BadHandle),
        (Message::to(bits, WORDS), Error::WrongKind),
        (Message::to(to, WORDS).sending(NOT_MAPPED, 8), Error::BadAddress),
        (Message::to(to, WORDS).sending(usize::MAX - 3, 8), Error::BadAddress),
        (Message::to(to, WORDS).with_room(0x10_0000, 8), Error::BadAddress),
        (Message::to(to, WORDS).sending(DATA, 5000), Error::Invalid),
        (Message::to(to, WORDS).with_room(DATA, 5000), Error::Invalid),
        (Message::to(to, WORDS).moving(Handle::new(77, 1)), Error::BadHandle),
        (Message::to(to, WORDS).moving(fixed), Error::Denied),
        (Message::to(to, WORDS).sending(DATA, 8), Error::TooLong),
    ];
    let handles = world.handles(client);
    for (message, error) in refused {
        assert_eq!(world.exchange(client, Call::Call, message), Err(error), "{message:?}");
        assert!(server.waits());
        assert_eq!(world.handles(client), handles);
    }
    let deaf = world.exchange(client, Call::Receive, Message::at(to));
    assert_eq!(deaf, Err(Error::Denied), "CALL does not allow to receive");
}

#[test]
fn a_server_that_cannot_take_a_message_keeps_waiting_and_its_caller_is_told() {
    let mut world = World::new();
    let (client, to, server, at) = world.pair();
    let other = world.spawn();
    let to_other = world.grant(server, at, other, Rights::CALL);
    // A queued caller with too many bytes is told when it is its turn; the one behind it is received.
    world.message(client, Call::Call, Message::to(to, WORDS).sending(DATA, 64));
    world.message(other, Call::Call, Message::to(to_other, WORDS));
    let got = world.exchange(server, Call::Receive, Message::at(at).with_room(DATA, 63)).unwrap();
    assert_eq!(got.sender, other.id());
    assert_eq!(client.result(), Err(Error::TooLong));
    // An answer that does not fit leaves the reply, so that another can be given.
    let long = Message::answer(got.reply, ANSWER).sending(DATA, 1);
    assert_eq!(world.exchange(server, Call::Reply, long), Err(Error::TooLong));
    assert!(other.waits());
    world.exchange(server, Call::Reply, Message::answer(got.reply, ANSWER)).unwrap();
    assert_eq!(other.incoming().unwrap().words, ANSWER);
}

#[test]
fn a_full_table_at_the_receiver_is_the_senders_error_and_moves_nothing() {
    let mut world = World::new();
    let (client, to, server, at) = world.pair();
    let moved = world.make(server, Call::NotificationCreate, &[]);
    world.fill_table(client);
    world.message(server, Call::Receive, Message::at(at));
    world.message(client, Call::Call, Message::to(to, WORDS));
    let reply = server.incoming().unwrap().reply;
    let answer = Message::answer(reply, ANSWER).moving(moved);
    assert_eq!(world.exchange(server, Call::Reply, answer), Err(Error::PeerFull));
    assert!(client.waits());
    world.exchange(server, Call::Reply, Message::answer(reply, ANSWER)).unwrap();
    world.syscall(server, Call::HandleClose, &[moved.to_wire()]).unwrap();
}

#[test]
fn closing_a_reply_or_the_last_receiver_tells_whoever_waits() {
    let mut world = World::new();
    let (client, to, server, at) = world.pair();
    world.message(client, Call::Call, Message::to(to, WORDS));
    let got = world.exchange(server, Call::Receive, Message::at(at)).unwrap();
    world.syscall(server, Call::HandleClose, &[got.reply.to_wire()]).unwrap();
    assert_eq!(client.result(), Err(Error::Dead));
    world.message(client, Call::Call, Message::to(to, WORDS));
    world.syscall(server, Call::HandleClose, &[at.to_wire()]).unwrap();
    assert_eq!(client.result(), Err(Error::Dead));
    assert_eq!(world.exchange(client, Call::Call, Message::to(to, WORDS)), Err(Error::Dead));
    assert_eq!(world.syscall(client, Call::Notify, &[to.to_wire(), 1]), Err(Error::Dead));
}

#[test]
fn bits_come_before_messages_and_are_taken_whole() {
    let mut world = World::new();
    let (client, to, server, at) = world.pair();
    world.syscall(client, Call::Notify, &[to.to_wire(), 5]).unwrap();
    world.syscall(client, Call::Notify, &[to.to_wire(), 8]).unwrap();
    world.message(client, Call::Call, Message::to(to, WORDS));
    let bits = world.exchange(server, Call::Receive, Message::at(at)).unwrap();
    assert!(bits.stamp.is_bits());
    assert_eq!(bits.bits, 13);
    let got = world.exchange(server, Call::Receive, Message::at(at)).unwrap();
    assert!(!got.stamp.is_bits());
    world.message(server, Call::ReplyReceive, Message::to(at, ANSWER).replying(got.reply));
    world.syscall(client, Call::Notify, &[to.to_wire(), 2]).unwrap();
    assert_eq!(server.incoming().map(|bits| (bits.bits, bits.stamp.is_bits())), Ok((2, true)));
}

#[test]
fn polling_an_empty_endpoint_times_out_at_once() {
    let mut world = World::new();
    let (client, to, server, at) = world.pair();
    let poll = Message::at(at).until(Nanos::NOW);
    assert_eq!(world.exchange(server, Call::Receive, poll), Err(Error::TimedOut));
    assert_eq!(
        world.exchange(client, Call::Call, Message::to(to, WORDS).until(Nanos::NOW)),
        Err(Error::TimedOut)
    );
}
