//! execd on the workbench: a machine that records what is asked of it, a clock that moves when told.

extern crate std;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::format;
use std::rc::Rc;
use std::string::{String, ToString};
use std::vec::Vec;

use nexus_abi::{
    AffinityPolicy, BurstHint, Error, Handle, HartMask, LatencyHint, QosClass, Rights, ServiceId, Shares,
    TaskId,
};
use nexus_service::Caller;
use nexus_service::memory::{Bench, CallId, Outcome};
use nexus_wire::Status;
use nexus_wire::execd::{Change, PAGE, Reason, Request, Restart};
use nexus_wire::policyd::{Action, Decision, Denial, May};
use nexus_wire::recipe::{Endpoint, Placement, Profile, Service as Entry, Time};
use proptest::prelude::*;

use super::*;

mod orphans;
mod schedule;

#[derive(Debug, Default)]
struct World {
    spawned: Vec<(String, String, Profile, HartMask, u64, Option<Handle>)>,
    alive: BTreeMap<u64, Option<ExitReason>>,
    closed: Vec<Handle>,
    log: Vec<String>,
    refuse: Option<Error>,
    orphans: Vec<Orphan>,
    /// What the kernel was told about tasks, in order.
    set: Vec<(TaskId, String)>,
    /// Refuses to set anything.
    set_fails: Option<Error>,
    /// What policyd allows: subject, action, object.
    allowed: Vec<(&'static str, Action, &'static str)>,
    /// What policyd was asked.
    asked: Vec<(String, Action, String)>,
    /// It does not answer.
    silent: bool,
}

/// Harts of the machine.
const ONLINE: u64 = 0b11;

impl World {
    fn note(&mut self, task: TaskId, what: String) -> Result<(), Error> {
        if let Some(error) = self.set_fails {
            return Err(error);
        }
        self.set.push((task, what));
        Ok(())
    }
}

#[derive(Clone, Debug, Default)]
struct Fake(Rc<RefCell<World>>);

impl Machine for Fake {
    fn spawn(&mut self, launch: &Launch<'_>) -> Result<(Handle, TaskId), Error> {
        let mut world = self.0.borrow_mut();
        if let Some(error) = world.refuse {
            return Err(error);
        }
        if launch.image == "missing" {
            return Err(Error::NotFound);
        }
        if launch.harts.0 & ONLINE == 0 {
            return Err(Error::Invalid);
        }
        let said = (launch.image.to_string(), launch.args.to_string());
        let profile = launch.profile.clone();
        world.spawned.push((said.0, said.1, profile, launch.harts, launch.death_bit, launch.extra));
        let n = world.spawned.len() as u32;
        let task = Handle::new(n as u16, 7);
        world.alive.insert(task.to_wire(), None);
        Ok((task, TaskId::new(n, 1)))
    }

    fn kill(&mut self, task: Handle) -> Result<(), Error> {
        let mut world = self.0.borrow_mut();
        match world.alive.get_mut(&task.to_wire()) {
            Some(state @ None) => {
                *state = Some(ExitReason::Killed);
                Ok(())
            }
            _ => Err(Error::Dead),
        }
    }

    fn ended(&mut self, task: Handle) -> Option<ExitReason> {
        *self.0.borrow().alive.get(&task.to_wire())?
    }

    fn orphan(&mut self, from: u32) -> Option<Orphan> {
        let mut world = self.0.borrow_mut();
        let found = world.orphans.iter().find(|orphan| orphan.id.index() >= from)?.clone();
        world.alive.insert(found.task.to_wire(), None);
        Some(found)
    }

    /// Tasks are numbered as they are started; 77 is one that somebody else has started.
    fn image_of(&mut self, task: TaskId) -> Option<Image> {
        let world = self.0.borrow();
        let started =
            world.spawned.get((task.index() as usize).wrapping_sub(1)).filter(|_| task.generation() == 1);
        let name =
            started.map(|spawned| spawned.0.as_str()).or((task == TaskId::new(77, 1)).then_some("foreign"));
        Image::try_from(name?).ok()
    }

    fn set_class(&mut self, task: TaskId, class: QosClass) -> Result<(), Error> {
        self.0.borrow_mut().note(task, format!("class {}", class.name()))
    }

