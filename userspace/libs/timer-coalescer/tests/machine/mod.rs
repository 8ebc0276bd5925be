//! A machine that sleeps as the table says, on a clock that the test moves.
//!
//! It checks every firing: not early, not late, once. And it checks of every wake-up that it could not have been saved:
//! some window ends there that began after the machine was awake last. Such windows do not overlap, so there were as
//! many wake-ups as disjoint windows, and no rule whatever needs fewer: each run proves its own optimality.

#![expect(
    dead_code,
    clippy::expect_used,
    reason = "each test file uses its own part; a helper of tests may expect like a test"
)]

use std::collections::BTreeMap;

use nexus_abi::{Nanos, QosClass, TaskId};
use timer_coalescer::queue::Window;
use timer_coalescer::{Ask, Fired, Refusal, TimerId, Timers};

/// A machine with nothing but timers.
pub struct Machine {
    pub timers: Timers,
    pub now: Nanos,
    /// Wake-ups that only timers were the reason for.
    pub wakeups: u64,
    pub fired: Vec<(Nanos, Fired)>,
    /// The windows of live timers, and since when they were known.
    known: BTreeMap<TimerId, (Window<Nanos>, Nanos)>,
    /// When it was awake last, if it was.
    awake: Option<Nanos>,
}

impl Machine {
    pub fn new() -> Self {
        Self::with(Timers::new())
    }

    pub fn with(timers: Timers) -> Self {
        Self { timers, now: Nanos(0), wakeups: 0, fired: Vec::new(), known: BTreeMap::new(), awake: None }
    }

    pub fn set(&mut self, owner: TaskId, class: QosClass, ask: Ask) -> TimerId {
        self.try_set(owner, class, ask).expect("there is room")
    }

    pub fn try_set(&mut self, owner: TaskId, class: QosClass, ask: Ask) -> Result<TimerId, Refusal> {
        let id = self.timers.register(owner, class, ask, self.now)?;
        self.know(owner, id);
        Ok(id)
    }

    pub fn rearm(&mut self, owner: TaskId, class: QosClass, id: TimerId, ask: Ask) -> TimerId {
        let rearmed = self.timers.rearm(owner, class, id, ask, self.now).expect("it is the owner's");
        assert_eq!(self.known.remove(&id).is_some(), rearmed.was_live);
        self.know(owner, rearmed.id);
        rearmed.id
    }

    pub fn cancel(&mut self, owner: TaskId, id: TimerId) -> bool {
        let was_live = self.timers.cancel(owner, id).expect("it is the owner's");
        assert_eq!(self.known.remove(&id).is_some(), was_live);
        was_live
    }

    /// The machine is awake anyway, and fires what is due.
    pub fn look(&mut self) {
        while self.step().is_some() {}
        self.awake = Some(self.now);
    }

    /// Sleeps and wakes until `moment`, where it stands then, asleep.
    pub fn run_until(&mut self, moment: Nanos) {
        while self.timers.next_wakeup() <= moment && self.timers.next_wakeup() != Nanos::NEVER {
            self.now = self.now.max(self.timers.next_wakeup());
            self.wakeups += 1;
            assert!(self.is_forced(), "a wake-up at {:?} that could have been saved", self.now);
            self.look();
        }
        self.now = self.now.max(moment);
    }

    /// Whether a window ends now or before that no earlier moment of being awake could have met.
    fn is_forced(&self) -> bool {
        self.known.values().any(|(window, since)| {
            let begin = window.earliest().max(*since);
            window.latest() <= self.now && self.awake.is_none_or(|awake| begin > awake)
        })
    }

    /// Fires one timer, if one is due.
    pub fn step(&mut self) -> Option<Fired> {
        let fired = self.timers.fire(self.now)?;
        let (window, since) = self.known.remove(&fired.id).expect("once");
        assert!(window.earliest() <= self.now, "early");
        assert!(window.latest().max(since) >= self.now, "late");
        assert!(fired.due <= self.now && fired.times >= 1);
        self.know(fired.owner, fired.id);
        self.fired.push((self.now, fired));
        Some(fired)
    }

    /// Writes down the window of a timer, if it is live.
    fn know(&mut self, owner: TaskId, id: TimerId) {
        if let Some(timer) = self.timers.get(owner, id).expect("it is the owner's") {
            self.known.insert(id, (timer.window, self.now));
        }
    }
}

/// The most windows of which no two overlap, which is the fewest wake-ups; by dynamic programming over ends.
pub fn most_disjoint(windows: &mut [(u64, u64)]) -> u64 {
    windows.sort_by_key(|(_, to)| *to);
    let mut best = vec![0];
    for (n, (from, _)) in windows.iter().enumerate() {
        let before = windows[..n].partition_point(|(_, to)| to < from);
        best.push(best[n].max(best[before] + 1));
    }
    best[windows.len()]
}

pub fn task(number: u32) -> TaskId {
    TaskId::new(number, 1)
}

pub fn ms(ms: u64) -> Nanos {
    Nanos::from_millis(ms)
}

/// A window of exactly this width: the class adds nothing.
pub const EXACT: QosClass = QosClass::PerfBurst;

/// xorshift64*: the same numbers everywhere.
pub struct Random(u64);

impl Random {
    pub fn seeded(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }
}
