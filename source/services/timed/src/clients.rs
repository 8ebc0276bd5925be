//! What is known of each task besides its timers: how it is told, and what it has not read yet.
//!
//! A task is here while it has timers, sleeps, listens or has something to read, and no longer.

use alloc::vec::Vec;

use nexus_abi::{Handle, TaskId};
use nexus_service::Ticket;
use nexus_wire::timed::{Expiry, FIRED_PAGE};
use timer_coalescer::TimerId;

use crate::table::TaskTable;

/// Tasks that can sleep at once. A sleeper costs a handle, of which timed has less than a thousand.
pub const SLEEPERS_MAX: usize = 512;
/// Tasks that can listen at once; as above.
pub const LISTENERS_MAX: usize = 256;

const _: () = assert!(SLEEPERS_MAX + LISTENERS_MAX < nexus_abi::HANDLES_MAX);

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

#[derive(Debug, Default)]
struct Client {
    sleep: Option<Sleep>,
    listener: Option<Listener>,
    unread: Vec<Unread>,
}

impl Client {
    fn spent(&self) -> usize {
        self.unread.iter().filter(|unread| unread.is_over).count()
    }
}

#[derive(Clone, Copy, Debug)]
struct Unread {
    expiry: Expiry,
    /// Its timer is gone: the entry stands for it in the count.
    is_over: bool,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Clients {
    clients: TaskTable<Client>,
    sleepers: usize,
    listeners: usize,
    /// Entries that stand for timers which are gone.
    spent: usize,
}

impl Clients {
    /// Nobody yet.
    pub(crate) fn new() -> Self {
        Self { clients: TaskTable::new(), sleepers: 0, listeners: 0, spent: 0 }
    }

    /// Whether there is no room for another sleeper or listener.
    pub(crate) const fn is_full(&self) -> bool {
        self.sleepers >= SLEEPERS_MAX || self.listeners >= LISTENERS_MAX
    }

    /// All who are here.
    pub(crate) fn tasks(&self) -> impl Iterator<Item = TaskId> {
        self.clients.tasks()
    }

    pub(crate) const fn has_room_for_sleeper(&self) -> bool {
        self.sleepers < SLEEPERS_MAX
    }

    /// Whether `task` may listen: because there is room, or because it does already.
    pub(crate) fn may_listen(&self, task: TaskId) -> bool {
        let listens = self.clients.get(task).is_some_and(|client| client.listener.is_some());
        listens || self.listeners < LISTENERS_MAX
    }

    /// Entries that stand for timers which are gone.
    pub(crate) const fn spent(&self) -> usize {
        self.spent
    }

    /// Those of one task.
    pub(crate) fn spent_of(&self, task: TaskId) -> usize {
        self.clients.get(task).map_or(0, Client::spent)
    }

    /// Whether such an entry stands for this timer.
    pub(crate) fn is_spent(&self, task: TaskId, timer: TimerId) -> bool {
        let is_it = |unread: &Unread| unread.is_over && unread.expiry.id == timer.to_wire();
        self.clients.get(task).is_some_and(|client| client.unread.iter().any(is_it))
    }

    /// Makes sure that firing will need no memory for a task with this many timers.
    pub(crate) fn expect_up_to(&mut self, task: TaskId, timers: usize) {
        let unread = &mut self.clients.get_or(task, Client::default).unread;
        unread.reserve(timers);
    }

    pub(crate) fn begin_sleep(&mut self, task: TaskId, sleep: Sleep) {
        self.sleepers += 1;
        self.clients.get_or(task, Client::default).sleep = Some(sleep);
    }

    pub(crate) fn end_sleep(&mut self, task: TaskId) -> Option<Sleep> {
        let sleep = self.clients.get_mut(task)?.sleep.take()?;
        self.sleepers -= 1;
        Some(sleep)
    }

    pub(crate) fn is_asleep_by(&self, task: TaskId, timer: TimerId) -> bool {
        let sleep = self.clients.get(task).and_then(|client| client.sleep.as_ref());
        sleep.is_some_and(|sleep| sleep.timer == timer)
    }

    /// From now on `task` is told there: where it was told before, and whether it has something to read.
    pub(crate) fn listen(&mut self, task: TaskId, listener: Listener) -> (Option<Listener>, bool) {
        let client = self.clients.get_or(task, Client::default);
        let before = client.listener.replace(listener);
        self.listeners += usize::from(before.is_none());
        (before, !client.unread.is_empty())
    }

    /// A timer of `task` has fired. O(what it has not read).
    pub(crate) fn fired(&mut self, task: TaskId, expiry: Expiry, is_over: bool) -> Told {
        if self.is_asleep_by(task, TimerId::from_wire(expiry.id))
            && let Some(Sleep { ticket, .. }) = self.end_sleep(task)
        {
            return Told::Sleeper(ticket);
        }
        let client = self.clients.get_or(task, Client::default);
        if let Some(earlier) = client.unread.iter_mut().find(|unread| unread.expiry.id == expiry.id) {
            earlier.expiry.times = earlier.expiry.times.saturating_add(expiry.times);
            return Told::Nobody;
        }
        self.spent += usize::from(is_over);
        client.unread.push(Unread { expiry, is_over });
        match client.listener {
            Some(listener) if client.unread.len() == 1 => Told::Listener(listener),
            _ => Told::Nobody,
        }
    }

    /// A page of what `task` has not read.
    pub(crate) fn read(&mut self, task: TaskId) -> heapless::Vec<Expiry, FIRED_PAGE> {
        let Some(client) = self.clients.get_mut(task) else { return heapless::Vec::new() };
        let before = client.spent();
        let count = client.unread.len().min(FIRED_PAGE);
        let page = client.unread.drain(..count).map(|unread| unread.expiry).collect();
        self.spent -= before - client.spent();
        page
    }

    /// Of this timer nothing will be read any more.
    pub(crate) fn forget(&mut self, task: TaskId, timer: TimerId) {
        let Some(client) = self.clients.get_mut(task) else { return };
        if let Some(n) = client.unread.iter().position(|unread| unread.expiry.id == timer.to_wire()) {
            self.spent -= usize::from(client.unread.remove(n).is_over);
        }
    }

    /// The task is dead: what it leaves behind.
    pub(crate) fn bury(&mut self, task: TaskId) -> (Option<Ticket>, Option<Handle>) {
        let sleep = self.end_sleep(task);
        self.spent -= self.spent_of(task);
        let listener = self.clients.remove(task).and_then(|client| client.listener);
        self.listeners -= usize::from(listener.is_some());
        (sleep.map(|sleep| sleep.ticket), listener.map(|listener| listener.target))
    }

    /// Lets go of a task with this many live timers, if there is nothing to keep.
    pub(crate) fn tidy(&mut self, task: TaskId, live: usize) {
        let is_idle =
            |client: &Client| client.sleep.is_none() && client.listener.is_none() && client.unread.is_empty();
        if live == 0 && self.clients.get(task).is_some_and(is_idle) {
            self.clients.remove(task);
        }
    }
}
