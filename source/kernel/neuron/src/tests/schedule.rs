//! `sched_set` and `sched_get`: who may set what for whom, what is stored, and that a task goes where it may
//! run. State is unchanged after every refusal.

use nexus_abi::{AffinityPolicy, Call, Error, Nanos, SchedField, SpawnArgs, TaskId};

use super::actor::Actor;
use super::world::{APP, World};

const SHARES: SchedField = SchedField::Shares;
const LATENCY: SchedField = SchedField::LatencyMs;
const BURST: SchedField = SchedField::BurstMs;
const AFFINITY: SchedField = SchedField::Affinity;
const PIN: u64 = AffinityPolicy::Pin as u64;
const PREFER: u64 = AffinityPolicy::Prefer as u64;
const ANY: u64 = AffinityPolicy::Any as u64;
const MS: u64 = 1_000_000;

fn set(world: &mut World, by: Actor, target: TaskId, field: SchedField, value: u64) -> Result<u64, Error> {
    let args = [target.to_wire(), field.to_wire(), value, 0];
    world.syscall(by, Call::SchedSet, &args).map(|(stored, _)| stored)
}

fn place(world: &mut World, by: Actor, target: Actor, harts: u64, policy: u64) -> Result<(u64, u64), Error> {
    world.syscall(by, Call::SchedSet, &[target.id().to_wire(), AFFINITY.to_wire(), harts, policy])
}

fn get(world: &mut World, by: Actor, target: Actor, field: SchedField) -> Result<u64, Error> {
    world.syscall(by, Call::SchedGet, &[target.id().to_wire(), field.to_wire()]).map(|(value, _)| value)
}

/// Everything, as the task itself reads it.
fn all(world: &mut World, task: Actor) -> [(u64, u64); 4] {
    SchedField::ALL
        .map(|field| world.syscall(task, Call::SchedGet, &[TaskId::NONE.to_wire(), field.to_wire()]).unwrap())
}

const DEFAULTS: [(u64, u64); 4] = [(u64::MAX, ANY), (100, 0), (0, 0), (0, 0)];

#[test]
fn numbers_are_stored_as_the_nearest_in_range_and_answered() {
    let mut world = World::new();
    let (root, task) = (world.root, world.spawn());
    let table = [
        (SHARES, [(1, 1), (500, 500), (1000, 1000), (1001, 1000), (u64::MAX, 1000)].as_slice()),
        (LATENCY, &[(0, 0), (1, 1), (1000, 1000), (1001, 1000), (u64::MAX, 1000)]),
        (BURST, &[(0, 0), (1, 1), (100, 100), (101, 100), (u64::MAX, 100)]),
    ];
    for (field, rows) in table {
        for (asked, stored) in rows {
            assert_eq!(set(&mut world, root, task.id(), field, *asked), Ok(*stored), "{field:?} {asked}");
            assert_eq!(get(&mut world, root, task, field), Ok(*stored));
        }
    }
}

#[test]
fn test_reject_sched_set_invalid() {
    let mut world = World::with(2, 2048);
    let (root, task) = (world.root, world.spawn());
    let id = task.id().to_wire();
    let gone = world.spawn();
    world.bury(gone);
    let wrong: [&[u64]; 8] = [
        &[id, 4, 1, 0],
        &[id, u64::MAX, 1, 0],
        &[id, SHARES.to_wire(), 0, 0],
        &[id, AFFINITY.to_wire(), 0, PIN],
        &[id, AFFINITY.to_wire(), 0b100, PIN],
        &[id, AFFINITY.to_wire(), 1, 3],
        &[gone.id().to_wire(), SHARES.to_wire(), 1, 0],
        &[u64::MAX, SHARES.to_wire(), 1, 0],
    ];
    for args in wrong {
        assert_eq!(world.syscall(root, Call::SchedSet, args), Err(Error::Invalid), "{args:?}");
        assert_eq!(all(&mut world, task), DEFAULTS);
    }
}

