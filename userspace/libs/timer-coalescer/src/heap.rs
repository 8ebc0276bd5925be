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

/// The part of a heap that lives in an element.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link<Id> {
    left: Option<Id>,
    right: Option<Id>,
    parent: Option<Id>,
    rank: u8,
}

impl<Id> Link<Id> {
    /// In no heap.
    pub(crate) const fn new() -> Self {
        Self { left: None, right: None, parent: None, rank: 0 }
    }
}

/// Reaches the elements of one heap.
pub(crate) trait Forest<Id> {
    /// The element's link.
    fn link(&mut self, id: Id) -> &mut Link<Id>;
    /// Whether `a` comes before `b`. A total order that does not change while both are in the heap.
    fn precedes(&mut self, a: Id, b: Id) -> bool;
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

    /// The element that precedes all others. O(1).
    pub(crate) const fn first(&self) -> Option<Id> {
        self.root
    }

    /// Inserts an element that is in no heap. O(log n).
    pub(crate) fn insert(&mut self, id: Id, forest: &mut impl Forest<Id>) {
        *forest.link(id) = Link { rank: 1, ..Link::new() };
        self.root = merge(self.root, Some(id), None, forest);
    }

    /// Removes an element that is in this heap. O(log n).
    pub(crate) fn remove(&mut self, id: Id, forest: &mut impl Forest<Id>) {
        let Link { left, right, parent, .. } = core::mem::replace(forest.link(id), Link::new());
        let rest = merge(left, right, parent, forest);
        match parent {
            None => self.root = rest,
            Some(above) => {
                let link = forest.link(above);
                if link.left == Some(id) {
                    link.left = rest;
                } else {
                    link.right = rest;
                }
                repair_while_changing(parent, forest);
            }
        }
    }
}

/// Merges two heaps below `parent`: the new root. Walks the right spines down, then repairs them upwards.
fn merge<Id: Copy + Eq>(
    mut a: Option<Id>,
    mut b: Option<Id>,
    parent: Option<Id>,
    forest: &mut impl Forest<Id>,
) -> Option<Id> {
    let mut top = None;
    let mut above = parent;
    let bottom = loop {
        let (Some(x), Some(y)) = (a, b) else { break a.or(b) };
        let (sooner, later) = if forest.precedes(y, x) { (y, x) } else { (x, y) };
        forest.link(sooner).parent = above;
        match (top, above) {
            (Some(_), Some(above)) => forest.link(above).right = Some(sooner),
            _ => top = Some(sooner),
        }
        above = Some(sooner);
        a = forest.link(sooner).right;
        b = Some(later);
    };
    if let Some(bottom) = bottom {
        forest.link(bottom).parent = above;
    }
    if top.is_none() {
        return bottom;
    }
    if let Some(above) = above {
        forest.link(above).right = bottom;
    }
    repair_up_to(parent, above, forest);
    top
}

/// Repairs every rank from `at` upwards, `end` not included.
fn repair_up_to<Id: Copy + Eq>(end: Option<Id>, mut at: Option<Id>, forest: &mut impl Forest<Id>) {
    while at != end
        && let Some(id) = at
    {
        settle(id, forest);
        at = forest.link(id).parent;
    }
}

/// Repairs ranks from `at` upwards as long as they change.
fn repair_while_changing<Id: Copy + Eq>(mut at: Option<Id>, forest: &mut impl Forest<Id>) {
    while let Some(id) = at {
        let before = forest.link(id).rank;
        settle(id, forest);
        if forest.link(id).rank == before {
            return;
        }
        at = forest.link(id).parent;
    }
}

/// Puts the child with the larger rank on the left and sets the rank.
fn settle<Id: Copy + Eq>(id: Id, forest: &mut impl Forest<Id>) {
    let Link { left, right, .. } = *forest.link(id);
    let left_rank = left.map_or(0, |child| forest.link(child).rank);
    let right_rank = right.map_or(0, |child| forest.link(child).rank);
    let link = forest.link(id);
    if left_rank < right_rank {
        (link.left, link.right) = (right, left);
    }
    link.rank = left_rank.min(right_rank) + 1;
}

#[cfg(test)]
#[path = "heap_tests.rs"]
mod tests;
