//! The tree against plain searches, its shape after every change, and what it costs.

extern crate std;

use std::collections::BTreeSet;
use std::vec::Vec;

use super::*;
use crate::entity::{Entity, Settings};
use crate::time::Tempo;
use crate::virtual_time::Progress;

/// Entities by index, counting how often one is touched.
struct Arena {
    entities: Vec<Entity<usize>>,
    touched: u64,
}

impl Entities<usize> for Arena {
    fn entity(&mut self, id: usize) -> &mut Entity<usize> {
        self.touched += 1;
        &mut self.entities[id]
    }
}

impl Arena {
    fn new(len: usize) -> Self {
        let entity = || Entity::new(Tempo::clamped(10_000_000), Settings::default());
        Self { entities: (0..len).map(|_| entity()).collect(), touched: 0 }
    }

    fn place(&mut self, id: usize, at: u64, deadline: u64) {
        self.entities[id].progress = Progress::at(Virtual(at));
        self.entities[id].deadline = Virtual(deadline);
    }

    /// Checks the subtree and answers its ids in order.
    fn walk(&self, at: Option<usize>, parent: Option<usize>, ids: &mut Vec<usize>) -> (u8, Option<u64>) {
        let Some(id) = at else { return (0, None) };
        let entity = &self.entities[id];
        let node = entity.node;
        assert_eq!(node.parent, parent);
        let (left, soonest_left) = self.walk(node.left, at, ids);
        ids.push(id);
        let (right, soonest_right) = self.walk(node.right, at, ids);
        assert!(left.abs_diff(right) <= 1, "balanced");
        assert_eq!(node.height, left.max(right) + 1);
        let soonest = [soonest_left, soonest_right].into_iter().flatten().chain([entity.progress.at.0]).min();
        assert_eq!(Some(node.soonest.0), soonest);
        (node.height, soonest)
    }

    fn check(&self, tree: &Tree<usize>) -> Vec<usize> {
        let mut ids = Vec::new();
        self.walk(tree.root, None, &mut ids);
        ids
    }
}

fn xorshift(seed: &mut u64, bound: u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    (*seed >> 11) % bound
}

/// 40,000 random changes; after each, shape, order and every question against a plain list.
#[test]
fn random_changes_match_a_plain_list() {
    let (mut arena, mut tree, mut seed) = (Arena::new(48), Tree::new(), 0x9e37_79b9_7f4a_7c15);
    // In order of deadline, of equal ones in order of arrival.
    let mut model: Vec<usize> = Vec::new();
    for _ in 0..40_000 {
        let id = xorshift(&mut seed, 48) as usize;
        if let Some(index) = model.iter().position(|held| *held == id) {
            tree.remove(id, &mut arena);
            model.remove(index);
        } else {
            let deadline = xorshift(&mut seed, 40);
            arena.place(id, xorshift(&mut seed, 40), deadline);
            tree.insert(id, &mut arena);
            let after = model.partition_point(|held| arena.entities[*held].deadline.0 <= deadline);
            model.insert(after, id);
        }
        assert_eq!(arena.check(&tree), model);
        let point = Virtual(xorshift(&mut seed, 42));
        let eligible = model.iter().find(|id| !arena.entities[**id].progress.at.is_past(point));
        let expected = eligible.map(|id| (*id, arena.entities[*id].deadline));
        assert_eq!(tree.first_eligible(point, &mut arena), expected);
        let soonest =
            |ids: &[usize]| ids.iter().map(|id| arena.entities[*id].progress.at.0).min().map(Virtual);
        let earlier = model.partition_point(|held| point.is_past(arena.entities[*held].deadline));
        let (all, before) = (soonest(&model), soonest(&model[..earlier]));
        assert_eq!(tree.soonest(&mut arena), all);
        assert_eq!(tree.soonest_before(point, &mut arena), before);
        let mut backwards = Vec::new();
        let mut at = tree.last(&mut arena);
        while let Some(id) = at {
            backwards.push(id);
            at = tree.before(id, &mut arena);
        }
        assert!(backwards.iter().rev().eq(&model));
    }
}

/// Entities touched by the dearest of 2,000 operations on a tree of n, for each kind of operation: at most a
/// constant times log₂ n.
#[test]
fn cost_grows_with_the_logarithm() {
    for n in [10_usize, 100, 1_000, 10_000] {
        let (mut arena, mut tree, mut seed) = (Arena::new(n + 1), Tree::new(), 0x2545_f491_4f6c_dd1d);
        let mut inside = BTreeSet::new();
        for id in 0..n {
            arena.place(id, xorshift(&mut seed, 1 << 30), xorshift(&mut seed, 1 << 30));
            tree.insert(id, &mut arena);
            inside.insert(id);
        }
        let (mut insert, mut remove, mut find) = (0, 0, 0);
        let mut outside = n;
        for _ in 0..2_000 {
            arena.place(outside, xorshift(&mut seed, 1 << 30), xorshift(&mut seed, 1 << 30));
            arena.touched = 0;
            tree.insert(outside, &mut arena);
            insert = insert.max(arena.touched);
            inside.insert(outside);
            outside = xorshift(&mut seed, n as u64 + 1) as usize;
            arena.touched = 0;
            tree.remove(outside, &mut arena);
            remove = remove.max(arena.touched);
            inside.remove(&outside);
            arena.touched = 0;
            let point = Virtual(xorshift(&mut seed, 1 << 30));
            tree.first_eligible(point, &mut arena);
            tree.soonest_before(point, &mut arena);
            find = find.max(arena.touched);
        }
        let levels = u64::from((n as u64 + 1).ilog2() + 1);
        std::println!("n={n} levels={levels} insert={insert} remove={remove} find={find}");
        assert!(insert <= 6 * levels + 36, "n={n}: insert touched {insert}");
        assert!(remove <= 11 * levels + 36, "n={n}: remove touched {remove}");
        assert!(find <= 4 * levels + 6, "n={n}: find touched {find}");
    }
}
