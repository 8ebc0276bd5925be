//! What follows a crash, and random lives.

mod harness;

use std::collections::BTreeSet;

use harness::*;
use lifecycle::*;
use nexus_abi::{Error, ExitReason, Nanos, TaskId};
use proptest::prelude::*;

use Opener::{Person, System};

/// Runs and crashes again and again, each time at once; the pauses in milliseconds until it is blocked.
fn pauses(apps: &mut Lifecycle, now: &mut Nanos) -> Vec<u64> {
    let mut pauses = Vec::new();
    for number in 1.. {
        tell(apps, "a", Event::Spawned(task(number)), *now);
        tell(apps, "a", Event::Died(task(number), CRASH), *now);
        let State::BackOff { until } = state(apps, "a") else { break };
        pauses.push(until.since(*now).0 / 1_000_000);
        *now = until;
        assert_eq!(apps.tick(Nanos(now.0 - 1)), []);
        assert_eq!(apps.tick(*now).len(), 2);
    }
    pauses
}

#[test]
fn a_crash_loop_pauses_twice_as_long_each_time_and_the_fifth_crash_blocks() {
    let mut apps = apps(Restart::OnFailure);
    tell(&mut apps, "a", Event::Open(Person), ms(0));
    let mut now = ms(0);
    assert_eq!(pauses(&mut apps, &mut now), [500, 1_000, 2_000, 4_000]);
    assert_eq!(state(&apps, "a"), State::Blocked);
    assert_eq!(apps.deadline(), None);
    assert_eq!(apps.event(&app("a"), Event::Open(System), now), Err(Refusal::Blocked));
    // A person may try again, with a clean slate.
    tell(&mut apps, "a", Event::Open(Person), now);
    assert_eq!(pauses(&mut apps, &mut now), [500, 1_000, 2_000, 4_000]);
}

#[test]
fn what_starts_again_after_a_crash_does_not_come_to_the_screen() {
    let mut apps = apps(Restart::OnFailure);
    run(&mut apps, "a", Person, 1, ms(0));
    tell(&mut apps, "a", Event::Died(task(1), CRASH), ms(10));
    let acts: Vec<_> = apps.tick(ms(510)).into_iter().map(|e| (e.act, e.cause)).collect();
    let (from, to) = (State::BackOff { until: ms(510) }, State::Starting);
    assert_eq!(acts, [(Act::Spawn, Cause::PauseOver), (Act::Moved { from, to }, Cause::PauseOver)]);
    tell(&mut apps, "a", Event::Spawned(task(2)), ms(511));
    tell(&mut apps, "a", Event::Ready(task(2)), ms(512));
    assert_eq!(state(&apps, "a"), State::Background);
}

#[test]
fn an_app_that_crashes_while_it_starts_for_a_person_does_not_come_to_the_screen_later() {
    let mut apps = apps(Restart::OnFailure);
    tell(&mut apps, "a", Event::Open(Person), ms(0));
    tell(&mut apps, "a", Event::SpawnFailed(Error::NoMemory), ms(1));
    assert_eq!(state(&apps, "a"), State::BackOff { until: ms(501) });
    assert_eq!(apps.tick(ms(501)).len(), 2);
    tell(&mut apps, "a", Event::Spawned(task(1)), ms(502));
    tell(&mut apps, "a", Event::Ready(task(1)), ms(503));
    assert_eq!(state(&apps, "a"), State::Background);
}

#[test]
fn in_a_pause_a_person_opens_at_once_and_the_system_does_not() {
    let mut apps = apps(Restart::OnFailure);
    run(&mut apps, "a", Person, 1, ms(0));
    tell(&mut apps, "a", Event::Died(task(1), CRASH), ms(0));
    let refused = Err(Refusal::Pausing { until: ms(500) });
    assert_eq!(apps.event(&app("a"), Event::Open(System), ms(499)), refused);
    run(&mut apps, "a", Person, 2, ms(100));
    assert_eq!(state(&apps, "a"), State::Foreground);
    // The crash before still counts.
    tell(&mut apps, "a", Event::Died(task(2), CRASH), ms(200));
    assert_eq!(state(&apps, "a"), State::BackOff { until: ms(1_200) });
}

#[test]
fn the_system_may_open_an_app_from_the_end_of_its_pause_on() {
    for (now, allowed) in [(ms(500).0 - 1, false), (ms(500).0, true)] {
        for restart in [Restart::Never, Restart::OnFailure] {
            let mut apps = apps(restart);
            run(&mut apps, "a", Person, 1, ms(0));
            tell(&mut apps, "a", Event::Died(task(1), CRASH), ms(0));
            let answer = apps.event(&app("a"), Event::Open(System), Nanos(now));
            assert_eq!(answer.is_ok(), allowed, "{restart:?} {now}");
        }
    }
}

