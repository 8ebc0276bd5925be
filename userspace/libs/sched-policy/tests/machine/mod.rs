//! A hart that asks a [`HartQueue`] as the kernel does, and looks at every step whether anybody is lost or starves.

use nexus_abi::QosClass;
use sched_policy::{Entity, HartQueue, Settings, Ticks, starvation_bound};

use crate::harness::{Arena, TEMPO};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    Asleep,
    Waiting,
    Running,
}

/// A hart in virtual time that does what the kernel does with the queue.
pub struct Machine {
    pub queue: HartQueue<usize>,
    pub arena: Arena,
    pub state: Vec<State>,
    pub served: Vec<u64>,
    /// Since when each class has waited without any of it running.
    passed_over: [Option<u64>; 4],
    pub now: u64,
    charged: u64,
}

impl Machine {
    pub fn new(all: &[Settings]) -> Self {
        Self {
            queue: HartQueue::new(TEMPO, 0),
            arena: Arena(all.iter().map(|settings| Entity::new(TEMPO, *settings)).collect()),
            state: vec![State::Asleep; all.len()],
            served: vec![0; all.len()],
            passed_over: [None; 4],
            now: 0,
            charged: 0,
        }
    }

    pub fn running(&self) -> Option<usize> {
        self.queue.claim()
    }

    fn class(&self, id: usize) -> QosClass {
        self.arena.0[id].class()
    }

    /// The hart is given to whoever the queue says.
    fn switch_to(&mut self, next: Option<usize>) {
        for state in &mut self.state {
            if *state == State::Running {
                *state = State::Waiting;
            }
        }
        if let Some(next) = next {
            assert_eq!(self.state[next], State::Waiting, "{next} is not here");
            self.state[next] = State::Running;
        }
        self.check();
    }

    pub fn charge(&mut self) {
        if let Some(id) = self.running() {
            self.served[id] += self.now - self.charged;
        }
        self.charged = self.now;
    }

    fn check(&mut self) {
        let waiting = self.state.iter().filter(|state| **state == State::Waiting).count();
        assert_eq!(self.queue.len(), waiting);
        assert_eq!(self.queue.is_empty(), waiting == 0);
        assert!(self.running().is_some() || waiting == 0, "a hart is not idle while tasks wait");
        for class in QosClass::ALL {
            let waits = |id: usize| self.state[id] == State::Waiting && self.class(id) == class;
            let runs = self.running().is_some_and(|id| self.class(id) == class);
            let waits = !runs && (0..self.state.len()).any(waits);
            let since = &mut self.passed_over[class as usize];
            *since = if waits { since.or(Some(self.now)) } else { None };
            if let (Some(since), Some(bound)) = (*since, starvation_bound(class)) {
                assert!(self.now - since <= TEMPO.at_most(bound).0, "{class:?} waits since {since}");
            }
        }
    }

    pub fn wake(&mut self, id: usize) {
        self.queue.add(id, Ticks(self.now), &mut self.arena);
        self.state[id] = State::Waiting;
        self.decide();
    }

    /// What the kernel does when something has changed.
    pub fn decide(&mut self) {
        self.charge();
        let now = Ticks(self.now);
        let next = match self.running() {
            Some(_) => self.queue.reconsider(now, &mut self.arena),
            None => self.queue.pick(now, &mut self.arena),
        };
        self.switch_to(next);
    }

    pub fn sleep(&mut self) {
        self.charge();
        let Some(id) = self.running() else { return };
        self.state[id] = State::Asleep;
        self.queue.leave(Ticks(self.now), &mut self.arena);
        self.decide();
    }

    /// The running task sleeps, and one that slept takes the hart: a caller and its server, for instance.
    pub fn hand_over(&mut self, id: usize) {
        assert_eq!(self.state[id], State::Asleep);
        self.charge();
        if let Some(left) = self.running() {
            self.state[left] = State::Asleep;
            self.queue.leave(Ticks(self.now), &mut self.arena);
        }
        self.queue.start(id, Ticks(self.now), &mut self.arena);
        self.state[id] = State::Waiting;
        self.switch_to(Some(id));
        self.decide();
    }

    /// The running task gives way as the kernel's short paths do it, where they may.
    pub fn sleep_quickly(&mut self) {
        let Some(id) = self.running() else { return };
        self.charge();
        let now = Ticks(self.now);
        let next = match self.queue.next_at_door(now) {
            Some(next) => {
                self.queue.follow(next, now);
                Some(next)
            }
            None => self.queue.follow_line(now, &mut self.arena, |_| true),
        };
        if next.is_none() {
            return self.sleep();
        }
        self.state[id] = State::Asleep;
        self.switch_to(next);
    }

    pub fn yield_now(&mut self) {
        self.charge();
        let next = self.queue.yield_to(Ticks(self.now), &mut self.arena);
        self.switch_to(next);
    }

    pub fn give_away(&mut self) -> Option<usize> {
        self.charge();
        let taken = self.queue.take_surplus(16, Ticks(self.now), &mut self.arena, |_| true)?;
        assert_eq!(self.state[taken], State::Waiting);
        self.state[taken] = State::Asleep;
        self.decide();
        Some(taken)
    }

    pub fn adjust(&mut self, id: usize, settings: Settings) {
        self.charge();
        match self.state[id] {
            State::Asleep => self.arena.0[id].set_away(TEMPO, settings),
            _ => {
                self.queue.adjust(id, settings, Ticks(self.now), &mut self.arena);
                self.decide();
            }
        }
    }

    /// Runs on for a span, deciding whenever it must.
    pub fn run(&mut self, span: u64) {
        let end = self.now + span;
        let mut idle_steps = 0;
        while self.running().is_some() {
            let next = self.queue.next_decision(Ticks(self.now), &mut self.arena).0;
            if next > end {
                break;
            }
            idle_steps = if next > self.now { 0 } else { idle_steps + 1 };
            assert!(idle_steps <= self.state.len() + 4, "decisions without progress at {}", self.now);
            self.now = next.max(self.now);
            self.decide();
        }
        self.now = end;
        self.charge();
        self.check();
    }
}
