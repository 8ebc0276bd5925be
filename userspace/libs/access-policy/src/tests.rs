//! Decisions against small policies, and against a second way of deciding for random ones.

extern crate std;

use proptest::prelude::*;
use std::format;
use std::vec::Vec as List;

use super::*;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Act {
    Raise,
    Burst,
}

fn rule(subject: &str, action: Act, object: &str, why: &str) -> Rule<Act> {
    let text = |text: &str| Name::try_from(text).expect("short");
    let object = if object == "*" { Object::Any } else { Object::Named(text(object)) };
    Rule { subject: text(subject), action, object, why: Why::try_from(why).expect("short") }
}

fn policy(rules: &[Rule<Act>]) -> Policy<Act> {
    let mut policy = Policy::new();
    for rule in rules {
        policy.add(rule.clone()).expect("room");
    }
    policy
}

fn ask<'p>(policy: &'p Policy<Act>, subject: &str, action: Act, object: &str) -> Decision<'p> {
    policy.decide(&Query { subject, action, object })
}

#[test]
fn a_policy_that_says_nothing_allows_nothing() {
    let empty = Policy::<Act>::default();
    assert_eq!(empty, Policy::new());
    assert_eq!(empty.rules(), []);
    assert_eq!(ask(&empty, "a", Act::Raise, "a"), Decision::Deny(Missing::Subject));
}

#[test]
fn without_rules_everything_is_denied() {
    let nothing = Policy::new();
    assert_eq!(ask(&nothing, "execd", Act::Raise, "execd"), Decision::Deny(Missing::Subject));
}

#[test]
fn a_rule_allows_what_it_says_and_nothing_beside_it() {
    let policy = policy(&[rule("ui", Act::Raise, "ui", "it draws")]);
    assert_eq!(ask(&policy, "ui", Act::Raise, "ui"), Decision::Allow("it draws"));
    assert_eq!(ask(&policy, "ui", Act::Burst, "ui"), Decision::Deny(Missing::Action));
    assert_eq!(ask(&policy, "ui", Act::Raise, "shell"), Decision::Deny(Missing::Object));
    assert_eq!(ask(&policy, "u", Act::Raise, "ui"), Decision::Deny(Missing::Subject));
    assert_eq!(ask(&policy, "", Act::Raise, ""), Decision::Deny(Missing::Subject));
}

#[test]
fn a_star_covers_every_object_but_no_other_subject() {
    let policy = policy(&[rule("shell", Act::Raise, "*", "a person asks")]);
    assert_eq!(ask(&policy, "shell", Act::Raise, "anything"), Decision::Allow("a person asks"));
    assert_eq!(ask(&policy, "*", Act::Raise, "anything"), Decision::Deny(Missing::Subject));
}

#[test]
fn the_first_rule_that_allows_is_the_reason() {
    let policy = policy(&[
        rule("a", Act::Burst, "b", "no"),
        rule("a", Act::Raise, "*", "first"),
        rule("a", Act::Raise, "b", "second"),
    ]);
    assert_eq!(ask(&policy, "a", Act::Raise, "b"), Decision::Allow("first"));
}

#[test]
fn a_denial_names_what_came_closest_whatever_the_order() {
    let (near, far) = (rule("a", Act::Raise, "b", ""), rule("a", Act::Burst, "c", ""));
    for rules in [[near.clone(), far.clone()], [far, near]] {
        let policy = policy(&rules);
        assert_eq!(ask(&policy, "a", Act::Raise, "x"), Decision::Deny(Missing::Object));
    }
}

#[test]
fn rules_are_bounded_and_one_too_many_is_refused() {
    let mut policy = Policy::new();
    let one = rule("a", Act::Raise, "b", "");
    for _ in 0..RULES_MAX {
        policy.add(one.clone()).expect("room");
    }
    assert_eq!(policy.add(one), Err(Full));
    assert_eq!(policy.rules().len(), RULES_MAX);
}

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&["a", "b", "c", "*", ""][..])
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![Just(Act::Raise), Just(Act::Burst)]
}

proptest! {
    #[test]
    fn allowed_if_and_only_if_some_rule_says_so(
        rules in proptest::collection::vec((name(), act(), name()), 0..12),
        subject in name(), action in act(), object in name(),
    ) {
        let list: List<_> = rules.iter().map(|(s, a, o)| rule(s, *a, o, &format!("{s} {a:?} {o}"))).collect();
        let policy = policy(&list);
        let allows = |rule: &&(&str, Act, &str)| rule.0 == subject && rule.1 == action && (rule.2 == "*" || rule.2 == object);
        let decision = ask(&policy, subject, action, object);
        match rules.iter().find(allows) {
            Some((s, a, o)) => {
                let why = format!("{s} {a:?} {o}");
                prop_assert_eq!(decision, Decision::Allow(&why));
            }
            None => prop_assert!(matches!(decision, Decision::Deny(_))),
        }
        prop_assert_eq!(ask(&policy, subject, action, object), decision, "asked twice");
    }

    #[test]
    fn one_more_rule_never_takes_anything_away(
        rules in proptest::collection::vec((name(), act(), name()), 1..12),
        subject in name(), action in act(), object in name(),
    ) {
        let list: List<_> = rules.iter().map(|(s, a, o)| rule(s, *a, o, "")).collect();
        let fewer = policy(&list[1..]);
        if ask(&fewer, subject, action, object) == Decision::Allow("") {
            let more = policy(&list);
            prop_assert_eq!(ask(&more, subject, action, object), Decision::Allow(""));
        }
    }
}
