//! A task can be killed in every state; its peers hear of it, and everything it owned comes back.

use alloc::format;

use nexus_abi::info::TaskState;
use nexus_abi::user;
use nexus_abi::{Error, ExitReason, Handle, Nanos, Rights};
use nexus_rt::startup::SYSTEM;
use selftest_client::Op;
use selftest_client::script::Make;

use super::ipc::{next, start_call};
use crate::check::{Because, Verdict, refused, same};
use crate::ledger::leaves_nothing;
use crate::partner::{Partner, rest};

pub fn run() -> Verdict {
    for (what, body) in [
        ("a task killed while it runs", spinning as fn() -> Verdict),
        ("a task killed before it ran", unborn),
        ("a task killed while it waits for bits", waiting),
        ("a task killed while it receives", receiving),
        ("a task killed while it sleeps", sleeping),
        ("a caller killed in the queue", calling),
        ("a caller killed while it is served", awaiting),
        ("a server killed while it serves", serving),
        ("a task that owns much", rich),
        ("tasks that die together", together),
    ] {
        leaves_nothing(what, || body().map_err(|why| format!("{what}: {why}")))?;
    }
    leaves_nothing("refused kills", refusals)
}

fn spinning() -> Verdict {
    let peer = Partner::spawn()?;
    peer.spin()?;
    rest(3_000);
    peer.end()
}

/// It may or may not have begun when it dies.
fn unborn() -> Verdict {
    (0..20).try_for_each(|_| Partner::spawn()?.end())
}

fn waiting() -> Verdict {
    let bits = user::notification_create().because("notification")?;
    let peer = Partner::spawn()?;
    peer.give_copy(0, bits, Rights::RECEIVE)?;
    peer.ask(Op::Wait, &[0, Nanos::NEVER.0])?;
    peer.until(TaskState::Waiting)?;
    peer.end()?;
    user::notify(bits, 1).because("bits for nobody")?;
    same("bits the dead did not take", user::wait(bits, Nanos::NOW), Ok(1))?;
    user::handle_close(bits).because("closing")
}

fn receiving() -> Verdict {
    let peer = Partner::spawn()?;
    peer.until(TaskState::Waiting)?;
    peer.end()
}

fn sleeping() -> Verdict {
    for moment in [Nanos::NEVER, user::clock_now().after(Nanos::from_millis(100_000))] {
        let peer = Partner::spawn()?;
        peer.ask(Op::Sleep, &[moment.0])?;
        peer.until(TaskState::Waiting)?;
        peer.end()?;
    }
    Ok(())
}

/// Its message is never received.
fn calling() -> Verdict {
    let endpoint = user::endpoint_create().because("endpoint")?;
    for deadline in [Nanos::NEVER, user::clock_now().after(Nanos::from_millis(100_000))] {
        let peer = Partner::spawn()?;
        peer.give_copy(0, endpoint, Rights::CALL)?;
        start_call(&peer, 1, deadline)?;
        peer.end()?;
    }
    let nobody = user::receive(endpoint, &mut [], Nanos::NOW).map(drop);
    refused("the queue after a caller's death", nobody, Error::TimedOut)?;
    user::handle_close(endpoint).because("closing")
}

/// The server finds its reply dead.
fn awaiting() -> Verdict {
    let endpoint = user::endpoint_create().because("endpoint")?;
    for deadline in [Nanos::NEVER, user::clock_now().after(Nanos::from_millis(100_000))] {
        let peer = Partner::spawn()?;
        peer.give_copy(0, endpoint, Rights::CALL)?;
        start_call(&peer, 1, deadline)?;
        let message = next(endpoint, &mut [])?;
        peer.until(TaskState::AwaitingReply)?;
        peer.end()?;
        refused("answering the dead", user::reply(message.reply, user::Outgoing::default()), Error::Dead)?;
        refused("its reply", user::handle_close(message.reply), Error::BadHandle)?;
    }
    user::handle_close(endpoint).because("closing")
}

