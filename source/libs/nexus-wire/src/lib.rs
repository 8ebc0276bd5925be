//! The messages of every service, one file per service.
//!
//! A [`Protocol`] names what may be asked and what is answered. Both travel as the bytes of a message, in
//! postcard's compact form; the first register word of an answer is a [`Status`], so that even a request
//! nobody can read is answered with a typed error.
//!
//! ```text
//!   client ── bytes: Request ─────────────────▶ server
//!   client ◀── word 0: Status, bytes: Answer ── server
//! ```
//!
//! What fits into the eight words of a message can travel there instead, at a tenth of the price, if its protocol says
//! how: a request without bytes is in the words, and so is an answer whose status is [`Status::InWords`].
//!
//! Everything is bounded: texts and lists have a capacity in their type, and a message fits into one copy by
//! the kernel. [`decode`] accepts exactly what [`encode`] writes; anything else is [`Malformed`], never a panic.
//! Who is asking is not in any message: the kernel stamps that.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod coded;
pub mod execd;
pub mod policyd;
pub mod recipe;
pub mod timed;

use nexus_abi::{MESSAGE_BYTES_MAX, MESSAGE_WORDS};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The words of a message. Of an answer the first is its [`Status`].
pub type Words = [u64; MESSAGE_WORDS];

/// What one service can be asked.
pub trait Protocol {
    /// What a client says.
    type Request: Serialize + DeserializeOwned;
    /// What it hears. Services put their own refusals here; see [`Status`] for those of the message itself.
    type Answer: Serialize + DeserializeOwned;

    /// Room that the server has for the bytes of a request: none, if all requests travel in words.
    const REQUEST_BYTES: usize = MESSAGE_BYTES_MAX;

    /// The request in words, if it travels there.
    fn request_to_words(_request: &Self::Request) -> Option<Words> {
        None
    }

    /// Reads a request that came without bytes.
    fn request_from_words(_words: &Words) -> Result<Self::Request, Malformed> {
        Err(Malformed)
    }

    /// The answer in words, if it travels there; the first word is the transport's.
    fn answer_to_words(_answer: &Self::Answer) -> Option<Words> {
        None
    }

    /// Reads an answer whose status is [`Status::InWords`].
    fn answer_from_words(_words: &Words) -> Result<Self::Answer, Malformed> {
        Err(Malformed)
    }
}

/// How the message itself fared: the first word of every answer. Wire values are append-only.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
pub enum Status {
    /// The bytes hold the answer.
    Answered = 0,
    /// The request could not be read; nothing was done.
    Malformed = 1,
    /// The request was carried out, but its answer does not fit into the caller's buffer.
    AnswerTooLong = 2,
    /// The other words hold the answer.
    InWords = 3,
}

impl Status {
    /// Every status.
    #[cfg(test)]
    const ALL: [Self; 4] = [Self::Answered, Self::Malformed, Self::AnswerTooLong, Self::InWords];

    /// The value that travels in the word.
    pub const fn to_wire(self) -> u64 {
        self as u64
    }

    /// Reads a word.
    pub const fn from_wire(word: u64) -> Option<Self> {
        match word {
            0 => Some(Self::Answered),
            1 => Some(Self::Malformed),
            2 => Some(Self::AnswerTooLong),
            3 => Some(Self::InWords),
            _ => None,
        }
    }
}

/// The bytes are not what the protocol says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Malformed;

/// The value does not fit into the buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooLong;

/// Writes `value` to the front of `buffer`. O(its length).
pub fn encode<'b, T: Serialize>(value: &T, buffer: &'b mut [u8]) -> Result<&'b [u8], TooLong> {
    postcard::to_slice(value, buffer).map(|written| &*written).map_err(|_| TooLong)
}

/// Reads a value that takes up all of `bytes`. O(their number); never panics.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Malformed> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        Ok(_) | Err(_) => Err(Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_words_round_trip_and_others_are_refused() {
        for status in Status::ALL {
            assert_eq!(Status::from_wire(status.to_wire()), Some(status));
        }
        assert_eq!(Status::from_wire(4), None);
        assert_eq!(Status::from_wire(u64::MAX), None);
    }

    #[test]
    fn bytes_left_over_are_malformed() {
        assert_eq!(decode::<u8>(&[7]), Ok(7));
        assert_eq!(decode::<u8>(&[7, 0]), Err(Malformed));
        assert_eq!(decode::<u8>(&[]), Err(Malformed));
    }

    #[test]
    fn a_buffer_too_short_is_said_so() {
        assert_eq!(encode(&[1u8, 2, 3], &mut [0; 2]), Err(TooLong));
        assert_eq!(encode(&[1u8, 2, 3], &mut [0; 3]), Ok(&[1, 2, 3][..]));
    }
}