#[test]
fn an_app_that_is_not_to_be_started_again_counts_its_crashes_all_the_same() {
    let mut apps = apps(Restart::Never);
    let mut now = ms(0);
    let mut pauses = Vec::new();
    for number in 1..=5 {
        run(&mut apps, "a", System, number, now);
        tell(&mut apps, "a", Event::Died(task(number), CRASH), now);
        assert_eq!(apps.deadline(), None, "nothing wakes the machine for it");
        if let State::Crashed { until } = state(&apps, "a") {
            pauses.push(until.since(now).0 / 1_000_000);
            now = until;
        }
    }
    assert_eq!(pauses, [500, 1_000, 2_000, 4_000]);
    assert_eq!(state(&apps, "a"), State::Blocked);
}

#[test]
fn each_ending_leads_where_the_recipe_says() {
    let until = ms(501);
    let fault = ExitReason::Fault { cause: 13, pc: 0, address: 0 };
    let memory = ExitReason::OutOfMemory(Error::NoMemory);
    let (crashed, paused) = (State::Crashed { until }, State::BackOff { until });
    for (restart, reason, to) in [
        (Restart::Never, ExitReason::Exited(0), State::Stopped),
        (Restart::Never, CRASH, crashed),
        (Restart::Never, fault, crashed),
        (Restart::OnFailure, ExitReason::Exited(0), State::Stopped),
        (Restart::OnFailure, CRASH, paused),
        (Restart::OnFailure, fault, paused),
        (Restart::OnFailure, memory, paused),
        (Restart::OnFailure, ExitReason::Killed, State::Stopped),
        (Restart::Always, ExitReason::Exited(0), paused),
        (Restart::Always, CRASH, paused),
        (Restart::Always, ExitReason::Killed, State::Stopped),
    ] {
        let mut apps = apps(restart);
        run(&mut apps, "a", Person, 1, ms(0));
        let cause = if reason == ExitReason::Killed { Cause::KilledOutside } else { Cause::Died(reason) };
        let effects = tell(&mut apps, "a", Event::Died(task(1), reason), ms(1));
        let act = Act::Moved { from: State::Foreground, to };
        assert_eq!(effects, [(act, cause)], "{restart:?} {reason:?}");
    }
}

#[test]
fn an_app_in_its_pause_can_be_stopped() {
    let mut apps = apps(Restart::OnFailure);
    run(&mut apps, "a", Person, 1, ms(0));
    tell(&mut apps, "a", Event::Died(task(1), CRASH), ms(0));
    assert_eq!(tell(&mut apps, "a", Event::Kill(KillReason::NotResponding), ms(1)), [], "it does not run");
    let from = State::BackOff { until: ms(500) };
    let act = Act::Moved { from, to: State::Stopped };
    let effects = tell(&mut apps, "a", Event::Kill(KillReason::Person), ms(1));
    assert_eq!(effects, [(act, Cause::Killed(KillReason::Person))]);
    assert_eq!(apps.tick(ms(60_000)), []);
}

#[test]
fn another_version_begins_without_a_past() {
    let mut apps = apps(Restart::Never);
    let mut now = ms(0);
    for number in 1..=5 {
        run(&mut apps, "a", Person, number, now);
        tell(&mut apps, "a", Event::Died(task(number), CRASH), now);
        now = now.after(ms(1));
    }
    assert_eq!(state(&apps, "a"), State::Blocked);
    let effects = apps.install(&app("a"), Restart::OnFailure, now).unwrap();
    let act = Act::Moved { from: State::Blocked, to: State::Stopped };
    assert_eq!(effects, [Effect { app: app("a"), act, cause: Cause::Replaced }]);
    run(&mut apps, "a", System, 9, now);
    assert_eq!(apps.install(&app("a"), Restart::OnFailure, now), Ok(vec![]), "one that runs goes on");
    tell(&mut apps, "a", Event::Died(task(9), CRASH), now);
    assert_eq!(state(&apps, "a"), State::BackOff { until: now.after(ms(500)) });
}

/// From each state to which others.
fn may_move(from: State, to: State) -> bool {
    use State::*;
    match from {
        Starting => !matches!(to, Starting | ForegroundService | Standby),
        Foreground => !matches!(to, Starting | Foreground | Standby),
        ForegroundService => !matches!(to, Starting | ForegroundService | Standby),
        Background => !matches!(to, Starting | ForegroundService | Background),
        Standby => !matches!(to, Starting | ForegroundService | Standby),
        Stopped => to == Starting,
        Crashed { .. } | BackOff { .. } | Blocked => matches!(to, Starting | Stopped),
    }
}

