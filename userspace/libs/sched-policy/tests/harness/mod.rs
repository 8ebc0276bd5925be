//! A hart in virtual time: it does what the kernel does with the queue, and checks at every step.
//!
//! Tasks are indices. One of them runs, others wait, the rest sleep; nothing happens between two events but
//! that the running task runs. At each decision the oracles look at every task.

#![expect(
    dead_code,
    clippy::unwrap_used,
    reason = "each test file uses its own part; a helper of tests may unwrap like a test"
)]

use nexus_abi::{BurstHint, LatencyHint, Nanos, QosClass, Shares};
use sched_policy::{
    Entities, Entity, GRAIN, GRANT, LATENCY, RunQueue, Settings, Standing, Tempo, Ticks, starvation_bound,
};

/// The clock of the machine we run on: 10 ticks a microsecond.
pub const TEMPO: Tempo = Tempo::clamped(10_000_000);
/// Ticks of a millisecond on it.
pub const MS: u64 = 10_000;
/// A tick in the unit of lags.
pub const UNIT: i64 = 1 << 16;

pub fn settings(class: QosClass, shares: u64, latency_ms: u64, burst_ms: u64) -> Settings {
    Settings {
        class,
        shares: Shares::clamped(shares).unwrap(),
        latency: LatencyHint::clamped_ms(latency_ms),
        burst: BurstHint::clamped_ms(burst_ms),
    }
}

pub fn normal(shares: u64) -> Settings {
    settings(QosClass::Normal, shares, 0, 0)
}

/// Entities by index.
pub struct Arena(pub Vec<Entity<usize>>);

impl Entities<usize> for Arena {
    fn entity(&mut self, id: usize) -> &mut Entity<usize> {
        &mut self.0[id]
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    Asleep,
    Waiting,
    Running,
}

/// What the oracles know of a task.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    pub state: State,
    /// Ticks of service so far.
    pub served: u64,
    /// Longest request so far, in the unit of lags.
    pub request_max: i64,
    /// Longest burst hint so far, in the unit of lags.
    pub burst_max: i64,
    /// Since when the first part of its request, and the request, have been past their deadlines, in the time of its
    /// class.
    pub late_since: [Option<u64>; 2],
}

pub struct Hart {
    pub queue: RunQueue<usize>,
    pub arena: Arena,
    pub tasks: Vec<Record>,
    pub now: u64,
    pub current: Option<usize>,
    pub switches: u64,
    /// From when on a class has waited without any of it running.
    passed_over: [Option<u64>; 4],
    /// Longest such wait.
    pub longest_wait: [u64; 4],
    /// When the running grant began.
    grant: Option<(QosClass, u64)>,
    charged: u64,
    /// How long each class has run.
    class_time: [u64; 4],
    /// Credits that came along with tasks that had been taken out while they waited.
    credits: i64,
}

impl Hart {
    pub fn new(all: &[Settings]) -> Self {
        let record = |settings: &Settings| Record {
            state: State::Asleep,
            served: 0,
            request_max: 0,
            burst_max: burst_units(*settings),
            late_since: [None; 2],
        };
        Self {
            queue: RunQueue::new(TEMPO, 0),
            arena: Arena(all.iter().map(|settings| Entity::new(TEMPO, *settings)).collect()),
            tasks: all.iter().map(record).collect(),
            now: 0,
            current: None,
            switches: 0,
            passed_over: [None; 4],
            longest_wait: [0; 4],
            grant: None,
            charged: 0,
            class_time: [0; 4],
            credits: 0,
        }
    }

    /// All tasks awake, one running.
    pub fn busy(all: &[Settings]) -> Self {
        let mut hart = Self::new(all);
        for id in 0..all.len() {
            hart.wake(id);
        }
        hart
    }

    pub fn class(&self, id: usize) -> QosClass {
        self.arena.0[id].class()
    }

    pub fn shares(&self, id: usize) -> u64 {
        u64::from(self.arena.0[id].settings().shares.get())
    }

    pub fn standing(&mut self, id: usize) -> Standing {
        self.queue.standing(id, &mut self.arena)
    }

    /// Ticks that a task asleep will be owed if it wakes now; what it owes is negative.
    pub fn standing_away(&mut self, id: usize) -> i64 {
        assert_eq!(self.tasks[id].state, State::Asleep);
        self.queue.wake(id, Ticks(self.now), &mut self.arena);
        let lag = self.standing(id).lag / UNIT;
        self.queue.remove(id, Ticks(self.now), &mut self.arena);
        lag
    }

