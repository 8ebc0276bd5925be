//! What windows say, to the nanosecond.

#![expect(clippy::unwrap_used, reason = "a helper of tests may unwrap like a test")]

use nexus_abi::{HARTS_MAX, IdleLevel, Nanos};
use power_residency::{BUCKETS, Idle, Of, Range, Refusal, Residency, Spent, Window, Windows};

const SECOND: u64 = 1_000_000_000;
const RANGES: [Range; 2] = [Range::Status, Range::Graph];

fn idle(l1: u64, l2: u64) -> Idle {
    Idle { l1: Nanos(l1), l2: Nanos(l2) }
}

fn levels(spent: Spent) -> [u64; 3] {
    IdleLevel::ALL.map(|level| spent.at(level).0)
}

fn one_hart() -> Residency {
    Residency::new(Nanos(0), &[Idle::default()]).unwrap()
}

/// From, to and levels of hart 0's window.
fn seen(residency: &Residency, range: Range) -> (u64, u64, [u64; 3]) {
    let Window { from, to, spent } = residency.window(range, Of::Hart(0)).unwrap();
    (from.0, to.0, levels(spent))
}

#[test]
fn a_window_has_sixty_buckets() {
    assert_eq!(BUCKETS, 60);
    assert_eq!(RANGES.map(|range| Windows::DEFAULT.length(range).0 / SECOND), [60, 600]);
}

#[test]
fn other_windows_have_sixty_buckets_too_and_end_together() {
    let tenth = Nanos(SECOND / 10);
    let windows = Windows::new(tenth, Nanos(3 * tenth.0)).unwrap();
    assert_eq!(RANGES.map(|range| windows.length(range).0), [6 * SECOND, 18 * SECOND]);
    let mut residency = Residency::with_windows(windows, Nanos(0), &[Idle::default()]).unwrap();
    // Running for five seconds, then L2 for ever.
    for (at, l2) in [(5, 0), (8, 3), (30, 25)] {
        residency.record(Nanos(at * SECOND), &[idle(0, l2 * SECOND)]).unwrap();
        let ended = |width: u64| at * SECOND - at * SECOND % width;
        for (range, width, length) in [(Range::Status, tenth.0, 6), (Range::Graph, 3 * tenth.0, 18)] {
            let to = ended(width);
            let from = to.saturating_sub(length * SECOND);
            let running = to.min(5 * SECOND).saturating_sub(from);
            let levels = [running, 0, to - from - running];
            assert_eq!(seen(&residency, range), (from, to, levels), "{range:?} at {at} s");
        }
    }
}

#[test]
fn windows_that_do_not_end_together_are_refused() {
    let windows = |status, graph| Windows::new(Nanos(status), Nanos(graph));
    assert!(windows(3, 3).is_some() && windows(3, 9).is_some());
    assert_eq!([(0, 3), (3, 0), (3, 4), (9, 3), (0, 0)].map(|(s, g)| windows(s, g)), [None; 5]);
}

#[test]
fn a_window_grows_bucket_by_bucket_until_it_rolls() {
    let mut residency = one_hart();
    assert_eq!(seen(&residency, Range::Status), (0, 0, [0, 0, 0]));
    let cases = [
        (SECOND - 1, (0, 0, 0)),
        (SECOND, (0, SECOND, 1)),
        (SECOND + 1, (0, SECOND, 1)),
        (60 * SECOND - 1, (0, 59 * SECOND, 59)),
        (60 * SECOND, (0, 60 * SECOND, 60)),
        (61 * SECOND - 1, (0, 60 * SECOND, 60)),
        (61 * SECOND, (SECOND, 61 * SECOND, 60)),
    ];
    for (at, (from, to, seconds)) in cases {
        residency.record(Nanos(at), &[idle(at, 0)]).unwrap();
        assert_eq!(seen(&residency, Range::Status), (from, to, [0, seconds * SECOND, 0]), "{at}");
        assert_eq!(residency.at(), Nanos(at));
    }
    assert_eq!(seen(&residency, Range::Graph), (0, 60 * SECOND, [0, 60 * SECOND, 0]));
}

