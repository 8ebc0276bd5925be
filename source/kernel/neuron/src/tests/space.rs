//! Address spaces and VMOs: what is mapped where, and that no page is lost or seen by the wrong task.

use core::sync::atomic::Ordering;
use std::collections::BTreeMap;
use std::vec::Vec;

use nexus_abi::{Call, Error, PAGE_SIZE, Rights};
use proptest::prelude::*;

use super::actor::Actor;
use super::image::DATA;
use super::world::World;
use crate::arch::{self, Asid};
use crate::mm::user_memory;

const READ_WRITE: u64 = 0x60;
const PAGE: u64 = PAGE_SIZE as u64;
/// Where a random mapping may begin: a few pages around the border of two page tables.
const PLACE: u64 = (1 << 30) - 8 * PAGE;

fn map(world: &mut World, task: Actor, vmo: u64, first: u64, pages: u64, at: u64) -> Result<u64, Error> {
    world.syscall(task, Call::VmoMap, &[vmo, first, pages, READ_WRITE, at]).map(|(address, _)| address)
}

/// Writes a page's first byte, as the task could.
fn write(world: &mut World, task: Actor, address: u64, byte: u8) -> Result<(), Error> {
    world.run(task);
    let mut token = world.hart().take_current().unwrap();
    let result = user_memory::write(world.hart(), &mut token, address as usize, &[byte]);
    world.hart().put_current(token);
    result
}

#[test]
fn what_cannot_be_mapped_is_refused() {
    let mut world = World::new();
    let task = world.spawn();
    let vmo = world.make(task, Call::VmoCreate, &[4]).to_wire();
    let readable = world.syscall(task, Call::HandleCopy, &[vmo, Rights::READ.to_wire()]).unwrap().0;
    let bits = world.make(task, Call::NotificationCreate, &[]).to_wire();
    let cases: [([u64; 5], Error); 14] = [
        ([vmo, 0, 0, READ_WRITE, 0], Error::Invalid),
        ([vmo, 0, 5, READ_WRITE, 0], Error::Invalid),
        ([vmo, 4, 1, READ_WRITE, 0], Error::Invalid),
        ([vmo, u64::from(u32::MAX), 2, READ_WRITE, 0], Error::Invalid),
        ([vmo, 1 << 32, 1, READ_WRITE, 0], Error::Invalid),
        ([vmo, 0, 1, 0x40, 0], Error::Invalid),
        ([vmo, 0, 1, 0xe0, 0], Error::Invalid),
        ([vmo, 0, 1, 0xa0, 0], Error::Denied),
        ([readable, 0, 1, READ_WRITE, 0], Error::Denied),
        ([bits, 0, 1, READ_WRITE, 0], Error::WrongKind),
        ([vmo, 0, 1, READ_WRITE, PLACE + 1], Error::Invalid),
        ([vmo, 0, 1, READ_WRITE, 0x1000], Error::Invalid),
        ([vmo, 0, 1, READ_WRITE, 1 << 38], Error::Invalid),
        ([vmo, 0, 1, READ_WRITE, DATA as u64], Error::NoSpace),
    ];
    for (args, error) in cases {
        assert_eq!(world.syscall(task, Call::VmoMap, &args), Err(error), "{args:x?}");
    }
    assert_eq!(world.syscall(task, Call::VmUnmap, &[PLACE]), Err(Error::NotFound));
    assert_eq!(world.syscall(task, Call::VmUnmap, &[PLACE + 8]), Err(Error::Invalid));
    assert_eq!(world.syscall(task, Call::VmoCreate, &[0]), Err(Error::Invalid));
    assert_eq!(world.syscall(task, Call::VmoCreate, &[262_145]), Err(Error::Invalid));
}

