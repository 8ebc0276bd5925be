//! Random operations against an ordered set, with the shape of the heap checked as they go.

extern crate std;

use std::collections::BTreeSet;
use std::vec::Vec;

use super::*;

struct Arena(Vec<(u64, Link<usize>)>);

impl Forest<usize> for Arena {
    type Key = (u64, usize);

    fn link(&mut self, id: usize) -> &mut Link<usize> {
        &mut self.0[id].1
    }

    fn key(&mut self, id: usize) -> (u64, usize) {
        (self.0[id].0, id)
    }
}

/// Checks the heap below `at`: its rank.
fn check(at: Option<usize>, parent: Option<usize>, arena: &mut Arena) -> u8 {
    let Some(id) = at else { return 0 };
    let link = arena.0[id].1;
    assert_eq!(link.parent, parent);
    assert!(parent.is_none_or(|parent| arena.key(parent) < arena.key(id)), "ordered");
    let left = check(link.left, at, arena);
    let right = check(link.right, at, arena);
    assert!(left >= right, "leftist");
    assert_eq!((link.left_rank, link.right_rank), (left, right));
    link.rank()
}

#[test]
fn random_operations_match_an_ordered_set() {
    let mut arena = Arena(std::iter::repeat_n((0, Link::new()), 128).collect());
    let mut heap = Heap::new();
    let mut model = BTreeSet::new();
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    for step in 0..100_000 {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let id = (seed >> 32) as usize % 128;
        let key = arena.0[id].0;
        if model.remove(&(key, id)) {
            heap.remove(id, &mut arena);
        } else if let Some((_, first)) = model.first().copied().filter(|_| seed >> 40 & 3 == 0) {
            model.pop_first();
            heap.remove(first, &mut arena);
        } else {
            arena.0[id].0 = seed % 50;
            heap.insert(id, &mut arena);
            model.insert((seed % 50, id));
        }
        assert_eq!(heap.first(), model.first().map(|(_, id)| *id));
        if step % 16 == 0 {
            check(heap.root, None, &mut arena);
        }
    }
}
