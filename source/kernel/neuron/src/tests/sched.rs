//! What runs when and where: classes, slices, stealing, and harts that want something of each other.

use core::sync::atomic::Ordering;

use nexus_abi::info::{HartInfo, InfoKind, TaskInfo};
use nexus_abi::{Call, Error, HartMask, Nanos, QosClass, Rights, SpawnArgs};
use sched_policy::{FIRST_PART, starvation_bound};

use super::actor::SYSTEM;
use super::image::DATA;
use super::message::Message;
use super::world::{APP, TICK_NS, World};
use crate::arch;
use crate::ipc::notify;
use crate::sched::Outcome;
use crate::time::Ticks;

const MS: u64 = 1_000_000;

#[test]
fn a_higher_class_that_wakes_takes_the_hart_and_the_other_keeps_its_request() {
    let mut world = World::new();
    let (low, rival, high) = (world.spawn(), world.spawn(), world.spawn());
    world.begin(high, Call::Wait, &[0, MS]);
    world.set_class(high, QosClass::Interactive);
    world.begin(world.root, Call::Wait, &[0, u64::MAX]);
    world.run(rival);
    world.run(low);
    world.pass(MS);
    assert_eq!(world.current(), high);
    world.pass(MS);
    world.begin(high, Call::Wait, &[0, u64::MAX]);
    assert_eq!(world.current(), rival, "it has had nothing yet, and its deadline is the same");
    world.pass(2 * MS);
    assert_eq!(world.current(), low, "a millisecond of its request is left");
    world.pass(MS + TICK_NS);
    assert_eq!(world.current(), rival);
}

#[test]
fn a_turn_ends_only_when_somebody_of_the_class_waits() {
    let mut world = World::new();
    let (first, second) = (world.spawn(), world.spawn());
    world.begin(world.root, Call::Wait, &[0, u64::MAX]);
    world.run(second);
    world.run(first);
    world.pass(FIRST_PART.0);
    assert_eq!(world.current(), second, "its first part is as early");
    world.bury(second);
    world.run(first);
    world.interrupt(0);
    let bound = starvation_bound(QosClass::Idle).unwrap();
    assert_eq!(arch::timer(), bound.0 / TICK_NS, "alone in its class it gives way to a lower one only");
}

#[test]
fn a_task_stays_on_the_harts_it_may_use() {
    let mut world = World::with(4, 2048);
    let mut args = SpawnArgs::new(APP);
    args.affinity = HartMask(0b100);
    let (pinned, _) = world.spawn_by(world.root, args).unwrap();
    world.interrupt_all();
    assert_eq!(pinned.shared().hart(), 2);
    for round in 1..4 {
        world.begin(pinned, Call::Wait, &[0, round * MS]);
        world.pass(MS);
        assert_eq!((pinned.shared().hart(), pinned.waits()), (2, false));
    }
}

#[test]
fn surplus_is_given_away_on_request_but_never_against_affinity() {
    let mut world = World::with(2, 2048);
    let mut args = SpawnArgs::new(APP);
    args.affinity = HartMask(1);
    let (pinned, _) = world.spawn_by(world.root, args).unwrap();
    let (free, _) = world.spawn_by(world.root, SpawnArgs::new(APP)).unwrap();
    world.interrupt_all();
    for _ in 0..4 {
        world.hart_at(1).ask_for_surplus();
        world.interrupt(0);
        world.interrupt(1);
    }
    assert_eq!((pinned.shared().hart(), free.shared().hart()), (0, 1));
}

/// A hart whose bit says that it sleeps.
fn put_to_sleep(world: &World, hart: usize) {
    world.machine.idle.fetch_or(1 << hart, Ordering::Relaxed);
}

