//! Mapping, sharing, unmapping and revoking do what they say, and nothing is both writable and executable.

use nexus_abi::user;
use nexus_abi::{Error, ExitReason, PAGE_SIZE, Rights, USER_BASE, USER_END};
use nexus_rt::startup::SYSTEM;
use selftest_client::Op;
use selftest_client::raw::{self, RETURN, Window};
use selftest_client::script::Make;

use crate::check::{Because, Verdict, holds, refused, same, within};
use crate::ledger::leaves_nothing;
use crate::partner::Partner;

const READ_WRITE: Rights = Rights::READ.union(Rights::WRITE);

const STORE_FAULT: u8 = 15;
const JUMP_FAULT: u8 = 12;

pub fn run() -> Verdict {
    leaves_nothing("touching memory", demand_zero)?;
    leaves_nothing("refused mappings", places)?;
    leaves_nothing("mappings that are full", many)?;
    leaves_nothing("write or execute", exclusive)?;
    leaves_nothing("unmapping", unmapped)?;
    leaves_nothing("sharing", shared)?;
    leaves_nothing("revoking", revoked)?;
    leaves_nothing("the death of an owner", owner_dead)?;
    leaves_nothing("the boot image", boot_image)
}

/// Pages are zero, come when they are touched, are charged then, and go with the last handle.
fn demand_zero() -> Verdict {
    const PAGES: usize = 1100;
    let own = || user::own_info().because("own record").map(|record| record.pages);
    let vmo = user::vmo_create(PAGES).because("VMO")?;
    let window = Window::map(vmo, 0, PAGES, READ_WRITE).because("map")?;
    let before = own()?;
    for page in (0..PAGES).step_by(100) {
        same("an untouched word", window.read(page * PAGE_SIZE + 8), 0)?;
        window.write(page * PAGE_SIZE + 8, page as u64 + 1);
    }
    within("pages after 11 touches", own()? - before, 11, 11 + 8)?;
    for page in (0..PAGES).step_by(100) {
        same("a word written", window.read(page * PAGE_SIZE + 8), page as u64 + 1)?;
    }
    // The same pages through another mapping.
    let other = Window::map(vmo, 100, 2, Rights::READ).because("second mapping")?;
    same("a word through another mapping", other.read(8), 101)?;
    other.unmap().because("unmap")?;
    window.unmap().because("unmap")?;
    let again = Window::map(vmo, 1000, 1, Rights::READ).because("map again")?;
    same("pages outlive their mapping", again.read(8), 1001)?;
    again.unmap().because("unmap")?;
    user::handle_close(vmo).because("closing")?;
    // Page tables stay: the range is used again.
    within("pages after the VMO", own()?, 0, before + 4)
}

/// Where and how nothing is mapped.
fn places() -> Verdict {
    let vmo = user::vmo_create(4).because("VMO")?;
    let map = |first, pages, access, at| user::vmo_map(vmo, first, pages, access, at);
    refused("no pages", map(0, 0, READ_WRITE, 0), Error::Invalid)?;
    refused("pages beyond the end", map(2, 3, READ_WRITE, 0), Error::Invalid)?;
    refused("a range that wraps", map(usize::MAX, 2, READ_WRITE, 0), Error::Invalid)?;
    refused("an unaligned place", map(0, 1, READ_WRITE, 0x4000_0010), Error::Invalid)?;
    refused("a place in the null guard", map(0, 1, READ_WRITE, USER_BASE - PAGE_SIZE), Error::Invalid)?;
    refused("a place in the kernel", map(0, 1, READ_WRITE, raw::KERNEL_CODE), Error::Invalid)?;
    refused("a place over the end", map(0, 2, READ_WRITE, USER_END - PAGE_SIZE), Error::Invalid)?;
    refused(
        "a place in our own program",
        map(0, 1, READ_WRITE, selftest_client::script::PROGRAM),
        Error::NoSpace,
    )?;
    refused("writing without reading", map(0, 1, Rights::WRITE, 0), Error::Invalid)?;
    refused("writing and executing", map(0, 1, READ_WRITE | Rights::EXECUTE, 0), Error::Invalid)?;
    refused("executing without the right", map(0, 1, Rights::READ | Rights::EXECUTE, 0), Error::Denied)?;
    refused("a VMO without pages", user::vmo_create(0), Error::Invalid)?;
    refused("a VMO too large", user::vmo_create(262_145), Error::Invalid)?;
    refused("unmapping nothing", unmap(0x3f_0000_0000), Error::NotFound)?;
    refused("unmapping unaligned", unmap(0x4000_0001), Error::Invalid)?;
    let last = Window::map_at(vmo, 0, 1, READ_WRITE, USER_END - PAGE_SIZE).because("the last page")?;
    last.write(0, 9);
    same("the last page there is", last.read(0), 9)?;
    refused("a place that is taken", map(0, 1, READ_WRITE, USER_END - PAGE_SIZE), Error::NoSpace)?;
    last.unmap().because("unmap")?;
    let read_only = user::handle_copy(vmo, Rights::READ).because("copy")?;
    refused(
        "mapping beyond the handle's rights",
        user::vmo_map(read_only, 0, 1, READ_WRITE, 0),
        Error::Denied,
    )?;
    refused("revoking without MANAGE", user::vmo_revoke(read_only), Error::Denied)?;
    user::handle_close(read_only).because("closing")?;
    user::handle_close(vmo).because("closing")
}

