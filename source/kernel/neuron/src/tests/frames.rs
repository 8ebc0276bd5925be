//! Frames and pools: nothing overlaps, everything comes back.

use std::alloc::{Layout, alloc_zeroed};
use std::boxed::Box;
use std::vec::Vec;

use nexus_abi::{Error, PAGE_SIZE};
use proptest::prelude::*;

use super::world::World;
use crate::arch;
use crate::mm::Frame;
use crate::mm::frames::{Frames, MAX_ORDER, Magazine};
use crate::mm::slab::Slab;

const FIRST: u32 = 0x8_0003;

/// An allocator over leaked memory that begins and ends at odd frames.
#[expect(unsafe_code, reason = "memory for the allocator")]
fn frames(count: u32) -> Frames {
    let layout = Layout::from_size_align(count as usize * PAGE_SIZE, PAGE_SIZE).unwrap();
    // SAFETY: the layout is not empty.
    let memory = unsafe { alloc_zeroed(layout) };
    arch::power_on(memory, u64::from(FIRST) * PAGE_SIZE as u64, None);
    let span = FIRST..FIRST + count;
    let mut frames = Frames::new(span.clone(), Box::leak(std::vec![0; count as usize].into_boxed_slice()));
    frames.add(span);
    frames
}

/// The sizes of the blocks that are there when nothing is in use.
fn largest_blocks(frames: &Frames) -> Vec<(u32, usize)> {
    let mut blocks = Vec::new();
    for order in (0..=MAX_ORDER).rev() {
        while let Ok(frame) = frames.take_block(order) {
            blocks.push((frame.number(), order));
        }
    }
    assert_eq!(frames.free(), 0);
    for (number, order) in &blocks {
        frames.give_block(Frame::from_number(*number).unwrap(), *order);
    }
    blocks.sort_unstable();
    blocks
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn blocks_never_overlap_and_join_again(
        count in 1_u32..3000,
        steps in prop::collection::vec((0_usize..MAX_ORDER + 1, any::<prop::sample::Index>(), 0_u8..3), 1..120),
    ) {
        let frames = frames(count);
        let untouched = largest_blocks(&frames);
        let mut owner = std::vec![false; count as usize];
        let mut held: Vec<(Frame, usize)> = Vec::new();
        let mut used = 0;
        for (order, which, action) in steps {
            let size = 1 << order;
            if action > 0 {
                let Ok(frame) = frames.take_block(order) else { continue };
                prop_assert!(frame.number().is_multiple_of(size), "aligned to its size");
                for at in frame.number()..frame.number() + size {
                    prop_assert!(!core::mem::replace(&mut owner[(at - FIRST) as usize], true), "{at} twice");
                }
                held.push((frame, order));
                used += size;
            } else if !held.is_empty() {
                let (frame, order) = held.swap_remove(which.index(held.len()));
                owner[(frame.number() - FIRST) as usize..][..1 << order].fill(false);
                frames.give_block(frame, order);
                used -= 1 << order;
            }
            prop_assert_eq!(frames.free(), (count - used) as usize);
        }
        for (frame, order) in held {
            frames.give_block(frame, order);
        }
        prop_assert_eq!(frames.free(), frames.total());
        prop_assert_eq!(largest_blocks(&frames), untouched);
    }
}

#[test]
fn single_frames_are_distinct_zeroed_on_request_and_counted_exactly() {
    let frames = frames(100);
    let mut magazine = Magazine::new();
    let mut taken = Vec::new();
    while let Ok(frame) = magazine.take_zeroed(&frames) {
        frame.write(0, &[0xff; PAGE_SIZE]);
        taken.push(frame.number());
        assert_eq!(frames.free(), 100 - taken.len());
    }
    assert_eq!(magazine.take(&frames), Err(Error::NoMemory));
    taken.sort_unstable();
    taken.dedup();
    assert_eq!(taken.len(), 100);
    for number in taken {
        magazine.give(&frames, Frame::from_number(number).unwrap());
    }
    magazine.give_back_all(&frames);
    assert_eq!((frames.free(), frames.take_block(4).is_ok()), (100, true));
}

#[test]
#[cfg(debug_assertions)]
#[should_panic(expected = "given back twice")]
fn a_frame_given_back_twice_is_noticed() {
    let frames = frames(8);
    let frame = frames.take_block(0).unwrap();
    let _neighbour = frames.take_block(0).unwrap();
    frames.give_block(frame, 0);
    frames.give_block(frame, 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    #[expect(unsafe_code, reason = "a pool hands out pointers")]
    fn pool_objects_keep_their_value_and_the_last_one_gives_the_page_back(
        steps in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>()), 1..400),
    ) {
        let mut world = World::new();
        let (magazine, frames) = world.hart().stock();
        let pool: Slab<[u64; 9]> = Slab::new();
        let before = frames.free();
        let mut live = Vec::new();
        for (serial, (take, which)) in (0..).zip(steps) {
            if take || live.is_empty() {
                let object = pool.take(magazine, frames, [serial; 9]).map_err(|(error, _)| error).unwrap();
                live.push((object, serial));
            } else {
                let (object, serial) = live.swap_remove(which.index(live.len()));
                // SAFETY: the object is alive until it is given back, once.
                unsafe {
                    prop_assert_eq!(*object.as_ref(), [serial; 9]);
                    pool.give(magazine, frames, object);
                }
            }
            prop_assert_eq!(pool.live(), live.len());
        }
        for (object, _) in live {
            // SAFETY: as above.
            unsafe { pool.give(magazine, frames, object) };
        }
        prop_assert_eq!((pool.live(), frames.free()), (0, before));
    }
}