#[test]
fn test_reject_sched_set_unauthorized_other_pid() {
    let mut world = World::new();
    let (task, other) = (world.spawn(), world.spawn());
    for field in [SHARES, LATENCY, BURST] {
        assert_eq!(set(&mut world, task, other.id(), field, 1), Err(Error::Denied));
        assert_eq!(get(&mut world, task, other, field), Err(Error::Denied));
    }
    assert_eq!(place(&mut world, task, other, 1, PIN), Err(Error::Denied));
    assert_eq!(all(&mut world, other), DEFAULTS);
}

#[test]
fn test_reject_sched_set_unauthorized_self_raise() {
    let mut world = World::with(2, 2048);
    let (root, task) = (world.root, world.spawn());
    for (field, at, more, less) in [(SHARES, 50, 51, 49), (LATENCY, 20, 19, 21), (BURST, 3, 4, 2)] {
        set(&mut world, root, task.id(), field, at).unwrap();
        assert_eq!(set(&mut world, task, TaskId::NONE, field, more), Err(Error::Denied), "{field:?}");
        assert_eq!(get(&mut world, root, task, field), Ok(at));
        assert_eq!(set(&mut world, task, task.id(), field, less), Ok(less));
    }
    assert_eq!(place(&mut world, task, task, 0b01, PIN), Ok((0b01, PIN)));
    assert_eq!(place(&mut world, task, task, 0b11, PIN), Err(Error::Denied), "never wider again");
    assert_eq!(place(&mut world, task, task, 0b01, ANY), Err(Error::Denied));
    assert_eq!(place(&mut world, root, task, 0b01, ANY), Ok((u64::MAX, ANY)));
}

#[test]
fn no_hint_means_patience_and_ordinary_slices() {
    let mut world = World::new();
    let (root, task) = (world.root, world.spawn());
    assert_eq!(set(&mut world, task, TaskId::NONE, LATENCY, 1000), Err(Error::Denied), "sooner than never");
    assert_eq!(set(&mut world, task, TaskId::NONE, BURST, 5), Err(Error::Denied), "longer than 4 ms");
    assert_eq!(set(&mut world, task, TaskId::NONE, BURST, 4), Ok(4));
    set(&mut world, root, task.id(), LATENCY, 7).unwrap();
    assert_eq!(set(&mut world, task, TaskId::NONE, LATENCY, 0), Ok(0));
}

#[test]
fn fields_are_the_tasks_own_and_die_with_it() {
    let mut world = World::new();
    let (root, task) = (world.root, world.spawn());
    set(&mut world, root, task.id(), SHARES, 700).unwrap();
    set(&mut world, root, task.id(), BURST, 9).unwrap();
    let child = world.spawn_by(root, SpawnArgs::new(APP)).unwrap().0;
    assert_eq!(all(&mut world, child), DEFAULTS, "nothing is inherited");
    world.bury(task);
    let next = world.spawn();
    assert_eq!(all(&mut world, next), DEFAULTS, "nothing stays behind");
}

#[test]
fn harts_that_are_not_online_are_dropped_from_the_mask() {
    let mut world = World::with(2, 2048);
    let (root, task) = (world.root, world.spawn());
    assert_eq!(place(&mut world, root, task, 0b1110, PIN), Ok((0b10, PIN)));
    assert_eq!(place(&mut world, root, task, u64::MAX, PREFER), Ok((0b11, PREFER)));
}

/// Every ready task has its turn, and what goes to another hart arrives.
fn turns(world: &mut World) {
    for index in [0, 1].into_iter().cycle().take(8) {
        world.pass(MS);
        world.hart_at(index);
        world.rotate();
    }
}

#[test]
fn a_ready_task_leaves_a_hart_that_it_may_not_run_on() {
    let mut world = World::with(2, 2048);
    let (root, task) = (world.root, world.spawn());
    for home in [1, 0, 1] {
        place(&mut world, root, task, 1 << home, PIN).unwrap();
        turns(&mut world);
        assert_eq!(task.shared().hart(), home as usize);
        world.run(task);
        assert_eq!(world.here(), home as usize);
    }
}

