//! Every message survives the wire, a full page fits into one, and no bytes can make reading it panic.

extern crate std;

use super::*;
use crate::{Malformed, decode, encode};
use nexus_abi::MESSAGE_BYTES_MAX;
use proptest::prelude::*;
use std::string::ToString;

fn name() -> impl Strategy<Value = Image> {
    "[ -~]{0,24}".prop_map(|text| Image::try_from(text.as_str()).expect("short"))
}

fn may() -> impl Strategy<Value = May> {
    let action = prop::sample::select(&Action::ALL[..]).prop_map(|(_, action)| action);
    (name(), action, name()).prop_map(|(subject, action, object)| May { subject, action, object })
}

fn decision() -> impl Strategy<Value = Decision> {
    let denials =
        [Denial::NoRuleForSubject, Denial::NoRuleForAction, Denial::NoRuleForObject, Denial::NotPrivileged];
    prop_oneof![
        "[ -~]{0,96}".prop_map(|why| Decision::Allow(String::try_from(why.as_str()).expect("short"))),
        prop::sample::select(denials.to_vec()).prop_map(Decision::Deny),
    ]
}

fn record() -> impl Strategy<Value = Record> {
    let question = prop_oneof![may().prop_map(Question::May), Just(Question::ReadAudit)];
    (any::<(u32, u64, u32, u64, u32)>(), question, decision()).prop_map(
        |((number, at_ns, times, asker, service), question, decision)| Record {
            number,
            at_ns,
            times,
            asker,
            service,
            question,
            decision,
        },
    )
}

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        decision().prop_map(Answer::Decided),
        proptest::collection::vec(record(), 0..=PAGE)
            .prop_map(|page| Answer::Audit(page.into_iter().collect())),
    ]
}

proptest! {
    #[test]
    fn messages_survive_the_wire(may in may(), from: u32, answer in answer()) {
        let mut buffer = [0; MESSAGE_BYTES_MAX];
        for request in [Request::May(may), Request::Audit { from }] {
            let bytes = encode(&request, &mut buffer).expect("a request fits into a message");
            prop_assert_eq!(decode::<Request>(bytes), Ok(request.clone()));
            prop_assert_eq!(decode::<Request>(&bytes[..bytes.len() - 1]), Err(Malformed));
        }
        let bytes = encode(&answer, &mut buffer).expect("an answer fits into a message");
        prop_assert_eq!(decode::<Answer>(bytes), Ok(answer));
    }

    #[test]
    fn garbage_is_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(request) = decode::<Request>(&bytes) {
            let mut buffer = [0; MESSAGE_BYTES_MAX];
            prop_assert!(encode(&request, &mut buffer).is_ok());
        }
        let _either = decode::<Answer>(&bytes);
    }
}

#[test]
fn a_page_of_the_longest_records_fits_into_a_message() {
    let name = Image::try_from("n".repeat(24).as_str()).expect("short");
    let record = Record {
        number: u32::MAX,
        at_ns: u64::MAX,
        times: u32::MAX,
        asker: u64::MAX,
        service: u32::MAX,
        question: Question::May(May { subject: name.clone(), action: Action::SchedOthers, object: name }),
        decision: Decision::Allow(String::try_from("w".repeat(WHY_MAX).as_str()).expect("short")),
    };
    let page = Answer::Audit(core::iter::repeat_n(record, PAGE).collect());
    assert!(encode(&page, &mut [0; MESSAGE_BYTES_MAX]).is_ok());
}

#[test]
fn actions_have_distinct_names_and_denials_say_what_is_missing() {
    for (n, (name, action)) in Action::ALL.iter().enumerate() {
        assert_eq!(action.name(), *name);
        assert!(Action::ALL[..n].iter().all(|(other, _)| other != name));
    }
    assert_eq!(Denial::NoRuleForAction.to_string(), "no rule allows the subject this action");
}
