//! How late a task wakes: it sleeps until a moment, looks at the clock, and again.

use alloc::vec::Vec;

use nexus_abi::user::{self, Incoming, Message, Outgoing};
use nexus_abi::{Error, Nanos, QosClass, TaskId};
use nexus_rt::startup::EXTRA;

/// Times are never in step with anybody's slices: each sleep is longer than the one before by this, in a circle.
const DRIFT: u64 = 137_111;
/// The longest sleep but one `DRIFT`: longer than a round of everybody's turns.
const CIRCLE: u64 = 8_000_000;
/// The shortest sleep.
const SHORTEST: u64 = 1_000_000;
/// A tail of one in a hundred.
const PERCENT: usize = 100;

/// Serves pairs of messages. The first says the class, which is not above its own, and how often to sleep, and is
/// answered at once, so that nobody waits for whoever sleeps; the second one's answer is how late it was: at least,
/// in the middle, in 99 of 100 times at most, at most.
pub fn run() -> Result<(), Error> {
    loop {
        let order = next()?;
        let [class, count, ..] = order.words;
        user::set_qos(TaskId::NONE, QosClass::from_wire(class).ok_or(Error::Invalid)?)?;
        user::reply(order.reply, Outgoing::default())?;
        let mut late: Vec<u64> = (0..count).map(nap).collect();
        late.sort_unstable();
        let at = |index: usize| late.get(index).copied().unwrap_or(0);
        let len = late.len();
        let words = [at(0), at(len / 2), at(len - 1 - len / PERCENT), at(len - 1), 0, 0, 0, 0];
        let question = next()?;
        user::reply(question.reply, Outgoing { words, ..Outgoing::default() })?;
    }
}

fn nap(n: u64) -> u64 {
    let moment = user::clock_now().after(Nanos(SHORTEST + n * DRIFT % CIRCLE));
    user::sleep_until(moment);
    user::clock_now().since(moment).0
}

fn next() -> Result<Message, Error> {
    loop {
        if let Incoming::Message(message) = user::receive(EXTRA, &mut [], Nanos::NEVER)? {
            return Ok(message);
        }
    }
}