fn unmap(address: usize) -> Result<(), Error> {
    let (status, ..) = raw::call_raw(nexus_abi::Call::VmUnmap.to_wire(), [address as u64, 0, 0, 0, 0]);
    if status == 0 { Ok(()) } else { Err(Error::from_wire(status)) }
}

/// Mappings are bounded, and one more is a typed error.
fn many() -> Verdict {
    let vmo = user::vmo_create(1).because("VMO")?;
    let mut windows = alloc::vec::Vec::with_capacity(64);
    let error = loop {
        match Window::map(vmo, 0, 1, READ_WRITE) {
            Ok(window) => windows.push(window),
            Err(error) => break error,
        }
        holds("mappings are bounded", windows.len() < 64)?;
    };
    same("one mapping too many", error, Error::NoSpace)?;
    for (at, window) in windows.iter().enumerate() {
        window.write(8 * at, at as u64 + 1);
    }
    let first = windows.first().ok_or("no mapping at all")?;
    holds(
        "all mappings show the same page",
        (0..windows.len()).all(|at| first.read(8 * at) == at as u64 + 1),
    )?;
    windows.into_iter().try_for_each(|window| window.unmap().because("unmap"))?;
    user::handle_close(vmo).because("closing")
}

/// What can only be read is not written, and data is not executed.
fn exclusive() -> Verdict {
    let vmo = user::vmo_create(1).because("VMO")?;
    let window = Window::map(vmo, 0, 1, READ_WRITE).because("map")?;
    window.write(0, RETURN);
    window.unmap().because("unmap")?;
    for (what, op, cause) in [
        ("writing what can only be read", Op::Poke, STORE_FAULT),
        ("executing data", Op::Execute, JUMP_FAULT),
    ] {
        let peer = Partner::spawn()?;
        peer.give_copy(0, vmo, READ_WRITE)?;
        let access = if op == Op::Poke { Rights::READ } else { READ_WRITE };
        let (address, _) = peer.ask(Op::Map, &[1, 0, access.to_wire()])?;
        same("reading a mapping", peer.ask(Op::Peek, &[0])?, (RETURN, 0))?;
        refused(what, peer.try_ask(op, &[0, 1], None), Error::Dead)?;
        let reason = peer.ended()?;
        let seen =
            matches!(reason, ExitReason::Fault { cause: c, address: a, .. } if c == cause && a == address);
        if !seen {
            return Err(alloc::format!("{what} ended with {reason:?}"));
        }
        peer.bury()?;
    }
    user::handle_close(vmo).because("closing")
}

/// After unmapping the address faults; what is mapped there next shows its own pages.
fn unmapped() -> Verdict {
    let (one, two) = (user::vmo_create(1).because("VMO")?, user::vmo_create(1).because("VMO")?);
    let at = 0x5000_0000;
    for round in 1..20 {
        for (vmo, value) in [(one, round), (two, round + 100)] {
            let window = Window::map_at(vmo, 0, 1, READ_WRITE, at).because("map")?;
            same("what was written before", window.read(0), if round == 1 { 0 } else { value - 1 })?;
            window.write(0, value);
            window.unmap().because("unmap")?;
        }
    }
    user::handle_close(one).because("closing")?;
    user::handle_close(two).because("closing")
}

