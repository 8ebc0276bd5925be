//! What a caller lends to whoever works for it, and what it does when that one works for somebody else.
//!
//! A server runs with what its client may have, from the message to the answer, and so does the server's server. Who
//! has to wait meanwhile urges it: the first caller in an endpoint's queue, and a client whose answer it puts off. It
//! runs in the highest of their classes, and so does everybody that it waits for: at most [`DEPTH`] of them. Whoever
//! answers, gives up, dies or has another class from now on has this undone, or changed, along the same way. A caller
//! that would wait for itself is told so instead.
//!
//! ```text
//!  client ─► endpoint ─► its server ─ has called ─► endpoint ─► its server ─ awaits the answer of ─► …
//! ```
//!
//! The way is found link by link, without holding one while taking the next; what changes meanwhile is as if it
//! had changed a moment later. An endpoint's server is the one task that receives there; where several do, nobody is
//! urged.

use core::sync::atomic::{Ordering, fence};

use nexus_abi::{QosClass, TaskId};

use super::port::Urge;
use super::reply::{self, Awaited, CallNumber, Left};
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
        let lent = lent_by(client, server);
        if server.loan.set_lent(lent) {
            server.set_flag(if lent.is_some() { Flags::LENT | Flags::WEIGH } else { Flags::WEIGH });
        }
    }

    /// A server has answered: it may have what is its own, or what those lend it who wait for it. O(1).
    #[inline(always)]
    pub fn end_loan(&mut self, server: &OwnedTask) {
        if server.flags() & Flags::LENT != 0 {
            end_loan(server);
        }
    }

    /// A server is about to look who waits for it: what its last client lent it ends, if it has not before. O(1).
    #[inline(always)]
    pub fn end_all_loans(&mut self, server: &OwnedTask) {
        if server.loan.client() != TaskId::NONE {
            self.keep_waiting(server);
        }
        self.end_loan(server);
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

    /// A server waits for the next message and keeps the last client waiting: what it did was for that one, which
    /// urges it from now on. If it waits no longer, nobody else pays.
    #[cold]
    #[inline(never)]
    fn keep_waiting(&mut self, server: &OwnedTask) {
        self.charge(server);
        let client = self.task(server.loan.client());
        server.loan.set_client(TaskId::NONE);
        let Some(client) = client else { return };
        if waits_for_answer_of(self, &client, server) {
            server.spending.end_loan(&client.spending);
            self.keep(&client, server);
        }
        self.release_task(client);
    }

    #[inline(always)]
    fn keep(&self, client: &Task, server: &OwnedTask) {
        let class = client.settings().class;
        client.loan.keep(reply::this_call(client).0, class);
        client.set_flag(Flags::KEPT);
        let mut changed = urge(server, QosClass::Idle, class);
        // Its class may have changed before it could be seen that it is kept.
        fence(Ordering::SeqCst);
        let class = client.settings().class;
        if let Some(before) = client.loan.keep_as(reply::this_call(client).0, class) {
            changed |= urge(server, before, class);
        }
        if changed {
            server.set_flag(Flags::WEIGH);
        }
        // If it has given up meanwhile, that was perhaps before there was anything to take back.
        if !waits_for_answer_of(self, client, server)
            && let Some(class) = unkeep(client)
        {
            urge(server, class, QosClass::Idle);
        }
    }

    /// Takes a task out of whatever it waits for: as [`reply::interrupt_wait`], and whoever worked for it, or would
    /// have, has nothing of it any more. O([`DEPTH`]).
    pub fn interrupt_wait(&mut self, task: &Task) -> Option<OwnedTask> {
        let (task, left) = reply::interrupt_wait(self.machine, task)?;
        self.end_loans_of(&task, left);
        Some(task)
    }

    /// The same for [`reply::take_if_unwanted`].
    #[inline(always)]
    pub fn take_if_unwanted(&mut self, task: &Task) -> Option<OwnedTask> {
        let taken = reply::take_if_unwanted(self.machine, task)?;
        self.unwanted_without_loans(taken)
    }

    #[cold]
    #[inline(never)]
    fn unwanted_without_loans(&mut self, (task, left): (OwnedTask, Left)) -> Option<OwnedTask> {
        self.end_loans_of(&task, left);
        Some(task)
    }

    #[inline(always)]
    fn end_loans_of(&mut self, task: &Task, left: Left) {
        match left {
            Left::Queue(urge) => self.pass_on(urge),
            Left::Answer => self.withdraw_loan(task),
        }
    }

    /// A client waits for its answer no longer: whoever works on it has nothing of it any more. O([`DEPTH`]).
    #[inline(always)]
    pub fn withdraw_loan(&mut self, client: &Task) {
        let server = reply::last_server(client);
        if server != TaskId::NONE {
            self.withdraw_from_server(client, server);
        }
    }

    #[inline(never)]
    fn withdraw_from_server(&mut self, client: &Task, server: TaskId) {
        // Whoever keeps it looks afterwards whether it still waits.
        fence(Ordering::SeqCst);
        let kept = unkeep(client);
        let Some(server) = self.task(server) else { return };
        let has_less = match kept {
            Some(class) => urge(&server, class, QosClass::Idle),
            None => server.loan.client() == client.id() && end_lent(&server),
        };
        if has_less {
            self.spread(&server);
        }
        self.release_task(server);
    }

    /// A server has answered a client that is not its last, and that perhaps another worked for. O(1), then.
    #[inline(never)]
    pub fn answered_another(&mut self, server: &OwnedTask, client: &Task) {
        if reply::last_server(client) != server.id() {
            return self.withdraw_loan(client);
        }
        if let Some(class) = unkeep(client)
            && urge(server, class, QosClass::Idle)
        {
            server.set_flag(Flags::WEIGH);
        }
    }

    /// The queue of an endpoint lends something else than before: its server hears of it, and whoever that one waits
    /// for. O([`DEPTH`]).
    #[inline(always)]
    pub fn pass_on(&mut self, urge: Option<Urge>) {
        if let Some(urge) = urge {
            self.pass_on_urge(urge);
        }
    }

    /// The same for a server that looks itself who waits for it. O(1).
    #[inline(always)]
    pub fn note_own_urge(&mut self, server: &OwnedTask, changed: Option<Urge>) {
        match changed {
            Some(Urge { server: urged, from, to }) if urged == server.id() => {
                if urge(server, from, to) {
                    server.set_flag(Flags::WEIGH);
                }
            }
            // It has served there for the first time.
            other => self.pass_on(other),
        }
    }

    #[cold]
    #[inline(never)]
    fn pass_on_urge(&mut self, urge: Urge) {
        if let Some(server) = self.urged(urge) {
            self.spread(&server);
            self.release_task(server);
        }
    }

    /// What is a task's own has changed: so has what it may have, unless it works for somebody. O([`DEPTH`]).
    pub fn spread_own(&mut self, task: &Task) {
        if let Some(client) = self.task(task.loan.client()) {
            if waits_for_answer_of(self, &client, task) {
                lend_anew(&client, task);
            }
            self.release_task(client);
        }
        note_lent(task);
        self.spread(task);
    }

    /// What a task may have has changed: it is weighed anew, and so, link by link, is whoever it waits for, as far as
    /// that has something else for it. O([`DEPTH`]).
    fn spread(&mut self, task: &Task) {
        self.note_changed(task);
        let mut next = self.lend_on(task);
        for _ in 1..DEPTH {
            let Some(task) = next else { return };
            self.note_changed(&task);
            next = self.lend_on(&task);
            self.release_task(task);
        }
        if let Some(task) = next {
            self.release_task(task);
        }
    }

    /// Whoever a task waits for has of it what it may have now: that one, if this is something else.
    fn lend_on(&mut self, task: &Task) -> Option<Ref<Task>> {
        if let Some(urge) = reply::reorder(self.machine, task) {
            return self.urged(urge);
        }
        let Awaited::Answer(server) = reply::waits_for(self.machine, task) else { return None };
        let server = self.task(server)?;
        let call = reply::this_call(task).0;
        let changed = if task.flags() & Flags::KEPT != 0 {
            let class = task.settings().class;
            let before = task.loan.keep_as(call, class);
            before.is_some_and(|before| urge(&server, before, class))
        } else {
            server.loan.client() == task.id() && lend_anew(task, &server)
        };
        self.if_changed(server, changed)
    }

    /// A server has another urge: that server, if it makes a difference.
    fn urged(&mut self, Urge { server, from, to }: Urge) -> Option<Ref<Task>> {
        let server = self.task(server)?;
        let changed = urge(&server, from, to);
        self.if_changed(server, changed)
    }

    fn if_changed(&mut self, server: Ref<Task>, changed: bool) -> Option<Ref<Task>> {
        if changed {
            return Some(server);
        }
        self.release_task(server);
        None
    }

    /// True when `first` waits, link by link, for `last`, or is it.
    pub fn waits_for(&mut self, first: TaskId, last: TaskId) -> bool {
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
    end_lent(server);
    server.set_flag(Flags::WEIGH);
}

/// What a client's server had of it ends: true when that makes a difference.
fn end_lent(server: &Task) -> bool {
    let changed = server.loan.set_lent(None);
    note_lent(server);
    changed
}

/// A client is kept waiting no longer: as what it urged, if it was.
fn unkeep(client: &Task) -> Option<QosClass> {
    if client.flags() & Flags::KEPT == 0 {
        return None;
    }
    client.clear_flag(Flags::KEPT);
    client.loan.unkeep()
}

/// One who urged `server` as `from` does so as `to` now: true when that makes a difference.
fn urge(server: &Task, from: QosClass, to: QosClass) -> bool {
    let (before, now) = server.loan.urge(from, to);
    note_lent(server);
    let unurged = server.loan.lent().map_or(server.class(), |lent| lent.class);
    before.max(unurged) != now.max(unurged)
}

/// What a client lends its server changes with what it may have: true when that is something else.
fn lend_anew(client: &Task, server: &Task) -> bool {
    let mut changed = false;
    loop {
        let lent = lent_by(client, server);
        changed |= server.loan.set_lent(lent);
        note_lent(server);
        // Each time round another hart has changed it, and perhaps has lent before this one did.
        if lent_by(client, server) == lent {
            return changed;
        }
    }
}

/// What a client lends; nothing, when that is what the server has.
fn lent_by(client: &Task, server: &Task) -> Option<Lent> {
    let theirs = client.settings();
    let is_own = theirs.class == server.class() && theirs.shares == server.schedule().shares();
    (!is_own).then_some(Lent { class: theirs.class, shares: theirs.shares })
}

/// Marks whether a task may have what is not its own. Whoever lends, or changes what is its own, looks afterwards, so the
/// mark is not lost.
fn note_lent(task: &Task) {
    fence(Ordering::SeqCst);
    if task.has_more_than_its_own() == (task.flags() & Flags::LENT != 0) {
        return;
    }
    task.clear_flag(Flags::LENT);
    fence(Ordering::SeqCst);
    if task.has_more_than_its_own() {
        task.set_flag(Flags::LENT);
    }
}

fn waits_for_answer_of(hart: &Hart, client: &Task, server: &Task) -> bool {
    reply::waits_for(hart.machine, client) == Awaited::Answer(server.id())
}

/// True when neither has anything of a hart that is its own and that the other has not.
#[inline(always)]
fn have_the_same(client: &Task, server: &Task) -> bool {
    client.class_index() == server.class_index() && client.schedule().has_same_shares(server.schedule())
}
