//! What is written down, what is answered, and what is forgotten.

#![expect(clippy::unwrap_used, reason = "a helper of tests may unwrap like a test")]

use std::collections::BTreeMap;

use explain::*;
use nexus_abi::{Nanos, TaskId};
use proptest::prelude::*;

fn ms(ms: u64) -> Nanos {
    Nanos::from_millis(ms)
}

fn name(text: &str) -> Name {
    Name::try_from(text).unwrap()
}

fn asked(task: u32, what: &str) -> Origin {
    Origin::Request { task: TaskId::new(task, 1), who: name("org.app"), asked: clipped(what) }
}

fn event(what: &str) -> Cause {
    Cause::Origin(Origin::Event(clipped(what)))
}

fn decision(subject: Subject, holds: Holds, what: &str, cause: Cause) -> Decision {
    Decision { at: ms(0), subject, holds, what: clipped(what), cause }
}

fn step(what: &str, cause: Cause) -> Decision {
    decision(Subject::Step, Holds::Once, what, cause)
}

fn mode(what: &str, cause: Cause) -> Decision {
    decision(Subject::Mode, Holds::FromNowOn, what, cause)
}

/// The chains of an answer as the texts of their links.
fn told(answer: &Answer) -> Vec<Vec<&str>> {
    answer.chains.iter().map(|chain| chain.links.iter().map(|link| link.what.as_str()).collect()).collect()
}

/// A log in which the mode follows from `steps` decisions, the first of them a request.
fn chain_of<const N: usize>(steps: u64) -> Log<N> {
    let mut log = Log::new();
    let mut cause = Cause::Origin(asked(7, "save energy"));
    for index in 0..steps {
        cause = Cause::Decision(log.note(step(&format!("step {index}"), cause)).unwrap());
    }
    log.note(mode("frugal", cause)).unwrap();
    log
}

#[test]
fn a_decision_is_explained_back_to_the_task_and_the_request() {
    let answer = chain_of::<8>(2).why(Question::Mode);
    assert!(answer.holds);
    assert_eq!(told(&answer), [["frugal", "step 1", "step 0"]]);
    assert_eq!(answer.chains[0].origin, asked(7, "save energy"));
    assert_eq!(answer.chains[0].forgotten, 0);
}

#[test]
fn a_cause_that_has_not_been_decided_is_refused_and_nothing_is_written() {
    let mut log: Log = Log::new();
    let before = log.clone();
    assert_eq!(log.note(mode("frugal", Cause::Decision(Seq(0)))), Err(NoSuchDecision), "itself");
    assert_eq!(log.note(mode("frugal", Cause::Decision(Seq(9)))), Err(NoSuchDecision));
    assert_eq!(log, before);
    assert_eq!(log.note(mode("frugal", event("x"))), Ok(Seq(0)));
    assert_eq!(log.note(mode("frugal", Cause::Decision(Seq(0)))), Ok(Seq(1)));
    assert_eq!(NoSuchDecision.to_string(), "that decision has not been made");
}

#[test]
fn every_lock_that_holds_is_a_reason_to_be_awake_the_latest_first() {
    let mut log: Log = Log::new();
    let lock = |id, holds, what| decision(Subject::Awake(id), holds, what, event("x"));
    for (id, what) in [(5, "five"), (1, "one"), (9, "nine")] {
        log.note(lock(id, Holds::FromNowOn, what)).unwrap();
    }
    assert_eq!(told(&log.why(Question::Awake)), [["nine"], ["one"], ["five"]]);
    log.note(lock(1, Holds::NoLonger, "one released")).unwrap();
    assert_eq!(told(&log.why(Question::Awake)), [["nine"], ["five"]]);
    log.note(lock(5, Holds::FromNowOn, "five renewed")).unwrap();
    assert_eq!(told(&log.why(Question::Awake)), [["five renewed"], ["nine"]]);
}

