//! For whom a server works, and what it may have meanwhile: its client's class and shares.
//!
//! ```text
//!  client ── server ──►  server ── server ──►  server's server
//!         ◄── client ──         ◄── client ──
//! ```
//!
//! Both ends say so, and a link that only one end knows is an old one. A loan begins when a message is received and
//! ends with its answer, or when the server waits for the next. A call by the fast path leaves no loan: there the
//! server runs on in its caller's very claim, and if it keeps the caller waiting, only that one says for whom.
//!
//! Others urge a server meanwhile: the first caller in the queue of each of its endpoints, and each client that it
//! keeps waiting while it works for another. They are counted by class, and it runs in the highest that is not zero,
//! if that is above its client's. So each comes and goes in O(1).
//!
//! All of it is words that any hart may read and change; the server's own hart acts on them.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use nexus_abi::{QosClass, Shares, TaskId};

/// The words.
#[derive(Debug)]
pub struct Loan {
    /// [`Lent`] by its client, or 0.
    lent: AtomicU32,
    /// How many others urge it, by class: [`LANE`] bits for each above Idle.
    urging: AtomicU64,
    /// As what it urges the server that keeps it waiting, and on which of its calls: [`kept`]; or 0.
    kept: AtomicU64,
    /// For whom it works.
    client: AtomicU64,
    /// Who works for it, and on which of its calls.
    server: AtomicU64,
    call: AtomicU64,
}

/// There are fewer tasks than this many bits count, and each urges one other at most.
const LANE: u32 = 16;

/// What a client lends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lent {
    /// Its class.
    pub class: QosClass,
    /// Its weight.
    pub shares: Shares,
}

impl Lent {
    const PRESENT: u32 = 1 << 31;
    const CLASS_SHIFT: u32 = 16;

    fn to_word(self) -> u32 {
        Self::PRESENT | (self.class as u32) << Self::CLASS_SHIFT | u32::from(self.shares.get())
    }

    fn from_word(word: u32) -> Option<Self> {
        if word & Self::PRESENT == 0 {
            return None;
        }
        let class = QosClass::from_wire(u64::from(word >> Self::CLASS_SHIFT & 3))?;
        let shares = Shares::exact(u64::from(word & 0xFFFF)).unwrap_or_default();
        Some(Self { class, shares })
    }
}

impl Loan {
    /// A task that works for itself.
    pub const fn new() -> Self {
        Self {
            lent: AtomicU32::new(0),
            urging: AtomicU64::new(0),
            kept: AtomicU64::new(0),
            client: AtomicU64::new(0),
            server: AtomicU64::new(0),
            call: AtomicU64::new(0),
        }
    }

    /// What its client lends it.
    pub fn lent(&self) -> Option<Lent> {
        Lent::from_word(self.lent.load(Ordering::Relaxed))
    }

    /// Changes what its client lends it, or ends it: true when that is something else than before.
    pub fn set_lent(&self, lent: Option<Lent>) -> bool {
        let word = lent.map_or(0, Lent::to_word);
        self.lent.swap(word, Ordering::Relaxed) != word
    }

    /// The highest class of those who urge it; Idle when nobody does.
    #[inline(always)]
    pub fn urged(&self) -> QosClass {
        highest(self.urging.load(Ordering::Relaxed))
    }

    /// One who urged it as `from` does so as `to` now; Idle is not at all. The highest class before and now.
    #[inline(always)]
    pub fn urge(&self, from: QosClass, to: QosClass) -> (QosClass, QosClass) {
        let change = unit(to).wrapping_sub(unit(from));
        let before = self.urging.fetch_add(change, Ordering::SeqCst);
        (highest(before), highest(before.wrapping_add(change)))
    }

    /// Its server keeps it waiting on this call from now on, urged as `class`.
    pub fn keep(&self, call: u64, class: QosClass) {
        self.kept.store(kept(call, class), Ordering::SeqCst);
    }

    /// If it is kept waiting on this call, it urges as `class` now: as what before.
    pub fn keep_as(&self, call: u64, class: QosClass) -> Option<QosClass> {
        let now = kept(call, class);
        let is_same = |word: u64| word != 0 && word >> KEPT_CALL == now >> KEPT_CALL;
        let before =
            self.kept.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |word| is_same(word).then_some(now));
        before.ok().and_then(kept_class)
    }

    /// It is kept waiting no longer: as what it urged, if it was.
    pub fn unkeep(&self) -> Option<QosClass> {
        kept_class(self.kept.swap(0, Ordering::SeqCst))
    }

    /// For whom it works, as far as it knows.
    pub fn client(&self) -> TaskId {
        TaskId::from_wire(self.client.load(Ordering::Relaxed))
    }

    /// It works for this one from now on.
    pub fn set_client(&self, client: TaskId) {
        self.client.store(client.to_wire(), Ordering::Relaxed);
    }

    /// Who works on this call of it, as far as it knows.
    pub fn server(&self, call: u64) -> TaskId {
        let is_that = self.call.load(Ordering::Relaxed) == call;
        if is_that { TaskId::from_wire(self.server.load(Ordering::Relaxed)) } else { TaskId::NONE }
    }

    /// This one works on a call of it from now on.
    #[inline(always)]
    pub fn set_server(&self, server: TaskId, call: u64) {
        self.server.store(server.to_wire(), Ordering::Relaxed);
        self.call.store(call, Ordering::Relaxed);
    }
}

/// What one of this class adds to the count. Idle urges nobody.
const fn unit(class: QosClass) -> u64 {
    match class {
        QosClass::Idle => 0,
        _ => 1 << (LANE * (class as u32 - 1)),
    }
}

/// The highest class that is counted. A count that another hart is about to make whole is none for that moment.
#[inline(always)]
const fn highest(urging: u64) -> QosClass {
    if urging == 0 || urging >> (3 * LANE) != 0 {
        QosClass::Idle
    } else if urging >> (2 * LANE) != 0 {
        QosClass::PerfBurst
    } else if urging >> LANE != 0 {
        QosClass::Interactive
    } else {
        QosClass::Normal
    }
}

/// Where the call stands in the word; below it, one more than the class.
const KEPT_CALL: u32 = 8;

const fn kept(call: u64, class: QosClass) -> u64 {
    call << KEPT_CALL | (class as u64 + 1)
}

fn kept_class(word: u64) -> Option<QosClass> {
    QosClass::from_wire((word & ((1 << KEPT_CALL) - 1)).checked_sub(1)?)
}

impl Default for Loan {
    fn default() -> Self {
        Self::new()
    }
}
