//! The virtual clock of a class: how far an ideal machine, which serves all at once, would be.
//!
//! The clock counts the service due to a unit of weight. It runs while somebody of the class runs, at a rate of
//! one over the weight of all who take part: the members (queued or running) and those who left in debt. It
//! never goes back, and leaps forward only when everybody who waits is ahead of it.
//!
//! ```text
//!            credit: owed service            debt: had more than its share
//!     ──────────●───────────────────┼──────────────●──────────────►  virtual time
//!               task's point        the clock      task's point, and that of the pool of debts
//! ```
//!
//! Who leaves in debt has had service that the ideal machine would still be giving it. So the ideal machine goes
//! on: the weight stays in the clock until the debt is paid. Otherwise the others' deadlines would come sooner
//! than the hart can keep them. The debts of all who are away form one *pool*, with the sum of their weights,
//! that is paid when the clock comes to one point. Who returns before takes its part out again.
//!
//! Who goes to sleep in credit has had all it asked for: the ideal machine too has nothing left to do for it.
//!
//! Everything here is O(1). Only joining and leaving divide.

use crate::entity::{Away, Entity, Home};
use crate::time::{CATCH_UP, FIRST_PART, GRAIN, TRIFLE, Tempo, Ticks};
use crate::virtual_time::{Inverse, Progress, Service, Virtual};

/// Further than any request goes: there a product is cut off that would not fit.
const FAR: u64 = 1 << 62;

/// The clock.
#[derive(Debug)]
pub(crate) struct Clock {
    now: Virtual,
    inverse: Inverse,
    /// Of members and of debts.
    weight: u64,
    /// The shortest latency that leaves each member a slice of a grain on average.
    floor: Service,
    grain: Service,
    first: Service,
    trifle: Service,
    members: u32,
    debts: Debts,
    /// By how much the members are past the clock, each times its weight, together.
    leads: i64,
    /// How far a point on the scale that all harts share is past the same point here.
    ahead: i64,
    /// The time for which a hart may have been ahead of another.
    catch_up: Ticks,
}

/// What those who left owe together.
#[derive(Debug)]
struct Debts {
    weight: u64,
    /// Where the clock is when the debts are paid.
    paid_at: Virtual,
    home: Home,
}

impl Clock {
    /// A clock at rest. `tag` tells it from every other and is not 0.
    pub(crate) const fn new(tempo: Tempo, tag: u32) -> Self {
        Self {
            now: Virtual(0),
            inverse: Inverse::of(1),
            weight: 0,
            floor: Service(0),
            grain: Service::of(tempo.at_least(GRAIN)),
            first: Service::of(tempo.at_least(FIRST_PART)),
            trifle: Service::of(tempo.at_most(TRIFLE)),
            members: 0,
            debts: Debts { weight: 0, paid_at: Virtual(0), home: Home { tag, epoch: 0 } },
            leads: 0,
            ahead: 0,
            catch_up: tempo.at_least(CATCH_UP),
        }
    }

    /// What it shows.
    #[inline(always)]
    pub(crate) const fn now(&self) -> Virtual {
        self.now
    }

    /// A member was served, and is at `point` now.
    #[inline(always)]
    pub(crate) fn advance(&mut self, service: Service, point: Virtual) {
        self.leads = self.leads.wrapping_add_unsigned(service.0);
        self.show(self.now.plus(self.inverse.spread(service)));
        if self.debts.weight != 0 {
            self.settle(point);
        }
    }

    /// The virtual time from the beginning of a request to its deadline: the latency, in which the clock moves
    /// by that much whoever is served, or the burst, if the share of the latency is shorter.
    #[inline(always)]
    pub(crate) fn request<Id>(&self, entity: &Entity<Id>) -> u64 {
        let span = if entity.span < self.floor { self.floor } else { entity.span };
        let length = self.inverse.spread(span);
        if length < entity.burst { entity.burst } else { length }
    }