#[test]
fn what_is_older_than_the_window_is_forgotten_to_the_bucket() {
    let mut residency = one_hart();
    // A second of L2, then L1 for ever.
    residency.record(Nanos(SECOND), &[idle(0, SECOND)]).unwrap();
    residency.record(Nanos(60 * SECOND), &[idle(59 * SECOND, SECOND)]).unwrap();
    assert_eq!(seen(&residency, Range::Status).2, [0, 59 * SECOND, SECOND]);
    residency.record(Nanos(61 * SECOND), &[idle(60 * SECOND, SECOND)]).unwrap();
    assert_eq!(seen(&residency, Range::Status).2, [0, 60 * SECOND, 0]);
    residency.record(Nanos(600 * SECOND), &[idle(599 * SECOND, SECOND)]).unwrap();
    assert_eq!(seen(&residency, Range::Graph).2, [0, 599 * SECOND, SECOND]);
    residency.record(Nanos(610 * SECOND), &[idle(609 * SECOND, SECOND)]).unwrap();
    assert_eq!(seen(&residency, Range::Graph), (10 * SECOND, 610 * SECOND, [0, 600 * SECOND, 0]));
}

#[test]
fn what_is_not_idle_is_running() {
    let mut residency = one_hart();
    residency.record(Nanos(10 * SECOND), &[idle(3 * SECOND, 5 * SECOND)]).unwrap();
    for range in RANGES {
        assert_eq!(seen(&residency, range).2, [2 * SECOND, 3 * SECOND, 5 * SECOND]);
    }
}

#[test]
fn a_long_span_is_spread_evenly_over_its_buckets() {
    let mut residency = one_hart();
    residency.record(Nanos(4 * SECOND), &[idle(SECOND, 2 * SECOND)]).unwrap();
    let buckets: Vec<_> = residency.buckets(Range::Status, Of::Hart(0)).unwrap().map(levels).collect();
    assert_eq!(buckets, [[SECOND / 4, SECOND / 4, SECOND / 2]; 4]);
}

#[test]
fn what_cannot_be_divided_is_lost_nowhere() {
    let mut residency = one_hart();
    residency.record(Nanos(3 * SECOND), &[idle(1, 1)]).unwrap();
    let buckets: Vec<_> = residency.buckets(Range::Status, Of::Hart(0)).unwrap().map(levels).collect();
    assert_eq!(buckets, [[SECOND, 0, 0], [SECOND, 0, 0], [SECOND - 2, 1, 1]]);
}

#[test]
fn a_late_sample_tells_of_everything_since_the_last() {
    let mut residency = one_hart();
    residency.record(Nanos(SECOND), &[idle(0, 0)]).unwrap();
    // A month later: half of it in L1, half in L2.
    let month = 30 * 86_400 * SECOND;
    residency.record(Nanos(SECOND + month), &[idle(month / 2, month / 2)]).unwrap();
    assert_eq!(
        seen(&residency, Range::Status),
        (month - 59 * SECOND, month + SECOND, [0, 30 * SECOND, 30 * SECOND])
    );
    let [running, l1, l2] = seen(&residency, Range::Graph).2;
    assert_eq!((running, l1, l2), (0, 300 * SECOND, 300 * SECOND));
}

#[test]
fn a_gap_begins_to_be_forgotten_only_beyond_ten_minutes() {
    for gap in [599, 600, 601, 609, 610, 611] {
        let mut residency = one_hart();
        residency.record(Nanos(gap * SECOND), &[idle(0, gap * SECOND)]).unwrap();
        let (from, to, spent) = seen(&residency, Range::Graph);
        let kept = (gap - gap % 10).min(600);
        assert_eq!((to - from, spent), (kept * SECOND, [0, 0, kept * SECOND]), "{gap}");
        residency.record(Nanos(620 * SECOND), &[idle(0, gap * SECOND)]).unwrap();
        let since = 620 - gap;
        assert_eq!(seen(&residency, Range::Graph).2, [since * SECOND, 0, (600 - since) * SECOND]);
    }
}

