//! What outlived an earlier execd: looked after by the next.

use super::*;

/// A task of an earlier incarnation, found at `bit`.
fn orphan(image: &str, n: u32, bit: u32) -> Orphan {
    let image = image.try_into().expect("short");
    Orphan { image, task: Handle::new(n as u16, 9), id: TaskId::new(n, 1), death_bit: 1 << bit }
}

/// A recipe without services: what they do here, the app does too.
fn without_services() -> Recipe {
    let mut recipe = recipe();
    recipe.services.retain(|entry| entry.start != Start::Boot);
    let shell = recipe.services.iter_mut().find(|entry| entry.name == "shell").expect("there");
    shell.profile.restart = nexus_wire::recipe::Restart::Always;
    recipe
}

/// A rig whose execd begins with two tasks of an earlier one: the app, and a program somebody asked for.
fn heir() -> Rig {
    let mut rig = Rig::with(without_services());
    rig.world.borrow_mut().orphans = std::vec![orphan("shell", 2, 0), orphan("p", 5, 7)];
    rig.bench.service.begin(Some("shell"), "app=shell", Nanos(0));
    rig
}

#[test]
fn a_service_that_survived_is_asked_at_once_and_started_again_when_it_ends() {
    let mut recipe = recipe();
    let policyd = recipe.services.iter_mut().find(|entry| entry.name == JUDGE).expect("there");
    policyd.profile.restart = nexus_wire::recipe::Restart::Always;
    let mut rig = Rig::with(recipe);
    rig.world.borrow_mut().orphans = std::vec![orphan(JUDGE, 2, 0)];
    rig.bench.service.begin(None, "", Nanos(0));
    assert_eq!(rig.world.borrow().spawned[0].0, "shell", "the only one that was not there");
    let spawn = Spawn::new("p", "").expect("short").at(QosClass::Interactive);
    rig.ask(Request::Spawn(spawn));
    assert_eq!(rig.world.borrow().asked, [("shell".into(), Action::QosRaise, "p".into())]);

    rig.world.borrow_mut().alive.insert(Handle::new(2, 9).to_wire(), Some(CRASH));
    rig.bench.bits(1);
    rig.advance(500);
    assert_eq!(rig.world.borrow().spawned[1].0, JUDGE);
}

#[test]
fn what_survived_an_earlier_execd_is_looked_after_and_not_started_twice() {
    let mut rig = heir();
    assert_eq!(rig.count(), 0);
    assert_eq!(rig.jobs(), [(1, TaskId::new(2, 1).to_wire(), 0), (2, TaskId::new(5, 1).to_wire(), 0)]);
    assert_eq!(rig.world.borrow().log, ["[execd] looks after shell again", "[execd] looks after p again"]);
}

#[test]
fn an_adopted_app_is_started_again_with_its_arguments_and_an_adopted_program_is_not() {
    let mut rig = heir();
    for (n, bit) in [(2, 0), (5, 7)] {
        rig.world.borrow_mut().alive.insert(Handle::new(n, 9).to_wire(), Some(CRASH));
        rig.bench.bits(1 << bit);
    }
    rig.advance(500);
    assert_eq!(rig.jobs(), [(1, TaskId::new(1, 1).to_wire(), 1)]);
    let world = rig.world.borrow();
    assert_eq!((world.spawned[0].0.as_str(), world.spawned[0].1.as_str()), ("shell", "app=shell"));
    assert_eq!(world.closed, [Handle::new(2, 9), Handle::new(5, 9)]);
}

#[test]
fn an_adopted_program_can_be_killed_and_waited_for() {
    let mut rig = heir();
    let task = TaskId::new(5, 1).to_wire();
    let id = rig.bench.call(by(ServiceId::APP, 50), &Request::Wait { job: 2 });
    assert_eq!(rig.ask(Request::Kill { task }), Answer::Killed);
    rig.bench.bits(1 << 7);
    let Some(Answer::Ended(ended)) = rig.answer(id) else { panic!() };
    assert_eq!((ended.reason, ended.next), (Reason::Killed, Next::Nothing));
}

#[test]
fn a_task_whose_death_says_nothing_or_the_same_as_another_s_is_left_alone() {
    let mut rig = Rig::with(without_services());
    let mute = Orphan { death_bit: 0, ..orphan("p", 5, 0) };
    rig.world.borrow_mut().orphans = std::vec![orphan("shell", 2, 0), orphan("p", 3, 0), mute];
    rig.bench.service.begin(Some("shell"), "", Nanos(0));
    assert_eq!(rig.jobs(), [(1, TaskId::new(2, 1).to_wire(), 0)]);
    assert_eq!(rig.world.borrow().closed, [Handle::new(3, 9), Handle::new(5, 9)]);
}

#[test]
fn new_jobs_keep_clear_of_the_bits_of_adopted_ones() {
    let mut rig = heir();
    for _ in 0..JOBS_MAX - 2 {
        rig.spawn("p", Restart::Never);
    }
    let one_more = Request::Spawn(Spawn::new("p", "").expect("short"));
    assert_eq!(rig.ask(one_more), Answer::Refused(Refusal::JobsFull));
    let bits = rig.world.borrow().spawned.iter().fold(0, |bits, spawned| bits | spawned.4);
    assert_eq!(bits, !(1 | 1 << 7));
}