/// Two tasks see each other's words in a shared VMO.
fn shared() -> Verdict {
    let vmo = user::vmo_create(3).because("VMO")?;
    let window = Window::map(vmo, 0, 3, READ_WRITE).because("map")?;
    let peer = Partner::spawn()?;
    peer.give_copy(0, vmo, READ_WRITE)?;
    peer.ask(Op::Map, &[3, 0, READ_WRITE.to_wire()])?;
    window.write(16, 1234);
    same("a word of ours, there", peer.ask(Op::Peek, &[16])?, (1234, 0))?;
    peer.ask(Op::Poke, &[2 * PAGE_SIZE as u64, 77])?;
    same("a word of theirs, here", window.read(2 * PAGE_SIZE), 77)?;
    peer.end()?;
    same("a word of the dead, here", window.read(2 * PAGE_SIZE), 77)?;
    window.unmap().because("unmap")?;
    user::handle_close(vmo).because("closing")
}

/// Revoking takes the pages from everybody: mappings read as zeros, and each task's zeros are its own.
fn revoked() -> Verdict {
    for pages in [1, 30, 700] {
        let vmo = user::vmo_create(pages).because("VMO")?;
        let window = Window::map(vmo, 0, pages, READ_WRITE).because("map")?;
        let peer = Partner::spawn()?;
        peer.give_copy(0, vmo, READ_WRITE)?;
        peer.ask(Op::Map, &[pages as u64, 0, READ_WRITE.to_wire()])?;
        for page in 0..pages {
            window.write(page * PAGE_SIZE, 5);
        }
        let last = (pages - 1) * PAGE_SIZE;
        same("before revoking", peer.ask(Op::Peek, &[last as u64])?, (5, 0))?;
        let owned = user::own_info().because("own record")?.pages;
        user::vmo_revoke(vmo).because("revoke")?;
        let left = user::own_info().because("own record")?.pages;
        within("pages that came back", owned - left, pages as u64, pages as u64 + 4)?;
        same("after revoking, there", peer.ask(Op::Peek, &[last as u64])?, (0, 0))?;
        same("after revoking, here", window.read(last), 0)?;
        peer.ask(Op::Poke, &[last as u64, 8])?;
        same("words of a revoked page are not shared", window.read(last), 0)?;
        same("and belong to whoever wrote them", peer.ask(Op::Peek, &[last as u64])?, (8, 0))?;
        refused("revoking twice", user::vmo_revoke(vmo), Error::Dead)?;
        refused("mapping what was revoked", user::vmo_map(vmo, 0, 1, READ_WRITE, 0), Error::Dead)?;
        window.unmap().because("unmap")?;
        user::handle_close(vmo).because("closing")?;
        peer.end()?;
    }
    Ok(())
}

/// The VMO of a dead task reads as zeros.
fn owner_dead() -> Verdict {
    let owner = Partner::spawn()?;
    let vmo = owner.make(Make::Vmo, 40)?;
    let window = Window::map(vmo, 0, 40, READ_WRITE).because("map")?;
    same("a word of the owner's", window.read(39 * PAGE_SIZE), 7)?;
    owner.end()?;
    same("a word of the dead owner's", window.read(39 * PAGE_SIZE), 0)?;
    same("a page not looked at before", window.read(PAGE_SIZE), 0)?;
    window.write(PAGE_SIZE, 3);
    same("a page that is ours now", window.read(PAGE_SIZE), 3)?;
    refused("mapping what is dead", user::vmo_map(vmo, 0, 1, READ_WRITE, 0), Error::Dead)?;
    window.unmap().because("unmap")?;
    user::handle_close(vmo).because("closing")
}

/// A file of the boot image can be read and nothing else.
fn boot_image() -> Verdict {
    let (file, vmo) = user::boot_file(SYSTEM, "bin/peer").because("boot file")?;
    let window = Window::map(vmo, 0, 1, Rights::READ).because("map")?;
    same("an ELF file's first word", window.read(0) & 0xffff_ffff, 0x464c_457f)?;
    holds("a file has a length", file.len > PAGE_SIZE as u64)?;
    refused("writing to the boot image", user::vmo_map(vmo, 0, 1, READ_WRITE, 0), Error::Denied)?;
    refused("executing it", user::vmo_map(vmo, 0, 1, Rights::READ | Rights::EXECUTE, 0), Error::Denied)?;
    refused("revoking it", user::vmo_revoke(vmo), Error::Denied)?;
    refused("a file that is not there", user::boot_file(SYSTEM, "bin/none").map(drop), Error::NotFound)?;
    window.unmap().because("unmap")?;
    user::handle_close(vmo).because("closing")
}
