//! Handles copy, move and close; they lose no right they should keep and gain none.

use alloc::vec::Vec;

use nexus_abi::user::{self, Outgoing};
use nexus_abi::{Error, HANDLES_MAX, Handle, Nanos, Rights};
use nexus_rt::startup::SYSTEM;
use selftest_client::script::Op;

use crate::check::{Because, Verdict, holds, refused, same};
use crate::ledger::leaves_nothing;
use crate::partner::{Partner, patience};

pub fn run() -> Verdict {
    leaves_nothing("copying handles", copies)?;
    leaves_nothing("stale handles", stale)?;
    leaves_nothing("moving handles", moves)?;
    leaves_nothing("filling the table", full)
}

/// A copy has the rights asked for, never one the original lacks.
fn copies() -> Verdict {
    let endpoint = user::endpoint_create().because("endpoint")?;
    let caller = user::handle_copy(endpoint, Rights::CALL | Rights::COPY).because("copy with CALL")?;
    refused("receiving without RECEIVE", user::receive(caller, &mut [], Nanos::NOW), Error::Denied)?;
    refused("setting bits without NOTIFY", user::notify(caller, 1), Error::Denied)?;
    refused(
        "a copy with more rights",
        user::handle_copy(caller, Rights::CALL | Rights::RECEIVE),
        Error::Denied,
    )?;
    let bare = user::handle_copy(caller, Rights::CALL).because("copy of a copy")?;
    refused("copying without COPY", user::handle_copy(bare, Rights::CALL), Error::Denied)?;
    let outgoing = Outgoing { handle: Some(bare), ..Outgoing::default() };
    let sent = user::call_with(endpoint, outgoing, &mut [], user::clock_now().after(Nanos::from_millis(1)));
    refused("moving without MOVE", sent, Error::Denied)?;
    let none = user::handle_copy(caller, Rights::NONE).because("copy without rights")?;
    refused("calling without CALL", user::call(none, [0; 8]), Error::Denied)?;
    let vmo = user::vmo_create(1).because("VMO")?;
    refused("calling a VMO", user::call(vmo, [0; 8]), Error::WrongKind)?;
    refused("revoking an endpoint", user::vmo_revoke(endpoint), Error::WrongKind)?;
    refused("killing the system", user::task_kill(SYSTEM), Error::WrongKind)?;
    refused("waiting for an endpoint", user::wait(endpoint, Nanos::NOW), Error::WrongKind)?;
    close_all(&[none, bare, caller, endpoint, vmo])
}

/// A closed handle stays invalid, also when its slot is used again.
fn stale() -> Verdict {
    refused("closing no handle", user::handle_close(Handle::NONE), Error::BadHandle)?;
    refused("closing a handle out of the table", user::handle_close(Handle::new(5000, 1)), Error::BadHandle)?;
    let first = user::endpoint_create().because("endpoint")?;
    user::handle_close(first).because("closing")?;
    refused("closing twice", user::handle_close(first), Error::BadHandle)?;
    for _ in 0..300 {
        let next = user::notification_create().because("notification")?;
        holds("a slot's next tenant has another name", next != first)?;
        refused("notifying a closed handle", user::notify(first, 1), Error::BadHandle)?;
        refused("copying a closed handle", user::handle_copy(first, Rights::NONE), Error::BadHandle)?;
        user::handle_close(next).because("closing")?;
    }
    Ok(())
}

/// A handle moves with a message: it is gone here, works there, and comes back with the answer.
fn moves() -> Verdict {
    let peer = Partner::spawn()?;
    let bits = user::notification_create().because("notification")?;
    let copy = user::handle_copy(bits, Rights::NOTIFY | Rights::MOVE).because("copy")?;
    peer.give(0, copy)?;
    refused("using a handle that has moved", user::notify(copy, 1), Error::BadHandle)?;
    peer.ask(Op::Notify, &[0, 0b1010])?;
    same("bits set through a moved handle", user::wait(bits, patience()), Ok(0b1010))?;
    let copy = user::handle_copy(bits, Rights::NOTIFY | Rights::MOVE).because("copy")?;
    let outgoing = Outgoing { handle: Some(copy), ..Outgoing::default() };
    let answer = user::call_with(peer.endpoint(), outgoing, &mut [], patience()).because("echo")?;
    let back = answer.handle.ok_or("the echo kept the handle")?;
    user::notify(back, 1).because("using a handle that came back")?;
    same("bits set through a handle that came back", user::wait(bits, patience()), Ok(1))?;
    refused("rights gained on the way", user::wait(back, Nanos::NOW), Error::Denied)?;
    close_all(&[back, bits])?;
    peer.end()
}

/// A full table refuses with OverQuota, and everything in it still works.
fn full() -> Verdict {
    let bits = user::notification_create().because("notification")?;
    let mut copies = Vec::with_capacity(HANDLES_MAX);
    let error = loop {
        match user::handle_copy(bits, Rights::NOTIFY | Rights::COPY) {
            Ok(copy) => copies.push(copy),
            Err(error) => break error,
        }
        holds("a table is not endless", copies.len() <= HANDLES_MAX)?;
    };
    same("a copy into a full table", error, Error::OverQuota)?;
    holds("a full table holds what was promised", copies.len() > HANDLES_MAX - 16)?;
    refused("a notification without a slot", user::notification_create(), Error::OverQuota)?;
    refused("an endpoint without a slot", user::endpoint_create(), Error::OverQuota)?;
    refused("a VMO without a slot", user::vmo_create(1), Error::OverQuota)?;
    let endpoint_of_nobody = user::receive(bits, &mut [], Nanos::NOW);
    refused("receiving at a notification", endpoint_of_nobody, Error::WrongKind)?;
    for copy in &copies {
        user::notify(*copy, 2).because("a handle of a full table")?;
    }
    same("bits of a full table", user::wait(bits, Nanos::NOW), Ok(2))?;
    close_all(&copies)?;
    close_all(&[user::notification_create().because("a slot after closing")?, bits])
}

fn close_all(handles: &[Handle]) -> Verdict {
    handles.iter().try_for_each(|handle| user::handle_close(*handle).because("closing"))
}
