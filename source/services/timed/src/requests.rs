//! What clients ask, and what they hear.

use alloc::boxed::Box;
use alloc::vec::Vec;

use nexus_abi::{COARSE_CLOCK, Handle, Nanos, TaskId};
use nexus_service::{Call, Caller, Effects, Service, Ticket};
use nexus_wire::timed::{
    self as wire, Answer, Govern, Listed, PAGE, Refusal, Remaining, Request, Timed as Protocol,
};
use timer_coalescer::compose::HINT_MAX;
use timer_coalescer::timers::Seat;
use timer_coalescer::{Ask, Pending, Period, Rearmed, TIMERS_MAX, TIMERS_PER_OWNER_MAX, Tier, TimerId};

use crate::clients::{Listener, Sleep};
use crate::wall::WallClock;
use crate::{Audit, Privilege, Reason, SEARCH_PAUSE, Surroundings, Timed};

impl<S: Surroundings> Service for Timed<S> {
    type Protocol = Protocol;

    /// A task is looked up once: what a request does, it does at its caller's seat.
    fn call(&mut self, call: Call<'_, Request>, now: Nanos, effects: &mut Effects<Answer>) {
        let Call { caller, request, ticket, attached } = call;
        // There is always one more seat than tasks that have something to keep.
        let Some(mut seat) = self.timers.open(caller.task) else {
            return effects.answer(ticket, Answer::Refused(Refusal::Full));
        };
        if self.timers.kept(seat).sleeps() {
            self.end_sleep(seat, effects);
        }
        if self.is_full() {
            self.bury_the_silent(now, effects);
            // Should the kernel call the caller dead, it has another one now.
            seat = self.timers.open(caller.task).unwrap_or(seat);
        }
        // Each answer is made where it goes: what comes as a result is moved about at the size of the largest.
        match request {
            Request::Sleep { until_ns, late_by_ns } => {
                let ask = Ask::at(Nanos(until_ns)).late_by(Nanos(late_by_ns));
                match self.sleep(caller, seat, ask, now) {
                    Ok(timer) => {
                        let client = self.timers.kept_mut(seat);
                        return client.begin_sleep(Sleep { timer, ticket }, &mut self.tally);
                    }
                    Err(refusal) => give(ticket, Err(refusal), effects),
                }
            }
            Request::Set(timer) => match self.set(caller, seat, timer, now) {
                Ok(id) => effects.answer(ticket, Answer::Set { id: id.to_wire(), era: self.era.0 }),
                Err(refusal) => give(ticket, Err(refusal), effects),
            },
            Request::Cancel { id } => match self.cancel(seat, TimerId::from_wire(id)) {
                Ok(was_live) => effects.answer(ticket, Answer::Cancelled { was_live, era: self.era.0 }),
                Err(refusal) => give(ticket, Err(refusal), effects),
            },
            Request::Now => {
                let moment = coarse(now);
                let wall_ns = self.wall.at(moment);
                effects.answer(ticket, Answer::Now { monotonic_ns: moment.0, wall_ns });
            }
            Request::Listen { bits } => give(ticket, self.listen(seat, bits, attached, effects), effects),
            Request::Rearm { id, timer } => {
                give(ticket, self.rearm(caller, seat, TimerId::from_wire(id), timer, now), effects);
            }
            Request::Remaining { id } => {
                give(ticket, self.remaining(seat, TimerId::from_wire(id), now), effects);
            }
            Request::Fired => give(ticket, Ok(self.fired(seat)), effects),
            Request::Govern(request) => give(ticket, self.govern(caller, request, now, effects), effects),
        }
        self.timers.settle(seat);
    }

    /// Nobody has anything to tell it without words.
    fn bits(&mut self, _bits: u64, _now: Nanos, _effects: &mut Effects<Answer>) {}

    fn tick(&mut self, now: Nanos, effects: &mut Effects<Answer>) -> Nanos {
        self.fire(now, effects);
        self.timers.next_wakeup()
    }
}

/// Gives an answer of the rarer kinds.
#[inline(never)]
fn give(ticket: Ticket, result: Result<Answer, Refusal>, effects: &mut Effects<Answer>) {
    effects.answer(ticket, result.unwrap_or_else(Answer::Refused));
}

impl<S: Surroundings> Timed<S> {
    #[inline(never)]
    fn govern(
        &mut self,
        caller: Caller,
        request: Govern,
        now: Nanos,
        effects: &mut Effects<Answer>,
    ) -> Result<Answer, Refusal> {
        self.demand(caller, privilege(request))?;
        match request {
            Govern::SetWall { wall_ns } => self.wall = WallClock::new(Some(wall_ns), now),
            Govern::Hint { hint_ns } if hint_ns > HINT_MAX.0 => return Err(Refusal::Invalid),
            Govern::Hint { hint_ns } => self.timers.set_hint(Nanos(hint_ns)),
            Govern::Floor { task, floor_ns } => {
                self.timers.set_floor(TaskId::from_wire(task), Nanos(floor_ns)).map_err(refusal)?;
            }
            Govern::Ended { task } => self.bury(TaskId::from_wire(task), effects),
            Govern::List { from } => return Ok(self.list(from)),
        }
        Ok(Answer::Done)
    }

