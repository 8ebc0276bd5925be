//! Every message survives the wire, the longest fit into one, and no bytes can make reading it panic.

extern crate std;

use super::*;
use crate::{Malformed, decode, encode};
use nexus_abi::MESSAGE_BYTES_MAX;
use proptest::prelude::*;

fn tier() -> impl Strategy<Value = Tier> {
    prop_oneof![Just(Tier::Ordinary), Just(Tier::AlarmClock)]
}

fn timer() -> impl Strategy<Value = Timer> {
    (any::<(u64, Option<u64>, u64)>(), tier()).prop_map(|((due_ns, period_ns, late_by_ns), tier)| Timer {
        due_ns,
        period_ns,
        late_by_ns,
        tier,
    })
}

fn request() -> impl Strategy<Value = Request> {
    prop_oneof![
        any::<(u64, u64)>().prop_map(|(until_ns, late_by_ns)| Request::Sleep { until_ns, late_by_ns }),
        any::<u64>().prop_map(|bits| Request::Listen { bits }),
        timer().prop_map(Request::Set),
        (any::<u64>(), timer()).prop_map(|(id, timer)| Request::Rearm { id, timer }),
        any::<u64>().prop_map(|id| Request::Cancel { id }),
        any::<u64>().prop_map(|id| Request::Remaining { id }),
        prop::sample::select(&[Request::Fired, Request::Now][..]),
        govern().prop_map(Request::Govern),
    ]
}

fn govern() -> impl Strategy<Value = Govern> {
    prop_oneof![
        any::<u64>().prop_map(|wall_ns| Govern::SetWall { wall_ns }),
        any::<u64>().prop_map(|hint_ns| Govern::Hint { hint_ns }),
        any::<(u64, u64)>().prop_map(|(task, floor_ns)| Govern::Floor { task, floor_ns }),
        any::<u64>().prop_map(|task| Govern::Ended { task }),
        any::<u16>().prop_map(|from| Govern::List { from }),
    ]
}

fn expiry() -> impl Strategy<Value = Expiry> {
    any::<(u64, u64, u64)>().prop_map(|(id, due_ns, times)| Expiry { id, due_ns, times })
}

fn listed() -> impl Strategy<Value = Listed> {
    (any::<(u16, u64, u8, bool, u64, u64, Option<u64>)>(), tier()).prop_map(
        |((place, task, class, is_sleep, earliest_ns, latest_ns, period_ns), tier)| Listed {
            place,
            task,
            class,
            tier,
            is_sleep,
            earliest_ns,
            latest_ns,
            period_ns,
        },
    )
}

fn answer() -> impl Strategy<Value = Answer> {
    let refusals =
        [Refusal::Invalid, Refusal::OverLimit, Refusal::Full, Refusal::NotFound, Refusal::NotAllowed];
    let remaining = any::<(u64, u64)>().prop_map(|(least_ns, most_ns)| Remaining { least_ns, most_ns });
    prop_oneof![
        prop::sample::select(&[Answer::Woken, Answer::Done][..]),
        any::<u64>().prop_map(|era| Answer::Listening { era }),
        any::<(u64, u64)>().prop_map(|(id, era)| Answer::Set { id, era }),
        any::<(u64, bool, u64)>().prop_map(|(id, was_live, era)| Answer::Rearmed { id, was_live, era }),
        any::<(bool, u64)>().prop_map(|(was_live, era)| Answer::Cancelled { was_live, era }),
        proptest::option::of(remaining).prop_map(Answer::Remaining),
        (any::<u64>(), proptest::collection::vec(expiry(), 0..=FIRED_PAGE))
            .prop_map(|(era, fired)| Answer::Fired { era, expiries: Box::new(fired.into_iter().collect()) }),
        any::<(u64, Option<u64>)>().prop_map(|(monotonic_ns, wall_ns)| Answer::Now { monotonic_ns, wall_ns }),
        proptest::collection::vec(listed(), 0..=PAGE)
            .prop_map(|page| Answer::Timers(Box::new(page.into_iter().collect()))),
        prop::sample::select(refusals.to_vec()).prop_map(Answer::Refused),
    ]
}

proptest! {
    #[test]
    fn messages_survive_the_wire(request in request(), answer in answer()) {
        let mut buffer = [0; MESSAGE_BYTES_MAX];
        let bytes = encode(&request, &mut buffer).expect("a request fits into a message");
        prop_assert_eq!(decode::<Request>(bytes), Ok(request));
        prop_assert_eq!(decode::<Request>(&bytes[..bytes.len() - 1]), Err(Malformed));
        let bytes = encode(&answer, &mut buffer).expect("an answer fits into a message");
        prop_assert_eq!(decode::<Answer>(bytes), Ok(answer));
    }

    #[test]
    fn words_carry_every_request_and_every_answer_but_pages(request in request(), answer in answer()) {
        let words = Timed::request_to_words(&request).expect("every request");
        prop_assert_eq!(Timed::request_from_words(&words), Ok(request));
        match Timed::answer_to_words(&answer) {
            Some(words) => {
                prop_assert_eq!(words[0], 0, "the status's place");
                prop_assert_eq!(Timed::answer_from_words(&words), Ok(answer));
            }
            None => {
                let is_page = matches!(answer, Answer::Fired { .. } | Answer::Timers(_));
                prop_assert!(is_page);
            }
        }
    }

    /// One word in two is small, so that many of them mean something.
    #[test]
    fn words_mean_one_thing_or_nothing(
        words in proptest::array::uniform8(prop_oneof![0u64..16, any::<u64>(), Just(0)]),
    ) {
        if let Ok(request) = Timed::request_from_words(&words) {
            prop_assert_eq!(Timed::request_to_words(&request), Some(words));
        }
        if let Ok(answer) = Timed::answer_from_words(&words) {
            let status_apart = [0, words[1], words[2], words[3], words[4], words[5], words[6], words[7]];
            prop_assert_eq!(Timed::answer_to_words(&answer), Some(status_apart));
        }
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
fn the_longest_answers_fit_where_clients_expect_them() {
    let expiry = Expiry { id: u64::MAX, due_ns: u64::MAX, times: u64::MAX };
    let listed = Listed {
        place: u16::MAX,
        task: u64::MAX,
        class: u8::MAX,
        tier: Tier::AlarmClock,
        is_sleep: true,
        earliest_ns: u64::MAX,
        latest_ns: u64::MAX,
        period_ns: Some(u64::MAX),
    };
    for answer in [
        Answer::Fired {
            era: u64::MAX,
            expiries: Box::new(core::iter::repeat_n(expiry, FIRED_PAGE).collect()),
        },
        Answer::Timers(Box::new(core::iter::repeat_n(listed, PAGE).collect())),
    ] {
        assert!(encode(&answer, &mut [0; ANSWER_BYTES_MAX]).is_ok());
    }
}

#[test]
fn refusals_are_the_errors_that_the_contract_names() {
    let errors =
        [Refusal::Invalid, Refusal::OverLimit, Refusal::Full, Refusal::NotFound, Refusal::NotAllowed]
            .map(Error::from);
    let expected = [Error::Invalid, Error::NoSpace, Error::NoSpace, Error::NotFound, Error::Denied];
    assert_eq!(errors, expected);
}
