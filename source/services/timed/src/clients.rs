//! What is known of each task besides its timers: how it is told, and what it has not read yet.
//!
//! It stands in the task's account beside its timers. A task is there while it has timers, sleeps, listens or has
//! something to read, and no longer. What all of them have together is in the [`Tally`], which bounds it.

use alloc::vec::Vec;

use nexus_abi::Handle;
use nexus_service::Ticket;
use nexus_wire::timed::{Expiry, FIRED_PAGE};
use timer_coalescer::timers::Keep;
use timer_coalescer::{Fired, TimerId};

/// Tasks that can sleep at once. A sleeper costs a handle, of which timed has less than a thousand.
pub const SLEEPERS_MAX: usize = 512;
/// Tasks that can listen at once; as above.
pub const LISTENERS_MAX: usize = 256;

/// Entries for which a task that has nothing to read keeps its memory: the fewest a list takes memory for.
const RESTING_UNREAD_MAX: usize = 4;

const _: () = assert!(SLEEPERS_MAX + LISTENERS_MAX < nexus_abi::HANDLES_MAX);

/// What all tasks have together.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    sleepers: usize,
    listeners: usize,
    /// Entries that stand for timers which are gone.
    spent: usize,
}

impl Tally {
    /// Whether there is no room for another sleeper or listener.
    pub(crate) const fn is_full(&self) -> bool {
        self.sleepers >= SLEEPERS_MAX || self.listeners >= LISTENERS_MAX
    }

    pub(crate) const fn has_room_for_sleeper(&self) -> bool {
        self.sleepers < SLEEPERS_MAX
    }

    /// Entries that stand for timers which are gone.
    pub(crate) const fn spent(&self) -> usize {
        self.spent
    }
}

/// A task that sleeps.
#[derive(Debug)]
pub(crate) struct Sleep {
    pub(crate) timer: TimerId,
    pub(crate) ticket: Ticket,
}

/// Where a task is told that it has something to read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listener {
    pub(crate) target: Handle,
    pub(crate) bits: u64,
}

/// Who has to hear of an expiry.
#[derive(Debug)]
pub(crate) enum Told {
    /// The task that sleeps.
    Sleeper(Ticket),
    /// The task that listens, for the first time since it has read.
    Listener(Listener),
    /// Nobody: it knows already, or will ask.
    Nobody,
}

/// One task.
#[derive(Debug, Default)]
pub(crate) struct Client {
    sleep: Option<Sleep>,
    listener: Option<Listener>,
    unread: Vec<Unread>,
    /// Of those, how many stand for timers which are gone.
    spent: usize,
}

#[derive(Clone, Copy, Debug)]
struct Unread {
    expiry: Expiry,
    /// Its timer is gone: the entry stands for it in the count.
    is_over: bool,
}

impl Keep for Client {
    #[inline]
    fn is_idle(&self) -> bool {
        self.sleep.is_none() && self.listener.is_none() && self.unread.is_empty()
    }

    #[inline]
    fn let_go(&mut self) {
        if self.unread.capacity() > RESTING_UNREAD_MAX {
            self.unread = Vec::new();
        }
    }
}

impl Client {
    /// Whether it may listen: because there is room, or because it does already.
    pub(crate) const fn may_listen(&self, tally: &Tally) -> bool {
        self.listener.is_some() || tally.listeners < LISTENERS_MAX
    }

    /// Entries that stand for timers which are gone.
    pub(crate) const fn spent(&self) -> usize {
        self.spent
    }

    /// Whether such an entry stands for this timer.
    pub(crate) fn is_spent(&self, timer: TimerId) -> bool {
        self.unread.iter().any(|unread| unread.is_over && unread.expiry.id == timer.to_wire())
    }

    /// Makes sure that firing will need no memory for a task with this many timers.
    #[inline]
    pub(crate) fn expect_up_to(&mut self, timers: usize) {
        if self.unread.capacity() - self.unread.len() < timers {
            self.unread.reserve(timers);
        }
    }

    #[inline]
    pub(crate) const fn sleeps(&self) -> bool {
        self.sleep.is_some()
    }

    #[inline]
    pub(crate) fn begin_sleep(&mut self, sleep: Sleep, tally: &mut Tally) {
        tally.sleepers += 1;
        self.sleep = Some(sleep);
    }

    pub(crate) fn end_sleep(&mut self, tally: &mut Tally) -> Option<Sleep> {
        let sleep = self.sleep.take()?;
        tally.sleepers -= 1;
        Some(sleep)
    }

    pub(crate) fn is_asleep_by(&self, timer: TimerId) -> bool {
        self.sleep.as_ref().is_some_and(|sleep| sleep.timer == timer)
    }

    /// From now on it is told there: where it was told before, and whether it has something to read.
    pub(crate) fn listen(&mut self, listener: Listener, tally: &mut Tally) -> (Option<Listener>, bool) {
        let before = self.listener.replace(listener);
        tally.listeners += usize::from(before.is_none());
        (before, !self.unread.is_empty())
    }

    /// A timer of its has fired.
    #[inline]
    pub(crate) fn fired(&mut self, fired: Fired, tally: &mut Tally) -> Told {
        match self.sleep.take_if(|sleep| sleep.timer == fired.id) {
            Some(Sleep { ticket, .. }) => {
                tally.sleepers -= 1;
                Told::Sleeper(ticket)
            }
            None => self.note(fired, tally),
        }
    }

    /// Writes down what is to be read. O(what it has not read).
    fn note(&mut self, Fired { id, due, times, is_over, .. }: Fired, tally: &mut Tally) -> Told {
        let expiry = Expiry { id: id.to_wire(), due_ns: due.0, times };
        if let Some(earlier) = self.unread.iter_mut().find(|unread| unread.expiry.id == expiry.id) {
            earlier.expiry.times = earlier.expiry.times.saturating_add(times);
            return Told::Nobody;
        }
        self.spent += usize::from(is_over);
        tally.spent += usize::from(is_over);
        self.unread.push(Unread { expiry, is_over });
        match self.listener {
            Some(listener) if self.unread.len() == 1 => Told::Listener(listener),
            _ => Told::Nobody,
        }
    }

    /// A page of what it has not read.
    pub(crate) fn read(&mut self, tally: &mut Tally) -> heapless::Vec<Expiry, FIRED_PAGE> {
        let count = self.unread.len().min(FIRED_PAGE);
        let spent = self.unread[..count].iter().filter(|unread| unread.is_over).count();
        self.spent -= spent;
        tally.spent -= spent;
        self.unread.drain(..count).map(|unread| unread.expiry).collect()
    }

    /// Of this timer nothing will be read any more.
    #[inline]
    pub(crate) fn forget(&mut self, timer: TimerId, tally: &mut Tally) {
        if !self.unread.is_empty() {
            self.strike(timer, tally);
        }
    }

    #[cold]
    fn strike(&mut self, timer: TimerId, tally: &mut Tally) {
        if let Some(n) = self.unread.iter().position(|unread| unread.expiry.id == timer.to_wire()) {
            let spent = usize::from(self.unread.remove(n).is_over);
            self.spent -= spent;
            tally.spent -= spent;
        }
    }

    /// The task is dead: what it leaves behind.
    pub(crate) fn bury(mut self, tally: &mut Tally) -> (Option<Ticket>, Option<Handle>) {
        let sleep = self.end_sleep(tally);
        tally.spent -= self.spent;
        tally.listeners -= usize::from(self.listener.is_some());
        (sleep.map(|sleep| sleep.ticket), self.listener.map(|listener| listener.target))
    }
}
