//! From state to state, exactly.

mod harness;

use harness::*;
use lifecycle::*;
use nexus_abi::{Error, ExitReason, Nanos};

use Opener::{Person, System};
use State::{Background, Foreground, ForegroundService, Standby, Starting, Stopped};

fn moved(from: State, to: State) -> Act {
    Act::Moved { from, to }
}

#[test]
fn an_app_that_a_person_opens_comes_to_the_screen_when_it_is_ready() {
    let mut apps = apps(Restart::Never);
    let opened = Cause::Opened(Person);
    let effects = tell(&mut apps, "a", Event::Open(Person), ms(1));
    assert_eq!(effects, [(Act::Spawn, opened), (moved(Stopped, Starting), opened)]);
    assert_eq!(tell(&mut apps, "a", Event::Spawned(task(1)), ms(2)), []);
    let effects = tell(&mut apps, "a", Event::Ready(task(1)), ms(3));
    assert_eq!(effects, [(moved(Starting, Foreground), Cause::Ready)]);
    let standing =
        Standing { state: Foreground, since: ms(3), cause: Some(Cause::Ready), task: Some(task(1)) };
    assert_eq!(apps.standing(&app("a")), Some(standing));
    assert_eq!(apps.deadline(), None);
}

#[test]
fn an_app_that_the_system_opens_stays_in_background() {
    let mut apps = apps(Restart::Never);
    run(&mut apps, "a", System, 1, ms(1));
    assert_eq!(state(&apps, "a"), Background);
    assert_eq!(tell(&mut apps, "a", Event::Open(System), ms(2)), [], "it runs already");
    let effects = tell(&mut apps, "a", Event::Open(Person), ms(3));
    assert_eq!(effects, [(moved(Background, Foreground), Cause::Opened(Person))]);
    assert_eq!(tell(&mut apps, "a", Event::Open(System), ms(4)), [], "and stays on the screen");
}

#[test]
fn the_app_that_comes_to_the_screen_covers_the_other() {
    let mut apps = apps(Restart::Never);
    run(&mut apps, "a", Person, 1, ms(1));
    tell(&mut apps, "b", Event::Open(Person), ms(2));
    assert_eq!(state(&apps, "a"), Foreground, "until the other is ready");
    tell(&mut apps, "b", Event::Spawned(task(2)), ms(2));
    let effects = apps.event(&app("b"), Event::Ready(task(2)), ms(3)).unwrap();
    let covered = Effect { app: app("a"), act: moved(Foreground, Background), cause: Cause::Covered };
    let shown = Effect { app: app("b"), act: moved(Starting, Foreground), cause: Cause::Ready };
    assert_eq!(effects, [covered, shown]);
}

#[test]
fn of_two_apps_that_start_the_one_opened_last_comes_to_the_screen() {
    for (first, second) in [("a", "b"), ("b", "a")] {
        let mut apps = apps(Restart::Never);
        tell(&mut apps, "a", Event::Open(Person), ms(1));
        tell(&mut apps, "b", Event::Open(Person), ms(2));
        for name in [first, second] {
            let number = if name == "a" { 1 } else { 2 };
            tell(&mut apps, name, Event::Spawned(task(number)), ms(3));
            tell(&mut apps, name, Event::Ready(task(number)), ms(3));
        }
        assert_eq!((state(&apps, "a"), state(&apps, "b")), (Background, Foreground));
    }
}

#[test]
fn a_person_who_opens_what_the_system_is_starting_sees_it() {
    let mut apps = apps(Restart::Never);
    tell(&mut apps, "a", Event::Open(System), ms(1));
    assert_eq!(tell(&mut apps, "a", Event::Open(Person), ms(2)), []);
    tell(&mut apps, "a", Event::Spawned(task(1)), ms(3));
    tell(&mut apps, "a", Event::Ready(task(1)), ms(3));
    assert_eq!(state(&apps, "a"), Foreground);
}

#[test]
fn a_foreground_service_begins_on_the_screen_and_keeps_above_background() {
    let mut apps = apps(Restart::Never);
    run(&mut apps, "a", Person, 1, ms(1));
    assert_eq!(tell(&mut apps, "a", Event::ServiceBegins, ms(2)), []);
    let effects = tell(&mut apps, "a", Event::Hide, ms(3));
    assert_eq!(effects, [(moved(Foreground, ForegroundService), Cause::Hidden)]);
    tell(&mut apps, "a", Event::Open(Person), ms(4));
    run(&mut apps, "b", Person, 2, ms(5));
    assert_eq!(state(&apps, "a"), ForegroundService, "covered");
    let effects = tell(&mut apps, "a", Event::ServiceEnds, ms(6));
    assert_eq!(effects, [(moved(ForegroundService, Background), Cause::ServiceEnded)]);
}