#[derive(Clone, Debug)]
enum Step {
    Event(u8, Event),
    Spawned(u8),
    Ready(u8),
    Died(u8, ExitReason),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let event = proptest::sample::select(vec![
        Event::Open(Person),
        Event::Open(System),
        Event::SpawnFailed(Error::NoMemory),
        Event::Hide,
        Event::ServiceBegins,
        Event::ServiceEnds,
        Event::StandbyBegins,
        Event::StandbyEnds,
        Event::Kill(KillReason::Person),
        Event::Kill(KillReason::NotResponding),
    ]);
    let ending = proptest::sample::select(vec![CRASH, ExitReason::Exited(0), ExitReason::Killed]);
    let app = 0u8..3;
    prop_oneof![
        3 => (app.clone(), event).prop_map(|(app, event)| Step::Event(app, event)),
        2 => app.clone().prop_map(Step::Spawned),
        2 => app.clone().prop_map(Step::Ready),
        2 => (app, ending).prop_map(|(app, ending)| Step::Died(app, ending)),
        2 => (0u64..20_000).prop_map(Step::Pass),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn random_lives_keep_every_promise(steps in proptest::collection::vec(step(), 1..120)) {
        let restarts = [Restart::Never, Restart::OnFailure, Restart::Always];
        let names = ["a", "b", "c"].map(app);
        let mut apps = Lifecycle::new();
        for (name, restart) in names.iter().zip(restarts) {
            prop_assert_eq!(apps.install(name, restart, ms(0)), Ok(vec![]));
        }
        let mut now = ms(0);
        // Tasks that exist, and how many are being made of each app.
        let mut tasks: BTreeSet<TaskId> = BTreeSet::new();
        let mut asked = [0usize; 3];
        let mut crashes: [Vec<Nanos>; 3] = Default::default();
        for (number, step) in steps.into_iter().enumerate() {
            let before = apps.clone();
            let owned = |index: u8| before.standing(&names[usize::from(index)]).unwrap().task;
            let answer = match step {
                Step::Event(index, event) => {
                    let made = &mut asked[usize::from(index)];
                    if matches!(event, Event::SpawnFailed(_)) {
                        if *made == 0 {
                            continue;
                        }
                        *made -= 1;
                    }
                    let blocked = before.state(&names[usize::from(index)]) == Some(State::Blocked);
                    if blocked && event == Event::Open(Person) {
                        crashes[usize::from(index)].clear();
                    }
                    apps.event(&names[usize::from(index)], event, now)
                }
                Step::Spawned(index) if asked[usize::from(index)] > 0 => {
                    asked[usize::from(index)] -= 1;
                    tasks.insert(task(number as u32));
                    apps.event(&names[usize::from(index)], Event::Spawned(task(number as u32)), now)
                }
                Step::Ready(index) if owned(index).is_some() => {
                    apps.event(&names[usize::from(index)], Event::Ready(owned(index).unwrap()), now)
                }
                Step::Died(index, ending) if owned(index).is_some() => {
                    tasks.remove(&owned(index).unwrap());
                    apps.event(&names[usize::from(index)], Event::Died(owned(index).unwrap(), ending), now)
                }
                Step::Pass(span) => {
                    now = now.after(ms(span));
                    Ok(apps.tick(now))
                }
                _ => continue,
            };
            let Ok(effects) = answer else {
                prop_assert_eq!(&apps, &before, "a refusal leaves no trace");
                continue;
            };
            for effect in effects {
                let index = names.iter().position(|name| *name == effect.app).unwrap();
                match effect.act {
                    Act::Spawn => asked[index] += 1,
                    Act::Kill(task) => prop_assert!(tasks.remove(&task), "it does not exist"),
                    Act::Moved { from, to } => {
                        prop_assert!(may_move(from, to), "{:?} {:?}", from, to);
                        let crashed = matches!(to, State::Crashed { .. } | State::BackOff { .. });
                        if crashed {
                            crashes[index].push(now);
                        }
                    }
                }
            }
            let standings = names.each_ref().map(|name| apps.standing(name).unwrap());
            let on_screen = standings.iter().filter(|standing| standing.state == State::Foreground);
            prop_assert!(on_screen.count() <= 1);
            let owned: BTreeSet<_> = standings.iter().filter_map(|standing| standing.task).collect();
            prop_assert_eq!(&owned, &tasks, "every task belongs to an app or is ended");
            for standing in standings {
                let making = standing.state == State::Starting;
                prop_assert!(standing.state.is_alive() == standing.task.is_some() || making);
            }
            for times in &crashes {
                let too_many = times.windows(5).any(|five| five[4].since(five[0]) <= ms(60_000));
                prop_assert!(!too_many, "five in a minute, and not blocked");
            }
        }
    }
}
