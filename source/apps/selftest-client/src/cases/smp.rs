//! User tasks run on every hart; messages, kills, revocations and the tasks themselves cross between harts.

use alloc::format;
use alloc::vec::Vec;

use nexus_abi::info::TaskState;
use nexus_abi::user;
use nexus_abi::{HartMask, PAGE_SIZE, Rights};
use nexus_rt::startup::SYSTEM;
use selftest_client::Op;
use selftest_client::raw::Window;

use crate::check::{Because, Verdict, Why, holds, same};
use crate::ledger::{leaves_nothing, machine};
use crate::partner::{Pace, Partner, patience, rest};

const CALLS: u64 = 300;
const READ_WRITE: Rights = Rights::READ.union(Rights::WRITE);

pub fn run() -> Verdict {
    let harts = machine()?.harts as usize;
    leaves_nothing("tasks on every hart", || everywhere(harts))?;
    leaves_nothing("messages between harts", || messages(harts))?;
    leaves_nothing("peers that call across harts", || crossing(harts))?;
    leaves_nothing("kills across harts", || kills(harts))?;
    leaves_nothing("revoking what another hart reads", || revoking(harts))?;
    leaves_nothing("tasks that move", || moving(harts))?;
    nexus_rt::log!("[selftest] user tasks ran on harts 0 to {}", harts - 1);
    Ok(())
}

/// A spinning task on each hart, all at the same time.
fn everywhere(harts: usize) -> Verdict {
    let busy = |hart| user::hart_info(SYSTEM, hart).because("hart record").map(|record| record.busy_ns);
    let peers = on_each(harts)?;
    let before = (0..harts).map(busy).collect::<Result<Vec<_>, Why>>()?;
    peers.iter().try_for_each(Partner::spin)?;
    rest(20_000);
    for (hart, (peer, before)) in peers.iter().zip(before).enumerate() {
        let record = peer.status()?;
        same("the hart of a task that may use one only", record.hart, hart as u64)?;
        if Pace::of(Pace::SHORT)?.is_endless() {
            let state = TaskState::from_wire(record.state);
            let busy = matches!(state, Some(TaskState::Running | TaskState::Ready));
            holds("it runs, or the test does in its stead", busy)?;
        }
        holds("it has run", record.cpu_ns > 0 && record.switches > 0)?;
        holds("its hart was busy", busy(hart)? > before)?;
    }
    peers.into_iter().try_for_each(Partner::end)
}

fn on_each(harts: usize) -> Result<Vec<Partner>, Why> {
    (0..harts).map(Partner::on_hart).collect()
}

/// Words and bytes to a server pinned on each hart.
fn messages(harts: usize) -> Verdict {
    for hart in 0..harts {
        let fast = Partner::spawn_as("fast", |args| args.affinity = HartMask::only(hart))?;
        for n in 0..CALLS {
            let words = [n, !n, hart as u64, 3, 4, 5, 6, n * 7];
            same("words across harts", user::call(fast.endpoint(), words), Ok(words))?;
        }
        same("where the server was", fast.status()?.hart, hart as u64)?;
        fast.end()?;
        let slow = Partner::on_hart(hart)?;
        let sent: Vec<u8> = (0..4096).map(|at| (at * 13) as u8).collect();
        for len in [1, 100, 4096] {
            let mut room = alloc::vec![0; len];
            let out = user::Outgoing { words: [Op::Echo as u64; 8], bytes: &sent[..len], handle: None };
            let answer = user::call_with(slow.endpoint(), out, &mut room, patience()).because("echo")?;
            holds("bytes across harts", answer.len == len && room == sent[..len])?;
        }
        slow.end()?;
    }
    Ok(())
}

