//! The waiting tasks of one class, and who of them is next: EEVDF. When the one that runs must make room for it
//! is in `contest`.
//!
//! A task waits in the shortlist or, when that is full, in the tree; a pick looks at both.

use crate::clock::Clock;
use crate::entity::Entities;
use crate::shortlist::{Found, Shortlist};
use crate::time::{Tempo, Ticks};
use crate::tree::Tree;
use crate::virtual_time::{Service, Virtual};

/// Where the next to run waits.
#[derive(Debug)]
enum Next<Id> {
    /// In the shortlist.
    Near(Found<Id>),
    /// In the tree.
    Far(Id),
}

impl<Id: Copy> Next<Id> {
    const fn id(&self) -> Id {
        match self {
            Self::Near(found) => found.id,
            Self::Far(id) => *id,
        }
    }
}

/// One class.
#[derive(Debug)]
pub(crate) struct ClassQueue<Id> {
    pub(crate) clock: Clock,
    pub(crate) shortlist: Shortlist<Id>,
    pub(crate) tree: Tree<Id>,
}

impl<Id: Copy + Eq> ClassQueue<Id> {
    /// A class without tasks.
    pub(crate) const fn new(tempo: Tempo, tag: u32) -> Self {
        Self { clock: Clock::new(tempo, tag), shortlist: Shortlist::new(), tree: Tree::new() }
    }

    #[inline(always)]
    pub(crate) const fn is_empty(&self) -> bool {
        self.shortlist.is_empty() && self.tree.is_empty()
    }

    /// A member was served. O(1).
    #[inline(always)]
    pub(crate) fn charge(&mut self, id: Id, ran: Ticks, entities: &mut impl Entities<Id>) {
        let service = Service::of(ran);
        let entity = entities.entity(id);
        entity.progress.advance(entity.inverse, service);
        self.clock.advance(service, entity.progress.at);
    }

    /// A member waits. O(1) in the shortlist, O(log n) in the tree.
    #[inline(always)]
    pub(crate) fn push(&mut self, id: Id, entities: &mut impl Entities<Id>) {
        if !self.shortlist.insert(id, entities) {
            self.tree.insert(id, entities);
        }
    }

    /// A member that ran waits again; with the next request, if the present one is done, or if it stems from when
    /// fewer took part and would come too late (rule 4). But a request in which it is owed stays: others rely on
    /// its deadline.
    #[inline(always)]
    pub(crate) fn put_back(&mut self, id: Id, entities: &mut impl Entities<Id>) {
        let entity = entities.entity(id);
        let (at, request) = (entity.progress.at, self.clock.request(entity));
        let left = entity.end.lead_over(at);
        if left <= 0 || left.cast_unsigned() > request && !self.clock.now().is_past(at) {
            entity.ask(request);
        } else if !entity.deadline.is_past(at) {
            entity.deadline = entity.end;
        }
        self.push(id, entities);
    }

    /// A member waits no longer. O(1) in the shortlist, O(log n) in the tree.
    pub(crate) fn remove(&mut self, id: Id, entities: &mut impl Entities<Id>) {
        if !self.shortlist.remove(id) {
            self.tree.remove(id, entities);
        }
    }

    /// The next to run (rules 5 and 6), taken out; `None` also when it is not fit. O(log n), O(1) with a tree that
    /// is empty.
    #[inline(always)]
    pub(crate) fn pop_if(
        &mut self,
        entities: &mut impl Entities<Id>,
        is_fit: impl FnOnce(Id) -> bool,
    ) -> Option<Id> {
        let Some(only) = self.only() else { return self.pop_among(entities, is_fit) };
        if !is_fit(only) {
            return None;
        }
        self.clock.reach(entities.entity(only).progress.at);
        self.shortlist.replace_only(None);
        Self::begin(only, entities);
        Some(only)
    }

    #[inline(never)]
    fn pop_among(&mut self, entities: &mut impl Entities<Id>, is_fit: impl FnOnce(Id) -> bool) -> Option<Id> {
        let next = self.next(entities).filter(|next| is_fit(next.id()))?;
        let id = self.take(next, entities);
        Self::begin(id, entities);
        Some(id)
    }

