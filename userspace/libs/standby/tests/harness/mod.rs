//! Apps and minutes in a line each.

#![expect(clippy::unwrap_used, reason = "a helper of tests may unwrap like a test")]

use nexus_abi::Nanos;
use standby::*;

pub const ENTERED: [Act; 4] = [
    Act::Deny(Resource::Sensors),
    Act::Deny(Resource::Network),
    Act::HoldTimers(Config::DEFAULT.hold()),
    Act::Entered,
];
pub const LEFT: [Act; 4] =
    [Act::Allow(Resource::Sensors), Act::Allow(Resource::Network), Act::ReleaseTimers, Act::Left];

pub fn min(minutes: u64) -> Nanos {
    Nanos::from_millis(minutes * 60_000)
}

pub fn before(moment: Nanos) -> Nanos {
    Nanos(moment.0 - 1)
}

pub fn app(name: &str) -> App {
    App::try_from(name).unwrap()
}

/// The default standby with an app `a` that goes to background at minute 1: it enters at minute 6.
pub fn in_background() -> Standby {
    let mut standby = Standby::new(Config::DEFAULT);
    assert_eq!(tell(&mut standby, Signal::Foreground, min(0)), []);
    assert_eq!(tell(&mut standby, Signal::Background, min(1)), []);
    standby
}

/// The same in standby since minute 6.
pub fn in_standby() -> Standby {
    let mut standby = in_background();
    assert_eq!(acts(&standby.tick(min(6)), Cause::Inactive), ENTERED);
    standby
}

pub fn tell(standby: &mut Standby, signal: Signal, now: Nanos) -> Vec<Effect> {
    standby.signal(&app("a"), signal, now).unwrap()
}

pub fn state(standby: &Standby, now: Nanos) -> State {
    standby.state(&app("a"), now)
}

/// What is done to `a`, all of it for one reason.
pub fn acts(effects: &[Effect], cause: Cause) -> Vec<Act> {
    assert!(effects.iter().all(|effect| effect.app == "a" && effect.cause == cause), "{effects:?}");
    effects.iter().map(|effect| effect.act).collect()
}