    /// A task that asks for something does not sleep.
    #[cold]
    fn end_sleep(&mut self, seat: Seat, effects: &mut Effects<Answer>) {
        if let Some(Sleep { timer, ticket }) = self.timers.kept_mut(seat).end_sleep(&mut self.tally) {
            effects.abandon(ticket);
            // It is live: what has fired sleeps no more.
            let _was_live = self.timers.cancel_at(seat, timer);
        }
    }

    #[inline]
    fn sleep(&mut self, caller: Caller, seat: Seat, ask: Ask, now: Nanos) -> Result<TimerId, Refusal> {
        let room =
            if self.tally.has_room_for_sleeper() { self.check_room(seat, None) } else { Err(Refusal::Full) };
        let result =
            room.and_then(|()| self.timers.register_at(seat, caller.class, ask, now).map_err(refusal));
        if let Err(refusal) = result {
            self.tell(caller, Some(refusal), now);
        }
        result
    }

    #[inline(never)]
    fn listen(
        &mut self,
        seat: Seat,
        bits: u64,
        attached: &mut Option<Handle>,
        effects: &mut Effects<Answer>,
    ) -> Result<Answer, Refusal> {
        if bits == 0 {
            return Err(Refusal::Invalid);
        }
        let client = self.timers.kept_mut(seat);
        if !client.may_listen(&self.tally) {
            return Err(Refusal::Full);
        }
        let target = attached.take().ok_or(Refusal::Invalid)?;
        let (before, has_unread) = client.listen(Listener { target, bits }, &mut self.tally);
        if let Some(before) = before {
            effects.close(before.target);
        }
        if has_unread {
            effects.notify(target, bits);
        }
        Ok(Answer::Listening { era: self.era.0 })
    }

    #[inline]
    fn set(
        &mut self,
        caller: Caller,
        seat: Seat,
        timer: wire::Timer,
        now: Nanos,
    ) -> Result<TimerId, Refusal> {
        let result = self.ask(caller, timer).and_then(|ask| {
            self.check_room(seat, None)?;
            self.timers.register_at(seat, caller.class, ask, now).map_err(refusal)
        });
        self.tell(caller, result.err(), now);
        if result.is_ok() {
            self.expect_expiries(seat);
        }
        result
    }

    #[inline(never)]
    fn rearm(
        &mut self,
        caller: Caller,
        seat: Seat,
        id: TimerId,
        timer: wire::Timer,
        now: Nanos,
    ) -> Result<Answer, Refusal> {
        let result = self.set_anew(caller, seat, id, timer, now);
        self.tell(caller, result.err(), now);
        let Rearmed { id, was_live } = result?;
        Ok(Answer::Rearmed { id: id.to_wire(), was_live, era: self.era.0 })
    }

    fn set_anew(
        &mut self,
        caller: Caller,
        seat: Seat,
        id: TimerId,
        timer: wire::Timer,
        now: Nanos,
    ) -> Result<Rearmed, Refusal> {
        let ask = self.ask(caller, timer)?;
        if self.timers.get_at(seat, id).map_err(refusal)?.is_none() {
            self.check_room(seat, Some(id))?;
        }
        let rearmed = self.timers.rearm_at(seat, caller.class, id, ask, now).map_err(refusal)?;
        self.timers.kept_mut(seat).forget(id, &mut self.tally);
        self.expect_expiries(seat);
        Ok(rearmed)
    }

    #[inline]
    fn expect_expiries(&mut self, seat: Seat) {
        let timers = self.timers.len_at(seat);
        self.timers.kept_mut(seat).expect_up_to(timers);
    }

    #[inline]
    fn cancel(&mut self, seat: Seat, id: TimerId) -> Result<bool, Refusal> {
        let was_live = self.timers.cancel_at(seat, id).map_err(refusal)?;
        self.timers.kept_mut(seat).forget(id, &mut self.tally);
        Ok(was_live)
    }

    #[inline(never)]
    fn fired(&mut self, seat: Seat) -> Answer {
        let expiries = self.timers.kept_mut(seat).read(&mut self.tally);
        Answer::Fired { era: self.era.0, expiries: Box::new(expiries) }
    }

    /// As its owner can see it, which has a coarse clock.
    #[inline(never)]
    fn remaining(&self, seat: Seat, id: TimerId, now: Nanos) -> Result<Answer, Refusal> {
        let pending = self.timers.get_at(seat, id).map_err(refusal)?;
        let remaining = pending.map(|Pending { window, .. }| Remaining {
            least_ns: window.earliest().since(coarse(now)).0,
            most_ns: window.latest().since(coarse(now)).0,
        });
        Ok(Answer::Remaining(remaining))
    }

    /// Forgets a dead task: timers, floor, sleep, listener, what it has not read.
    fn bury(&mut self, task: TaskId, effects: &mut Effects<Answer>) {
        let Some(client) = self.timers.purge(task, |_| ()) else { return };
        let (ticket, listener) = client.bury(&mut self.tally);
        if let Some(ticket) = ticket {
            effects.abandon(ticket);
        }
        if let Some(target) = listener {
            effects.close(target);
        }
    }

