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
use nexus_wire::recipe::{Endpoint, Placement, Privilege, Profile, Service as Entry, Time};
use proptest::prelude::*;

use super::*;

mod orphans;
mod schedule;
mod workbench;

use workbench::*;

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
fn timed_hears_of_every_end_while_it_runs_and_never_of_its_own() {
    let mut rig = Rig::new();
    rig.spawn("early", Restart::Never);
    rig.dies(1, ExitReason::Exited(0));
    rig.spawn(TIMEKEEPER, Restart::Always);
    rig.spawn("p", Restart::OnFailure);
    rig.dies(3, CRASH);
    rig.spawn("q", Restart::Never);
    rig.dies(4, ExitReason::Exited(0));
    assert_eq!(rig.world.borrow().forgotten, [TaskId::new(3, 1), TaskId::new(4, 1)]);
    rig.dies(2, CRASH);
    rig.spawn("r", Restart::Never);
    rig.dies(5, CRASH);
    assert_eq!(rig.world.borrow().forgotten.len(), 2, "it rests, and the next one knows nothing");
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
    let log = rig.world.borrow().log.clone();
    let line = |name| format!("[execd] audit decision=deny reason=not_privileged caller={name} pid=5");
    assert_eq!(log, ["app", "app", "policyd", "policyd", "app", "app"].map(line));
}

#[test]
fn whoever_asks_without_end_does_not_flood_the_log() {
    let mut rig = Rig::new();
    for _ in 0..3 {
        for _ in 0..100 {
            rig.bench.call(by(ServiceId::APP, 5), &Request::Kill { task: 1 });
        }
        rig.advance(1_000);
    }
    assert_eq!(rig.world.borrow().log.len(), 3 * 8);
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