    fn set_affinity(&mut self, task: TaskId, place: Placement) -> Result<HartMask, Error> {
        let stored = place.harts.0 & ONLINE;
        if stored == 0 {
            return Err(Error::Invalid);
        }
        self.0.borrow_mut().note(task, format!("harts {stored:#x} {}", place.policy.name()))?;
        Ok(HartMask(stored))
    }

    fn set_shares(&mut self, task: TaskId, shares: Shares) -> Result<Shares, Error> {
        self.0.borrow_mut().note(task, format!("shares {}", shares.get())).map(|()| shares)
    }

    fn set_latency(&mut self, task: TaskId, latency: LatencyHint) -> Result<LatencyHint, Error> {
        self.0.borrow_mut().note(task, format!("latency {}", latency.ms())).map(|()| latency)
    }

    fn set_burst(&mut self, task: TaskId, burst: BurstHint) -> Result<BurstHint, Error> {
        self.0.borrow_mut().note(task, format!("burst {}", burst.ms())).map(|()| burst)
    }

    fn decide(&mut self, may: &May) -> Option<Decision> {
        let mut world = self.0.borrow_mut();
        world.asked.push((may.subject.to_string(), may.action, may.object.to_string()));
        if world.silent {
            return None;
        }
        let same = |(subject, action, object): &(&str, Action, &str)| {
            may.subject == *subject && may.action == *action && may.object == *object
        };
        Some(match world.allowed.iter().any(same) {
            true => Decision::Allow("so it is".chars().collect()),
            false => Decision::Deny(Denial::NoRuleForAction),
        })
    }

    fn close(&mut self, handle: Handle) {
        self.0.borrow_mut().closed.push(handle);
    }

    fn log(&mut self, line: core::fmt::Arguments<'_>) {
        self.0.borrow_mut().log.push(line.to_string());
    }
}

struct Rig {
    bench: Bench<Execd<Fake>>,
    world: Rc<RefCell<World>>,
}

fn entry(name: &str, start: Start) -> Entry {
    let name = Image::try_from(name).expect("short");
    Entry { name, start, profile: Profile::DEFAULT, affinity: None, qos: None }
}

/// policyd starts at boot, the shell when nothing else is asked for; shell and selftests may start programs, and so
/// says the recipe of a program that cannot prove to be itself.
fn recipe() -> Recipe {
    let privileged = |name, start| {
        let mut entry = entry(name, start);
        entry.profile.uses = [Endpoint::Execd].into_iter().collect();
        entry.profile.privileges = [Privilege::Programs].into_iter().collect();
        entry
    };
    let mut services: heapless::Vec<Entry, { nexus_wire::recipe::SERVICES_MAX }> = heapless::Vec::new();
    services.extend([
        privileged("shell", Start::Default),
        privileged("selftest-client", Start::Asked),
        privileged("app", Start::Asked),
        entry("policyd", Start::Boot),
    ]);
    Recipe { services }
}

impl Rig {
    fn new() -> Self {
        Self::with(recipe())
    }

    fn with(recipe: Recipe) -> Self {
        let fake = Fake::default();
        Self { world: fake.0.clone(), bench: Bench::new(Execd::new(fake, recipe)) }
    }

    fn ask(&mut self, request: Request) -> Answer {
        let id = self.bench.call(shell(), &request);
        self.answer(id).expect("an answer at once")
    }

    fn answer(&self, id: CallId) -> Option<Answer> {
        match self.bench.outcome(id) {
            Ok(Outcome::Answered(answer)) => Some(answer),
            Ok(Outcome::Waiting) => None,
            other => panic!("{other:?}"),
        }
    }

    fn spawn(&mut self, image: &str, restart: Restart) -> (u32, u64) {
        let spawn = Spawn::new(image, "").expect("short").restarting(restart);
        match self.ask(Request::Spawn(spawn)) {
            Answer::Spawned { job, task } => (job, task),
            other => panic!("{other:?}"),
        }
    }

    /// The `n`-th task ever started ends; the kernel sets its bit.
    fn dies(&mut self, n: usize, reason: ExitReason) {
        self.world.borrow_mut().alive.insert(Handle::new(n as u16, 7).to_wire(), Some(reason));
        let bit = self.world.borrow().spawned[n - 1].4;
        self.bench.bits(bit);
    }

    fn count(&self) -> usize {
        self.world.borrow().spawned.len()
    }