/// Peers on all harts call one endpoint at once; each gets its own answer.
fn crossing(harts: usize) -> Verdict {
    let endpoint = user::endpoint_create().because("endpoint")?;
    let peers = on_each(harts)?;
    for peer in &peers {
        peer.give_copy(0, endpoint, Rights::CALL)?;
    }
    for round in 0..20 {
        for (n, peer) in peers.iter().enumerate() {
            peer.ask(Op::Call, &[0, round * 100 + n as u64, 40, u64::MAX])?;
        }
        for _ in &peers {
            let message = super::ipc::next(endpoint, &mut [0; 64])?;
            super::ipc::answer(message.reply, message.words[0] + 1)?;
        }
        for (n, peer) in peers.iter().enumerate() {
            same("one's own answer", peer.last()?, Ok((round * 100 + n as u64 + 1, 0)))?;
        }
    }
    user::handle_close(endpoint).because("closing")?;
    peers.into_iter().try_for_each(Partner::end)
}

/// A task that spins on another hart dies as fast as one here.
fn kills(harts: usize) -> Verdict {
    for round in 0..10 {
        let peers = on_each(harts)?;
        peers.iter().try_for_each(Partner::spin)?;
        if round % 2 == 0 {
            rest(500);
        }
        peers.into_iter().try_for_each(Partner::end)?;
    }
    Ok(())
}

/// Readers on every hart see the old word or zero, and zero from the revocation on.
fn revoking(harts: usize) -> Verdict {
    for pages in [1, 40] {
        let vmo = user::vmo_create(pages).because("VMO")?;
        let window = Window::map(vmo, 0, pages, READ_WRITE).because("map")?;
        let at = (pages - 1) * PAGE_SIZE;
        window.write(at, 5);
        let peers = on_each(harts)?;
        for peer in &peers {
            peer.give_copy(0, vmo, Rights::READ)?;
            peer.ask(Op::Map, &[pages as u64, 0, Rights::READ.to_wire()])?;
            peer.ask(Op::Watch, &[at as u64, 5, patience().0, Pace::of(Pace::SHORT)?.rest().0])?;
        }
        rest(3_000);
        user::vmo_revoke(vmo).because("revoke")?;
        for peer in peers {
            let (value, _) = peer.last()?.because("watching")?;
            same("a word after revoking", value, 0)?;
            same("and from then on", peer.ask(Op::Peek, &[at as u64])?, (0, 0))?;
            peer.end()?;
        }
        window.unmap().because("unmap")?;
        user::handle_close(vmo).because("closing")?;
    }
    Ok(())
}

/// As many spinning tasks as harts, free to run anywhere, come to run on all of them at once; one whose hart is
/// taken by another moves on.
fn moving(harts: usize) -> Verdict {
    let bits = user::notification_create().because("notification")?;
    let free = (0..harts).map(|_| Partner::spawn()).collect::<Result<Vec<_>, Why>>()?;
    for (nth, peer) in free.iter().enumerate() {
        peer.give_copy(0, bits, Rights::RECEIVE)?;
        // Long enough that it pays to wake a hart for it.
        peer.spin_after(0, Pace::of(Pace::LONG)?.out_of_step(nth as u64))?;
    }
    (0..harts).try_for_each(|_| user::notify(bits, 1).because("notify"))?;
    let places =
        || -> Result<u64, Why> { free.iter().try_fold(0, |mask, peer| Ok(mask | 1 << peer.status()?.hart)) };
    let end = patience();
    while places()? != (1 << harts) - 1 {
        if user::clock_now() > end {
            return Err(format!("{harts} tasks that may run anywhere are on harts {:#b}", places()?));
        }
        // POLL: nobody is told where a task runs.
        rest(2_000);
    }
    free.into_iter().try_for_each(Partner::end)?;
    user::handle_close(bits).because("closing")?;
    nomad()
}

/// It shares its hart with a task that must stay there, until it finds another.
fn nomad() -> Verdict {
    let pace = Pace::of(Pace::LONG)?;
    let nomad = Partner::spawn()?;
    nomad.spin_at(pace)?;
    rest(2_000);
    let home = nomad.status()?.hart;
    let settler = Partner::on_hart(home as usize)?;
    settler.spin_at(pace.out_of_step(1))?;
    let end = patience();
    while nomad.status()?.hart == home {
        holds("a task moves away from a busy hart", user::clock_now() < end)?;
        // POLL: the same. No multiple of a slice: the two take turns, and only the one that waits can be taken.
        rest(1_370);
    }
    settler.end()?;
    nomad.end()
}