#[test]
fn only_urgent_or_pinned_tasks_wake_a_hart_that_sleeps() {
    for (class, affinity, hart) in [
        (QosClass::Idle, HartMask::ANY, 0),
        (QosClass::Normal, HartMask::ANY, 0),
        (QosClass::Normal, HartMask(0b10), 1),
        (QosClass::Interactive, HartMask::ANY, 1),
        (QosClass::PerfBurst, HartMask::ANY, 1),
    ] {
        let mut world = World::with(2, 2048);
        let (waiter, _) = world.spawn_by(world.root, SpawnArgs { affinity, ..SpawnArgs::new(APP) }).unwrap();
        world.interrupt_all();
        let bits = world.make(waiter, Call::NotificationCreate, &[]);
        let waker = world.spawn();
        let theirs = world.grant(waiter, bits, waker, Rights::NOTIFY);
        if affinity == HartMask::ANY {
            world.move_to(waiter, 1);
        }
        world.begin(waiter, Call::Wait, &[bits.to_wire(), u64::MAX]);
        waiter.shared().set_class(class);
        world.hart_at(0);
        put_to_sleep(&world, 1);
        world.syscall(waker, Call::Notify, &[theirs.to_wire(), 1]).unwrap();
        assert_eq!(waiter.shared().hart(), hart, "{class:?} {affinity:?}");
    }
}

#[test]
fn who_waits_behind_a_higher_class_is_offered_to_a_hart_that_sleeps() {
    let mut world = World::with(2, 2048);
    let (low, high) = (world.spawn(), world.spawn());
    world.begin(world.root, Call::Wait, &[0, u64::MAX]);
    world.set_class(high, QosClass::Interactive);
    world.run(low);
    put_to_sleep(&world, 1);
    world.run(high);
    world.pass(2 * MS - TICK_NS);
    assert_eq!((low.shared().hart(), world.hart_at(0).index()), (0, 0));
    put_to_sleep(&world, 1);
    world.pass(TICK_NS);
    assert_eq!(low.shared().hart(), 1, "after half a round");
}

#[test]
fn three_equal_tasks_share_two_harts() {
    let mut world = World::with(2, 2048);
    let tasks = [(); 3].map(|()| world.spawn());
    for (hart, task) in [(1, tasks[0]), (0, tasks[1])] {
        world.move_to(task, hart);
        world.run(task);
        world.hush(1_000 * MS);
    }
    world.begin(world.root, Call::Wait, &[0, u64::MAX]);
    world.interrupt_all();
    world.charge_all();
    let before = tasks.map(|task| task.spent().run.0);
    for _ in 0..1_000 {
        world.pass(MS / 2);
    }
    world.charge_all();
    let ran = [0, 1, 2].map(|n| tasks[n].spent().run.0 - before[n]);
    let (least, most) = (ran.iter().min().unwrap(), ran.iter().max().unwrap());
    assert!(most - least <= 10 * MS / TICK_NS, "of a third of a second each: {ran:?}");
    assert_eq!(ran.iter().sum::<u64>(), 1_000 * MS / TICK_NS, "two harts, half a second");
    assert!(tasks.iter().all(|task| task.shared().history.read().0 >= 12), "they take turns at being alone");
    // The idle tasks come back.
    world.pass(1_000 * MS);
}

#[test]
fn messages_cross_harts_in_both_directions() {
    let mut world = World::with(2, 2048);
    let server = world.spawn();
    let at = world.make(server, Call::EndpointCreate, &[]);
    let mut args = SpawnArgs::new(APP);
    args.affinity = HartMask(2);
    let (client, _) = world.spawn_by(world.root, args).unwrap();
    world.interrupt_all();
    let to = world.grant(server, at, client, Rights::CALL);
    for round in 0..3 {
        world.message(client, Call::Call, Message::to(to, [round; 8]).until(Nanos(u64::MAX - 1)));
        let got = world.exchange(server, Call::Receive, Message::at(at)).unwrap();
        assert_eq!(got.words, [round; 8]);
        world.exchange(server, Call::Reply, Message::answer(got.reply, [round + 1; 8])).unwrap();
        world.interrupt_all();
        assert_eq!(client.incoming().map(|answer| answer.words), Ok([round + 1; 8]));
        assert_eq!(client.shared().hart(), 1);
    }
}

#[test]
fn a_task_that_runs_on_another_hart_dies_at_its_next_trap() {
    let mut world = World::with(2, 2048);
    let mut args = SpawnArgs::new(APP);
    args.affinity = HartMask(2);
    let root = world.root;
    let (victim, handle) = world.spawn_by(root, args).unwrap();
    world.run(victim);
    world.syscall(root, Call::TaskKill, &[handle.to_wire()]).unwrap();
    assert!(!victim.is_dead());
    world.interrupt(1);
    assert!(victim.is_dead());
}