    /// Runs on for a span, deciding whenever it must.
    pub fn run(&mut self, span: u64) {
        let end = self.now + span;
        let mut idle_steps = 0;
        while let Some(current) = self.current {
            let next = self.queue.next_decision(current, Ticks(self.now), &mut self.arena).0;
            if next > end {
                break;
            }
            idle_steps = if next > self.now { 0 } else { idle_steps + 1 };
            assert!(idle_steps <= self.tasks.len() + 4, "decisions without progress at {}", self.now);
            self.advance(next.max(self.now));
            self.put_back();
            self.pick();
        }
        self.advance(end);
    }

    /// Runs until the next decision is taken.
    pub fn run_to_decision(&mut self) {
        let Some(current) = self.current else { return };
        let next = self.queue.next_decision(current, Ticks(self.now), &mut self.arena).0;
        self.run(next.saturating_sub(self.now));
    }

    fn advance(&mut self, to: u64) {
        self.now = to;
        self.charge();
        self.check();
    }

    pub fn charge(&mut self) {
        match self.current {
            Some(current) => self.charge_for(current),
            None => self.charged = self.now,
        }
    }

    pub fn wake(&mut self, id: usize) {
        assert_eq!(self.tasks[id].state, State::Asleep);
        self.charge();
        self.queue.wake(id, Ticks(self.now), &mut self.arena);
        self.tasks[id].late_since = [None; 2];
        self.set_waiting(id);
        match self.current {
            None => self.pick(),
            Some(current) if self.queue.should_preempt(id, current, &mut self.arena) => {
                self.put_back();
                self.pick();
            }
            Some(_) => {}
        }
        self.check();
    }

    /// The running task sleeps.
    pub fn sleep(&mut self) {
        let Some(current) = self.current.take() else { return };
        self.charge_for(current);
        self.queue.leave(current, Ticks(self.now), &mut self.arena);
        self.tasks[current].state = State::Asleep;
        self.note_passed_over(self.class(current));
        self.pick();
        self.check();
    }

    /// A waiting task is taken out, as if for another hart.
    pub fn take_out(&mut self, id: usize) {
        assert_eq!(self.tasks[id].state, State::Waiting);
        self.charge();
        self.credits += self.standing(id).lag.max(0);
        self.queue.remove(id, Ticks(self.now), &mut self.arena);
        self.tasks[id].state = State::Asleep;
        self.forget_empty();
        self.check();
    }

    /// The running task yields.
    pub fn yield_now(&mut self) {
        let Some(current) = self.current else { return };
        self.charge();
        self.set_waiting(current);
        let next = self.queue.yield_to(current, Ticks(self.now), &mut self.arena);
        self.set_running(next);
        self.check();
    }

    pub fn put_back(&mut self) {
        let Some(current) = self.current.take() else { return };
        self.charge_for(current);
        self.queue.put_back(current, Ticks(self.now), &mut self.arena);
        self.set_waiting(current);
    }

    /// Picks, and compares with what plain searching says.
    pub fn pick(&mut self) {
        assert_eq!(self.current, None);
        let picked = self.queue.pick(Ticks(self.now), &mut self.arena);
        let waiting: Vec<usize> = self.ids(State::Waiting);
        assert_eq!(picked.is_none(), waiting.is_empty(), "a hart is not idle while tasks wait");
        let Some(picked) = picked else { return };
        let chosen = self.standing(picked);
        assert!(chosen.is_eligible);
        for id in waiting {
            let other = self.standing(id);
            if self.class(id) == self.class(picked) && other.is_eligible {
                assert!(chosen.deadline <= other.deadline, "{id} before {picked}");
            }
        }
        self.set_running(picked);
    }

    pub fn adjust(&mut self, id: usize, settings: Settings) {
        self.charge();
        let was = self.class(id);
        let now = Ticks(self.now);
        match self.tasks[id].state {
            State::Asleep => self.arena.0[id].set_away(TEMPO, settings),
            State::Waiting => {
                self.queue.adjust_waiting(id, settings, now, &mut self.arena);
                if was != settings.class {
                    self.set_waiting(id);
                }
                self.forget_empty();
            }
            State::Running => {
                self.queue.adjust_running(id, settings, now, &mut self.arena);
                if was != settings.class {
                    self.note_passed_over(was);
                    self.passed_over[settings.class as usize] = None;
                }
            }
        }
        let record = &mut self.tasks[id];
        record.late_since = [None; 2];
        record.burst_max = record.burst_max.max(burst_units(settings));
        if let Some(current) = self.current
            && self.queue.outranks(self.class(current))
        {
            self.put_back();
            self.pick();
        }
        self.check();
    }

    pub fn ids(&self, state: State) -> Vec<usize> {
        (0..self.tasks.len()).filter(|id| self.tasks[*id].state == state).collect()
    }