#[test]
fn an_unfinished_bucket_from_before_a_gap_is_forgotten() {
    let mut residency = one_hart();
    residency.record(Nanos(5 * SECOND + 7), &[idle(0, 5 * SECOND + 7)]).unwrap();
    residency.record(Nanos(5000 * SECOND), &[idle(0, 5 * SECOND + 7)]).unwrap();
    for range in RANGES {
        assert_eq!(seen(&residency, range).2, [Windows::DEFAULT.length(range).0, 0, 0]);
    }
}

#[test]
fn a_sample_out_of_order_is_refused_and_changes_nothing() {
    let mut residency = one_hart();
    residency.record(Nanos(2 * SECOND), &[idle(SECOND, 0)]).unwrap();
    let was = residency.clone();
    let refused = residency.record(Nanos(2 * SECOND - 1), &[idle(SECOND, 0)]);
    assert_eq!((refused, &residency), (Err(Refusal::Stale), &was));
    assert_eq!(residency.record(Nanos(2 * SECOND), &[idle(SECOND, 0)]), Ok(()));
    assert_eq!(residency, was);
}

#[test]
fn a_second_sample_at_the_same_moment_is_counted_with_the_next() {
    let mut residency = one_hart();
    residency.record(Nanos(SECOND), &[idle(0, 0)]).unwrap();
    residency.record(Nanos(SECOND), &[idle(7, 0)]).unwrap();
    assert_eq!(seen(&residency, Range::Status).2, [SECOND, 0, 0]);
    residency.record(Nanos(2 * SECOND), &[idle(7, 0)]).unwrap();
    assert_eq!(seen(&residency, Range::Status).2, [2 * SECOND - 7, 7, 0]);
}

#[test]
fn idleness_that_does_not_fit_waits_for_the_next_sample_l2_last() {
    let mut residency = one_hart();
    residency.record(Nanos(SECOND), &[idle(SECOND - 1, 3)]).unwrap();
    assert_eq!(seen(&residency, Range::Status).2, [0, SECOND - 1, 1]);
    residency.record(Nanos(2 * SECOND), &[idle(SECOND + 4, 3)]).unwrap();
    assert_eq!(seen(&residency, Range::Status).2, [SECOND - 7, SECOND + 4, 3]);
    let mut residency = one_hart();
    residency.record(Nanos(SECOND), &[idle(SECOND + 1, 3)]).unwrap();
    assert_eq!(seen(&residency, Range::Status).2, [0, SECOND, 0]);
}

#[test]
fn a_counter_that_went_back_counts_from_there() {
    let mut residency = one_hart();
    residency.record(Nanos(SECOND), &[idle(100, 200)]).unwrap();
    residency.record(Nanos(2 * SECOND), &[idle(40, 260)]).unwrap();
    assert_eq!(seen(&residency, Range::Status).2, [2 * SECOND - 360, 100, 260]);
    residency.record(Nanos(3 * SECOND), &[idle(50, 0)]).unwrap();
    assert_eq!(seen(&residency, Range::Status).2, [3 * SECOND - 370, 110, 260]);
    residency.record(Nanos(4 * SECOND), &[idle(50, 5)]).unwrap();
    assert_eq!(seen(&residency, Range::Status).2, [4 * SECOND - 375, 110, 265]);
}