    /// The time until the clock has passed `point`, if somebody of the class runs all the while.
    pub(crate) fn until(&self, point: Virtual) -> Ticks {
        // Two units more: so much may rounding leave the clock short.
        let point = point.plus(2);
        let paid_at = self.debts.paid_at;
        let service = if self.debts.weight != 0 && point.is_past(paid_at) {
            let rest = total(paid_at, point, self.weight - self.debts.weight);
            total(self.now, paid_at, self.weight).saturating_add(rest)
        } else {
            total(self.now, point, self.weight)
        };
        Service(service.min(FAR)).ticks()
    }

    /// The clock is at this point or past it: it leaps, if it was not. For when everybody who waits is ahead.
    #[inline(always)]
    pub(crate) fn reach(&mut self, point: Virtual) {
        if point.is_past(self.now) {
            self.show(point);
            if self.debts.weight != 0 {
                self.forgive();
            }
        }
    }

    /// An entity that was away takes part from now on, at the lag it left with as far as that still counts.
    pub(crate) fn join<Id>(&mut self, entity: &mut Entity<Id>, moment: Ticks) {
        self.members += 1;
        self.floor.0 += self.grain.0;
        let Away { lead, home, since } = core::mem::take(&mut entity.away);
        let mut point = self.now;
        if let Some(from) = home.comes_from() {
            // No longer ago than a hart is ahead: what came between has nothing to do with it.
            if moment.since(since) <= self.catch_up {
                point = self.place(from);
            }
            self.weigh(self.weight + entity.weight);
        } else if lead > 0 && home == self.debts.home {
            self.take_back(entity.weight, entity.progress.at);
            point = entity.progress.at.later(self.now);
        } else {
            self.weigh(self.weight + entity.weight);
            if lead < 0 {
                point = self.now.led_by(lead.max(-self.request(entity).cast_signed()));
            } else if home.tag != self.debts.home.tag {
                // A debt that no pool here keeps: time away pays for as much.
                let paid = entity.inverse.spread(Service::of(moment.since(since)));
                point = self.now.plus(lead.cast_unsigned().saturating_sub(paid));
            }
        }
        entity.progress = Progress::at(point);
        entity.ask_anew(self.request(entity), self.first);
        self.leads = self.leads.wrapping_add(self.lead_of(entity));
    }

    /// A member goes to a hart with less to do. It keeps its point on the scale that all harts share.
    pub(crate) fn depart<Id>(&mut self, entity: &mut Entity<Id>, moment: Ticks) {
        let point = entity.progress.at;
        self.drop_member(entity);
        entity.depart(Away { lead: 0, home: Home::road(point.led_by(self.ahead)), since: moment });
        self.weigh(self.weight - entity.weight);
        if self.members == 0 {
            self.close_debts();
        }
    }

    /// A member had this hart for itself for so long, uncounted: that is progress among all harts.
    pub(crate) fn run_ahead(&mut self, inverse: Inverse, had: Ticks) {
        let had = if had < self.catch_up { had } else { self.catch_up };
        self.ahead = self.ahead.wrapping_add_unsigned(inverse.spread(Service::of(had)));
    }

    /// The point here of one that comes from another hart and is at `point` on the shared scale. It is not further from
    /// the middle of those who are here than harts can part in the time for which such things count. What is beyond
    /// that is old, and forgotten: the scale is moved here.
    fn place(&mut self, point: Virtual) -> Virtual {
        let weight = self.members_weight().cast_signed();
        let (middle, most) = match weight {
            0 => (self.now, 0),
            _ => (
                self.now.led_by(self.leads / weight),
                self.inverse.spread(Service::of(self.catch_up)).cast_signed(),
            ),
        };
        let gap = middle.led_by(self.ahead).lead_over(point);
        let counts = gap.clamp(-most, most);
        self.ahead = self.ahead.wrapping_add(counts.wrapping_sub(gap));
        middle.led_by(-counts)
    }

    /// The weight of the members.
    pub(crate) const fn members_weight(&self) -> u64 {
        self.weight - self.debts.weight
    }

    /// One member less.
    fn drop_member<Id>(&mut self, entity: &Entity<Id>) {
        self.members -= 1;
        self.floor.0 -= self.grain.0;
        self.leads = self.leads.wrapping_sub(self.lead_of(entity));
    }

