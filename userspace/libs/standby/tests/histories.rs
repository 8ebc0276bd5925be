//! Random histories against a second version of the rules that looks at every minute.

#[expect(dead_code, reason = "each test file uses its own part")]
mod harness;

use harness::*;
use proptest::prelude::*;
use standby::*;

const INACTIVE_MIN: u64 = 5;
const LENGTH_MIN: u64 = 120;

/// What an app is, minute by minute, without any arithmetic about the future.
#[derive(Default)]
struct Oracle {
    running: bool,
    foreground: bool,
    charging: bool,
    media: bool,
    service: bool,
    allowed: bool,
    alarm_min: Option<u64>,
    /// Minutes without activity so far.
    inactive_min: u64,
    was_kept_out: bool,
    standby: bool,
}

impl Oracle {
    fn kept_out(&self, minute: u64) -> bool {
        let soon = self.alarm_min.is_some_and(|due| due > minute && due - minute <= INACTIVE_MIN);
        !self.running
            || self.foreground
            || self.charging
            || self.media
            || self.service
            || self.allowed
            || soon
    }

    fn hear(&mut self, signal: Signal, minute: u64) {
        let begins = |activity| activity == Activity::Begins;
        match signal {
            Signal::Foreground => (self.running, self.foreground) = (true, true),
            Signal::Background => (self.running, self.foreground) = (true, false),
            Signal::Gone => {
                (self.running, self.foreground) = (false, false);
                (self.media, self.service) = (false, false);
            }
            Signal::Media(activity) => self.media = begins(activity),
            Signal::Service(activity) => self.service = begins(activity),
            Signal::AllowList(activity) => self.allowed = begins(activity),
            Signal::AlarmClock(due) => self.alarm_min = due.map(|due| due.0 / min(1).0),
            Signal::Tapped | Signal::ExitAsked => (self.inactive_min, self.standby) = (0, false),
        }
        self.look(minute);
    }

    fn look(&mut self, minute: u64) {
        let kept_out = self.kept_out(minute);
        if kept_out || self.was_kept_out {
            self.inactive_min = 0;
        }
        self.was_kept_out = kept_out;
        self.standby = !kept_out && (self.standby || self.inactive_min >= INACTIVE_MIN);
        if self.standby {
            self.inactive_min = 0;
        }
    }

    fn minute_passes(&mut self, minute: u64) {
        self.inactive_min += 1;
        self.look(minute);
    }
}

fn signal() -> impl Strategy<Value = Signal> {
    let activity = proptest::sample::select(vec![Activity::Begins, Activity::Ends]);
    prop_oneof![
        1 => Just(Signal::Foreground),
        4 => Just(Signal::Background),
        1 => Just(Signal::Gone),
        1 => Just(Signal::Tapped),
        1 => Just(Signal::ExitAsked),
        1 => activity.clone().prop_map(Signal::Media),
        1 => activity.clone().prop_map(Signal::Service),
        1 => activity.prop_map(Signal::AllowList),
        2 => proptest::option::of(0u64..LENGTH_MIN).prop_map(|due| Signal::AlarmClock(due.map(min))),
    ]
}

#[derive(Clone, Debug)]
enum Step {
    Signal(Signal),
    Enter,
    Charging(Activity),
    Sleep(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => signal().prop_map(Step::Signal),
        1 => Just(Step::Enter),
        1 => proptest::sample::select(vec![Activity::Begins, Activity::Ends]).prop_map(Step::Charging),
        4 => (0u64..12).prop_map(Step::Sleep),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn an_app_is_in_standby_exactly_when_the_rules_say_and_ticks_only_when_asked_are_enough(
        steps in proptest::collection::vec(step(), 1..60),
    ) {
        let mut standby = Standby::new(Config::DEFAULT);
        let mut oracle = Oracle { was_kept_out: true, ..Oracle::default() };
        let mut minute = 0;
        for step in steps {
            let effects = match step {
                Step::Signal(signal) => {
                    oracle.hear(signal, minute);
                    standby.signal(&app("a"), signal, min(minute)).unwrap()
                }
                Step::Enter => {
                    let before = standby.clone();
                    let answer = standby.enter(&app("a"), min(minute));
                    prop_assert_eq!(answer.is_ok(), !oracle.kept_out(minute));
                    prop_assert!(answer.is_ok() || standby == before);
                    oracle.standby |= answer.is_ok();
                    oracle.look(minute);
                    answer.unwrap_or_default()
                }
                Step::Charging(activity) => {
                    oracle.charging = activity == Activity::Begins;
                    oracle.look(minute);
                    standby.charging(activity, min(minute))
                }
                Step::Sleep(minutes) => {
                    for _ in 0..minutes {
                        let asked = standby.next_change(min(minute));
                        minute += 1;
                        oracle.minute_passes(minute);
                        if asked.is_some_and(|moment| moment <= min(minute)) {
                            prop_assert_ne!(standby.tick(min(minute)), [], "a tick for nothing");
                        }
                        prop_assert_eq!(standby.in_standby().count() == 1, oracle.standby, "minute {}", minute);
                    }
                    Vec::new()
                }
            };
            prop_assert_eq!(standby.in_standby().count() == 1, oracle.standby, "minute {}", minute);
            let announced = effects.last().map(|effect| effect.act);
            prop_assert!(matches!(announced, None | Some(Act::Entered | Act::Left)));
        }
    }
}