    /// The next to run but for this member, which gives up its turn (rule 9); itself, when nobody else waits;
    /// `None`, with nothing given up, when the next is not fit. O(log n), O(1) with a tree that is empty.
    #[inline(always)]
    pub(crate) fn rotate_if(
        &mut self,
        id: Id,
        entities: &mut impl Entities<Id>,
        is_fit: impl FnOnce(Id) -> bool,
    ) -> Option<Id> {
        if !self.tree.is_empty() {
            return self.rotate_with_tree(id, entities, is_fit);
        }
        let Some(only) = self.shortlist.only() else { return self.rotate_near(id, entities, is_fit) };
        if !is_fit(only) {
            return None;
        }
        self.clock.reach(entities.entity(only).progress.at);
        self.renounce(id, entities);
        self.shortlist.replace_only(Some(id));
        Self::begin(only, entities);
        Some(only)
    }

    /// The same, with more than one in the shortlist and a tree that is empty.
    #[inline(never)]
    fn rotate_near(
        &mut self,
        id: Id,
        entities: &mut impl Entities<Id>,
        is_fit: impl FnOnce(Id) -> bool,
    ) -> Option<Id> {
        let Some(next) = self.shortlist.first_eligible(self.clock.now(), entities) else {
            return self.rotate_leaping(id, entities, is_fit);
        };
        if !is_fit(next.id) {
            return None;
        }
        self.renounce(id, entities);
        self.shortlist.exchange(next.index, id, entities);
        Self::begin(next.id, entities);
        Some(next.id)
    }

    /// The same, with nobody eligible but perhaps the one that gives up its turn.
    #[inline(never)]
    fn rotate_leaping(
        &mut self,
        id: Id,
        entities: &mut impl Entities<Id>,
        is_fit: impl FnOnce(Id) -> bool,
    ) -> Option<Id> {
        let next = self.shortlist.least_advanced(entities);
        let first = next.map_or(id, |next| next.id);
        if !is_fit(first) {
            return None;
        }
        self.clock.reach(entities.entity(first).progress.at);
        self.renounce(id, entities);
        if let Some(next) = next {
            self.shortlist.exchange(next.index, id, entities);
        }
        Self::begin(first, entities);
        Some(first)
    }

    /// The same, with a tree that is not. O(log n).
    #[cold]
    fn rotate_with_tree(
        &mut self,
        id: Id,
        entities: &mut impl Entities<Id>,
        is_fit: impl FnOnce(Id) -> bool,
    ) -> Option<Id> {
        let next = self.next(entities).filter(|next| is_fit(next.id()))?;
        self.renounce(id, entities);
        let next = self.take(next, entities);
        self.push(id, entities);
        Self::begin(next, entities);
        Some(next)
    }

    /// The one that waits, if it is one and in the shortlist.
    #[inline(always)]
    pub(crate) const fn only(&self) -> Option<Id> {
        if self.tree.is_empty() { self.shortlist.only() } else { None }
    }

    /// A member that gives up its turn waits again (rule 9).
    pub(crate) fn put_behind(&mut self, id: Id, entities: &mut impl Entities<Id>) {
        self.renounce(id, entities);
        self.push(id, entities);
    }

    /// A member gives up what it is owed and the rest of its request.
    #[inline(always)]
    fn renounce(&mut self, id: Id, entities: &mut impl Entities<Id>) {
        let entity = entities.entity(id);
        self.clock.forgo(entity);
        entity.ask(self.clock.request(entity));
    }

    /// A member runs now: its burst counts from here.
    #[inline(always)]
    fn begin(id: Id, entities: &mut impl Entities<Id>) {
        let entity = entities.entity(id);
        entity.uncut = entity.progress.at.plus(entity.burst);
    }

    /// A member that has just joined takes the hart without having waited; nobody else waits.
    pub(crate) fn start(&mut self, id: Id, entities: &mut impl Entities<Id>) {
        self.clock.reach(entities.entity(id).progress.at);
        Self::begin(id, entities);
    }

