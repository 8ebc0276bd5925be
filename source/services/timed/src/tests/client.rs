//! The client's library against timed, which crashes at the worst moments.

use core::time::Duration;
use std::cell::RefCell;
use std::rc::Rc;
use std::vec::Vec;

use nexus_abi::{Error, Handle, Nanos};
use nexus_service::memory::{Bench, CallId, Outcome};
use nexus_time::timed::sleep_until;
use nexus_time::{Expired, Instant, Key, Link, Plan, TimerSet};
use nexus_wire::timed::{Answer, Request};
use proptest::prelude::*;

use super::rig::{World, app, ms};
use crate::Timed;

const BELL: Handle = Handle::new(40, 1);

/// When timed crashes around the next request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Crash {
    Before,
    /// It has done what was asked, but nobody hears of it.
    BeforeAnswering,
    After,
}

struct Device {
    bench: Bench<Timed<World>>,
    crash: Option<Crash>,
    /// Requests that still get through; later ones fail.
    passes: Option<u32>,
}

impl Device {
    /// A new timed a moment later: no two begin at once.
    fn restart(&mut self) {
        let now = self.bench.now().after(Nanos(1));
        self.bench = Bench::new(Timed::new(World::default(), None, now));
        self.bench.run_until(now);
    }

    fn ask(&mut self, request: &Request, attached: Option<Handle>) -> Result<Answer, Error> {
        if let Some(passes) = &mut self.passes {
            *passes = passes.checked_sub(1).ok_or(Error::TimedOut)?;
        }
        let crash = self.crash.take();
        if crash == Some(Crash::Before) {
            self.restart();
        }
        let id = self.bench.call_with(app(1), request, attached);
        if crash == Some(Crash::BeforeAnswering) {
            self.restart();
            return Err(Error::Dead);
        }
        let answer = self.wait(id);
        if crash == Some(Crash::After) {
            self.restart();
        }
        Ok(answer)
    }

    /// Who waits for a late answer lets time pass.
    fn wait(&mut self, id: CallId) -> Answer {
        if self.bench.outcome(id) == Ok(Outcome::Waiting) {
            self.bench.run_until(self.bench.deadline());
        }
        match self.bench.outcome(id) {
            Ok(Outcome::Answered(answer)) => answer,
            other => panic!("{other:?}"),
        }
    }
}

/// What client and test share.
#[derive(Clone)]
struct Shared(Rc<RefCell<Device>>);

impl Shared {
    fn new() -> Self {
        let bench = Bench::new(Timed::new(World::default(), None, Nanos(0)));
        Self(Rc::new(RefCell::new(Device { bench, crash: None, passes: None })))
    }

    fn crash(&self, crash: Crash) {
        self.0.borrow_mut().crash = Some(crash);
    }

    fn run_until(&self, moment: Nanos) {
        self.0.borrow_mut().bench.run_until(moment);
    }

    fn now(&self) -> Nanos {
        self.0.borrow().bench.now()
    }
}

impl Link for Shared {
    fn ask(&mut self, request: &Request) -> Result<Answer, Error> {
        self.0.borrow_mut().ask(request, None)
    }

    fn listen(&mut self, bits: u64) -> Result<Answer, Error> {
        self.0.borrow_mut().ask(&Request::Listen { bits }, Some(BELL))
    }
}

fn at(moment: Nanos) -> Instant {
    moment.into()
}

fn fired(set: &mut TimerSet<Shared>) -> Vec<Expired> {
    let mut all = Vec::new();
    set.fired(|expired| all.push(expired)).expect("timed is there");
    all
}

#[test]
fn a_sleep_lasts_over_a_crash_and_ends_in_its_window() {
    for crash in [Crash::Before, Crash::BeforeAnswering] {
        let mut device = Shared::new();
        device.crash(crash);
        assert_eq!(sleep_until(&mut device, at(ms(100)), Duration::from_millis(30)), Ok(()));
        assert_eq!(device.now(), ms(130));
    }
}

