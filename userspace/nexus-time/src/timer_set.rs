//! Timers of one program that outlive timed.
//!
//! timed keeps nothing over a crash; the program knows what it wants. A [`TimerSet`] remembers each timer until it has
//! been heard of for the last time. When an answer comes from another *era* than the one before, timed is a new one,
//! and what is still wanted is set again: what should have fired meanwhile fires at once, and what has been read does
//! not fire again, because it is not wanted any more.
//!
//! ```text
//!   set ──▶ kept, in timed's era ──fired: read──▶ forgotten, or kept for the next occurrence
//!                │        ▲
//!      new era   └─ stale ┘ set again
//! ```

use core::time::Duration;

use nexus_abi::{Error, Nanos};
use nexus_wire::timed::{Answer, Expiry, FIRED_PAGE, Request, Tier, Timer};

use crate::instant::nanos;
use crate::{Instant, Link, timed};

/// Timers of one program: as many as timed allows it.
const TIMERS_MAX: usize = 64;

/// What a timer shall do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Plan {
    /// When it shall fire first.
    pub due: Instant,
    /// After which span it shall fire again, and again.
    pub period: Option<Duration>,
    /// How much later it may be, if that is more than the class gives anyway.
    pub late_by: Duration,
}

impl Plan {
    /// Once, at this moment.
    pub const fn at(due: Instant) -> Self {
        Self { due, period: None, late_by: Duration::ZERO }
    }

    /// Again after every `period`.
    pub const fn every(self, period: Duration) -> Self {
        Self { period: Some(period), ..self }
    }

    /// Up to this much later.
    pub const fn late_by(self, late_by: Duration) -> Self {
        Self { late_by, ..self }
    }

    fn timer(&self) -> Timer {
        Timer {
            due_ns: self.due.nanos().0,
            period_ns: self.period.map(|period| nanos(period).0),
            late_by_ns: nanos(self.late_by).0,
            tier: Tier::Ordinary,
        }
    }
}

/// A timer of a [`TimerSet`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Key {
    place: usize,
    /// Which use of the place.
    turn: u64,
}

/// A timer that has fired.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Expired {
    /// Which.
    pub key: Key,
    /// When it was due; of several occurrences the first.
    pub due: Instant,
    /// How many occurrences this is.
    pub times: u64,
}

/// The timers. One set for a program, because timed tells a program of all its timers together.
///
/// A crash of timed is noticed by the next answer. Who only waits for bits bounds the wait, some time after
/// [`TimerSet::next_due`], and then asks.
#[derive(Debug)]
pub struct TimerSet<L> {
    link: L,
    /// The bits by which the program is told, if it is.
    bits: Option<u64>,
    listens_in: Option<u64>,
    /// The era of the latest answer.
    era: Option<u64>,
    /// The era whose timed knows all that is wanted.
    told_in: Option<u64>,
    kept: [Option<Kept>; TIMERS_MAX],
    /// No place before this one is free.
    first_free: usize,
    turns: u64,
}

#[derive(Clone, Copy, Debug)]
struct Kept {
    turn: u64,
    /// As timed is told.
    timer: Timer,
    /// Its name in timed; the name of nothing in any other era than this.
    id: u64,
    era: u64,
}

impl<L: Link> TimerSet<L> {
    /// No timers. The program asks for itself what has fired.
    pub const fn new(link: L) -> Self {
        Self {
            link,
            bits: None,
            listens_in: None,
            era: None,
            told_in: None,
            kept: [None; TIMERS_MAX],
            first_free: 0,
            turns: 0,
        }
    }

    /// No timers. The program is told by these bits that something has fired.
    pub fn told_by(link: L, bits: u64) -> Result<Self, Error> {
        let mut set = Self { bits: Some(bits), ..Self::new(link) };
        set.era = Some(set.listen(bits)?);
        Ok(set)
    }

    /// Sets a timer.
    // A message takes nearly all registers, so a function of its own would save and load them for nothing.
    #[inline(always)]
    pub fn set(&mut self, plan: Plan) -> Result<Key, Error> {
        let place = self.free_place().ok_or(Error::NoSpace)?;
        let timer = plan.timer();
        let (id, era) = self.register(timer)?;
        self.turns += 1;
        let turn = self.turns;
        self.kept[place] = Some(Kept { turn, timer, id, era });
        self.first_free = place + 1;
        // It is set; what else has to be set again is tried again with whatever is asked next.
        let _later = self.follow(era);
        Ok(Key { place, turn })
    }

    /// Sets a timer anew: whether it would have fired otherwise. One that is over is refused.
    pub fn rearm(&mut self, key: Key, plan: Plan) -> Result<bool, Error> {
        let kept = *self.find(key).ok_or(Error::NotFound)?;
        let timer = plan.timer();
        let request = Request::Rearm { id: kept.id, timer };
        let (id, was_live, era) = if self.is_stale(kept.era) {
            let (id, era) = self.register(timer)?;
            (id, true, era)
        } else {
            match timed::ask(&mut self.link, &request)? {
                Answer::Rearmed { id, was_live, era } => (id, was_live || era != kept.era, era),
                _ => return Err(Error::Invalid),
            }
        };
        self.kept[key.place] = Some(Kept { timer, id, era, ..kept });
        let _later = self.follow(era);
        Ok(was_live)
    }

