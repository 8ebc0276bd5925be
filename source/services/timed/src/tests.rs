//! timed through its messages, in memory.

extern crate std;

mod client;
mod govern;
mod refusals;
mod rig;

use std::vec::Vec;

use nexus_abi::{Handle, Nanos, QosClass, ServiceId};
use nexus_service::memory::{Bench, Outcome};
use nexus_wire::timed::{Answer, FIRED_PAGE, Govern, Remaining, Request};
use proptest::prelude::*;

use super::*;
use rig::{Rig, World, app, at_class, every, ms, once};

const BELL: Handle = Handle::new(40, 1);

/// The notification of a task.
fn bell(task: u32) -> Handle {
    Handle::new(50 + task as u16, 1)
}

#[test]
fn a_sleep_ends_with_the_window_of_the_stamped_class_and_blocks_only_the_sleeper() {
    for (class, late) in QosClass::ALL.into_iter().zip([8, 4, 1, 0]) {
        let mut rig = Rig::new();
        let asleep = rig.sleep(at_class(1, class), ms(100));
        assert_eq!(rig.0.deadline(), ms(100 + late));
        assert!(matches!(rig.ask(app(2), Request::Now), Answer::Now { .. }), "others are served");
        rig.0.run_until(Nanos(ms(100 + late).0 - 1));
        assert!(rig.is_asleep(asleep));
        rig.0.run_until(ms(100 + late));
        assert_eq!(rig.answer(asleep), Answer::Woken);
        assert_eq!(rig.0.deadline(), Nanos::NEVER);
    }
}

#[test]
fn sleeps_that_can_end_together_do() {
    let mut rig = Rig::new();
    let asleep: Vec<_> = (0..5).map(|n| rig.sleep(app(n), ms(100 + u64::from(n)))).collect();
    assert_eq!(rig.0.deadline(), ms(104));
    rig.0.run_until(ms(104));
    for id in asleep {
        assert_eq!(rig.answer(id), Answer::Woken);
    }
    assert_eq!(rig.0.deadline(), Nanos::NEVER);
}

#[test]
fn being_awake_for_somebody_wakes_whoever_is_due() {
    let mut rig = Rig::new();
    let asleep = rig.sleep(app(1), ms(100));
    rig.0.run_until(ms(102));
    rig.ask(app(2), Request::Now);
    assert_eq!(rig.answer(asleep), Answer::Woken);
}

#[test]
fn a_sleep_until_a_moment_that_has_passed_ends_at_once() {
    let mut rig = Rig::new();
    rig.0.run_until(ms(50));
    let asleep = rig.sleep(app(1), ms(10));
    assert_eq!(rig.answer(asleep), Answer::Woken);
}

#[test]
fn a_sleeper_that_asks_for_something_sleeps_no_more() {
    let mut rig = Rig::new();
    let first = rig.sleep(app(1), ms(100));
    let second = rig.sleep(app(1), ms(200));
    assert_eq!(rig.0.outcome(first), Ok(Outcome::Abandoned));
    assert_eq!(rig.0.deadline(), ms(204), "the first sleep is forgotten");
    rig.ask(app(1), Request::Now);
    assert_eq!(rig.0.outcome(second), Ok(Outcome::Abandoned));
    assert_eq!((rig.0.deadline(), rig.list()), (Nanos::NEVER, Vec::new()));
}

#[test]
fn expiries_are_told_once_until_they_are_read() {
    let mut rig = Rig::new();
    rig.listen(app(1), BELL, 0b100);
    let (a, b) = (rig.set(app(1), once(ms(10))), rig.set(app(1), every(ms(11), ms(30))));
    rig.0.run_until(ms(100));
    assert_eq!(rig.0.notes(), [(ms(14), BELL, 0b100)], "both at once, the later ones are not told again");
    assert_eq!(rig.fired(app(1)), [(a, 1), (b, 3)], "10; 11, 41 and 71");
    assert_eq!(rig.fired(app(1)), []);
    rig.0.run_until(ms(110));
    assert_eq!(rig.0.notes()[1..], [(ms(105), BELL, 0b100)]);
    assert_eq!(rig.fired(app(1)), [(b, 1)]);
}

#[test]
fn what_has_fired_before_somebody_listens_is_told_then() {
    let mut rig = Rig::new();
    let id = rig.set(app(1), once(ms(10)));
    rig.0.run_until(ms(20));
    assert_eq!(rig.0.notes(), []);
    rig.listen(app(1), BELL, 1);
    assert_eq!(rig.0.notes(), [(ms(20), BELL, 1)]);
    assert_eq!(rig.fired(app(1)), [(id, 1)]);
}

