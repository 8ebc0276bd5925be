//! An ordered set whose links live in what it orders.
//!
//! For a [`Queue`](crate::queue::Queue), which has no table to keep an order in: no memory is ever needed to insert.
//! It is an AVL tree: neighbouring subtrees differ by at most one level, so every operation is O(log n). Timers mostly
//! come last and leave first, so the ends are at hand: at an end nothing is searched for, and what is repaired upwards
//! is mostly little.
//!
//! ```text
//!             5            insert: below the last, or where a search ends; then levels are repaired upwards
//!           ╱   ╲          remove: the next one takes the place; then the same
//!          3     8
//!         ╱     ╱ ╲
//!  first 1     7   9 last
//! ```

/// The part of the set that lives in an element.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link<Id> {
    below: [Option<Id>; 2],
    above: Option<Id>,
    /// By how many levels the later side is higher: one of -1, 0 and 1, but while it is being repaired.
    lean: i8,
}

impl<Id> Link<Id> {
    /// In no set.
    pub(crate) const fn new() -> Self {
        Self { below: [None, None], above: None, lean: 0 }
    }
}

/// Where something is below an element.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Side {
    Sooner = 0,
    Later = 1,
}

impl Side {
    const fn later_if(later: bool) -> Self {
        if later { Self::Later } else { Self::Sooner }
    }

    const fn other(self) -> Self {
        match self {
            Self::Sooner => Self::Later,
            Self::Later => Self::Sooner,
        }
    }

    /// The lean of an element that is higher on this side.
    const fn lean(self) -> i8 {
        match self {
            Self::Sooner => -1,
            Self::Later => 1,
        }
    }
}

/// Reaches the elements of one set.
pub(crate) trait Forest<Id> {
    /// What they are ordered by.
    type Key: Copy + Ord;
    /// The element's link.
    fn link(&mut self, id: Id) -> &mut Link<Id>;
    /// The same with the element's key, which does not change while it is in the set.
    fn look(&mut self, id: Id) -> (Self::Key, &mut Link<Id>);
}

/// The set.
#[derive(Debug)]
pub(crate) struct Order<Id> {
    root: Option<Id>,
    first: Option<Id>,
    last: Option<Id>,
}

impl<Id: Copy + Eq> Order<Id> {
    pub(crate) const fn new() -> Self {
        Self { root: None, first: None, last: None }
    }

    /// The element with the least key; among equal ones, the one that came first. O(1).
    pub(crate) const fn first(&self) -> Option<Id> {
        self.first
    }

    /// The element with the greatest key for which `is_in` is true: it is for all sooner ones, and for no later ones.
    /// O(log n).
    pub(crate) fn last_in<F: Forest<Id>>(
        &self,
        forest: &mut F,
        is_in: impl Fn(F::Key) -> bool,
    ) -> Option<Id> {
        let (mut at, mut found) = (self.root, None);
        while let Some(id) = at {
            let (key, link) = forest.look(id);
            let side = Side::later_if(is_in(key));
            if side == Side::Later {
                found = Some(id);
            }
            at = link.below[side as usize];
        }
        found
    }

    /// Removes the only element, if there is no other: true then. O(1).
    #[inline(always)]
    pub(crate) fn remove_only(&mut self) -> bool {
        let is_only = self.first == self.last;
        if is_only {
            *self = Self::new();
        }
        is_only
    }

    /// Inserts an element that is in no set. O(log n).
    #[inline(always)]
    pub(crate) fn insert(&mut self, id: Id, forest: &mut impl Forest<Id>) {
        // Most sets are empty most of the time.
        let Some(last) = self.last else {
            *forest.link(id) = Link::new();
            (self.root, self.first, self.last) = (Some(id), Some(id), Some(id));
            return;
        };
        self.insert_among(last, id, forest);
    }

    fn insert_among(&mut self, last: Id, id: Id, forest: &mut impl Forest<Id>) {
        let (key, _) = forest.look(id);
        let (above, side) =
            if forest.look(last).0 <= key { (last, Side::Later) } else { self.search(last, key, forest) };
        *forest.link(id) = Link { above: Some(above), ..Link::new() };
        match side {
            Side::Later if self.last == Some(above) => self.last = Some(id),
            Side::Sooner if self.first == Some(above) => self.first = Some(id),
            _ => {}
        }
        let link = forest.link(above);
        link.below[side as usize] = Some(id);
        link.lean += side.lean();
        // It was a leaf, or is one level high on both sides now.
        if link.lean != 0 {
            let higher = link.above;
            self.grow(above, higher, forest);
        }
    }

    /// Removes an element that is in this set. O(log n).
    pub(crate) fn remove(&mut self, id: Id, forest: &mut impl Forest<Id>) {
        let Link { below: [sooner, later], above, lean } = *forest.link(id);
        if self.first == Some(id) {
            self.first = later.map(|later| end(later, Side::Sooner, forest)).or(above);
        }
        if self.last == Some(id) {
            self.last = sooner.map(|sooner| end(sooner, Side::Later, forest)).or(above);
        }
        let (Some(sooner), Some(later)) = (sooner, later) else {
            let side = self.replace(above, id, sooner.or(later), forest);
            return self.shrink(above, side, forest);
        };
        // The next one takes its place; it has nothing on its sooner side, so its own place closes easily.
        let next = end(later, Side::Sooner, forest);
        let hole = *forest.link(next);
        let (lowest, side) = if next == later {
            (next, Side::Later)
        } else {
            let parent = hole.above.unwrap_or(later);
            self.replace(Some(parent), next, hole.below[Side::Later as usize], forest);
            forest.link(next).below[Side::Later as usize] = Some(later);
            forest.link(later).above = Some(next);
            (parent, Side::Sooner)
        };
        let link = forest.link(next);
        (link.below[Side::Sooner as usize], link.lean) = (Some(sooner), lean);
        forest.link(sooner).above = Some(next);
        self.replace(above, id, Some(next), forest);
        self.shrink(Some(lowest), side, forest);
    }

