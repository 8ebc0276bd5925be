//! The rules can fail: parts of the device are broken one by one, and the simulator notices each, says which rule, and
//! comes to the same again.

#![expect(clippy::unwrap_used, reason = "a helper of tests may unwrap like a test")]

use std::path::Path;

use nexus_abi::{Nanos, TaskId};
use nexus_service::{Call, Effects, Service};
use nexus_wire::timed::{Answer, Expiry, Request, Timed as Protocol};
use power_config::PowerConfig;
use power_governor::{IdleDecision, Input, Locks, ModeDecision};
use sim::bus::DynTimed;
use sim::failure::{Failure, Weather};
use sim::firmware::{Power, Powerd, Standbyd};
use sim::{Firmware, Invariant, Nothing, Plan, Scenario, Shipping, Violation, run};
use standby::{Activity, App, Config, Effect, Signal, Standby};
use wakelock::{Ended, Event, Grant, LockId, Refusal, Released, Standing, WakeLocks};

fn scenario() -> (Scenario, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/swarm.toml");
    Scenario::load(&path).unwrap()
}

/// A day with broken firmware: what the simulator says, which a replay says too and the firmware that ships does not.
fn violation(firmware: &dyn Firmware) -> Violation {
    let (scenario, text) = scenario();
    let (policy, seed, days) = (scenario.policy, 1, 2);
    let plan = Plan { scenario: &scenario, policy, seed, days };
    let violation = *run(plan, firmware, &mut Nothing).unwrap_err();
    let failure = Failure {
        file: "swarm.toml".to_owned(),
        scenario: text,
        policy,
        weather: Weather::AsWritten,
        seed,
        days,
        violation: violation.clone(),
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("failure.json");
    failure.save(&file).unwrap();
    let failure = Failure::load(&file).unwrap();
    assert_eq!(failure.replay(firmware).unwrap().as_ref(), Some(&failure.violation));
    assert_eq!(failure.replay(&Shipping).unwrap(), None, "the firmware that ships keeps every promise");
    assert!(!violation.chain.is_empty() && violation.to_string().contains("broken: "), "{violation}");
    violation
}

/// How a timed is broken.
#[derive(Clone, Copy)]
enum Flaw {
    /// It looks at a clock that is 2 ms fast.
    FiresEarly,
    /// It wants to be woken up 1 ms after the first window has ended.
    WakesLate,
    /// It wakes up every second for nothing.
    Polls,
    /// Every hundredth page of what has fired is empty.
    Loses,
    /// On every hundredth page is what has never been set.
    MakesUp,
    /// It does not do what is cancelled.
    KeepsCancelled,
}

struct BrokenTimed {
    inner: DynTimed,
    flaw: Flaw,
    pages: u32,
}

impl Service for BrokenTimed {
    type Protocol = Protocol;

    fn call(&mut self, call: Call<'_, Request>, now: Nanos, effects: &mut Effects<Answer>) {
        let Call { caller, request, ticket, attached } = call;
        match (self.flaw, request) {
            (Flaw::KeepsCancelled, Request::Cancel { .. }) => {
                effects.answer(ticket, Answer::Cancelled { was_live: true, era: 0 });
            }
            (Flaw::Loses | Flaw::MakesUp, Request::Fired) if self.is_hundredth_page() => {
                let made_up = Expiry { id: 1, due_ns: 0, times: 1 };
                let count = usize::from(matches!(self.flaw, Flaw::MakesUp));
                let expiries = Box::new(std::iter::repeat_n(made_up, count).collect());
                effects.answer(ticket, Answer::Fired { era: 0, expiries });
            }
            _ => self.inner.call(Call { caller, request, ticket, attached }, now, effects),
        }
    }

    fn bits(&mut self, bits: u64, now: Nanos, effects: &mut Effects<Answer>) {
        self.inner.bits(bits, now, effects);
    }

    fn tick(&mut self, now: Nanos, effects: &mut Effects<Answer>) -> Nanos {
        let ms = Nanos::from_millis;
        match self.flaw {
            Flaw::FiresEarly => self.inner.tick(now.after(ms(2)), effects),
            Flaw::WakesLate => self.inner.tick(now, effects).after(ms(1)),
            Flaw::Polls => self.inner.tick(now, effects).min(now.after(ms(1_000))),
            _ => self.inner.tick(now, effects),
        }
    }
}

impl BrokenTimed {
    fn is_hundredth_page(&mut self) -> bool {
        self.pages += 1;
        self.pages.is_multiple_of(100)
    }
}

struct WithTimed(Flaw);

impl Firmware for WithTimed {
    fn timed(&self, wall_ns: u64, now: Nanos) -> DynTimed {
        Box::new(BrokenTimed { inner: Shipping.timed(wall_ns, now), flaw: self.0, pages: 0 })
    }
}

#[test]
fn a_timed_that_fires_early_is_noticed() {
    let invariant = violation(&WithTimed(Flaw::FiresEarly)).invariant;
    assert!(matches!(invariant, Invariant::NeverEarly | Invariant::WakesWhenItMust), "{invariant:?}");
}

#[test]
fn a_timed_that_wakes_up_late_is_noticed() {
    let violation = violation(&WithTimed(Flaw::WakesLate));
    assert_eq!(violation.invariant, Invariant::WakesWhenItMust);
    assert!(violation.what.contains("1000000 ns after"), "{}", violation.what);
}

#[test]
fn a_timed_that_wakes_up_for_nothing_is_noticed() {
    assert_eq!(violation(&WithTimed(Flaw::Polls)).invariant, Invariant::WakesWhenItMust);
}

#[test]
fn a_timed_that_loses_a_timer_is_noticed() {
    let violation = violation(&WithTimed(Flaw::Loses));
    assert_eq!(violation.invariant, Invariant::FiresOnce);
    assert!(violation.what.contains("was not told"), "{}", violation.what);
}

#[test]
fn a_timed_that_makes_up_a_timer_is_noticed() {
    assert_eq!(violation(&WithTimed(Flaw::MakesUp)).invariant, Invariant::FiresOnce);
}

#[test]
fn a_timed_that_fires_what_is_cancelled_is_noticed() {
    let invariant = violation(&WithTimed(Flaw::KeepsCancelled)).invariant;
    assert!(matches!(invariant, Invariant::WakesWhenItMust | Invariant::FiresOnce), "{invariant:?}");
}

/// How powerd is broken.
#[derive(Clone, Copy)]
enum PowerFlaw {
    /// Holds never end.
    NeverExpires,
    /// The locks of the dead stay.
    KeepsTheDead,
    /// Apps never stand otherwise than when they took their lock.
    NeverSuspends,
    /// L2 whatever is held.
    IgnoresLocks,
}

struct BrokenPowerd(Power, PowerFlaw);

impl Powerd for BrokenPowerd {
    fn acquire(&mut self, request: wakelock::Request) -> Result<Grant, Refusal> {
        self.0.acquire(request)
    }
    fn release(&mut self, holder: TaskId, id: LockId) -> Result<Released, Refusal> {
        self.0.release(holder, id)
    }
    fn holder_died(&mut self, holder: TaskId) -> Vec<Ended> {
        if matches!(self.1, PowerFlaw::KeepsTheDead) { Vec::new() } else { self.0.holder_died(holder) }
    }
    fn stand(&mut self, app: &str, standing: Standing) {
        if !matches!(self.1, PowerFlaw::NeverSuspends) {
            self.0.stand(app, standing);
        }
    }
    fn advance(&mut self, now: Nanos) -> Vec<Event> {
        if matches!(self.1, PowerFlaw::NeverExpires) && self.0.deadline() != Nanos::NEVER {
            return Vec::new();
        }
        self.0.advance(now)
    }
    fn deadline(&self) -> Nanos {
        if matches!(self.1, PowerFlaw::NeverExpires) { Nanos::NEVER } else { self.0.deadline() }
    }
    fn locks(&self) -> &WakeLocks {
        self.0.locks()
    }
    fn hear(&mut self, input: Input) -> Option<ModeDecision> {
        self.0.hear(input)
    }
    fn speak(&mut self) -> ModeDecision {
        self.0.speak()
    }
    fn hint(&self) -> Nanos {
        self.0.hint()
    }
    fn idle(&self, expected: Nanos) -> IdleDecision {
        match self.1 {
            PowerFlaw::IgnoresLocks => self.0.idle_with(expected, Locks::None),
            _ => self.0.idle(expected),
        }
    }
}

struct WithPowerd(PowerFlaw);

impl Firmware for WithPowerd {
    fn powerd(&self, config: &PowerConfig) -> Box<dyn Powerd> {
        Box::new(BrokenPowerd(Power::new(config), self.0))
    }
}

#[test]
fn a_lock_that_does_not_expire_is_noticed() {
    let violation = violation(&WithPowerd(PowerFlaw::NeverExpires));
    assert_eq!(violation.invariant, Invariant::LocksAreAttributed);
    assert!(violation.what.contains("past its end"), "{}", violation.what);
}

#[test]
fn a_lock_that_outlives_its_holder_is_noticed() {
    struct Crashing;
    impl Firmware for Crashing {
        fn powerd(&self, config: &PowerConfig) -> Box<dyn Powerd> {
            Box::new(BrokenPowerd(Power::new(config), PowerFlaw::KeepsTheDead))
        }
    }
    let (mut scenario, _) = scenario();
    // An app that crashes while it works under a lock.
    scenario.faults.app_dies = sim::scenario::Rate(2_000.0);
    let plan = Plan { scenario: &scenario, policy: scenario.policy, seed: 1, days: 2 };
    let violation = run(plan, &Crashing, &mut Nothing).unwrap_err();
    assert_eq!(violation.invariant, Invariant::LocksAreAttributed);
    assert!(violation.what.contains("which is dead"), "{}", violation.what);
    assert!(run(plan, &Shipping, &mut Nothing).is_ok());
}

#[test]
fn a_lock_that_counts_in_standby_is_noticed() {
    let violation = violation(&WithPowerd(PowerFlaw::NeverSuspends));
    assert_eq!(violation.invariant, Invariant::LocksAreAttributed);
    assert!(violation.what.contains("counts as"), "{}", violation.what);
}

#[test]
fn deep_idle_under_a_lock_is_noticed() {
    assert_eq!(violation(&WithPowerd(PowerFlaw::IgnoresLocks)).invariant, Invariant::LocksForbidL2);
}

/// How standbyd is broken.
#[derive(Clone, Copy)]
enum StandbyFlaw {
    /// Its clock is ten seconds fast.
    Hasty,
    /// It does not hear that somebody opens an app.
    IgnoresForeground,
    /// It forgets to floor timers.
    NoFloor,
}

struct BrokenStandbyd(Standby, StandbyFlaw);

impl BrokenStandbyd {
    fn filtered(&self, effects: Vec<Effect>) -> Vec<Effect> {
        let forgotten = |effect: &Effect| {
            matches!(self.1, StandbyFlaw::NoFloor) && matches!(effect.act, standby::Act::HoldTimers(_))
        };
        effects.into_iter().filter(|effect| !forgotten(effect)).collect()
    }
}

impl Standbyd for BrokenStandbyd {
    fn signal(&mut self, app: &App, signal: Signal, now: Nanos) -> Result<Vec<Effect>, standby::Refusal> {
        if matches!(self.1, StandbyFlaw::IgnoresForeground) && signal == Signal::Foreground {
            return Ok(Vec::new());
        }
        let effects = self.0.signal(app, signal, now)?;
        Ok(self.filtered(effects))
    }
    fn charging(&mut self, charging: Activity, now: Nanos) -> Vec<Effect> {
        self.0.charging(charging, now)
    }
    fn tick(&mut self, now: Nanos) -> Vec<Effect> {
        let fast = matches!(self.1, StandbyFlaw::Hasty);
        let now = if fast { now.after(Nanos::from_millis(30_000)) } else { now };
        let effects = self.0.tick(now);
        self.filtered(effects)
    }
    fn next_change(&self, now: Nanos) -> Option<Nanos> {
        let due = self.0.next_change(now)?;
        Some(if matches!(self.1, StandbyFlaw::Hasty) { due.since(Nanos::from_millis(30_000)) } else { due })
    }
    fn is_in_standby(&self, app: &App) -> bool {
        self.0.in_standby().any(|other| other == app)
    }
}

struct WithStandbyd(StandbyFlaw);

impl Firmware for WithStandbyd {
    fn standbyd(&self, config: Config) -> Box<dyn Standbyd> {
        Box::new(BrokenStandbyd(Standby::new(config), self.0))
    }
}

#[test]
fn a_standby_that_does_not_wait_is_noticed() {
    assert_eq!(violation(&WithStandbyd(StandbyFlaw::Hasty)).invariant, Invariant::StandbyWaits);
}

#[test]
fn an_app_on_the_screen_in_standby_is_noticed() {
    let invariant = violation(&WithStandbyd(StandbyFlaw::IgnoresForeground)).invariant;
    assert_eq!(invariant, Invariant::StandbySparesTheUsed);
}

#[test]
fn a_standby_that_does_not_hold_timers_is_noticed() {
    assert_eq!(violation(&WithStandbyd(StandbyFlaw::NoFloor)).invariant, Invariant::StandbyHoldsBack);
}
