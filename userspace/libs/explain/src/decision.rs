//! What is written down: a decision, what it is about, and what it follows from.

use heapless::String;
use nexus_abi::info::NAME_MAX;
use nexus_abi::{Nanos, TaskId};

/// Longest text of a decision or request, in bytes: a line on a terminal.
pub const TEXT_MAX: usize = 96;

/// The name of a program.
pub type Name = String<NAME_MAX>;
/// What was decided or asked for, for people.
pub type Text = String<TEXT_MAX>;

/// As much of `text` as fits; what is cut off is marked.
///
/// ```
/// assert_eq!(explain::clipped("screen off"), "screen off");
/// assert!(explain::clipped(&"long ".repeat(30)).ends_with('…'));
/// ```
pub fn clipped(text: &str) -> Text {
    const MARK: char = '…';
    if let Ok(whole) = Text::try_from(text) {
        return whole;
    }
    let mut clipped = Text::new();
    for character in text.chars() {
        if clipped.len() + character.len_utf8() + MARK.len_utf8() > TEXT_MAX {
            break;
        }
        let _fits = clipped.push(character);
    }
    let _fits = clipped.push(MARK);
    clipped
}

/// A decision, by its number: later ones have higher numbers.
///
/// ```
/// # use explain::Seq;
/// assert!(Seq(3) < Seq(4));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(transparent)]
pub struct Seq(pub u64);

/// What a decision is about.
///
/// ```
/// use explain::{Name, Question, Subject};
///
/// assert!(Question::Awake.is_about(&Subject::Awake(7)));
/// let app = Name::try_from("org.chat").map_err(|_| "long")?;
/// assert!(!Question::Awake.is_about(&Subject::Standby(app)));
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Subject {
    /// One of the things that keep the machine awake: a lock, by its number.
    Awake(u32),
    /// The mode of the power governor.
    Mode,
    /// A timer that fires late, by its number.
    Late(u64),
    /// An app in standby.
    Standby(Name),
    /// Nothing that is asked about: a step between a request and a decision.
    Step,
}

/// What people ask.
///
/// ```
/// # use explain::Question;
/// assert_eq!(Question::Late(7).to_string(), "why is timer 7 late");
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Question {
    /// Why is it awake?
    Awake,
    /// Why is it in this mode?
    Mode,
    /// Why is this timer late?
    Late(u64),
    /// Why is this app in standby?
    Standby(Name),
}

impl Question {
    /// True when a decision about `subject` answers it.
    pub fn is_about(&self, subject: &Subject) -> bool {
        match (self, subject) {
            (Self::Awake, Subject::Awake(_)) | (Self::Mode, Subject::Mode) => true,
            (Self::Late(asked), Subject::Late(timer)) => asked == timer,
            (Self::Standby(asked), Subject::Standby(app)) => asked == app,
            _ => false,
        }
    }
}

/// How long a decision holds.
///
/// ```
/// use explain::*;
/// use nexus_abi::Nanos;
///
/// let mut log: Log = Log::new();
/// for (holds, expected) in [(Holds::FromNowOn, true), (Holds::NoLonger, false)] {
///     let cause = Cause::Origin(Origin::Event(clipped("the lock")));
///     let what = clipped("taken or released");
///     let decision = Decision { at: Nanos(1), subject: Subject::Awake(1), holds, what, cause };
///     log.note(decision).map_err(|_| "no such decision")?;
///     assert_eq!(log.why(Question::Awake).holds, expected);
/// }
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Holds {
    /// Until another one about the same subject. It is kept until then, however much happens.
    FromNowOn,
    /// It happened, and that was it.
    Once,
    /// What held about the subject no longer does.
    NoLonger,
}

/// What a decision follows from.
///
/// ```
/// use explain::*;
/// use nexus_abi::Nanos;
///
/// let mut log: Log = Log::new();
/// let note = |cause| Decision {
///     at: Nanos(1),
///     subject: Subject::Mode,
///     holds: Holds::FromNowOn,
///     what: clipped("mode frugal"),
///     cause,
/// };
/// assert_eq!(log.note(note(Cause::Origin(Origin::Event(clipped("battery at 15 %"))))), Ok(Seq(0)));
/// assert_eq!(log.note(note(Cause::Decision(Seq(0)))), Ok(Seq(1)));
/// assert_eq!(log.note(note(Cause::Decision(Seq(7)))), Err(NoSuchDecision));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Cause {
    /// An earlier decision.
    Decision(Seq),
    /// Nothing that was decided.
    Origin(Origin),
}

/// Where a chain of causes begins.
///
/// ```
/// use explain::{Name, Origin, clipped};
/// use nexus_abi::TaskId;
///
/// let who = Name::try_from("org.music").map_err(|_| "long")?;
/// let play = Origin::Request { task: TaskId::new(7, 2), who, asked: clipped("play") };
/// assert_eq!(play.to_string(), "task 7.2 (org.music) asked: play");
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    /// A task asked for something.
    Request {
        /// Which; the kernel's word.
        task: TaskId,
        /// Its program.
        who: Name,
        /// What for.
        asked: Text,
    },
    /// Something happened that nobody asked for.
    Event(Text),
    /// The decision that this one follows from had already been forgotten.
    Forgotten,
}

/// A decision that is to be written down.
///
/// ```
/// use explain::{Cause, Decision, Holds, Origin, Subject, clipped};
/// use nexus_abi::Nanos;
///
/// let decision = Decision {
///     at: Nanos(5),
///     subject: Subject::Mode,
///     holds: Holds::FromNowOn,
///     what: clipped("mode frugal"),
///     cause: Cause::Origin(Origin::Event(clipped("battery at 15 %"))),
/// };
/// assert_eq!(decision.what, "mode frugal");
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision {
    /// When it was made.
    pub at: Nanos,
    /// What about.
    pub subject: Subject,
    /// How long it holds.
    pub holds: Holds,
    /// What was decided, for people.
    pub what: Text,
    /// What it follows from.
    pub cause: Cause,
}
