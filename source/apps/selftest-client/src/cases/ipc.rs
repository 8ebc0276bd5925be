//! Calls and answers carry words, bytes and one handle between address spaces, and what cannot be delivered
//! is a typed error that loses nothing.

use alloc::vec::Vec;

use nexus_abi::info::TaskState;
use nexus_abi::user::{self, Incoming, Message, Outgoing};
use nexus_abi::{Error, Handle, MESSAGE_BYTES_MAX, Nanos, PAGE_SIZE, QosClass, Rights, ServiceId};
use selftest_client::Op;

use crate::check::{Because, Verdict, Why, holds, refused, same};
use crate::ledger::leaves_nothing;
use crate::partner::{Partner, patience};

pub fn run() -> Verdict {
    leaves_nothing("words", words)?;
    leaves_nothing("bytes", bytes)?;
    leaves_nothing("stamps", stamp)?;
    leaves_nothing("messages that do not fit", too_long)?;
    leaves_nothing("a peer without room for a handle", peer_full)?;
    leaves_nothing("wrong arguments", invalid)
}

/// Eight words there and back, on the fast path and beside it.
fn words() -> Verdict {
    let fast = Partner::spawn_as("fast", |_| ())?;
    for n in 0..2000_u64 {
        let words = [n, !n, n << 32, 0, u64::MAX, n * n, 7, n.wrapping_sub(1)];
        same("words of the fast path", user::call(fast.endpoint(), words), Ok(words))?;
        if n % 3 == 0 {
            let out = Outgoing { words, ..Outgoing::default() };
            let answer = user::call_with(fast.endpoint(), out, &mut [], patience()).because("call")?;
            same("words of the general path", (answer.words, answer.len, answer.handle), (words, 0, None))?;
        }
    }
    fast.end()
}

/// Any length up to 4 KiB from any place in a page arrives unchanged, and nothing beyond it is touched.
fn bytes() -> Verdict {
    let peer = Partner::spawn()?;
    let mut source: Vec<u8> = (0..3 * PAGE_SIZE).map(|at| ((at * 31) >> 3) as u8).collect();
    let mut target = alloc::vec![0; 3 * PAGE_SIZE];
    let border = PAGE_SIZE - source.as_ptr().addr() % PAGE_SIZE;
    for len in [0, 1, 7, 8, 63, 100, 101, 2048, 4095, MESSAGE_BYTES_MAX] {
        for before_border in [0, 1, 5, 50, 100] {
            source[0] = source[0].wrapping_add(1);
            let from = border - before_border;
            let sent = &source[from..from + len];
            target.fill(0xee);
            let out = Outgoing { words: [Op::Echo as u64, 1, 2, 3, 4, 5, 6, 7], bytes: sent, handle: None };
            let room = &mut target[from + 3..from + 3 + len];
            let answer = user::call_with(peer.endpoint(), out, room, patience()).because("echo")?;
            same("length of an echo", answer.len, len)?;
            same("words beside bytes", answer.words, out.words)?;
            holds("bytes arrive unchanged", target[from + 3..from + 3 + len] == *sent)?;
            let around = target[..from + 3].iter().chain(&target[from + 3 + len..]);
            holds("nothing beyond the message is written", around.into_iter().all(|byte| *byte == 0xee))?;
        }
    }
    peer.end()
}

/// The kernel says who asks: task, service, class.
fn stamp() -> Verdict {
    let endpoint = user::endpoint_create().because("endpoint")?;
    let peer = Partner::spawn()?;
    let idle = Partner::spawn_as("", |args| args.class = QosClass::Idle as u32)?;
    for (peer, class) in [(&peer, QosClass::Normal), (&idle, QosClass::Idle)] {
        peer.give_copy(0, endpoint, Rights::CALL)?;
        peer.ask(Op::Call, &[0, 5, 33, Nanos::NEVER.0])?;
        let mut room = [0; 64];
        let message = next(endpoint, &mut room)?;
        same("sender", message.sender, peer.id())?;
        same("service", message.stamp.service(), ServiceId::APP)?;
        same("class", message.stamp.class(), class)?;
        same("length", message.len, 33)?;
        holds("bytes", room.iter().take(33).enumerate().all(|(at, byte)| *byte == at as u8))?;
        answer(message.reply, 55)?;
        same("answer", peer.last()?, Ok((55, 0)))?;
    }
    // The other way round: a peer knows a test by its service, whatever it says.
    user::handle_close(endpoint).because("closing")?;
    idle.end()?;
    peer.end()
}

