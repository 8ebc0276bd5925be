//! What the queue answers: when to wake up, what rings, and where an alarm stands.

use nexus_abi::Nanos;

use crate::alarm::{Alarm, AlarmId};

/// When to wake up: at the first moment if the machine is awake, at the second in any case.
///
/// Waking between the two and ringing what is due keeps every alarm's window, with the fewest wake-ups.
///
/// ```
/// use alarm_queue::{AlarmQueue, Zone};
///
/// assert_eq!(AlarmQueue::new(Zone::UTC).wakeup(), None, "nothing to wake up for");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wakeup {
    /// An alarm is due.
    pub from: Nanos,
    /// The first window ends.
    pub until: Nanos,
}

/// An alarm rings.
///
/// ```
/// use alarm_queue::*;
/// use nexus_abi::Nanos;
///
/// let mut queue = AlarmQueue::new(Zone::UTC);
/// let grants = Grants { notifications: true, exact_alarms: true };
/// let app = App::try_from("org.clock").map_err(|_| "long")?;
/// let when = When::Elapsed(Nanos(80));
/// let alarm = Alarm { app, label: Label::new(), kind: Kind::Exact, when };
/// let id = queue.set(alarm.clone(), grants, Nanos(0)).map_err(|_| "refused")?;
/// assert_eq!(queue.ring(Nanos(79)), None);
/// assert_eq!(queue.ring(Nanos(95)), Some(Ring { id, alarm, late: Nanos(15), missed: None }));
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ring {
    /// Which.
    pub id: AlarmId,
    /// What it says.
    pub alarm: Alarm,
    /// How long after its moment; also for a missed one.
    pub late: Nanos,
    /// Why it was missed, if it was.
    pub missed: Option<Missed>,
}

/// How an alarm came to be missed: its window ended while nothing could ring.
///
/// ```
/// use alarm_queue::*;
/// use nexus_abi::Nanos;
///
/// let mut queue = AlarmQueue::new(Zone::UTC);
/// queue.clock_set(Wall::from_secs(100), Nanos(0));
/// let app = App::try_from("org.diary").map_err(|_| "long")?;
/// let when = When::Wall(Wall::from_secs(200));
/// let alarm = Alarm { app, label: Label::new(), kind: Kind::Exact, when };
/// let grants = Grants { notifications: true, exact_alarms: true };
/// queue.set(alarm, grants, Nanos(0)).map_err(|_| "refused")?;
///
/// queue.clock_set(Wall::from_secs(300), Nanos(5));
/// assert_eq!(queue.ring(Nanos(5)).and_then(|ring| ring.missed), Some(Missed::ClockJump));
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Missed {
    /// The machine, or the service, was off.
    WhileOff,
    /// The wall clock was set past it.
    ClockJump,
}

/// Where an alarm stands.
///
/// ```
/// use alarm_queue::*;
/// use nexus_abi::Nanos;
///
/// let mut queue = AlarmQueue::new(Zone::UTC);
/// let app = App::try_from("org.sync").map_err(|_| "long")?;
/// let when = When::Elapsed(Nanos(5));
/// let alarm = Alarm { app: app.clone(), label: Label::new(), kind: Kind::Exact, when };
/// let grants = Grants { notifications: true, exact_alarms: true };
/// let id = queue.set(alarm, grants, Nanos(0)).map_err(|_| "refused")?;
///
/// let in_standby = Pace { not_before: Nanos(900), ..Pace::IN_USE };
/// queue.set_pace(&app, in_standby, Nanos(1)).map_err(|_| "refused")?;
/// let held = Standing { rings_from: Some(Nanos(900)), reason: Reason::Standby };
/// assert_eq!(queue.standing(id), Some(held));
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Standing {
    /// The first moment at which it may ring; none as long as the wall clock is unknown.
    pub rings_from: Option<Nanos>,
    /// Why not earlier.
    pub reason: Reason,
}

impl Standing {
    /// Not before `moment`, for `reason`, if that is later than what is known so far.
    pub(crate) fn delay(&mut self, moment: Nanos, reason: Reason) {
        if self.rings_from.is_some_and(|from| moment > from) {
            *self = Self { rings_from: Some(moment), reason };
        }
    }
}

/// Why an alarm does not ring earlier.
///
/// ```
/// # use alarm_queue::Reason;
/// assert_eq!(Reason::Quota.text(), "the app has been rung for as often as its quota admits");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// That is its time.
    Planned,
    /// Nobody knows what time it is yet.
    ClockUnknown,
    /// It was missed, and others that were come before it.
    MissedOthersFirst,
    /// Its app has used up its quota.
    Quota,
    /// Its app is in standby.
    Standby,
}

impl Reason {
    /// For people.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Planned => "that is its time",
            Self::ClockUnknown => "the wall clock is not set",
            Self::MissedOthersFirst => "it was missed, and the alarms missed before it ring first",
            Self::Quota => "the app has been rung for as often as its quota admits",
            Self::Standby => "the app is in standby until its next maintenance window",
        }
    }
}
