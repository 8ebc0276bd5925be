//! All locks of the machine.

use alloc::vec::Vec;

use nexus_abi::{Nanos, TaskId};

use crate::event::{End, Ended, Event};
use crate::lock::{Attribution, Kind, Lock, LockId, Standing, Watch};
use crate::refusal::Refusal;
use crate::request::{Grant, Released, Request};
use crate::rules::{MaxHold, Permit, Rules};
use crate::{LOCKS_MAX, LOCKS_PER_TASK, REFERENCES_MAX};

/// Every lock that is held, and the moment it is.
///
/// ```
/// use nexus_abi::{Nanos, TaskId};
/// use wakelock::{Attribution, End, Event, Kind, MaxHold, Permit, Request, WakeLocks};
///
/// let who = Attribution {
///     task: TaskId::new(7, 1),
///     app: "messenger".try_into()?,
///     name: "sync".try_into()?,
///     on_behalf_of: None,
/// };
/// let ten_seconds = MaxHold::of(Nanos::from_millis(10_000));
/// let mut locks = WakeLocks::default();
/// locks.acquire(Request { hold: Some(ten_seconds), ..Request::new(who, Kind::Partial) }, Permit::default())?;
/// assert_eq!(locks.demand(), Some(Kind::Partial));
///
/// let events = locks.advance(Nanos::from_millis(10_000));
/// assert!(matches!(&events[..], [Event::Ended(ended)] if ended.why == End::Expired));
/// assert_eq!(locks.demand(), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct WakeLocks {
    rules: Rules,
    now: Nanos,
    /// At most [`LOCKS_MAX`], by id: new ones come last.
    locks: Vec<Lock>,
    next_id: LockId,
    /// What `locks` amount to: [`WakeLocks::settle`] keeps both.
    demand: Option<Kind>,
    deadline: Nanos,
}

impl WakeLocks {
    /// No locks at the beginning of time.
    pub const fn new(rules: Rules) -> Self {
        Self {
            rules,
            now: Nanos(0),
            locks: Vec::new(),
            next_id: LockId::FIRST,
            demand: None,
            deadline: Nanos::NEVER,
        }
    }

    /// The strongest lock that counts. Without one the machine may sleep as it likes. O(1).
    pub const fn demand(&self) -> Option<Kind> {
        self.demand
    }

    /// When [`WakeLocks::advance`] has something to do; [`Nanos::NEVER`] for nothing. O(1).
    pub const fn deadline(&self) -> Nanos {
        self.deadline
    }

