//! How often an app may be rung for: quotas, and holding back in standby.
//!
//! A quota of q in a window W admits a ring when fewer than q rings lie in the W before it. So when the quota is used
//! up, the next moment is W after the q-th last ring, neither rounded nor on a grid.

use alloc::vec::Vec;

use nexus_abi::Nanos;

use crate::alarm::{ALARMS_PER_APP, App, Refusal};

/// Most apps that are remembered: those with alarms, with a pace of their own, or with rings that still count.
pub const APPS_MAX: usize = 128;
/// Rings that are remembered of an app, so also the largest quota.
pub const RINGS_MAX: u16 = ALARMS_PER_APP as u16;

/// At most so many rings in every window of such a length.
///
/// ```
/// use alarm_queue::{Quota, RINGS_MAX};
/// use nexus_abi::Nanos;
///
/// let four_an_hour = Quota::new(4, Nanos::from_millis(3_600_000)).ok_or("no quota")?;
/// assert_eq!(four_an_hour.rings(), 4);
/// assert_eq!(Quota::new(0, Nanos(1)), None, "that would be never");
/// assert_eq!(Quota::new(RINGS_MAX + 1, Nanos(1)), None);
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quota {
    rings: u16,
    window: Nanos,
}

impl Quota {
    /// For an app in use, if nobody says otherwise: all its alarms may ring at one moment, but an app that sets each
    /// alarm anew as soon as it rings keeps nobody awake for long.
    pub const IN_USE: Self = Self { rings: RINGS_MAX, window: Nanos::from_millis(60_000) };

    /// `rings` of 1 to [`RINGS_MAX`] in `window`.
    pub const fn new(rings: u16, window: Nanos) -> Option<Self> {
        if rings == 0 || rings > RINGS_MAX { None } else { Some(Self { rings, window }) }
    }

    /// How many.
    pub const fn rings(self) -> u16 {
        self.rings
    }

    /// In how much time.
    pub const fn window(self) -> Nanos {
        self.window
    }
}

/// What delays an app's alarms, except alarm-clock ones.
///
/// ```
/// use alarm_queue::{Pace, Quota};
/// use nexus_abi::Nanos;
///
/// let in_standby = Pace { not_before: Nanos::from_millis(900_000), ..Pace::IN_USE };
/// assert_eq!(in_standby.quota, Quota::IN_USE);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pace {
    /// How often.
    pub quota: Quota,
    /// Nothing before this moment: the next maintenance window of standby. [`Nanos::NOW`] for an app in use.
    pub not_before: Nanos,
}

impl Pace {
    /// For an app that nothing is known against, if nobody says otherwise.
    pub const IN_USE: Self = Self { quota: Quota::IN_USE, not_before: Nanos::NOW };
}

/// What is remembered of one app.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Record {
    app: App,
    pace: Pace,
    /// The latest rings, oldest first, at most [`RINGS_MAX`].
    rings: Vec<Nanos>,
}

impl Record {
    fn quota_admits(&self) -> Nanos {
        let used = usize::from(self.pace.quota.rings);
        let counted = self.rings.len().checked_sub(used);
        counted.map_or(Nanos::NOW, |first| self.rings[first].after(self.pace.quota.window))
    }

    /// False when forgetting it changes nothing.
    fn matters(&self, in_use: Pace, now: Nanos) -> bool {
        let counts_until = self.rings.last().map_or(Nanos::NOW, |last| last.after(self.pace.quota.window));
        self.pace != in_use || counts_until > now
    }
}

/// Where an app is remembered: its own for as long as it has an alarm, so alarms know their app's pace by it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place(usize);

/// The paces of all apps.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Paces {
    /// That of an app that nothing is known against.
    in_use: Pace,
    /// At most [`APPS_MAX`].
    records: Vec<Record>,
}

impl Paces {
    pub const fn new() -> Self {
        Self { in_use: Pace::IN_USE, records: Vec::new() }
    }

    /// Apps that nothing is known against have another quota from now on. O(apps).
    pub fn set_in_use(&mut self, quota: Quota) {
        let before = core::mem::replace(&mut self.in_use, Pace { quota, ..Pace::IN_USE });
        for record in self.records.iter_mut().filter(|record| record.pace == before) {
            record.pace = self.in_use;
        }
    }

    /// Makes sure that `app` is remembered. When there is no room, one that does not matter and whose place is not in
    /// use makes room. O(apps), and without room O(apps · cost of `in_use`).
    pub fn admit(&mut self, app: &App, now: Nanos, in_use: impl Fn(Place) -> bool) -> Result<Place, Refusal> {
        if let Some(place) = self.find(app) {
            return Ok(place);
        }
        let record = Record { app: app.clone(), pace: self.in_use, rings: Vec::new() };
        if self.records.len() < APPS_MAX {
            self.records.push(record);
            return Ok(Place(self.records.len() - 1));
        }
        let forgotten =
            |(place, old): &(usize, &Record)| !old.matters(self.in_use, now) && !in_use(Place(*place));
        let (place, _) = self.records.iter().enumerate().find(forgotten).ok_or(Refusal::TooManyApps)?;
        self.records[place] = record;
        Ok(Place(place))
    }

    /// The place of `app`, if it is remembered. O(apps).
    pub fn find(&self, app: &App) -> Option<Place> {
        self.records.iter().position(|record| record.app == *app).map(Place)
    }

    pub fn set(&mut self, place: Place, pace: Pace) {
        self.records[place.0].pace = pace;
    }

    pub fn rang(&mut self, place: Place, now: Nanos) {
        let rings = &mut self.records[place.0].rings;
        if rings.len() >= usize::from(RINGS_MAX) {
            rings.remove(0);
        }
        rings.push(now);
    }

    /// The earliest moments at which quota and standby let an alarm of the app ring. O(1).
    pub fn admitted(&self, place: Place) -> Admitted {
        let record = &self.records[place.0];
        Admitted { by_quota: record.quota_admits(), by_standby: record.pace.not_before }
    }
}

/// See [`Paces::admitted`].
#[derive(Clone, Copy)]
pub(crate) struct Admitted {
    pub by_quota: Nanos,
    pub by_standby: Nanos,
}
