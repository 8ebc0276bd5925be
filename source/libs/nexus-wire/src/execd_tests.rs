//! Every message survives the wire, and no bytes can make reading it panic.

extern crate std;

use super::*;
use crate::{Malformed, decode, encode};
use nexus_abi::MESSAGE_BYTES_MAX;
use proptest::prelude::*;
use std::string::ToString;

fn text<const N: usize>() -> impl Strategy<Value = String<N>> {
    proptest::collection::vec(prop::char::any(), 0..N).prop_map(|chars| {
        let mut text = String::new();
        for c in chars {
            // What does not fit any more is left out.
            let _full = text.push(c);
        }
        text
    })
}

fn spawn() -> impl Strategy<Value = Spawn> {
    let restart = prop_oneof![
        Just(Restart::Profile),
        Just(Restart::Never),
        Just(Restart::OnFailure),
        Just(Restart::Always)
    ];
    (text(), text(), restart, any::<Option<u8>>(), any::<u64>())
        .prop_map(|(image, args, restart, class, harts)| Spawn { image, args, restart, class, harts })
}

fn request() -> impl Strategy<Value = Request> {
    prop_oneof![
        spawn().prop_map(Request::Spawn),
        any::<u64>().prop_map(|task| Request::Kill { task }),
        any::<u32>().prop_map(|from| Request::List { from }),
        any::<u32>().prop_map(|job| Request::Wait { job }),
        any::<u32>().prop_map(|skip| Request::History { skip }),
        (any::<u64>(), change()).prop_map(|(task, change)| Request::Schedule { task, change }),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        any::<u64>().prop_map(Change::Class),
        any::<(u64, u64)>().prop_map(|(harts, policy)| Change::Affinity { harts, policy }),
        any::<u64>().prop_map(Change::Shares),
        any::<u64>().prop_map(Change::LatencyMs),
        any::<u64>().prop_map(Change::BurstMs),
    ]
}

fn reason() -> impl Strategy<Value = Reason> {
    prop_oneof![
        any::<i32>().prop_map(Reason::Exited),
        Just(Reason::Killed),
        any::<(u8, u64, u64)>().prop_map(|(cause, pc, address)| Reason::Fault { cause, pc, address }),
        (16u8..20).prop_map(Reason::OutOfMemory),
    ]
}

fn ended() -> impl Strategy<Value = Ended> {
    let next = prop_oneof![Just(Next::Nothing), Just(Next::Restart), Just(Next::GivenUp)];
    (any::<(u32, u64, u64)>(), text(), reason(), next)
        .prop_map(|((job, task, at_ns), image, reason, next)| Ended { job, image, task, reason, at_ns, next })
}

fn answer() -> impl Strategy<Value = Answer> {
    let job = (any::<(u32, u64, u32)>(), text()).prop_map(|((job, task, restarts), image)| Job {
        job,
        image,
        task,
        restarts,
    });
    let list = proptest::collection::vec(job, 0..=PAGE).prop_map(|jobs| jobs.into_iter().collect());
    let history = proptest::collection::vec(ended(), 0..=PAGE).prop_map(|ends| ends.into_iter().collect());
    prop_oneof![
        any::<(u32, u64)>().prop_map(|(job, task)| Answer::Spawned { job, task }),
        Just(Answer::Killed),
        list.prop_map(Answer::Jobs),
        ended().prop_map(Answer::Ended),
        history.prop_map(Answer::History),
        any::<u8>().prop_map(|error| Answer::Refused(Refusal::Kernel(error))),
        Just(Answer::Refused(Refusal::NotAllowed)),
        Just(Answer::Refused(Refusal::Denied(Denial::NoRuleForObject))),
        any::<u64>().prop_map(|stored| Answer::Scheduled { stored }),
    ]
}

proptest! {
    #[test]
    fn requests_survive_the_wire(request in request()) {
        let mut buffer = [0; MESSAGE_BYTES_MAX];
        let bytes = encode(&request, &mut buffer).expect("a request fits into a message");
        prop_assert_eq!(decode::<Request>(bytes), Ok(request.clone()));
        prop_assert_eq!(decode::<Request>(&bytes[..bytes.len() - 1]), Err(Malformed));
    }

    #[test]
    fn answers_survive_the_wire(answer in answer()) {
        let mut buffer = [0; MESSAGE_BYTES_MAX];
        let bytes = encode(&answer, &mut buffer).expect("an answer fits into a message");
        prop_assert_eq!(decode::<Answer>(bytes), Ok(answer.clone()));
        prop_assert_eq!(decode::<Answer>(&bytes[..bytes.len() - 1]), Err(Malformed));
    }

    #[test]
    fn garbage_is_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        if let Ok(request) = decode::<Request>(&bytes) {
            let mut buffer = [0; MESSAGE_BYTES_MAX];
            prop_assert!(encode(&request, &mut buffer).is_ok());
        }
        let _either = decode::<Answer>(&bytes);
    }

    #[test]
    fn a_flipped_bit_is_read_without_a_panic(request in request(), at: prop::sample::Index, bit in 0u8..8) {
        let mut buffer = [0; MESSAGE_BYTES_MAX];
        let len = encode(&request, &mut buffer).expect("fits").len();
        buffer[at.index(len)] ^= 1 << bit;
        let _either = decode::<Request>(&buffer[..len]);
    }

    #[test]
    fn exit_reasons_survive_the_message(reason in reason()) {
        prop_assert_eq!(Reason::from(ExitReason::from(reason)), reason);
    }
}

#[test]
fn texts_that_are_too_long_are_refused_when_the_request_is_made() {
    assert!(Spawn::new("a-name-of-twenty-four-by", "").is_some());
    assert!(Spawn::new("a-name-of-twenty-five-byt", "").is_none());
    assert!(Spawn::new("x", &"y".repeat(ARGS_MAX + 1)).is_none());
}

#[test]
fn refusals_say_what_is_wrong() {
    assert_eq!(Refusal::from(Error::NotFound).to_string(), "the boot image has no such program");
    assert_eq!(Refusal::from(Error::OverQuota).to_string(), "the quota is used up");
}
