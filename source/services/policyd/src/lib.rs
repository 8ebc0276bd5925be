//! The judge, as a state machine: may a subject do an action on an object?
//!
//! [`Policyd`] decides by the rules of `policies/*.toml`, which the build has compiled into the boot image, with
//! the pure library `access-policy`. Every decision goes into the [`Audit`], bounded, which those whose recipe says
//! so may read.
//!
//! ```text
//!   May ──▶ asker is execd? ── no ─▶ Deny(NotPrivileged) ─┐
//!             │ yes                                       ├─▶ audit ─▶ answer
//!             └─▶ access-policy decides ──────────────────┘
//!   Audit ─▶ asker has the privilege? ── no ─▶ Deny(NotPrivileged), audited
//!             └ yes ─▶ a page; reading leaves no record
//! ```
//!
//! Who asks is what the kernel stamped on the message. A question names a subject, which is a claim: it is believed
//! from execd alone, because execd knows from the kernel which task is which program. Nothing here ever waits, so
//! execd may wait for it.

#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

mod audit;

pub use audit::{AUDIT_MAX, Audit};

use access_policy::{Missing, Policy, Query};
use nexus_abi::{Nanos, ServiceId};
use nexus_service::{Call, Caller, Effects, Service};
use nexus_wire::policyd::{
    Action, Answer, Decision, Denial, May, Policyd as Protocol, Question, Request, WHY_MAX,
};
use nexus_wire::recipe::{Privilege, Recipe};

const _: () = assert!(WHY_MAX == access_policy::WHY_MAX, "a rule's justification fits into an answer");

/// Decides, and remembers what it decided.
#[derive(Debug)]
pub struct Policyd {
    policy: Policy<Action>,
    recipe: Recipe,
    audit: Audit,
}

impl Policyd {
    /// Decides by `policy`; who may read the audit is in `recipe`.
    pub const fn new(policy: Policy<Action>, recipe: Recipe) -> Self {
        Self { policy, recipe, audit: Audit::new() }
    }

    fn may(&mut self, may: May, caller: Caller, now: Nanos) -> Answer {
        let decision = if caller.service == ServiceId::EXECD {
            self.decide(&may)
        } else {
            Decision::Deny(Denial::NotPrivileged)
        };
        self.audit.add(Question::May(may), decision.clone(), caller, now);
        Answer::Decided(decision)
    }

    fn decide(&self, may: &May) -> Decision {
        let query = Query { subject: &may.subject, action: may.action, object: &may.object };
        match self.policy.decide(&query) {
            // It fits: both bounds are the same.
            access_policy::Decision::Allow(why) => Decision::Allow(why.chars().collect()),
            access_policy::Decision::Deny(Missing::Subject) => Decision::Deny(Denial::NoRuleForSubject),
            access_policy::Decision::Deny(Missing::Action) => Decision::Deny(Denial::NoRuleForAction),
            access_policy::Decision::Deny(Missing::Object) => Decision::Deny(Denial::NoRuleForObject),
        }
    }

    fn read_audit(&mut self, from: u32, caller: Caller, now: Nanos) -> Answer {
        if self.recipe.grants(caller.service, Privilege::Audit) {
            return Answer::Audit(self.audit.page(from));
        }
        let decision = Decision::Deny(Denial::NotPrivileged);
        self.audit.add(Question::ReadAudit, decision.clone(), caller, now);
        Answer::Decided(decision)
    }
}

impl Service for Policyd {
    type Protocol = Protocol;

    fn call(&mut self, call: Call<'_, Request>, now: Nanos, effects: &mut Effects<Answer>) {
        let answer = match call.request {
            Request::May(may) => self.may(may, call.caller, now),
            Request::Audit { from } => self.read_audit(from, call.caller, now),
        };
        effects.answer(call.ticket, answer);
    }

    /// Nobody has anything to tell it without words.
    fn bits(&mut self, _bits: u64, _now: Nanos, _effects: &mut Effects<Answer>) {}

    fn tick(&mut self, _now: Nanos, _effects: &mut Effects<Answer>) -> Nanos {
        Nanos::NEVER
    }
}

#[cfg(test)]
mod tests;
