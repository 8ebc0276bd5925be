//! Floating-point registers stay each task's own, whatever comes between two of its instructions.

use nexus_abi::{Call, ExitReason, HartMask, Rights, SpawnArgs};

use super::actor::Actor;
use super::world::{APP, World};
use crate::arch::{self, Trap};
use crate::syscall;

const MS: u64 = 1_000_000;
const ILLEGAL: Trap = Trap::Illegal { cause: 2, value: 0 };

/// The task, in its turn, puts a value into its register.
fn compute(world: &mut World, task: Actor, value: u64) {
    world.run(task);
    if arch::fpu_register().is_none() {
        syscall::trap(world.hart(), ILLEGAL);
    }
    arch::set_fpu_register(value);
}

/// What the task, in its turn, finds in its register.
fn found(world: &mut World, task: Actor) -> Option<u64> {
    world.run(task);
    arch::fpu_register()
}

#[test]
fn tasks_that_take_turns_keep_their_registers_and_others_have_none() {
    let mut world = World::new();
    let (one, two, plain) = (world.spawn(), world.spawn(), world.spawn());
    compute(&mut world, one, 1);
    compute(&mut world, two, 2);
    for _ in 0..2 {
        assert_eq!(found(&mut world, one), Some(1));
        assert_eq!(found(&mut world, plain), None);
        assert_eq!(found(&mut world, two), Some(2));
    }
}

#[test]
fn an_instruction_that_does_not_exist_ends_the_task_once_the_unit_is_on() {
    let mut world = World::new();
    let task = world.spawn();
    compute(&mut world, task, 1);
    syscall::trap(world.hart(), ILLEGAL);
    assert!(matches!(world.bury(task), ExitReason::Fault { cause: 2, .. }));
}

#[test]
fn a_task_that_wakes_by_its_deadline_takes_nothing_from_who_runs() {
    let mut world = World::new();
    let (sleeper, runner) = (world.spawn(), world.spawn());
    compute(&mut world, sleeper, 1);
    world.begin(sleeper, Call::Wait, &[0, MS]);
    compute(&mut world, runner, 2);
    world.pass(MS);
    assert!(!sleeper.waits());
    assert_eq!(found(&mut world, runner), Some(2));
    assert_eq!(found(&mut world, sleeper), Some(1));
    assert_eq!(found(&mut world, runner), Some(2));
}

#[test]
fn mail_for_a_hart_takes_nothing_from_who_runs_there() {
    let mut world = World::with(2, 2048);
    let (runner, waker) = (world.spawn(), world.spawn());
    let (waiter, _) =
        world.spawn_by(world.root, SpawnArgs { affinity: HartMask(1), ..SpawnArgs::new(APP) }).unwrap();
    world.interrupt_all();
    let bits = world.make(waiter, Call::NotificationCreate, &[]);
    let theirs = world.grant(waiter, bits, waker, Rights::NOTIFY);
    world.move_to(waker, 1);
    compute(&mut world, waiter, 1);
    world.begin(waiter, Call::Wait, &[bits.to_wire(), u64::MAX]);
    compute(&mut world, runner, 2);
    world.syscall(waker, Call::Notify, &[theirs.to_wire(), 1]).unwrap();
    assert_eq!(waiter.shared().hart(), 0, "its only hart, where somebody runs");
    world.interrupt(0);
    assert_eq!(found(&mut world, runner), Some(2));
    assert_eq!(found(&mut world, waiter), Some(1));
    assert_eq!(found(&mut world, runner), Some(2));
}

#[test]
fn a_task_that_waits_leaves_the_unit_off() {
    let mut world = World::new();
    let task = world.spawn();
    compute(&mut world, task, 1);
    let token = world.hart().take_current().unwrap();
    world.hart().before_waiting(&token, nexus_abi::Nanos::NEVER);
    assert_eq!(arch::fpu_register(), None, "whoever runs next without another look cannot read it");
    world.hart().settle(crate::sched::Outcome::Yield(token));
    assert_eq!(found(&mut world, task), Some(1));
}