    /// By how much a member is past the clock, times its weight: less than the greatest sum of requests.
    #[inline(always)]
    fn lead_of<Id>(&self, entity: &Entity<Id>) -> i64 {
        entity.progress.at.lead_over(self.now).wrapping_mul(entity.weight.cast_signed())
    }

    /// The clock shows another point: all members are less ahead of it by as much.
    #[inline(always)]
    fn show(&mut self, now: Virtual) {
        let moved = now.lead_over(self.now).wrapping_mul(self.members_weight().cast_signed());
        self.leads = self.leads.wrapping_sub(moved);
        self.now = now;
    }

    /// A member takes part no longer. Its lag goes with it.
    pub(crate) fn leave<Id>(&mut self, entity: &mut Entity<Id>, moment: Ticks) {
        let lead = entity.progress.at.lead_over(self.now);
        self.drop_member(entity);
        entity.away = Away { lead, home: Home::default(), since: moment };
        if self.members == 0 {
            self.ahead = self.ahead.wrapping_add(lead);
            // The ideal machine has nothing left to do either, so nobody owes or is owed.
            entity.away.lead = 0;
            self.weigh(self.debts.weight);
            self.close_debts();
        } else if lead > 0 {
            entity.away.home = self.debts.home;
            let owed = self.owed().saturating_add(lead.cast_unsigned().saturating_mul(entity.weight));
            self.debts.weight += entity.weight;
            self.pool(owed);
        } else {
            self.weigh(self.weight - entity.weight);
        }
        entity.note_debt(self.trifle);
    }

    /// A member gives up what it is owed.
    #[inline(always)]
    pub(crate) fn forgo<Id>(&mut self, entity: &mut Entity<Id>) {
        let owed = self.now.lead_over(entity.progress.at);
        if owed > 0 {
            entity.progress.at = self.now;
            self.leads = self.leads.wrapping_add(owed.wrapping_mul(entity.weight.cast_signed()));
        }
    }

    /// True when those who are away owe no more than a trifle together.
    pub(crate) fn is_settled(&self) -> bool {
        self.owed() <= self.trifle.0
    }

    /// Takes one part out of the pool. Its weight stays in the clock: it is a member's now.
    fn take_back(&mut self, weight: u64, point: Virtual) {
        let owed = self.owed();
        let part = point.lead_over(self.now).max(0).cast_unsigned().saturating_mul(weight);
        self.debts.weight -= weight;
        if self.debts.weight == 0 || part >= owed {
            self.close_debts();
        } else {
            self.pool(owed - part);
        }
    }

    /// What the pool still owes.
    fn owed(&self) -> u64 {
        if self.debts.weight == 0 { 0 } else { total(self.now, self.debts.paid_at, self.debts.weight) }
    }

    /// The pool owes this.
    fn pool(&mut self, owed: u64) {
        self.debts.paid_at = self.now.plus(owed.div_ceil(self.debts.weight));
    }

    /// If the debts were paid on the way here, the rest of the way was faster. Nobody waits for a payment when
    /// there is one member only, which is at `point`.
    #[inline(always)]
    fn settle(&mut self, point: Virtual) {
        let excess = self.now.lead_over(self.debts.paid_at);
        if excess >= 0 {
            let service = Service(excess.cast_unsigned().saturating_mul(self.weight));
            self.show(self.debts.paid_at);
            self.close_debts();
            self.show(self.now.plus(self.inverse.spread(service)));
        }
        if self.members == 1 {
            self.reach(point);
        }
    }

    /// Debts up to the clock are paid.
    #[inline(always)]
    fn forgive(&mut self) {
        if !self.debts.paid_at.is_past(self.now) {
            self.close_debts();
        }
    }

    #[inline(always)]
    fn close_debts(&mut self) {
        self.weigh(self.weight - self.debts.weight);
        self.debts.weight = 0;
        self.debts.home.epoch += 1;
    }

    #[inline(always)]
    fn weigh(&mut self, weight: u64) {
        self.weight = weight;
        self.inverse = Inverse::of(weight);
    }
}

/// The service a weight is due from one point to another.
fn total(from: Virtual, to: Virtual, weight: u64) -> u64 {
    to.lead_over(from).max(0).cast_unsigned().saturating_mul(weight)
}