#[test]
fn another_notification_takes_the_place_of_the_first_which_is_closed() {
    let mut rig = Rig::new();
    rig.listen(app(1), BELL, 1);
    let other = Handle::new(41, 1);
    rig.listen(app(1), other, 2);
    assert_eq!(rig.0.closed(), [BELL]);
    rig.set(app(1), once(ms(10)));
    rig.0.run_until(ms(20));
    assert_eq!(rig.0.notes(), [(ms(14), other, 2)]);
}

#[test]
fn what_has_fired_is_read_in_pages_in_the_order_of_firing() {
    let mut rig = Rig::new();
    let ids: Vec<_> = (0..40).map(|n| rig.set(app(1), once(ms(40 - n)))).collect();
    rig.0.run_until(ms(100));
    let pages: Vec<_> = (0..4).map(|_| rig.page(app(1))).collect();
    assert_eq!([0, 1, 2, 3].map(|n: usize| pages[n].len()), [FIRED_PAGE, FIRED_PAGE, 8, 0]);
    let read: Vec<_> = pages.concat().iter().map(|expiry| expiry.id).collect();
    assert!(read.iter().eq(ids.iter().rev()));
}

#[test]
fn cancelling_answers_whether_it_was_in_time_and_what_has_fired_is_forgotten() {
    let mut rig = Rig::new();
    rig.listen(app(1), BELL, 1);
    let (early, late) = (rig.set(app(1), once(ms(10))), rig.set(app(1), once(ms(20))));
    let again = rig.set(app(1), every(ms(10), ms(50)));
    rig.0.run_until(ms(15));
    assert!(rig.cancel(app(1), late));
    assert!(!rig.cancel(app(1), early), "it has fired");
    assert!(rig.cancel(app(1), again), "it would fire again");
    assert_eq!(rig.fired(app(1)), [], "and nothing is heard of any of them");
    assert!(!rig.cancel(app(1), late));
    assert_eq!(rig.0.deadline(), Nanos::NEVER);
}

#[test]
fn setting_anew_gives_a_new_name_and_forgets_what_the_old_one_fired() {
    let mut rig = Rig::new();
    let id = rig.set(app(1), every(ms(10), ms(10)));
    rig.0.run_until(ms(15));
    let (moved, was_live) = rig.rearm(app(1), id, once(ms(30)));
    assert!(was_live && moved != id);
    assert_eq!(rig.fired(app(1)), []);
    rig.0.run_until(ms(40));
    let (again, was_live) = rig.rearm(app(1), moved, once(ms(50)));
    assert!(!was_live);
    rig.0.run_until(ms(60));
    assert_eq!(rig.fired(app(1)), [(again, 1)]);
}

#[test]
fn what_remains_is_told_as_coarsely_as_the_clock() {
    let mut rig = Rig::new();
    let id = rig.set(app(1), once(ms(100)));
    rig.0.run_until(Nanos(ms(33).0 + 99_999));
    let remaining = Remaining { least_ns: ms(67).0, most_ns: ms(71).0 };
    assert_eq!(rig.ask(app(1), Request::Remaining { id }), Answer::Remaining(Some(remaining)));
    let Answer::Now { monotonic_ns, .. } = rig.ask(app(1), Request::Now) else { panic!() };
    assert_eq!(monotonic_ns, ms(33).0);
    rig.0.run_until(ms(200));
    assert_eq!(rig.ask(app(1), Request::Remaining { id }), Answer::Remaining(None));
}

#[test]
fn the_death_of_a_task_takes_all_that_was_its_and_nothing_else() {
    let mut rig = Rig::new();
    for n in [1, 2] {
        rig.listen(app(n), bell(n), 1);
        rig.set(app(n), once(ms(10)));
        rig.set(app(n), every(ms(50), ms(50)));
    }
    rig.0.run_until(ms(20));
    let asleep = [1, 2].map(|n| rig.sleep(app(n), ms(30)));
    let dead = app(1).task;
    assert_eq!(rig.govern(ServiceId::EXECD, Govern::Ended { task: dead.to_wire() }), Answer::Done);
    assert_eq!(rig.0.outcome(asleep[0]), Ok(Outcome::Abandoned));
    assert_eq!(rig.0.closed(), [bell(1)]);
    assert!(rig.list().iter().all(|timer| timer.task == app(2).task.to_wire()));
    assert_eq!(rig.fired(app(1)), []);
    rig.0.run_until(ms(40));
    assert_eq!(rig.answer(asleep[1]), Answer::Woken);
    assert_eq!(rig.fired(app(2)).len(), 1);
}

