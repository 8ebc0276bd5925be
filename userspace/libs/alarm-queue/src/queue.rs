//! The queue itself: which alarm rings when, and why not earlier.
//!
//! ```text
//!             the clock is set                      its time comes          it is admitted
//!   undated ───────────────────► planned ──────────────────────────► due ────────────────► rings ─┬─► gone
//!      ▲                            │ its window ends while off,      ▲                           │
//!      │ set before the clock       │ or the clock leaps over it      │ in turn                   └─► planned
//!     set ──► planned               └──────────────► missed ──────────┘                               (weekly)
//! ```
//!
//! *Admitted* is what neither a quota nor standby holds back, nor, for a missed one, the distance to the missed one
//! before it.

use alloc::vec::Vec;

use nexus_abi::Nanos;

use crate::alarm::{ALARMS_MAX, ALARMS_PER_APP, Alarm, AlarmId, App, Grants, Refusal, When};
use crate::moment::{Clock, Moment};
use crate::pace::{Pace, Paces, Place, Quota};
use crate::ring::{Missed, Reason, Ring, Standing, Wakeup};
use crate::zone::{Wall, Zone};

/// Missed alarms ring this far apart: long enough to show one, short enough that a person sees they belong together.
pub const MISSED_GAP: Nanos = Nanos::from_millis(2_000);
/// A weekly alarm that has rung does not ring for the same occurrence again if the clock is set back by no more than
/// this. Corrections are smaller; who sets the clock back further lives the time again and wants its alarms.
pub const REPEAT_GUARD: Nanos = Nanos::from_millis(60 * 60 * 1_000);

/// All alarms of the device.
///
/// ```
/// use alarm_queue::*;
/// use nexus_abi::Nanos;
///
/// let mut queue = AlarmQueue::new(Zone::UTC);
/// queue.clock_set(Wall::from_secs(1_000), Nanos(0));
/// let alarm = Alarm {
///     app: App::try_from("org.clock").map_err(|_| "long")?,
///     label: Label::try_from("Get up").map_err(|_| "long")?,
///     kind: Kind::AlarmClock,
///     when: When::Wall(Wall::from_secs(1_060)),
/// };
/// let grants = Grants { notifications: true, exact_alarms: true };
/// queue.set(alarm, grants, Nanos(0)).map_err(|_| "refused")?;
///
/// let in_a_minute = Nanos::from_millis(60_000);
/// assert_eq!(queue.wakeup(), Some(Wakeup { from: in_a_minute, until: in_a_minute }));
/// assert!(queue.ring(in_a_minute).is_some_and(|ring| ring.alarm.label == "Get up"));
/// assert_eq!(queue.wakeup(), None);
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AlarmQueue {
    pub(crate) next_id: u64,
    pub(crate) clock: Clock,
    zone: Zone,
    /// In the order of their ids, at most [`ALARMS_MAX`].
    pub(crate) entries: Vec<Entry>,
    paces: Paces,
    /// No missed alarm rings before this: the latest one rang [`MISSED_GAP`] earlier.
    next_missed: Nanos,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Entry {
    pub id: AlarmId,
    pub alarm: Alarm,
    /// The place of the alarm's app.
    pub place: Place,
    pub target: Target,
    /// The occurrence that rang last, of a weekly alarm.
    pub rang: Option<Wall>,
    pub missed: Option<Missed>,
    /// When it wants the machine awake: what [`AlarmQueue::window_of`] says, since whatever that depends on changed.
    pub window: Option<Wakeup>,
}

/// The moment that an alarm is waiting for, on its own time scale.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Target {
    Elapsed(Moment),
    Wall(Wall),
    /// A weekly alarm while the wall clock is unknown.
    Undated,
}

impl AlarmQueue {
    /// No alarms, and the wall clock is unknown.
    pub const fn new(zone: Zone) -> Self {
        Self {
            next_id: 1,
            clock: Clock::UNKNOWN,
            zone,
            entries: Vec::new(),
            paces: Paces::new(),
            next_missed: Nanos::NOW,
        }
    }