    /// The next to run. If nobody is eligible, the clock leaps to the least advanced (rule 6).
    #[inline(always)]
    fn next(&mut self, entities: &mut impl Entities<Id>) -> Option<Next<Id>> {
        if self.tree.is_empty() {
            self.next_near(entities).map(Next::Near)
        } else {
            self.next_with_tree(entities)
        }
    }

    /// The same, with a tree that is empty.
    #[inline(always)]
    fn next_near(&mut self, entities: &mut impl Entities<Id>) -> Option<Found<Id>> {
        let next = self.shortlist.first_eligible(self.clock.now(), entities);
        if next.is_some() {
            return next;
        }
        let least = self.shortlist.least_advanced(entities)?;
        self.clock.reach(entities.entity(least.id).progress.at);
        Some(least)
    }

    #[inline(never)]
    fn next_with_tree(&mut self, entities: &mut impl Entities<Id>) -> Option<Next<Id>> {
        let near = self.shortlist.first_eligible(self.clock.now(), entities);
        let far = self.tree.first_eligible(self.clock.now(), entities);
        match (near, far) {
            (Some(near), Some((id, deadline))) => {
                let is_near = deadline.is_past(entities.entity(near.id).deadline);
                Some(if is_near { Next::Near(near) } else { Next::Far(id) })
            }
            (None, Some((id, _))) => Some(Next::Far(id)),
            (Some(near), None) => Some(Next::Near(near)),
            (None, None) => {
                let soonest = self.soonest(entities)?;
                self.clock.reach(soonest);
                // Somebody is eligible now.
                self.next_with_tree(entities)
            }
        }
    }

    #[inline(always)]
    fn take(&mut self, next: Next<Id>, entities: &mut impl Entities<Id>) -> Id {
        match next {
            Next::Near(found) => {
                self.shortlist.remove_at(found.index);
                found.id
            }
            Next::Far(id) => {
                self.tree.remove(id, entities);
                id
            }
        }
    }

    fn soonest(&self, entities: &mut impl Entities<Id>) -> Option<Virtual> {
        let mut soonest = self.tree.soonest(entities);
        for id in self.shortlist.iter() {
            let at = entities.entity(id).progress.at;
            soonest = Some(soonest.map_or(at, |soonest| soonest.earlier(at)));
        }
        soonest
    }

    /// The task of the least weight among those `may` allows, of the `left` looked at; not taken out. Of equal ones the
    /// one that would run last.
    pub(crate) fn lightest(
        &self,
        left: &mut usize,
        entities: &mut impl Entities<Id>,
        may: &mut impl FnMut(Id) -> bool,
    ) -> Option<Id> {
        let mut found: Option<(Id, u64)> = None;
        let mut at = self.tree.last(entities);
        let mut near = self.shortlist.iter();
        while *left != 0 {
            let Some(id) = at.or_else(|| near.next()) else { break };
            if at.is_some() {
                at = self.tree.before(id, entities);
            }
            *left -= 1;
            let weight = entities.entity(id).weight;
            if may(id) && found.is_none_or(|(_, least)| weight <= least) {
                found = Some((id, weight));
            }
        }
        found.map(|(id, _)| id)
    }

    /// The task that would run last among those `may` allows, of the `left` looked at; not taken out.
    pub(crate) fn last(
        &self,
        left: &mut usize,
        entities: &mut impl Entities<Id>,
        may: &mut impl FnMut(Id) -> bool,
    ) -> Option<Id> {
        let mut found: Option<(Id, Virtual)> = None;
        for id in self.shortlist.iter() {
            if *left == 0 {
                break;
            }
            *left -= 1;
            let deadline = entities.entity(id).deadline;
            if may(id) && found.is_none_or(|(_, latest)| !latest.is_past(deadline)) {
                found = Some((id, deadline));
            }
        }
        let mut at = if *left == 0 { None } else { self.tree.last(entities) };
        while let Some(id) = at
            && *left != 0
        {
            *left -= 1;
            let deadline = entities.entity(id).deadline;
            if found.is_some_and(|(_, latest)| latest.is_past(deadline)) {
                break;
            }
            if may(id) {
                return Some(id);
            }
            at = self.tree.before(id, entities);
        }
        found.map(|(id, _)| id)
    }
}
