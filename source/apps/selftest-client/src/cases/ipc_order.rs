//! Who is served when, and what everybody hears when somebody gives up, lets go or dies.

use alloc::vec::Vec;

use nexus_abi::info::TaskState;
use nexus_abi::user;
use nexus_abi::{Error, Nanos, QosClass, Rights};
use selftest_client::Op;
use selftest_client::script::Make;

use super::ipc::{answer, next, start_call};
use crate::check::{Because, Verdict, refused, same};
use crate::ledger::leaves_nothing;
use crate::partner::Partner;

pub fn run() -> Verdict {
    leaves_nothing("order of callers", order)?;
    leaves_nothing("answers out of order", deferred)?;
    leaves_nothing("a dropped reply", dropped)?;
    leaves_nothing("a late reply", late)?;
    leaves_nothing("a closed endpoint", closed)?;
    leaves_nothing("a dead endpoint", dead_owner)
}

/// Callers are received by class, and within a class by arrival.
fn order() -> Verdict {
    let endpoint = user::endpoint_create().because("endpoint")?;
    let mut peers = Vec::new();
    for (word, class) in [
        (1, QosClass::Idle),
        (2, QosClass::Normal),
        (3, QosClass::Idle),
        (4, QosClass::Normal),
        (5, QosClass::Normal),
    ] {
        let peer = Partner::spawn_as("", |args| args.class = class as u32)?;
        peer.give_copy(0, endpoint, Rights::CALL)?;
        start_call(&peer, word, Nanos::NEVER)?;
        peers.push(peer);
    }
    for word in [2, 4, 5, 1, 3] {
        let message = next(endpoint, &mut [])?;
        same("the next caller", message.words[0], word)?;
        answer(message.reply, word)?;
    }
    user::handle_close(endpoint).because("closing")?;
    peers.into_iter().try_for_each(Partner::end)
}

/// Replies are kept and given in any order; each reaches its own caller.
fn deferred() -> Verdict {
    let endpoint = user::endpoint_create().because("endpoint")?;
    let mut waiting = Vec::new();
    for word in 0..5 {
        let peer = Partner::spawn()?;
        peer.give_copy(0, endpoint, Rights::CALL)?;
        start_call(&peer, word, Nanos::NEVER)?;
        let message = next(endpoint, &mut [])?;
        same("sender", message.sender, peer.id())?;
        peer.until(TaskState::AwaitingReply)?;
        waiting.push((peer, message.reply, word));
    }
    waiting.swap(0, 3);
    waiting.swap(1, 4);
    for (_, reply, word) in &waiting {
        answer(*reply, word * 100 + 1)?;
    }
    for (peer, _, word) in waiting {
        same("the answer of one's own call", peer.last()?, Ok((word * 100 + 1, 0)))?;
        peer.end()?;
    }
    user::handle_close(endpoint).because("closing")
}

/// Closing a reply tells its caller at once.
fn dropped() -> Verdict {
    let endpoint = user::endpoint_create().because("endpoint")?;
    let peer = Partner::spawn()?;
    peer.give_copy(0, endpoint, Rights::CALL)?;
    start_call(&peer, 1, Nanos::NEVER)?;
    let message = next(endpoint, &mut [])?;
    refused("copying a reply", user::handle_copy(message.reply, Rights::NONE), Error::WrongKind)?;
    user::handle_close(message.reply).because("dropping a reply")?;
    same("a dropped reply", peer.last()?, Err(Error::Dead))?;
    user::handle_close(endpoint).because("closing")?;
    peer.end()
}

/// A caller that gave up is gone: its reply is dead, and the handle with it. So in the queue.
///
/// However late anybody runs: the server waits before the call is made, so the call reaches it whenever its
/// deadline is, and nobody looks at a caller in between.
fn late() -> Verdict {
    let endpoint = user::endpoint_create().because("endpoint")?;
    let (peer, server) = (Partner::spawn()?, Partner::spawn()?);
    peer.give_copy(0, endpoint, Rights::CALL)?;
    server.give_copy(0, endpoint, Rights::RECEIVE)?;
    server.ask(Op::Receive, &[0, Nanos::NEVER.0, 1])?;
    server.until(TaskState::Waiting)?;
    let soon = || user::clock_now().after(Nanos::from_millis(3));
    peer.ask(Op::Call, &[0, 7, 0, soon().0])?;
    same("a call nobody answers", peer.last()?, Err(Error::TimedOut))?;
    same("what the server received", server.last()?, Ok((7, 0)))?;
    let answered = server.try_ask(Op::Answer, &[1, 0], None).because("asking for an answer")?;
    refused("a late answer", answered, Error::Dead)?;
    let closed = server.try_ask(Op::Close, &[1], None).because("asking to close")?;
    refused("the reply after it", closed, Error::BadHandle)?;
    // A later call has a reply of its own, which the old one cannot reach.
    peer.ask(Op::Call, &[0, 8, 0, soon().0])?;
    same("a call nobody receives", peer.last()?, Err(Error::TimedOut))?;
    let nobody = user::receive(endpoint, &mut [], Nanos::NOW).map(drop);
    refused("the queue after a caller gave up", nobody, Error::TimedOut)?;
    user::handle_close(endpoint).because("closing")?;
    server.end()?;
    peer.end()
}

/// With the last RECEIVE handle everybody queued is sent away, and everybody who comes.
fn closed() -> Verdict {
    let endpoint = user::endpoint_create().because("endpoint")?;
    let caller = user::handle_copy(endpoint, Rights::CALL | Rights::NOTIFY).because("copy")?;
    let peers = [Partner::spawn()?, Partner::spawn()?];
    for peer in &peers {
        peer.give_copy(0, endpoint, Rights::CALL)?;
        start_call(peer, 1, Nanos::NEVER)?;
    }
    user::handle_close(endpoint).because("closing the last receiver")?;
    for peer in peers {
        same("a caller in the queue", peer.last()?, Err(Error::Dead))?;
        peer.end()?;
    }
    refused("calling where nobody can receive", user::call(caller, [0; 8]), Error::Dead)?;
    refused("setting bits there", user::notify(caller, 1), Error::Dead)?;
    user::handle_close(caller).because("closing")
}

/// An endpoint dies with the task that pays for it, also for those who hold handles to it.
fn dead_owner() -> Verdict {
    let owner = Partner::spawn()?;
    let endpoint = owner.make(Make::Endpoint, 0)?;
    let peer = Partner::spawn()?;
    peer.give_copy(0, endpoint, Rights::CALL)?;
    let server = Partner::spawn()?;
    start_call(&peer, 1, Nanos::NEVER)?;
    owner.end()?;
    same("a caller in the queue of the dead", peer.last()?, Err(Error::Dead))?;
    refused("calling the dead", user::call(endpoint, [0; 8]), Error::Dead)?;
    refused(
        "receiving from the dead",
        user::receive(endpoint, &mut [], Nanos::NEVER).map(drop),
        Error::Dead,
    )?;
    // And a receiver that waits.
    let owner = Partner::spawn()?;
    let other = owner.make(Make::Endpoint, 0)?;
    server.give_copy(0, other, Rights::RECEIVE)?;
    server.ask(Op::Receive, &[0, Nanos::NEVER.0, 1])?;
    server.until(TaskState::Waiting)?;
    owner.end()?;
    same("a receiver at the dead", server.last()?, Err(Error::Dead))?;
    for handle in [endpoint, other] {
        user::handle_close(handle).because("closing")?;
    }
    server.end()?;
    peer.end()
}
