//! As few wake-ups as brute force finds, for small sets all of them, for large ones at random; the machine itself
//! checks every wake-up of every run.

#![expect(clippy::expect_used, reason = "a helper of tests may expect like a test")]

mod machine;

use machine::{EXACT, Machine, Random, most_disjoint, ms, task};
use nexus_abi::{Nanos, QosClass};
use proptest::prelude::*;
use timer_coalescer::{Ask, Period, Timers};

/// A timer of an enumeration: set at `set`, due from `from` to `to`, cancelled at a moment in between, if at all.
#[derive(Clone, Copy, Debug)]
struct Plan {
    set: u64,
    from: u64,
    to: u64,
    cancelled: Option<u64>,
}

impl Plan {
    const fn known_before(from: u64, to: u64) -> Self {
        Self { set: 0, from, to, cancelled: None }
    }

    /// Whether waking at these moments (a bit each) keeps its promise.
    fn is_met(&self, wakeups: u32) -> bool {
        self.cancelled.is_some() || (self.from..=self.to).any(|moment| wakeups >> moment & 1 == 1)
    }
}

/// The fewest wake-ups that keep all promises, with all that is to come known; awake at the moments `free` anyway.
fn clairvoyant_minimum(plans: &[Plan], moments: u32, free: u32) -> u64 {
    let keeps_all = |wakeups: &u32| plans.iter().all(|plan| plan.is_met(wakeups | free));
    (0..1 << moments).filter(keeps_all).map(u32::count_ones).min().expect("waking always does").into()
}

/// What the machine does on being told something.
#[derive(Clone, Copy, PartialEq)]
enum OnEvent {
    FiresWhatIsDue,
    FiresNothing,
}

/// The machine's wake-ups for these plans, each told when it is set and not before.
fn wakeups(plans: &[Plan], moments: u64, on_event: OnEvent) -> u64 {
    let mut machine = Machine::with(Timers::with_capacity(plans.len()));
    let mut ids = vec![None; plans.len()];
    for moment in 0..moments {
        // Who is told something at a moment hears it before waking up for that moment.
        machine.run_until(Nanos(moment.saturating_sub(1)));
        machine.now = Nanos(moment);
        for (n, plan) in (0..).zip(plans) {
            if plan.set == moment {
                let ask = Ask::at(Nanos(plan.from)).late_by(Nanos(plan.to - plan.from));
                ids[n] = Some(machine.set(task(n as u32), EXACT, ask));
            }
            if plan.cancelled == Some(moment)
                && let Some(id) = ids[n]
            {
                machine.cancel(task(n as u32), id);
            }
        }
        if on_event == OnEvent::FiresWhatIsDue && free_moments(plans) >> moment & 1 == 1 {
            machine.look();
        }
    }
    machine.run_until(Nanos(moments));
    let kept = plans.iter().filter(|plan| plan.cancelled.is_none()).count();
    assert!(machine.fired.len() >= kept && machine.timers.is_empty());
    machine.wakeups
}

/// The moments at which the machine is told something.
fn free_moments(plans: &[Plan]) -> u32 {
    plans
        .iter()
        .flat_map(|plan| [Some(plan.set), plan.cancelled])
        .flatten()
        .fold(0, |bits, at| bits | 1 << at)
}

/// Calls `check` with every choice of `count` of the plans, repetition allowed, order left aside.
fn every_choice(plans: &[Plan], count: usize, chosen: &mut Vec<Plan>, check: &mut impl FnMut(&[Plan])) {
    if chosen.len() == count {
        return check(chosen);
    }
    for (n, plan) in plans.iter().enumerate() {
        chosen.push(*plan);
        every_choice(&plans[n..], count, chosen, check);
        chosen.pop();
    }
}

#[test]
fn every_small_set_known_in_advance_takes_the_brute_force_minimum() {
    const MOMENTS: u64 = 6;
    let windows: Vec<_> =
        (0..MOMENTS).flat_map(|from| (from..MOMENTS).map(move |to| Plan::known_before(from, to))).collect();
    let mut sets = 0;
    for count in 1..=4 {
        every_choice(&windows, count, &mut Vec::new(), &mut |plans| {
            let expected = clairvoyant_minimum(plans, MOMENTS as u32, 0);
            assert_eq!(wakeups(plans, MOMENTS, OnEvent::FiresNothing), expected, "{plans:?}");
            sets += 1;
        });
    }
    assert_eq!(sets, 21 + 231 + 1771 + 10_626);
}

