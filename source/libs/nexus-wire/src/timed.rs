//! What `timed` can be asked: wait, wake, say what time it is.
//!
//! Moments are nanoseconds of monotonic time since boot, but for the wall clock's, which count from 1970 (UTC).
//! A program sleeps by a request whose answer comes late, or sets timers and is told of their expiry:
//!
//! ```text
//!   Listen + a notification ─▶ Listening       once
//!   Set ─▶ Set(id)                             as often as it likes
//!            … bits at the notification        something has fired since it was last asked
//!   Fired ─▶ Fired(what it was)                a page of it, and again until a page is not full
//! ```
//!
//! Every request and most answers travel in the words of a message; only pages of a list are bytes.
//!
//! What has fired and was not asked for yet still counts as a timer of its task, so both are bounded together.
//!
//! timed keeps nothing over a crash. Answers that matter for it say in which *era* they were given: in another one than
//! before, all timers are forgotten and have to be set again.

mod words;

use alloc::boxed::Box;

use heapless::Vec;
use nexus_abi::Error;
use serde::{Deserialize, Serialize};

use crate::{Malformed, Protocol, Words};

/// Most expiries of one answer; ask again for more.
pub const FIRED_PAGE: usize = 16;
/// Most timers of one page of the list.
pub const PAGE: usize = 8;

/// Longest answer that is bytes: a full page.
pub const ANSWER_BYTES_MAX: usize = 512;

/// The protocol.
#[derive(Clone, Copy, Debug)]
pub struct Timed;

impl Protocol for Timed {
    type Request = Request;
    type Answer = Answer;

    const REQUEST_BYTES: usize = 0;

    #[inline(always)]
    fn request_to_words(request: &Request) -> Option<Words> {
        Some(words::of_request(request))
    }

    #[inline(always)]
    fn request_from_words(words: &Words) -> Result<Request, Malformed> {
        words::request(words).ok_or(Malformed)
    }

    #[inline(always)]
    fn answer_to_words(answer: &Answer) -> Option<Words> {
        words::of_answer(answer)
    }

    #[inline(always)]
    fn answer_from_words(words: &Words) -> Result<Answer, Malformed> {
        words::answer(words).ok_or(Malformed)
    }
}

/// What a client says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Request {
    /// Answer when this moment has come. Whoever asks for something else meanwhile has given up sleeping.
    Sleep {
        /// When.
        until_ns: u64,
        /// How much later it may be, if that is more than the class gives anyway.
        late_by_ns: u64,
    },
    /// Tell of expiries at the notification that comes along, from now on; of what has fired already, at once.
    Listen {
        /// The bits to set, not 0.
        bits: u64,
    },
    /// Set a timer.
    Set(Timer),
    /// Cancel a timer and set it anew.
    Rearm {
        /// Which.
        id: u64,
        /// To what.
        timer: Timer,
    },
    /// Cancel a timer. If it has fired and nobody has asked yet, that is forgotten.
    Cancel {
        /// Which.
        id: u64,
    },
    /// How long a timer still has.
    Remaining {
        /// Which.
        id: u64,
    },
    /// What has fired. As long as a page is full there may be more, of which no bits tell.
    Fired,
    /// What time is it?
    Now,
    /// Something that not everybody may ask.
    Govern(Govern),
}

/// What only those with the privilege may ask, each with its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Govern {
    /// Set the wall clock.
    SetWall {
        /// What time it is, since 1970.
        wall_ns: u64,
    },
    /// Set the governor's hint for all windows.
    Hint {
        /// The hint.
        hint_ns: u64,
    },
    /// Set the standby floor of a task.
    Floor {
        /// The task id.
        task: u64,
        /// The floor; 0 lifts it.
        floor_ns: u64,
    },
    /// A task is dead: forget all about it.
    Ended {
        /// The task id.
        task: u64,
    },
    /// List live timers of everybody.
    List {
        /// The first place of interest.
        from: u16,
    },
}

