//! Whose time a task spends: exact, for people, decided on nowhere.
//!
//! ```text
//!  run = paid − donated + received
//! ```
//!
//! A client pays for what its server does between message and answer, and has donated that much; the server has
//! received it. What a server's server does is in it too. By the fast path nothing is charged: both ends note the
//! moment of the message, and the answer settles. Else the server pays at first, from a [mark](Spending::begin_loan)
//! on, and with the answer its client takes that over.

use core::sync::atomic::{AtomicU64, Ordering};

use nexus_abi::info::TaskState;

use crate::time::Ticks;

/// The counts, in ticks. One writer at a time: whoever has the token, or waits for none but this server.
#[derive(Debug)]
pub struct Spending {
    /// Run in its name, by whomever.
    paid: AtomicU64,
    donated: AtomicU64,
    received: AtomicU64,
    /// What it had paid when it was lent to.
    mark: AtomicU64,
    /// When it last called by the fast path.
    called_at: AtomicU64,
    /// Up to when that was settled for the server that it last was by the fast path.
    serves_since: AtomicU64,
}

/// What has been counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spent {
    /// By the task itself.
    pub run: Ticks,
    /// By others, in its name.
    pub donated: Ticks,
    /// By itself, in others' names.
    pub received: Ticks,
}

#[inline(always)]
fn add(count: &AtomicU64, ticks: u64) {
    count.store(count.load(Ordering::Relaxed).wrapping_add(ticks), Ordering::Relaxed);
}

impl Spending {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self {
            paid: AtomicU64::new(0),
            donated: AtomicU64::new(0),
            received: AtomicU64::new(0),
            mark: AtomicU64::new(0),
            called_at: AtomicU64::new(0),
            serves_since: AtomicU64::new(0),
        }
    }

    /// The hart ran in its name.
    #[inline(always)]
    pub fn pay(&self, ticks: u64) {
        add(&self.paid, ticks);
    }

    /// It called `server` by the fast path, which runs in its name from now on.
    #[inline(always)]
    pub fn call_fast(&self, server: &Self, now: Ticks) {
        self.called_at.store(now.0, Ordering::Relaxed);
        server.serves_since.store(now.0, Ordering::Relaxed);
    }

    /// `server`, which runs in its name by the fast path, has done so up to now.
    #[inline(always)]
    pub fn settle_fast(&self, server: &Self, now: Ticks) {
        let ran = now.0.wrapping_sub(server.serves_since.load(Ordering::Relaxed));
        add(&server.received, ran);
        add(&self.donated, ran);
    }

    /// It begins to work for a client, and pays for the time being.
    #[inline(always)]
    pub fn begin_loan(&self) {
        self.mark.store(self.paid.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// What it has paid since it began to work for `client`, that one pays.
    #[inline(always)]
    pub fn end_loan(&self, client: &Self) {
        let mark = self.mark.load(Ordering::Relaxed);
        let ran = self.paid.load(Ordering::Relaxed).wrapping_sub(mark);
        self.paid.store(mark, Ordering::Relaxed);
        add(&self.received, ran);
        add(&client.paid, ran);
        add(&client.donated, ran);
    }

    /// All of it, of a task in this state on a hart that has charged its tasks up to `charged`: what a hart has not
    /// charged yet is told by the state.
    pub fn read(&self, state: u8, charged: Ticks, now: Ticks) -> Spent {
        const RUNNING: u8 = TaskState::Running as u8;
        const AWAITING: u8 = TaskState::AwaitingReply as u8;
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let (mut paid, mut donated, mut received) =
            (read(&self.paid), read(&self.donated), read(&self.received));
        let (called_at, serves_since) = (read(&self.called_at), read(&self.serves_since));
        match state {
            RUNNING if serves_since >= charged.0 => received += now.0.saturating_sub(serves_since),
            RUNNING => paid += now.0.saturating_sub(charged.0),
            AWAITING if called_at >= charged.0 => {
                paid += now.0.saturating_sub(charged.0);
                donated += now.0.saturating_sub(called_at);
            }
            _ => {}
        }
        let run = Ticks(paid.wrapping_sub(donated).wrapping_add(received));
        Spent { run, donated: Ticks(donated), received: Ticks(received) }
    }
}

impl Default for Spending {
    fn default() -> Self {
        Self::new()
    }
}
