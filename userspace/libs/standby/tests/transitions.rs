//! Who enters standby when, and what lets out.

mod harness;

use harness::*;
use nexus_abi::Nanos;
use standby::Activity::{Begins, Ends};
use standby::*;

const INACTIVE: State = State::Inactive { since: Nanos::from_millis(60_000) };

#[test]
fn an_app_in_background_enters_after_exactly_five_minutes() {
    let mut standby = in_background();
    assert_eq!(standby.next_change(min(1)), Some(min(6)));
    assert_eq!(standby.tick(before(min(6))), []);
    assert_eq!(state(&standby, before(min(6))), INACTIVE);
    assert_eq!(acts(&standby.tick(min(6)), Cause::Inactive), ENTERED);
    assert_eq!(state(&standby, min(6)), State::Standby { since: min(6), cause: Cause::Inactive });
    assert_eq!(standby.in_standby().collect::<Vec<_>>(), [&app("a")]);
    assert_eq!(standby.tick(min(60)), [], "once");
    assert_eq!(standby.next_change(min(60)), None, "nothing wakes the machine for it");
}

#[test]
fn of_all_states_only_standby_is_standby() {
    let since = Nanos(5);
    let others =
        [State::NotRunning, State::Foreground, State::Exempt(Exemption::Media), State::Inactive { since }];
    assert_eq!(others.map(State::is_standby), [false; 4]);
    assert!(State::Standby { since, cause: Cause::Asked }.is_standby());
}

#[test]
fn a_late_tick_enters_late_and_says_when() {
    let mut standby = in_background();
    assert_eq!(acts(&standby.tick(min(9)), Cause::Inactive), ENTERED);
    assert_eq!(state(&standby, min(9)), State::Standby { since: min(9), cause: Cause::Inactive });
}

#[test]
fn foreground_lets_out_at_once_and_background_counts_anew() {
    let mut standby = in_standby();
    assert_eq!(acts(&tell(&mut standby, Signal::Foreground, min(7)), Cause::Foreground), LEFT);
    assert_eq!(state(&standby, min(7)), State::Foreground);
    assert_eq!(standby.next_change(min(7)), None);
    assert_eq!(standby.tick(min(100)), []);
    assert_eq!(tell(&mut standby, Signal::Background, min(100)), []);
    assert_eq!(standby.next_change(min(100)), Some(min(105)));
}

#[test]
fn a_tap_and_nx_let_out_at_once_and_count_anew() {
    for (signal, cause) in [(Signal::Tapped, Cause::Tapped), (Signal::ExitAsked, Cause::Asked)] {
        let mut standby = in_standby();
        assert_eq!(acts(&tell(&mut standby, signal, min(7)), cause), LEFT);
        assert_eq!(state(&standby, min(7)), State::Inactive { since: min(7) });
        assert_eq!(standby.next_change(min(7)), Some(min(12)));
    }
}

#[test]
fn a_tap_on_an_app_that_is_out_is_an_activity() {
    for signal in [Signal::Tapped, Signal::ExitAsked] {
        let mut standby = in_background();
        assert_eq!(tell(&mut standby, signal, min(4)), []);
        assert_eq!(standby.next_change(min(4)), Some(min(9)));
    }
}

#[test]
fn each_exemption_keeps_out_lets_out_and_counts_anew_when_it_ends() {
    let cases = [
        (Signal::Media(Begins), Signal::Media(Ends), Exemption::Media),
        (Signal::Service(Begins), Signal::Service(Ends), Exemption::Service),
        (Signal::AllowList(Begins), Signal::AllowList(Ends), Exemption::AllowList),
    ];
    for (begins, ends, exemption) in cases {
        let mut out = in_background();
        assert_eq!(tell(&mut out, begins, min(5)), []);
        assert_eq!(state(&out, min(5)), State::Exempt(exemption));
        assert_eq!((out.next_change(min(5)), out.tick(min(50))), (None, vec![]));
        assert_eq!(tell(&mut out, ends, min(50)), []);
        assert_eq!(out.next_change(min(50)), Some(min(55)));

        let mut inside = in_standby();
        assert_eq!(acts(&tell(&mut inside, begins, min(8)), Cause::Exempt(exemption)), LEFT);
    }
}

