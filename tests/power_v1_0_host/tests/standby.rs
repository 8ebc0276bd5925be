//! An app that nobody uses enters standby, is held back there, and is let out at once.

use nexus_abi::Nanos;
use power_config::{Key, PowerConfig, Values};
use power_v1_0_host::{Device, Event, Restraint};
use standby::{Activity, Resource, Signal};
use timer_coalescer::Tier;

use Event::{App, Look};
use Signal::{AlarmClock, Background, Foreground, Media, Tapped};

const MINUTE: u64 = 60_000;
const CHAT: &str = "org.chat";

/// How an app fares.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fares {
    Freely,
    HeldBack,
}
use Fares::{Freely, HeldBack};

/// Plays (milliseconds, event, how the chat fares then).
fn play(config: PowerConfig, table: &[(u64, Event, Fares)]) {
    let mut device = Device::new(config);
    for (ms, event, fares) in table.iter().copied() {
        device.at(ms, event);
        let denied = vec![Resource::Sensors, Resource::Network];
        let expected = match fares {
            Freely => Restraint::default(),
            HeldBack => Restraint { floor: config.standby.hold().floor(), denied },
        };
        assert_eq!(device.restraint(CHAT), expected, "{event:?} at {ms} ms");
    }
}

#[test]
fn an_app_in_background_enters_at_the_threshold_and_foreground_lets_it_out() {
    play(
        PowerConfig::default(),
        &[
            (0, App(CHAT, Foreground), Freely),
            (MINUTE, App(CHAT, Background), Freely),
            (6 * MINUTE - 1, Look, Freely),
            (6 * MINUTE, Look, HeldBack),
            (20 * MINUTE, Look, HeldBack),
            (20 * MINUTE + 1, App(CHAT, Foreground), Freely),
            (90 * MINUTE, Look, Freely),
            (91 * MINUTE, App(CHAT, Background), Freely),
            (96 * MINUTE - 1, Look, Freely),
            (96 * MINUTE, Look, HeldBack),
            (97 * MINUTE, App(CHAT, Tapped), Freely),
            (102 * MINUTE - 1, Look, Freely),
            (102 * MINUTE, Look, HeldBack),
        ],
    );
}

#[test]
fn media_and_a_near_alarm_clock_keep_out() {
    let due = Nanos::from_millis(30 * MINUTE);
    play(
        PowerConfig::default(),
        &[
            (0, App(CHAT, Background), Freely),
            (MINUTE, App(CHAT, Media(Activity::Begins)), Freely),
            (10 * MINUTE, App(CHAT, Media(Activity::Ends)), Freely),
            (15 * MINUTE - 1, Look, Freely),
            (15 * MINUTE, Look, HeldBack),
            (16 * MINUTE, App(CHAT, AlarmClock(Some(due))), HeldBack),
            (25 * MINUTE - 1, Look, HeldBack),
            (25 * MINUTE, Look, Freely),
            (35 * MINUTE - 1, Look, Freely),
            (35 * MINUTE, Look, HeldBack),
        ],
    );
}

#[test]
fn another_app_in_use_changes_nothing() {
    play(
        PowerConfig::default(),
        &[
            (0, App(CHAT, Background), Freely),
            (MINUTE, App("org.game", Foreground), Freely),
            (4 * MINUTE, App("org.game", Tapped), Freely),
            (5 * MINUTE, Look, HeldBack),
            (6 * MINUTE, App("org.game", Background), HeldBack),
        ],
    );
}

#[test]
fn the_threshold_and_the_floor_can_be_configured() {
    let values = Values::DEFAULT.with(Key::BgInactive, 1).with(Key::TimerFloor, 90_000);
    play(
        PowerConfig::try_from(&values).unwrap(),
        &[(0, App(CHAT, Background), Freely), (MINUTE - 1, Look, Freely), (MINUTE, Look, HeldBack)],
    );
}

/// (moment, event, tier, asked, promised delay, window), in milliseconds.
#[test]
fn timers_in_standby_are_floored_and_alarm_clocks_are_not() {
    let mut device = Device::new(PowerConfig::default());
    let table = [
        (0, App(CHAT, Background), Tier::Ordinary, 1_000, (1_000, 20)),
        (5 * MINUTE - 1, Look, Tier::Ordinary, 1_000, (1_000, 20)),
        (5 * MINUTE, Look, Tier::Ordinary, 1_000, (60_000, 20)),
        (5 * MINUTE, Look, Tier::Ordinary, 59_999, (60_000, 20)),
        (5 * MINUTE, Look, Tier::Ordinary, 60_000, (60_000, 20)),
        (5 * MINUTE, Look, Tier::Ordinary, 60_001, (60_001, 20)),
        (5 * MINUTE, Look, Tier::AlarmClock, 1_000, (1_000, 0)),
        (6 * MINUTE, App(CHAT, Foreground), Tier::Ordinary, 1_000, (1_000, 20)),
    ];
    for (ms, event, tier, asked, promised) in table {
        device.at(ms, event);
        let promise = device.timer(CHAT, tier, Nanos::from_millis(asked));
        let found = (promise.delay.0 / 1_000_000, promise.window.0 / 1_000_000);
        assert_eq!(found, promised, "{asked} ms, {event:?} at {ms} ms");
        let others = device.timer("org.game", tier, Nanos::from_millis(asked));
        assert_eq!(others.delay, Nanos::from_millis(asked), "nobody else is held back");
    }
}
