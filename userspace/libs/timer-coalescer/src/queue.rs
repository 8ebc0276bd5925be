//! Windows in time, and the fewest moments that meet all of them.
//!
//! Each element has a [`Window`]: from its earliest moment to its latest. The rule: sleep until the earliest *latest*,
//! then take out everything whose *earliest* has come, and do the latter whenever one is awake for other reasons too.
//!
//! ```text
//!      a   [────────]                  the earliest latest: sleep until here
//!      b       [────│──────]
//!      c  [─────────│────────────]     a, b and c are met by one wake-up
//!      d            │    [───────]     not yet due
//!                   ▲
//! ```
//!
//! No other rule wakes up less often, not even one that knows the future. Somebody has to wake for the window that
//! ends first, at its end or before. Whatever is open before its end is still open at its end, because nothing ends
//! earlier; so the end is as good as any moment before, and what comes later can be met there too. Repeat for the
//! windows that are left.
//!
//! Both orders are sets of the same elements, whose links live in the elements ([`Node`]): the queue itself needs
//! no memory, so a task or anything else can stand in it. It knows neither the unit of time nor a clock. Each operation
//! is O(log n). This is the kernel's; the table of `timers` has numbers for its elements and room for an order, and so
//! keeps the same rule with less work.

use core::fmt::Debug;

use crate::order::{Forest, Link, Order};

/// From the earliest moment to the latest, both included.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Window<T> {
    earliest: T,
    latest: T,
}

impl<T: Copy + Ord> Window<T> {
    /// From `earliest` to `latest`; a `latest` that comes before is the same moment.
    pub fn new(earliest: T, latest: T) -> Self {
        Self { earliest, latest: latest.max(earliest) }
    }

    /// Not before this moment.
    pub const fn earliest(&self) -> T {
        self.earliest
    }

    /// Not after this one.
    pub const fn latest(&self) -> T {
        self.latest
    }
}

/// The part of the queue that lives in an element.
#[derive(Clone, Copy, Debug)]
pub struct Node<Id, T> {
    window: Window<T>,
    /// Among equal moments, who came first.
    order: u64,
    by_earliest: Link<Id>,
    by_latest: Link<Id>,
}

impl<Id, T> Node<Id, T> {
    /// In no queue; the window counts for nothing.
    pub const fn new(window: Window<T>) -> Self {
        Self { window, order: 0, by_earliest: Link::new(), by_latest: Link::new() }
    }

    /// Its window.
    pub const fn window(&self) -> &Window<T> {
        &self.window
    }
}

/// Reaches the node of an element; the same one for the same id as long as it is in a queue.
pub trait Nodes {
    /// Names an element.
    type Id: Copy + Eq;
    /// What its windows are made of.
    type Moment: Copy + Ord;
    /// The node.
    fn node(&mut self, id: Self::Id) -> &mut Node<Self::Id, Self::Moment>;
}

/// The queue.
#[derive(Debug)]
pub struct Queue<Id, T> {
    by_earliest: Order<Id>,
    by_latest: Order<Id>,
    /// The earliest latest, so that asking costs nothing.
    next_wakeup: Option<T>,
    /// Elements that have come so far: 2⁶⁴ do not come.
    arrivals: u64,
}

impl<Id: Copy + Eq, T: Copy + Ord> Queue<Id, T> {
    /// An empty queue.
    pub const fn new() -> Self {
        Self { by_earliest: Order::new(), by_latest: Order::new(), next_wakeup: None, arrivals: 0 }
    }

    /// The moment until which one may sleep; `None` when nothing waits. O(1).
    #[inline(always)]
    pub const fn next_wakeup(&self) -> Option<T> {
        self.next_wakeup
    }

    /// From when on waking meets all that waking at [`Self::next_wakeup`] would; `None` when nothing waits. Whoever has
    /// a reason to choose may wake at any moment in between: for the windows that are in it, that is no more wake-ups.
    /// O(log n).
    pub fn as_good_from(&self, nodes: &mut impl Nodes<Id = Id, Moment = T>) -> Option<T> {
        let latest = self.next_wakeup?;
        let met = self.by_earliest.last_in(&mut ByEarliest(nodes), |(earliest, _)| earliest <= latest)?;
        Some(nodes.node(met).window.earliest)
    }