#[test]
fn a_service_that_ends_on_the_screen_leaves_the_app_there() {
    let mut apps = apps(Restart::Never);
    run(&mut apps, "a", Person, 1, ms(1));
    tell(&mut apps, "a", Event::ServiceBegins, ms(2));
    assert_eq!(tell(&mut apps, "a", Event::ServiceEnds, ms(3)), []);
    tell(&mut apps, "a", Event::Hide, ms(4));
    assert_eq!(state(&apps, "a"), Background);
}

#[test]
fn a_service_dies_with_its_app() {
    let mut apps = apps(Restart::Never);
    run(&mut apps, "a", Person, 1, ms(1));
    tell(&mut apps, "a", Event::ServiceBegins, ms(2));
    tell(&mut apps, "a", Event::Kill(KillReason::Person), ms(3));
    run(&mut apps, "a", Person, 2, ms(4));
    tell(&mut apps, "a", Event::Hide, ms(5));
    assert_eq!(state(&apps, "a"), Background);
}

#[test]
fn standby_begins_and_ends_in_background_and_a_person_ends_it() {
    let mut apps = apps(Restart::Never);
    run(&mut apps, "a", System, 1, ms(1));
    let effects = tell(&mut apps, "a", Event::StandbyBegins, ms(2));
    assert_eq!(effects, [(moved(Background, Standby), Cause::StandbyBegan)]);
    let effects = tell(&mut apps, "a", Event::StandbyEnds, ms(3));
    assert_eq!(effects, [(moved(Standby, Background), Cause::StandbyEnded)]);
    tell(&mut apps, "a", Event::StandbyBegins, ms(4));
    let effects = tell(&mut apps, "a", Event::Open(Person), ms(5));
    assert_eq!(effects, [(moved(Standby, Foreground), Cause::Opened(Person))]);
    assert_eq!(tell(&mut apps, "a", Event::StandbyEnds, ms(6)), [], "it has already");
}

#[test]
fn what_does_not_fit_the_state_is_refused_and_changes_nothing() {
    let (screen, ground) = (Err(Refusal::NotInForeground), Err(Refusal::NotInBackground));
    let stopped = apps(Restart::Never);
    let mut background = apps(Restart::Never);
    run(&mut background, "a", System, 1, ms(1));
    let mut foreground = apps(Restart::Never);
    run(&mut foreground, "a", Person, 1, ms(1));
    let cases = [
        (&stopped, Event::Hide, screen.clone()),
        (&stopped, Event::ServiceBegins, screen.clone()),
        (&stopped, Event::StandbyBegins, ground.clone()),
        (&background, Event::Hide, screen.clone()),
        (&background, Event::ServiceBegins, screen),
        (&foreground, Event::StandbyBegins, ground),
    ];
    for (apps, event, refusal) in cases {
        let mut asked = apps.clone();
        assert_eq!(asked.event(&app("a"), event, ms(2)), refusal, "{event:?}");
        assert_eq!(asked, *apps);
    }
}

#[test]
fn an_app_that_is_not_ready_within_ten_seconds_is_ended() {
    let mut apps = apps(Restart::OnFailure);
    tell(&mut apps, "a", Event::Open(Person), ms(5));
    tell(&mut apps, "a", Event::Spawned(task(1)), ms(6));
    assert_eq!(apps.deadline(), Some(ms(10_005)));
    assert_eq!(apps.tick(Nanos(ms(10_005).0 - 1)), []);
    let late = Cause::Killed(KillReason::StartTimeout);
    let acts: Vec<_> = apps.tick(ms(10_005)).into_iter().map(|e| (e.act, e.cause)).collect();
    let paused = State::BackOff { until: ms(10_505) };
    assert_eq!(acts, [(Act::Kill(task(1)), late), (moved(Starting, paused), late)]);
    let ended = ExitReason::Killed;
    assert_eq!(tell(&mut apps, "a", Event::Died(task(1), ended), ms(10_010)), [], "counted already");
}