#[test]
fn when_nothing_holds_the_latest_is_told_and_marked() {
    let mut log: Log = Log::new();
    let lock = |id, holds, what| decision(Subject::Awake(id), holds, what, event("x"));
    log.note(lock(1, Holds::FromNowOn, "held")).unwrap();
    log.note(lock(1, Holds::NoLonger, "released")).unwrap();
    log.note(step("unrelated", event("y"))).unwrap();
    let answer = log.why(Question::Awake);
    assert!(!answer.holds);
    assert_eq!(told(&answer), [["released"]]);
    let text = "why is it awake\n  it no longer is; the latest was\n  released, 0.001 s ago\n    because x\n";
    assert_eq!(answer.text(ms(1)), text);
}

#[test]
fn questions_are_answered_by_their_own_subject_only() {
    let mut log: Log = Log::new();
    let (chat, mail) = (name("chat"), name("mail"));
    let subjects = [
        (Subject::Awake(1), Question::Awake, "lock"),
        (Subject::Mode, Question::Mode, "mode"),
        (Subject::Late(4), Question::Late(4), "late 4"),
        (Subject::Late(5), Question::Late(5), "late 5"),
        (Subject::Standby(chat.clone()), Question::Standby(chat), "chat"),
        (Subject::Standby(mail.clone()), Question::Standby(mail), "mail"),
    ];
    for (subject, _, what) in &subjects {
        log.note(decision(subject.clone(), Holds::FromNowOn, what, event("x"))).unwrap();
    }
    log.note(step("step", event("x"))).unwrap();
    for (_, question, what) in subjects {
        assert_eq!(told(&log.why(question)), [[what]]);
    }
    assert_eq!(told(&log.why(Question::Late(6))), Vec::<Vec<&str>>::new());
    assert_eq!(told(&log.why(Question::Standby(name("game")))), Vec::<Vec<&str>>::new());
}

#[test]
fn a_timer_that_was_late_once_is_explained_while_the_ring_has_it() {
    let mut log: Log<2> = Log::new();
    log.note(decision(Subject::Late(4), Holds::Once, "held until a window", event("standby"))).unwrap();
    log.note(step("a", event("x"))).unwrap();
    let answer = log.why(Question::Late(4));
    assert!(!answer.holds);
    let text = "why is timer 4 late\n  held until a window, 0.000 s ago\n    because standby\n";
    assert_eq!(answer.text(ms(0)), text);
    log.note(step("b", event("x"))).unwrap();
    assert_eq!(log.why(Question::Late(4)).text(ms(0)), "why is timer 4 late\n  nothing is recorded\n");
}

#[test]
fn what_holds_is_kept_however_much_happens() {
    let mut log: Log<4> = Log::new();
    log.note(mode("frugal", Cause::Origin(asked(7, "save energy")))).unwrap();
    for index in 0..1_000 {
        log.note(step(&index.to_string(), event("x"))).unwrap();
    }
    assert_eq!(log.len(), 4);
    let answer = log.why(Question::Mode);
    assert_eq!((answer.holds, told(&answer)), (true, vec![vec!["frugal"]]));
    // And it is still a cause that can be named.
    log.note(decision(Subject::Late(1), Holds::Once, "late", Cause::Decision(Seq(0)))).unwrap();
    assert_eq!(told(&log.why(Question::Late(1))), [["late", "frugal"]]);
}

#[test]
fn forgotten_links_are_counted_and_the_origin_stays() {
    for (steps, links, forgotten) in [(3, 4, 0), (4, 4, 1), (10, 4, 7)] {
        let answer = chain_of::<4>(steps).why(Question::Mode);
        assert_eq!((answer.chains[0].links.len(), answer.chains[0].forgotten), (links, forgotten));
        assert_eq!(answer.chains[0].origin, asked(7, "save energy"));
    }
    let text = chain_of::<2>(3).why(Question::Mode).text(ms(0));
    let expected = "\
why is it in this mode
  frugal, 0.000 s ago
    because step 2, 0.000 s ago
    because of 2 more that are not told
    because task 7.1 (org.app) asked: save energy
";
    assert_eq!(text, expected);
}

#[test]
fn a_chain_is_told_up_to_32_links() {
    for (steps, links, forgotten) in [(30, 31, 0), (31, 32, 0), (32, 32, 1)] {
        let answer = chain_of::<256>(steps).why(Question::Mode);
        assert_eq!((answer.chains[0].links.len(), answer.chains[0].forgotten), (links, forgotten));
    }
}

