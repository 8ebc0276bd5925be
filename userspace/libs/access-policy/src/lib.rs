//! May a subject do an action on an object?
//!
//! A [`Policy`] is a list of rules that allow something. A [`Query`] is answered with a [`Decision`], which always
//! has a reason: the rule that allows it, or how far the rules came before none was left.
//!
//! 1. What no rule allows is denied. There are no rules that deny, so no order of rules to get wrong.
//! 2. A rule allows a query when subject and action are the same and the object is the same or [`Object::Any`].
//!    A subject is always named: no rule allows something to everybody.
//! 3. The first such rule, in the order of the list, is the reason.
//! 4. A denial says what was missing in this order: a rule for the subject, one with the action, the object.
//!
//! The actions are the user's: any type that can be compared. No clock, no state, no I/O: the same list and the
//! same query give the same decision for ever.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::vec::Vec;

use heapless::String;
use nexus_abi::info::NAME_MAX;
use serde::{Deserialize, Serialize};

/// Most rules of one policy: a query looks at each of them.
pub const RULES_MAX: usize = 64;
/// Longest justification of a rule, in bytes: it travels in answers and in audit records.
pub const WHY_MAX: usize = 96;

/// The name of a program.
pub type Name = String<NAME_MAX>;
/// A rule's justification, for people.
pub type Why = String<WHY_MAX>;

/// Somebody may do something.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Rule<A> {
    /// Who.
    pub subject: Name,
    /// What.
    pub action: A,
    /// To whom.
    pub object: Object,
    /// Why that is right.
    pub why: Why,
}

/// To whom a rule applies.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Object {
    /// Every program.
    Any,
    /// The program of this name.
    Named(Name),
}

/// What is to be decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Query<'a, A> {
    /// Who wants it.
    pub subject: &'a str,
    /// What it wants.
    pub action: A,
    /// To whom.
    pub object: &'a str,
}

/// The answer, with its reason.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Decision<'p> {
    /// A rule allows it, for this reason.
    Allow(&'p str),
    /// No rule allows it.
    Deny(Missing),
}

/// What a denied query lacks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Missing {
    /// No rule names the subject.
    Subject,
    /// Rules name the subject, none with this action.
    Action,
    /// The subject may do this, to others than this object.
    Object,
}

/// The policy has [`RULES_MAX`] rules.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Full;

/// A list of rules.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Policy<A> {
    /// At most [`RULES_MAX`].
    rules: Vec<Rule<A>>,
}

impl<A: Copy + Eq> Policy<A> {
    /// A policy that allows nothing.
    pub const fn new() -> Self {
        Self { rules: Vec::new() }
    }

    /// Adds a rule behind the others, unless there are [`RULES_MAX`] already.
    pub fn add(&mut self, rule: Rule<A>) -> Result<(), Full> {
        if self.rules.len() >= RULES_MAX {
            return Err(Full);
        }
        self.rules.push(rule);
        Ok(())
    }

    /// Decides. O(rules).
    pub fn decide(&self, query: &Query<'_, A>) -> Decision<'_> {
        let mut missing = Missing::Subject;
        for rule in self.rules.iter().filter(|rule| rule.subject == query.subject) {
            if rule.action != query.action {
                missing = missing.or(Missing::Action);
            } else if rule.object.covers(query.object) {
                return Decision::Allow(&rule.why);
            } else {
                missing = Missing::Object;
            }
        }
        Decision::Deny(missing)
    }

    /// The rules, in order.
    pub fn rules(&self) -> &[Rule<A>] {
        &self.rules
    }
}

impl<A: Copy + Eq> Default for Policy<A> {
    fn default() -> Self {
        Self::new()
    }
}

impl Object {
    fn covers(&self, object: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Named(name) => name == object,
        }
    }
}

impl Missing {
    /// What came closer to being allowed.
    fn or(self, other: Self) -> Self {
        if self == Self::Subject { other } else { self }
    }
}

#[cfg(test)]
mod tests;
