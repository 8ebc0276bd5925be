//! For whom a server works, and what it may have meanwhile: its client's class and shares.
//!
//! ```text
//!  client ── server ──►  server ── server ──►  server's server
//!         ◄── client ──         ◄── client ──
//! ```
//!
//! Both ends say so, and a link that only one end knows is an old one. A loan begins when a message is received and
//! ends with its answer, or when the server waits for the next. What was lent is a word that any hart may read and
//! change; the server's own hart acts on it. A call by the fast path leaves no loan: there the server runs on in its
//! caller's very claim.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use nexus_abi::{QosClass, Shares, TaskId};

/// The words.
#[derive(Debug)]
pub struct Loan {
    /// [`Lent`], or 0.
    lent: AtomicU32,
    /// The part of it that stems from who waits at its endpoints, or 0.
    raised: AtomicU32,
    /// For whom it works.
    client: AtomicU64,
    /// Who works for it, and on which of its calls.
    server: AtomicU64,
    call: AtomicU64,
}

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
            raised: AtomicU32::new(0),
            client: AtomicU64::new(0),
            server: AtomicU64::new(0),
            call: AtomicU64::new(0),
        }
    }

    /// What was lent to it.
    pub fn lent(&self) -> Option<Lent> {
        Lent::from_word(self.lent.load(Ordering::Relaxed))
    }

    /// Changes what was lent to it, or ends it: true when that is something else than before.
    pub fn set_lent(&self, lent: Option<Lent>) -> bool {
        let word = lent.map_or(0, Lent::to_word);
        self.lent.swap(word, Ordering::Relaxed) != word
    }

    /// Whoever waits at its endpoint lends it this, until it receives there: true when it has something else than
    /// before.
    pub fn raise(&self, lent: Lent) -> bool {
        self.raised.store(lent.to_word(), Ordering::Relaxed);
        self.set_lent(Some(lent))
    }

    /// Its client lends it nothing any more; what others lent it stays. True when it has something else than before.
    pub fn end(&self) -> bool {
        self.set_lent(Lent::from_word(self.raised.load(Ordering::Relaxed)))
    }

    /// Nobody lends it anything: it is about to look who waits at its endpoint.
    pub fn clear(&self) {
        self.raised.store(0, Ordering::Relaxed);
        self.lent.store(0, Ordering::Relaxed);
        self.client.store(TaskId::NONE.to_wire(), Ordering::Relaxed);
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

impl Default for Loan {
    fn default() -> Self {
        Self::new()
    }
}
