//! Slack: how late the kernel may wake a task, and how rarely it need wake the hart for it.

use std::vec::Vec;

use nexus_abi::spawn::SpawnFlags;
use nexus_abi::{Call, Error, QosClass, SpawnArgs};

use super::actor::Actor;
use super::world::{APP, TICK_NS, World};
use crate::arch::{self, Trap};

const MS: u64 = 1_000_000;
/// What every task of a class has, whoever it is.
const CLASSES: [(QosClass, u64); 4] = [
    (QosClass::PerfBurst, 0),
    (QosClass::Interactive, MS),
    (QosClass::Normal, 4 * MS),
    (QosClass::Idle, 8 * MS),
];

fn task_of(world: &mut World, class: QosClass, flags: SpawnFlags) -> Actor {
    let args = SpawnArgs { class: class as u32, flags, ..SpawnArgs::new(APP) };
    world.spawn_by(world.root, args).unwrap().0
}

fn sleep_until(world: &mut World, task: Actor, moment: u64) {
    world.begin(task, Call::Wait, &[0, moment]);
}

/// Lets the clock run until the hart's timer fires.
fn fire(world: &mut World) {
    arch::set_ticks(arch::timer());
    crate::syscall::trap(world.hart(), Trap::Interrupt);
}

fn timer_irqs(world: &World) -> u64 {
    let counters = world.machine.harts[0].counters();
    counters.timer_irqs.load(core::sync::atomic::Ordering::Relaxed)
}

#[test]
fn the_hart_wakes_at_the_end_of_the_window_and_not_before_nor_later() {
    for (class, slack) in CLASSES {
        for (flags, slack) in [(SpawnFlags::NONE, slack), (SpawnFlags::PRECISE_TIME, 0)] {
            let mut world = World::new();
            let task = task_of(&mut world, class, flags);
            // Between two ticks: the deadline is rounded up, the end of the window down.
            sleep_until(&mut world, task, 5 * MS + 1);
            let last = ((5 * MS + 1 + slack) / TICK_NS).max(5 * MS / TICK_NS + 1);
            assert_eq!(arch::timer(), last, "{class:?} {flags:?}");
            fire(&mut world);
            assert_eq!(task.result(), Err(Error::TimedOut), "{class:?} {flags:?}");
        }
    }
}

#[test]
fn a_hart_that_is_interrupted_wakes_whoever_is_due_and_nobody_else() {
    let mut world = World::new();
    let [due, soon] = [(); 2].map(|()| world.spawn());
    sleep_until(&mut world, due, 5 * MS);
    sleep_until(&mut world, soon, 5 * MS + 1);
    arch::set_ticks(5 * MS / TICK_NS - 1);
    world.interrupt(0);
    assert!(due.waits(), "never early, whoever is awake");
    arch::set_ticks(5 * MS / TICK_NS);
    world.interrupt(0);
    assert_eq!(due.result(), Err(Error::TimedOut));
    assert!(soon.waits());
    assert_eq!(timer_irqs(&world), 0);
    sleep_until(&mut world, due, u64::MAX);
    assert_eq!(arch::timer(), (9 * MS + 1) / TICK_NS, "for the one that is left");
}

#[test]
fn a_hart_wakes_whoever_is_due_before_it_sleeps() {
    let mut world = World::new();
    let (sleeper, last) = (world.spawn(), world.spawn());
    let root = world.root;
    let bits = world.make(root, Call::NotificationCreate, &[]);
    sleep_until(&mut world, sleeper, MS);
    world.hush(20 * MS);
    world.begin(root, Call::Wait, &[bits.to_wire(), 20 * MS]);
    world.run(last);
    arch::set_ticks(MS / TICK_NS);
    sleep_until(&mut world, last, 20 * MS);
    assert_eq!(world.current(), sleeper);
    assert_eq!((sleeper.result(), timer_irqs(&world)), (Err(Error::TimedOut), 0));
    world.pass(20 * MS);
}

#[test]
fn the_class_at_the_beginning_of_a_wait_says_how_late_it_may_end() {
    let mut world = World::new();
    let task = world.spawn();
    sleep_until(&mut world, task, MS);
    world.set_class(task, QosClass::PerfBurst);
    assert_eq!(arch::timer(), 5 * MS / TICK_NS);
    fire(&mut world);
    sleep_until(&mut world, task, 6 * MS);
    assert_eq!(arch::timer(), 6 * MS / TICK_NS);
    fire(&mut world);
    assert_eq!(task.result(), Err(Error::TimedOut));
}

/// The fewest moments that meet all windows: each one that is not met yet, at its end, first end first.
fn fewest(mut windows: Vec<(u64, u64)>) -> u64 {
    windows.sort_by_key(|(_, latest)| *latest);
    let (mut count, mut last) = (0, None);
    for (earliest, latest) in windows {
        if last.is_none_or(|last| earliest > last) {
            (count, last) = (count + 1, Some(latest));
        }
    }
    count
}

/// Sets of sleepers of all classes, with and without the right to precise time: the timer fires as often as it must,
/// and each wakes in its window.
#[test]
fn sleepers_cost_as_few_timer_interrupts_as_there_can_be() {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 20) % below
    };
    for _ in 0..30 {
        let mut world = World::new();
        let mut sleepers = Vec::new();
        for _ in 0..30 {
            let (class, slack) = CLASSES[random(4) as usize];
            let (flags, slack) =
                if random(8) == 0 { (SpawnFlags::PRECISE_TIME, 0) } else { (SpawnFlags::NONE, slack) };
            let task = task_of(&mut world, class, flags);
            let deadline = TICK_NS + random(60 * MS) / TICK_NS * TICK_NS;
            sleep_until(&mut world, task, deadline);
            sleepers.push((task, (deadline, deadline + slack)));
        }
        let least = fewest(sleepers.iter().map(|(_, window)| *window).collect());
        while !sleepers.is_empty() {
            fire(&mut world);
            let now = arch::ticks() * TICK_NS;
            let (still, woken) = sleepers.into_iter().partition(|(task, _)| task.waits());
            sleepers = still;
            for (task, (earliest, latest)) in woken as Vec<(Actor, _)> {
                assert!(
                    (earliest..=latest).contains(&now),
                    "{task:?} at {now}, not in {earliest}..={latest}"
                );
                assert_eq!(task.result(), Err(Error::TimedOut));
                // It waits for good: nobody's turn must end.
                sleep_until(&mut world, task, u64::MAX);
            }
            assert!(sleepers.iter().all(|(_, (earliest, _))| *earliest > now), "whoever is due wakes");
        }
        assert_eq!(timer_irqs(&world), least);
    }
}