    /// The element with the earliest moment; among equal ones, the one that came first. O(1).
    #[inline(always)]
    pub const fn first(&self) -> Option<Id> {
        self.by_earliest.first()
    }

    /// The same if its moment has come by `now`. O(1).
    pub fn first_due(&self, now: T, nodes: &mut impl Nodes<Id = Id, Moment = T>) -> Option<Id> {
        self.first().filter(|id| nodes.node(*id).window.earliest <= now)
    }

    /// Inserts an element that is in no queue. O(log n).
    pub fn insert(&mut self, id: Id, window: Window<T>, nodes: &mut impl Nodes<Id = Id, Moment = T>) {
        *nodes.node(id) = Node { order: self.arrivals, ..Node::new(window) };
        self.arrivals += 1;
        self.link(id, nodes);
        self.note_next(nodes);
    }

    /// Removes the element of a queue that has only one: true then. O(1), and needs no look at it. The short way for
    /// [`Self::remove`].
    #[inline(always)]
    pub fn remove_only(&mut self) -> bool {
        if !self.by_earliest.remove_only() {
            return false;
        }
        self.by_latest = Order::new();
        self.next_wakeup = None;
        true
    }

    /// Removes an element that is in this queue. O(log n).
    pub fn remove(&mut self, id: Id, nodes: &mut impl Nodes<Id = Id, Moment = T>) {
        self.unlink(id, nodes);
        self.note_next(nodes);
    }

    /// Gives an element that is in this queue another window; it has still come when it came. O(log n).
    pub fn change(&mut self, id: Id, window: Window<T>, nodes: &mut impl Nodes<Id = Id, Moment = T>) {
        self.unlink(id, nodes);
        nodes.node(id).window = window;
        self.link(id, nodes);
        self.note_next(nodes);
    }

    fn link(&mut self, id: Id, nodes: &mut impl Nodes<Id = Id, Moment = T>) {
        self.by_earliest.insert(id, &mut ByEarliest(nodes));
        self.by_latest.insert(id, &mut ByLatest(nodes));
    }

    fn unlink(&mut self, id: Id, nodes: &mut impl Nodes<Id = Id, Moment = T>) {
        self.by_earliest.remove(id, &mut ByEarliest(nodes));
        self.by_latest.remove(id, &mut ByLatest(nodes));
    }

    fn note_next(&mut self, nodes: &mut impl Nodes<Id = Id, Moment = T>) {
        self.next_wakeup = self.by_latest.first().map(|id| nodes.node(id).window.latest);
    }
}

impl<Id: Copy + Eq, T: Copy + Ord> Default for Queue<Id, T> {
    fn default() -> Self {
        Self::new()
    }
}

/// The order of firing: by the earliest moment, then by arrival.
struct ByEarliest<'a, N>(&'a mut N);

impl<N: Nodes> Forest<N::Id> for ByEarliest<'_, N> {
    type Key = (N::Moment, u64);

    #[inline]
    fn link(&mut self, id: N::Id) -> &mut Link<N::Id> {
        &mut self.0.node(id).by_earliest
    }

    #[inline]
    fn look(&mut self, id: N::Id) -> ((N::Moment, u64), &mut Link<N::Id>) {
        let node = self.0.node(id);
        ((node.window.earliest, node.order), &mut node.by_earliest)
    }
}

/// The order of need: by the latest moment.
struct ByLatest<'a, N>(&'a mut N);

impl<N: Nodes> Forest<N::Id> for ByLatest<'_, N> {
    type Key = N::Moment;

    #[inline]
    fn link(&mut self, id: N::Id) -> &mut Link<N::Id> {
        &mut self.0.node(id).by_latest
    }

    #[inline]
    fn look(&mut self, id: N::Id) -> (N::Moment, &mut Link<N::Id>) {
        let node = self.0.node(id);
        (node.window.latest, &mut node.by_latest)
    }
}
