//! Random operations against an ordered set, with the shape of the tree checked as they go.

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

    fn look(&mut self, id: usize) -> ((u64, usize), &mut Link<usize>) {
        let (key, link) = &mut self.0[id];
        ((*key, id), link)
    }
}

/// Checks the part at `at`: its height.
fn check(at: Option<usize>, above: Option<usize>, arena: &mut Arena, seen: &mut Vec<usize>) -> i8 {
    let Some(id) = at else { return 0 };
    let Link { below: [sooner, later], above: link, lean } = arena.0[id].1;
    assert_eq!(link, above);
    let low = check(sooner, at, arena, seen);
    seen.push(id);
    let high = check(later, at, arena, seen);
    assert_eq!(lean, high - low);
    assert!((-1..=1).contains(&lean), "balanced");
    low.max(high) + 1
}

/// Checks all of it: the elements in their order.
fn walk(order: &Order<usize>, arena: &mut Arena) -> Vec<usize> {
    let mut seen = Vec::new();
    check(order.root, None, arena, &mut seen);
    assert_eq!((order.first, order.last), (seen.first().copied(), seen.last().copied()));
    seen
}

#[test]
fn random_operations_match_an_ordered_set() {
    let mut arena = Arena(std::iter::repeat_n((0, Link::new()), 128).collect());
    let mut order = Order::new();
    let mut model = BTreeSet::new();
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    for step in 0..100_000 {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let id = (seed >> 32) as usize % 128;
        let key = arena.0[id].0;
        if model.remove(&(key, id)) {
            order.remove(id, &mut arena);
        } else if let Some((_, first)) = model.first().copied().filter(|_| seed >> 40 & 3 == 0) {
            model.pop_first();
            order.remove(first, &mut arena);
        } else {
            arena.0[id].0 = seed % 50;
            order.insert(id, &mut arena);
            model.insert((seed % 50, id));
        }
        assert_eq!(order.first(), model.first().map(|(_, id)| *id));
        if step % 16 == 0 {
            assert_eq!(walk(&order, &mut arena), model.iter().map(|(_, id)| *id).collect::<Vec<_>>());
        }
    }
}

/// Ordered by the number alone.
struct Alike(Arena);

impl Forest<usize> for Alike {
    type Key = u64;

    fn link(&mut self, id: usize) -> &mut Link<usize> {
        self.0.link(id)
    }

    fn look(&mut self, id: usize) -> (u64, &mut Link<usize>) {
        let (key, link) = &mut self.0.0[id];
        (*key, link)
    }
}

#[test]
fn of_equal_ones_the_one_that_came_first_is_first() {
    let mut arena = Alike(Arena((0..64).map(|id| (id % 4, Link::new())).collect()));
    let mut order = Order::new();
    for id in (0..64).map(|n| n * 29 % 64) {
        order.insert(id, &mut arena);
    }
    let mut expected: Vec<usize> = (0..64).map(|n| n * 29 % 64).collect();
    expected.sort_by_key(|id| id % 4);
    assert_eq!(walk(&order, &mut arena.0), expected);
}

/// What comes last and leaves first, as timers mostly do, and the other way round.
#[test]
fn both_ends_stay_at_hand() {
    let mut arena = Arena((0..256).map(|n| (n, Link::new())).collect());
    let mut order = Order::new();
    for id in 0..128 {
        order.insert(id, &mut arena);
    }
    for id in 128..256 {
        order.remove(id - 128, &mut arena);
        order.insert(id, &mut arena);
        assert_eq!(walk(&order, &mut arena).len(), 128);
    }
    for id in (128..256).rev() {
        order.remove(id, &mut arena);
        order.insert(id - 128, &mut arena);
        assert_eq!(walk(&order, &mut arena).len(), 128);
    }
}
