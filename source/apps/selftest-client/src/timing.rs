//! What a peer sees of time: when it runs and when it does not, what it does for a caller, how long a call takes.

use nexus_abi::user::{self, Incoming, Outgoing};
use nexus_abi::{Error, Handle, Nanos};
use selftest_client::raw;

/// Between two looks at the clock there is a system call and little else. Whoever has not run for so long has been
/// taken off its hart.
const UNBROKEN: Nanos = Nanos::from_micros(20);

/// Looks at the clock from `from` until `until`: the longest time it did not run, and the longest that it did.
pub fn gaps(from: Nanos, until: Nanos) -> (u64, u64) {
    user::sleep_until(from);
    let (mut longest_gap, mut longest_run) = (0, 0);
    let (mut run_began, mut last) = (from, from);
    while last < until {
        let now = user::clock_now();
        if now.since(last) > UNBROKEN {
            longest_gap = longest_gap.max(now.since(last).0);
            run_began = now;
        }
        longest_run = longest_run.max(now.since(run_began).0);
        last = now;
    }
    (longest_gap, longest_run)
}

/// Serves so many calls at `endpoint`: works, calls `next`, answers. Counts the callers that were still there.
pub fn serve(endpoint: Handle, turns: u64, next: Option<Handle>, calls: u64) -> Result<(u64, u64), Error> {
    let (mut served, mut heard) = (0, 0);
    while served < calls {
        let Incoming::Message(message) = user::receive(endpoint, &mut [], Nanos::NEVER)? else { continue };
        if turns > 0 {
            raw::work(turns);
        }
        let called = next.map_or(Ok([0; 8]), |next| user::call(next, [0; 8]));
        heard += u64::from(user::reply(message.reply, Outgoing::default()).is_ok());
        called?;
        served += 1;
    }
    Ok((heard, 0))
}

/// Calls `endpoint` at a moment: how long that took, and its status.
pub fn clocked(endpoint: Handle, moment: Nanos, patience: Nanos) -> (u64, u64) {
    user::sleep_until(moment);
    let begin = user::clock_now();
    let deadline = begin.after(patience);
    let called = user::call_with(endpoint, Outgoing::default(), &mut [], deadline);
    let took = user::clock_now().since(begin);
    (took.0, called.err().map_or(0, Error::to_wire))
}
