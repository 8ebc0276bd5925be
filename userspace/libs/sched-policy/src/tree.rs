//! The waiting tasks that do not fit in the shortlist: a balanced tree whose nodes live in the tasks.
//!
//! Ordered by virtual deadline, of equal ones by arrival. Each node also knows the *soonest* point at which a
//! task of its subtree is eligible, so the earliest deadline among the eligible tasks is found by one descent:
//! left if somebody there is eligible, else here, else right. The tree is an AVL tree: neighbouring subtrees
//! differ by at most one level, so its height is at most 1.44 log₂(n + 2), and every operation is O(log n) in
//! the worst case. Two heaps, one of the eligible tasks, would be simpler, but one pick may then have to move
//! any number of tasks from one to the other.
//!
//! ```text
//!              deadline 30            V = 12: the left subtree has nobody eligible (soonest 15), the root is
//!              at 10, soonest 10      not past 12: it is the one. V = 16: left, to deadline 20.
//!             ╱               ╲
//!     deadline 20        deadline 50
//!     at 15, soonest 15  at 11, soonest 11
//! ```

use crate::entity::Entities;
use crate::virtual_time::Virtual;

/// The part of the tree that lives in an entity.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node<Id> {
    left: Option<Id>,
    right: Option<Id>,
    parent: Option<Id>,
    soonest: Virtual,
    height: u8,
}

impl<Id> Node<Id> {
    /// In no tree.
    pub(crate) const fn new() -> Self {
        Self { left: None, right: None, parent: None, soonest: Virtual(0), height: 0 }
    }
}

/// The tree.
#[derive(Debug)]
pub(crate) struct Tree<Id> {
    root: Option<Id>,
}

impl<Id: Copy + Eq> Tree<Id> {
    pub(crate) const fn new() -> Self {
        Self { root: None }
    }

    #[inline(always)]
    pub(crate) const fn is_empty(&self) -> bool {
        self.root.is_none()
    }

    /// The earliest deadline among the tasks that are not past `now`. O(log n).
    pub(crate) fn first_eligible(
        &self,
        now: Virtual,
        entities: &mut impl Entities<Id>,
    ) -> Option<(Id, Virtual)> {
        let mut at = self.root;
        while let Some(id) = at {
            let left = entities.entity(id).node.left;
            if let Some(left) = left
                && !entities.entity(left).node.soonest.is_past(now)
            {
                at = Some(left);
                continue;
            }
            let entity = entities.entity(id);
            if !entity.progress.at.is_past(now) {
                return Some((id, entity.deadline));
            }
            at = entity.node.right;
        }
        None
    }

    /// The soonest point at which a task becomes eligible. O(1).
    pub(crate) fn soonest(&self, entities: &mut impl Entities<Id>) -> Option<Virtual> {
        self.root.map(|root| entities.entity(root).node.soonest)
    }

    /// The same, only of tasks with an earlier deadline than this. O(log n).
    pub(crate) fn soonest_before(
        &self,
        deadline: Virtual,
        entities: &mut impl Entities<Id>,
    ) -> Option<Virtual> {
        let mut soonest: Option<Virtual> = None;
        let mut at = self.root;
        while let Some(id) = at {
            let entity = entities.entity(id);
            if !deadline.is_past(entity.deadline) {
                at = entity.node.left;
                continue;
            }
            let (mut here, left, right) = (entity.progress.at, entity.node.left, entity.node.right);
            if let Some(left) = left {
                here = here.earlier(entities.entity(left).node.soonest);
            }
            soonest = Some(soonest.map_or(here, |soonest| soonest.earlier(here)));
            at = right;
        }
        soonest
    }

    /// The latest deadline. O(log n).
    pub(crate) fn last(&self, entities: &mut impl Entities<Id>) -> Option<Id> {
        let mut last = self.root?;
        while let Some(right) = entities.entity(last).node.right {
            last = right;
        }
        Some(last)
    }

    /// The task before this one in the order of deadlines. O(log n), O(1) on average over a walk.
    pub(crate) fn before(&self, id: Id, entities: &mut impl Entities<Id>) -> Option<Id> {
        if let Some(left) = entities.entity(id).node.left {
            return Self { root: Some(left) }.last(entities);
        }
        let mut below = id;
        loop {
            let parent = entities.entity(below).node.parent?;
            if entities.entity(parent).node.right == Some(below) {
                return Some(parent);
            }
            below = parent;
        }
    }

    /// Inserts a task that is in no tree. O(log n).
    pub(crate) fn insert(&mut self, id: Id, entities: &mut impl Entities<Id>) {
        let deadline = entities.entity(id).deadline;
        let (mut parent, mut at, mut is_left) = (None, self.root, false);
        while let Some(here) = at {
            let entity = entities.entity(here);
            is_left = entity.deadline.is_past(deadline);
            parent = at;
            at = if is_left { entity.node.left } else { entity.node.right };
        }
        let entity = entities.entity(id);
        entity.node = Node { parent, soonest: entity.progress.at, height: 1, ..Node::new() };
        match parent {
            None => self.root = Some(id),
            Some(parent) if is_left => entities.entity(parent).node.left = Some(id),
            Some(parent) => entities.entity(parent).node.right = Some(id),
        }
        self.repair(parent, None, entities);
    }

