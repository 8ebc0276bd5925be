//! Several harts that all have something to do: everybody gets its share of the machine, not of the hart it is on.

mod harness;

use harness::{Arena, MS, Random, TEMPO, normal, settings};
use nexus_abi::QosClass;
use sched_policy::{EVEN_OUT, Entity, HartQueue, Settings, Ticks};

/// Harts in virtual time that do what the kernel does: decide when the queue says, and look at the others every
/// [`EVEN_OUT`], when a slice ends.
struct Machine {
    harts: Vec<HartQueue<usize>>,
    even_at: Vec<u64>,
    arena: Arena,
    served: Vec<u64>,
    moves: u64,
    now: u64,
}

impl Machine {
    /// All tasks are ready at the beginning, on the first harts first.
    fn new(harts: usize, all: &[Settings]) -> Self {
        let mut machine = Self {
            harts: (0..harts).map(|number| HartQueue::new(TEMPO, number as u16)).collect(),
            even_at: vec![0; harts],
            arena: Arena(all.iter().map(|settings| Entity::new(TEMPO, *settings)).collect()),
            served: vec![0; all.len()],
            moves: 0,
            now: 0,
        };
        for id in 0..all.len() {
            machine.arrive(id % harts, id);
        }
        machine
    }

    fn arrive(&mut self, hart: usize, id: usize) {
        let now = Ticks(self.now);
        let queue = &mut self.harts[hart];
        if queue.is_uncontested() {
            self.even_at[hart] = self.now + TEMPO.at_least(EVEN_OUT).0;
        }
        queue.add(id, now, &mut self.arena);
        if queue.claim().is_none() {
            queue.pick(now, &mut self.arena);
        } else {
            queue.reconsider(now, &mut self.arena);
        }
    }

    /// Until `end`; `watch` sees the machine after each step.
    fn run(&mut self, end: u64, mut watch: impl FnMut(&Self)) {
        while self.now < end {
            let now = Ticks(self.now);
            let decisions: Vec<u64> =
                self.harts.iter_mut().map(|queue| queue.next_decision(now, &mut self.arena).0).collect();
            let next = decisions.iter().copied().min().unwrap_or(end).clamp(self.now + 1, end);
            for queue in &self.harts {
                if let Some(claim) = queue.claim() {
                    self.served[claim] += next - self.now;
                }
            }
            self.now = next;
            for (hart, decision) in decisions.into_iter().enumerate() {
                if decision <= next {
                    self.decide(hart);
                }
            }
            watch(self);
        }
    }

    fn decide(&mut self, hart: usize) {
        let now = Ticks(self.now);
        if self.now >= self.even_at[hart] {
            self.even_at[hart] = self.now + TEMPO.at_least(EVEN_OUT).0;
            self.even_out(hart);
        }
        self.harts[hart].reconsider(now, &mut self.arena);
    }

    fn even_out(&mut self, hart: usize) {
        let now = Ticks(self.now);
        let count = self.harts.len();
        for other in (1..count).map(|further| (hart + further) % count) {
            let there = self.harts[other].pressure(&mut self.arena);
            if let Some(id) = self.harts[hart].give_evenly(there, 16, now, &mut self.arena, |_| true) {
                self.moves += 1;
                return self.arrive(other, id);
            }
        }
    }
}

/// What each task is due of so many harts in a unit of time: in proportion to its weight, but no more than one hart.
fn due(harts: usize, weights: &[u64]) -> Vec<f64> {
    let mut due = vec![0.0; weights.len()];
    let mut open: Vec<usize> = (0..weights.len()).collect();
    let mut left = harts as f64;
    loop {
        let total: u64 = open.iter().map(|id| weights[*id]).sum();
        let part = |id: usize| left * weights[id] as f64 / total as f64;
        let Some(place) = open.iter().position(|id| part(*id) >= 1.0) else {
            for id in &open {
                due[*id] = part(*id);
            }
            return due;
        };
        due[open.remove(place)] = 1.0;
        left -= 1.0;
        if open.is_empty() {
            return due;
        }
    }
}

/// The greatest error of any task in 10 s, in milliseconds, and the moves.
fn worst(harts: usize, weights: &[u64]) -> (f64, u64) {
    let all: Vec<_> = weights.iter().map(|weight| normal(*weight)).collect();
    let due = due(harts, weights);
    let mut machine = Machine::new(harts, &all);
    let mut worst = 0.0_f64;
    machine.run(10_000 * MS, |machine| {
        for (served, due) in machine.served.iter().zip(&due) {
            worst = worst.max((*served as f64 - due * machine.now as f64).abs() / MS as f64);
        }
    });
    (worst, machine.moves)
}

/// Ten seconds: what anybody is ahead or behind at any moment.
const ERROR: f64 = 60.0;

#[test]
fn equal_tasks_get_equal_parts_of_the_machine() {
    for (harts, count) in [(2, 3), (2, 5), (3, 4), (4, 5), (4, 6), (4, 7), (4, 11), (8, 9), (8, 12), (8, 15)]
    {
        let (error, moves) = worst(harts, &vec![100; count]);
        assert!(error < 10.0, "{count} tasks on {harts} harts: {error} ms");
        assert!(moves > 900, "they take turns at being alone");
    }
}

#[test]
fn weights_count_on_the_whole_machine() {
    for (harts, weights) in [
        (2, &[200, 150, 150][..]),
        (2, &[1000, 1, 1]),
        (2, &[1000, 1000, 1]),
        (2, &[300, 100, 100, 100]),
        (2, &[1, 2, 3, 5, 8]),
        (2, &[1000, 500, 500, 10]),
        (3, &[422, 415, 437, 487]),
        (3, &[500, 400, 300, 200, 100]),
        (4, &[1, 2, 3, 5, 8, 13, 21, 34]),
    ] {
        let (error, _) = worst(harts, weights);
        assert!(error < ERROR, "{weights:?} on {harts} harts: {error} ms");
    }
}

#[test]
fn random_weights_count_on_the_whole_machine() {
    let mut random = Random(7);
    for _ in 0..300 {
        let harts = 2 + random.below(3) as usize;
        let count = harts + 1 + random.below(6) as usize;
        let weights: Vec<u64> = (0..count).map(|_| 50 + random.below(450)).collect();
        let (error, _) = worst(harts, &weights);
        assert!(error < ERROR, "{weights:?} on {harts} harts: {error} ms");
    }
}

#[test]
fn nothing_moves_that_would_gain_nothing() {
    for (harts, weights) in [(2, &[100, 100][..]), (2, &[300, 100]), (2, &[100, 100, 100, 100]), (1, &[5, 7])]
    {
        assert_eq!(worst(harts, weights).1, 0, "{weights:?} on {harts} harts");
    }
}

#[test]
fn who_would_starve_goes_where_it_does_not() {
    let high = settings(QosClass::Interactive, 100, 0, 0);
    let mut machine = Machine::new(2, &[high, normal(100), normal(100), normal(100)]);
    machine.run(1_000 * MS, |_| {});
    assert!(machine.served[0] > 990 * MS, "{:?}", machine.served);
    let (least, most) =
        (machine.served[1..].iter().min().unwrap(), machine.served[1..].iter().max().unwrap());
    assert!(most - least < 25 * MS, "the hart without it is theirs in equal parts: {:?}", machine.served);
    assert!(*least > 300 * MS, "{:?}", machine.served);
}