#[test]
fn test_reject_sleep_when_timed_stays_dead() {
    struct Nobody(u32);
    impl Link for Nobody {
        fn ask(&mut self, _: &Request) -> Result<Answer, Error> {
            self.0 += 1;
            Err(Error::Dead)
        }

        fn listen(&mut self, _: u64) -> Result<Answer, Error> {
            Err(Error::Dead)
        }
    }
    let mut nobody = Nobody(0);
    assert_eq!(sleep_until(&mut nobody, Instant::BOOT, Duration::ZERO), Err(Error::Dead));
    assert_eq!(nobody.0, 16, "it is bounded");
}

#[test]
fn what_is_still_wanted_is_set_again_and_what_was_heard_of_does_not_fire_twice() {
    let device = Shared::new();
    let mut set = TimerSet::told_by(device.clone(), 1).expect("there is room");
    let heard = set.set(Plan::at(at(ms(10)))).expect("there is room");
    let unheard = set.set(Plan::at(at(ms(30)))).expect("there is room");
    let later = set.set(Plan::at(at(ms(90)))).expect("there is room");
    let again = set.set(Plan::at(at(ms(20))).every(Duration::from_millis(20))).expect("there is room");
    device.run_until(ms(29));
    let expected =
        [(heard, ms(10)), (again, ms(20))].map(|(key, due)| Expired { key, due: at(due), times: 1 });
    assert_eq!(fired(&mut set), expected);
    device.run_until(ms(50));
    device.0.borrow_mut().restart();
    let expected =
        [(unheard, ms(30)), (again, ms(40))].map(|(key, due)| Expired { key, due: at(due), times: 1 });
    assert_eq!(fired(&mut set), expected, "overdue, so at once");
    device.run_until(ms(99));
    let expected = [(again, ms(60), 2), (later, ms(90), 1)].map(|(key, due, times)| Expired {
        key,
        due: at(due),
        times,
    });
    assert_eq!(fired(&mut set), expected);
    assert_eq!(set.next_due(), at(ms(100)));
    assert!(!device.0.borrow().bench.notes().is_empty(), "the new timed tells, too");
}

#[test]
fn keys_outlive_a_crash_and_not_their_timers() {
    let device = Shared::new();
    let mut set = TimerSet::new(device.clone());
    let [moved, gone, done] = [10, 20, 30].map(|due| set.set(Plan::at(at(ms(due)))).expect("there is room"));
    device.crash(Crash::Before);
    assert_eq!(set.rearm(moved, Plan::at(at(ms(50)))), Ok(true));
    assert_eq!(set.cancel(gone), Ok(true));
    assert_eq!(set.cancel(gone), Ok(false));
    device.run_until(ms(100));
    let keys: Vec<Key> = fired(&mut set).iter().map(|expired| expired.key).collect();
    assert_eq!(keys, [done, moved]);
    let reused = set.set(Plan::at(at(ms(200)))).expect("there is room");
    assert_eq!(set.cancel(done), Ok(false), "it is over");
    assert_eq!(set.rearm(moved, Plan::at(at(ms(300)))), Err(Error::NotFound));
    assert_eq!(set.cancel(reused), Ok(true));
}

/// Two timers of an old timed and, under the name of one of them, a third of the new one, which has not been told of
/// the old ones because the link failed.
fn half_told() -> (Shared, TimerSet<Shared>, [Key; 3]) {
    let device = Shared::new();
    let mut set = TimerSet::new(device.clone());
    let [a, b] = [10, 20].map(|due| set.set(Plan::at(at(ms(due)))).expect("there is room"));
    device.0.borrow_mut().restart();
    device.0.borrow_mut().passes = Some(1);
    let c = set.set(Plan::at(at(ms(30)))).expect("it got through");
    device.0.borrow_mut().passes = None;
    (device, set, [a, b, c])
}

#[test]
fn a_timer_that_timed_has_forgotten_is_not_taken_for_one_of_the_same_name() {
    let (device, mut set, [a, b, c]) = half_told();
    assert_eq!(set.cancel(a), Ok(true));
    device.run_until(ms(100));
    let keys: Vec<Key> = fired(&mut set).iter().map(|expired| expired.key).collect();
    assert_eq!(keys, [c, b]);
}

