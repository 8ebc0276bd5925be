//! A leftist heap whose nodes live in what they stand for.
//!
//! No memory is ever needed to insert, which is why it is not an array. Each node knows its *rank*, the
//! length of its right spine, and the left child's rank is never smaller; so right spines have at most
//! log₂(n + 1) nodes, and merging, which walks only right spines, is O(log n). So are insertion and removal
//! of the first; removal from the middle repairs ranks upwards only as long as they change, again O(log n).
//!
//! ```text
//!        3          insert = merge with a single node
//!       ╱ ╲         pop    = merge the root's children
//!      7   5        remove = merge the node's children in its place, then repair ranks
//!     ╱ ╲
//!    9   8
//! ```

/// The part of the heap that lives in an element.
#[derive(Debug)]
pub struct Node<Id> {
    key: u64,
    left: Option<Id>,
    right: Option<Id>,
    parent: Option<Id>,
    rank: u32,
}

impl<Id> Node<Id> {
    /// In no heap.
    pub const fn new() -> Self {
        Self { key: 0, left: None, right: None, parent: None, rank: 0 }
    }
}

impl<Id> Default for Node<Id> {
    fn default() -> Self {
        Self::new()
    }
}

/// Reaches the node of an element.
pub trait Nodes<Id> {
    /// The node.
    fn node(&mut self, id: Id) -> &mut Node<Id>;
}

/// The heap.
#[derive(Debug)]
pub struct Heap<Id> {
    root: Option<Id>,
}

impl<Id: Copy + Eq> Heap<Id> {
    /// An empty heap.
    pub const fn new() -> Self {
        Self { root: None }
    }

    /// The smallest key. O(1).
    pub fn first_key(&self, nodes: &mut impl Nodes<Id>) -> Option<u64> {
        self.root.map(|root| nodes.node(root).key)
    }

    /// Inserts an element that is in no heap. O(log n).
    pub fn insert(&mut self, id: Id, key: u64, nodes: &mut impl Nodes<Id>) {
        *nodes.node(id) = Node { key, left: None, right: None, parent: None, rank: 1 };
        self.root = merge(self.root, Some(id), None, nodes);
    }

    /// Removes the element with the smallest key. O(log n).
    pub fn pop(&mut self, nodes: &mut impl Nodes<Id>) -> Option<Id> {
        let root = self.root?;
        self.remove(root, nodes);
        Some(root)
    }

    /// Removes an element that is in this heap. O(log n).
    pub fn remove(&mut self, id: Id, nodes: &mut impl Nodes<Id>) {
        let Node { left, right, parent, .. } = core::mem::take(nodes.node(id));
        let rest = merge(left, right, parent, nodes);
        match parent {
            None => self.root = rest,
            Some(parent) => {
                let node = nodes.node(parent);
                if node.left == Some(id) {
                    node.left = rest;
                } else {
                    node.right = rest;
                }
                repair(Some(parent), None, nodes);
            }
        }
    }
}

impl<Id: Copy + Eq> Default for Heap<Id> {
    fn default() -> Self {
        Self::new()
    }
}

/// Merges two heaps below `parent`: the new root. Walks the right spines down, then repairs them upwards.
fn merge<Id: Copy + Eq>(
    mut a: Option<Id>,
    mut b: Option<Id>,
    parent: Option<Id>,
    nodes: &mut impl Nodes<Id>,
) -> Option<Id> {
    let mut top = None;
    let mut above = parent;
    let bottom = loop {
        let (Some(x), Some(y)) = (a, b) else { break a.or(b) };
        let (small, large) = if nodes.node(x).key <= nodes.node(y).key { (x, y) } else { (y, x) };
        nodes.node(small).parent = above;
        if top.is_none() {
            top = Some(small);
        } else if let Some(above) = above {
            nodes.node(above).right = Some(small);
        }
        above = Some(small);
        a = nodes.node(small).right;
        b = Some(large);
    };
    if let Some(bottom) = bottom {
        nodes.node(bottom).parent = above;
    }
    if top.is_none() {
        return bottom;
    }
    if let Some(above) = above {
        nodes.node(above).right = bottom;
    }
    repair_to(above, parent, nodes);
    top
}

/// Repairs a path upwards without stopping early, up to but not including `end`.
fn repair_to<Id: Copy + Eq>(mut at: Option<Id>, end: Option<Id>, nodes: &mut impl Nodes<Id>) {
    while at != end
        && let Some(id) = at
    {
        settle(id, nodes);
        at = nodes.node(id).parent;
    }
}

/// Repairs ranks upwards from `at` while they change, up to but not including `end`.
fn repair<Id: Copy + Eq>(mut at: Option<Id>, end: Option<Id>, nodes: &mut impl Nodes<Id>) {
    while at != end
        && let Some(id) = at
    {
        let before = nodes.node(id).rank;
        settle(id, nodes);
        if nodes.node(id).rank == before {
            return;
        }
        at = nodes.node(id).parent;
    }
}

/// Puts the child with the larger rank on the left and sets the rank.
fn settle<Id: Copy + Eq>(id: Id, nodes: &mut impl Nodes<Id>) {
    let (left, right) = (nodes.node(id).left, nodes.node(id).right);
    let left_rank = left.map_or(0, |child| nodes.node(child).rank);
    let right_rank = right.map_or(0, |child| nodes.node(child).rank);
    let node = nodes.node(id);
    if left_rank < right_rank {
        (node.left, node.right) = (right, left);
    }
    node.rank = left_rank.min(right_rank) + 1;
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::vec::Vec;

    use super::*;

    struct Arena(Vec<Node<usize>>);

    impl Nodes<usize> for Arena {
        fn node(&mut self, id: usize) -> &mut Node<usize> {
            &mut self.0[id]
        }
    }

    fn check(at: Option<usize>, parent: Option<usize>, least: u64, arena: &Arena) -> u32 {
        let Some(id) = at else { return 0 };
        let node = &arena.0[id];
        assert_eq!(node.parent, parent);
        assert!(node.key >= least);
        let left = check(node.left, at, node.key, arena);
        let right = check(node.right, at, node.key, arena);
        assert!(left >= right, "leftist");
        assert_eq!(node.rank, right + 1);
        node.rank
    }

    /// 100,000 random operations against an ordered set, the structure checked after each.
    #[test]
    fn random_operations_match_an_ordered_set() {
        let mut arena = Arena((0..128).map(|_| Node::new()).collect());
        let mut heap = Heap::new();
        let mut model = BTreeSet::new();
        let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
        for step in 0..100_000 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            let id = (seed >> 32) as usize % 128;
            let key = seed % 50;
            let held = model.iter().find(|(_, held)| *held == id).copied();
            match (held, seed >> 40 & 3) {
                (None, _) => {
                    heap.insert(id, key, &mut arena);
                    model.insert((key, id));
                }
                (Some(entry), 0) => {
                    heap.remove(id, &mut arena);
                    model.remove(&entry);
                }
                _ => {
                    let popped = heap.pop(&mut arena);
                    let least = model.first().map(|(key, _)| *key);
                    let entry = model.iter().find(|(_, held)| Some(*held) == popped).copied();
                    assert_eq!(entry.map(|(key, _)| key), least);
                    if let Some(entry) = entry {
                        model.remove(&entry);
                    }
                }
            }
            assert_eq!(heap.first_key(&mut arena), model.first().map(|(key, _)| *key));
            if step % 16 == 0 {
                check(heap.root, None, 0, &arena);
            }
        }
    }
}