    /// Sets an alarm. One whose moment has passed is due at once. O(alarms).
    pub fn set(&mut self, alarm: Alarm, grants: Grants, now: Nanos) -> Result<AlarmId, Refusal> {
        if let Some(permission) = grants.missing_for(alarm.kind) {
            return Err(Refusal::NotPermitted(permission));
        }
        if self.count(&alarm.app) >= ALARMS_PER_APP {
            return Err(Refusal::AppFull);
        }
        if self.entries.len() >= ALARMS_MAX {
            return Err(Refusal::QueueFull);
        }
        let place = self.admit(&alarm.app, now)?;
        let id = AlarmId(self.next_id);
        self.next_id += 1;
        let target = match alarm.when {
            When::Elapsed(at) => Target::Elapsed(Moment::at(at)),
            When::Wall(wall) => Target::Wall(wall),
            When::Weekly(_) => Target::Undated,
        };
        let mut entry = Entry { id, alarm, place, target, rang: None, missed: None, window: None };
        entry.date(self.clock.wall(now), &self.zone);
        entry.window = self.window_of(&entry);
        self.entries.push(entry);
        Ok(id)
    }

    /// Takes back an alarm of `app`. O(alarms).
    pub fn cancel(&mut self, app: &App, id: AlarmId) -> Result<Alarm, Refusal> {
        let found = self.index(id).filter(|index| self.entries[*index].alarm.app == *app);
        found.map(|index| self.entries.remove(index).alarm).ok_or(Refusal::NotFound)
    }

    /// `app` has lost rights, or is gone and has none: the alarms it could not set now are removed. Answers which.
    /// O(alarms).
    pub fn grants_changed(&mut self, app: &App, grants: Grants) -> Vec<AlarmId> {
        let Some(place) = self.paces.find(app) else { return Vec::new() };
        let lost = |entry: &mut Entry| entry.place == place && grants.missing_for(entry.alarm.kind).is_some();
        self.entries.extract_if(.., lost).map(|entry| entry.id).collect()
    }

    /// From now on `app` is rung for at this pace: stricter or looser, it takes effect at once. O(alarms).
    pub fn set_pace(&mut self, app: &App, pace: Pace, now: Nanos) -> Result<(), Refusal> {
        let place = self.admit(app, now)?;
        self.paces.set(place, pace);
        self.settle();
        Ok(())
    }

    /// From now on this is the quota of every app whose pace is that of an app in use. O(alarms + apps).
    pub fn set_quota(&mut self, quota: Quota) {
        self.paces.set_in_use(quota);
        self.settle();
    }

    /// At `now` the wall clock reads `wall`. Alarms in wall-clock time move with it, those in elapsed time do not;
    /// what it was set past is missed. O(alarms · changes of the zone).
    pub fn clock_set(&mut self, wall: Wall, now: Nanos) {
        let before = core::mem::replace(&mut self.clock, Clock::reads(wall, now));
        let how = if before == Clock::UNKNOWN { Missed::WhileOff } else { Missed::ClockJump };
        for entry in &mut self.entries {
            let was_due = entry.is_due(before, now);
            entry.date(Some(wall), &self.zone);
            if !entry.is_due(self.clock, now) {
                entry.missed = None;
            } else if !was_due && entry.window_is_over(self.clock, now) {
                entry.missed = Some(how);
            }
        }
        self.settle();
    }

    /// The device is in another zone: weekly alarms ring at their time there from now on. One that is due stays due.
    /// O(alarms · changes of the zone).
    pub fn zone_set(&mut self, zone: Zone, now: Nanos) {
        self.zone = zone;
        let wall = self.clock.wall(now);
        for entry in &mut self.entries {
            entry.date(wall, &self.zone);
        }
        self.settle();
    }

    /// When to wake up next. O(alarms).
    pub fn wakeup(&self) -> Option<Wakeup> {
        let windows = self.entries.iter().filter_map(|entry| entry.window);
        windows.reduce(|a, b| Wakeup { from: a.from.min(b.from), until: a.until.min(b.until) })
    }

    /// The next alarm that rings at `now`, if any does: in the order of their moments, equal ones in the order in
    /// which they were set. Call until there is none; anything may be set and cancelled in between. O(alarms).
    pub fn ring(&mut self, now: Nanos) -> Option<Ring> {
        let rings_now = |entry: &Entry| entry.window.is_some_and(|window| window.from <= now);
        let due = self.entries.iter().enumerate().filter(|(_, entry)| rings_now(entry));
        let (index, oldest) = due.min_by_key(|(_, entry)| entry.planned(self.clock))?;
        let place = oldest.place;
        let ring = Ring {
            id: oldest.id,
            alarm: oldest.alarm.clone(),
            late: oldest.planned(self.clock)?.late(now),
            missed: oldest.missed,
        };
        if ring.missed.is_some() {
            self.next_missed = now.after(MISSED_GAP);
        }
        if !ring.alarm.kind.passes_standby() {
            self.paces.rang(place, now);
        }
        self.finish(index, now);
        self.settle();
        Some(ring)
    }

    /// Where an alarm stands, and why it does not ring earlier. O(log alarms).
    pub fn standing(&self, id: AlarmId) -> Option<Standing> {
        self.index(id).map(|index| self.standing_of(&self.entries[index]))
    }