    fn jobs(&mut self) -> Vec<(u32, u64, u32)> {
        let Answer::Jobs(jobs) = self.ask(Request::List { from: 0 }) else { panic!() };
        jobs.iter().map(|job| (job.job, job.task, job.restarts)).collect()
    }

    fn advance(&mut self, ms: u64) {
        let until = self.bench.now().after(Nanos::from_millis(ms));
        self.bench.run_until(until);
    }
}

fn by(service: ServiceId, task: u32) -> Caller {
    Caller { task: TaskId::new(task, 9), service, class: QosClass::Normal }
}

fn shell() -> Caller {
    by(ServiceId::SHELL, 100)
}

const CRASH: ExitReason = ExitReason::Exited(101);

#[test]
fn an_unlisted_program_may_print_and_nothing_else() {
    let mut rig = Rig::new();
    rig.spawn("whatever", Restart::Profile);
    let profile = rig.world.borrow().spawned[0].2.clone();
    assert_eq!((profile.rights, profile.time), (Rights::LOG, Time::Coarse));
    assert!(profile.uses.is_empty() && profile.privileges.is_empty());
    assert_eq!(rig.world.borrow().set, [], "it is scheduled like any other");
}

#[test]
fn services_start_in_the_recipe_s_order_and_then_the_app_with_its_arguments() {
    let mut recipe = recipe();
    recipe.services.push(entry("second", Start::Boot)).expect("room");
    let mut rig = Rig::with(recipe);
    rig.bench.service.begin(Some("bench"), "app=bench seed=1", Nanos(0));
    let world = rig.world.borrow();
    let started: Vec<_> = world.spawned.iter().map(|task| (task.0.as_str(), task.1.as_str())).collect();
    assert_eq!(started, [("policyd", ""), ("second", ""), ("bench", "app=bench seed=1")]);
    assert!(world.log.is_empty());
}

#[test]
fn an_app_that_does_not_exist_is_said_so_and_the_default_starts_instead() {
    let mut rig = Rig::new();
    rig.bench.service.begin(Some("missing"), "", Nanos(0));
    let world = rig.world.borrow();
    assert_eq!(world.spawned[1].0, "shell");
    assert_eq!(world.log, ["[execd] cannot start missing: the boot image has no such program"]);
}

#[test]
fn a_boot_that_names_no_app_gets_the_default() {
    let mut rig = Rig::new();
    rig.bench.service.begin(None, "quiet", Nanos(0));
    let world = rig.world.borrow();
    assert_eq!((world.spawned[1].0.as_str(), world.spawned[1].1.as_str()), ("shell", "quiet"));
}

#[test]
fn a_crashing_program_is_started_again_after_half_a_second_then_one() {
    let mut rig = Rig::new();
    let (job, _) = rig.spawn("p", Restart::OnFailure);
    rig.dies(1, CRASH);
    assert_eq!(rig.jobs(), [(job, 0, 0)], "it rests");
    rig.advance(499);
    assert_eq!(rig.count(), 1);
    rig.advance(1);
    assert_eq!(rig.count(), 2);
    assert_eq!(rig.jobs(), [(job, TaskId::new(2, 1).to_wire(), 1)]);
    rig.dies(2, CRASH);
    rig.advance(999);
    assert_eq!(rig.count(), 2);
    rig.advance(1);
    assert_eq!(rig.count(), 3);
}

#[test]
fn five_crashes_in_a_minute_are_the_end_and_reported() {
    let mut rig = Rig::new();
    let (job, _) = rig.spawn("p", Restart::Always);
    for n in 1..=5 {
        rig.dies(n, CRASH);
        rig.advance(5_000);
    }
    assert_eq!((rig.count(), rig.jobs().len()), (5, 0));
    let log = rig.world.borrow().log.clone();
    assert_eq!(log.len(), 5);
    assert_eq!(log[0], "[execd] p ended: exit 101; it is started again");
    assert_eq!(log[4], "[execd] p ended: exit 101; it ended too often and stays ended");
    let Answer::History(history) = rig.ask(Request::History { skip: 0 }) else { panic!() };
    let nexts: Vec<_> = history.iter().map(|ended| (ended.job, ended.next)).collect();
    assert_eq!(nexts[0], (job, Next::GivenUp));
    assert!(nexts[1..].iter().all(|next| *next == (job, Next::Restart)));
}