    /// Every lock, oldest first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Lock> {
        self.locks.iter()
    }

    /// It is now `now`, or as late as it was. What that brings about, in the order in which it happened, locks in
    /// the order of their ids. O(1) before the deadline, else O(locks).
    pub fn advance(&mut self, now: Nanos) -> Vec<Event> {
        self.now = self.now.max(now);
        if self.now < self.deadline || self.deadline == Nanos::NEVER {
            return Vec::new();
        }
        let mut events = self.report();
        let over = |lock: &Lock| lock.end <= self.now && lock.end != Nanos::NEVER;
        events.extend(self.locks.extract_if(.., |lock| over(lock)).map(|lock| {
            let at = lock.end;
            Event::Ended(Ended { lock, why: End::Expired, at })
        }));
        // A lock's report is before its end, so no two events of one lock compare equal.
        events.sort_by_key(|event| (event.at(), event.lock().id));
        self.settle();
        events
    }

    /// Acquires a lock, or one more reference to it. O(locks).
    pub fn acquire(&mut self, request: Request, permit: Permit) -> Result<Grant, Refusal> {
        let hold = self.permitted(request.hold, permit)?;
        if request.who.on_behalf_of.is_some() && !permit.for_others {
            return Err(Refusal::ForOthers);
        }
        let known = self.find(&request.who);
        match known {
            Some(place) => self.joinable(place, &request)?,
            None => self.room_for(request.who.task)?,
        }
        let aligned = self.align(request.who.charged(), request.standing);
        let place = known.unwrap_or_else(|| self.add(request));
        let lock = &mut self.locks[place];
        lock.references += 1;
        lock.end = lock.end.max(hold.end(self.now));
        let grant = Grant { id: lock.id, references: lock.references, end: lock.end };
        if known.is_none() && aligned == 0 {
            self.add_up(place);
        } else {
            self.settle();
        }
        Ok(grant)
    }

    /// Holds a lock for longer: until `hold` from now, if that is later. Its new end. O(locks).
    pub fn renew(
        &mut self,
        holder: TaskId,
        id: LockId,
        hold: Option<MaxHold>,
        permit: Permit,
    ) -> Result<Nanos, Refusal> {
        let place = self.held(holder, id)?;
        let end = self.permitted(hold, permit)?.end(self.now);
        let lock = &mut self.locks[place];
        lock.end = lock.end.max(end);
        let end = lock.end;
        self.settle();
        Ok(end)
    }

    /// Gives up one reference. O(locks).
    pub fn release(&mut self, holder: TaskId, id: LockId) -> Result<Released, Refusal> {
        let place = self.held(holder, id)?;
        let lock = &mut self.locks[place];
        lock.references -= 1;
        if lock.references > 0 {
            return Ok(Released::Held(lock.references));
        }
        let ended = Ended { lock: self.locks.remove(place), why: End::Released, at: self.now };
        self.settle();
        Ok(Released::Ended(ended))
    }

    /// A task died. Its locks, oldest first. O(locks).
    pub fn holder_died(&mut self, holder: TaskId) -> Vec<Ended> {
        let at = self.now;
        let its = self.locks.extract_if(.., |lock| lock.who.task == holder);
        let ended = its.map(|lock| Ended { lock, why: End::HolderDied, at }).collect();
        self.settle();
        ended
    }

    /// An app does something else from now on. How many locks are charged to it. O(locks).
    pub fn stand(&mut self, app: &str, standing: Standing) -> Result<usize, Refusal> {
        let charged = self.locks.iter().filter(|lock| lock.who.charged() == app).count();
        if charged == 0 {
            return Err(Refusal::UnknownApp);
        }
        self.align(app, standing);
        self.settle();
        Ok(charged)
    }

    /// Notes the locks that have been held too long.
    fn report(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        for lock in &mut self.locks {
            if let Some(at) = lock.report_due(&self.rules).filter(|due| *due <= self.now) {
                lock.watch = Watch::Reported;
                events.push(Event::HeldTooLong { lock: lock.clone(), at });
            }
        }
        events
    }

    /// The hold that is meant, if it is allowed.
    fn permitted(&self, hold: Option<MaxHold>, permit: Permit) -> Result<MaxHold, Refusal> {
        let hold = hold.unwrap_or(self.rules.hold_standard);
        if self.rules.needs_permit(hold) && !permit.long_hold { Err(Refusal::HoldTooLong) } else { Ok(hold) }
    }

    fn find(&self, who: &Attribution) -> Option<usize> {
        self.locks.iter().position(|lock| lock.who.task == who.task && lock.who.name == who.name)
    }

    fn held(&self, holder: TaskId, id: LockId) -> Result<usize, Refusal> {
        let place = self.locks.binary_search_by_key(&id, |lock| lock.id).ok();
        place.filter(|place| self.locks[*place].who.task == holder).ok_or(Refusal::NotHeld)
    }

    /// Whether a lock takes one more reference.
    fn joinable(&self, place: usize, request: &Request) -> Result<(), Refusal> {
        let lock = &self.locks[place];
        if lock.kind != request.kind || lock.who != request.who {
            return Err(Refusal::Differs);
        }
        if lock.references >= REFERENCES_MAX { Err(Refusal::ReferencesFull) } else { Ok(()) }
    }

    /// Whether a task may have one more lock.
    fn room_for(&self, task: TaskId) -> Result<(), Refusal> {
        let its = self.locks.iter().filter(|lock| lock.who.task == task).count();
        if its >= self.rules.per_task.min(LOCKS_PER_TASK) {
            return Err(Refusal::TaskFull);
        }
        if self.locks.len() >= self.rules.in_all.min(LOCKS_MAX) { Err(Refusal::TableFull) } else { Ok(()) }
    }

    /// Adds a lock that has no reference yet. Its place.
    fn add(&mut self, request: Request) -> usize {
        self.locks.push(Lock {
            id: self.next_id,
            who: request.who,
            kind: request.kind,
            references: 0,
            since: self.now,
            end: self.now,
            standing: request.standing,
            watch: Watch::of(request.standing, self.now),
        });
        self.next_id = self.next_id.next();
        self.locks.len() - 1
    }

    /// Gives all locks charged to `app` the same standing. How many had another: few, so that is asked first.
    fn align(&mut self, app: &str, standing: Standing) -> usize {
        let differs = |lock: &&mut Lock| lock.standing != standing && lock.who.charged() == app;
        let theirs = self.locks.iter_mut().filter(differs);
        theirs.map(|lock| lock.stand(standing, self.now)).count()
    }

    /// Sums the locks up after a change of any of them. O(locks).
    fn settle(&mut self) {
        (self.demand, self.deadline) = (None, Nanos::NEVER);
        for place in 0..self.locks.len() {
            self.add_up(place);
        }
    }

    /// Adds a lock to the sum of the others. O(1).
    fn add_up(&mut self, place: usize) {
        let lock = &self.locks[place];
        if lock.counts() {
            self.demand = self.demand.max(Some(lock.kind));
        }
        let due = lock.report_due(&self.rules).unwrap_or(lock.end);
        self.deadline = self.deadline.min(due);
    }
}

impl Default for WakeLocks {
    /// With the standard rules.
    fn default() -> Self {
        Self::new(Rules::default())
    }
}
