//! Random histories: nothing is lost, nothing made up, and what is known exactly is told exactly.

use nexus_abi::{IdleLevel, Nanos};
use power_residency::{Idle, Of, Range, Residency, Spent, Windows};
use proptest::prelude::*;

const SECOND: u64 = 1_000_000_000;

fn levels(spent: Spent) -> [u64; 3] {
    IdleLevel::ALL.map(|level| spent.at(level).0)
}

fn spans(most: u64) -> impl Strategy<Value = u64> {
    prop_oneof![0..SECOND, Just(SECOND), 0..most]
}

/// How much of `[from, to)` each level had, when the spans of one level each are known.
fn overlaps(history: &[(u64, usize)], from: u64, to: u64) -> [u64; 3] {
    let mut spent = [0; 3];
    let mut at = 0;
    for (span, level) in history {
        let end = at + span;
        spent[*level] += end.min(to).saturating_sub(at.max(from));
        at = end;
    }
    spent
}

proptest! {
    #[test]
    fn a_history_sampled_at_every_change_is_told_exactly(
        history in prop::collection::vec((spans(20 * SECOND), 0..3usize), 1..120),
    ) {
        let mut residency = Residency::new(Nanos(0), &[Idle::default()]).unwrap();
        let mut counter = [0; 3];
        let mut at = 0;
        for (span, level) in &history {
            counter[*level] += span;
            at += span;
            let idle = Idle { l1: Nanos(counter[1]), l2: Nanos(counter[2]) };
            prop_assert_eq!(residency.record(Nanos(at), &[idle]), Ok(()));
        }
        for range in [Range::Status, Range::Graph] {
            let window = residency.window(range, Of::Hart(0)).unwrap();
            let to = at - at % Windows::DEFAULT.bucket(range).0;
            let from = to.saturating_sub(Windows::DEFAULT.length(range).0);
            prop_assert_eq!((window.from, window.to), (Nanos(from), Nanos(to)));
            prop_assert_eq!(levels(window.spent), overlaps(&history, from, to));
        }
    }

    #[test]
    fn whatever_harts_claim_every_bucket_adds_up_to_its_length(
        samples in prop::collection::vec((spans(900 * SECOND), any::<[u32; 4]>(), 0..40u32), 1..30),
    ) {
        let mut residency = Residency::new(Nanos(17), &[Idle::default(); 2]).unwrap();
        let mut at = 17;
        for (span, claims, scale) in samples {
            at += span;
            let claim = |claim: u32| Nanos(u64::from(claim) << scale);
            let [a, b, c, d] = claims.map(claim);
            let counters = [Idle { l1: a, l2: b }, Idle { l1: c, l2: d }];
            prop_assert_eq!(residency.record(Nanos(at), &counters), Ok(()));
            for range in [Range::Status, Range::Graph] {
                for (of, harts) in [(Of::Hart(0), 1), (Of::Hart(1), 1), (Of::All, 2)] {
                    for bucket in residency.buckets(range, of).unwrap() {
                        prop_assert_eq!(bucket.total(), Nanos(Windows::DEFAULT.bucket(range).0 * harts));
                        let percent = bucket.percent();
                        prop_assert_eq!(percent.iter().map(|part| u32::from(*part)).sum::<u32>(), 100);
                    }
                    let window = residency.window(range, of).unwrap();
                    prop_assert_eq!(window.spent.total().0, (window.to.0 - window.from.0) * harts);
                }
            }
        }
    }

    #[test]
    fn a_span_is_spread_to_the_nanosecond(seconds in 1..60u64, l1 in 0..=1_000_000_000u64, l2 in 0..=1_000_000_000u64) {
        let span = seconds * SECOND;
        // Parts of the span, in units of half a billionth of it.
        let [l1, l2] = [l1, l2].map(|part| part * seconds / 2);
        let mut residency = Residency::new(Nanos(0), &[Idle::default()]).unwrap();
        residency.record(Nanos(span), &[Idle { l1: Nanos(l1), l2: Nanos(l2) }]).unwrap();
        let mut sum = [0; 3];
        for bucket in residency.buckets(Range::Status, Of::Hart(0)).unwrap().map(levels) {
            for ((sum, part), whole) in sum.iter_mut().zip(bucket).zip([span - l1 - l2, l1, l2]) {
                prop_assert!(part.abs_diff(whole / seconds) <= 2, "{part} of {whole} in {seconds} s");
                *sum += part;
            }
        }
        prop_assert_eq!(sum, [span - l1 - l2, l1, l2]);
    }
}