/// A crash: the next timed knows nothing, says so by its era, and takes an old name for one that is gone.
#[test]
fn a_new_timed_is_of_another_era_and_fires_nothing_of_the_old_one() {
    let mut rig = Rig::new();
    let id = rig.set(app(1), once(ms(10)));
    let era = ms(5);
    rig.0 = Bench::new(Timed::new(World::default(), None, era));
    rig.0.run_until(era);
    assert!(!rig.cancel(app(1), id));
    let Answer::Rearmed { was_live, era: told, .. } =
        rig.ask(app(1), Request::Rearm { id, timer: once(ms(10)) })
    else {
        panic!()
    };
    assert_eq!((was_live, told), (false, era.0));
    rig.0.run_until(ms(100));
    assert_eq!(rig.fired(app(1)).len(), 1);
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Set { task: u32, delay: u64, period: Option<u64> },
    Rearm { nth: usize, delay: u64 },
    Cancel { nth: usize },
    Read { task: u32 },
    Sleep { task: u32, delay: u64 },
    Pass { span: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    let period = proptest::option::of(1u64..40);
    prop_oneof![
        (0u32..4, 0u64..40, period).prop_map(|(task, delay, period)| Step::Set { task, delay, period }),
        (0usize..100, 0u64..40).prop_map(|(nth, delay)| Step::Rearm { nth, delay }),
        (0usize..100).prop_map(|nth| Step::Cancel { nth }),
        (0u32..4).prop_map(|task| Step::Read { task }),
        (0u32..4, 0u64..40).prop_map(|(task, delay)| Step::Sleep { task, delay }),
        (0u64..30).prop_map(|span| Step::Pass { span }),
    ]
}

proptest! {
    /// Between setting and reading nothing is lost and nothing doubled, whatever clients do.
    #[test]
    fn every_timer_is_read_cancelled_or_still_there(steps in proptest::collection::vec(step(), 1..200)) {
        let mut rig = Rig::new();
        for task in 0..4 {
            rig.listen(app(task), bell(task), 1);
        }
        // Whose it is, and what came of it.
        let mut open: Vec<(u32, u64, bool)> = Vec::new();
        let mut sleeps = Vec::new();
        for step in steps {
            let now = rig.0.now();
            match step {
                Step::Set { task, delay, period } => {
                    let due = now.after(ms(delay));
                    let timer = period.map_or(once(due), |period| every(due, ms(period)));
                    if open.iter().filter(|(owner, ..)| *owner == task).count() < 64 {
                        open.push((task, rig.set(app(task), timer), period.is_some()));
                    }
                }
                Step::Rearm { nth, delay } if nth < open.len() => {
                    let (task, id, _) = open[nth];
                    let (id, _) = rig.rearm(app(task), id, once(now.after(ms(delay))));
                    open[nth] = (task, id, false);
                }
                Step::Cancel { nth } if nth < open.len() => {
                    let (task, id, _) = open.swap_remove(nth);
                    rig.cancel(app(task), id);
                    prop_assert!(!rig.cancel(app(task), id));
                }
                Step::Read { task } => {
                    for (id, times) in rig.fired(app(task)) {
                        let n = open.iter().position(|(_, known, _)| *known == id).expect("read once");
                        prop_assert!(open[n].0 == task && times >= 1);
                        if !open[n].2 {
                            prop_assert_eq!(times, 1);
                            open.swap_remove(n);
                        }
                    }
                }
                Step::Sleep { task, delay } => sleeps.push(rig.sleep(app(task), now.after(ms(delay)))),
                Step::Pass { span } => rig.0.run_until(now.after(ms(span))),
                _ => {}
            }
        }
        rig.0.run_until(rig.0.now().after(ms(100)));
        for task in 0..4 {
            let mut page = rig.fired(app(task));
            while !page.is_empty() {
                for (id, _) in page {
                    let n = open.iter().position(|(_, known, _)| *known == id).expect("read once");
                    if !open[n].2 {
                        open.swap_remove(n);
                    }
                }
                page = rig.fired(app(task));
            }
        }
        let left: Vec<_> = rig.list().iter().map(|timer| timer.task).collect();
        prop_assert!(open.iter().all(|(.., is_periodic)| *is_periodic));
        prop_assert_eq!(left.len(), open.len());
        for id in sleeps {
            prop_assert!(!rig.is_asleep(id));
        }
    }

    #[test]
    fn garbage_is_answered_and_nothing_panics(
        calls in proptest::collection::vec((0u32..30, proptest::collection::vec(any::<u8>(), 0..40)), 0..200),
        words in proptest::collection::vec((0u32..30, any::<[u64; 8]>(), 0u64..16), 0..200),
    ) {
        let mut rig = Rig::new();
        for (n, bytes) in calls {
            let id = rig.0.send(rig::by(ServiceId(n), n), &bytes, None);
            prop_assert!(rig.0.outcome(id).is_ok());
        }
        for (n, mut words, which) in words {
            words[0] = which;
            let id = rig.0.send_words(rig::by(ServiceId(n), n), words);
            prop_assert!(rig.0.outcome(id).is_ok());
        }
        rig.0.bits(u64::MAX);
    }
}
