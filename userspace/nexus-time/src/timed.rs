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
    match persist(|| link.ask(&request))? {
        Answer::Woken => Ok(()),
        _ => Err(Error::Invalid),
    }
}

/// The answer, if it is none that refuses; asked for again if timed died.
#[inline(always)]
pub(crate) fn persist(mut ask: impl FnMut() -> Result<Answer, Error>) -> Result<Answer, Error> {
    for _ in 0..TRIES {
        match ask() {
            Err(Error::Dead) => {}
            Err(error) => return Err(error),
            Ok(Answer::Refused(refusal)) => return Err(refusal.into()),
            Ok(answer) => return Ok(answer),
        }
    }
    Err(Error::Dead)
}