#[test]
fn charging_exempts_every_app() {
    let mut standby = in_standby();
    let exempt = Cause::Exempt(Exemption::Charging);
    assert_eq!(acts(&standby.charging(Begins, min(8)), exempt), LEFT);
    assert_eq!(state(&standby, min(8)), State::Exempt(Exemption::Charging));
    assert_eq!((standby.next_change(min(8)), standby.tick(min(500))), (None, vec![]));
    assert_eq!(standby.charging(Ends, min(500)), []);
    assert_eq!(standby.next_change(min(500)), Some(min(505)));
}

#[test]
fn the_first_of_several_exemptions_is_named_and_all_must_end() {
    let mut standby = in_background();
    let begin = [Signal::AlarmClock(Some(min(6))), Signal::Service(Begins), Signal::Media(Begins)];
    let named = [Exemption::AlarmClock, Exemption::Service, Exemption::Media];
    for (signal, exemption) in begin.into_iter().zip(named) {
        assert_eq!(tell(&mut standby, signal, min(2)), []);
        assert_eq!(state(&standby, min(2)), State::Exempt(exemption));
    }
    tell(&mut standby, Signal::AllowList(Begins), min(2)).clear();
    assert_eq!(state(&standby, min(2)), State::Exempt(Exemption::AllowList));
    standby.charging(Begins, min(2)).clear();
    assert_eq!(state(&standby, min(2)), State::Exempt(Exemption::Charging));
    standby.charging(Ends, min(3)).clear();
    tell(&mut standby, Signal::AllowList(Ends), min(3)).clear();
    tell(&mut standby, Signal::Media(Ends), min(4)).clear();
    assert_eq!(standby.next_change(min(4)), None);
    tell(&mut standby, Signal::Service(Ends), min(4)).clear();
    assert_eq!(standby.next_change(min(4)), Some(min(11)), "the alarm clock is the last to end");
}

#[test]
fn an_alarm_clock_due_within_five_minutes_keeps_out_and_one_later_does_not() {
    // It would enter at minute 6.
    for (due, expected) in [
        (min(11), min(16)),
        (min(11).after(Nanos(1)), min(6)),
        (min(6), min(11)),
        (min(3), min(8)),
        (min(1), min(6)),
    ] {
        let mut standby = in_background();
        tell(&mut standby, Signal::AlarmClock(Some(due)), min(2)).clear();
        assert_eq!(standby.next_change(min(2)), Some(expected), "{due:?}");
        assert_eq!(standby.tick(before(expected)), [], "{due:?}");
        assert_eq!(acts(&standby.tick(expected), Cause::Inactive), ENTERED, "{due:?}");
    }
}

#[test]
fn an_alarm_clock_lets_out_five_minutes_before_it_is_due() {
    let mut standby = in_standby();
    assert_eq!(tell(&mut standby, Signal::AlarmClock(Some(min(60))), min(7)), []);
    assert_eq!(standby.next_change(min(7)), Some(min(55)));
    assert_eq!(standby.tick(before(min(55))), []);
    assert_eq!(acts(&standby.tick(min(55)), Cause::Exempt(Exemption::AlarmClock)), LEFT);
    assert_eq!(state(&standby, before(min(60))), State::Exempt(Exemption::AlarmClock));
    assert_eq!(state(&standby, min(60)), State::Inactive { since: min(60) });
    assert_eq!(standby.next_change(min(55)), Some(min(65)));
    // The next alarm is far away: that it is known does not count as an activity.
    assert_eq!(tell(&mut standby, Signal::AlarmClock(Some(min(900))), min(61)), []);
    assert_eq!(standby.next_change(min(61)), Some(min(65)));
}

#[test]
fn an_alarm_clock_that_is_cancelled_while_it_exempts_counts_anew() {
    let mut standby = in_background();
    tell(&mut standby, Signal::AlarmClock(Some(min(5))), min(2)).clear();
    tell(&mut standby, Signal::AlarmClock(None), min(4)).clear();
    assert_eq!(standby.next_change(min(4)), Some(min(9)));
}