    /// The oracles that hold for every task at every moment.
    pub fn check(&mut self) {
        assert_eq!(self.queue.len(), self.ids(State::Waiting).len());
        let members: Vec<usize> =
            (0..self.tasks.len()).filter(|id| self.tasks[*id].state != State::Asleep).collect();
        // A task overruns its request by part of a tick, and so may each of those before it.
        let slop = (self.tasks.len() as i64 + 4) * UNIT;
        for &id in &members {
            let standing = self.standing(id);
            self.note_request(id);
            let request = self.tasks[id].request_max;
            let bursts = (0..self.tasks.len()).filter(|other| *other != id);
            let burst = bursts.map(|other| self.tasks[other].burst_max).max().unwrap_or(0);
            assert!(standing.lag >= -request - slop, "{id} is {} ahead, request {request}", -standing.lag);
            let blocked = burst + self.credits + slop;
            assert!(standing.lag <= request + blocked, "{id} is owed {}, request {request}", standing.lag);
            let time = self.class_time[self.class(id) as usize];
            let has_first_part = standing.deadline != standing.end;
            let is_late = [
                has_first_part && standing.deadline < 0 && standing.part_left > 0,
                standing.end < 0 && standing.request_left > 0,
            ];
            for (is_late, late_since) in is_late.into_iter().zip(&mut self.tasks[id].late_since) {
                *late_since = if is_late { late_since.or(Some(time)) } else { None };
                let late = late_since.map_or(0, |since| (time - since).cast_signed() * UNIT);
                assert!(late <= blocked, "{id} is late by {late}");
            }
        }
        for class in QosClass::ALL {
            let (Some(since), Some(bound)) = (self.passed_over[class as usize], starvation_bound(class))
            else {
                continue;
            };
            let wait = self.now - since;
            let is_passed =
                self.current.is_some_and(|current| self.class(current) > class || self.grant.is_some());
            if is_passed {
                assert!(wait <= TEMPO.at_most(bound).0, "{class:?} has waited {wait}");
                self.longest_wait[class as usize] = self.longest_wait[class as usize].max(wait);
            }
        }
    }

    fn charge_for(&mut self, id: usize) {
        let ran = self.now - self.charged;
        self.charged = self.now;
        self.queue.charge(id, Ticks(ran), &mut self.arena);
        self.tasks[id].served += ran;
        self.class_time[self.class(id) as usize] += ran;
    }

    fn note_request(&mut self, id: usize) {
        let left = self.standing(id).request_left;
        self.tasks[id].request_max = self.tasks[id].request_max.max(left);
    }

    fn set_waiting(&mut self, id: usize) {
        self.note_request(id);
        self.tasks[id].state = State::Waiting;
        self.note_passed_over(self.class(id));
    }

    fn set_running(&mut self, id: usize) {
        self.note_request(id);
        self.current = Some(id);
        self.switches += 1;
        self.tasks[id].state = State::Running;
        let class = self.class(id);
        self.passed_over[class as usize] = None;
        self.forget_empty();
        let highest = self.queue.highest();
        let is_granted = highest.is_some_and(|highest| highest > class);
        self.grant = match self.grant {
            Some((granted, began)) if is_granted && granted == class => Some((granted, began)),
            _ if is_granted => Some((class, self.now)),
            _ => None,
        };
        if let Some((_, began)) = self.grant {
            assert!(self.now < began + TEMPO.at_least(GRANT).0, "a grant has an end");
        }
    }

    /// A class with tasks waiting and none running is passed over from now on, if it was not already.
    fn note_passed_over(&mut self, class: QosClass) {
        let runs = self.current.is_some_and(|current| self.class(current) == class);
        let waits = self.ids(State::Waiting).iter().any(|id| self.class(*id) == class);
        if !runs && waits {
            self.passed_over[class as usize].get_or_insert(self.now);
        }
    }

    fn forget_empty(&mut self) {
        for class in QosClass::ALL {
            if !self.ids(State::Waiting).iter().any(|id| self.class(*id) == class) {
                self.passed_over[class as usize] = None;
            }
        }
    }
}

fn burst_units(settings: Settings) -> i64 {
    settings.burst.span().map_or(0, |span| TEMPO.at_least(span).0.cast_signed() * UNIT)
}

/// The request that rule 4 gives a task, in the unit of lags.
pub fn request_units(own: Settings, weight: u64, members: u64) -> i64 {
    let latency = own.latency.span().unwrap_or(LATENCY).max(Nanos(GRAIN.0 * members));
    let share = i128::from(TEMPO.at_least(latency).0) * i128::from(UNIT) * i128::from(own.shares.get());
    ((share / i128::from(weight)) as i64).max(burst_units(own))
}

/// A generator whose every run can be repeated.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 8) % bound
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }
}
