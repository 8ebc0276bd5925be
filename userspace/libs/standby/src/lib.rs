//! When an app that nobody uses is held back, and how.
//!
//! A [`Standby`] is told what happens to apps ([`Signal`]) and answers what to do about it ([`Effect`]), each effect
//! with its cause. The rules:
//!
//! 1. An app enters standby when it is in background, nothing exempts it, and both have been so for
//!    [`Config::bg_inactive`] without an activity. Never earlier; a late tick makes it later.
//! 2. Exempt is what plays media, has a foreground service, has an alarm-clock alarm due within that time, or is on a
//!    person's list; and while the device charges, every app.
//! 3. Activities are what a person does (the app comes to the screen, a tap on its notification, `nx`) and the end of
//!    what kept the app out. Nothing an app does on its own is one: it cannot talk its way out.
//! 4. Foreground, an exemption, a tap and `nx` let it out at once, and counting begins anew. So an app that is in the
//!    foreground or exempt is never in standby.
//! 5. In standby, sensors and network are denied and timers are held. Effects say so in the order in which to do it.
//! 6. A timer that is held comes out in the first maintenance window that is neither before its moment nor before the
//!    floor, counted from when it was set. Windows are the same for all apps and at least 15 minutes apart: standby apps
//!    cost one wake-up together, and none when nothing is held.
//! 7. An app that is let out gets all its held timers back at once.
//! 8. Beyond [`APPS_MAX`] apps the next one is refused and never enters standby: it stays usable, it is not saved.
//!
//! Alarm-clock alarms are not held: whoever owns them does not ask here.
//!
//! No clock, no I/O: the caller says when.
//!
//! | module | holds |
//! |---|---|
//! | `machine` | all apps |
//! | `app` | rules 1 to 4 for one |
//! | `signal` | what goes in and what comes out |
//! | `config` | the numbers, and the windows |
//! | `held` | rules 6 and 7 |

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod app;
mod config;
mod held;
mod machine;
mod signal;

pub use app::State;
pub use config::{BG_INACTIVE_MIN, Config, Hold, MAINTENANCE_MIN, OutOfRange, TIMER_FLOOR_MS};
pub use held::{HELD_MAX, Held, HeldFull, HeldTimers};
pub use machine::{APPS_MAX, Standby};
pub use signal::{Act, Activity, App, Cause, Effect, Exemption, Refusal, Resource, Signal};