    fn is_full(&self) -> bool {
        self.tally.is_full() || self.timers.len() + self.tally.spent() >= TIMERS_MAX
    }

    /// Forgets tasks of whose death nobody has told: those that execd did not start, or that died while it was away.
    /// O(clients), at most once a second.
    #[cold]
    fn bury_the_silent(&mut self, now: Nanos, effects: &mut Effects<Answer>) {
        if now < self.next_search {
            return;
        }
        self.next_search = now.after(SEARCH_PAUSE);
        let dead: Vec<TaskId> =
            self.timers.tasks().filter(|task| !self.surroundings.is_alive(*task)).collect();
        for task in dead {
            self.bury(task, effects);
        }
    }

    fn list(&self, from: u16) -> Answer {
        let timers = self.timers.list_from(from.into()).take(PAGE);
        Answer::Timers(Box::new(timers.map(|pending| self.listed(pending)).collect()))
    }

    fn listed(&self, Pending { id, owner, class, ask, window }: Pending) -> Listed {
        Listed {
            // Slots are fewer than 2¹⁶.
            place: id.slot() as u16,
            task: owner.to_wire(),
            class: class as u8,
            tier: match ask.tier {
                Tier::Ordinary => wire::Tier::Ordinary,
                Tier::AlarmClock => wire::Tier::AlarmClock,
            },
            is_sleep: self.timers.seat_of(owner).is_some_and(|seat| self.timers.kept(seat).is_asleep_by(id)),
            earliest_ns: window.earliest().0,
            latest_ns: window.latest().0,
            period_ns: ask.period.map(|period| period.span().0),
        }
    }

    /// Reads what a timer shall do.
    fn ask(&self, caller: Caller, timer: wire::Timer) -> Result<Ask, Refusal> {
        let tier = match timer.tier {
            wire::Tier::Ordinary => Tier::Ordinary,
            wire::Tier::AlarmClock => {
                self.demand(caller, Privilege::AlarmClock)?;
                Tier::AlarmClock
            }
        };
        let period = match timer.period_ns {
            None => None,
            Some(span) => Some(Period::new(Nanos(span)).map_err(|_| Refusal::Invalid)?),
        };
        Ok(Ask { due: Nanos(timer.due_ns), period, wish: Nanos(timer.late_by_ns), tier })
    }

    /// Whether one more timer fits beside those that live and what nobody has read; what stands for `replaced` goes.
    #[inline]
    fn check_room(&self, seat: Seat, replaced: Option<TimerId>) -> Result<(), Refusal> {
        let client = self.timers.kept(seat);
        let freed = usize::from(replaced.is_some_and(|id| client.is_spent(id)));
        let own = self.timers.len_at(seat) + client.spent() - freed;
        let all = self.timers.len() + self.tally.spent() - freed;
        match (own < TIMERS_PER_OWNER_MAX, all < TIMERS_MAX) {
            (false, _) => Err(Refusal::OverLimit),
            (_, false) => Err(Refusal::Full),
            _ => Ok(()),
        }
    }

    fn demand(&self, caller: Caller, privilege: Privilege) -> Result<(), Refusal> {
        match self.surroundings.grants(caller.service, privilege) {
            true => Ok(()),
            false => Err(Refusal::NotAllowed),
        }
    }

    /// Audits a registration, if the budget allows.
    #[inline(always)]
    fn tell(&mut self, caller: Caller, refusal: Option<Refusal>, now: Nanos) {
        if let Some(untold) = self.audit.take(now) {
            self.write_down(caller, refusal, untold);
        }
    }

    #[cold]
    #[inline(never)]
    fn write_down(&mut self, caller: Caller, refusal: Option<Refusal>, untold: u32) {
        let reason = match refusal {
            None => Reason::Applied,
            Some(Refusal::Invalid) => Reason::InvalidArgs,
            Some(Refusal::OverLimit | Refusal::Full) => Reason::OverLimit,
            Some(Refusal::NotFound) => Reason::NotFound,
            Some(Refusal::NotAllowed) => Reason::NotAllowed,
        };
        self.surroundings.audit(Audit { caller, reason, untold });
    }
}

const fn privilege(request: Govern) -> Privilege {
    match request {
        Govern::SetWall { .. } => Privilege::SetClock,
        Govern::Hint { .. } => Privilege::Govern,
        Govern::Floor { .. } => Privilege::Floor,
        Govern::Ended { .. } => Privilege::Bury,
        Govern::List { .. } => Privilege::List,
    }
}

/// The moment as everybody sees it: timed may know it better, but that is no way round the right to.
const fn coarse(moment: Nanos) -> Nanos {
    Nanos(moment.0 - moment.0 % COARSE_CLOCK.0)
}

const fn refusal(refusal: timer_coalescer::Refusal) -> Refusal {
    match refusal {
        timer_coalescer::Refusal::OwnerFull => Refusal::OverLimit,
        timer_coalescer::Refusal::Full => Refusal::Full,
        timer_coalescer::Refusal::NotFound => Refusal::NotFound,
    }
}
