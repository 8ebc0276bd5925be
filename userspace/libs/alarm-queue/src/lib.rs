//! Which alarm rings when.
//!
//! An [`AlarmQueue`] holds the alarms of all apps. Requests change it, [`AlarmQueue::wakeup`] says when to come back,
//! and [`AlarmQueue::ring`] then hands out what rings, one alarm at a time. The rules:
//!
//! 1. An alarm never rings early. It rings at most its kind's window late ([`Kind::window`]) unless rule 5, 6 or 7
//!    delays it, and [`AlarmQueue::standing`] says which.
//! 2. Every alarm needs the permission `notifications`; exact and alarm-clock ones also `alarms.exact`. An app that
//!    loses one loses the alarms that need it. A refused request changes nothing.
//! 3. A weekly alarm rings in civil time. A time that comes twice in a night rings the first time; one that a change
//!    leaps over rings as much later as the leap is long ([`Zone::moment_of`]).
//! 4. When the wall clock is set, alarms in wall-clock time move with it and alarms in elapsed time do not. Set back by
//!    at most [`REPEAT_GUARD`], it does not repeat what a weekly alarm has rung for.
//! 5. An alarm whose window ended while the machine was off or that the clock was set past is *missed*. Missed alarms
//!    ring once each, however many occurrences were missed, the oldest first, [`MISSED_GAP`] apart.
//! 6. An app is rung for at most as often as its [`Quota`] admits; the next alarm rings to the nanosecond when it
//!    admits one again. The history stays when the quota changes: a stricter one delays at once, a looser one frees.
//! 7. In standby nothing rings before the moment that standby gave ([`Pace::not_before`]). Alarm-clock alarms pass
//!    this and the quota.
//! 8. Equal moments ring in the order in which the alarms were set. Nothing depends on anything but the calls.
//!
//! At most [`ALARMS_PER_APP`] alarms of an app and [`ALARMS_MAX`] in all. Counts are not kept but counted, so no path
//! can leave one wrong. The device has no database of time zones: a [`Zone`] is a table that the host writes.
//!
//! No clock, no I/O: the caller says when, and stores what [`AlarmQueue::save`] gives it.
//!
//! | module | holds |
//! |---|---|
//! | `queue` | the alarms and every change of them |
//! | `alarm`, `ring` | what goes in, what comes out |
//! | `repeat`, `zone` | rule 3 |
//! | `moment` | time since boot against the wall clock |
//! | `pace` | rules 6 and 7 |
//! | `saved` | the file |

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod alarm;
mod moment;
mod pace;
mod queue;
mod repeat;
mod ring;
mod saved;
mod zone;

pub use alarm::{
    ALARMS_MAX, ALARMS_PER_APP, Alarm, AlarmId, App, Grants, INEXACT_WINDOW, Kind, LABEL_MAX, Label,
    Permission, Refusal, When,
};
pub use pace::{APPS_MAX, Pace, Quota, RINGS_MAX};
pub use queue::{AlarmQueue, MISSED_GAP, REPEAT_GUARD};
pub use repeat::{DAY_MIN, Days, Weekly};
pub use ring::{Missed, Reason, Ring, Standing, Wakeup};
pub use saved::{Damage, FORMAT};
pub use zone::{BadZone, CHANGES_MAX, Change, OFFSET_LIMIT_S, Wall, Zone};