/// What a timer shall do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Timer {
    /// When it shall fire first. What has passed is now.
    pub due_ns: u64,
    /// After which span it shall fire again, and again; not 0.
    pub period_ns: Option<u64>,
    /// How much later it may be, if that is more than the class gives anyway.
    pub late_by_ns: u64,
    /// What it is for.
    pub tier: Tier,
}

/// What a timer is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Tier {
    /// Anything.
    #[default]
    Ordinary,
    /// Somebody wants to be woken by it: exact, and standby does not hold it back. For those with the privilege.
    AlarmClock,
}

/// What a client hears. Pages are elsewhere, because every answer is moved about at the size of the largest.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Answer {
    /// The moment has come.
    Woken,
    /// Expiries are told there.
    Listening {
        /// See [`Answer::Set`].
        era: u64,
    },
    /// The timer is set.
    Set {
        /// Its name.
        id: u64,
        /// The moment at which this timed began.
        era: u64,
    },
    /// The timer is set anew.
    Rearmed {
        /// Its name from now on.
        id: u64,
        /// Whether it had been live.
        was_live: bool,
        /// See [`Answer::Set`].
        era: u64,
    },
    /// The timer will not fire any more.
    Cancelled {
        /// Whether it would have.
        was_live: bool,
        /// See [`Answer::Set`].
        era: u64,
    },
    /// How long the timer still has; none when it has fired or was cancelled.
    Remaining(Option<Remaining>),
    /// What has fired since this was asked last, in the order of firing; fewer than [`FIRED_PAGE`] are the last.
    Fired {
        /// See [`Answer::Set`].
        era: u64,
        /// A page of it.
        expiries: Box<Vec<Expiry, FIRED_PAGE>>,
    },
    /// What time it is.
    Now {
        /// Since boot.
        monotonic_ns: u64,
        /// Since 1970; none when nobody knows.
        wall_ns: Option<u64>,
    },
    /// What was asked for holds from now on.
    Done,
    /// A page of live timers; fewer than [`PAGE`] are the last.
    Timers(Box<Vec<Listed, PAGE>>),
    /// The request was understood and not carried out.
    Refused(Refusal),
}

/// How long a timer still has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Remaining {
    /// At least.
    pub least_ns: u64,
    /// At most.
    pub most_ns: u64,
}

/// A timer that has fired.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Expiry {
    /// Its name.
    pub id: u64,
    /// When it was due; of several occurrences the first.
    pub due_ns: u64,
    /// How many occurrences this is.
    pub times: u64,
}

/// A live timer, for those who ask why the machine wakes up.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Listed {
    /// Its place: ask from the next one on for more.
    pub place: u16,
    /// Whose it is.
    pub task: u64,
    /// The class it was asked for at, as its wire value.
    pub class: u8,
    /// What it is for.
    pub tier: Tier,
    /// Whether a task sleeps by it.
    pub is_sleep: bool,
    /// When it may fire.
    pub earliest_ns: u64,
    /// When it must.
    pub latest_ns: u64,
    /// After which span it fires again.
    pub period_ns: Option<u64>,
}

/// Why a request was not carried out. Nothing has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Refusal {
    /// A value is out of range.
    Invalid,
    /// The task has as many timers as one may have.
    OverLimit,
    /// There are as many as there can be, or as many sleepers, listeners or floors.
    Full,
    /// The timer was not given to this task.
    NotFound,
    /// The caller may not ask for this.
    NotAllowed,
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Invalid => Self::Invalid,
            Refusal::OverLimit | Refusal::Full => Self::NoSpace,
            Refusal::NotFound => Self::NotFound,
            Refusal::NotAllowed => Self::Denied,
        }
    }
}

impl core::fmt::Display for Refusal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Invalid => "a value is out of range",
            Self::OverLimit => "the task has as many timers as it may have",
            Self::Full => "timed is full",
            Self::NotFound => "the task has no such timer",
            Self::NotAllowed => "timed does not allow it",
        })
    }
}

#[cfg(test)]
#[path = "timed_tests.rs"]
mod tests;