#[test]
fn a_clean_exit_is_the_end_for_on_failure_and_leaves_no_line_in_the_log() {
    let mut rig = Rig::new();
    rig.spawn("p", Restart::OnFailure);
    rig.dies(1, ExitReason::Exited(0));
    rig.advance(100_000);
    assert_eq!((rig.count(), rig.jobs().len()), (1, 0));
    assert!(rig.world.borrow().log.is_empty());
    assert_eq!(rig.world.borrow().closed, [Handle::new(1, 7)]);
}

#[test]
fn waiting_is_answered_when_the_job_ends_and_not_when_it_restarts() {
    let mut rig = Rig::new();
    let (job, _) = rig.spawn("p", Restart::OnFailure);
    let id = rig.bench.call(by(ServiceId::APP, 5), &Request::Wait { job });
    rig.dies(1, CRASH);
    assert_eq!(rig.answer(id), None);
    rig.advance(500);
    rig.dies(2, ExitReason::Exited(0));
    let Some(Answer::Ended(ended)) = rig.answer(id) else { panic!() };
    assert_eq!((ended.job, ended.reason, ended.next), (job, Reason::Exited(0), Next::Nothing));
    // Who asks later hears the same.
    assert_eq!(rig.ask(Request::Wait { job }), Answer::Ended(ended));
    assert_eq!(rig.ask(Request::Wait { job: job + 1 }), Answer::Refused(Refusal::NoSuchJob));
}

#[test]
fn a_killed_program_is_not_started_again() {
    let mut rig = Rig::new();
    let (job, task) = rig.spawn("p", Restart::Always);
    let id = rig.bench.call(by(ServiceId::APP, 5), &Request::Wait { job });
    assert_eq!(rig.ask(Request::Kill { task }), Answer::Killed);
    rig.bench.bits(1);
    let Some(Answer::Ended(ended)) = rig.answer(id) else { panic!() };
    assert_eq!((ended.reason, ended.next), (Reason::Killed, Next::Nothing));
    rig.advance(100_000);
    assert_eq!(rig.count(), 1);
    assert_eq!(rig.ask(Request::Kill { task }), Answer::Refused(Refusal::NoSuchJob));
}

#[test]
fn a_program_at_rest_can_be_killed_too() {
    let mut rig = Rig::new();
    let (_, task) = rig.spawn("p", Restart::Always);
    rig.dies(1, CRASH);
    assert_eq!(rig.ask(Request::Kill { task }), Answer::Killed);
    rig.advance(100_000);
    assert_eq!((rig.count(), rig.jobs().len()), (1, 0));
}

#[test]
fn a_restart_that_the_kernel_refuses_counts_as_a_crash() {
    let mut rig = Rig::new();
    rig.spawn("p", Restart::Always);
    rig.dies(1, CRASH);
    rig.world.borrow_mut().refuse = Some(Error::NoMemory);
    rig.advance(500);
    rig.world.borrow_mut().refuse = None;
    assert_eq!(rig.count(), 1);
    rig.advance(1_000);
    assert_eq!(rig.count(), 2, "memory came back in time");
}

#[test]
fn test_reject_control_by_an_unprivileged_caller() {
    let mut rig = Rig::new();
    let (_, task) = rig.spawn("p", Restart::Never);
    // The recipe privileges a program called `app`, which is what the kernel calls everybody without identity.
    for service in [ServiceId::APP, ServiceId::POLICYD, ServiceId(99)] {
        for request in [Request::Spawn(Spawn::new("p", "").expect("short")), Request::Kill { task }] {
            let id = rig.bench.call_with(by(service, 5), &request, Some(Handle::new(3, 3)));
            assert_eq!(rig.answer(id), Some(Answer::Refused(Refusal::NotAllowed)));
        }
    }
    assert_eq!(rig.count(), 1);
    assert_eq!(rig.bench.closed().len(), 6, "what came along is closed");
}

#[test]
fn a_handle_moves_to_the_child_only_if_there_is_one() {
    let mut rig = Rig::new();
    let extra = Handle::new(4, 4);
    let good = Request::Spawn(Spawn::new("p", "").expect("short"));
    let bad = Request::Spawn(Spawn::new("missing", "").expect("short"));
    rig.bench.call_with(shell(), &good, Some(extra));
    assert_eq!((rig.world.borrow().spawned[0].5, rig.bench.closed()), (Some(extra), &[][..]));
    rig.bench.call_with(shell(), &bad, Some(extra));
    assert_eq!(rig.bench.closed(), [extra]);
}

