//! Rows about timers.

use alloc::vec::Vec;
use core::time::Duration;

use nexus_rt::startup::TIMED;
use nexus_time::os::Os;
use nexus_time::{Clock, Plan, TimerSet};

use crate::measure::{self, During, Trouble, time};

/// Setting a timer and cancelling it: two requests to timed, which keeps others meanwhile.
pub fn set_and_cancel() -> Result<(), Trouble> {
    let os = Os::new(TIMED);
    let mut timers = TimerSet::new(os);
    let later = |ms| Plan::at(os.now() + Duration::from_millis(ms));
    let others: Result<Vec<_>, _> = (0..10).map(|n| timers.set(later(60_000 + n))).collect();
    let others = others.during("setting timers")?;
    let plan = later(90_000);
    measure::row("timer_set_cancel", 200, 1, |count| {
        time(count, || {
            let key = timers.set(plan).during("setting a timer")?;
            match timers.cancel(key).during("cancelling it")? {
                true => Ok(()),
                false => Err("a timer was gone before its time".into()),
            }
        })
    })?;
    others.into_iter().try_for_each(|key| timers.cancel(key).map(drop).during("cancelling timers"))
}
