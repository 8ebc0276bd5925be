//! The queue a hart asks: that what it leaves out changes nothing, and that nobody is lost on the way.

#![expect(clippy::unwrap_used, reason = "a helper of tests may unwrap like a test")]

mod harness;

use harness::{Arena, MS, Random, TEMPO, normal, settings};
use nexus_abi::QosClass;
use sched_policy::{Entity, HartQueue, LATENCY, Settings, TRIFLE, Ticks, starvation_bound};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Asleep,
    Waiting,
    Running,
}

/// A hart in virtual time that does what the kernel does with the queue.
struct Machine {
    queue: HartQueue<usize>,
    arena: Arena,
    state: Vec<State>,
    served: Vec<u64>,
    /// Since when each class has waited without any of it running.
    passed_over: [Option<u64>; 4],
    now: u64,
    charged: u64,
}

impl Machine {
    fn new(all: &[Settings]) -> Self {
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

    fn running(&self) -> Option<usize> {
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

    fn charge(&mut self) {
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

    fn wake(&mut self, id: usize) {
        self.queue.add(id, Ticks(self.now), &mut self.arena);
        self.state[id] = State::Waiting;
        self.decide();
    }

    /// What the kernel does when something has changed.
    fn decide(&mut self) {
        self.charge();
        let now = Ticks(self.now);
        let next = match self.running() {
            Some(_) => self.queue.reconsider(now, &mut self.arena),
            None => self.queue.pick(now, &mut self.arena),
        };
        self.switch_to(next);
    }

    fn sleep(&mut self) {
        self.charge();
        let Some(id) = self.running() else { return };
        self.state[id] = State::Asleep;
        self.queue.leave(Ticks(self.now), &mut self.arena);
        self.decide();
    }

    /// The running task gives way as the kernel's short paths do it, where they may.
    fn sleep_quickly(&mut self) {
        let Some(next) = self.queue.next_at_door(Ticks(self.now)) else { return self.sleep() };
        self.charge();
        let id = self.running().unwrap();
        self.state[id] = State::Asleep;
        self.queue.follow(next, Ticks(self.now));
        self.switch_to(Some(next));
    }

    fn yield_now(&mut self) {
        self.charge();
        let next = self.queue.yield_to(Ticks(self.now), &mut self.arena);
        self.switch_to(next);
    }

    fn give_away(&mut self) -> Option<usize> {
        self.charge();
        let taken = self.queue.take_surplus(16, Ticks(self.now), &mut self.arena, |_| true)?;
        assert_eq!(self.state[taken], State::Waiting);
        self.state[taken] = State::Asleep;
        self.decide();
        Some(taken)
    }

    fn adjust(&mut self, id: usize, settings: Settings) {
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
    fn run(&mut self, span: u64) {
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

#[test]
fn one_that_is_alone_has_no_decisions_and_the_next_waits_for_a_trifle() {
    let mut machine = Machine::new(&[normal(100), normal(100)]);
    machine.wake(0);
    assert_eq!(machine.queue.next_decision(Ticks(0), &mut machine.arena), Ticks::NEVER);
    machine.run(MS);
    machine.wake(1);
    let wait = TEMPO.at_most(TRIFLE).0 + 1;
    assert_eq!(machine.queue.next_decision(Ticks(machine.now), &mut machine.arena), Ticks(MS + wait));
    machine.run(wait);
    assert_eq!((machine.running(), &machine.served[..]), (Some(1), &[MS + wait, 0][..]));
    // It runs for as long as it had to wait, then the first has the rest of its request; rounding costs each a tick.
    let turn = wait + 1;
    machine.run(turn);
    assert_eq!((machine.running(), &machine.served[..]), (Some(0), &[MS + wait, turn][..]));
    let half = TEMPO.at_least(LATENCY).0 / 2;
    machine.run(half - MS - wait + 1);
    assert_eq!((machine.running(), &machine.served[..]), (Some(1), &[half + 1, turn][..]));
}

#[test]
fn one_that_has_run_for_long_makes_room_at_once() {
    let mut machine = Machine::new(&[normal(100), normal(100)]);
    machine.wake(0);
    machine.run(50 * MS);
    machine.wake(1);
    assert_eq!(machine.running(), Some(1));
    machine.run(200 * MS);
    let shares = [machine.served[0] - 50 * MS, machine.served[1]];
    assert!(shares[0].abs_diff(shares[1]) <= TEMPO.at_least(LATENCY).0 / 2, "{shares:?}");
}

#[test]
fn two_that_wake_each_other_are_never_entered() {
    let mut machine = Machine::new(&[normal(100), normal(100)]);
    machine.wake(0);
    for round in 0..1000 {
        let other = 1 - machine.running().unwrap();
        assert!(machine.queue.has_free_door() && machine.arena.0[other].is_plain(), "round {round}");
        machine.queue.wait_at_door(other, Ticks(machine.now));
        machine.state[other] = State::Waiting;
        machine.run(TEMPO.at_most(TRIFLE).0);
        machine.sleep_quickly();
        assert_eq!(machine.running(), Some(other));
    }
    assert_eq!(machine.served[0], machine.served[1]);
}

#[test]
fn more_than_a_trifle_is_a_debt() {
    let mut machine = Machine::new(&[normal(100), normal(100)]);
    machine.wake(0);
    machine.wake(1);
    let wait = TEMPO.at_most(TRIFLE).0 + 1;
    machine.run(wait + MS);
    assert_eq!(
        (machine.queue.next_at_door(Ticks(machine.now)), &machine.served[..]),
        (None, &[wait, MS][..])
    );
    machine.sleep();
    assert_eq!(machine.running(), Some(0));
    assert!(!machine.arena.0[1].is_plain());
    machine.wake(1);
    machine.run(MS - wait);
    assert_eq!(machine.served, [MS, MS], "the other has had as much before it is its turn again");
    machine.run(TEMPO.at_least(LATENCY).0 * 10);
    assert!(machine.served[0].abs_diff(machine.served[1]) <= TEMPO.at_least(LATENCY).0 / 2);
}

#[test]
fn equal_tasks_that_yield_take_turns() {
    for count in [2, 3, 4, 5, 9, 40] {
        let mut machine = Machine::new(&vec![normal(100); count]);
        for id in 0..count {
            machine.wake(id);
        }
        let mut turns = vec![0; count];
        for _ in 0..count * 20 {
            machine.run(2);
            turns[machine.running().unwrap()] += 1;
            machine.yield_now();
        }
        assert!(turns.iter().all(|had| (19..=21).contains(had)), "{turns:?}");
    }
}

#[test]
fn ratios_hold_for_any_weights_however_they_come() {
    for weights in [[300, 100, 0, 0, 0], [1000, 10, 0, 0, 0], [100, 200, 300, 500, 800]] {
        let all: Vec<Settings> = weights.iter().filter(|weight| **weight > 0).map(|w| normal(*w)).collect();
        let total: u64 = weights.iter().sum();
        let mut machine = Machine::new(&all);
        for id in 0..all.len() {
            machine.wake(id);
            machine.run(MS / 3);
        }
        let before = machine.served.clone();
        for window in 1..=10 {
            machine.run(500 * MS);
            for id in 0..all.len() {
                let had = machine.served[id] - before[id];
                let due = window * 500 * MS * weights[id] / total;
                let request = 2 * TEMPO.at_least(LATENCY).0 * weights[id] / total + 2;
                assert!(had.abs_diff(due) <= request, "{id} of {weights:?} had {had} of {due}");
            }
        }
    }
}

/// A server that is called runs on in its client's name: together they have one share.
#[test]
fn a_claim_that_is_handed_on_is_one_claim() {
    let mut machine = Machine::new(&[normal(100), normal(100), normal(100)]);
    machine.wake(0);
    machine.wake(2);
    for _ in 0..400 {
        machine.run(MS / 2);
        let now = Ticks(machine.now);
        let claim = machine.running().unwrap();
        if claim == 2 {
            continue;
        }
        machine.charge();
        let peer = 1 - claim;
        machine.queue.hand_on(peer, now, &mut machine.arena);
        machine.state.swap(claim, peer);
    }
    let pair = machine.served[0] + machine.served[1];
    assert!(pair.abs_diff(machine.served[2]) <= 2 * TEMPO.at_least(LATENCY).0, "{:?}", machine.served);
}

#[test]
fn random_histories_lose_nobody_and_starve_nobody() {
    for seed in 1..=60 {
        let mut random = Random(seed * 0x9E37_79B9);
        let any = |random: &mut Random| {
            let class =
                random.pick(&[QosClass::Idle, QosClass::Normal, QosClass::Normal, QosClass::PerfBurst]);
            let shares = random.pick(&[100, 100, 100, 1, 37, 1000]);
            let latency = random.pick(&[0, 0, 0, 1, 20]);
            settings(class, shares, latency, random.pick(&[0, 0, 0, 3]))
        };
        let all: Vec<Settings> = (0..7).map(|_| any(&mut random)).collect();
        let mut machine = Machine::new(&all);
        for _ in 0..3_000 {
            let id = random.below(7) as usize;
            match random.below(10) {
                0..4 if machine.state[id] == State::Asleep => machine.wake(id),
                4 => machine.sleep(),
                5 => machine.sleep_quickly(),
                6 => machine.yield_now(),
                7 if random.below(8) == 0 => drop(machine.give_away()),
                8 if random.below(8) == 0 => {
                    let settings = any(&mut random);
                    machine.adjust(id, settings);
                }
                _ => machine.run(random.pick(&[1, 40, 400, 3_000, 30_000])),
            }
        }
    }
}
