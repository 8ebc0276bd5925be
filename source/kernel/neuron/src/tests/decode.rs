//! Every system call with registers nobody would choose: no panic, and a refusal that changes nothing.

use nexus_abi::{Call, Error, Handle, PAGE_SIZE, SpawnArgs};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::actor::{Actor, SYSTEM};
use super::image::{CODE, DATA};
use super::world::{APP, Counts, World};
use crate::smp::ECALL_LEN;
use crate::task::registers::Reg;

/// Calls that end a task or the machine.
fn ends(call: u64) -> bool {
    call == Call::TaskExit.to_wire() || call == Call::MachineExit.to_wire()
}

/// Calls whose refusal may have changed something: a reply to a dead caller is gone, and what was waited
/// for may have failed after it began.
fn may_change(call: u64) -> bool {
    let calls = [Call::Reply, Call::ReplyReceive, Call::Call, Call::VmoRevoke];
    calls.iter().any(|known| known.to_wire() == call)
}

/// A register: now and then something that makes sense.
fn register() -> impl Strategy<Value = u64> {
    let address = DATA as u64;
    prop_oneof![
        6 => 0_u64..8,
        6 => (0_u16..12, 1_u16..3).prop_map(|(index, generation)| Handle::new(index, generation).to_wire()),
        2 => (0_u16..12, 0_u16..12).prop_map(|(reply, at)| {
            Handle::new(reply, 1).to_wire() << 32 | Handle::new(at, 1).to_wire()
        }),
        4 => (0_u64..2 * PAGE_SIZE as u64).prop_map(move |offset| address + offset),
        2 => (0_u64..0x8000).prop_map(|value| value),
        1 => Just(CODE as u64),
        1 => (0_u32..64).prop_map(|bit| 1_u64 << bit),
        1 => (0_u32..64).prop_map(|bit| u64::MAX << bit),
        1 => any::<u64>(),
    ]
}

fn registers() -> impl Strategy<Value = (u64, [u64; 8], [u64; 5])> {
    let call = prop_oneof![20 => 0_u64..32, 1 => any::<u64>()];
    (call, prop::array::uniform8(register()), prop::array::uniform5(register()))
}

/// Everything that a refused call must leave as it was.
fn snapshot(world: &mut World, task: Actor) -> (Counts, u32, u32) {
    (world.counts(), world.handles(task), task.shared().account.objects())
}

/// A task with a little of everything: slot 1 the system, then endpoint, notification, VMO, child.
fn hostile(world: &mut World) -> Actor {
    let root = world.root;
    let mut args = SpawnArgs::new(APP);
    let rights = nexus_abi::Rights::ALL.to_wire() & !nexus_abi::Rights::POWER.to_wire();
    args.given[1] = world.make(root, Call::HandleCopy, &[SYSTEM.to_wire(), rights]);
    let (task, handle) = world.spawn_by(root, args).unwrap();
    world.syscall(root, Call::HandleClose, &[handle.to_wire()]).unwrap();
    world.make(task, Call::EndpointCreate, &[]);
    world.make(task, Call::NotificationCreate, &[]);
    world.make(task, Call::VmoCreate, &[40]);
    // All its memory is there from the start, so that a refusal cannot have made any of it.
    let stack = CODE - 17 * PAGE_SIZE;
    for page in (0..16).map(|page| stack + page * PAGE_SIZE).chain([DATA, DATA + PAGE_SIZE]) {
        world.poke(task, page, b"x");
    }
    task
}

fn attack(steps: &[(u64, [u64; 8], [u64; 5])]) {
    let mut world = World::with(2, 1024);
    let mut task = hostile(&mut world);
    for (call, words, temporaries) in steps {
        if task.is_dead() || task.waits() {
            world.bury(task);
            task = hostile(&mut world);
        }
        if ends(*call) {
            continue;
        }
        let before = snapshot(&mut world, task);
        let registers = task.registers();
        registers.set_words(*words);
        for (n, word) in words.iter().enumerate() {
            registers.set_arg(n, *word);
        }
        for (reg, value) in [Reg::T1, Reg::T2, Reg::T3, Reg::T4, Reg::T5].into_iter().zip(temporaries) {
            registers.set(reg, *value);
        }
        registers.set(Reg::T0, *call);
        registers.set(Reg::Pc, CODE as u64 + ECALL_LEN);
        crate::syscall::system_call(world.hart());
        world.interrupt_all();
        let done = !task.is_dead() && !task.waits() && task.registers().get(Reg::Pc) != CODE as u64;
        if done && task.result().is_err() && !may_change(*call) {
            let status = task.result();
            assert_eq!(snapshot(&mut world, task), before, "call {call} refused with {status:?}");
        }
    }
}

/// Deterministic: the same attacks in every run.
#[test]
fn random_registers_never_panic_and_refusals_change_nothing() {
    let config = Config { cases: 150, failure_persistence: None, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let steps = prop::collection::vec(registers(), 1..60);
    runner
        .run(&steps, |steps| {
            attack(&steps);
            Ok(())
        })
        .unwrap();
}

#[test]
fn unknown_calls_are_refused() {
    let mut world = World::new();
    let task = world.spawn();
    world.run(task);
    let first_unknown = Call::ALL.len() as u64;
    for number in [first_unknown, first_unknown + 1, 1 << 32, u64::MAX] {
        task.registers().set(Reg::T0, number);
        crate::syscall::system_call(world.hart());
        assert_eq!(task.result(), Err(Error::NoSuchCall));
    }
}