/// Mail that comes as a hart falls asleep keeps it awake; the deadline of the task that has just begun to wait
/// must come all the same.
#[test]
fn a_hart_that_mail_keeps_from_sleeping_has_set_its_timer() {
    let mut world = World::with(2, 2048);
    world.hart_at(1);
    let (root, idler) = (world.root, world.current());
    let pinned =
        || SpawnArgs { affinity: HartMask(0b10), class: QosClass::Idle as u32, ..SpawnArgs::new(APP) };
    let (waiter, _) = world.spawn_by(root, pinned()).unwrap();
    let (guest, _) = world.spawn_by(root, pinned()).unwrap();
    world.interrupt_all();
    world.begin(idler, Call::Wait, &[0, 4 * MS]);
    world.run(waiter);
    world.run(guest);
    let on_its_way = world.hart().take_current().unwrap();
    world.hart().settle(Outcome::Blocked);
    assert_eq!(world.current(), waiter);
    let mut waiting = world.hart().take_current().unwrap();
    waiting.registers_mut().set_arg(0, 0);
    waiting.registers_mut().set_arg(1, 2 * MS);
    assert!(matches!(notify::wait(world.hart(), waiting), Outcome::Blocked));
    world.machine.harts[1].push_mail(on_its_way);
    assert!(world.hart().sleep());
    assert_eq!(world.current(), guest);
    assert_eq!(arch::timer(), (2 + 8) * MS / TICK_NS, "the end of its window");
    world.pass(2 * MS);
    assert_eq!(waiter.result(), Err(Error::TimedOut));
    world.pass(2 * MS);
}

#[test]
fn what_happens_to_a_task_is_counted() {
    let mut world = World::with(2, 2048);
    let (task, rival) = (world.spawn(), world.spawn());
    let history = || task.shared().history.read();
    let (moved, woken, _) = history();
    world.begin(task, Call::Wait, &[0, MS]);
    world.pass(MS);
    world.run(rival);
    world.run(task);
    assert_eq!(history().0, moved);
    assert_eq!(history().1, woken + 1);
    world.run(rival);
    world.move_to(rival, task.shared().hart());
    let hart = task.shared().hart();
    world.run(task);
    assert_eq!((task.shared().hart(), rival.shared().hart()), (hart, hart));
    world.run(rival);
    world.pass(30 * MS);
    world.run(task);
    assert_eq!(history().2, Ticks(30 * MS / TICK_NS), "while the other ran out of its turn");
}

/// CPU time of every task there is, as people see it.
fn cpu_times(world: &mut World) -> std::vec::Vec<u64> {
    let at = DATA + core::mem::offset_of!(TaskInfo, cpu_ns);
    let args = |slot| [SYSTEM.to_wire(), InfoKind::Task as u64, slot, DATA as u64, 1024];
    let root = world.root;
    let slots = 0..u64::from(world.counts().tasks);
    slots
        .map(|slot| {
            world.syscall(root, Call::Info, &args(slot)).unwrap();
            u64::from_le_bytes(world.peek(root, at, 8).try_into().unwrap())
        })
        .collect()
}

#[test]
fn the_time_until_the_first_task_is_nobodys_and_no_work() {
    const BOOT_TICKS: u64 = 120_000;
    let mut world = World::booted_at(BOOT_TICKS, 2, 2048);
    assert_eq!(cpu_times(&mut world), [0, 0, 0], "the clock has stood still since the first task");
    arch::set_ticks(BOOT_TICKS + 70);
    let times = cpu_times(&mut world);
    assert_eq!(times.iter().sum::<u64>(), 2 * 70 * TICK_NS, "each hart ran something: {times:?}");
    let root = world.root;
    for hart in 0..2 {
        let args = [SYSTEM.to_wire(), InfoKind::Hart as u64, hart, DATA as u64, 1024];
        world.syscall(root, Call::Info, &args).unwrap();
        let busy = world.peek(root, DATA + core::mem::offset_of!(HartInfo, busy_ns), 8);
        assert_eq!(u64::from_le_bytes(busy.try_into().unwrap()), 70 * TICK_NS, "hart {hart}");
    }
}