#[test]
fn a_killed_app_stops_at_once_and_its_death_comes_to_nobody() {
    let mut apps = apps(Restart::Always);
    run(&mut apps, "a", Person, 1, ms(1));
    let cause = Cause::Killed(KillReason::LowMemory);
    let effects = tell(&mut apps, "a", Event::Kill(KillReason::LowMemory), ms(2));
    assert_eq!(effects, [(Act::Kill(task(1)), cause), (moved(Foreground, Stopped), cause)]);
    assert_eq!(tell(&mut apps, "a", Event::Died(task(1), ExitReason::Killed), ms(3)), []);
    assert_eq!(tell(&mut apps, "a", Event::Kill(KillReason::Person), ms(4)), []);
    assert_eq!(apps.deadline(), None, "not started again, whatever the recipe says");
}

#[test]
fn each_reason_for_killing_counts_as_it_should() {
    let paused = State::BackOff { until: ms(502) };
    for (reason, to) in [
        (KillReason::Person, Stopped),
        (KillReason::LowMemory, Stopped),
        (KillReason::StartTimeout, paused),
        (KillReason::NotResponding, paused),
        (KillReason::Policy, Stopped),
        (KillReason::Update, Stopped),
    ] {
        let mut apps = apps(Restart::OnFailure);
        run(&mut apps, "a", Person, 1, ms(1));
        tell(&mut apps, "a", Event::Kill(reason), ms(2));
        assert_eq!(state(&apps, "a"), to, "{reason:?}");
    }
}

#[test]
fn an_app_that_is_uninstalled_is_ended_and_gone() {
    let mut apps = apps(Restart::Always);
    run(&mut apps, "a", Person, 1, ms(1));
    let cause = Cause::Killed(KillReason::Uninstalled);
    let effects = tell(&mut apps, "a", Event::Kill(KillReason::Uninstalled), ms(2));
    assert_eq!(effects, [(Act::Kill(task(1)), cause), (moved(Foreground, Stopped), cause)]);
    assert_eq!(apps.state(&app("a")), None);
    assert_eq!(apps.event(&app("a"), Event::Open(Person), ms(3)), Err(Refusal::Unknown));
    assert_eq!(state(&apps, "b"), Stopped);
}

#[test]
fn what_is_said_of_another_task_changes_nothing() {
    let mut apps = apps(Restart::OnFailure);
    tell(&mut apps, "a", Event::Open(Person), ms(1));
    let strangers = [Event::Ready(task(9)), Event::Died(task(9), CRASH)];
    for event in strangers {
        let before = apps.clone();
        assert_eq!(tell(&mut apps, "a", event, ms(2)), [], "{event:?} while its task is made");
        assert_eq!(apps, before);
    }
    tell(&mut apps, "a", Event::Spawned(task(1)), ms(2));
    for event in strangers.into_iter().chain([Event::SpawnFailed(Error::NoMemory)]) {
        let before = apps.clone();
        assert_eq!(tell(&mut apps, "a", event, ms(3)), [], "{event:?} while it starts");
        assert_eq!(apps, before);
    }
    tell(&mut apps, "a", Event::Ready(task(1)), ms(4));
    for event in strangers.into_iter().chain([Event::Ready(task(1))]) {
        let before = apps.clone();
        assert_eq!(tell(&mut apps, "a", event, ms(5)), [], "{event:?} while it runs");
        assert_eq!(apps, before);
    }
}

#[test]
fn a_task_that_nobody_waits_for_any_more_is_ended() {
    let unwanted = |number| [(Act::Kill(task(number)), Cause::Unwanted)];
    let mut apps = apps(Restart::Never);
    tell(&mut apps, "a", Event::Open(Person), ms(1));
    let effects = tell(&mut apps, "a", Event::Kill(KillReason::Person), ms(2));
    assert_eq!(effects, [(moved(Starting, Stopped), Cause::Killed(KillReason::Person))], "no task yet");
    assert_eq!(tell(&mut apps, "a", Event::Spawned(task(1)), ms(3)), unwanted(1));
    assert_eq!(tell(&mut apps, "a", Event::SpawnFailed(Error::NoMemory), ms(3)), []);
    run(&mut apps, "a", Person, 2, ms(4));
    assert_eq!(tell(&mut apps, "a", Event::Spawned(task(3)), ms(5)), unwanted(3));
    assert_eq!(state(&apps, "a"), Foreground);
}

