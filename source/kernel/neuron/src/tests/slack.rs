//! Slack: how late the kernel may wake a task, and how rarely it need wake the hart for it.

use std::vec::Vec;

use nexus_abi::spawn::SpawnFlags;
use nexus_abi::{Call, Error, HartMask, QosClass, SpawnArgs};

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
    task_at(world, class, flags, HartMask::ANY)
}

fn task_at(world: &mut World, class: QosClass, flags: SpawnFlags, affinity: HartMask) -> Actor {
    let args = SpawnArgs { class: class as u32, flags, affinity, ..SpawnArgs::new(APP) };
    world.spawn_by(world.root, args).unwrap().0
}

/// A Normal task that may use one hart only.
fn pinned(world: &mut World, hart: usize) -> Actor {
    let task = task_at(world, QosClass::Normal, SpawnFlags::NONE, HartMask(1 << hart));
    world.interrupt_all();
    task
}

fn sleep_until(world: &mut World, task: Actor, moment: u64) {
    world.begin(task, Call::Wait, &[0, moment]);
}

/// Lets the clock run until the hart's timer fires.
fn fire(world: &mut World) {
    arch::set_ticks(arch::timer());
    crate::syscall::trap(world.hart(), Trap::Interrupt);
}

/// When the timer of a hart fires, which is at hand from now on.
fn timer_of(world: &mut World, hart: usize) -> u64 {
    world.hart_at(hart);
    arch::timer()
}

/// Lets the clock run until a timer fires, and all of those fire that are set to that moment: of which harts.
fn fire_first(world: &mut World, harts: usize) -> Vec<usize> {
    let timers: Vec<u64> = (0..harts).map(|hart| timer_of(world, hart)).collect();
    let first = *timers.iter().min().unwrap();
    assert!(first > arch::ticks(), "a timer that has fired is set anew");
    arch::set_ticks(first);
    let fired: Vec<usize> = (0..harts).filter(|hart| timers[*hart] == first).collect();
    for hart in &fired {
        crate::syscall::trap(world.hart_at(*hart), Trap::Interrupt);
    }
    fired
}

fn timer_irqs(world: &World) -> u64 {
    timer_irqs_of(world, 0)
}

fn timer_irqs_of(world: &World, hart: usize) -> u64 {
    let counters = world.machine.harts[hart].counters();
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

/// The same numbers everywhere.
fn random_from(mut seed: u64) -> impl FnMut(u64) -> u64 {
    move |below| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 20) % below
    }
}

/// Sets of sleepers of all classes, with and without the right to precise time: the timer fires as often as it must,
/// and each wakes in its window. On several harts that holds for each of them, and they wake together where they can.
#[test]
fn sleepers_cost_as_few_timer_interrupts_as_there_can_be() {
    let mut random = random_from(0x9e37_79b9_7f4a_7c15);
    let (mut moments, mut interrupts) = ([0; 4], [0; 4]);
    for round in 0..40 {
        let harts = [1, 1, 1, 3][round % 4];
        let mut world = World::with(harts, 2048);
        let mut sleepers = Vec::new();
        for n in 0..30 {
            let (class, slack) = CLASSES[random(4) as usize];
            let (flags, slack) =
                if random(8) == 0 { (SpawnFlags::PRECISE_TIME, 0) } else { (SpawnFlags::NONE, slack) };
            let task = task_at(&mut world, class, flags, HartMask(1 << (n % harts)));
            world.interrupt_all();
            let deadline = TICK_NS + random(60 * MS) / TICK_NS * TICK_NS;
            sleep_until(&mut world, task, deadline);
            sleepers.push((task, n % harts, (deadline, deadline + slack)));
        }
        let windows_of =
            |hart| sleepers.iter().filter(move |(_, at, _)| *at == hart).map(|(.., window)| *window);
        let least: Vec<u64> = (0..harts).map(|hart| fewest(windows_of(hart).collect())).collect();
        while !sleepers.is_empty() {
            let awake = fire_first(&mut world, harts);
            moments[harts] += 1;
            let now = arch::ticks() * TICK_NS;
            let (still, woken) = sleepers.into_iter().partition(|(task, ..)| task.waits());
            sleepers = still;
            for (task, _, (earliest, latest)) in woken as Vec<(Actor, usize, _)> {
                assert!(
                    (earliest..=latest).contains(&now),
                    "{task:?} at {now}, not in {earliest}..={latest}"
                );
                assert_eq!(task.result(), Err(Error::TimedOut));
                // It waits for good: nobody's turn must end.
                sleep_until(&mut world, task, u64::MAX);
            }
            let mut theirs = sleepers.iter().filter(|(_, at, _)| awake.contains(at));
            assert!(theirs.all(|(.., (earliest, _))| *earliest > now), "whoever is due wakes");
        }
        let fired: Vec<u64> = (0..harts).map(|hart| timer_irqs_of(&world, hart)).collect();
        assert_eq!(fired, least);
        interrupts[harts] += fired.iter().sum::<u64>();
    }
    assert_eq!(moments[1], interrupts[1]);
    assert!(moments[3] < interrupts[3], "{} of {}", moments[3], interrupts[3]);
}

