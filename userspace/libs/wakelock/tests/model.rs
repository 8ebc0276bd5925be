//! Every state that small machines can reach: none keeps the machine awake without a live, unexpired holder.

mod harness;

use harness::STANDINGS;
use harness::world::{Step, World};
use stateright::{Checker, Model, Property};
use wakelock::Kind;

/// A machine that small: so many tasks with so many names each, until so much has happened.
struct Machine {
    tasks: u32,
    names: u32,
    time: u64,
    acquired: u64,
    deaths: u32,
}

/// Holds end before, at and after the moments that tell them apart.
const HOLDS: [u64; 2] = [1, 2];
/// The kind of a lock is its name's.
const KINDS: [Kind; 2] = [Kind::Partial, Kind::Full];
/// References beyond two add states, not situations.
const REFERENCES: u16 = 2;

impl Model for Machine {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        vec![World::new()]
    }

    fn actions(&self, _: &World, steps: &mut Vec<Step>) {
        for task in 0..self.tasks {
            for lock in 0..self.names {
                let kind = KINDS[(task + lock) as usize % KINDS.len()];
                steps.extend(HOLDS.map(|hold| Step::Acquire { task, lock, kind, hold }));
                steps.push(Step::Renew { task, lock, hold: 1 });
                steps.push(Step::Release { task, lock });
            }
            steps.push(Step::Die { task });
            steps.extend(STANDINGS.map(|standing| Step::Stand { task, standing }));
        }
        steps.push(Step::Pass { span: 1 });
    }

    fn next_state(&self, last: &World, step: Step) -> Option<World> {
        let mut next = last.clone();
        next.take(step);
        Some(next)
    }

    fn within_boundary(&self, world: &World) -> bool {
        world.now.0 <= self.time
            && world.acquired <= self.acquired
            && world.deaths.values().sum::<u32>() <= self.deaths
            && world.locks.iter().all(|lock| lock.references() <= REFERENCES)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("awake if and only if a live, unexpired holder wants it", |_, world: &World| {
                world.locks.demand() == world.owed()
            }),
            Property::always("the table is what holders hold", |_, world: &World| world.wrong().is_none()),
            Property::sometimes("the screen is kept on", |_, world: &World| {
                world.locks.demand() == Some(Kind::Full)
            }),
            Property::sometimes("a suspended lock waits", |_, world: &World| {
                world.locks.demand().is_none() && world.locks.iter().len() > 0
            }),
            Property::sometimes("everything is over", |machine: &Machine, world: &World| {
                world.acquired == machine.acquired && world.locks.iter().len() == 0
            }),
        ]
    }
}

fn explore(machine: Machine) -> usize {
    let checker = machine.checker().spawn_bfs().join();
    checker.assert_properties();
    checker.unique_state_count()
}

#[test]
fn no_reachable_state_of_one_task_with_two_locks_keeps_the_machine_awake_for_nobody() {
    let states = explore(Machine { tasks: 1, names: 2, time: 3, acquired: 2, deaths: 1 });
    println!("{states} states");
    assert!(states > 10_000);
}

#[test]
fn no_reachable_state_of_two_tasks_keeps_the_machine_awake_for_nobody() {
    let states = explore(Machine { tasks: 2, names: 1, time: 2, acquired: 2, deaths: 1 });
    println!("{states} states");
    assert!(states > 10_000);
}
