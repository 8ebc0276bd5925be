//! Every way of breaking the contract, on doctored logs: each gives its own violation and no other.

use nexus_abi::{AffinityPolicy, HartMask, QosClass};
use nexus_proof::{Case, Failure, KernelPanic, Marker, Service, UserPanic};
use nexus_wire::execd::Image;
use nexus_wire::recipe::{Placement, Profile, Qos, Recipe, Service as Entry, Start};

use super::*;

const HARTS: u32 = 2;
const MEMORY: u32 = 256;
const CLEAN: Ending = Ending::Exited(Exit::Code(0));

const SERVICE_PLACED: &str = "execd: affinity set (svc=policyd mask=0x3 policy=prefer)";
const SERVICE_SCHEDULED: &str = "execd: qos set (svc=policyd class=idle shares=100 lat=0 burst=0)";
const TIMED_SCHEDULED: &str = "execd: qos set (svc=timed class=perf_burst shares=100 lat=0 burst=0)";
const APP_SCHEDULED: &str = "execd: qos set (svc=selftest-client class=normal shares=100 lat=0 burst=0)";
const ASKED_SCHEDULED: &str = "execd: qos set (svc=bench class=perf_burst shares=100 lat=0 burst=0)";

/// A service, the app, and a program that somebody may ask for are scheduled; two of the service's harts are there.
fn recipe() -> Recipe {
    let entry = |name: &str, start, affinity, class| Entry {
        name: Image::try_from(name).unwrap(),
        start,
        profile: Profile::DEFAULT,
        affinity,
        qos: Some(Qos { class, ..Qos::default() }),
    };
    let place = Placement { harts: HartMask(0xf), policy: AffinityPolicy::Prefer };
    let service = entry("policyd", Start::Boot, Some(place), QosClass::Idle);
    let elsewhere = Placement { harts: HartMask(1 << 40), policy: AffinityPolicy::Pin };
    let app = entry("selftest-client", Start::Asked, Some(elsewhere), QosClass::Normal);
    let asked = entry("bench", Start::Asked, None, QosClass::PerfBurst);
    let timed = entry("timed", Start::Boot, None, QosClass::PerfBurst);
    Recipe { services: [service, timed, app, asked].into_iter().collect() }
}

/// The console of a run in which all is well, with things between that are no markers.
fn good_log() -> Vec<String> {
    let mut log = vec!["OpenSBI v1.1".to_owned()];
    log.extend(nexus_proof::expected(HARTS, MEMORY.into()).map(|marker| marker.to_string()));
    let timed = Marker::Ready(Service::Timed).to_string();
    let scheduled =
        [SERVICE_PLACED, SERVICE_SCHEDULED, TIMED_SCHEDULED, &timed, APP_SCHEDULED].map(str::to_owned);
    let first_case = log.iter().position(|line| *line == passed(Case::ALL[0])).unwrap();
    log.splice(first_case..first_case, scheduled);
    log.insert(3, Marker::IdleEnterL1.to_string());
    log.push("a line that is no marker".to_owned());
    let pass = u32::try_from(Case::on(HARTS).count()).unwrap();
    log.push(Marker::End { pass, fail: 0 }.to_string());
    log
}

fn judge(log: &[String], ending: Ending) -> Vec<Violation> {
    let mut contract = Contract::new(selftest(HARTS, MEMORY, &recipe()), EndLine::Required);
    for line in log {
        contract.line(line);
    }
    contract.finish(ending).violations().to_vec()
}

fn index_of(log: &[String], line: &str) -> usize {
    log.iter().position(|other| other == line).unwrap()
}

fn passed(case: Case) -> String {
    Marker::Passed(case).to_string()
}

/// End line as it would be with one case less.
fn recount(log: &mut [String], pass_less: u32, fail: u32) {
    let pass = u32::try_from(Case::on(HARTS).count()).unwrap() - pass_less;
    *log.last_mut().unwrap() = Marker::End { pass, fail }.to_string();
}

#[test]
fn a_clean_run_passes() {
    assert_eq!(judge(&good_log(), CLEAN), []);
}

#[test]
fn what_execd_says_of_the_app_may_come_anywhere_but_must_come() {
    let mut log = good_log();
    let line = log.remove(index_of(&log, APP_SCHEDULED));
    assert_eq!(judge(&log, CLEAN), [Violation::MarkerMissing(line.clone())]);
    log.insert(index_of(&log, &passed(Case::IPC)), line);
    assert_eq!(judge(&log, CLEAN), []);
}

