//! How apps live and die.
//!
//! A [`Lifecycle`] is told what happens to apps and what is asked for ([`Event`]), and answers what to do
//! ([`Effect`]), each effect with its cause. The rules:
//!
//! 1. At most one app is on the screen. What a person opens comes to the screen, when it is ready; the last one opened
//!    wins. What the system opens, and what is started again after a crash, starts in background: nothing comes to the
//!    screen that nobody asked for.
//! 2. An app that leaves the screen is in background, or, if it has a foreground service, above it. A service begins
//!    only on the screen. Only an app in background enters standby.
//! 3. An app that is not ready within [`START_MAX`] is ended.
//! 4. An end is a crash when it is the app's fault: anything it ends by itself with but exit code 0, not starting in
//!    time, not responding. An end for another reason ([`KillReason`]), or by others, is none.
//! 5. After a crash an app pauses, 500 ms and twice as long each time up to a minute; the fifth crash in a minute blocks
//!    it ([`restart`] has the exact rule). When the pause is over it starts again if its recipe wants it.
//! 6. In a pause only a person opens an app, at once and without shortening later pauses. Of a blocked one a person, and
//!    another version, wipe the slate.
//! 7. A task belongs to the app until the app is told to end or the task ends. What is said of a task that does not
//!    belong to it changes nothing, except that a task nobody waits for is ended.
//! 8. An app with [`Restart::Always`] that ends well is started again by the same rule.
//!
//! At most [`APPS_MAX`] apps are installed. No clock, no I/O: the caller says when things happened, so a simulated week
//! takes no time.
//!
//! | module | holds |
//! |---|---|
//! | `machine` | all apps; rules 1, 2 and 6 |
//! | `record` | one app; rules 3 to 5 |
//! | `event` | what goes in and what comes out |
//! | [`restart`] | when a dead program is started again; services use it on its own |

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod event;
mod machine;
mod record;
pub mod restart;

pub use event::{Act, App, Cause, Effect, Event, KillReason, Opener, Refusal, State};
pub use machine::{APPS_MAX, Lifecycle, Standing};
pub use record::START_MAX;
pub use restart::{Restart, Supervision, Verdict};