    /// When the next alarm-clock alarm of `app` is due: as long as that is near, the app stays out of standby.
    /// O(alarms).
    pub fn next_alarm_clock(&self, app: &App) -> Option<Nanos> {
        let of_app = self.of(app);
        let clocks = of_app.filter(|entry| entry.alarm.kind.passes_standby());
        clocks.filter_map(|entry| entry.planned(self.clock)).min().map(Moment::since_boot)
    }

    /// How many alarms `app` has. O(alarms).
    pub fn count(&self, app: &App) -> usize {
        self.of(app).count()
    }

    /// All alarms, in the order in which they were set.
    pub fn alarms(&self) -> impl Iterator<Item = (AlarmId, &Alarm)> {
        self.entries.iter().map(|entry| (entry.id, &entry.alarm))
    }

    pub(crate) fn admit(&mut self, app: &App, now: Nanos) -> Result<Place, Refusal> {
        let entries = &self.entries;
        self.paces.admit(app, now, |place| entries.iter().any(|entry| entry.place == place))
    }

    /// The alarms of `app`. O(alarms).
    fn of(&self, app: &App) -> impl Iterator<Item = &Entry> {
        let place = self.paces.find(app);
        place.into_iter().flat_map(|place| self.entries.iter().filter(move |entry| entry.place == place))
    }

    /// Where the alarm is among the entries. O(log alarms).
    fn index(&self, id: AlarmId) -> Option<usize> {
        self.entries.binary_search_by_key(&id, |entry| entry.id).ok()
    }

    /// An alarm rang: it goes, or waits for its next occurrence.
    fn finish(&mut self, index: usize, now: Nanos) {
        let wall = self.clock.wall(now);
        let entry = &mut self.entries[index];
        let (When::Weekly(_), Target::Wall(occurrence)) = (entry.alarm.when, entry.target) else {
            self.entries.remove(index);
            return;
        };
        entry.rang = Some(occurrence);
        entry.missed = None;
        entry.target = Target::Undated;
        entry.date(wall, &self.zone);
    }

    /// After a change of the clock, the zone or paces: when each alarm wants the machine awake. O(alarms).
    pub(crate) fn settle(&mut self) {
        for index in 0..self.entries.len() {
            self.entries[index].window = self.window_of(&self.entries[index]);
        }
    }

    fn window_of(&self, entry: &Entry) -> Option<Wakeup> {
        let from = self.standing_of(entry).rings_from?;
        let planned = entry.planned(self.clock)?.since_boot();
        Some(Wakeup { from, until: planned.after(entry.alarm.kind.window()).max(from) })
    }

    fn standing_of(&self, entry: &Entry) -> Standing {
        let Some(planned) = entry.planned(self.clock) else {
            return Standing { rings_from: None, reason: Reason::ClockUnknown };
        };
        let mut standing = Standing { rings_from: Some(planned.since_boot()), reason: Reason::Planned };
        if entry.missed.is_some() {
            standing.delay(self.next_missed, Reason::MissedOthersFirst);
        }
        if !entry.alarm.kind.passes_standby() {
            let admitted = self.paces.admitted(entry.place);
            standing.delay(admitted.by_quota, Reason::Quota);
            standing.delay(admitted.by_standby, Reason::Standby);
        }
        standing
    }
}

impl Entry {
    /// Gives a weekly alarm its next occurrence. One that has come and not rung stays the one to ring.
    pub fn date(&mut self, wall: Option<Wall>, zone: &Zone) {
        let (When::Weekly(weekly), Some(wall)) = (self.alarm.when, wall) else { return };
        if matches!(self.target, Target::Wall(occurrence) if occurrence <= wall) {
            return;
        }
        let guarded = self.rang.filter(|rang| rang.since(wall) <= REPEAT_GUARD);
        self.target = Target::Wall(weekly.next(guarded.map_or(wall, |rang| rang.max(wall)), zone));
    }

    pub fn planned(&self, clock: Clock) -> Option<Moment> {
        match self.target {
            Target::Elapsed(moment) => Some(moment),
            Target::Wall(wall) => clock.moment_of(wall),
            Target::Undated => None,
        }
    }

    fn is_due(&self, clock: Clock, now: Nanos) -> bool {
        self.planned(clock).is_some_and(|planned| planned <= Moment::at(now))
    }

    pub fn window_is_over(&self, clock: Clock, now: Nanos) -> bool {
        self.planned(clock).is_some_and(|planned| planned.late(now) > self.alarm.kind.window())
    }
}
