//! Several harts with a queue each: at how many moments the machine is awake, and how often harts wake, by three rules.
//!
//! These are the figures of `docs/perf/timers.md`: 200 or 20 tasks of the benchmark, in its phases, dealt to four harts
//! in turn. The rule by which harts wake together is the kernel's (`Hart::arm`).

#![expect(clippy::unwrap_used, reason = "a helper of tests may unwrap like a test")]

use timer_coalescer::queue::{Node, Nodes, Queue, Window};

/// Microseconds.
const SPAN: u64 = 10_000_000;
const STEP: u64 = 100;
const NEVER: u64 = u64::MAX;
/// By this part of itself a sleep is cut at most.
const CUT: u64 = 8;

/// What a hart does about others.
#[derive(Clone, Copy, PartialEq)]
enum Rule {
    /// Nothing.
    Alone,
    /// Wakes when another one does, if that is as good and little earlier.
    Together,
    /// Interrupts those on which somebody is due when it wakes.
    Interrupts,
}

struct Sleeper {
    node: Node<usize, u64>,
    first: u64,
    due: u64,
}

struct Sleepers(Vec<Sleeper>);

impl Nodes for Sleepers {
    type Id = usize;
    type Moment = u64;

    fn node(&mut self, id: usize) -> &mut Node<usize, u64> {
        &mut self.0[id].node
    }
}

struct Machine {
    sleepers: Sleepers,
    queues: Vec<Queue<usize, u64>>,
    timers: Vec<u64>,
    period: u64,
    window: u64,
    rule: Rule,
}

impl Machine {
    fn new(tasks: usize, period: u64, window: u64, harts: usize, rule: Rule) -> Self {
        let mut seed: u32 = 12_345;
        let mut phase = || {
            seed = seed.wrapping_mul(1_103_515_245).wrapping_add(12_345);
            u64::from(seed >> 8) % (period / STEP) * STEP
        };
        let sleeper = |first| Sleeper { node: Node::new(Window::default()), first, due: first };
        let sleepers = Sleepers((0..tasks).map(|_| sleeper(phase())).collect());
        let queues = (0..harts).map(|_| Queue::new()).collect();
        let mut machine = Self { sleepers, queues, timers: vec![NEVER; harts], period, window, rule };
        for id in 0..tasks {
            machine.sleep(id, id % harts);
        }
        for hart in 0..harts {
            machine.arm(hart, 0);
        }
        machine
    }

    fn sleep(&mut self, id: usize, hart: usize) {
        let due = self.sleepers.0[id].due;
        self.queues[hart].insert(id, Window::new(due, due + self.window), &mut self.sleepers);
    }

    fn arm(&mut self, hart: usize, now: u64) {
        let Some(latest) = self.queues[hart].next_wakeup() else { return };
        let good = self.queues[hart].as_good_from(&mut self.sleepers).unwrap();
        let first = good.max(latest - (latest - now) / CUT);
        let shared = self.timers.iter().copied().filter(|at| (first..=latest).contains(at)).max();
        self.timers[hart] = shared.filter(|_| self.rule == Rule::Together).unwrap_or(latest);
    }

    /// Whoever is due wakes, and sleeps until its next moment; what it has missed is missed.
    fn wake(&mut self, hart: usize, now: u64) {
        self.timers[hart] = NEVER;
        while let Some(id) = self.queues[hart].first_due(now, &mut self.sleepers) {
            self.queues[hart].remove(id, &mut self.sleepers);
            let sleeper = &mut self.sleepers.0[id];
            sleeper.due += ((now - sleeper.due) / self.period + 1) * self.period;
            if sleeper.due < sleeper.first + SPAN {
                self.sleep(id, hart);
            }
        }
    }

    /// Moments, and wake-ups of harts.
    fn run(mut self) -> (u64, u64) {
        let (mut moments, mut wakeups) = (0, 0);
        loop {
            let now = *self.timers.iter().min().unwrap();
            if now == NEVER {
                return (moments, wakeups);
            }
            let by_timer = |hart: &usize| self.timers[*hart] == now;
            let (mut awake, others): (Vec<usize>, _) = (0..self.timers.len()).partition(by_timer);
            if self.rule == Rule::Interrupts {
                let is_due = |hart: &usize| self.queues[*hart].first_due(now, &mut self.sleepers).is_some();
                awake.extend((others as Vec<usize>).into_iter().filter(is_due));
            }
            awake.iter().for_each(|hart| self.wake(*hart, now));
            awake.iter().for_each(|hart| self.arm(*hart, now));
            (moments, wakeups) = (moments + 1, wakeups + awake.len() as u64);
        }
    }
}

#[test]
fn the_table_of_the_documentation() {
    let (fast, slow, ordinary, wide) = (50_000, 500_000, 4_000, 50_000);
    for (tasks, period, window, one, alone, together, interrupts) in [
        (200, fast, ordinary, 2_301, (7_800, 8_002), (7_198, 8_002), (2_301, 9_101)),
        (200, fast, wide, 199, (776, 785), (701, 788), (199, 796)),
        (200, slow, ordinary, 1_540, (2_960, 3_000), (2_660, 3_000), (1_540, 3_120)),
        (20, slow, ordinary, 300, (380, 380), (340, 380), (300, 380)),
    ] {
        let run = |harts, rule| Machine::new(tasks, period, window, harts, rule).run();
        assert_eq!(run(1, Rule::Alone), (one, one));
        assert_eq!(run(4, Rule::Alone), alone);
        assert_eq!(run(4, Rule::Together), together);
        assert_eq!(run(4, Rule::Interrupts), interrupts);
    }
}