#[test]
fn timed_may_be_ready_at_any_time_and_again_but_must_be_once() {
    let mut log = good_log();
    let ready = log.remove(index_of(&log, &Marker::Ready(Service::Timed).to_string()));
    assert_eq!(judge(&log, CLEAN), [Violation::MarkerMissing(ready.clone())]);
    for case in [Case::IPC, Case::MEMORY] {
        let at = index_of(&log, &passed(case));
        log.splice(at..at, [ready.clone(), TIMED_SCHEDULED.to_owned()]);
    }
    assert_eq!(judge(&log, CLEAN), []);
    log.insert(2, "timed: audit register decision=allow reason=applied caller=app pid=7".to_owned());
    assert_eq!(judge(&log, CLEAN), []);
}

#[test]
fn what_execd_says_of_a_program_that_is_asked_for_may_come_each_time_or_never() {
    let mut log = good_log();
    for case in [Case::IPC, Case::IPC, Case::MEMORY] {
        log.insert(index_of(&log, &passed(case)), ASKED_SCHEDULED.to_owned());
    }
    assert_eq!(judge(&log, CLEAN), []);
    let other = ASKED_SCHEDULED.replace("perf_burst", "idle");
    log.insert(index_of(&log, &passed(Case::IPC)), other.clone());
    assert_eq!(judge(&log, CLEAN), [Violation::UnexpectedMarker(other)]);
}

#[test]
fn what_execd_says_of_services_comes_in_order_and_as_their_recipe_says() {
    let mut log = good_log();
    let (placed, scheduled) = (index_of(&log, SERVICE_PLACED), index_of(&log, SERVICE_SCHEDULED));
    log.swap(placed, scheduled);
    let (marker, after) = (SERVICE_PLACED.to_owned(), SERVICE_SCHEDULED.to_owned());
    assert_eq!(judge(&log, CLEAN), [Violation::MarkerOutOfOrder { marker, after }]);

    let mut log = good_log();
    let other = SERVICE_SCHEDULED.replace("class=idle", "class=normal");
    log[scheduled] = other.clone();
    let missing = Violation::MarkerMissing(SERVICE_SCHEDULED.to_owned());
    assert_eq!(judge(&log, CLEAN), [Violation::UnexpectedMarker(other), missing]);
}

#[test]
fn a_missing_marker_is_caught() {
    let mut log = good_log();
    log.remove(index_of(&log, &passed(Case::IPC)));
    recount(&mut log, 1, 0);
    assert_eq!(judge(&log, CLEAN), [Violation::MarkerMissing(passed(Case::IPC))]);
}

#[test]
fn a_marker_out_of_order_is_caught() {
    let mut log = good_log();
    let (ipc, memory) = (index_of(&log, &passed(Case::IPC)), index_of(&log, &passed(Case::MEMORY)));
    let moved = log.remove(ipc);
    log.insert(memory, moved.clone());
    let after = passed(Case::MEMORY);
    assert_eq!(judge(&log, CLEAN), [Violation::MarkerOutOfOrder { marker: moved, after }]);
}

#[test]
fn an_unknown_marker_is_caught() {
    for line in ["SELFTEST: invented ok", "neuron: all good", "execd: set up"] {
        let mut log = good_log();
        log.insert(4, line.to_owned());
        assert_eq!(judge(&log, CLEAN), [Violation::UnknownMarker(line.to_owned())]);
    }
}

#[test]
fn a_known_marker_of_another_run_is_caught() {
    let mut log = good_log();
    let shell = Marker::Ready(Service::Shell).to_string();
    log.insert(4, shell.clone());
    assert_eq!(judge(&log, CLEAN), [Violation::UnexpectedMarker(shell)]);
}

#[test]
fn a_duplicate_marker_is_caught() {
    for line in [passed(Case::IPC), Marker::IdleEnterL1.to_string()] {
        let mut log = good_log();
        let at = index_of(&log, &line);
        log.insert(at + 1, line.clone());
        assert_eq!(judge(&log, CLEAN), [Violation::DuplicateMarker(line)]);
    }
}

#[test]
fn a_failed_case_is_caught_with_its_reason() {
    let mut log = good_log();
    let at = index_of(&log, &passed(Case::IPC));
    let failure = Failure(Case::IPC, "no reply").to_string();
    log[at] = failure.clone();
    recount(&mut log, 1, 1);
    assert_eq!(
        judge(&log, Ending::Exited(Exit::Code(1))),
        [
            Violation::Fail(failure),
            Violation::MarkerMissing(passed(Case::IPC)),
            Violation::WrongExitCode(Exit::Code(1)),
        ]
    );
}

