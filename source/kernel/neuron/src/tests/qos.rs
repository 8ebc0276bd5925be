//! `task_qos`: who may set whose class. State is unchanged after every refusal.

use nexus_abi::{Call, Error, QosClass, Rights, SpawnArgs, TaskId};

use super::actor::{Actor, SYSTEM};
use super::world::{APP, World};

const GET: u64 = 0;
const SET: u64 = 1;

fn set(world: &mut World, actor: Actor, target: TaskId, class: u64) -> Result<u64, Error> {
    world.syscall(actor, Call::TaskQos, &[SET, target.to_wire(), class]).map(|(class, _)| class)
}

fn class(world: &mut World, actor: Actor) -> QosClass {
    let (class, _) = world.syscall(actor, Call::TaskQos, &[GET, 99, 99]).unwrap();
    assert_eq!(QosClass::from_wire(class), Some(actor.shared().class()));
    actor.shared().class()
}

#[test]
fn a_new_task_is_normal_and_may_lower_itself() {
    let mut world = World::new();
    let task = world.spawn();
    assert_eq!(class(&mut world, task), QosClass::Normal);
    assert_eq!(set(&mut world, task, TaskId::NONE, 1), Ok(1), "equal is allowed");
    assert_eq!(set(&mut world, task, task.id(), 0), Ok(0));
    assert_eq!(task.shared().class(), QosClass::Idle);
}

#[test]
fn test_reject_qos_set_unauthorized_self_raise() {
    let mut world = World::new();
    let task = world.spawn();
    for target in [TaskId::NONE, task.id()] {
        for raised in [2, 3] {
            assert_eq!(set(&mut world, task, target, raised), Err(Error::Denied));
            assert_eq!(class(&mut world, task), QosClass::Normal);
        }
    }
}

#[test]
fn test_reject_qos_set_unauthorized_other_pid() {
    let mut world = World::new();
    let (task, other) = (world.spawn(), world.spawn());
    for wanted in 0..4 {
        assert_eq!(set(&mut world, task, other.id(), wanted), Err(Error::Denied));
        assert_eq!(other.shared().class(), QosClass::Normal);
    }
}

#[test]
fn test_reject_invalid_qos_class() {
    let mut world = World::new();
    let task = world.spawn();
    let privileged = world.root;
    for wrong in [4, 5, 255, 256, 1 << 32, u64::MAX] {
        assert_eq!(set(&mut world, task, TaskId::NONE, wrong), Err(Error::Invalid), "never clamped");
        assert_eq!(set(&mut world, privileged, task.id(), wrong), Err(Error::Invalid));
        assert_eq!(task.shared().class(), QosClass::Normal);
    }
}

#[test]
fn test_reject_invalid_qos_class_operation_and_target() {
    let mut world = World::new();
    let privileged = world.root;
    let task = world.spawn();
    for operation in [2, 3, u64::MAX] {
        assert_eq!(world.syscall(task, Call::TaskQos, &[operation, 0, 0]), Err(Error::Invalid));
    }
    let stale = TaskId::new(task.id().index(), task.id().generation() + 1);
    for nobody in [stale, TaskId::new(9999, 1), TaskId::from_wire(u64::MAX)] {
        assert_eq!(set(&mut world, privileged, nobody, 0), Err(Error::Invalid));
    }
    world.bury(task);
    assert_eq!(set(&mut world, privileged, task.id(), 0), Err(Error::Invalid), "the dead have no class");
}

#[test]
fn the_privileged_service_sets_any_class_and_the_target_is_queued_by_it() {
    let mut world = World::new();
    let (privileged, slow, fast) = (world.root, world.spawn(), world.spawn());
    assert_eq!(set(&mut world, privileged, fast.id(), 3), Ok(3));
    world.run(fast);
    world.rotate();
    assert_eq!(world.current(), fast, "a higher class runs as long as it can");
    world.begin(fast, Call::Wait, &[0, u64::MAX]);
    world.run(slow);
}

fn log(world: &World) -> std::string::String {
    let mut log = std::vec![0; 16 * 1024];
    let (len, _) = world.machine.console.lock().read_from(0, &mut log);
    std::string::String::from_utf8(log[..len].to_vec()).unwrap()
}

#[test]
fn who_guesses_at_ids_or_classes_is_in_the_audit() {
    let mut world = World::new();
    let (task, gone) = (world.spawn(), world.spawn());
    world.bury(gone);
    let (pid, dead) = (task.id().index(), gone.id().index());
    assert_eq!(set(&mut world, task, gone.id(), 3), Err(Error::Invalid));
    assert_eq!(set(&mut world, task, TaskId::NONE, 4), Err(Error::Invalid));
    assert_eq!(world.syscall(task, Call::TaskQos, &[2, 0, 0]), Err(Error::Invalid));
    assert_eq!(world.syscall(task, Call::SchedSet, &[gone.id().to_wire(), 1, 50, 0]), Err(Error::Invalid));
    let who = std::format!("decision=deny reason=invalid_args caller=app pid={pid}");
    let (at_gone, at_self) = (std::format!("target={dead}"), "target=0");
    let line = |kind: &str, target: &str| std::format!("{kind} {who} {target} from=none to=none");
    let expected = [
        line("QOS-AUDIT", &at_gone),
        line("QOS-AUDIT", at_self),
        line("QOS-AUDIT", at_self),
        line("SCHED-AUDIT", &at_gone),
    ];
    let text = log(&world);
    let seen: std::vec::Vec<_> = text.lines().filter(|line| line.contains("-AUDIT ")).collect();
    assert_eq!(seen, expected);
}

#[test]
fn a_spawn_that_is_refused_for_its_class_is_in_the_audit() {
    let mut world = World::new();
    let mut args = SpawnArgs::new(APP);
    args.given[1] = world.make(world.root, Call::HandleCopy, &[SYSTEM.to_wire(), Rights::ALL.to_wire()]);
    let (task, _) = world.spawn_by(world.root, args).unwrap();
    let pid = task.id().index();
    let refused = [(2, Error::Denied), (3, Error::Denied), (4, Error::Invalid)];
    for (class, why) in refused {
        let mut args = SpawnArgs::new(APP);
        args.class = class;
        assert_eq!(world.try_spawn(task, args), Err(why));
    }
    let mut args = SpawnArgs::new(APP);
    args.class = 0;
    assert!(world.spawn_by(task, args).is_some());
    let line = |reason: &str, classes: &str| {
        std::format!("QOS-AUDIT decision=deny reason={reason} caller=app pid={pid} target=0 {classes}")
    };
    let expected = [
        line("spawn_raise", "from=normal to=interactive"),
        line("spawn_raise", "from=normal to=perf_burst"),
        line("invalid_args", "from=none to=none"),
    ];
    let text = log(&world);
    let seen: std::vec::Vec<_> = text.lines().filter(|line| line.contains("-AUDIT ")).collect();
    assert_eq!(seen, expected);
}

#[test]
fn every_decision_is_audited_within_its_bound() {
    let mut world = World::new();
    let task = world.spawn();
    for _ in 0..100 {
        assert_eq!(set(&mut world, task, TaskId::NONE, 3), Err(Error::Denied));
    }
    let text = log(&world);
    let lines =
        text.lines().filter(|line| line.starts_with("QOS-AUDIT decision=deny reason=self_raise")).count();
    assert_eq!(lines, 32, "a bound per second");
    assert!(text.contains("caller=app"), "{text}");
    assert!(text.contains("from=normal to=perf_burst"), "{text}");
}