#[test]
fn jobs_beyond_the_table_are_refused_and_nothing_is_lost() {
    let mut rig = Rig::new();
    let first: Vec<_> = (0..JOBS_MAX).map(|_| rig.spawn("p", Restart::Never)).collect();
    let one_more = Request::Spawn(Spawn::new("p", "").expect("short"));
    assert_eq!(rig.ask(one_more), Answer::Refused(Refusal::JobsFull));
    rig.dies(10, ExitReason::Exited(0));
    let (job, _) = rig.spawn("p", Restart::Never);
    assert_eq!(job, JOBS_MAX as u32 + 1, "numbers are not used again");
    let mut seen = Vec::new();
    let mut from = 0;
    loop {
        let Answer::Jobs(page) = rig.ask(Request::List { from }) else { panic!() };
        seen.extend(page.iter().map(|job| job.job));
        if page.len() < PAGE {
            break;
        }
        from = seen[seen.len() - 1] + 1;
    }
    assert_eq!(seen.len(), first.len());
}

#[test]
fn a_task_that_asks_again_gives_up_what_it_waited_for() {
    let mut rig = Rig::new();
    let (job, _) = rig.spawn("p", Restart::Never);
    let impatient = by(ServiceId::APP, 5);
    let first = rig.bench.call(impatient, &Request::Wait { job });
    let second = rig.bench.call(impatient, &Request::Wait { job });
    assert_eq!(rig.bench.outcome(first), Ok(Outcome::Abandoned));
    rig.dies(1, ExitReason::Exited(0));
    assert!(matches!(rig.answer(second), Some(Answer::Ended(_))));
}

#[test]
fn waiters_are_bounded_and_one_too_many_is_told() {
    let mut rig = Rig::new();
    let (job, _) = rig.spawn("p", Restart::Never);
    let wait = Request::Wait { job };
    let ids: Vec<_> =
        (0..WAITERS_MAX as u32).map(|n| rig.bench.call(by(ServiceId::APP, 200 + n), &wait)).collect();
    let late = rig.bench.call(by(ServiceId::APP, 999), &wait);
    assert_eq!(rig.answer(late), Some(Answer::Refused(Refusal::WaitersFull)));
    rig.dies(1, ExitReason::Exited(0));
    assert!(ids.into_iter().all(|id| rig.answer(id).is_some()));
}

#[test]
fn garbage_is_answered_and_stray_bits_do_nothing() {
    let mut rig = Rig::new();
    rig.spawn("p", Restart::Never);
    let id = rig.bench.send(by(ServiceId::APP, 5), &[0xff, 1, 2], None);
    assert_eq!(rig.bench.outcome(id), Ok(Outcome::Status(Status::Malformed)));
    rig.bench.bits(u64::MAX);
    assert_eq!(rig.jobs().len(), 1);
}

proptest! {
    #[test]
    fn whatever_happens_handles_balance_and_execd_sleeps(
        steps in proptest::collection::vec((0u8..5, 0usize..40, 0u64..70_000), 0..120),
    ) {
        let mut rig = Rig::new();
        for (what, n, ms) in steps {
            match what {
                0 => drop(rig.ask(Request::Spawn(
                    Spawn::new("p", "").expect("short").restarting(Restart::Always),
                ))),
                1 => drop(rig.ask(Request::Kill { task: TaskId::new(n as u32, 1).to_wire() })),
                2 if rig.count() > 0 => {
                    let n = n % rig.count() + 1;
                    let task = Handle::new(n as u16, 7).to_wire();
                    let alive = rig.world.borrow().alive[&task].is_none();
                    if alive { rig.dies(n, CRASH) }
                }
                3 => rig.bench.bits(u64::MAX),
                _ => rig.advance(ms),
            }
        }
        rig.bench.bits(u64::MAX);
        let live = rig.world.borrow().alive.values().filter(|state| state.is_none()).count();
        let closed = rig.world.borrow().closed.len();
        prop_assert_eq!(rig.count(), live + closed, "each handle is held or closed, once");
        prop_assert!(rig.bench.deadline() > rig.bench.now(), "nothing overdue is left");
        prop_assert!(rig.jobs().len() >= live.min(PAGE), "{}", format!("{live} live"));
    }
}
