//! What clients ask, and what they hear.

use alloc::boxed::Box;
use alloc::vec::Vec;

use nexus_abi::{COARSE_CLOCK, Handle, Nanos, TaskId};
use nexus_service::{Call, Caller, Effects, Service};
use nexus_wire::timed::{
    self as wire, Answer, Govern, Listed, PAGE, Refusal, Remaining, Request, Timed as Protocol,
};
use timer_coalescer::compose::HINT_MAX;
use timer_coalescer::{Ask, Pending, Period, Rearmed, TIMERS_MAX, TIMERS_PER_OWNER_MAX, Tier, TimerId};

use crate::clients::{Listener, Sleep};
use crate::wall::WallClock;
use crate::{Audit, Privilege, Reason, SEARCH_PAUSE, Surroundings, Timed};

impl<S: Surroundings> Service for Timed<S> {
    type Protocol = Protocol;

    fn call(&mut self, call: Call<'_, Request>, now: Nanos, effects: &mut Effects<Answer>) {
        let Call { caller, request, ticket, attached } = call;
        self.end_sleep(caller.task, effects);
        if self.is_full() {
            self.bury_the_silent(now, effects);
        }
        match self.react(caller, request, attached, now, effects) {
            Ok(Reaction::Answer(answer)) => effects.answer(ticket, answer),
            Ok(Reaction::WhenItFires(timer)) => {
                self.clients.begin_sleep(caller.task, Sleep { timer, ticket });
            }
            Err(refusal) => effects.answer(ticket, Answer::Refused(refusal)),
        }
        self.clients.tidy(caller.task, self.timers.len_of(caller.task));
    }

    /// Nobody has anything to tell it without words.
    fn bits(&mut self, _bits: u64, _now: Nanos, _effects: &mut Effects<Answer>) {}

    fn tick(&mut self, now: Nanos, effects: &mut Effects<Answer>) -> Nanos {
        self.fire(now, effects);
        self.timers.next_wakeup()
    }
}

/// What follows a request that is carried out.
enum Reaction {
    /// An answer now.
    Answer(Answer),
    /// An answer when this timer has fired.
    WhenItFires(TimerId),
}

impl<S: Surroundings> Timed<S> {
    fn react(
        &mut self,
        caller: Caller,
        request: Request,
        attached: &mut Option<Handle>,
        now: Nanos,
        effects: &mut Effects<Answer>,
    ) -> Result<Reaction, Refusal> {
        let era = self.era.0;
        let answer = match request {
            Request::Sleep { until_ns, late_by_ns } => {
                let ask = Ask::at(Nanos(until_ns)).late_by(Nanos(late_by_ns));
                return self.sleep(caller, ask, now).map(Reaction::WhenItFires);
            }
            Request::Listen { bits } => self.listen(caller.task, bits, attached, effects)?,
            Request::Set(timer) => {
                let result = self.set(caller, timer, now);
                self.tell(caller, result.err(), now);
                Answer::Set { id: result?.to_wire(), era }
            }
            Request::Rearm { id, timer } => {
                let result = self.rearm(caller, TimerId::from_wire(id), timer, now);
                self.tell(caller, result.err(), now);
                let Rearmed { id, was_live } = result?;
                Answer::Rearmed { id: id.to_wire(), was_live, era }
            }
            Request::Cancel { id } => self.cancel(caller.task, TimerId::from_wire(id))?,
            Request::Remaining { id } => self.remaining(caller.task, TimerId::from_wire(id), now)?,
            Request::Fired => Answer::Fired { era, expiries: Box::new(self.clients.read(caller.task)) },
            Request::Now => {
                let moment = coarse(now);
                Answer::Now { monotonic_ns: moment.0, wall_ns: self.wall.at(moment) }
            }
            Request::Govern(request) => self.govern(caller, request, now, effects)?,
        };
        Ok(Reaction::Answer(answer))
    }

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
    fn end_sleep(&mut self, task: TaskId, effects: &mut Effects<Answer>) {
        if let Some(Sleep { timer, ticket }) = self.clients.end_sleep(task) {
            effects.abandon(ticket);
            // It is live: what has fired sleeps no more.
            let _was_live = self.timers.cancel(task, timer);
        }
    }

    fn sleep(&mut self, caller: Caller, ask: Ask, now: Nanos) -> Result<TimerId, Refusal> {
        let room = if self.clients.has_room_for_sleeper() {
            self.check_room(caller.task, None)
        } else {
            Err(Refusal::Full)
        };
        let result =
            room.and_then(|()| self.timers.register(caller.task, caller.class, ask, now).map_err(refusal));
        if let Err(refusal) = result {
            self.tell(caller, Some(refusal), now);
        }
        result
    }

