//! Requests and answers in the words of a message.
//!
//! Of a request the first word says which it is and the others are its fields; of an answer the first is the
//! transport's and the second says which it is. Words without a meaning are 0. What is read is checked as strictly as
//! bytes are: a word that cannot be, or one left over, makes it nothing.

use super::{Answer, Govern, Refusal, Remaining, Request, Tier, Timer};
use crate::Words;

#[inline(always)]
pub(super) const fn of_request(request: &Request) -> Words {
    match *request {
        Request::Sleep { until_ns, late_by_ns } => [1, until_ns, late_by_ns, 0, 0, 0, 0, 0],
        Request::Listen { bits } => [2, bits, 0, 0, 0, 0, 0, 0],
        Request::Set(timer) => of_timer(3, 0, timer),
        Request::Rearm { id, timer } => of_timer(4, id, timer),
        Request::Cancel { id } => [5, id, 0, 0, 0, 0, 0, 0],
        Request::Remaining { id } => [6, id, 0, 0, 0, 0, 0, 0],
        Request::Fired => [7, 0, 0, 0, 0, 0, 0, 0],
        Request::Now => [8, 0, 0, 0, 0, 0, 0, 0],
        Request::Govern(Govern::SetWall { wall_ns }) => [9, wall_ns, 0, 0, 0, 0, 0, 0],
        Request::Govern(Govern::Hint { hint_ns }) => [10, hint_ns, 0, 0, 0, 0, 0, 0],
        Request::Govern(Govern::Floor { task, floor_ns }) => [11, task, floor_ns, 0, 0, 0, 0, 0],
        Request::Govern(Govern::Ended { task }) => [12, task, 0, 0, 0, 0, 0, 0],
        Request::Govern(Govern::List { from }) => [13, from as u64, 0, 0, 0, 0, 0, 0],
    }
}

/// A period of zero is none: that it is refused is timed's to say, so whether there is one has a word of its own.
#[inline(always)]
const fn of_timer(which: u64, id: u64, Timer { due_ns, period_ns, late_by_ns, tier }: Timer) -> Words {
    let (has_period, period) = match period_ns {
        None => (0, 0),
        Some(period) => (1, period),
    };
    [which, id, due_ns, period, late_by_ns, tier as u64, has_period, 0]
}

#[inline(always)]
pub(super) fn request(words: &Words) -> Option<Request> {
    Some(match *words {
        [1, until_ns, late_by_ns, 0, 0, 0, 0, 0] => Request::Sleep { until_ns, late_by_ns },
        [2, bits, 0, 0, 0, 0, 0, 0] => Request::Listen { bits },
        [3, 0, ..] => Request::Set(timer(words)?),
        [4, id, ..] => Request::Rearm { id, timer: timer(words)? },
        [5, id, 0, 0, 0, 0, 0, 0] => Request::Cancel { id },
        [6, id, 0, 0, 0, 0, 0, 0] => Request::Remaining { id },
        [7, 0, 0, 0, 0, 0, 0, 0] => Request::Fired,
        [8, 0, 0, 0, 0, 0, 0, 0] => Request::Now,
        [9, wall_ns, 0, 0, 0, 0, 0, 0] => Request::Govern(Govern::SetWall { wall_ns }),
        [10, hint_ns, 0, 0, 0, 0, 0, 0] => Request::Govern(Govern::Hint { hint_ns }),
        [11, task, floor_ns, 0, 0, 0, 0, 0] => Request::Govern(Govern::Floor { task, floor_ns }),
        [12, task, 0, 0, 0, 0, 0, 0] => Request::Govern(Govern::Ended { task }),
        [13, from, 0, 0, 0, 0, 0, 0] => Request::Govern(Govern::List { from: u16::try_from(from).ok()? }),
        _ => return None,
    })
}

#[inline(always)]
fn timer(words: &Words) -> Option<Timer> {
    let &[_, _, due_ns, period, late_by_ns, tier, has_period, 0] = words else { return None };
    let period_ns = match (has_period, period) {
        (0, 0) => None,
        (1, period) => Some(period),
        _ => return None,
    };
    let tier = match tier {
        0 => Tier::Ordinary,
        1 => Tier::AlarmClock,
        _ => return None,
    };
    Some(Timer { due_ns, period_ns, late_by_ns, tier })
}

/// Nothing for a page of a list: that is bytes.
#[inline(always)]
pub(super) const fn of_answer(answer: &Answer) -> Option<Words> {
    Some(match *answer {
        Answer::Woken => [0, 1, 0, 0, 0, 0, 0, 0],
        Answer::Listening { era } => [0, 2, era, 0, 0, 0, 0, 0],
        Answer::Set { id, era } => [0, 3, era, id, 0, 0, 0, 0],
        Answer::Rearmed { id, was_live, era } => [0, 4, era, id, was_live as u64, 0, 0, 0],
        Answer::Cancelled { was_live, era } => [0, 5, era, was_live as u64, 0, 0, 0, 0],
        Answer::Remaining(None) => [0, 6, 0, 0, 0, 0, 0, 0],
        Answer::Remaining(Some(Remaining { least_ns, most_ns })) => [0, 7, least_ns, most_ns, 0, 0, 0, 0],
        Answer::Now { monotonic_ns, wall_ns: None } => [0, 8, monotonic_ns, 0, 0, 0, 0, 0],
        Answer::Now { monotonic_ns, wall_ns: Some(wall_ns) } => [0, 9, monotonic_ns, wall_ns, 0, 0, 0, 0],
        Answer::Done => [0, 10, 0, 0, 0, 0, 0, 0],
        Answer::Refused(refusal) => [0, 11, refusal as u64, 0, 0, 0, 0, 0],
        Answer::Fired { .. } | Answer::Timers(_) => return None,
    })
}

#[inline(always)]
pub(super) fn answer(words: &Words) -> Option<Answer> {
    let [_, fields @ ..] = *words;
    Some(match fields {
        [1, 0, 0, 0, 0, 0, 0] => Answer::Woken,
        [2, era, 0, 0, 0, 0, 0] => Answer::Listening { era },
        [3, era, id, 0, 0, 0, 0] => Answer::Set { id, era },
        [4, era, id, was_live, 0, 0, 0] => Answer::Rearmed { id, was_live: truth(was_live)?, era },
        [5, era, was_live, 0, 0, 0, 0] => Answer::Cancelled { was_live: truth(was_live)?, era },
        [6, 0, 0, 0, 0, 0, 0] => Answer::Remaining(None),
        [7, least_ns, most_ns, 0, 0, 0, 0] => Answer::Remaining(Some(Remaining { least_ns, most_ns })),
        [8, monotonic_ns, 0, 0, 0, 0, 0] => Answer::Now { monotonic_ns, wall_ns: None },
        [9, monotonic_ns, wall_ns, 0, 0, 0, 0] => Answer::Now { monotonic_ns, wall_ns: Some(wall_ns) },
        [10, 0, 0, 0, 0, 0, 0] => Answer::Done,
        [11, why, 0, 0, 0, 0, 0] => Answer::Refused(refusal(why)?),
        _ => return None,
    })
}

const fn truth(word: u64) -> Option<bool> {
    match word {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

fn refusal(word: u64) -> Option<Refusal> {
    Some(match word {
        0 => Refusal::Invalid,
        1 => Refusal::OverLimit,
        2 => Refusal::Full,
        3 => Refusal::NotFound,
        4 => Refusal::NotAllowed,
        _ => return None,
    })
}
