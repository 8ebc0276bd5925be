//! Apps in a line each.

#![expect(clippy::unwrap_used, reason = "a helper of tests may unwrap like a test")]

use lifecycle::*;
use nexus_abi::{ExitReason, Nanos, TaskId};

pub const CRASH: ExitReason = ExitReason::Exited(101);

pub fn ms(ms: u64) -> Nanos {
    Nanos::from_millis(ms)
}

pub fn app(name: &str) -> App {
    App::try_from(name).unwrap()
}

pub fn task(number: u32) -> TaskId {
    TaskId::new(number, 1)
}

/// Apps `a` and `b`, started again as `restart` says.
pub fn apps(restart: Restart) -> Lifecycle {
    let mut apps = Lifecycle::new();
    for name in ["a", "b"] {
        assert_eq!(apps.install(&app(name), restart, ms(0)), Ok(vec![]));
    }
    apps
}

pub fn tell(apps: &mut Lifecycle, name: &str, event: Event, now: Nanos) -> Vec<(Act, Cause)> {
    let effects = apps.event(&app(name), event, now).unwrap();
    effects.into_iter().map(|effect| (effect.act, effect.cause)).collect()
}

/// Opens an app and lets it get ready as this task.
pub fn run(apps: &mut Lifecycle, name: &str, opener: Opener, number: u32, now: Nanos) {
    for event in [Event::Open(opener), Event::Spawned(task(number)), Event::Ready(task(number))] {
        tell(apps, name, event, now);
    }
}

pub fn state(apps: &Lifecycle, name: &str) -> State {
    apps.state(&app(name)).unwrap()
}