    fn listen(
        &mut self,
        task: TaskId,
        bits: u64,
        attached: &mut Option<Handle>,
        effects: &mut Effects<Answer>,
    ) -> Result<Answer, Refusal> {
        if bits == 0 {
            return Err(Refusal::Invalid);
        }
        if !self.clients.may_listen(task) {
            return Err(Refusal::Full);
        }
        let target = attached.take().ok_or(Refusal::Invalid)?;
        let (before, has_unread) = self.clients.listen(task, Listener { target, bits });
        if let Some(before) = before {
            effects.close(before.target);
        }
        if has_unread {
            effects.notify(target, bits);
        }
        Ok(Answer::Listening { era: self.era.0 })
    }

    fn set(&mut self, caller: Caller, timer: wire::Timer, now: Nanos) -> Result<TimerId, Refusal> {
        let ask = self.ask(caller, timer)?;
        self.check_room(caller.task, None)?;
        let id = self.timers.register(caller.task, caller.class, ask, now).map_err(refusal)?;
        self.clients.expect_up_to(caller.task, self.timers.len_of(caller.task));
        Ok(id)
    }

    fn rearm(
        &mut self,
        caller: Caller,
        id: TimerId,
        timer: wire::Timer,
        now: Nanos,
    ) -> Result<Rearmed, Refusal> {
        let ask = self.ask(caller, timer)?;
        if self.timers.get(caller.task, id).map_err(refusal)?.is_none() {
            self.check_room(caller.task, Some(id))?;
        }
        let rearmed = self.timers.rearm(caller.task, caller.class, id, ask, now).map_err(refusal)?;
        self.clients.forget(caller.task, id);
        self.clients.expect_up_to(caller.task, self.timers.len_of(caller.task));
        Ok(rearmed)
    }

    fn cancel(&mut self, task: TaskId, id: TimerId) -> Result<Answer, Refusal> {
        let was_live = self.timers.cancel(task, id).map_err(refusal)?;
        self.clients.forget(task, id);
        Ok(Answer::Cancelled { was_live, era: self.era.0 })
    }

    /// As its owner can see it, which has a coarse clock.
    fn remaining(&self, task: TaskId, id: TimerId, now: Nanos) -> Result<Answer, Refusal> {
        let pending = self.timers.get(task, id).map_err(refusal)?;
        let remaining = pending.map(|Pending { window, .. }| Remaining {
            least_ns: window.earliest().since(coarse(now)).0,
            most_ns: window.latest().since(coarse(now)).0,
        });
        Ok(Answer::Remaining(remaining))
    }

    /// Forgets a dead task: timers, floor, sleep, listener, what it has not read.
    fn bury(&mut self, task: TaskId, effects: &mut Effects<Answer>) {
        self.timers.purge(task, |_| ());
        let (ticket, listener) = self.clients.bury(task);
        if let Some(ticket) = ticket {
            effects.abandon(ticket);
        }
        if let Some(target) = listener {
            effects.close(target);
        }
    }

    fn is_full(&self) -> bool {
        self.clients.is_full() || self.timers.len() + self.clients.spent() >= TIMERS_MAX
    }

    /// Forgets tasks of whose death nobody has told: those that execd did not start, or that died while it was away.
    /// O(clients), at most once a second.
    fn bury_the_silent(&mut self, now: Nanos, effects: &mut Effects<Answer>) {
        if now < self.next_search {
            return;
        }
        self.next_search = now.after(SEARCH_PAUSE);
        let dead: Vec<TaskId> =
            self.clients.tasks().filter(|task| !self.surroundings.is_alive(*task)).collect();
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
            is_sleep: self.clients.is_asleep_by(owner, id),
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
    fn check_room(&self, task: TaskId, replaced: Option<TimerId>) -> Result<(), Refusal> {
        let freed = usize::from(replaced.is_some_and(|id| self.clients.is_spent(task, id)));
        let own = self.timers.len_of(task) + self.clients.spent_of(task) - freed;
        let all = self.timers.len() + self.clients.spent() - freed;
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

    /// Audits a registration.
    fn tell(&mut self, caller: Caller, refusal: Option<Refusal>, now: Nanos) {
        let reason = match refusal {
            None => Reason::Applied,
            Some(Refusal::Invalid) => Reason::InvalidArgs,
            Some(Refusal::OverLimit | Refusal::Full) => Reason::OverLimit,
            Some(Refusal::NotFound) => Reason::NotFound,
            Some(Refusal::NotAllowed) => Reason::NotAllowed,
        };
        if let Some(untold) = self.audit.take(now) {
            self.surroundings.audit(Audit { caller, reason, untold });
        }
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
