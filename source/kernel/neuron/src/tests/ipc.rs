//! Messages: words, bytes, handles, and every way for them not to arrive.

use nexus_abi::{Call, Error, Handle, Nanos, QosClass, Rights};

use super::actor::Message;
use super::image::DATA;
use super::world::World;

const WORDS: [u64; 8] = [1, 2, 3, 4, 5, 6, 7, 8];
const ANSWER: [u64; 8] = [9; 8];

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