    /// Below which element, and where, a new one of this key belongs, which does not come last: behind those of the same
    /// key. Up from the last as far as need be, and down from there: most come near the end.
    fn search<F: Forest<Id>>(&self, last: Id, key: F::Key, forest: &mut F) -> (Id, Side) {
        let mut at = last;
        loop {
            let (here, link) = forest.look(at);
            // What is above on the way up from the last is sooner than all that was passed.
            match link.above.filter(|_| here > key) {
                Some(above) => at = above,
                None => break,
            }
        }
        loop {
            let (here, link) = forest.look(at);
            let side = Side::later_if(here <= key);
            match link.below[side as usize] {
                Some(next) => at = next,
                None => return (at, side),
            }
        }
    }

    /// Puts `new` where `old` was below `above`: on which side.
    fn replace(&mut self, above: Option<Id>, old: Id, new: Option<Id>, forest: &mut impl Forest<Id>) -> Side {
        if let Some(new) = new {
            forest.link(new).above = above;
        }
        let Some(above) = above else {
            self.root = new;
            return Side::Sooner;
        };
        let link = forest.link(above);
        let side = Side::later_if(link.below[Side::Later as usize] == Some(old));
        link.below[side as usize] = new;
        side
    }

    /// The part at `child`, which is below `above`, has become a level higher.
    fn grow(&mut self, mut child: Id, mut above: Option<Id>, forest: &mut impl Forest<Id>) {
        while let Some(id) = above {
            let link = forest.link(id);
            let side = Side::later_if(link.below[Side::Later as usize] == Some(child));
            link.lean += side.lean();
            match link.lean {
                0 => return,
                -1 | 1 => (child, above) = (id, link.above),
                _ => {
                    self.balance(id, side, forest);
                    return;
                }
            }
        }
    }

    /// What is below `at` on this side has become a level lower.
    fn shrink(&mut self, mut at: Option<Id>, mut side: Side, forest: &mut impl Forest<Id>) {
        while let Some(id) = at {
            let link = forest.link(id);
            link.lean -= side.lean();
            match link.lean {
                0 => {
                    at = link.above;
                    if let Some(above) = at {
                        side = Side::later_if(forest.link(above).below[Side::Later as usize] == Some(id));
                    }
                }
                -1 | 1 => return,
                _ => match self.balance(id, side.other(), forest) {
                    Some(place) => (at, side) = place,
                    None => return,
                },
            }
        }
    }

    /// Brings the part at `id`, which is two levels higher on this side, into balance: where it is, if it is a level
    /// lower then.
    fn balance(&mut self, id: Id, side: Side, forest: &mut impl Forest<Id>) -> Option<(Option<Id>, Side)> {
        let near = side.other();
        let Link { below, above, .. } = *forest.link(id);
        let high = below[side as usize]?;
        let link = forest.link(high);
        let (lean, inner) = (link.lean, link.below[near as usize]);
        let (top, is_lower) = match inner {
            Some(inner) if lean == near.lean() => {
                let link = forest.link(inner);
                let (outward, inward, lean) =
                    (link.below[side as usize], link.below[near as usize], link.lean);
                (link.below[side as usize], link.below[near as usize]) = (Some(high), Some(id));
                link.lean = 0;
                let lean_if = |leant: Side, now: Side| if lean == leant.lean() { now.lean() } else { 0 };
                put(id, inner, (side, inward), lean_if(side, near), forest);
                put(high, inner, (near, outward), lean_if(near, side), forest);
                (inner, true)
            }
            _ => {
                let left = if lean == 0 { side.lean() } else { 0 };
                (link.below[near as usize], link.lean) = (Some(id), -left);
                put(id, high, (side, inner), left, forest);
                (high, lean != 0)
            }
        };
        let side = self.replace(above, id, Some(top), forest);
        is_lower.then_some((above, side))
    }
}

/// Puts an element below another, with something on one side of it.
fn put<Id: Copy>(
    id: Id,
    above: Id,
    (side, below): (Side, Option<Id>),
    lean: i8,
    forest: &mut impl Forest<Id>,
) {
    if let Some(below) = below {
        forest.link(below).above = Some(id);
    }
    let link = forest.link(id);
    (link.below[side as usize], link.above, link.lean) = (below, Some(above), lean);
}

/// The first or the last of the part at `at`.
fn end<Id: Copy>(mut at: Id, side: Side, forest: &mut impl Forest<Id>) -> Id {
    while let Some(next) = forest.link(at).below[side as usize] {
        at = next;
    }
    at
}

#[cfg(test)]
#[path = "order_tests.rs"]
mod tests;
