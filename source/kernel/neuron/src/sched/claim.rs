//! Claims to time: in whose name the hart runs, and what each task may have of it.
//!
//! A task's [`sched_policy::Entity`] is its claim. It is in the queue of one hart, or with the task's token. The hart
//! runs in the name of one claim, which mostly is the running task's. A server that was called by the fast path runs
//! on in its caller's name; as soon as the queue has to know who that is, the two exchange their claims. So time is
//! the caller's, whoever spends it.
//!
//! What a task may have changes from any hart: the words in its shared part are set, then [`Flags::WEIGH`]. A task
//! that runs or wakes is looked at on its way; one that waits in a queue is sent to that hart by name.
#![expect(unsafe_code, reason = "claims live in tasks and belong to whoever has the token, or the queue")]

use core::ptr::NonNull;
use core::sync::atomic::{AtomicPtr, Ordering, fence};

use nexus_abi::info::TaskState;
use nexus_abi::{HARTS_MAX, Nanos, QosClass};
use sched_policy::{EVEN_OUT, Entities, LATENCY, Pressure};

use super::Hart;
use crate::cap::Ref;
use crate::ipc::reply;
use crate::sync::mailbox::Parcel;
use crate::task::owned::Claims;
use crate::task::{Flags, OwnedTask, Task, TaskPtr};
use crate::time::{self, Ticks};

/// How long tasks of a hart wait while others sleep: half a round.
const PATIENCE: Nanos = Nanos(LATENCY.0 / 2);

/// A task whose settings have changed, on its way to the hart that may have it in its queue.
#[derive(Debug)]
pub struct Changed(Ref<Task>);

// SAFETY: the reference keeps the task's record in place; whoever sets the mark first sends it, so it is in one
// mailbox at most.
unsafe impl Parcel for Changed {
    type Node = Task;
    fn into_raw(self) -> NonNull<Task> {
        self.0.as_ptr()
    }
    unsafe fn from_raw(node: NonNull<Task>) -> Self {
        // SAFETY: by contract the reference was given up with `into_raw`.
        Self(unsafe { Ref::adopt(node) })
    }
    fn link(node: &Task) -> &AtomicPtr<Task> {
        &node.changed
    }
}

/// What becomes of the running claim when a task begins to wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Claim {
    /// Nobody runs in its name.
    Leaves,
    /// Somebody goes on in it.
    Stays,
}

impl Hart {
    /// What a task may have has been changed in its shared part: its hart hears of it.
    pub fn note_changed(&mut self, task: &Task) {
        task.set_flag(Flags::WEIGH);
        self.send_changed(task);
    }

    fn send_changed(&mut self, task: &Task) {
        let home = task.hart();
        if home == self.index {
            return self.weigh_if_queued(task);
        }
        if let Some(shared) = self.machine.harts.get(home)
            && !task.is_on_its_way.swap(true, Ordering::SeqCst)
        {
            shared.push_changed(Changed(task.share()));
            shared.interrupt();
        }
    }

    /// Tasks that may be in this hart's queue, and whose settings have changed.
    pub(crate) fn weigh_changed(&mut self) {
        for Changed(task) in self.shared.take_changed() {
            // Whoever changes it from now on sends it again.
            task.is_on_its_way.store(false, Ordering::SeqCst);
            if task.flags_after_publishing() & Flags::WEIGH != 0 {
                // Perhaps it went elsewhere meanwhile.
                self.send_changed(&task);
            }
            self.release_task(task);
        }
    }

    /// Elsewhere than in the queue the flag is looked at.
    fn weigh_if_queued(&mut self, task: &Task) {
        if task.queued_on.load(Ordering::Relaxed) == self.mark() {
            task.clear_flag(Flags::WEIGH);
            self.weigh(task);
        } else if self.queue.claim() == Some(TaskPtr::to(task)) {
            // Perhaps somebody runs in its name, by the fast path.
            self.stale = true;
        }
    }

    /// A task that waits here, or runs in its own name, gets what it may have now. O(log n).
    pub(super) fn weigh(&mut self, task: &Task) {
        self.stale = true;
        // SAFETY: the claim is in this hart's queue.
        let mut claims = unsafe { Claims::new() };
        let settings = task.settings();
        if claims.entity(TaskPtr::to(task)).settings() != settings {
            self.queue.adjust(TaskPtr::to(task), settings, time::now(), &mut claims);
        }
    }

    /// The same for a task that is in no queue, and in our hands.
    #[inline(always)]
    pub(super) fn weigh_away(&mut self, task: &OwnedTask) {
        if task.flags() & Flags::WEIGH == 0 {
            return;
        }
        task.clear_flag(Flags::WEIGH);
        // SAFETY: we have the token.
        let mut claims = unsafe { Claims::new() };
        let claim = claims.entity(task.ptr());
        let settings = task.settings();
        if claim.settings() != settings {
            claim.set_away(self.queue.tempo(), settings);
        }
    }

