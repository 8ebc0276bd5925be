//! A task that begins to wait while others want it: exactly one of them gets its token.

use loom::sync::Arc;
use loom::thread;

use crate::ipc::port::{Port, PortKind};
use crate::ipc::reply::{self, CallNumber};
use crate::machine::Machine;
use crate::smp;
use crate::task::{Flags, OwnedTask, Task};

/// What a scenario's harts share.
struct Scene {
    machine: Machine,
    port: Port,
    task: Task,
}

impl Scene {
    fn new() -> Arc<Self> {
        Arc::new(Self { machine: Machine::new(), port: Port::new(PortKind::Endpoint), task: Task::new() })
    }

    /// Somebody kills the task, as `death::kill` does: mark first, then look where it is.
    fn kill(&self) -> Option<OwnedTask> {
        self.task.set_flag(Flags::KILL);
        reply::interrupt_wait(&self.machine, &self.task).map(|(taken, _)| taken)
    }

    /// The task's deadline passes, as `Hart::expire` has it.
    fn expire(&self) -> Option<OwnedTask> {
        self.task.set_flag(Flags::EXPIRED);
        reply::interrupt_wait(&self.machine, &self.task).map(|(taken, _)| taken)
    }

    fn pop_receiver(&self) -> Option<OwnedTask> {
        self.port.lock(&self.machine).pop_receiver()
    }

    /// A server takes the task out of the callers' queue; it then awaits the answer to call 1.
    fn receive(&self) -> Option<OwnedTask> {
        let mut caller = self.port.lock(&self.machine).pop_caller()?;
        caller.touch();
        reply::await_reply(caller, CallNumber(3));
        reply::take_if_unwanted(&self.machine, &self.task).map(|(taken, _)| taken)
    }
}

/// Runs the others beside `waiter` on harts of their own: how many of all got the token.
fn winners(
    scene: &Arc<Scene>,
    others: Vec<fn(&Scene) -> Option<OwnedTask>>,
    waiter: impl FnOnce(&Scene) -> Option<OwnedTask>,
) -> usize {
    let threads: Vec<_> = others
        .into_iter()
        .zip(1..)
        .map(|(act, hart)| {
            let scene = Arc::clone(scene);
            thread::spawn(move || {
                smp::become_hart(hart);
                taken(act(&scene))
            })
        })
        .collect();
    smp::become_hart(0);
    let mine = taken(waiter(scene));
    threads.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>() + mine
}

/// Whoever gets the token uses it.
fn taken(token: Option<OwnedTask>) -> usize {
    token.map_or(0, |mut task| {
        task.touch();
        1
    })
}

/// The owner goes to wait in a queue.
fn begin_to_receive(scene: &Scene) -> Option<OwnedTask> {
    let mut task = scene.task.token();
    task.touch();
    scene.port.lock(&scene.machine).push_receiver(task);
    reply::take_if_unwanted(&scene.machine, &scene.task).map(|(taken, _)| taken)
}

#[test]
fn a_kill_finds_a_task_that_begins_to_wait_in_a_queue() {
    crate::check(|| {
        let scene = Scene::new();
        assert_eq!(winners(&scene, vec![Scene::kill], begin_to_receive), 1);
    });
}

#[test]
fn a_kill_finds_a_task_that_begins_to_wait_on_the_fast_path() {
    crate::check(|| {
        let scene = Scene::new();
        let begin = |scene: &Scene| {
            let mut task = scene.task.token();
            task.touch();
            let mut port = scene.port.lock(&scene.machine);
            port.push_receiver(task);
            port.take_killed_receiver()
        };
        assert_eq!(winners(&scene, vec![Scene::kill], begin), 1);
    });
}

#[test]
fn a_kill_finds_a_task_that_begins_to_await_a_reply() {
    crate::check(|| {
        let scene = Scene::new();
        let begin = |scene: &Scene| {
            let mut task = scene.task.token();
            task.touch();
            reply::await_reply(task, CallNumber(3));
            reply::take_if_unwanted(&scene.machine, &scene.task).map(|(taken, _)| taken)
        };
        assert_eq!(winners(&scene, vec![Scene::kill], begin), 1);
    });
}

#[test]
fn a_kill_and_a_message_do_not_both_get_a_waiting_server() {
    crate::check(|| {
        let scene = Scene::new();
        let others: Vec<fn(&Scene) -> Option<OwnedTask>> = vec![Scene::kill, Scene::pop_receiver];
        assert_eq!(winners(&scene, others, begin_to_receive), 1);
    });
}

#[test]
fn a_kill_finds_a_caller_on_its_way_from_the_queue_to_awaiting_its_reply() {
    crate::check(|| {
        let scene = Scene::new();
        let mut task = scene.task.token();
        task.touch();
        scene.port.lock(&scene.machine).push_caller(task);
        assert_eq!(winners(&scene, vec![Scene::kill], Scene::receive), 1);
    });
}

#[test]
fn exactly_one_of_answer_deadline_and_kill_takes_a_caller() {
    crate::check(|| {
        let scene = Scene::new();
        let mut task = scene.task.token();
        task.touch();
        reply::await_reply(task, CallNumber(3));
        let others: Vec<fn(&Scene) -> Option<OwnedTask>> = vec![Scene::kill, Scene::expire];
        assert_eq!(winners(&scene, others, |scene| reply::claim(&scene.task, CallNumber(3))), 1);
        assert!(reply::claim(&scene.task, CallNumber(3)).is_none(), "a call is answered once");
    });
}

#[test]
fn an_answer_sees_everything_the_caller_did_before_it_waited() {
    crate::check(|| {
        let scene = Scene::new();
        let begin = |scene: &Scene| {
            let mut task = scene.task.token();
            task.touch();
            reply::await_reply(task, CallNumber(3));
            None
        };
        let others: Vec<fn(&Scene) -> Option<OwnedTask>> =
            vec![|scene| reply::claim(&scene.task, CallNumber(3))];
        let won = winners(&scene, others, begin);
        assert_eq!(won + taken(reply::claim(&scene.task, CallNumber(3))), 1);
    });
}

#[test]
fn a_reply_to_an_earlier_call_takes_nobody() {
    crate::check(|| {
        let scene = Scene::new();
        reply::await_reply(scene.task.token(), CallNumber(5));
        let others: Vec<fn(&Scene) -> Option<OwnedTask>> =
            vec![|scene| reply::claim(&scene.task, CallNumber(3))];
        assert_eq!(winners(&scene, others, |scene| reply::claim(&scene.task, CallNumber(5))), 1);
    });
}
