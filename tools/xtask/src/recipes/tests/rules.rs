//! Mistakes in policies.

use super::*;

#[test]
fn a_rule_about_what_does_not_exist_is_refused() {
    let rule = |subject: &str, action: &str, object: &str| {
        format!(
            "[[allow]]\nsubject = \"{subject}\"\naction = \"{action}\"\nobject = \"{object}\"\nwhy = \"x\"\n"
        )
    };
    assert_eq!(
        about_policy(&rule("timed", "qos.raise", "shell")),
        [
            "policies/sched.toml:7: [[allow]] subject = \"timed\": allowed is the name of a program of the image"
        ]
    );
    assert_eq!(
        about_policy(&rule("*", "qos.raise", "shell")),
        ["policies/sched.toml:7: [[allow]] subject = \"*\": allowed is the name of a program of the image"]
    );
    assert_eq!(
        about_policy(&rule("shell", "qos.rise", "shell")),
        [
            "policies/sched.toml:8: [[allow]] action = \"qos.rise\": allowed is \"qos.raise\", \"qos.perf_burst\", \
          \"sched.shares_above_500\", \"sched.self\" or \"sched.others\""
        ]
    );
    assert_eq!(
        about_policy(&rule("shell", "qos.raise", "timed")),
        [
            "policies/sched.toml:9: [[allow]] object = \"timed\": allowed is the name of a program of the image, or \
          \"*\" for any"
        ]
    );
}

#[test]
fn a_rule_is_whole_says_why_and_is_said_once() {
    assert_eq!(
        about_policy("[[allow]]\nsubject = \"shell\"\naction = \"qos.raise\"\nobject = \"*\"\n"),
        ["policies/sched.toml:6: [[allow]] has no why: allowed is a text of 1 to 96 bytes"]
    );
    assert_eq!(
        about_policy("[[allow]]\nsubject = \"shell\"\naction = \"qos.raise\"\nobject = \"*\"\nwhy = \" \"\n"),
        ["policies/sched.toml:10: [[allow]] why = \" \": allowed is a text of 1 to 96 bytes"]
    );
    assert_eq!(
        about_policy(POLICY),
        ["policies/sched.toml:6: [[allow]]: an earlier rule says the same, because \"a person waits\""]
    );
}

#[test]
fn rules_that_deny_do_not_exist() {
    assert_eq!(
        about_policy("[[deny]]\nsubject = \"shell\"\n"),
        ["policies/sched.toml:6: deny: unknown key; allowed are [[allow]]"]
    );
    assert_eq!(
        complaints(Desk { policy: "allow = true\n".to_owned(), ..desk() }),
        ["policies/sched.toml:1: allow: allowed are tables, [[allow]]"]
    );
}
