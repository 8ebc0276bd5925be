//! policyd on the workbench: who may ask what, what is remembered, and what garbage does.

extern crate std;

use std::format;
use std::string::ToString;
use std::vec::Vec;

use access_policy::{Name, Object, Rule, Why};
use nexus_abi::{QosClass, TaskId};
use nexus_service::memory::{Bench, CallId, Outcome};
use nexus_wire::Status;
use nexus_wire::execd::Image;
use nexus_wire::policyd::{PAGE, Record};
use nexus_wire::recipe::{Profile, Service as Entry, Start};
use proptest::prelude::*;

use super::*;

const WHY: &str = "it draws what people see";

fn policy() -> Policy<Action> {
    let mut policy = Policy::new();
    let rule = |subject: &str, action, object| Rule {
        subject: Name::try_from(subject).expect("short"),
        action,
        object,
        why: Why::try_from(WHY).expect("short"),
    };
    let ui = Object::Named(Name::try_from("ui").expect("short"));
    policy.add(rule("ui", Action::QosPerfBurst, ui)).expect("room");
    policy.add(rule("shell", Action::SchedOthers, Object::Any)).expect("room");
    policy
}

/// The shell may read the audit; so may `app`, which is no program but what the kernel calls those without identity.
fn recipe() -> Recipe {
    let entry = |name: &str| Entry {
        name: Image::try_from(name).expect("short"),
        start: Start::Asked,
        profile: Profile { privileges: [Privilege::Audit].into_iter().collect(), ..Profile::DEFAULT },
        affinity: None,
        qos: None,
    };
    Recipe { services: [entry("shell"), entry("app")].into_iter().collect() }
}

struct Rig(Bench<Policyd>);

impl Rig {
    fn new() -> Self {
        Self(Bench::new(Policyd::new(policy(), recipe())))
    }

    fn answer(&self, id: CallId) -> Answer {
        match self.0.outcome(id) {
            Ok(Outcome::Answered(answer)) => answer,
            other => panic!("{other:?}"),
        }
    }

    fn ask(&mut self, caller: Caller, request: &Request) -> Answer {
        let id = self.0.call(caller, request);
        self.answer(id)
    }

    fn decide(&mut self, subject: &str, action: Action, object: &str) -> Decision {
        match self.ask(execd(), &may(subject, action, object)) {
            Answer::Decided(decision) => decision,
            other => panic!("{other:?}"),
        }
    }

    fn records(&mut self) -> Vec<Record> {
        let mut records: Vec<Record> = Vec::new();
        loop {
            let from = records.last().map_or(0, |record| record.number + 1);
            let Answer::Audit(page) = self.ask(by(ServiceId::SHELL, 9), &Request::Audit { from }) else {
                panic!()
            };
            let last = page.len() < PAGE;
            records.extend(page);
            if last {
                return records;
            }
        }
    }
}

fn by(service: ServiceId, task: u32) -> Caller {
    Caller { task: TaskId::new(task, 1), service, class: QosClass::Normal }
}

fn execd() -> Caller {
    by(ServiceId::EXECD, 2)
}

fn may(subject: &str, action: Action, object: &str) -> Request {
    let name = |text: &str| Image::try_from(text).expect("short");
    Request::May(May { subject: name(subject), action, object: name(object) })
}

#[test]
fn what_a_rule_allows_is_allowed_with_its_reason_and_all_else_denied_with_another() {
    let mut rig = Rig::new();
    let decisions = [
        rig.decide("ui", Action::QosPerfBurst, "ui"),
        rig.decide("ui", Action::QosPerfBurst, "shell"),
        rig.decide("ui", Action::QosRaise, "ui"),
        rig.decide("camera", Action::QosPerfBurst, "camera"),
        rig.decide("shell", Action::SchedOthers, "camera"),
    ];
    let words = decisions.map(|decision| decision.to_string());
    let expected = [
        WHY,
        "no rule allows it on this object",
        "no rule allows the subject this action",
        "no rule names the subject",
        WHY,
    ];
    assert_eq!(words, expected);
}

#[test]
fn test_reject_questions_of_anybody_but_execd_whatever_the_payload_says() {
    let mut rig = Rig::new();
    for service in [ServiceId::APP, ServiceId::SHELL, ServiceId::SELFTEST, ServiceId::INIT, ServiceId(99)] {
        for subject in ["ui", "execd", "shell"] {
            let answer = rig.ask(by(service, 7), &may(subject, Action::QosPerfBurst, "ui"));
            assert_eq!(answer, Answer::Decided(Decision::Deny(Denial::NotPrivileged)), "{service:?}");
        }
    }
    assert_eq!(rig.records().len(), 15, "each attempt is remembered");
}