    /// A task that became ready waits in this hart's queue from now on. O(log n).
    pub(super) fn queue_up(&mut self, task: OwnedTask) {
        task.set_hart(self.index);
        // Whoever changes what it may have either sees the hart or is seen.
        fence(Ordering::SeqCst);
        self.weigh_away(&task);
        self.queue_at_home(task);
    }

    /// The same for one that was on this hart before, and gets what it had.
    #[inline(always)]
    pub(super) fn queue_at_home(&mut self, task: OwnedTask) {
        let now = time::now();
        if self.queue.is_uncontested() {
            self.even_at = self.next_look(now);
        }
        // SAFETY: we have the token until the queue has it.
        let mut claims = unsafe { Claims::new() };
        self.queue.add(self.wait(task), now, &mut claims);
        if !self.queue.has_line() {
            self.stale = true;
        } else if self.turn_ends_before_timer() {
            // Those in line do not take the hart from the one that runs; they only tell until when it has it.
            self.arm_for_turn();
        }
    }

    /// When this hart looks at others, if it begins to count now.
    fn next_look(&self, now: Ticks) -> Ticks {
        now.after(self.queue.tempo().at_least(EVEN_OUT))
    }

    /// What others should know of this hart. While tasks compete it is enough to say at the end of a slice.
    #[inline(always)]
    pub(super) fn publish(&self) {
        if self.queue.is_at_rest() {
            self.publish_alone();
        } else {
            self.publish_others();
        }
    }

    /// The same for one plain task that has the hart for itself.
    #[inline(always)]
    pub(super) fn publish_alone(&self) {
        self.shared.publish_load(0);
        self.shared.publish_pressure(Pressure::of_plain(self.class));
    }

    #[inline(never)]
    fn publish_others(&self) {
        self.shared.publish_load(self.queue.len());
        if self.queue.is_uncontested() {
            self.publish_pressure();
        }
    }

    fn publish_pressure(&self) {
        // SAFETY: the claims are in this hart's queue.
        self.shared.publish_pressure(self.queue.pressure(&mut unsafe { Claims::new() }));
    }

    /// Tasks have waited here for a slice: if another hart has had less to do for a while, one of them goes there.
    pub(crate) fn even_out(&mut self) {
        let now = time::now();
        self.publish_pressure();
        if now < self.even_at {
            return;
        }
        self.even_at = self.next_look(now);
        let online = self.machine.online();
        for further in 1..HARTS_MAX {
            let taker = (self.index + further) % HARTS_MAX;
            if online >> taker & 1 == 1 && self.give_evenly(taker, now) {
                return;
            }
        }
    }

    fn give_evenly(&mut self, taker: usize, now: Ticks) -> bool {
        let Some(shared) = self.machine.harts.get(taker) else { return false };
        // SAFETY: tasks in the queue are alive.
        let may = |ptr: TaskPtr| unsafe { ptr.shared() }.schedule().preferred().contains(taker);
        // SAFETY: as above.
        let mut claims = unsafe { Claims::new() };
        let bound = super::place::STEAL_SCAN;
        let given = self.queue.give_evenly(shared.pressure(), bound, now, &mut claims, may);
        let Some(task) = given.map(|task| self.take_out(task, time::now())) else { return false };
        self.stale = true;
        self.move_to(task, taker);
        true
    }

    /// The running task runs in its own name from now on. The one in whose name it ran has its settings looked at
    /// before it runs again: it may have got another's. O(1).
    #[inline(always)]
    pub(crate) fn claim_for(&mut self, task: &OwnedTask) {
        match self.queue.claim() {
            Some(claim) if claim == task.ptr() => (),
            Some(claim) => self.work_for(claim, task),
            None => self.start(task),
        }
    }

    /// The same for a task that has run since time was charged.
    #[inline(always)]
    pub(crate) fn claim_for_running(&mut self, task: &OwnedTask) {
        if self.queue.claim() != Some(task.ptr()) {
            self.charge(task);
            self.claim_for(task);
        }
    }

    /// The task ran in the name of `client`, which it works for by the fast path.
    #[cold]
    #[inline(never)]
    pub(super) fn charge_client(client: TaskPtr, task: &Task, ran: u64, now: Ticks) {
        // SAFETY: it is blocked until the task answers, and so alive.
        let client = &unsafe { client.shared() }.spending;
        client.pay(ran);
        client.settle_fast(&task.spending, now);
        client.call_fast(&task.spending, now);
    }

