//! timed behind its endpoint, and the machine's clock.

use core::time::Duration;

use nexus_abi::user::{self, Outgoing};
use nexus_abi::{Error, Handle, Nanos, Rights};
use nexus_wire::timed::{ANSWER_BYTES_MAX, Answer, Govern, Request, Timed};
use nexus_wire::{Malformed, Protocol, Status, Words, decode};

use crate::{Clock, Instant, Link, timed};

/// timed, and the kernel's clock. As a [`Clock`] it sleeps by timed, so that one wake-up serves many.
#[derive(Clone, Copy, Debug)]
pub struct Os {
    endpoint: Handle,
    bell: Option<Handle>,
}

impl Os {
    /// timed behind `endpoint`.
    pub const fn new(endpoint: Handle) -> Self {
        Self { endpoint, bell: None }
    }

    /// The same, which tells of expiries at the notification `bell`.
    pub const fn with_bell(self, bell: Handle) -> Self {
        Self { bell: Some(bell), ..self }
    }

    /// The words are all there is, both ways: the kernel's fast path.
    #[inline(always)]
    fn ask_in_words(&self, words: Words) -> Result<Answer, Error> {
        read_words(&user::call(self.endpoint, words)?)
    }

    // Apart, so that the page is not on the stack of whoever asks for less.
    #[inline(never)]
    fn ask_for_page(&self, words: Words) -> Result<Answer, Error> {
        let mut page = [0; ANSWER_BYTES_MAX];
        let out = Outgoing { words, ..Outgoing::default() };
        let answer = user::call_with(self.endpoint, out, &mut page, Nanos::NEVER)?;
        read(&answer.words, page.get(..answer.len).unwrap_or(&[]))
    }
}

impl Link for Os {
    // Whoever asks knows what, and what an answer to it looks like: next to nothing is left of the two translations.
    #[inline(always)]
    fn ask(&mut self, request: &Request) -> Result<Answer, Error> {
        let words = Timed::request_to_words(request).ok_or(Error::Invalid)?;
        match request {
            Request::Fired | Request::Govern(Govern::List { .. }) => self.ask_for_page(words),
            _ => self.ask_in_words(words),
        }
    }

    fn listen(&mut self, bits: u64) -> Result<Answer, Error> {
        let words = Timed::request_to_words(&Request::Listen { bits }).ok_or(Error::Invalid)?;
        let bell = user::handle_copy(self.bell.ok_or(Error::Invalid)?, Rights::NOTIFY | Rights::MOVE)?;
        let out = Outgoing { words, handle: Some(bell), ..Outgoing::default() };
        match user::call_with(self.endpoint, out, &mut [], Nanos::NEVER) {
            Ok(answer) => read_words(&answer.words),
            Err(error) => {
                // If the message never left, the copy is still ours; else there is nothing to close.
                let _moved = user::handle_close(bell);
                Err(error)
            }
        }
    }
}

impl Clock for Os {
    fn now(&self) -> Instant {
        user::clock_now().into()
    }

    /// A program without timed's endpoint, or with a timed that dies again and again, still sleeps: in the kernel.
    fn sleep_until(&self, moment: Instant) {
        if timed::sleep_until(&mut { *self }, moment, Duration::ZERO).is_err() {
            user::sleep_until(moment.nanos());
        }
    }
}

/// An answer that is bytes, or else words.
fn read(words: &Words, bytes: &[u8]) -> Result<Answer, Error> {
    match Status::from_wire(words[0]) {
        Some(Status::Answered) => decode(bytes).map_err(|Malformed| Error::Invalid),
        _ => read_words(words),
    }
}

/// An answer in words. What timed says that cannot be read is of another version of its protocol.
#[inline(always)]
fn read_words(words: &Words) -> Result<Answer, Error> {
    match Status::from_wire(words[0]) {
        Some(Status::InWords) => Timed::answer_from_words(words).map_err(|Malformed| Error::Invalid),
        _ => Err(Error::Invalid),
    }
}
