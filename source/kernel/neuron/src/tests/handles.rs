//! The handle table against a model.

use std::collections::HashMap;
use std::vec::Vec;

use nexus_abi::{Call, Error, HANDLES_MAX, Handle, Rights};
use proptest::prelude::*;

use super::world::World;
use crate::cap::{HandleTable, Object};
use crate::mm::Frame;

/// Something to do to a table.
#[derive(Clone, Debug)]
enum Step {
    Insert(u16),
    /// Removes the n-th live handle, if there are so many.
    Remove(usize),
    /// Looks a handle up that was removed before.
    Stale(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0_u16..1 << 15).prop_map(Step::Insert),
        2 => (0_usize..300).prop_map(Step::Remove),
        1 => (0_usize..300).prop_map(Step::Stale),
    ]
}

fn rights(bits: u16) -> Rights {
    Rights::from_wire(u64::from(bits)).unwrap()
}

fn follow(limit: u32, steps: &[Step]) {
    let mut world = World::new();
    let mut table = HandleTable::new(limit);
    let mut live: Vec<(Handle, Rights)> = Vec::new();
    let mut stale: Vec<Handle> = Vec::new();
    for step in steps {
        match step {
            Step::Insert(bits) => {
                let hart = world.hart();
                let room = table.reserve(1, || hart.take_frame());
                assert_eq!(room.is_ok(), (live.len() as u32) < limit);
                if room.is_ok() {
                    let handle = table.insert(Object::System, rights(*bits)).unwrap();
                    assert!(live.iter().all(|(other, _)| other.index() != handle.index()));
                    assert!(!stale.contains(&handle), "a closed handle means something again");
                    live.push((handle, rights(*bits)));
                }
            }
            Step::Remove(at) if *at < live.len() => {
                let (handle, rights) = live.swap_remove(*at);
                assert_eq!(table.remove(handle).map(|(_, rights)| rights), Ok(rights));
                stale.push(handle);
            }
            Step::Stale(at) if *at < stale.len() => {
                assert_eq!(table.remove(stale[*at]).map(drop), Err(Error::BadHandle));
            }
            _ => {}
        }
        assert_eq!(table.used() as usize, live.len());
    }
    let known: HashMap<Handle, Rights> = live.iter().copied().collect();
    for (handle, rights) in &known {
        assert_eq!(table.get(*handle).map(|(_, rights)| rights), Ok(*rights));
    }
    let mut from = 0;
    while let Some((_, _, next)) = table.take_any(from) {
        from = next;
        live.pop();
    }
    assert!(live.is_empty(), "take_any finds every handle");
    let pages: Vec<Frame> = table.take_pages().collect();
    pages.into_iter().for_each(|page| world.hart().give_frame(page));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_table_does_as_a_map_would(
        limit in prop_oneof![1_u32..20, Just(130_u32), Just(HANDLES_MAX as u32)],
        steps in prop::collection::vec(step(), 1..400),
    ) {
        follow(limit, &steps);
    }
}

#[test]
fn a_table_holds_as_many_handles_as_there_may_be_and_not_one_more() {
    follow(HANDLES_MAX as u32, &std::vec![Step::Insert(1); HANDLES_MAX + 8]);
}

#[test]
fn a_slot_reused_sixty_five_thousand_times_never_makes_the_handle_that_means_none() {
    let mut world = World::new();
    let frame = world.hart().take_frame().unwrap();
    let mut table = HandleTable::new(1);
    table.reserve(1, || Ok(frame)).unwrap();
    for _ in 0..70_000 {
        let handle = table.insert(Object::System, Rights::NONE).unwrap();
        assert_ne!(handle, Handle::NONE);
        table.remove(handle).unwrap();
        assert!(table.get(handle).is_err());
    }
    table.take_pages().for_each(drop);
    world.hart().give_frame(frame);
}

#[test]
fn copies_have_no_more_rights_than_their_original() {
    let mut world = World::new();
    let task = world.spawn();
    let bits = world.make(task, Call::NotificationCreate, &[]).to_wire();
    let copy = |world: &mut World, from: u64, rights: Rights| {
        world.syscall(task, Call::HandleCopy, &[from, rights.to_wire()]).map(|(handle, _)| handle)
    };
    assert_eq!(copy(&mut world, bits, Rights::ALL), Err(Error::Denied));
    let less = copy(&mut world, bits, Rights::NOTIFY).unwrap();
    assert_eq!(copy(&mut world, less, Rights::NOTIFY), Err(Error::Denied), "without COPY");
    assert_eq!(world.syscall(task, Call::HandleCopy, &[bits, 1 << 15]), Err(Error::Invalid));
    assert_eq!(copy(&mut world, 0, Rights::NONE), Err(Error::BadHandle));
}