    /// Takes out a task that is in this tree. O(log n).
    pub(crate) fn remove(&mut self, id: Id, entities: &mut impl Entities<Id>) {
        let Node { left, right, parent, .. } = entities.entity(id).node;
        let (Some(_), Some(right)) = (left, right) else {
            self.put_below(parent, id, left.or(right), entities);
            self.repair(parent, None, entities);
            return;
        };
        // The next one takes its place; it has no left child, so its own place closes easily.
        let mut next = right;
        while let Some(further) = entities.entity(next).node.left {
            next = further;
        }
        let hole = entities.entity(next).node;
        self.put_below(hole.parent, next, hole.right, entities);
        let place = entities.entity(id).node;
        entities.entity(next).node = place;
        self.put_below(place.parent, id, Some(next), entities);
        for child in [place.left, place.right].into_iter().flatten() {
            entities.entity(child).node.parent = Some(next);
        }
        let lowest = if hole.parent == Some(id) { Some(next) } else { hole.parent };
        self.repair(lowest, Some(next), entities);
    }

    /// Puts `new` where `old` was below `parent`.
    fn put_below(&mut self, parent: Option<Id>, old: Id, new: Option<Id>, entities: &mut impl Entities<Id>) {
        match parent {
            None => self.root = new,
            Some(parent) => {
                let node = &mut entities.entity(parent).node;
                if node.left == Some(old) {
                    node.left = new;
                } else {
                    node.right = new;
                }
            }
        }
        if let Some(new) = new {
            entities.entity(new).node.parent = parent;
        }
    }

    /// Repairs heights, soonest points and balance upwards from `at`, while they change; in any case up to
    /// `through`, whose node was another's.
    fn repair(&mut self, mut at: Option<Id>, mut through: Option<Id>, entities: &mut impl Entities<Id>) {
        while let Some(id) = at {
            let entity = entities.entity(id);
            let (before, point) = (entity.node, entity.progress.at);
            let (left, right) = (sum(before.left, entities), sum(before.right, entities));
            let mut after = before;
            if left.height.abs_diff(right.height) <= 1 {
                after.height = left.height.max(right.height) + 1;
                after.soonest = point.earlier(left.soonest_or(point)).earlier(right.soonest_or(point));
                entities.entity(id).node = after;
            } else {
                let top = self.balance(id, left.height > right.height, entities);
                after = entities.entity(top).node;
            }
            let is_same = (before.height, before.soonest) == (after.height, after.soonest);
            if is_same && through.is_none() {
                return;
            }
            if through == Some(id) {
                through = None;
            }
            at = after.parent;
        }
    }

    /// Brings the subtree at `id`, one side of which is too high, into balance: its new top.
    fn balance(&mut self, id: Id, is_left_high: bool, entities: &mut impl Entities<Id>) -> Id {
        let node = entities.entity(id).node;
        let Some(high) = (if is_left_high { node.left } else { node.right }) else { return id };
        let below = entities.entity(high).node;
        let (outer, inner) = if is_left_high { (below.left, below.right) } else { (below.right, below.left) };
        let top = match inner {
            Some(inner) if sum(Some(inner), entities).height > sum(outer, entities).height => {
                self.rotate(inner, high, entities)
            }
            _ => high,
        };
        self.rotate(top, id, entities)
    }

    /// Lifts a child over its parent: the one that is on top then.
    fn rotate(&mut self, child: Id, parent: Id, entities: &mut impl Entities<Id>) -> Id {
        let above = entities.entity(parent).node.parent;
        let was_left = entities.entity(parent).node.left == Some(child);
        let node = &mut entities.entity(child).node;
        let middle = if was_left { node.right } else { node.left };
        if was_left {
            node.right = Some(parent);
        } else {
            node.left = Some(parent);
        }
        self.put_below(above, parent, Some(child), entities);
        let node = &mut entities.entity(parent).node;
        node.parent = Some(child);
        if was_left {
            node.left = middle;
        } else {
            node.right = middle;
        }
        if let Some(middle) = middle {
            entities.entity(middle).node.parent = Some(parent);
        }
        refresh(parent, entities);
        refresh(child, entities);
        child
    }
}

/// What a parent wants to know of a subtree.
#[derive(Clone, Copy)]
struct Sum {
    height: u8,
    soonest: Option<Virtual>,
}

impl Sum {
    fn soonest_or(self, other: Virtual) -> Virtual {
        self.soonest.unwrap_or(other)
    }
}

fn sum<Id: Copy>(id: Option<Id>, entities: &mut impl Entities<Id>) -> Sum {
    match id {
        None => Sum { height: 0, soonest: None },
        Some(id) => {
            let node = &entities.entity(id).node;
            Sum { height: node.height, soonest: Some(node.soonest) }
        }
    }
}

/// Sets height and soonest point from the children's.
fn refresh<Id: Copy>(id: Id, entities: &mut impl Entities<Id>) {
    let entity = entities.entity(id);
    let (node, point) = (entity.node, entity.progress.at);
    let (left, right) = (sum(node.left, entities), sum(node.right, entities));
    let node = &mut entities.entity(id).node;
    node.height = left.height.max(right.height) + 1;
    node.soonest = point.earlier(left.soonest_or(point)).earlier(right.soonest_or(point));
}

#[cfg(test)]
mod tests;