#[test]
fn translations_are_trusted_while_a_tag_is_the_tasks_own_and_never_when_it_is_shared() {
    for (tag, trusted) in [(Asid(1), 1), (Asid::SHARED, 0)] {
        let mut world = World::new();
        arch::set_tag(tag);
        let task = world.spawn();
        world.run(task);
        assert_eq!(task.shared().tlb_ok.load(Ordering::Relaxed), trusted, "{tag:?}");
        let vmo = world.make(task, Call::VmoCreate, &[1]).to_wire();
        let at = map(&mut world, task, vmo, 0, 1, 0).unwrap();
        world.syscall(task, Call::VmUnmap, &[at]).unwrap();
        assert_eq!(task.shared().tlb_ok.load(Ordering::Relaxed), trusted, "{tag:?} after unmapping");
    }
}

#[test]
fn a_task_has_room_for_a_bounded_number_of_mappings() {
    let mut world = World::new();
    let task = world.spawn();
    let vmo = world.make(task, Call::VmoCreate, &[1]).to_wire();
    let mapped: Vec<u64> = core::iter::from_fn(|| map(&mut world, task, vmo, 0, 1, 0).ok()).collect();
    assert_eq!(mapped.len(), 48 - 3, "the program has three");
    assert_eq!(task.result(), Err(Error::NoSpace));
    assert!(mapped.windows(2).all(|pair| pair[1] - pair[0] >= 2 * PAGE), "a guard page between any two");
    world.syscall(task, Call::VmUnmap, &[mapped[7]]).unwrap();
    assert_eq!(map(&mut world, task, vmo, 0, 1, 0), Ok(mapped[7]));
}

#[test]
fn pages_are_charged_to_who_made_the_vmo_and_shared_by_all_who_map_it() {
    let mut world = World::new();
    let (owner, user) = (world.spawn(), world.spawn());
    let vmo = world.make(owner, Call::VmoCreate, &[2000]);
    let shared = world.grant(owner, vmo, user, Rights::READ | Rights::WRITE).to_wire();
    let here = map(&mut world, owner, vmo.to_wire(), 0, 2000, 0).unwrap();
    let there = map(&mut world, user, shared, 0, 2000, 0).unwrap();
    // In the object itself, in the first table, in the second.
    let pages = [0, 23, 24, 1047, 1048, 1999];
    let before = owner.shared().account.pages();
    for (n, page) in (1..).zip(pages) {
        write(&mut world, user, there + page * PAGE, n).unwrap();
    }
    assert_eq!(owner.shared().account.pages() - before, 6 + 3, "six pages, a root and two tables");
    for (n, page) in (1..).zip(pages) {
        write(&mut world, owner, here + page * PAGE + 1, 0).unwrap();
        assert_eq!(world.peek(owner, (here + page * PAGE) as usize, 1), [n]);
    }
    world.syscall(owner, Call::VmoRevoke, &[vmo.to_wire()]).unwrap();
    assert_eq!(world.syscall(owner, Call::VmoRevoke, &[vmo.to_wire()]), Err(Error::Dead));
    for page in pages {
        assert_eq!(world.peek(user, (there + page * PAGE) as usize, 1), [0], "taken from everybody");
    }
    let paid = user.shared().account.pages();
    write(&mut world, user, there, 9).unwrap();
    assert_eq!(user.shared().account.pages(), paid + 1, "charged to whoever touches it");
    world.syscall(user, Call::VmUnmap, &[there]).unwrap();
    assert!(user.shared().account.pages() <= paid);
}

/// What a task pays for once it has mapped something and let go: its space keeps the tables.
fn pages_with_spare_tables(world: &mut World, task: Actor) -> u32 {
    let before = task.shared().account.pages();
    let vmo = world.make(task, Call::VmoCreate, &[1]).to_wire();
    let at = map(world, task, vmo, 0, 1, 0).unwrap();
    write(world, task, at, 1).unwrap();
    world.syscall(task, Call::VmUnmap, &[at]).unwrap();
    world.syscall(task, Call::HandleClose, &[vmo]).unwrap();
    let used = task.shared().account.pages();
    assert_eq!(used, before + 2, "a table of each level");
    used
}