#[test]
fn what_the_link_has_failed_to_tell_is_told_with_the_next_request() {
    let (device, mut set, [a, b, c]) = half_told();
    device.run_until(ms(100));
    let keys: Vec<Key> = fired(&mut set).iter().map(|expired| expired.key).collect();
    assert_eq!(keys, [c, a, b]);
}

#[test]
fn test_reject_a_sixty_fifth_timer_and_a_period_of_zero() {
    let mut set = TimerSet::new(Shared::new());
    let zero = Plan::at(at(ms(1))).every(Duration::ZERO);
    assert_eq!(set.set(zero), Err(Error::Invalid));
    for n in 0..64 {
        assert!(set.set(Plan::at(at(ms(n)))).is_ok());
    }
    assert_eq!(set.set(Plan::at(at(ms(1)))), Err(Error::NoSpace));
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Set { delay: u64, period: Option<u64> },
    Rearm { nth: usize, delay: u64 },
    Cancel { nth: usize },
    Hear,
    Pass { span: u64 },
}

fn step() -> impl Strategy<Value = (Option<Crash>, Step)> {
    let period = proptest::option::of(1u64..40);
    let step = prop_oneof![
        (0u64..40, period).prop_map(|(delay, period)| Step::Set { delay, period }),
        (0usize..30, 0u64..40).prop_map(|(nth, delay)| Step::Rearm { nth, delay }),
        (0usize..30).prop_map(|nth| Step::Cancel { nth }),
        Just(Step::Hear),
        (0u64..30).prop_map(|span| Step::Pass { span }),
    ];
    let crash = prop_oneof![Just(Crash::Before), Just(Crash::BeforeAnswering), Just(Crash::After)];
    (proptest::option::weighted(0.3, crash), step)
}

/// What the program expects to hear of a timer.
#[derive(Clone, Copy, Debug)]
struct Expected {
    key: Key,
    due: Nanos,
    period: Option<Nanos>,
}

/// Hears, and checks it against what is expected.
fn hear(set: &mut TimerSet<Shared>, now: Nanos, expected: &mut Vec<Expected>) {
    for Expired { key, due, times } in fired(set) {
        let n = expected.iter().position(|timer| timer.key == key).expect("heard of once");
        assert_eq!(due.nanos(), expected[n].due);
        assert!(due.nanos() <= now && times >= 1, "early");
        match expected[n].period {
            None => {
                assert_eq!(times, 1);
                expected.swap_remove(n);
            }
            Some(period) => expected[n].due = Nanos(due.nanos().0 + times * period.0),
        }
    }
}

proptest! {
    // Each crash makes a new table of timers, which is most of the work.
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn every_occurrence_is_heard_of_once_whenever_timed_crashes(
        steps in proptest::collection::vec(step(), 1..120),
    ) {
        let device = Shared::new();
        let mut set = TimerSet::told_by(device.clone(), 1).expect("there is room");
        let mut expected: Vec<Expected> = Vec::new();
        for (crash, step) in steps {
            let now = device.now();
            device.0.borrow_mut().crash = crash;
            match step {
                Step::Set { delay, period } if expected.len() < 64 => {
                    let (due, period) = (now.after(ms(delay)), period.map(ms));
                    let plan = Plan { period: period.map(|span| Duration::from_nanos(span.0)), ..Plan::at(at(due)) };
                    expected.push(Expected { key: set.set(plan).expect("there is room"), due, period });
                }
                Step::Rearm { nth, delay } if nth < expected.len() => {
                    let due = now.after(ms(delay));
                    let key = expected[nth].key;
                    set.rearm(key, Plan::at(at(due))).expect("it is not over");
                    expected[nth] = Expected { key, due, period: None };
                }
                Step::Cancel { nth } if nth < expected.len() => {
                    set.cancel(expected.swap_remove(nth).key).expect("timed is there");
                }
                Step::Hear => hear(&mut set, now, &mut expected),
                Step::Pass { span } => device.run_until(now.after(ms(span))),
                _ => {}
            }
        }
        // Twice, for the crash that may still be to come.
        for _ in 0..2 {
            device.run_until(device.now().after(ms(100)));
            let now = device.now();
            hear(&mut set, now, &mut expected);
        }
        let now = device.now();
        prop_assert!(expected.iter().all(|timer| timer.period.is_some() && timer.due > now));
    }
}