#[test]
fn the_start_and_what_was_before_it_do_not_matter() {
    // So late in its second that from the beginning of time one more second has begun.
    let start = 3 * SECOND - 123;
    let mut residency = Residency::new(Nanos(start), &[idle(1000, 2000)]).unwrap();
    residency.record(Nanos(start + SECOND + 200), &[idle(1005, 2006)]).unwrap();
    let (from, to, [_, l1, l2]) = seen(&residency, Range::Status);
    assert_eq!((from, to, l1, l2), (start, start + SECOND, 4, 5));
    assert_eq!(Residency::new(Nanos(9), &[idle(0, 0)]).unwrap().at(), Nanos(9));
}

#[test]
fn the_total_is_the_sum_of_the_harts() {
    let mut residency = Residency::new(Nanos(0), &[Idle::default(); 3]).unwrap();
    let counters = [idle(SECOND, 0), idle(0, 2 * SECOND), idle(0, 0)];
    residency.record(Nanos(2 * SECOND), &counters).unwrap();
    let hart = |hart| levels(residency.window(Range::Status, Of::Hart(hart)).unwrap().spent);
    assert_eq!([0, 1, 2].map(hart), [[SECOND, SECOND, 0], [0, 0, 2 * SECOND], [2 * SECOND, 0, 0]]);
    let all = residency.window(Range::Status, Of::All).unwrap();
    assert_eq!((levels(all.spent), all.to), ([3 * SECOND, SECOND, 2 * SECOND], Nanos(2 * SECOND)));
    let buckets: Vec<_> = residency.buckets(Range::Status, Of::All).unwrap().map(levels).collect();
    assert_eq!(buckets, [[3 * SECOND / 2, SECOND / 2, SECOND]; 2]);
}

#[test]
fn harts_that_do_not_exist_are_refused() {
    assert_eq!(Residency::new(Nanos(0), &[]), Err(Refusal::Harts));
    assert_eq!(Residency::new(Nanos(0), &[Idle::default(); HARTS_MAX + 1]), Err(Refusal::Harts));
    assert!(Residency::new(Nanos(0), &[Idle::default(); HARTS_MAX]).is_ok());
    let mut residency = Residency::new(Nanos(0), &[Idle::default(); 2]).unwrap();
    for counters in [1, 3] {
        let counters = vec![Idle::default(); counters];
        assert_eq!(residency.record(Nanos(1), &counters), Err(Refusal::Harts));
    }
    assert_eq!(residency.at(), Nanos(0));
    assert!(residency.window(Range::Status, Of::Hart(1)).is_ok());
    assert_eq!(residency.window(Range::Status, Of::Hart(2)), Err(Refusal::Harts));
    let said = [Refusal::Stale, Refusal::Harts].map(|refusal| refusal.to_string());
    assert_eq!(said, ["older than the last sample", "no such hart or number of harts"]);
}

#[test]
fn percentages_add_up_to_a_hundred() {
    let cases = [
        (0, 0, 0, [0, 0, 0]),
        (7, 0, 0, [100, 0, 0]),
        (3, 1, 1, [34, 33, 33]),
        (6, 1, 4, [17, 17, 66]),
        (7, 2, 2, [43, 29, 28]),
        (8, 1, 1, [75, 13, 12]),
        (200, 1, 199, [0, 1, 99]),
        (1000, 4, 992, [1, 0, 99]),
        (u64::MAX, 0, u64::MAX, [0, 0, 100]),
    ];
    for (span, l1, l2, percent) in cases {
        let spent = Spent::of_span(Nanos(span), idle(l1, l2));
        assert_eq!((spent.percent(), spent.total()), (percent, Nanos(span)), "{span} {l1} {l2}");
    }
}

#[test]
fn the_end_of_time_is_a_moment_like_any_other() {
    let mut residency = one_hart();
    residency.record(Nanos::NEVER, &[idle(u64::MAX / 2, u64::MAX / 2)]).unwrap();
    let (from, to, spent) = seen(&residency, Range::Status);
    assert_eq!((to - from, spent.iter().sum::<u64>()), (60 * SECOND, 60 * SECOND));
}