#[test]
fn what_an_app_does_on_its_own_is_no_activity() {
    let mut standby = in_background();
    let chatter = [
        Signal::Background,
        Signal::Media(Ends),
        Signal::Service(Ends),
        Signal::AllowList(Ends),
        Signal::AlarmClock(Some(min(600))),
        Signal::AlarmClock(Some(min(5))),
        Signal::AlarmClock(None),
    ];
    for signal in chatter {
        assert_eq!(tell(&mut standby, signal, min(5)), []);
        assert_eq!(standby.next_change(min(5)), Some(min(6)), "{signal:?}");
    }
}

#[test]
fn an_app_that_is_gone_is_let_out_and_begins_anew_when_it_runs_again() {
    let mut standby = in_standby();
    assert_eq!(acts(&tell(&mut standby, Signal::Gone, min(8)), Cause::Gone), LEFT);
    assert_eq!(state(&standby, min(8)), State::NotRunning);
    assert_eq!(tell(&mut standby, Signal::Background, min(9)), []);
    assert_eq!(standby.next_change(min(9)), Some(min(14)));
}

#[test]
fn media_and_services_die_with_their_app_and_the_allow_list_does_not() {
    for (signal, expected) in [
        (Signal::Media(Begins), State::Inactive { since: min(4) }),
        (Signal::Service(Begins), State::Inactive { since: min(4) }),
        (Signal::AllowList(Begins), State::Exempt(Exemption::AllowList)),
        (Signal::AlarmClock(Some(min(6))), State::Exempt(Exemption::AlarmClock)),
    ] {
        let mut standby = in_background();
        for signal in [signal, Signal::Gone] {
            tell(&mut standby, signal, min(3)).clear();
        }
        assert_eq!(state(&standby, min(3)), State::NotRunning);
        assert_eq!(standby.next_change(min(3)), None);
        tell(&mut standby, Signal::Background, min(4)).clear();
        assert_eq!(state(&standby, min(4)), expected, "{signal:?}");
    }
}

#[test]
fn nx_puts_an_app_in_background_into_standby_at_once() {
    let mut standby = in_background();
    assert_eq!(acts(&standby.enter(&app("a"), min(2)).unwrap(), Cause::Asked), ENTERED);
    assert_eq!(state(&standby, min(2)), State::Standby { since: min(2), cause: Cause::Asked });
    assert_eq!(standby.enter(&app("a"), min(3)), Ok(vec![]), "it is there already");
    assert_eq!(standby.tick(min(30)), []);
    assert_eq!(state(&standby, min(30)), State::Standby { since: min(2), cause: Cause::Asked });
}

#[test]
fn nx_is_refused_for_what_must_not_be_in_standby() {
    let mut standby = in_background();
    assert_eq!(standby.enter(&app("nobody"), min(3)), Err(Refusal::NotInBackground));
    tell(&mut standby, Signal::Media(Begins), min(3)).clear();
    let before = standby.clone();
    assert_eq!(standby.enter(&app("a"), min(3)), Err(Refusal::Exempt(Exemption::Media)));
    assert_eq!(standby, before);
    tell(&mut standby, Signal::Foreground, min(3)).clear();
    assert_eq!(standby.enter(&app("a"), min(3)), Err(Refusal::NotInBackground));
    tell(&mut standby, Signal::AllowList(Begins), min(3)).clear();
    tell(&mut standby, Signal::Gone, min(3)).clear();
    assert_eq!(standby.enter(&app("a"), min(3)), Err(Refusal::NotInBackground));
}

#[test]
fn other_floors_and_windows_are_told_to_those_in_standby_only() {
    let mut standby = in_standby();
    standby.signal(&app("b"), Signal::Background, min(6)).unwrap().clear();
    for other in [Config::new(5, 90_000, 15).unwrap(), Config::new(5, 90_000, 30).unwrap()] {
        let told = standby.configure(other, min(7));
        assert_eq!(acts(&told, Cause::Configured), [Act::HoldTimers(other.hold())]);
        assert_eq!(standby.config(), other);
        assert_eq!(standby.configure(other, min(8)), [], "nothing changed");
    }
}

#[test]
fn a_shorter_time_of_inactivity_takes_effect_at_once() {
    let mut standby = in_background();
    assert_eq!(standby.configure(Config::new(4, 60_000, 15).unwrap(), before(min(4))), []);
    let mut standby = in_background();
    let effects = standby.configure(Config::new(3, 60_000, 15).unwrap(), min(4));
    assert_eq!(acts(&effects, Cause::Inactive), ENTERED);
}