#[test]
fn a_cause_that_was_forgotten_before_it_was_named_is_said_to_be() {
    let mut log: Log<1> = Log::new();
    let old = log.note(step("old", Cause::Origin(asked(7, "x")))).unwrap();
    log.note(step("other", event("y"))).unwrap();
    log.note(mode("frugal", Cause::Decision(old))).unwrap();
    let answer = log.why(Question::Mode);
    let expected = "\
why is it in this mode
  frugal, 0.000 s ago
    because of something that is no longer recorded
";
    assert_eq!(answer.text(ms(0)), expected);
    assert!(answer.json().contains(r#""forgotten":0,"origin":{"kind":"forgotten"}"#));
}

#[test]
fn of_401_decisions_that_hold_the_oldest_is_displaced() {
    let mut log: Log<0> = Log::new();
    for id in 0..400 {
        log.note(decision(Subject::Awake(id), Holds::FromNowOn, "lock", event("x"))).unwrap();
    }
    assert_eq!(log.why(Question::Awake).chains.len(), 400);
    log.note(mode("frugal", event("x"))).unwrap();
    let answer = log.why(Question::Awake);
    assert_eq!((answer.chains.len(), answer.chains[398].links[0].seq), (399, Seq(1)));
    assert!(log.why(Question::Mode).holds);
}

#[test]
fn a_log_without_a_ring_still_explains_what_holds() {
    let mut log: Log<0> = Log::new();
    let held = log.note(mode("frugal", event("x"))).unwrap();
    log.note(decision(Subject::Awake(1), Holds::FromNowOn, "lock", Cause::Decision(held))).unwrap();
    assert_eq!(told(&log.why(Question::Awake)), [["lock", "frugal"]]);
    assert!(log.is_empty());
    assert!(!chain_of::<1>(0).is_empty());
}

#[test]
fn json_has_every_key_and_escapes_what_apps_say() {
    let mut log: Log = Log::new();
    let origin = Origin::Request { task: TaskId::new(7, 2), who: name("a\"b"), asked: clipped("new\nline") };
    let first = log.note(Decision { at: Nanos(5), ..step("plays", Cause::Origin(origin)) }).unwrap();
    let standby = decision(Subject::Standby(name("c")), Holds::FromNowOn, "in", Cause::Decision(first));
    log.note(Decision { at: Nanos(9), ..standby }).unwrap();
    let expected = concat!(
        r#"{"question":{"kind":"standby","app":"c"},"holds":true,"chains":[{"links":["#,
        r#"{"decision":1,"at_ns":9,"what":"in"},{"decision":0,"at_ns":5,"what":"plays"}],"#,
        r#""forgotten":0,"origin":{"kind":"request","task":"7.2","who":"a\"b","asked":"new\nline"}}]}"#
    );
    assert_eq!(log.why(Question::Standby(name("c"))).json(), expected);
    log.note(decision(Subject::Late(3), Holds::Once, "late", event("night"))).unwrap();
    let expected = concat!(
        r#"{"question":{"kind":"late","timer":3},"holds":false,"chains":[{"links":["#,
        r#"{"decision":2,"at_ns":0,"what":"late"}],"forgotten":0,"origin":{"kind":"event","what":"night"}}]}"#
    );
    assert_eq!(log.why(Question::Late(3)).json(), expected);
    let nothing = |kind| format!(r#"{{"question":{{"kind":"{kind}"}},"holds":false,"chains":[]}}"#);
    assert_eq!(log.why(Question::Awake).json(), nothing("awake"));
    assert_eq!(log.why(Question::Mode).json(), nothing("mode"));
}

#[test]
fn ages_are_in_seconds_with_milliseconds() {
    let mut log: Log = Log::new();
    log.note(Decision { at: ms(1_000), ..mode("frugal", event("x")) }).unwrap();
    let age = |now| log.why(Question::Mode).text(now).lines().nth(1).unwrap().to_owned();
    assert_eq!(age(ms(1_001)), "  frugal, 0.001 s ago");
    assert_eq!(age(ms(62_050)), "  frugal, 61.050 s ago");
    assert_eq!(age(ms(0)), "  frugal, 0.000 s ago");
}

#[test]
fn questions_are_sentences() {
    assert_eq!(Question::Mode.to_string(), "why is it in this mode");
    assert_eq!(Question::Standby(name("org.chat")).to_string(), "why is org.chat in standby");
    let mut log: Log = Log::new();
    let subject = Subject::Standby(name("c"));
    log.note(decision(subject.clone(), Holds::FromNowOn, "in", event("x"))).unwrap();
    log.note(decision(subject, Holds::NoLonger, "out", event("tap"))).unwrap();
    let text =
        "why is c in standby\n  it no longer is; the latest was\n  out, 0.000 s ago\n    because tap\n";
    assert_eq!(log.why(Question::Standby(name("c"))).text(ms(0)), text);
}

#[test]
fn long_texts_are_cut_between_characters_and_marked() {
    let fits = "x".repeat(96);
    assert_eq!(clipped(&fits), fits.as_str());
    let cut = clipped(&"x".repeat(97));
    assert_eq!(cut, format!("{}…", "x".repeat(93)).as_str());
    // Two bytes each: 46 of them and the mark of three are 95.
    assert_eq!(clipped(&"ä".repeat(60)), format!("{}…", "ä".repeat(46)).as_str());
    // One byte, then two each: 1 + 46 · 2 + 3 are exactly 96.
    assert_eq!(clipped(&format!("x{}", "ä".repeat(60))), format!("x{}…", "ä".repeat(46)).as_str());
}

proptest! {
    #[test]
    fn every_chain_is_the_true_one_as_far_as_it_is_remembered(
        steps in proptest::collection::vec((0u32..6, 0u8..3, proptest::option::of(0u64..80)), 1..80),
    ) {
        let mut log: Log<16> = Log::new();
        // The whole history: each decision's cause and origin, and whether its cause was remembered then.
        let mut parents: Vec<Option<u64>> = Vec::new();
        let mut origins: Vec<Origin> = Vec::new();
        let mut holding: BTreeMap<u32, u64> = BTreeMap::new();
        for (index, (lock, holds, cause)) in (0u64..).zip(steps) {
            let own = asked(index as u32, "x");
            let parent = cause.filter(|cause| *cause < index);
            let known = |seq: &u64| seq + 16 >= index || holding.values().any(|held| held == seq);
            let remembered = parent.filter(known);
            origins.push(match (parent, remembered) {
                (None, _) => own.clone(),
                (Some(_), None) => Origin::Forgotten,
                (Some(_), Some(parent)) => origins[parent as usize].clone(),
            });
            parents.push(remembered);
            let holds = [Holds::FromNowOn, Holds::NoLonger, Holds::Once][usize::from(holds)];
            let cause = parent.map_or(Cause::Origin(own), |parent| Cause::Decision(Seq(parent)));
            prop_assert_eq!(log.note(decision(Subject::Awake(lock), holds, "x", cause)), Ok(Seq(index)));
            match holds {
                Holds::FromNowOn => drop(holding.insert(lock, index)),
                Holds::NoLonger => drop(holding.remove(&lock)),
                Holds::Once => {}
            }
            prop_assert!(log.len() <= 16);

            let answer = log.why(Question::Awake);
            let mut expected: Vec<u64> = holding.values().copied().collect();
            expected.sort_unstable_by(|a, b| b.cmp(a));
            prop_assert_eq!(answer.holds, !expected.is_empty());
            if expected.is_empty() {
                expected.push(index);
            }
            let firsts: Vec<u64> = answer.chains.iter().map(|chain| chain.links[0].seq.0).collect();
            prop_assert_eq!(&firsts, &expected);
            for chain in answer.chains {
                let told: Vec<u64> = chain.links.iter().map(|link| link.seq.0).collect();
                let ancestry = |seq: &u64| parents[*seq as usize];
                let truth: Vec<u64> = std::iter::successors(Some(told[0]), ancestry).collect();
                prop_assert_eq!(&told[..], &truth[..told.len()]);
                prop_assert_eq!(chain.forgotten, truth.len() - told.len());
                prop_assert_eq!(&chain.origin, &origins[told[0] as usize]);
            }
        }
    }
}
