//! The client's side of `timed`: what carries its messages, and sleeping.
//!
//! Asking again after timed has died is safe whatever the request was: with it everything died that it might have done.

use core::time::Duration;

use nexus_abi::Error;
use nexus_wire::timed::{Answer, Request};

use crate::Instant;
use crate::instant::nanos;

/// Carries requests to timed and answers back.
pub trait Link {
    /// Asks, and waits for the answer. [`Error::Dead`] says that timed died before it answered.
    fn ask(&mut self, request: &Request) -> Result<Answer, Error>;

    /// Asks to be told of expiries by these bits at the notification that goes along.
    fn listen(&mut self, bits: u64) -> Result<Answer, Error>;
}

/// How often something is asked again because timed died. Each time the question waits until there is a new one, and
/// one that dies this often is not started any more.
const TRIES: u32 = 16;

/// Returns when `until` has come; up to `late_by` later if that is more than the class gives anyway.
#[inline]
pub fn sleep_until(link: &mut impl Link, until: Instant, late_by: Duration) -> Result<(), Error> {
    let request = Request::Sleep { until_ns: until.nanos().0, late_by_ns: nanos(late_by).0 };
    match ask(link, &request)? {
        Answer::Woken => Ok(()),
        _ => Err(Error::Invalid),
    }
}

/// The answer, if it is none that refuses; asked for again if timed died.
#[inline(always)]
pub(crate) fn ask(link: &mut impl Link, request: &Request) -> Result<Answer, Error> {
    match link.ask(request) {
        Err(Error::Dead) => {
            // A copy, so that the request need not be in memory for those who are answered at once.
            let request = *request;
            persist(TRIES - 1, || link.ask(&request))
        }
        first => granted(first),
    }
}

/// The same for the request that a notification goes along with.
pub(crate) fn listen(link: &mut impl Link, bits: u64) -> Result<Answer, Error> {
    persist(TRIES, || link.listen(bits))
}

#[cold]
#[inline(never)]
fn persist(tries: u32, mut ask: impl FnMut() -> Result<Answer, Error>) -> Result<Answer, Error> {
    let answered = (0..tries).map(|_| ask()).find(|result| *result != Err(Error::Dead));
    granted(answered.unwrap_or(Err(Error::Dead)))
}

#[inline(always)]
fn granted(result: Result<Answer, Error>) -> Result<Answer, Error> {
    match result? {
        Answer::Refused(refusal) => Err(refusal.into()),
        answer => Ok(answer),
    }
}