#[test]
fn memory_is_taken_from_standby_then_background_then_services_the_oldest_first() {
    let mut apps = Lifecycle::new();
    let names = ["screen", "service", "new", "old", "asleep2", "asleep1"];
    for (index, name) in names.into_iter().enumerate() {
        assert_eq!(apps.install(&app(name), Restart::Never, ms(0)), Ok(vec![]));
        let opener = if index < 2 { Person } else { System };
        run(&mut apps, name, opener, index as u32, ms(if name == "old" { 1 } else { 2 }));
        if name == "service" {
            tell(&mut apps, name, Event::ServiceBegins, ms(3));
        }
    }
    tell(&mut apps, "screen", Event::Open(Person), ms(4));
    tell(&mut apps, "asleep1", Event::StandbyBegins, ms(5));
    tell(&mut apps, "asleep2", Event::StandbyBegins, ms(6));
    let mut order = Vec::new();
    while let Some(victim) = apps.victim().cloned() {
        tell(&mut apps, &victim, Event::Kill(KillReason::LowMemory), ms(7));
        order.push(victim);
    }
    assert_eq!(order, ["asleep1", "asleep2", "old", "new", "service"].map(app));
    assert_eq!(state(&apps, "screen"), Foreground, "never");
}

#[test]
fn the_129th_app_is_refused() {
    let mut apps = Lifecycle::new();
    for index in 0..128 {
        assert_eq!(apps.install(&app(&format!("app{index}")), Restart::Never, ms(0)), Ok(vec![]));
    }
    let before = apps.clone();
    assert_eq!(apps.install(&app("late"), Restart::Never, ms(0)), Err(Refusal::TooManyApps));
    assert_eq!(apps, before);
    assert_eq!(apps.install(&app("app7"), Restart::Never, ms(0)), Ok(vec![]), "it is there already");
}

#[test]
fn the_alive_states_are_those_with_a_task() {
    let until = ms(1);
    for alive in [Starting, Foreground, ForegroundService, Background, Standby] {
        assert!(alive.is_alive());
    }
    for dead in [Stopped, State::Crashed { until }, State::BackOff { until }, State::Blocked] {
        assert!(!dead.is_alive());
    }
}

#[test]
fn causes_and_refusals_are_sentences() {
    let causes = [
        (Cause::Opened(Person), "a person opened it"),
        (Cause::Opened(System), "the system opened it"),
        (Cause::Ready, "it has started"),
        (Cause::Hidden, "it left the screen"),
        (Cause::Covered, "another app came to the screen"),
        (Cause::ServiceEnded, "its foreground service ended"),
        (Cause::StandbyBegan, "it entered standby"),
        (Cause::StandbyEnded, "it left standby"),
        (Cause::Killed(KillReason::Person), "a person ended it"),
        (Cause::Killed(KillReason::LowMemory), "memory was needed"),
        (Cause::Killed(KillReason::StartTimeout), "it did not start in time"),
        (Cause::Killed(KillReason::NotResponding), "it did not respond"),
        (Cause::Killed(KillReason::Policy), "a policy ended it"),
        (Cause::Killed(KillReason::Update), "it was updated"),
        (Cause::Killed(KillReason::Uninstalled), "it was uninstalled"),
        (Cause::KilledOutside, "its task was killed"),
        (Cause::Died(ExitReason::Exited(3)), "its task ended: exit 3"),
        (Cause::PauseOver, "the pause after its crash is over"),
        (Cause::Unwanted, "it was started for nobody"),
        (Cause::Replaced, "another version was installed"),
    ];
    for (cause, text) in causes {
        assert_eq!(cause.to_string(), text);
    }
    let error = Error::NoMemory;
    assert_eq!(Cause::SpawnFailed(error).to_string(), format!("no task could be made: {error}"));
    let refusals = [
        (Refusal::Unknown, "no such app is installed"),
        (Refusal::TooManyApps, "128 apps are installed: remove one first"),
        (Refusal::Pausing { until: ms(1) }, "the app crashed and pauses: open it by hand, or wait"),
        (Refusal::Blocked, "the app crashed too often: open it by hand to try again"),
        (Refusal::NotInForeground, "the app is not on the screen"),
        (Refusal::NotInBackground, "the app is not in background"),
    ];
    for (refusal, text) in refusals {
        assert_eq!(refusal.to_string(), text);
    }
}