    /// Makes a timer fire no more: whether it would have. Nothing more is heard of it.
    #[inline(always)]
    pub fn cancel(&mut self, key: Key) -> Result<bool, Error> {
        let Some(&Kept { id, era: set_in, .. }) = self.find(key) else { return Ok(false) };
        if self.is_stale(set_in) {
            self.forget(key.place);
            return Ok(true);
        }
        let Answer::Cancelled { was_live, era } = timed::ask(&mut self.link, &Request::Cancel { id })? else {
            return Err(Error::Invalid);
        };
        self.forget(key.place);
        let _later = self.follow(era);
        Ok(was_live || era != set_in)
    }

    /// Calls `each` with every timer that has fired and was not heard of yet, in the order of firing.
    pub fn fired(&mut self, mut each: impl FnMut(Expired)) -> Result<(), Error> {
        loop {
            let Answer::Fired { era, expiries } = timed::ask(&mut self.link, &Request::Fired)? else {
                return Err(Error::Invalid);
            };
            for expiry in expiries.iter() {
                self.hear(expiry, era).map(&mut each);
            }
            let has_set = self.follow(era)?;
            // What was overdue when it was set has fired by the time of the next request.
            if expiries.len() < FIRED_PAGE && !has_set {
                return Ok(());
            }
        }
    }

    /// When the next timer is due, to the knowledge of the program.
    pub fn next_due(&self) -> Instant {
        let dues = self.kept.iter().flatten().map(|kept| Nanos(kept.timer.due_ns));
        dues.min().map_or(Instant::NEVER, Instant::from)
    }

    /// What timed has to say about one timer; it is forgotten, or waits for its next occurrence.
    fn hear(&mut self, expiry: &Expiry, era: u64) -> Option<Expired> {
        let is_it = |kept: &Kept| kept.id == expiry.id && kept.era == era;
        let place = self.kept.iter().position(|kept| kept.as_ref().is_some_and(is_it))?;
        let kept = self.kept[place].as_mut()?;
        let key = Key { place, turn: kept.turn };
        match kept.timer.period_ns {
            None => self.forget(place),
            Some(period) => {
                let passed = period.saturating_mul(expiry.times);
                kept.timer.due_ns = Nanos(expiry.due_ns).after(Nanos(passed)).0;
            }
        }
        Some(Expired { key, due: Nanos(expiry.due_ns).into(), times: expiry.times })
    }

    /// Has timed of this era know all that is wanted. True if timers were set.
    #[inline(always)]
    fn follow(&mut self, era: u64) -> Result<bool, Error> {
        self.era = Some(era);
        if self.told_in == Some(era) { Ok(false) } else { self.tell_all() }
    }

    /// Should timed die meanwhile, the next one is told from the beginning; one that dies again and again is not
    /// started any more, and then the link fails.
    #[cold]
    #[inline(never)]
    fn tell_all(&mut self) -> Result<bool, Error> {
        let mut has_set = false;
        loop {
            let answered_in = if let Some(bits) = self.bits.filter(|_| self.listens_in != self.era) {
                self.listen(bits)?
            } else if let Some((place, kept)) = self.first_stale() {
                let (id, era) = self.register(kept.timer)?;
                self.kept[place] = Some(Kept { id, era, ..kept });
                has_set = true;
                era
            } else {
                self.told_in = self.era;
                return Ok(has_set);
            };
            self.era = Some(answered_in);
        }
    }

    fn first_stale(&self) -> Option<(usize, Kept)> {
        let kept = self.kept.iter().enumerate().filter_map(|(place, kept)| Some((place, (*kept)?)));
        kept.into_iter().find(|(_, kept)| self.is_stale(kept.era))
    }

    /// Whether a timer that was set in this era is known to be forgotten by timed.
    fn is_stale(&self, era: u64) -> bool {
        Some(era) != self.era
    }

    fn find(&self, key: Key) -> Option<&Kept> {
        self.kept[key.place].as_ref().filter(|kept| kept.turn == key.turn)
    }

    fn free_place(&self) -> Option<usize> {
        (self.first_free..TIMERS_MAX).find(|place| self.kept[*place].is_none())
    }

    fn forget(&mut self, place: usize) {
        self.kept[place] = None;
        self.first_free = self.first_free.min(place);
    }

    #[inline(always)]
    fn register(&mut self, timer: Timer) -> Result<(u64, u64), Error> {
        let request = Request::Set(timer);
        match timed::ask(&mut self.link, &request)? {
            Answer::Set { id, era } => Ok((id, era)),
            _ => Err(Error::Invalid),
        }
    }

    /// The era in which it listens now.
    fn listen(&mut self, bits: u64) -> Result<u64, Error> {
        let Answer::Listening { era } = timed::listen(&mut self.link, bits)? else {
            return Err(Error::Invalid);
        };
        self.listens_in = Some(era);
        Ok(era)
    }
}