#[test]
fn a_kernel_panic_is_caught_and_its_last_words_are_not_judged() {
    let mut log = good_log();
    log.truncate(5);
    let panic = KernelPanic("hart=1 task=3: lost token").to_string();
    log.extend([panic.clone(), "neuron:   at neuron::ipc::reply".to_owned()]);
    assert_eq!(
        judge(&log, Ending::Exited(Exit::Code(16))),
        [Violation::Panic(panic), Violation::WrongExitCode(Exit::Code(16))]
    );
}

#[test]
fn a_panic_of_a_task_is_caught_even_if_the_run_goes_on() {
    let mut log = good_log();
    let panic = UserPanic("execd", "no such image").to_string();
    log.insert(6, panic.clone());
    assert_eq!(judge(&log, CLEAN), [Violation::Panic(panic)]);
}

#[test]
fn a_missing_end_line_is_caught() {
    let mut log = good_log();
    log.pop();
    assert_eq!(judge(&log, CLEAN), [Violation::NoEndLine]);
}

#[test]
fn an_end_line_that_miscounts_is_caught() {
    let mut log = good_log();
    recount(&mut log, 1, 0);
    assert!(matches!(judge(&log, CLEAN)[..], [Violation::Miscounted { .. }]));
}

#[test]
fn a_wrong_exit_code_is_caught_after_a_perfect_log() {
    for exit in [Exit::Code(1), Exit::Code(19), Exit::Signal] {
        assert_eq!(judge(&good_log(), Ending::Exited(exit)), [Violation::WrongExitCode(exit)]);
    }
}

#[test]
fn a_time_out_is_an_outcome_of_its_own_and_says_what_was_awaited() {
    let mut log = good_log();
    log.truncate(index_of(&log, &passed(Case::IPC)));
    let waiting_for = format!("`{}`", passed(Case::IPC));
    assert_eq!(judge(&log, Ending::TimedOut), [Violation::TimedOut { waiting_for }]);
    let mut log = good_log();
    let waiting_for = "the machine to exit".to_owned();
    assert_eq!(judge(&log, Ending::TimedOut), [Violation::TimedOut { waiting_for }]);
    log.pop();
    let waiting_for = "the end line".to_owned();
    assert_eq!(judge(&log, Ending::TimedOut), [Violation::TimedOut { waiting_for }]);
}

#[test]
fn a_hart_that_did_not_start_is_caught() {
    let mut log = good_log();
    log[1] = Marker::Boot { harts: 1, memory_mib: MEMORY.into() }.to_string();
    assert_eq!(judge(&log, CLEAN), [Violation::WrongHarts { found: 1, required: HARTS }]);
}

#[test]
fn stopping_at_a_marker_judges_what_came_before_it() {
    let stop = passed(Case::IPC);
    let run = |skip: Option<&str>| {
        let mut contract =
            Contract::new(selftest(HARTS, MEMORY, &recipe()), EndLine::Required).stop_at(&stop);
        let log = good_log();
        let lines = log.iter().filter(|line| Some(line.as_str()) != skip);
        let stopped = lines.map(|line| contract.line(line)).any(|progress| progress == Progress::Stop);
        assert!(stopped);
        contract.finish(Ending::Stopped).violations().to_vec()
    };
    assert_eq!(run(None), []);
    let skipped = passed(Case::HEAP);
    assert_eq!(run(Some(&skipped)), [Violation::MarkerMissing(skipped.clone())]);
}

#[test]
fn every_violation_is_said_differently_and_a_time_out_has_its_own_status() {
    let text = || "x".to_owned();
    let all = [
        Violation::MarkerMissing(text()),
        Violation::MarkerOutOfOrder { marker: text(), after: text() },
        Violation::UnknownMarker(text()),
        Violation::UnexpectedMarker(text()),
        Violation::DuplicateMarker(text()),
        Violation::Fail(text()),
        Violation::Panic(text()),
        Violation::NoEndLine,
        Violation::Miscounted { said: (1, 0), printed: (0, 0) },
        Violation::WrongExitCode(Exit::Code(1)),
        Violation::TimedOut { waiting_for: text() },
        Violation::WrongHarts { found: 1, required: 2 },
    ];
    let mut words: Vec<_> =
        all.iter().map(|it| it.to_string().split(':').next().unwrap().to_owned()).collect();
    words.sort();
    words.dedup();
    assert_eq!(words.len(), all.len());

    let status = |violation: &Violation| Verdict::new(vec![violation.clone()], 0).status();
    assert_eq!(all.iter().map(status).filter(|status| *status == 124).count(), 1);
    assert_eq!(Verdict::new(vec![], 3).status(), 0);
}
