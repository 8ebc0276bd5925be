//! The log: a ring of the latest decisions, and those that hold.
//!
//! ```text
//!   note ──► ┌────┬────┬────┬─ … ─┬────┐
//!            │ 90 │ 91 │ 92 │     │ 97 │  ring: the latest decisions, for the links of chains
//!            └────┴────┴────┴─ … ─┴────┘
//!                │ holds from now on
//!                ▼
//!            awake 7: 12   mode: 3   standby org.chat: 91     kept until they no longer hold
//! ```

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::fmt;

use nexus_abi::Nanos;

use crate::answer::{Answer, Chain, Link};
use crate::decision::{Cause, Decision, Holds, Origin, Question, Seq, Subject, Text};

/// Decisions in the ring, if nobody says otherwise: some minutes of a busy device.
pub const RECORDS: usize = 256;
/// What the ring may cost in memory: a service that explains must not be larger than what it explains.
const RING_BYTES: usize = 100 * 1024;
const _: () = assert!(RECORDS * size_of::<Record>() <= RING_BYTES);
/// Most decisions that are kept because they hold: every wake lock, every app in standby, the mode, and some to spare.
/// One more displaces the oldest.
pub const HOLDING_MAX: usize = 400;
/// Longest chain that is told link by link.
pub const LINKS_MAX: usize = 32;

/// The decision that a cause names has not been made.
///
/// ```
/// assert_eq!(explain::NoSuchDecision.to_string(), "that decision has not been made");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoSuchDecision;

impl fmt::Display for NoSuchDecision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("that decision has not been made")
    }
}

/// What is remembered of a decision.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Record {
    seq: Seq,
    at: Nanos,
    subject: Subject,
    what: Text,
    /// The decision it follows from.
    parent: Option<Seq>,
    /// How many decisions there are before it in its chain, as far as they were known when it was made.
    depth: usize,
    /// Where its chain begins: copied along, so that it is known when the links are forgotten.
    origin: Origin,
}

/// The log of decisions.
///
/// ```
/// use explain::*;
/// use nexus_abi::{Nanos, TaskId};
///
/// let ms = Nanos::from_millis;
/// let mut log: Log = Log::new();
/// let who = Name::try_from("org.music").map_err(|_| "long")?;
/// let asked = Origin::Request { task: TaskId::new(7, 2), who, asked: clipped("play") };
/// let playing = log.note(Decision {
///     at: ms(1_000),
///     subject: Subject::Step,
///     holds: Holds::Once,
///     what: clipped("the session of org.music plays"),
///     cause: Cause::Origin(asked),
/// });
/// let playing = playing.map_err(|_| "no such decision")?;
/// let locked = log.note(Decision {
///     at: ms(1_001),
///     subject: Subject::Awake(3),
///     holds: Holds::FromNowOn,
///     what: clipped("partial lock 3 of org.music"),
///     cause: Cause::Decision(playing),
/// });
/// assert_eq!(locked, Ok(Seq(1)));
///
/// let text = "\
/// why is it awake
///   partial lock 3 of org.music, 2.500 s ago
///     because the session of org.music plays, 2.501 s ago
///     because task 7.2 (org.music) asked: play
/// ";
/// assert_eq!(log.why(Question::Awake).text(ms(3_501)), text);
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Log<const N: usize = RECORDS> {
    next: u64,
    /// At most `N`, without a gap in their numbers, the latest last.
    ring: VecDeque<Record>,
    /// At most [`HOLDING_MAX`].
    holding: BTreeMap<Subject, Record>,
}

impl<const N: usize> Log<N> {
    /// Nothing has been decided.
    pub const fn new() -> Self {
        Self { next: 0, ring: VecDeque::new(), holding: BTreeMap::new() }
    }

    /// Writes a decision down. Its number is what the decisions that follow from it name as their cause.
    /// O(log held), and O(held) when the cause is no longer in the ring.
    pub fn note(&mut self, decision: Decision) -> Result<Seq, NoSuchDecision> {
        let Decision { at, subject, holds, what, cause } = decision;
        let (parent, depth, origin) = match cause {
            Cause::Origin(origin) => (None, 0, origin),
            Cause::Decision(seq) if seq.0 >= self.next => return Err(NoSuchDecision),
            Cause::Decision(seq) => match self.find(seq) {
                Some(found) => (Some(seq), found.depth.saturating_add(1), found.origin.clone()),
                None => (None, 0, Origin::Forgotten),
            },
        };
        let seq = Seq(self.next);
        self.next += 1;
        let record = Record { seq, at, subject, what, parent, depth, origin };
        match holds {
            Holds::FromNowOn => self.keep(record.clone()),
            Holds::NoLonger => drop(self.holding.remove(&record.subject)),
            Holds::Once => {}
        }
        self.ring.push_back(record);
        if self.ring.len() > N {
            self.ring.pop_front();
        }
        Ok(seq)
    }

    /// Answers a question: with every decision that holds, the latest first, each with the chain that led to it; when
    /// none holds, with the latest that is remembered. O(held · links).
    pub fn why(&self, question: Question) -> Answer {
        let asked = |record: &&Record| question.is_about(&record.subject);
        let mut holding: Vec<&Record> = self.holding.values().filter(asked).collect();
        holding.sort_by_key(|record| Reverse(record.seq));
        let holds = !holding.is_empty();
        if !holds {
            holding.extend(self.ring.iter().rev().find(asked));
        }
        Answer { holds, chains: holding.into_iter().map(|record| self.chain(record)).collect(), question }
    }

    /// How many decisions are remembered.
    pub fn len(&self) -> usize {
        self.ring.len()
    }

    /// True when none is.
    pub fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    fn keep(&mut self, record: Record) {
        self.holding.insert(record.subject.clone(), record);
        if self.holding.len() > HOLDING_MAX {
            let oldest = self.holding.values().min_by_key(|record| record.seq);
            if let Some(subject) = oldest.map(|record| record.subject.clone()) {
                self.holding.remove(&subject);
            }
        }
    }

    /// From a decision to where it began. Each link has a smaller number than the one before, so there is an end.
    fn chain(&self, last: &Record) -> Chain {
        let mut links = Vec::new();
        let mut next = Some(last);
        while let Some(record) = next.filter(|_| links.len() < LINKS_MAX) {
            links.push(Link { seq: record.seq, at: record.at, what: record.what.clone() });
            next = record.parent.and_then(|parent| self.find(parent));
        }
        let forgotten = (last.depth + 1).saturating_sub(links.len());
        Chain { links, forgotten, origin: last.origin.clone() }
    }

    fn find(&self, seq: Seq) -> Option<&Record> {
        let before = self.ring.front().and_then(|first| seq.0.checked_sub(first.seq.0));
        let in_ring = before.and_then(|index| self.ring.get(usize::try_from(index).ok()?));
        in_ring.or_else(|| self.holding.values().find(|record| record.seq == seq))
    }
}