    /// The same when nobody waits, and the task may have what it had before.
    #[inline(always)]
    pub(super) fn claim_alone(&mut self, task: &OwnedTask) {
        // SAFETY: we have the token.
        self.queue.hand_on(task.ptr(), self.charged_at(), &mut unsafe { Claims::new() });
    }

    /// The task works for the one in whose name the hart runs.
    #[inline(never)]
    fn work_for(&mut self, claim: TaskPtr, task: &OwnedTask) {
        // SAFETY: it is blocked until the task answers, and so alive.
        let client = unsafe { claim.shared() };
        let call = reply::this_call(client);
        if client.loan.server(call.0) != task.id() {
            self.lend(client, call, task);
        }
        self.hand_claim(claim, task);
    }

    /// What the hart runs for goes on in the name of `task`.
    fn hand_claim(&mut self, from: TaskPtr, task: &OwnedTask) {
        self.weigh_away(task);
        // SAFETY: we have the token; the running claim is this hart's.
        let mut claims = unsafe { Claims::new() };
        if self.queue.hand_on(task.ptr(), time::now(), &mut claims) {
            // SAFETY: as in `work_for`; or it is about to wait, and we have its token.
            let left = unsafe { from.shared() };
            if claims.entity(from).settings() != left.settings() {
                left.set_flag(Flags::WEIGH);
            }
        }
    }

    /// The same for a caller that has its answer: what the server had meanwhile, but at the caller's own settings.
    fn hand_claim_back(&mut self, from: TaskPtr, caller: &OwnedTask) {
        self.hand_claim(from, caller);
        // SAFETY: we have the token; the running claim is this hart's.
        if unsafe { Claims::new() }.entity(caller.ptr()).settings() != caller.settings() {
            caller.set_flag(Flags::WEIGH);
        }
    }

    #[inline(never)]
    fn start(&mut self, task: &OwnedTask) {
        task.set_hart(self.index);
        fence(Ordering::SeqCst);
        self.weigh_away(task);
        // SAFETY: we have the token.
        self.queue.start(task.ptr(), time::now(), &mut unsafe { Claims::new() });
        self.stale = true;
    }

    /// The one in whose name the hart runs waits for `server`, which keeps it waiting: circles are found by that.
    #[inline(always)]
    pub(crate) fn tie_claim(&self, server: &Task) {
        if let Some(claim) = self.queue.claim() {
            // SAFETY: it is blocked until the server answers, and so alive.
            let client = unsafe { claim.shared() };
            client.loan.set_server(server.id(), reply::this_call(client).0);
        }
    }

    /// A server that has answered runs on in its own name, and its caller has what it ran in.
    pub(crate) fn return_claim(&mut self, server: &OwnedTask, caller: &OwnedTask) {
        if self.queue.claim() == Some(server.ptr()) && !self.queue.is_uncontested() {
            self.hand_claim_back(server.ptr(), caller);
            self.take_back_claim();
        }
    }

    /// A caller that has its answer, and takes the hart when the server waits, runs in the name the server had.
    pub(crate) fn offer_claim(&mut self, server: &OwnedTask, caller: &OwnedTask) -> Claim {
        if !self.may_take_hart(caller) {
            return Claim::Leaves;
        }
        // What little the server does until it waits is the caller's.
        caller.spending.call_fast(&server.spending, self.charged_at());
        match self.queue.claim() {
            _ if self.queue.is_uncontested() && caller.flags() & Flags::WEIGH == 0 => {
                self.claim_alone(caller)
            }
            Some(claim) if claim == caller.ptr() => (),
            Some(claim) => self.hand_claim_back(claim, caller),
            None => self.start(caller),
        }
        Claim::Stays
    }

    /// Nobody runs in the name of the running claim any more. O(log n).
    #[inline(always)]
    pub(crate) fn drop_claim(&mut self) {
        if self.queue.leave_alone() {
            return;
        }
        // SAFETY: the running claim is this hart's.
        let mut claims = unsafe { Claims::new() };
        self.queue.leave(time::now(), &mut claims);
        self.decide_at = Ticks::NEVER;
    }

    /// The task is about to be no more: nobody runs in its name.
    pub(crate) fn retire(&mut self, task: &OwnedTask) {
        if self.queue.claim() == Some(task.ptr()) {
            self.drop_claim();
        }
    }

    /// The task becomes ready while somebody runs in its name: no longer.
    #[cold]
    #[inline(never)]
    pub(super) fn take_back_claim(&mut self) {
        self.drop_claim();
        self.stale = true;
    }

