//! What is full says so with a typed error, and nothing that was there is lost.

use alloc::vec::Vec;

use nexus_abi::user;
use nexus_abi::{Error, ExitReason, PAGE_SIZE, Rights, SpawnArgs};
use nexus_rt::startup::SYSTEM;
use selftest_client::Op;

use crate::check::{Verdict, holds, refused, same, within};
use crate::ledger::{leaves_nothing, machine};
use crate::partner::{PEER, Partner, image};

/// On a machine with more free pages filling it would take longer than all other cases together.
const FILLED_MAX: u64 = 100_000;

pub fn run() -> Verdict {
    leaves_nothing("a page quota", pages)?;
    leaves_nothing("a handle quota", handles)?;
    leaves_nothing("an object quota", objects)?;
    leaves_nothing("limits of a spawn", spawns)?;
    if machine()?.frames_free <= FILLED_MAX {
        leaves_nothing("a full memory", memory)?;
    }
    Ok(())
}

/// A task that touches more than it may own ends, and that is its reason.
fn pages() -> Verdict {
    let peer = Partner::spawn_as("", |args| args.pages = 100)?;
    let touched = peer.try_ask(Op::Touch, &[400], None);
    refused("touching 400 pages with a quota of 100", touched.map(drop), Error::Dead)?;
    same("how it ended", peer.ended()?, ExitReason::OutOfMemory(Error::OverQuota))?;
    peer.bury()?;
    // Up to its quota it lives.
    let peer = Partner::spawn_as("", |args| args.pages = 100)?;
    let had = peer.status()?.pages;
    peer.ask(Op::Touch, &[60])?;
    within("pages of a task that touched 60", peer.status()?.pages, had + 60, 100)?;
    peer.end()
}

fn handles() -> Verdict {
    let peer = Partner::spawn_as("", |args| args.handles = 20)?;
    peer.give_copy(0, peer.endpoint(), Rights::COPY | Rights::CALL)?;
    for _ in 0..3 {
        let (copies, error) = peer.ask(Op::FillHandles, &[0])?;
        same("a copy into a full table", error, Error::OverQuota.to_wire())?;
        // Taken are: the control endpoint, the handle that is copied, the heap's VMO, the reply of this call.
        within("copies that went in", copies, 16, 17)?;
    }
    peer.end()
}

fn objects() -> Verdict {
    let peer = Partner::spawn_as("", |args| args.objects = 12)?;
    for _ in 0..3 {
        let (made, error) = peer.ask(Op::FillObjects, &[])?;
        same("one object too many", error, Error::OverQuota.to_wire())?;
        within("objects that could be made", made, 6, 12)?;
    }
    peer.end()
}

/// A task that cannot be furnished within its limits is not started, and nothing is left of it.
fn spawns() -> Verdict {
    let program = image(PEER)?;
    let with = |adjust: fn(&mut SpawnArgs)| {
        let mut args = SpawnArgs::new(program);
        adjust(&mut args);
        user::task_spawn(SYSTEM, &args).map(drop)
    };
    for pages in [0, 1] {
        let mut args = SpawnArgs::new(program);
        args.pages = pages;
        refused("a task without pages", user::task_spawn(SYSTEM, &args), Error::OverQuota)?;
    }
    // With a few it begins, and ends when it touches one more.
    for pages in 4..8 {
        let peer = Partner::spawn_as("", |args| args.pages = pages)?;
        same("how it ended", peer.ended()?, ExitReason::OutOfMemory(Error::OverQuota))?;
        peer.bury()?;
    }
    refused("a task without objects", with(|args| args.objects = 0), Error::OverQuota)?;
    refused("a task without handles", with(|args| args.handles = 0), Error::Invalid)?;
    refused("a task with too many handles", with(|args| args.handles = 1025), Error::Invalid)?;
    refused("a task without a stack", with(|args| args.stack_pages = 0), Error::Invalid)?;
    refused("a task with too much stack", with(|args| args.stack_pages = 129), Error::Invalid)?;
    refused("a program that does not exist", with(|args| args.image = 10_000), Error::NotFound)?;
    refused("a task for no hart", with(|args| args.affinity = nexus_abi::HartMask(0)), Error::Invalid)?;
    refused("too many arguments", with(|args| args.args_len = 2049), Error::Invalid)?;
    refused("arguments from nowhere", with(|args| (args.args, args.args_len) = (8, 100)), Error::BadAddress)?;
    refused(
        "giving what is not there",
        with(|args| args.given[3] = nexus_abi::Handle::new(999, 9)),
        Error::BadHandle,
    )?;
    refused(
        "a supervisor that is not there",
        with(|args| args.supervisor = nexus_abi::Handle::new(999, 9)),
        Error::BadHandle,
    )
}

/// More pages than are left when a spawn is refused.
const LATE: u64 = 4000;

/// The machine's last page is gone: whoever needs one hears it, and everybody else goes on.
fn memory() -> Verdict {
    let (hog, late) = (hog()?, hog()?);
    let mut peers = Vec::with_capacity(64);
    // Its memory is there but for the pages: each hart's stock runs out at a moment of its own, and a VMO could
    // be refused where a page is still to be had.
    late.ask(Op::Own, &[LATE])?;
    let counted = machine()?;
    let free = counted.frames_free;
    // Each hart's own stock counts as free, and no other hart can have it.
    let stocks = 32 * counted.harts;
    // The hog's page tables and the tables of its VMO are pages too: one in 512, and one in 1,024.
    hog.ask(Op::Touch, &[free - free / 340 - 60 - stocks])?;
    let error = loop {
        match Partner::spawn() {
            Ok(peer) => peers.push(peer),
            Err(why) => break why,
        }
        holds("memory is finite", peers.len() < 64)?;
    };
    holds("a spawn in a full memory is refused as such", error.ends_with("NoMemory"))?;
    let mut touch = |page| late.try_ask(Op::Poke, &[page * PAGE_SIZE as u64, 1], None).err();
    same("touching in a full memory", (0..LATE).find_map(&mut touch), Some(Error::Dead))?;
    same("how it ended", late.ended()?, ExitReason::OutOfMemory(Error::NoMemory))?;
    for peer in peers {
        // It found no page for its stack, or has not looked for one yet.
        let killed = user::task_kill(peer.task());
        let wanted =
            if killed.is_ok() { ExitReason::Killed } else { ExitReason::OutOfMemory(Error::NoMemory) };
        same("how a task ends that was started into a full memory", peer.ended()?, wanted)?;
        peer.bury()?;
    }
    hog.ask(Op::Peek, &[(free / 2 * PAGE_SIZE as u64) & !7])?;
    late.bury()?;
    hog.end()
}

fn hog() -> Result<Partner, crate::check::Why> {
    Partner::spawn_as("", |args| args.pages = u32::MAX)
}