#[test]
fn test_reject_reading_the_audit_without_the_privilege() {
    let mut rig = Rig::new();
    rig.decide("ui", Action::QosPerfBurst, "ui").to_string();
    // `app` stands in the recipe, but no task can prove to be it.
    for service in [ServiceId::APP, ServiceId::SELFTEST, ServiceId::EXECD, ServiceId(99)] {
        let answer = rig.ask(by(service, 7), &Request::Audit { from: 0 });
        assert_eq!(answer, Answer::Decided(Decision::Deny(Denial::NotPrivileged)), "{service:?}");
    }
    let records = rig.records();
    assert_eq!(records.len(), 5);
    assert!(records[1..].iter().all(|record| record.question == Question::ReadAudit));
}

#[test]
fn a_record_says_who_asked_what_when_and_why_it_was_so_answered() {
    let mut rig = Rig::new();
    rig.0.run_until(Nanos(5_000));
    let decision = rig.decide("ui", Action::QosPerfBurst, "ui");
    let Request::May(question) = may("ui", Action::QosPerfBurst, "ui") else { panic!() };
    let expected = Record {
        number: 0,
        at_ns: 5_000,
        times: 1,
        asker: TaskId::new(2, 1).to_wire(),
        service: ServiceId::EXECD.0,
        question: Question::May(question),
        decision,
    };
    assert_eq!(rig.records(), [expected]);
    assert_eq!(rig.records().len(), 1, "reading leaves no record");
}

#[test]
fn the_same_answer_in_a_row_is_one_record_that_counts() {
    let mut rig = Rig::new();
    let other = rig.decide("ui", Action::QosPerfBurst, "ui");
    for ms in 1..=1000 {
        rig.0.run_until(Nanos::from_millis(ms));
        assert_eq!(rig.decide("x", Action::QosRaise, "x"), Decision::Deny(Denial::NoRuleForSubject));
    }
    let records = rig.records();
    assert_eq!(records.len(), 2);
    assert_eq!((&records[0].decision, records[0].times), (&other, 1));
    assert_eq!((records[1].times, records[1].at_ns), (1000, Nanos::from_millis(1000).0));
}

#[test]
fn the_audit_is_bounded_forgets_the_oldest_and_the_gap_shows() {
    let mut rig = Rig::new();
    for n in 0..AUDIT_MAX + 10 {
        let denied = rig.decide(&format!("program-{n}"), Action::QosRaise, "x");
        assert_eq!(denied, Decision::Deny(Denial::NoRuleForSubject));
    }
    let numbers: Vec<_> = rig.records().iter().map(|record| record.number).collect();
    assert_eq!(numbers, (10..AUDIT_MAX as u32 + 10).collect::<Vec<_>>());
}

#[test]
fn a_page_beyond_the_end_is_empty() {
    let mut rig = Rig::new();
    let answer = rig.ask(by(ServiceId::SHELL, 9), &Request::Audit { from: u32::MAX });
    assert_eq!(answer, Answer::Audit(heapless::Vec::new()));
}

#[test]
fn garbage_is_answered_leaves_no_record_and_bits_do_nothing() {
    let mut rig = Rig::new();
    let id = rig.0.send(execd(), &[0xff, 0xff, 0xff], None);
    assert_eq!(rig.0.outcome(id), Ok(Outcome::Status(Status::Malformed)));
    rig.0.bits(u64::MAX);
    assert_eq!((rig.records(), rig.0.deadline()), (Vec::new(), Nanos::NEVER));
}

proptest! {
    #[test]
    fn every_call_is_answered_and_the_ring_stays_bounded(
        calls in proptest::collection::vec((0u32..7, proptest::collection::vec(any::<u8>(), 0..80)), 0..400),
    ) {
        let mut rig = Rig::new();
        for (service, bytes) in calls {
            let id = rig.0.send(by(ServiceId(service), service), &bytes, None);
            prop_assert!(!matches!(rig.0.outcome(id), Ok(Outcome::Waiting | Outcome::Abandoned) | Err(_)));
        }
        prop_assert!(rig.records().len() <= AUDIT_MAX);
    }

    #[test]
    fn the_same_question_has_the_same_answer_whatever_came_before(
        before in proptest::collection::vec((0usize..3, 0usize..5, 0usize..3), 0..40),
        last in (0usize..3, 0usize..5, 0usize..3),
    ) {
        let names = ["ui", "shell", "x"];
        let fresh = |rig: &mut Rig, (s, a, o): (usize, usize, usize)| rig.decide(names[s], Action::ALL[a].1, names[o]);
        let (mut used, mut new) = (Rig::new(), Rig::new());
        for question in before {
            fresh(&mut used, question).to_string();
        }
        prop_assert_eq!(fresh(&mut used, last), fresh(&mut new, last));
    }
}