    /// The running task, or the one it must make room for. O(log n).
    pub(super) fn reconsider(&mut self, task: OwnedTask) -> Option<OwnedTask> {
        // SAFETY: the claims are in this hart's queue.
        let mut claims = unsafe { Claims::new() };
        let next = self.queue.reconsider(time::now(), &mut claims);
        self.change_to(task, next)
    }

    /// The running task gives way: who runs now. O(log n).
    pub(super) fn let_others_first(&mut self, task: OwnedTask) -> Option<OwnedTask> {
        // SAFETY: as above.
        let mut claims = unsafe { Claims::new() };
        let next = self.queue.yield_to(time::now(), &mut claims);
        self.change_to(task, next)
    }

    /// The next task of the queue. O(log n).
    pub(super) fn pick(&mut self) -> Option<OwnedTask> {
        // SAFETY: as above.
        let mut claims = unsafe { Claims::new() };
        let next = self.queue.pick(time::now(), &mut claims)?;
        Some(self.take_out(next, time::now()))
    }

    /// A task that waits in this hart's queue, taken out.
    #[cfg(test)]
    pub(super) fn take_waiting(&mut self, task: &Task) -> Option<OwnedTask> {
        let ptr = TaskPtr::to(task);
        if task.queued_on.load(Ordering::Relaxed) != self.mark() {
            return None;
        }
        // SAFETY: tasks in the queue are alive.
        self.queue.remove(ptr, time::now(), &mut unsafe { Claims::new() });
        Some(self.take_out(ptr, time::now()))
    }

    /// A task for hart `taker`, if there is one it may run.
    pub(super) fn take_surplus(&mut self, taker: usize) -> Option<OwnedTask> {
        // SAFETY: tasks in the queue are alive.
        let may = |ptr: TaskPtr| unsafe { ptr.shared() }.affinity().contains(taker);
        // SAFETY: as above.
        let mut claims = unsafe { Claims::new() };
        let bound = super::place::STEAL_SCAN;
        // Those in line are weighed from now on, whether one of them goes or not.
        self.stale |= self.queue.has_line();
        let taken = self.queue.take_surplus(bound, time::now(), &mut claims, may)?;
        self.stale = true;
        Some(self.take_out(taken, time::now()))
    }

    /// The class in which the hart runs. O(1).
    #[inline(always)]
    pub(super) fn class_of_claim(&self) -> QosClass {
        // SAFETY: the running claim is this hart's.
        let class = |claim| unsafe { Claims::new() }.entity(claim).class();
        self.queue.claim().map_or(QosClass::Idle, class)
    }

    /// When this hart must decide anew for the sake of its tasks.
    #[inline(always)]
    pub(super) fn next_decision(&mut self) -> Ticks {
        let now = time::now();
        // SAFETY: as above.
        let next = self.queue.next_decision(now, &mut unsafe { Claims::new() });
        let is_crowd = self.queue.has_line() || self.queue.is_contest() && !self.queue.is_empty();
        if !is_crowd || self.idle.load(Ordering::Relaxed) == 0 {
            self.offer_at = Ticks::NEVER;
            return next;
        }
        if self.offer_at == Ticks::NEVER {
            self.offer_at = now.after(self.queue.tempo().at_least(PATIENCE));
        }
        next.min(self.offer_at)
    }

    #[inline(always)]
    fn change_to(&mut self, task: OwnedTask, next: Option<TaskPtr>) -> Option<OwnedTask> {
        if next == Some(task.ptr()) {
            return Some(task);
        }
        self.disarm(&task);
        self.wait(task);
        next.map(|next| self.take_out(next, time::now()))
    }

    /// The task's token is in the queue from now on.
    #[inline(always)]
    pub(super) fn wait(&self, task: OwnedTask) -> TaskPtr {
        self.mark_ready(&task);
        task.history.is_ready(time::now());
        task.into_ptr()
    }

    /// It waits in this hart's queue, for all to see.
    #[inline(always)]
    pub(super) fn mark_ready(&self, task: &Task) {
        task.state.store(TaskState::Ready as u8, Ordering::Relaxed);
        task.queued_on.store(self.mark(), Ordering::Relaxed);
    }

    /// The queue has given the task up.
    #[inline(always)]
    pub(super) fn take_out(&self, task: TaskPtr, now: Ticks) -> OwnedTask {
        // SAFETY: the queue held the token and has forgotten it.
        let task = unsafe { task.take() };
        task.queued_on.store(0, Ordering::Relaxed);
        task.history.has_turn(now);
        task
    }

    /// What tells its queue from others and from none.
    #[inline(always)]
    const fn mark(&self) -> u8 {
        const { assert!(HARTS_MAX <= u8::BITS as usize) };
        self.bit as u8
    }
}