#[test]
fn harts_wake_together_when_it_is_as_good() {
    let mut world = World::with(2, 2048);
    let [first, second, third] = [0, 1, 1].map(|hart| pinned(&mut world, hart));
    sleep_until(&mut world, first, 5 * MS);
    assert_eq!(timer_of(&mut world, 0), 9 * MS / TICK_NS);
    sleep_until(&mut world, second, 6 * MS);
    assert_eq!(timer_of(&mut world, 1), 9 * MS / TICK_NS, "it might sleep until 10");
    sleep_until(&mut world, third, 9 * MS + MS / 2);
    assert_eq!(timer_of(&mut world, 1), 10 * MS / TICK_NS, "or it would wake twice");
    fire_first(&mut world, 2);
    assert_eq!([first, second, third].map(|task| task.waits()), [false, true, true]);
    sleep_until(&mut world, first, u64::MAX);
    fire_first(&mut world, 2);
    assert_eq!((second.waits(), third.waits(), timer_irqs_of(&world, 1)), (false, false, 1));
}

#[test]
fn no_sleep_is_cut_by_more_than_an_eighth_to_wake_together() {
    for (deadline, moment) in [(6_285_700, 9 * MS), (6_285_800, 10_285_800)] {
        let mut world = World::with(2, 2048);
        let [first, second] = [0, 1].map(|hart| pinned(&mut world, hart));
        sleep_until(&mut world, first, 5 * MS);
        sleep_until(&mut world, second, deadline);
        assert_eq!(timer_of(&mut world, 1), moment / TICK_NS);
    }
}

#[test]
fn nobody_wakes_for_a_deadline_that_another_hart_no_longer_has() {
    let mut world = World::with(2, 2048);
    let [first, second] = [0, 1].map(|hart| pinned(&mut world, hart));
    sleep_until(&mut world, first, 5 * MS);
    world.bury(first);
    sleep_until(&mut world, second, 5 * MS + MS / 2);
    assert_eq!(timer_of(&mut world, 1), (9 * MS + MS / 2) / TICK_NS);
}

/// How often the timer of a hart fires on which a task sleeps anew from when it woke, or in a rhythm that is shorter than
/// its window, while another hart wakes every 6 ms if it `is_beside` one.
fn wakeups_in_300_ms(class: QosClass, is_beside: bool, next: impl Fn(u64, u64) -> u64) -> u64 {
    let mut world = World::with(2, 2048);
    let ticker = task_at(&mut world, QosClass::Normal, SpawnFlags::PRECISE_TIME, HartMask(1));
    let sleeper = task_at(&mut world, class, SpawnFlags::NONE, HartMask(2));
    world.interrupt_all();
    let (mut tick, mut due) = (if is_beside { 6 * MS } else { u64::MAX }, 4 * MS);
    sleep_until(&mut world, ticker, tick);
    sleep_until(&mut world, sleeper, due);
    while arch::ticks() * TICK_NS < 300 * MS {
        fire_first(&mut world, 2);
        if !ticker.waits() {
            tick += 6 * MS;
            sleep_until(&mut world, ticker, tick);
        }
        if !sleeper.waits() {
            due = next(due, arch::ticks() * TICK_NS);
            sleep_until(&mut world, sleeper, due);
        }
    }
    timer_irqs_of(&world, 1)
}

#[test]
fn waking_together_costs_a_seventh_at_most_whatever_tasks_do_then() {
    let rests = |_, now| now + 5 * MS;
    let keeps_time = |due: u64, now: u64| due + ((now - due) / (4 * MS) + 1) * 4 * MS;
    let alone = (
        wakeups_in_300_ms(QosClass::Normal, false, rests),
        wakeups_in_300_ms(QosClass::Idle, false, keeps_time),
    );
    let beside = (
        wakeups_in_300_ms(QosClass::Normal, true, rests),
        wakeups_in_300_ms(QosClass::Idle, true, keeps_time),
    );
    assert!(beside.0 * 7 <= alone.0 * 8 && beside.1 * 7 <= alone.1 * 8, "{beside:?}, {alone:?} alone");
}

/// Three harts, all classes, interrupts at any moment, and everybody sleeps again and again.
#[test]
fn whoever_wakes_with_whom_nobody_is_early_or_late() {
    for seed in 1..12 {
        let mut random = random_from(0x9e37_79b9_7f4a_7c15 ^ seed << 20);
        let mut world = World::with(3, 2048);
        let mut sleepers = Vec::new();
        for n in 0..12 {
            let (class, slack) = CLASSES[random(4) as usize];
            let (flags, slack) =
                if random(8) == 0 { (SpawnFlags::PRECISE_TIME, 0) } else { (SpawnFlags::NONE, slack) };
            let task = task_at(&mut world, class, flags, HartMask(1 << (n % 3)));
            world.interrupt_all();
            let deadline = TICK_NS + random(20 * MS) / TICK_NS * TICK_NS;
            sleep_until(&mut world, task, deadline);
            sleepers.push((task, deadline, slack));
        }
        for _ in 0..600 {
            if random(3) == 0 {
                let first = (0..3).map(|hart| timer_of(&mut world, hart)).min().unwrap();
                arch::set_ticks(arch::ticks() + random(first - arch::ticks()));
                world.interrupt(random(3) as usize);
            } else {
                fire_first(&mut world, 3);
            }
            let now = arch::ticks() * TICK_NS;
            for (task, deadline, slack) in &mut sleepers {
                if task.waits() {
                    assert!(now < *deadline + *slack, "{task:?} sleeps on");
                } else {
                    assert!((*deadline..=*deadline + *slack).contains(&now), "{task:?} at {now}");
                    *deadline = now + TICK_NS + random(20 * MS) / TICK_NS * TICK_NS;
                    sleep_until(&mut world, *task, *deadline);
                }
            }
        }
    }
}