#[test]
fn a_longer_time_of_inactivity_lets_out_for_an_alarm_clock_that_is_due_within_it() {
    let mut standby = in_standby();
    tell(&mut standby, Signal::AlarmClock(Some(min(30))), min(7)).clear();
    let effects = standby.configure(Config::new(23, 60_000, 15).unwrap(), min(7));
    assert_eq!(acts(&effects, Cause::Exempt(Exemption::AlarmClock)), LEFT);
    // And back: the exemption ends by that, and counting begins anew.
    assert_eq!(standby.configure(Config::new(5, 60_000, 15).unwrap(), min(10)), []);
    assert_eq!(standby.next_change(min(10)), Some(min(15)));
}

#[test]
fn the_129th_app_is_refused_until_another_is_gone() {
    let mut standby = Standby::new(Config::DEFAULT);
    for index in 0..128 {
        assert_eq!(standby.signal(&app(&format!("app{index}")), Signal::Background, min(0)), Ok(vec![]));
    }
    let before = standby.clone();
    assert_eq!(standby.signal(&app("late"), Signal::Background, min(0)), Err(Refusal::TooManyApps));
    assert_eq!(standby.signal(&app("late"), Signal::Tapped, min(0)), Ok(vec![]), "nothing to remember");
    assert_eq!(standby, before);
    assert_eq!(standby.signal(&app("app7"), Signal::Gone, min(0)), Ok(vec![]));
    assert_eq!(standby.signal(&app("late"), Signal::Background, min(0)), Ok(vec![]));
}

#[test]
fn all_apps_that_are_due_enter_in_one_tick_in_the_order_in_which_they_became_known() {
    let mut standby = Standby::new(Config::DEFAULT);
    for name in ["c", "a", "b"] {
        assert_eq!(standby.signal(&app(name), Signal::Background, min(0)), Ok(vec![]));
    }
    let entered: Vec<App> =
        standby.tick(min(5)).into_iter().filter(|e| e.act == Act::Entered).map(|e| e.app).collect();
    assert_eq!(entered, [app("c"), app("a"), app("b")]);
}

#[test]
fn causes_and_refusals_are_sentences() {
    let causes = [
        (Cause::Inactive, "it was in background and inactive"),
        (Cause::Asked, "a person asked for it"),
        (Cause::Foreground, "it came to the foreground"),
        (Cause::Tapped, "its notification was tapped"),
        (Cause::Exempt(Exemption::Charging), "the device is charging"),
        (Cause::Exempt(Exemption::AllowList), "it is on the list of exempted apps"),
        (Cause::Exempt(Exemption::Media), "it plays media"),
        (Cause::Exempt(Exemption::Service), "it has a foreground service"),
        (Cause::Exempt(Exemption::AlarmClock), "its alarm clock is due soon"),
        (Cause::Gone, "it no longer runs"),
        (Cause::Configured, "the configuration changed"),
    ];
    for (cause, text) in causes {
        assert_eq!(cause.text(), text);
    }
    let refusals = [
        (Refusal::NotInBackground, "the app is not in background: only such an app enters standby"),
        (Refusal::Exempt(Exemption::Media), "the app cannot enter standby: it plays media"),
        (Refusal::TooManyApps, "128 apps are known: this one will not enter standby"),
    ];
    for (refusal, text) in refusals {
        assert_eq!(refusal.to_string(), text);
    }
}

#[test]
fn an_exemption_that_ends_while_an_alarm_clock_is_near_hands_over_to_it() {
    let mut standby = in_background();
    tell(&mut standby, Signal::AlarmClock(Some(min(30))), min(2)).clear();
    standby.charging(Begins, min(3)).clear();
    standby.charging(Ends, min(25)).clear();
    assert_eq!(state(&standby, min(25)), State::Exempt(Exemption::AlarmClock));
    assert_eq!(standby.next_change(min(25)), Some(min(35)));
}

#[test]
fn an_alarm_clock_that_passed_unnoticed_does_not_ask_for_ticks_for_ever() {
    let mut standby = in_standby();
    tell(&mut standby, Signal::AlarmClock(Some(min(60))), min(7)).clear();
    for now in [min(60), min(61)] {
        assert_eq!((standby.next_change(now), standby.tick(now)), (None, vec![]));
    }
}
