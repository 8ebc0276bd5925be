//! What `policyd` can be asked: may somebody do something, and what has it answered so far.
//!
//! A question names its subject, so it is believed from execd only, which knows what it started; see the service
//! for who may ask what. Every decision has a reason.

use heapless::{String, Vec};
use serde::{Deserialize, Serialize};

use crate::Protocol;
use crate::execd::Image;

/// The compiled rules in the boot image.
pub const POLICY_PATH: &str = "policies/rules.bin";
/// Longest compiled policy, in bytes.
pub const POLICY_BYTES_MAX: usize = 16_384;
/// Longest justification of a rule, in bytes.
pub const WHY_MAX: usize = 96;
/// Most records of one page of the audit.
pub const PAGE: usize = 16;

/// The protocol.
#[derive(Clone, Copy, Debug)]
pub struct Policyd;

impl Protocol for Policyd {
    type Request = Request;
    type Answer = Answer;
}

/// What policies speak about. Wire values are append-only.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Action {
    /// Run in a class up to Interactive that the program would not have by itself.
    QosRaise,
    /// Run in the highest class.
    QosPerfBurst,
    /// Have more than half of the most shares there are.
    SharesAbove500,
    /// Have execd change one's own class, affinity, shares or hints.
    SchedSelf,
    /// Have execd change those of another program.
    SchedOthers,
}

impl Action {
    /// Each with its name in policies.
    pub const ALL: [(&str, Self); 5] = [
        ("qos.raise", Self::QosRaise),
        ("qos.perf_burst", Self::QosPerfBurst),
        ("sched.shares_above_500", Self::SharesAbove500),
        ("sched.self", Self::SchedSelf),
        ("sched.others", Self::SchedOthers),
    ];

    /// The name, for people and policies.
    pub fn name(self) -> &'static str {
        crate::recipe::name_of(&Self::ALL, &self)
    }
}

/// What a client says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Request {
    /// May somebody do something? For execd, on behalf of what it started.
    May(May),
    /// Records of the audit with numbers of at least `from`, oldest first. For those with the privilege.
    Audit {
        /// The first number of interest.
        from: u32,
    },
}

/// A question.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct May {
    /// The program that wants something.
    pub subject: Image,
    /// What it wants.
    pub action: Action,
    /// The program that it is done to; the subject itself, often.
    pub object: Image,
}

/// What a client hears.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(
    clippy::large_enum_variant,
    reason = "a message lives on one stack for one call; there is no heap here"
)]
pub enum Answer {
    /// The decision.
    Decided(Decision),
    /// A page of the audit; fewer records than [`PAGE`] are the last.
    Audit(Vec<Record, PAGE>),
}

/// A decision, with its reason.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Decision {
    /// A rule allows it, for this reason.
    Allow(String<WHY_MAX>),
    /// It is not allowed.
    Deny(Denial),
}

/// Why something is not allowed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Denial {
    /// No rule names the subject.
    NoRuleForSubject,
    /// Rules name the subject, none with this action.
    NoRuleForAction,
    /// The subject may do this to other objects only.
    NoRuleForObject,
    /// Who asks may not ask this.
    NotPrivileged,
}

impl core::fmt::Display for Denial {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::NoRuleForSubject => "no rule names the subject",
            Self::NoRuleForAction => "no rule allows the subject this action",
            Self::NoRuleForObject => "no rule allows it on this object",
            Self::NotPrivileged => "who asks may not ask this",
        })
    }
}

impl core::fmt::Display for Decision {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Allow(why) => f.write_str(why),
            Self::Deny(denial) => denial.fmt(f),
        }
    }
}

/// One answer of policyd's, or several equal ones in a row.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Record {
    /// Counts up from 0; gaps are records that were forgotten.
    pub number: u32,
    /// When it was given last, in nanoseconds since boot.
    pub at_ns: u64,
    /// How often it was given in a row.
    pub times: u32,
    /// Who asked: the task, by the kernel's word.
    pub asker: u64,
    /// Who asked: the service id, by the kernel's word.
    pub service: u32,
    /// What was asked.
    pub question: Question,
    /// What was answered.
    pub decision: Decision,
}

/// What a record is about.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Question {
    /// May somebody do something?
    May(May),
    /// Somebody without the privilege wanted to read the audit.
    ReadAudit,
}

#[cfg(test)]
#[path = "policyd_tests.rs"]
mod tests;
