//! What a caller lends to whoever works for it, and what it does when that one works for somebody else.
//!
//! A server runs with what its client may have, from the message to the answer, and so does the server's server. A
//! caller that has to wait in an endpoint's queue raises whoever serves there to its class, and everybody that one
//! waits for: at most [`DEPTH`] of them. If it would wait for itself, it is told so instead.
//!
//! ```text
//!  client ─► endpoint ─► its server ─ has called ─► endpoint ─► its server ─ awaits the answer of ─► …
//! ```
//!
//! The way is found link by link, without holding one while taking the next; what changes meanwhile is as if it
//! had changed a moment later. An endpoint's server is who received there last; where several receive, nobody is
//! raised.

use nexus_abi::{Error, QosClass, TaskId};

use super::port::Port;
use super::reply::{self, Awaited, CallNumber};
use crate::cap::Ref;
use crate::sched::Hart;
use crate::task::{Flags, Lent, OwnedTask, Task};

/// Links followed from one caller.
pub const DEPTH: usize = 16;

impl Hart {
    /// A server has a client's message: it may have what the client may, until it answers. O(1).
    #[inline(always)]
    pub fn lend(&mut self, client: &Task, call: CallNumber, server: &OwnedTask) {
        if (client.flags() | server.flags()) & Flags::LENT == 0 {
            return self.lend_first(client, call, server);
        }
        tie(client, call, server);
        self.lend_settings(client, server);
    }

    /// The same for two tasks to which nothing was lent.
    #[inline(always)]
    pub fn lend_first(&mut self, client: &Task, call: CallNumber, server: &OwnedTask) {
        tie(client, call, server);
        if !have_the_same(client, server) {
            self.lend_settings(client, server);
        }
    }

    #[cold]
    #[inline(never)]
    fn lend_settings(&mut self, client: &Task, server: &OwnedTask) {
        let theirs = client.settings();
        let before = server.loan.lent();
        let class = before.map_or(theirs.class, |lent| lent.class.max(theirs.class));
        let lent = Lent { class, shares: theirs.shares };
        let is_own = before.is_none() && class == server.class() && lent.shares == server.schedule().shares();
        if !is_own && server.loan.set_lent(Some(lent)) {
            server.set_flag(Flags::LENT | Flags::WEIGH);
        }
    }

    /// A server has answered: it may have what is its own, or what those lend it who wait for it. O(1).
    #[inline(always)]
    pub fn end_loan(&mut self, server: &OwnedTask) {
        if server.flags() & Flags::LENT != 0 {
            end_loan(server);
        }
    }

    /// A server is about to look who waits for it: it may have what is its own. O(1).
    #[inline(always)]
    pub fn end_all_loans(&mut self, server: &OwnedTask) {
        if server.loan.client() != TaskId::NONE {
            self.settle_unanswered(server);
        }
        if server.flags() & Flags::LENT != 0 {
            server.loan.clear();
            server.clear_flag(Flags::LENT);
            server.set_flag(Flags::WEIGH);
        }
    }

    /// A server has answered `client`: up to here that one pays, if it was for it that the server worked. True then.
    #[inline(always)]
    pub fn settle_with(&mut self, server: &OwnedTask, client: &Task) -> bool {
        if server.loan.client() != client.id() {
            self.charge(server);
            return false;
        }
        self.charge_own(server);
        server.spending.end_loan(&client.spending);
        server.loan.set_client(TaskId::NONE);
        true
    }

    /// A server waits for the next message and keeps the last client waiting: what it did was for that one. If it waits
    /// no longer, nobody else pays.
    #[cold]
    #[inline(never)]
    fn settle_unanswered(&mut self, server: &OwnedTask) {
        self.charge(server);
        let client = self.task(server.loan.client());
        server.loan.set_client(TaskId::NONE);
        let Some(client) = client else { return };
        if reply::waits_for(self.machine, &client) == Awaited::Answer(server.id()) {
            server.spending.end_loan(&client.spending);
        }
        self.release_task(client);
    }

    /// A client has given up its call, or was made to: whoever works on it has nothing of it any more. O(1).
    pub fn withdraw_loan(&mut self, client: &Task) {
        let Some(server) = self.task(reply::last_server(client)) else { return };
        if server.loan.client() == client.id() && server.loan.end() {
            self.note_changed(&server);
        }
        self.release_task(server);
    }

    /// A caller waits in the queue of an endpoint: whoever it waits for is raised to its class. O([`DEPTH`]).
    pub fn urge(&mut self, caller: &Task, port: &Port) -> Result<(), Error> {
        let first = port.lock(self.machine).server();
        if self.waits_for(first, caller.id()) {
            return Err(Error::Deadlock);
        }
        let class = caller.settings().class;
        let mut at = Awaited::Turn(first);
        for _ in 0..DEPTH {
            let Some(task) = self.task(at.task()) else { break };
            self.raise(&task, class, at);
            at = reply::waits_for(self.machine, &task);
            self.release_task(task);
        }
        Ok(())
    }

    /// True when `first` waits, link by link, for `last`, or is it.
    fn waits_for(&mut self, first: TaskId, last: TaskId) -> bool {
        let mut at = first;
        for _ in 0..DEPTH {
            if at == last {
                return true;
            }
            let Some(task) = self.task(at) else { return false };
            at = reply::waits_for(self.machine, &task).task();
            self.release_task(task);
        }
        false
    }

    fn raise(&mut self, task: &Task, class: QosClass, why: Awaited) {
        let own = task.settings();
        let lent = Lent { class, shares: own.shares };
        let raised = class > own.class
            && match why {
                Awaited::Turn(_) => task.loan.raise(lent),
                Awaited::Answer(_) => task.loan.set_lent(Some(lent)),
            };
        if raised {
            task.set_flag(Flags::LENT);
            self.note_changed(task);
        }
    }

    fn task(&self, id: TaskId) -> Option<Ref<Task>> {
        if id == TaskId::NONE { None } else { self.machine.tasks.lock().get(id) }
    }
}

/// Each says who the other is, and the server's time is the client's from now on.
#[inline(always)]
fn tie(client: &Task, call: CallNumber, server: &Task) {
    client.loan.set_server(server.id(), call.0);
    server.loan.set_client(client.id());
    server.spending.begin_loan();
}

#[cold]
fn end_loan(server: &OwnedTask) {
    server.loan.set_client(TaskId::NONE);
    server.loan.end();
    if server.loan.lent().is_none() {
        server.clear_flag(Flags::LENT);
    }
    server.set_flag(Flags::WEIGH);
}

/// True when neither has anything of a hart that is its own and that the other has not.
#[inline(always)]
fn have_the_same(client: &Task, server: &Task) -> bool {
    client.class_index() == server.class_index() && client.schedule().has_same_shares(server.schedule())
}