#[test]
fn a_running_task_is_gone_from_its_hart_as_soon_as_that_is_interrupted() {
    let mut world = World::with(2, 2048);
    let (root, task) = (world.root, world.spawn());
    place(&mut world, root, root, 0b01, PIN).unwrap();
    place(&mut world, root, task, 0b10, PIN).unwrap();
    turns(&mut world);
    world.run(task);
    assert_eq!(world.here(), 1);
    world.run(root);
    place(&mut world, root, task, 0b01, PIN).unwrap();
    world.interrupt(1);
    assert_ne!(world.current(), task);
    world.interrupt(0);
    assert_eq!(task.shared().hart(), 0);
}

/// Its hart finishes what it does for the task before it looks at the interrupt.
#[test]
fn a_task_moved_away_while_it_unmaps_leaves_no_translations_that_seem_good() {
    let mut world = World::with(2, 2048);
    let task = world.spawn();
    let vmo = world.make(task, Call::VmoCreate, &[1]);
    let rights = (nexus_abi::Rights::READ | nexus_abi::Rights::WRITE).to_wire();
    let (at, _) = world.syscall(task, Call::VmoMap, &[vmo.to_wire(), 0, 1, rights, 0]).unwrap();
    world.run(task);
    let away = 1 - task.shared().hart();
    task.shared().set_affinity(nexus_abi::Affinity {
        harts: nexus_abi::HartMask::only(away),
        policy: AffinityPolicy::Pin,
    });
    let registers = task.registers();
    registers.set(crate::task::registers::Reg::T0, Call::VmUnmap.to_wire());
    registers.set_arg(0, at);
    crate::syscall::system_call(world.hart());
    turns(&mut world);
    assert_eq!(task.shared().hart(), away);
    let good_on = task.shared().tlb_ok.load(core::sync::atomic::Ordering::Relaxed);
    assert_eq!(good_on & !(1 << away), 0, "a fast path would run it there");
}

#[test]
fn a_task_that_places_itself_elsewhere_is_there_when_its_call_returns() {
    let mut world = World::with(2, 2048);
    let task = world.spawn();
    let away = 1 - task.shared().hart();
    let args = [TaskId::NONE.to_wire(), AFFINITY.to_wire(), 1 << away, PIN];
    world.begin(task, Call::SchedSet, &args);
    world.interrupt_all();
    world.run(task);
    assert_eq!(world.here(), away);
    assert_eq!(task.result(), Ok((1 << away, PIN)));
}

#[test]
fn a_waiting_task_wakes_where_it_may_run() {
    let mut world = World::with(2, 2048);
    let (root, task) = (world.root, world.spawn());
    let at = world.make(task, Call::NotificationCreate, &[]);
    let to = world.grant(task, at, root, nexus_abi::Rights::NOTIFY);
    world.begin(task, Call::Wait, &[at.to_wire(), Nanos::NEVER.0]);
    let away = 1 - task.shared().hart();
    place(&mut world, root, task, 1 << away, PIN).unwrap();
    world.syscall(root, Call::Notify, &[to.to_wire(), 1]).unwrap();
    world.interrupt_all();
    assert_eq!(task.shared().hart(), away);
    assert_eq!(task.result(), Ok((1, 0)));
}

#[test]
fn service_is_in_the_ratio_of_shares() {
    let mut world = World::new();
    let (root, task, rival) = (world.root, world.spawn(), world.spawn());
    set(&mut world, root, task.id(), SHARES, 300).unwrap();
    world.begin(root, Call::Wait, &[0, Nanos::NEVER.0]);
    world.run(task);
    let ran = |actor: Actor| actor.spent().run.0;
    let before = (ran(task), ran(rival));
    for _ in 0..1600 {
        world.pass(MS / 10);
    }
    let had = [ran(task) - before.0, ran(rival) - before.1].map(u64::cast_signed);
    let request = (3 * MS / super::world::TICK_NS).cast_signed();
    assert!((had[0] - 3 * had[1]).abs() <= request, "{had:?}");
    assert!(had[0] + had[1] >= 1_600_000 - request, "{had:?}: all of the time, as of the last switch");
}