/// Its callers hear Dead, those it works for and those in its queue.
fn serving() -> Verdict {
    let server = Partner::spawn()?;
    let endpoint = server.make(Make::Endpoint, 0)?;
    server.give_copy(0, endpoint, Rights::RECEIVE)?;
    let (served, queued) = (Partner::spawn()?, Partner::spawn()?);
    for peer in [&served, &queued] {
        peer.give_copy(0, endpoint, Rights::CALL)?;
        start_call(peer, 1, Nanos::NEVER)?;
    }
    server.ask(Op::Receive, &[0, Nanos::NEVER.0, 1])?;
    served.until(TaskState::AwaitingReply)?;
    server.end()?;
    same("a caller it worked for", served.last()?, Err(Error::Dead))?;
    same("a caller in its queue", queued.last()?, Err(Error::Dead))?;
    user::handle_close(endpoint).because("closing")?;
    served.end()?;
    queued.end()
}

/// Memory, a full table, objects, a child's handle: all of it.
fn rich() -> Verdict {
    let peer = Partner::spawn_as("", |args| {
        args.pages = 4000;
        args.handles = 1024;
    })?;
    let bits = user::notification_create().because("notification")?;
    peer.ask(Op::Touch, &[2500])?;
    for slot in 0..4 {
        peer.give_copy(slot, bits, Rights::NOTIFY | Rights::COPY)?;
    }
    let own = peer.make(Make::Endpoint, 0)?;
    peer.give(4, own)?;
    peer.end()?;
    user::handle_close(bits).because("closing")
}

/// Tasks that call each other, hold each other's handles and die one after the other.
fn together() -> Verdict {
    let (one, two) = (Partner::spawn()?, Partner::spawn()?);
    let of_one = one.make(Make::Endpoint, 0)?;
    let of_two = two.make(Make::Endpoint, 0)?;
    one.give_copy(0, of_two, Rights::CALL)?;
    two.give_copy(0, of_one, Rights::CALL)?;
    for (peer, handle) in [(&one, two.task()), (&two, one.task())] {
        peer.give_copy(1, handle, Rights::INSPECT)?;
    }
    start_call(&one, 1, Nanos::NEVER)?;
    start_call(&two, 2, Nanos::NEVER)?;
    user::task_kill(one.task()).because("kill")?;
    user::task_kill(two.task()).because("kill")?;
    for peer in [one, two] {
        same("how it ended", peer.ended()?, ExitReason::Killed)?;
        peer.bury()?;
    }
    user::handle_close(of_one).because("closing")?;
    user::handle_close(of_two).because("closing")
}

fn refusals() -> Verdict {
    let peer = Partner::spawn()?;
    let looking = user::handle_copy(peer.task(), Rights::INSPECT).because("copy")?;
    refused("killing without MANAGE", user::task_kill(looking), Error::Denied)?;
    let killing = user::handle_copy(peer.task(), Rights::MANAGE).because("copy")?;
    refused("looking without INSPECT", user::task_status(killing).map(drop), Error::Denied)?;
    refused("killing nobody", user::task_kill(Handle::NONE), Error::BadHandle)?;
    user::task_kill(killing).because("killing with MANAGE")?;
    same("how it ended", peer.ended()?, ExitReason::Killed)?;
    refused("killing twice", user::task_kill(killing), Error::Dead)?;
    same(
        "the record of the dead",
        user::task_status(looking).because("status")?.exit_reason(),
        Some(ExitReason::Killed),
    )?;
    // Its id is nobody's any more.
    let first = user::task_info_from(SYSTEM, peer.id().index()).map(|record| record.id);
    same("the id of the dead", first == Ok(peer.id().to_wire()), false)?;
    user::handle_close(looking).because("closing")?;
    user::handle_close(killing).because("closing")?;
    peer.bury()
}
