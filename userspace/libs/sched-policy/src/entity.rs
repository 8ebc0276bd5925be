//! The part of the queue that lives in what it schedules.
//!
//! An [`Entity`] is one claim to time: in the kernel a task's scheduling context. It is in one of three
//! places: away (asleep, or on its way to another hart), waiting, or running. Away it keeps what it owes, so
//! that neither a nap nor a change of hart gets it out of a debt.

use nexus_abi::{BurstHint, LatencyHint, QosClass, Shares};

use crate::line::Place;
use crate::time::{LATENCY, TRIFLE, Tempo, Ticks};
use crate::tree::Node;
use crate::virtual_time::{Inverse, Progress, Service, Virtual};

/// What its owner decided about a task.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Settings {
    /// Strict order between classes.
    pub class: QosClass,
    /// Weight inside the class.
    pub shares: Shares,
    /// How long it is willing to wait for its turn.
    pub latency: LatencyHint,
    /// How long it wants to run once it does.
    pub burst: BurstHint,
}

impl Settings {
    /// True without hints, at the weight a task begins with.
    const fn is_ordinary(self) -> bool {
        self.shares.get() == Shares::DEFAULT.get() && self.latency.as_ms() == 0 && self.burst.as_ms() == 0
    }
}

/// One claim to time.
#[derive(Clone, Copy, Debug)]
pub struct Entity<Id> {
    pub(crate) progress: Progress,
    /// The end of the request, or of its first part while that is being served.
    pub(crate) deadline: Virtual,
    /// The end of the request.
    pub(crate) end: Virtual,
    pub(crate) inverse: Inverse,
    pub(crate) weight: u64,
    /// The latency as service of a whole hart: its share of it is a request.
    pub(crate) span: Service,
    /// The burst in virtual time, 0 without a hint.
    pub(crate) burst: u64,
    /// While it runs: nothing of its class takes the hart before this point.
    pub(crate) uncut: Virtual,
    pub(crate) node: Node<Id>,
    pub(crate) place: Place<Id>,
    pub(crate) away: Away,
    /// Of ordinary weight, without hints, and without a debt but for trifles.
    is_plain: bool,
    settings: Settings,
}

/// What an entity keeps while it is in no queue.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Away {
    /// How far it was past its class's clock, in virtual time: positive is a debt, negative a credit.
    pub(crate) lead: i64,
    /// Whose debt it is, as long as it is that.
    pub(crate) home: Home,
    /// When it left.
    pub(crate) since: Ticks,
}

/// One pool of debts: of one class of one queue, from one settlement to the next.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Home {
    /// Class and queue; 0 is nowhere.
    pub(crate) tag: u32,
    pub(crate) epoch: u64,
}

/// Reaches the entity behind an id.
pub trait Entities<Id> {
    /// The entity; the same one for the same id as long as it is in a queue.
    fn entity(&mut self, id: Id) -> &mut Entity<Id>;
}

impl Home {
    /// The home of those on their way to a hart with less to do; the epoch is the point of their class on the scale
    /// that all harts share.
    const ROAD: u32 = u32::MAX;

    /// On the way, from a class that was at this point.
    pub(crate) const fn road(from: Virtual) -> Self {
        Self { tag: Self::ROAD, epoch: from.0 }
    }

    /// Where the class was, of one that is on the way.
    pub(crate) const fn comes_from(self) -> Option<Virtual> {
        if self.tag == Self::ROAD { Some(Virtual(self.epoch)) } else { None }
    }
}

impl<Id> Entity<Id> {
    /// An entity that has never run, away.
    pub const fn new(tempo: Tempo, settings: Settings) -> Self {
        Self {
            progress: Progress::at(Virtual(0)),
            deadline: Virtual(0),
            end: Virtual(0),
            inverse: Inverse::of(settings.shares.get() as u64),
            weight: settings.shares.get() as u64,
            span: span(tempo, settings.latency),
            burst: burst(tempo, settings),
            uncut: Virtual(0),
            node: Node::new(),
            place: Place::new(),
            away: Away { lead: 0, home: Home { tag: 0, epoch: 0 }, since: Ticks(0) },
            is_plain: settings.is_ordinary(),
            settings,
        }
    }

    /// True when it is away and nothing sets it apart from others of its class: weight, hints, or a debt.
    #[inline(always)]
    pub const fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// What was decided about it.
    pub const fn settings(&self) -> Settings {
        self.settings
    }

    /// Its class.
    #[inline(always)]
    pub const fn class(&self) -> QosClass {
        self.settings.class
    }

    /// New settings for an entity that is away; what it owes stays the same service. One that waits or runs is
    /// changed through its queue.
    pub fn set_away(&mut self, tempo: Tempo, settings: Settings) {
        let before = (self.class(), self.weight);
        let demands = |of: Settings| (of.shares, of.latency, of.burst);
        if demands(settings) == demands(self.settings) {
            self.settings.class = settings.class;
        } else {
            self.set(tempo, settings);
        }
        if before != (settings.class, self.weight) {
            self.away.lead = reweighed(self.away.lead, before.1, self.weight);
            // The pool keeps the part that went into it.
            self.away.home = Home::default();
        }
        self.note_debt(Service::of(tempo.at_most(TRIFLE)));
    }

    /// It asks for service of this length from where it is.
    #[inline(always)]
    pub(crate) const fn ask(&mut self, length: u64) {
        self.deadline = self.progress.at.plus(length);
        self.end = self.deadline;
    }

    /// The same, for one that was away: the first part, which is short, comes for itself.
    #[inline(always)]
    pub(crate) fn ask_anew(&mut self, length: u64, first: Service) {
        self.ask(length);
        if self.burst == 0 {
            self.deadline = self.progress.at.plus(self.inverse.spread(first).min(length));
        }
    }

    /// It is away now, with a lead.
    pub(crate) fn note_debt(&mut self, trifle: Service) {
        let owed = self.away.lead.unsigned_abs().saturating_mul(self.weight);
        self.is_plain = self.settings.is_ordinary() && owed <= trifle.0;
    }

    /// It is away now, on its way to a hart with less to do.
    pub(crate) const fn depart(&mut self, away: Away) {
        self.away = away;
        // What it is owed is looked at where it arrives.
        self.is_plain = false;
    }

    /// New settings for an entity that is away for this moment only.
    pub(crate) fn change(&mut self, tempo: Tempo, settings: Settings) {
        self.forfeit();
        self.set_away(tempo, settings);
    }

    /// Gives up a credit.
    pub(crate) fn forfeit(&mut self) {
        self.away.lead = self.away.lead.max(0);
    }

    const fn set(&mut self, tempo: Tempo, settings: Settings) {
        self.settings = settings;
        self.weight = settings.shares.get() as u64;
        self.inverse = Inverse::of(self.weight);
        self.span = span(tempo, settings.latency);
        self.burst = burst(tempo, settings);
    }
}

/// The lead that is the same service for another weight, rounded up: nobody gains by a change.
const fn reweighed(lead: i64, before: u64, after: u64) -> i64 {
    let service = lead.saturating_mul(before.cast_signed());
    service.div_euclid(after.cast_signed()) + 1
}

const fn span(tempo: Tempo, hint: LatencyHint) -> Service {
    match hint.span() {
        Some(span) => Service::of(tempo.at_most(span)),
        None => Service::of(tempo.at_least(LATENCY)),
    }
}

const fn burst(tempo: Tempo, settings: Settings) -> u64 {
    match settings.burst.span() {
        Some(span) => Inverse::of(settings.shares.get() as u64).spread(Service::of(tempo.at_least(span))) + 1,
        None => 0,
    }
}
