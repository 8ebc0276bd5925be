//! Answers, as text for people and as JSON for programs.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::{self, Write};

use nexus_abi::{Nanos, TaskId};
use serde::{Serialize, Serializer};

use crate::decision::{Origin, Question, Seq, Text};

/// One decision in a chain.
///
/// ```
/// use explain::{Link, Seq, clipped};
/// use nexus_abi::Nanos;
///
/// let link = Link { seq: Seq(3), at: Nanos(5), what: clipped("mode frugal") };
/// assert_eq!(link.what, "mode frugal");
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Link {
    /// Its number.
    #[serde(rename = "decision", serialize_with = "seq_as_number")]
    pub seq: Seq,
    /// When.
    #[serde(rename = "at_ns", serialize_with = "nanos_as_number")]
    pub at: Nanos,
    /// What was decided.
    pub what: Text,
}

/// A decision and all that led to it.
///
/// ```
/// use explain::{Chain, Origin};
///
/// let chain = Chain { links: vec![], forgotten: 2, origin: Origin::Forgotten };
/// assert_eq!(chain.forgotten, 2);
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Chain {
    /// The decision, what it followed from, and so on.
    pub links: Vec<Link>,
    /// Decisions between the last link and the origin that are not told: the log has forgotten them, or the chain is
    /// longer than [`crate::LINKS_MAX`].
    pub forgotten: usize,
    /// Where it began.
    pub origin: Origin,
}

/// The answer to a question.
///
/// ```
/// use explain::{Log, Question};
/// use nexus_abi::Nanos;
///
/// let answer = Log::<8>::new().why(Question::Mode);
/// assert_eq!(answer.text(Nanos(0)), "why is it in this mode\n  nothing is recorded\n");
/// assert_eq!(answer.json(), r#"{"question":{"kind":"mode"},"holds":false,"chains":[]}"#);
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Answer {
    /// What was asked.
    pub question: Question,
    /// False when what is told no longer holds, or was an event and never did.
    pub holds: bool,
    /// Every decision that holds, the latest first; else the latest that is remembered, if any.
    pub chains: Vec<Chain>,
}

impl Answer {
    /// For people.
    pub fn text(&self, now: Nanos) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _never = self.write(&mut text, now);
        text
    }

    /// For programs: an object with `question`, `holds` and `chains`; the page on the log lists every key.
    pub fn json(&self) -> String {
        // Maps with other keys than strings fail, and there are none.
        serde_json::to_string(self).unwrap_or_default()
    }

    fn write(&self, text: &mut String, now: Nanos) -> fmt::Result {
        writeln!(text, "{}", self.question)?;
        let over = matches!(self.question, Question::Awake | Question::Standby(_)) && !self.holds;
        match self.chains.first() {
            None => writeln!(text, "  nothing is recorded")?,
            Some(_) if over => writeln!(text, "  it no longer is; the latest was")?,
            Some(_) => {}
        }
        self.chains.iter().try_for_each(|chain| chain.write(text, now))
    }
}

impl Chain {
    fn write(&self, text: &mut String, now: Nanos) -> fmt::Result {
        for (index, link) in self.links.iter().enumerate() {
            let lead = if index == 0 { "  " } else { "    because " };
            let ago_ms = now.since(link.at).0 / 1_000_000;
            writeln!(text, "{lead}{}, {}.{:03} s ago", link.what, ago_ms / 1_000, ago_ms % 1_000)?;
        }
        if self.forgotten > 0 {
            writeln!(text, "    because of {} more that are not told", self.forgotten)?;
        }
        writeln!(text, "    because {}", self.origin)
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Awake => f.write_str("why is it awake"),
            Self::Mode => f.write_str("why is it in this mode"),
            Self::Late(timer) => write!(f, "why is timer {timer} late"),
            Self::Standby(app) => write!(f, "why is {app} in standby"),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request { task, who, asked } => write!(f, "{task:?} ({who}) asked: {asked}"),
            Self::Event(what) => f.write_str(what),
            Self::Forgotten => f.write_str("of something that is no longer recorded"),
        }
    }
}

impl Serialize for Question {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(tag = "kind", rename_all = "lowercase")]
        enum Told<'a> {
            Awake,
            Mode,
            Late { timer: u64 },
            Standby { app: &'a str },
        }
        match self {
            Self::Awake => Told::Awake,
            Self::Mode => Told::Mode,
            Self::Late(timer) => Told::Late { timer: *timer },
            Self::Standby(app) => Told::Standby { app },
        }
        .serialize(serializer)
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(tag = "kind", rename_all = "lowercase")]
        enum Told<'a> {
            Request { task: String, who: &'a str, asked: &'a str },
            Event { what: &'a str },
            Forgotten,
        }
        let short = |task: &TaskId| [task.index().to_string(), task.generation().to_string()].join(".");
        match self {
            Self::Request { task, who, asked } => Told::Request { task: short(task), who, asked },
            Self::Event(what) => Told::Event { what },
            Self::Forgotten => Told::Forgotten,
        }
        .serialize(serializer)
    }
}

fn seq_as_number<S: Serializer>(seq: &Seq, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(seq.0)
}

fn nanos_as_number<S: Serializer>(at: &Nanos, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(at.0)
}
