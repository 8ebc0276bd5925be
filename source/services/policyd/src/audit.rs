//! What was decided, the latest of it.
//!
//! A ring of [`AUDIT_MAX`] records, numbered without end: a gap in the numbers says how many were forgotten. The
//! same answer to the same asker several times in a row is one record that counts, so that somebody who asks again
//! and again cannot push out what others did.

use alloc::collections::VecDeque;

use nexus_abi::Nanos;
use nexus_service::Caller;
use nexus_wire::policyd::{Decision, PAGE, Question, Record};

/// Records kept; older ones are forgotten. A boot makes a handful, a person reads some pages.
pub const AUDIT_MAX: usize = 256;

/// The ring.
#[derive(Debug)]
pub struct Audit {
    /// Oldest first.
    records: VecDeque<Record>,
    next: u32,
}

impl Audit {
    pub(crate) const fn new() -> Self {
        Self { records: VecDeque::new(), next: 0 }
    }

    /// Remembers an answer. O(1).
    pub(crate) fn add(&mut self, question: Question, decision: Decision, caller: Caller, now: Nanos) {
        let (asker, service) = (caller.task.to_wire(), caller.service.0);
        if let Some(last) = self.records.back_mut()
            && (last.asker, last.service) == (asker, service)
            && last.question == question
            && last.decision == decision
        {
            last.times = last.times.saturating_add(1);
            last.at_ns = now.0;
            return;
        }
        if self.records.len() >= AUDIT_MAX {
            self.records.pop_front();
        }
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        self.records.push_back(Record { number, at_ns: now.0, times: 1, asker, service, question, decision });
    }

    /// A page of records from number `from` on. O(records).
    pub(crate) fn page(&self, from: u32) -> heapless::Vec<Record, PAGE> {
        self.records.iter().filter(|record| record.number >= from).take(PAGE).cloned().collect()
    }
}
