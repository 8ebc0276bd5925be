//! Bits arrive, merge, and are taken once.

use nexus_abi::info::TaskState;
use nexus_abi::user::{self, Incoming};
use nexus_abi::{Error, Nanos, Rights};
use selftest_client::Op;

use crate::check::{Because, Verdict, holds, refused, same};
use crate::ledger::leaves_nothing;
use crate::partner::{Partner, patience};

pub fn run() -> Verdict {
    leaves_nothing("merging bits", merge)?;
    leaves_nothing("one waiter", one_waiter)?;
    leaves_nothing("bits before messages", bits_first)?;
    leaves_nothing("a notification that dies", death)
}

fn merge() -> Verdict {
    let bits = user::notification_create().because("notification")?;
    refused("waiting for bits nobody set", user::wait(bits, Nanos::NOW), Error::TimedOut)?;
    refused("setting no bit", user::notify(bits, 0), Error::Invalid)?;
    for at in [0, 5, 5, 63] {
        user::notify(bits, 1 << at).because("notify")?;
    }
    same("merged bits", user::wait(bits, Nanos::NEVER), Ok(1 | 1 << 5 | 1 << 63))?;
    refused("bits are taken once", user::wait(bits, Nanos::NOW), Error::TimedOut)?;
    user::handle_close(bits).because("closing")
}

/// Two tasks wait: one set wakes one of them, the one that came first, with all the bits.
fn one_waiter() -> Verdict {
    let bits = user::notification_create().because("notification")?;
    let peers = [Partner::spawn()?, Partner::spawn()?];
    for peer in &peers {
        peer.give_copy(0, bits, Rights::RECEIVE)?;
        peer.ask(Op::Wait, &[0, Nanos::NEVER.0])?;
        peer.until(TaskState::Waiting)?;
    }
    let [first, second] = peers;
    user::notify(bits, 0b110).because("notify")?;
    same("who came first", first.last()?, Ok((0b110, 0)))?;
    same("the other", second.status()?.state, TaskState::Waiting as u64)?;
    user::notify(bits, 1).because("notify")?;
    same("who came second", second.last()?, Ok((1, 0)))?;
    refused("bits are taken once", user::wait(bits, Nanos::NOW), Error::TimedOut)?;
    user::handle_close(bits).because("closing")?;
    first.end()?;
    second.end()
}

/// An endpoint delivers its bits before the messages that wait.
fn bits_first() -> Verdict {
    let endpoint = user::endpoint_create().because("endpoint")?;
    let peer = Partner::spawn()?;
    peer.give_copy(0, endpoint, Rights::CALL)?;
    peer.ask(Op::Call, &[0, 99, 0, Nanos::NEVER.0])?;
    peer.until(TaskState::Calling)?;
    user::notify(endpoint, 4).because("notify")?;
    match user::receive(endpoint, &mut [], patience()).because("receive")? {
        Incoming::Bits(bits) => same("an endpoint's bits", bits, 4)?,
        Incoming::Message(_) => return Err("a message came before the bits".into()),
    }
    match user::receive(endpoint, &mut [], patience()).because("receive")? {
        Incoming::Bits(_) => return Err("bits came twice".into()),
        Incoming::Message(message) => {
            same("the message after the bits", message.words[0], 99)?;
            user::handle_close(message.reply).because("dropping the reply")?;
        }
    }
    holds("a dropped reply is Dead", peer.last()? == Err(Error::Dead))?;
    user::handle_close(endpoint).because("closing")?;
    peer.end()
}

/// Whoever waits for a notification whose owner dies is told.
fn death() -> Verdict {
    let owner = Partner::spawn()?;
    let bits = owner.make(selftest_client::script::Make::Notification, 0)?;
    let peer = Partner::spawn()?;
    peer.give_copy(0, bits, Rights::RECEIVE)?;
    peer.ask(Op::Wait, &[0, Nanos::NEVER.0])?;
    peer.until(TaskState::Waiting)?;
    owner.end()?;
    same("a waiter whose notification died", peer.last()?, Err(Error::Dead))?;
    refused("setting bits at a dead notification", user::notify(bits, 1), Error::Dead)?;
    refused("waiting for a dead notification", user::wait(bits, Nanos::NEVER), Error::Dead)?;
    user::handle_close(bits).because("closing")?;
    peer.end()
}
