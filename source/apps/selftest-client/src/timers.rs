//! What a peer asks of timed.

use alloc::vec::Vec;
use core::time::Duration;

use nexus_abi::{Error, Nanos};
use nexus_rt::startup::TIMED;
use nexus_time::os::Os;
use nexus_time::{Clock, Instant, Key, Link, Plan, TimerSet};
use nexus_wire::timed::{Answer, Request, Tier, Timer};

/// Timers of a round.
const AT_ONCE: u64 = 4;
/// The longest delay, in microseconds.
const LONGEST_US: u64 = 5_000;
/// After this everything of a round is due.
const ROUND: Duration = Duration::from_micros(LONGEST_US + 1_000);

type Values = Result<(u64, u64), Error>;

fn timed() -> Os {
    Os::new(TIMED)
}

/// Sets a timer: its id, and the era.
pub fn set(due: Nanos) -> Values {
    let timer = Timer { due_ns: due.0, period_ns: None, late_by_ns: 0, tier: Tier::Ordinary };
    match timed().ask(&Request::Set(timer))? {
        Answer::Set { id, era } => Ok((id, era)),
        Answer::Refused(refusal) => Err(refusal.into()),
        _ => Err(Error::Invalid),
    }
}

/// Cancels a timer, by whatever id.
pub fn cancel(id: u64) -> Values {
    match timed().ask(&Request::Cancel { id })? {
        Answer::Cancelled { was_live, era } => Ok((was_live.into(), era)),
        Answer::Refused(refusal) => Err(refusal.into()),
        _ => Err(Error::Invalid),
    }
}

/// Sleeps until a moment: its clock then.
pub fn doze(moment: Nanos) -> u64 {
    timed().sleep_until(moment.into());
    timed().now().nanos().0
}

/// Sets and cancels by chance: how many timers ended as they should, and how often that was not so.
pub fn churn(seed: u64, rounds: u64) -> Values {
    let mut set = TimerSet::new(timed());
    let mut random = Random(seed);
    let (mut ended, mut wrong) = (0, 0);
    for _ in 0..rounds {
        let begin = timed().now();
        let mut open: Vec<(Key, Instant)> = Vec::new();
        for _ in 0..AT_ONCE {
            let due = begin + random.delay();
            open.push((set.set(Plan::at(due))?, due));
        }
        timed().sleep_until(begin + random.delay());
        let kept = open.split_off((random.next() % AT_ONCE) as usize);
        for (key, _) in open {
            // In time or not: nothing is heard of it from here on.
            let _was_live = set.cancel(key)?;
            ended += 1;
        }
        let mut open = kept;
        timed().sleep_until(begin + ROUND);
        let now = timed().now();
        set.fired(|expired| {
            let known = open.iter().position(|(key, due)| (*key, *due) == (expired.key, expired.due));
            match known.map(|at| open.swap_remove(at)) {
                Some((_, due)) if due <= now && expired.times == 1 => ended += 1,
                _ => wrong += 1,
            }
        })?;
        wrong += open.len() as u64;
    }
    Ok((ended, wrong))
}

/// A generator by Knuth: its upper bits are as good as chance.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn delay(&mut self) -> Duration {
        Duration::from_micros(self.next() % (LONGEST_US + 1))
    }
}
