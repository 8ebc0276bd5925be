//! A leftist heap whose links live in what it orders.
//!
//! No memory is ever needed to insert, which is why it is not an array. Each element knows its *rank*, the length of
//! its right spine, and the left child's rank is never smaller; so right spines have at most log₂(n + 1) elements,
//! and merging, which walks only right spines, is O(log n). So are insertion and removal of the first; removal from
//! the middle repairs ranks upwards only as long as they change, again O(log n).
//!
//! ```text
//!        3          insert = merge with a single element
//!       ╱ ╲         remove = merge the element's children in its place, then repair ranks
//!      7   5
//!     ╱ ╲
//!    9   8
//! ```

/// The part of a heap that lives in an element. It knows the ranks of its children, so that repairing a path touches
/// only the elements on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link<Id> {
    left: Option<Id>,
    right: Option<Id>,
    parent: Option<Id>,
    left_rank: u8,
    right_rank: u8,
}

impl<Id> Link<Id> {
    /// In no heap.
    pub(crate) const fn new() -> Self {
        Self { left: None, right: None, parent: None, left_rank: 0, right_rank: 0 }
    }

    /// The length of the right spine, this element included.
    const fn rank(&self) -> u8 {
        self.right_rank + 1
    }

    /// Puts the child with the larger rank on the left.
    fn settle(&mut self) {
        if self.left_rank < self.right_rank {
            core::mem::swap(&mut self.left, &mut self.right);
            core::mem::swap(&mut self.left_rank, &mut self.right_rank);
        }
    }
}

/// Reaches the elements of one heap.
pub(crate) trait Forest<Id> {
    /// What they are ordered by.
    type Key: Copy + Ord;
    /// The element's link.
    fn link(&mut self, id: Id) -> &mut Link<Id>;
    /// The element's key, which does not change while it is in the heap.
    fn key(&mut self, id: Id) -> Self::Key;
}

/// The heap.
#[derive(Debug)]
pub(crate) struct Heap<Id> {
    root: Option<Id>,
}

impl<Id: Copy + Eq> Heap<Id> {
    pub(crate) const fn new() -> Self {
        Self { root: None }
    }

    /// The element with the least key. O(1).
    pub(crate) const fn first(&self) -> Option<Id> {
        self.root
    }

    /// Inserts an element that is in no heap. O(log n).
    pub(crate) fn insert(&mut self, id: Id, forest: &mut impl Forest<Id>) {
        *forest.link(id) = Link::new();
        // Most heaps are empty most of the time.
        self.root = match self.root {
            None => Some(id),
            root => merge(root, Some(id), None, forest).0,
        };
    }

    /// Removes an element that is in this heap. O(log n).
    pub(crate) fn remove(&mut self, id: Id, forest: &mut impl Forest<Id>) {
        let Link { left, right, parent, .. } = *forest.link(id);
        // Whoever has a right child has a left one.
        let (rest, mut rank) = match left {
            None => (None, 0),
            left => merge(left, right, parent, forest),
        };
        let (mut old, mut new, mut at) = (id, rest, parent);
        while let Some(above) = at {
            let link = forest.link(above);
            let before = link.rank();
            if link.left == Some(old) {
                (link.left, link.left_rank) = (new, rank);
            } else {
                (link.right, link.right_rank) = (new, rank);
            }
            link.settle();
            if link.rank() == before {
                return;
            }
            (old, new, rank, at) = (above, at, link.rank(), link.parent);
        }
        if parent.is_none() {
            self.root = rest;
        }
    }
}

/// Merges two heaps below `parent`: the new root and its rank. Walks the right spines down, then repairs them upwards.
fn merge<Id: Copy + Eq, F: Forest<Id>>(
    a: Option<Id>,
    b: Option<Id>,
    parent: Option<Id>,
    forest: &mut F,
) -> (Option<Id>, u8) {
    let (Some(mut sooner), Some(mut later)) = (a, b) else {
        return match a.or(b) {
            None => (None, 0),
            Some(only) => {
                let link = forest.link(only);
                link.parent = parent;
                (Some(only), link.rank())
            }
        };
    };
    let (mut sooner_key, mut later_key) = (forest.key(sooner), forest.key(later));
    let mut above = parent;
    loop {
        if later_key < sooner_key {
            core::mem::swap(&mut sooner, &mut later);
            core::mem::swap(&mut sooner_key, &mut later_key);
        }
        let link = forest.link(sooner);
        link.parent = above;
        above = Some(sooner);
        let Some(next) = link.right else { break };
        (sooner, sooner_key) = (next, forest.key(next));
    }
    let link = forest.link(later);
    link.parent = above;
    adopt_upwards(later, link.rank(), parent, above, forest)
}

/// Gives each element from `at` upwards, `end` not included, the one below as its right child: the topmost and its rank.
fn adopt_upwards<Id: Copy + Eq>(
    mut below: Id,
    mut rank: u8,
    end: Option<Id>,
    mut at: Option<Id>,
    forest: &mut impl Forest<Id>,
) -> (Option<Id>, u8) {
    while at != end
        && let Some(id) = at
    {
        let link = forest.link(id);
        (link.right, link.right_rank) = (Some(below), rank);
        link.settle();
        (below, rank, at) = (id, link.rank(), link.parent);
    }
    (Some(below), rank)
}

#[cfg(test)]
#[path = "heap_tests.rs"]
mod tests;
