//! Long random histories of many tasks, step by step beside the naive account.

mod harness;

use harness::STANDINGS;
use harness::world::{Step, World};
use proptest::prelude::*;
use wakelock::{Kind, LOCKS_MAX};

/// More tasks times names than there is room for, so that the limits are met.
const TASKS: u32 = 12;
const NAMES: u32 = 40;

fn steps() -> impl Strategy<Value = Step> {
    let task = || 0..TASKS;
    let lock = || 0..NAMES;
    let kind = prop_oneof![4 => Just(Kind::Partial), 1 => Just(Kind::Full)];
    let hold = || prop_oneof![1 => Just(0u64), 9 => 1u64..1_000_000_000_000];
    prop_oneof![
        60 => (task(), lock(), kind, hold())
            .prop_map(|(task, lock, kind, hold)| Step::Acquire { task, lock, kind, hold }),
        5 => (task(), lock(), hold()).prop_map(|(task, lock, hold)| Step::Renew { task, lock, hold }),
        10 => (task(), lock()).prop_map(|(task, lock)| Step::Release { task, lock }),
        1 => task().prop_map(|task| Step::Die { task }),
        5 => (task(), prop::sample::select(&STANDINGS[..]))
            .prop_map(|(task, standing)| Step::Stand { task, standing }),
        5 => (1u64..50_000_000_000).prop_map(|span| Step::Pass { span }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn long_histories_agree_with_the_naive_account(history in prop::collection::vec(steps(), 1..1000)) {
        let mut world = World::new();
        for step in history {
            world.take(step);
            prop_assert_eq!(world.wrong(), None, "after {:?}", step);
            prop_assert!(world.locks.iter().len() <= LOCKS_MAX);
        }
    }
}
