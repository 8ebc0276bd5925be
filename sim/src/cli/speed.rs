//! `sim speed`: time on a core, so that waiting for one does not count. Others' work lengthens it all the same, so it is
//! shown and never a reason to fail.

use std::hint::black_box;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use alarm_queue::{Alarm, AlarmQueue, Grants, Kind, Label, Wall, When, Zone};
use anyhow::Result;
use lifecycle::{Event as Life, Lifecycle, Opener, Restart};
use nexus_abi::{Nanos, TaskId};
use power_governor::{Governor, Input, Locks, Percent, Supply};
use power_residency::{Idle, Residency};
use rustix::time::{ClockId, clock_gettime};
use sim::report::svg::short;
use sim::{Nothing, Plan, Scenario, Shipping};
use standby::{App, Config, Signal, Standby};
use wakelock::{Attribution, Kind as LockKind, Permit, Request, WakeLocks};

/// How often a day, and some steps of a policy, are timed; the fastest counts, because the others met other people's work.
const ROUNDS: u32 = 10;
/// How many steps of a policy.
const STEPS: u32 = 100_000;

pub fn speed() -> Result<ExitCode> {
    let (scenario, _) = Scenario::load(Path::new("scenarios/day.toml"))?;
    let day = |seed| {
        let plan = Plan { scenario: &scenario, policy: scenario.policy, seed, days: 1 };
        timed(|| {
            let _outcome = black_box(sim::run(plan, &Shipping, &mut Nothing));
        })
    };
    let fastest = (0..ROUNDS).map(|seed| day(seed.into())).min().unwrap_or_default();
    println!(
        "a day of scenarios/day.toml        {:>10.1} ms, to be at most 100 ms",
        fastest.as_secs_f64() * 1e3
    );
    println!("policy steps per second of one core:");
    type Steps = fn() -> f64;
    let steps: [(&str, Steps); 6] = [
        ("power-governor: a battery reading and an idle decision", governor),
        ("wakelock: acquire and release among 8 locks", locks),
        ("power-residency: a sample of 2 harts each second", residency),
        ("standby: a signal among 16 apps", standby_signals),
        ("alarm-queue: set, ask when to wake up, cancel among 16 alarms", alarms),
        ("lifecycle: open and hide among 16 apps", lives),
    ];
    for (name, rate) in steps {
        println!("  {name:<64}{:>8}", short(rate()));
    }
    Ok(ExitCode::SUCCESS)
}

/// How often a second `step` can be done; it is given numbers in a row.
fn rate(mut step: impl FnMut(u64)) -> f64 {
    let mut numbers = 0..;
    let fastest =
        (0..ROUNDS).map(|_| timed(|| numbers.by_ref().take(STEPS as usize).for_each(&mut step))).min();
    f64::from(STEPS) / fastest.unwrap_or_default().as_secs_f64()
}

/// How long this thread was on a core to do that.
fn timed(work: impl FnOnce()) -> Duration {
    let begun = clock_gettime(ClockId::ThreadCPUTime);
    work();
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime) - begun).unwrap_or_default()
}

fn governor() -> f64 {
    let mut governor = Governor::default();
    governor.speak();
    rate(|step| {
        let charge = Percent::clamped((step % 101) as u8);
        black_box(governor.hear(Input::Battery { charge, supply: Supply::Battery }));
        black_box(governor.idle(Nanos(step * 1_000), Locks::None));
    })
}

fn locks() -> f64 {
    let who = |task: u32| Attribution {
        task: TaskId::new(task, 1),
        app: wakelock::Name::try_from("app").unwrap_or_default(),
        name: wakelock::Name::try_from("lock").unwrap_or_default(),
        on_behalf_of: None,
    };
    let mut locks = WakeLocks::default();
    for task in 1..8 {
        let _held = locks.acquire(Request::new(who(task), LockKind::Partial), Permit::default());
    }
    rate(|step| {
        let _events = locks.advance(Nanos(step));
        if let Ok(grant) = locks.acquire(Request::new(who(9), LockKind::Partial), Permit::default()) {
            let _released = black_box(locks.release(TaskId::new(9, 1), grant.id));
        }
    })
}

fn residency() -> f64 {
    let Ok(mut residency) = Residency::new(Nanos(0), &[Idle::default(); 2]) else { return 0.0 };
    rate(|step| {
        let idle = Idle { l1: Nanos(step * 400_000_000), l2: Nanos(step * 500_000_000) };
        let _recorded = black_box(residency.record(Nanos(step * 1_000_000_000), &[idle; 2]));
    })
}

fn standby_signals() -> f64 {
    let mut standby = Standby::new(Config::DEFAULT);
    let names: Vec<App> =
        (0..16).map(|n| App::try_from(format!("app{n}").as_str()).unwrap_or_default()).collect();
    for name in &names {
        let _effects = standby.signal(name, Signal::Background, Nanos(0));
    }
    rate(|step| {
        let signal = if step % 2 == 0 { Signal::Foreground } else { Signal::Background };
        let _effects = black_box(standby.signal(&names[(step / 2 % 16) as usize], signal, Nanos(step)));
    })
}

fn alarms() -> f64 {
    let mut queue = AlarmQueue::new(Zone::UTC);
    queue.clock_set(Wall::from_secs(0), Nanos(0));
    let app = alarm_queue::App::try_from("app").unwrap_or_default();
    let grants = Grants { notifications: true, exact_alarms: true };
    let alarm = |at: u64| Alarm {
        app: app.clone(),
        label: Label::new(),
        kind: Kind::Exact,
        when: When::Elapsed(Nanos(at)),
    };
    for at in 1..16 {
        let _set = queue.set(alarm(u64::MAX / 2 + at), grants, Nanos(0));
    }
    rate(|step| {
        let id = queue.set(alarm(u64::MAX / 4 + step), grants, Nanos(step));
        black_box(queue.wakeup());
        let _cancelled = id.map(|id| queue.cancel(&app, id));
    })
}

fn lives() -> f64 {
    let mut apps = Lifecycle::new();
    let names: Vec<lifecycle::App> =
        (0..16).map(|n| lifecycle::App::try_from(format!("app{n}").as_str()).unwrap_or_default()).collect();
    for (place, name) in (1..).zip(&names) {
        let task = TaskId::new(place, 1);
        let _installed = apps.install(name, Restart::Never, Nanos(0));
        for event in [Life::Open(Opener::System), Life::Spawned(task), Life::Ready(task)] {
            let _effects = apps.event(name, event, Nanos(0));
        }
    }
    rate(|step| {
        let event = if step % 2 == 0 { Life::Open(Opener::Person) } else { Life::Hide };
        let _effects = black_box(apps.event(&names[(step / 2 % 16) as usize], event, Nanos(step)));
    })
}
