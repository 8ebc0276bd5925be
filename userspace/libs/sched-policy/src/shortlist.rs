//! The first few waiting tasks of a class, in the order of their deadlines.
//!
//! Most classes of most harts have one or two tasks waiting. A glance at each is then cheaper than keeping a
//! tree, by a factor of three, so only what does not fit here goes into the tree. Who begins a request mostly
//! has the latest deadline, and who is first is mostly eligible: so both ends are where one looks first.

use crate::entity::Entities;
use crate::virtual_time::Virtual;

/// Tasks in the list. 4: with more, moving them up one by one costs what descending a tree does.
const ROOM: usize = 4;

/// The list: places are taken from the front, without gaps.
#[derive(Debug)]
pub(crate) struct Shortlist<Id> {
    places: [Option<Id>; ROOM],
}

/// A task of the list and where it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found<Id> {
    pub(crate) index: usize,
    pub(crate) id: Id,
}

impl<Id: Copy + Eq> Shortlist<Id> {
    pub(crate) const fn new() -> Self {
        Self { places: [None; ROOM] }
    }

    #[inline(always)]
    pub(crate) const fn is_empty(&self) -> bool {
        self.places[0].is_none()
    }

    /// The tasks, earliest deadline first; of equal ones, the one that came first.
    #[inline(always)]
    pub(crate) fn iter(&self) -> impl Iterator<Item = Id> {
        self.places.iter().map_while(|place| *place)
    }

    /// The only task in the list, if it is the only one.
    #[inline(always)]
    pub(crate) const fn only(&self) -> Option<Id> {
        if self.places[1].is_none() { self.places[0] } else { None }
    }

    /// Puts this task where the only one was, or nothing.
    #[inline(always)]
    pub(crate) const fn replace_only(&mut self, id: Option<Id>) {
        self.places[0] = id;
    }

    /// Inserts a task; false when there is no room. O(1).
    #[inline(always)]
    pub(crate) fn insert(&mut self, id: Id, entities: &mut impl Entities<Id>) -> bool {
        let free = self.places.iter().position(Option::is_none);
        if let Some(free) = free {
            self.insert_before(free, id, entities);
        }
        free.is_some()
    }

    /// The earliest deadline among the tasks that are not past `now`. O(1).
    #[inline(always)]
    pub(crate) fn first_eligible(&self, now: Virtual, entities: &mut impl Entities<Id>) -> Option<Found<Id>> {
        let mut tasks = self.iter().enumerate();
        let found = tasks.find(|(_, id)| !entities.entity(*id).progress.at.is_past(now));
        found.map(|(index, id)| Found { index, id })
    }

    /// The task with the earliest point; of equals the one with the earlier deadline. O(1).
    #[inline(always)]
    pub(crate) fn least_advanced(&self, entities: &mut impl Entities<Id>) -> Option<Found<Id>> {
        let mut least = Found { index: 0, id: self.places[0]? };
        let mut at = entities.entity(least.id).progress.at;
        for (index, id) in self.iter().enumerate() {
            let point = entities.entity(id).progress.at;
            if at.is_past(point) {
                (least, at) = (Found { index, id }, point);
            }
        }
        Some(least)
    }

    /// Takes out the task at an index. O(1).
    #[inline(always)]
    pub(crate) fn remove_at(&mut self, index: usize) {
        let free = self.close(index);
        self.places[free] = None;
    }

    /// Takes out the task at an index and inserts another. O(1).
    #[inline(always)]
    pub(crate) fn exchange(&mut self, index: usize, id: Id, entities: &mut impl Entities<Id>) {
        let free = self.close(index);
        self.insert_before(free, id, entities);
    }

    /// Takes out a task; false when it is not here. O(1).
    pub(crate) fn remove(&mut self, id: Id) -> bool {
        let index = self.iter().position(|here| here == id);
        if let Some(index) = index {
            self.remove_at(index);
        }
        index.is_some()
    }

    /// Moves up those behind an index: the place that is free then.
    #[inline(always)]
    fn close(&mut self, index: usize) -> usize {
        let mut free = index;
        while free < ROOM - 1
            && let next @ Some(_) = self.places[free + 1]
        {
            self.places[free] = next;
            free += 1;
        }
        free
    }

    /// Puts a task into the free place at the end, or before those with later deadlines.
    #[inline(always)]
    fn insert_before(&mut self, mut free: usize, id: Id, entities: &mut impl Entities<Id>) {
        let deadline = entities.entity(id).deadline;
        while free > 0
            && free < ROOM
            && let Some(previous) = self.places[free - 1]
            && entities.entity(previous).deadline.is_past(deadline)
        {
            self.places[free] = Some(previous);
            free -= 1;
        }
        if let Some(place) = self.places.get_mut(free) {
            *place = Some(id);
        }
    }
}