#[test]
fn a_vmo_gives_back_every_page_whichever_were_touched() {
    for touched in
        [std::vec![0_u64], std::vec![30], std::vec![5000], (0..40).collect(), (1040..1060).collect()]
    {
        let mut world = World::new();
        let task = world.spawn();
        let used = pages_with_spare_tables(&mut world, task);
        let vmo = world.make(task, Call::VmoCreate, &[6000]).to_wire();
        let at = map(&mut world, task, vmo, 0, 6000, 0).unwrap();
        for page in &touched {
            write(&mut world, task, at + page * PAGE, 1).unwrap();
        }
        world.syscall(task, Call::HandleClose, &[vmo]).unwrap();
        world.syscall(task, Call::VmUnmap, &[at]).unwrap();
        assert_eq!(
            (task.shared().account.pages(), task.shared().account.objects()),
            (used, 1),
            "{touched:?}"
        );
    }
}

#[test]
fn closing_the_last_handle_of_a_large_vmo_goes_in_steps_and_ends() {
    let mut world = World::new();
    let task = world.spawn();
    let used = pages_with_spare_tables(&mut world, task);
    let vmo = world.make(task, Call::VmoCreate, &[900]).to_wire();
    let at = map(&mut world, task, vmo, 0, 900, 0).unwrap();
    for page in 0..900 {
        write(&mut world, task, at + page * PAGE, 1).unwrap();
    }
    world.syscall(task, Call::VmUnmap, &[at]).unwrap();
    assert_eq!(world.syscall(task, Call::HandleClose, &[vmo]), Ok((0, 0)));
    assert_eq!(task.shared().account.pages(), used);
}

#[test]
fn the_quota_of_pages_is_kept() {
    let mut world = World::new();
    let mut args = nexus_abi::SpawnArgs::new(super::world::APP);
    args.pages = 40;
    let (task, _) = world.spawn_by(world.root, args).unwrap();
    let vmo = world.make(task, Call::VmoCreate, &[100]).to_wire();
    let at = map(&mut world, task, vmo, 0, 100, 0).unwrap();
    let refused = (0..100).find_map(|page| write(&mut world, task, at + page * PAGE, 1).err());
    assert_eq!(refused, Some(Error::OverQuota));
    assert_eq!(task.shared().account.pages(), 40);
}

/// A byte of a task's memory, by what the mappings say.
type Model = BTreeMap<u64, (u64, u64)>;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Mappings of one VMO at random places: two addresses show the same byte exactly when they are the
    /// same page of the VMO, and an address that is not mapped cannot be touched.
    #[test]
    fn memory_is_what_the_mappings_say(
        steps in prop::collection::vec((0_u8..5, 0_u64..16, 0_u64..24, 1_u64..6), 1..60),
    ) {
        let mut world = World::new();
        let task = world.spawn();
        let vmo = world.make(task, Call::VmoCreate, &[32]).to_wire();
        let mut bytes = [0_u8; 32];
        let mut model = Model::new();
        let find = |model: &Model, page: u64| {
            model.range(..=page).next_back().filter(|(start, (_, len))| page < **start + len)
                .map(|(start, (first, _))| (first + page - start) as usize)
        };
        for (serial, (action, place, first, pages)) in (1_u8..).zip(steps) {
            let at = PLACE + place * PAGE;
            match action {
                0 | 1 => {
                    let free = (place..place + pages).all(|page| find(&model, page).is_none());
                    let expected = if free { Ok(at) } else { Err(Error::NoSpace) };
                    prop_assert_eq!(map(&mut world, task, vmo, first, pages, at), expected);
                    if free {
                        model.insert(place, (first, pages));
                    }
                }
                2 => {
                    let expected = model.remove(&place).map(|_| (0, 0)).ok_or(Error::NotFound);
                    prop_assert_eq!(world.syscall(task, Call::VmUnmap, &[at]), expected);
                }
                _ => {
                    let page = find(&model, place);
                    let expected = page.map(|_| ()).ok_or(Error::BadAddress);
                    prop_assert_eq!(write(&mut world, task, at, serial), expected);
                    if let Some(page) = page {
                        bytes[page] = serial;
                    }
                }
            }
            for place in 0..24 {
                if let Some(page) = find(&model, place) {
                    let seen = world.peek(task, (PLACE + place * PAGE) as usize, 1)[0];
                    prop_assert!(seen == bytes[page] || seen == 0, "page {} shows {}", place, seen);
                }
            }
        }
    }
}