/// Too long for the receiver: the sender is told, the receiver goes on waiting.
fn too_long() -> Verdict {
    let fast = Partner::spawn_as("fast", |_| ())?;
    let bytes = [1; 16];
    let out = Outgoing { bytes: &bytes, ..Outgoing::default() };
    for _ in 0..3 {
        let sent = user::call_with(fast.endpoint(), out, &mut [], patience());
        refused("bytes for a receiver without a buffer", sent.map(drop), Error::TooLong)?;
        same("a server after that", user::call(fast.endpoint(), [3; 8]), Ok([3; 8]))?;
    }
    fast.end()?;
    // And when the answer is too long, the server may give another one.
    let endpoint = user::endpoint_create().because("endpoint")?;
    let peer = Partner::spawn()?;
    peer.give_copy(0, endpoint, Rights::CALL)?;
    peer.ask(Op::Call, &[0, 1, 0, Nanos::NEVER.0])?;
    let message = next(endpoint, &mut [])?;
    let long = [0; 65];
    let out = Outgoing { bytes: &long, ..Outgoing::default() };
    refused("an answer longer than the caller's buffer", user::reply(message.reply, out), Error::TooLong)?;
    let out = Outgoing { bytes: &long[..64], words: [9; 8], handle: None };
    user::reply(message.reply, out).because("an answer that fits")?;
    same("the answer that fitted", peer.last()?, Ok((9, 64)))?;
    refused("answering twice", user::reply(message.reply, Outgoing::default()), Error::BadHandle)?;
    user::handle_close(endpoint).because("closing")?;
    peer.end()
}

/// A receiver with a full table takes no handle: the sender keeps it and is told.
fn peer_full() -> Verdict {
    let endpoint = user::endpoint_create().because("endpoint")?;
    let peer = Partner::spawn_as("", |args| args.handles = 8)?;
    peer.give_copy(0, endpoint, Rights::RECEIVE | Rights::COPY | Rights::CALL)?;
    let bits = user::notification_create().because("notification")?;
    // Its table: the control endpoint, what it is given here, a reply while it is in a call.
    for slot in 1..=5 {
        peer.give_copy(slot, bits, Rights::NOTIFY)?;
    }
    let copy = user::handle_copy(bits, Rights::NOTIFY | Rights::MOVE).because("copy")?;
    let sent = peer.try_ask(Op::Keep, &[0, 0, 0, 0, 0, 0, 6], Some(copy));
    refused("a handle for a full table", sent, Error::PeerFull)?;
    user::notify(copy, 1).because("the handle that was not taken")?;
    peer.ask(Op::Close, &[1])?;
    peer.give(6, copy)?;
    peer.ask(Op::Notify, &[6, 4])?;
    same("bits of both", user::wait(bits, Nanos::NOW), Ok(5))?;
    for handle in [endpoint, bits] {
        user::handle_close(handle).because("closing")?;
    }
    peer.end()
}

/// What is refused before anybody is looked for.
fn invalid() -> Verdict {
    let endpoint = user::endpoint_create().because("endpoint")?;
    let soon = || user::clock_now().after(Nanos::from_millis(1));
    let long = alloc::vec![0; MESSAGE_BYTES_MAX + 1];
    let out = Outgoing { bytes: &long, ..Outgoing::default() };
    refused("4,097 bytes", user::call_with(endpoint, out, &mut [], soon()).map(drop), Error::Invalid)?;
    let out = Outgoing { handle: Some(Handle::new(900, 3)), ..Outgoing::default() };
    refused(
        "a handle that is none",
        user::call_with(endpoint, out, &mut [], soon()).map(drop),
        Error::BadHandle,
    )?;
    refused("an endpoint that is none", user::call(Handle::new(900, 3), [0; 8]), Error::BadHandle)?;
    refused("a reply that is none", user::reply(Handle::new(900, 3), Outgoing::default()), Error::BadHandle)?;
    refused("replying to an endpoint", user::reply(endpoint, Outgoing::default()), Error::WrongKind)?;
    // A message to oneself has nobody to take it.
    refused(
        "a call nobody receives",
        user::call_with(endpoint, Outgoing::default(), &mut [], soon()).map(drop),
        Error::TimedOut,
    )?;
    user::handle_close(endpoint).because("closing")
}

/// The next message at `endpoint`.
pub fn next(endpoint: Handle, room: &mut [u8]) -> Result<Message, Why> {
    match user::receive(endpoint, room, patience()).because("receive")? {
        Incoming::Message(message) => Ok(message),
        Incoming::Bits(_) => Err("bits where a message should be".into()),
    }
}

/// Answers with one word.
pub fn answer(reply: Handle, word: u64) -> Verdict {
    let words = [word, 0, 0, 0, 0, 0, 0, 0];
    user::reply(reply, Outgoing { words, ..Outgoing::default() }).because("reply")
}

/// Has `peer` call the endpoint in its slot 0 with `word` and waits until it does.
pub fn start_call(peer: &Partner, word: u64, deadline: Nanos) -> Verdict {
    peer.ask(Op::Call, &[0, word, 0, deadline.0])?;
    peer.until(TaskState::Calling)
}