/// Timers that come and go while others wait: still no more than if all had been known from the beginning.
#[test]
fn every_small_history_takes_no_more_than_one_who_knows_the_future() {
    const MOMENTS: u64 = 4;
    let mut plans = Vec::new();
    for set in 0..MOMENTS {
        for from in set..MOMENTS {
            for to in from..MOMENTS {
                let cancels = (set + 1..=to).map(Some);
                plans.extend([None].into_iter().chain(cancels).map(|cancelled| Plan {
                    set,
                    from,
                    to,
                    cancelled,
                }));
            }
        }
    }
    let mut histories = 0;
    every_choice(&plans, 3, &mut Vec::new(), &mut |plans| {
        let expected = clairvoyant_minimum(plans, MOMENTS as u32, 0);
        assert_eq!(wakeups(plans, MOMENTS, OnEvent::FiresNothing), expected, "{plans:?}");
        let free = free_moments(plans);
        let expected = clairvoyant_minimum(plans, MOMENTS as u32, free);
        assert_eq!(wakeups(plans, MOMENTS, OnEvent::FiresWhatIsDue), expected, "{plans:?}");
        histories += 1;
    });
    assert_eq!(plans.len(), 50, "20 windows and the moments in them");
    assert_eq!(histories, 50 * 51 * 52 / 6);
}

proptest! {
    #[test]
    fn large_sets_known_in_advance_take_as_many_wakeups_as_they_have_disjoint_windows(
        windows in proptest::collection::vec((0u64..1_000, 0u64..60), 1..300),
    ) {
        let mut machine = Machine::new();
        for (n, (due, width)) in (0..).zip(&windows) {
            machine.set(task(n / 64), EXACT, Ask::at(Nanos(*due)).late_by(Nanos(*width)));
        }
        machine.run_until(Nanos(2_000));
        prop_assert_eq!(machine.fired.len(), windows.len());
        let mut windows: Vec<_> = windows.iter().map(|(due, width)| (*due, due + width)).collect();
        prop_assert_eq!(machine.wakeups, most_disjoint(&mut windows));
    }

    #[test]
    fn periodic_sets_take_as_many_wakeups_as_they_have_disjoint_windows(
        timers in proptest::collection::vec((0u64..50, 1u64..50, 0u64..50), 1..12),
    ) {
        const END: u64 = 1_000;
        let mut machine = Machine::new();
        let mut windows = Vec::new();
        for (n, (first, period, width)) in (0..).zip(timers) {
            let every = Period::new(Nanos(period)).expect("not zero");
            machine.set(task(n), EXACT, Ask::at(Nanos(first)).every(every).late_by(Nanos(width)));
            let occurrences = (0..).map(|k| first + k * period).map(|due| (due, due + width));
            windows.extend(occurrences.take_while(|(_, latest)| *latest <= END));
        }
        machine.run_until(Nanos(END));
        prop_assert_eq!(machine.wakeups, most_disjoint(&mut windows));
    }
}

/// 200 tasks, 20 times a second each, for 10 seconds: wake-ups with windows of this width.
fn two_hundred_tasks_at_20_hz(width: Nanos) -> u64 {
    let mut random = Random::seeded(13);
    let mut machine = Machine::new();
    let period = Period::new(ms(50)).expect("not zero");
    for number in 0..200 {
        let phase = Nanos(random.below(ms(50).0));
        machine.set(task(number), EXACT, Ask::at(phase).every(period).late_by(width));
    }
    machine.run_until(ms(10_000));
    machine.wakeups
}

#[test]
fn two_hundred_tasks_at_20_hz_take_few_wakeups() {
    assert_eq!([50, 4].map(|width| two_hundred_tasks_at_20_hz(ms(width))), [199, 2_333]);
}

/// Rounding deadlines up to a grid is not good enough: what it costs on the same set.
#[test]
fn a_grid_costs_more_wakeups_than_windows_do() {
    const WIDTH: u64 = 4;
    let mut random = Random::seeded(7);
    let mut machine = Machine::new();
    let mut on_grid = std::collections::BTreeSet::new();
    for n in 0..2_000 {
        let due = random.below(20_000);
        machine.set(task(n / 64), QosClass::PerfBurst, Ask::at(Nanos(due)).late_by(Nanos(WIDTH)));
        on_grid.insert(due.div_ceil(WIDTH));
    }
    machine.run_until(Nanos(30_000));
    assert_eq!((machine.wakeups, on_grid.len()), (1_393, 1_680));
}
