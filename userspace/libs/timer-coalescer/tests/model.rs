//! A million random operations against a model so plain that it is plainly right: a list, searched from end to end.
//!
//! They are split into histories, each drawn from its seed alone. To repeat one, or for a long run:
//!
//! ```text
//! TIMER_FUZZ_SEED=17 cargo test -p timer-coalescer --test model
//! cargo test --release -p timer-coalescer --test model -- --ignored --nocapture
//! ```

#![expect(clippy::expect_used, reason = "a helper of tests may expect like a test")]

mod machine;

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::panic::catch_unwind;

use machine::{Random, ms};
use nexus_abi::{Nanos, QosClass, TaskId};
use timer_coalescer::compose::{Regime, Terms, compose};
use timer_coalescer::{Ask, Fired, Period, Refusal, TIMERS_PER_OWNER_MAX, Tier, TimerId, Timers};

const HISTORIES: u64 = 200;
const OPERATIONS: u64 = 5_000;
const _: () = assert!(HISTORIES * OPERATIONS == 1_000_000);
/// Histories in a long run: minutes when optimised.
const HISTORIES_LONG: u64 = 50_000;

/// A timer of the model.
#[derive(Clone, Copy, Debug)]
struct Entry {
    id: TimerId,
    owner: TaskId,
    class: QosClass,
    ask: Ask,
    /// When it was set.
    set: u64,
    /// Registrations before it.
    order: u64,
    /// Occurrences reported so far.
    reported: u64,
    /// The earliest moment of the window in which it fired last.
    fired_from: Option<u64>,
    earliest: u64,
    latest: u64,
}

impl Entry {
    /// The first occurrence that is not reported, by multiplication.
    fn due(&self) -> u64 {
        let period = self.ask.period.map_or(0, |period| period.span().0);
        let due = u128::from(self.ask.due.0) + u128::from(self.reported) * u128::from(period);
        u64::try_from(due).unwrap_or(u64::MAX)
    }

    fn compute_window(&mut self, hint: Nanos, floor: Nanos) {
        let due = self.due();
        let delay = match (self.fired_from, self.ask.period) {
            (Some(_), Some(period)) => period.span(),
            _ => Nanos(due.saturating_sub(self.set)),
        };
        let terms = Terms { class: self.class, tier: self.ask.tier, delay, wish: self.ask.wish };
        let promise = compose(terms, Regime { hint, floor });
        self.earliest = due;
        if self.ask.tier == Tier::Ordinary && floor > delay {
            let held = self.fired_from.unwrap_or(self.set) + floor.0;
            match self.ask.period {
                None => self.earliest = due.max(held),
                // Step by step along the grid.
                Some(period) => {
                    while self.earliest < held {
                        self.earliest += period.span().0;
                    }
                }
            }
        }
        self.latest = self.earliest.saturating_add(promise.window.0);
    }
}

/// The model.
#[derive(Default)]
struct Naive {
    live: Vec<Entry>,
    floors: BTreeMap<TaskId, Nanos>,
    hint: Nanos,
    registrations: u64,
    capacity: usize,
}

impl Naive {
    fn floor(&self, owner: TaskId) -> Nanos {
        self.floors.get(&owner).copied().unwrap_or_default()
    }

    fn position(&self, id: TimerId) -> Option<usize> {
        self.live.iter().position(|entry| entry.id == id)
    }

    fn refusal(&self, owner: TaskId) -> Option<Refusal> {
        let own = self.live.iter().filter(|entry| entry.owner == owner).count();
        match self.live.len() {
            len if len >= self.capacity => Some(Refusal::Full),
            _ if own >= TIMERS_PER_OWNER_MAX => Some(Refusal::OwnerFull),
            _ => None,
        }
    }

    fn set(&mut self, id: TimerId, owner: TaskId, class: QosClass, ask: Ask, now: Nanos) {
        self.registrations += 1;
        let (set, order) = (now.0, self.registrations);
        let mut entry = Entry {
            id,
            owner,
            class,
            ask,
            set,
            order,
            reported: 0,
            fired_from: None,
            earliest: 0,
            latest: 0,
        };
        entry.compute_window(self.hint, self.floor(owner));
        self.live.push(entry);
    }

    fn recompute(&mut self) {
        let (hint, floors) = (self.hint, self.floors.clone());
        for entry in &mut self.live {
            entry.compute_window(hint, floors.get(&entry.owner).copied().unwrap_or_default());
        }
    }

    fn next_wakeup(&self) -> Nanos {
        Nanos(self.live.iter().map(|entry| entry.latest).min().unwrap_or(u64::MAX))
    }

    fn fire(&mut self, now: Nanos) -> Option<Fired> {
        let due = self.live.iter().enumerate().filter(|(_, entry)| entry.earliest <= now.0);
        let (n, entry) = due.min_by_key(|(_, entry)| (entry.earliest, entry.order))?;
        let (owner, id, due) = (entry.owner, entry.id, entry.due());
        let Some(period) = entry.ask.period else {
            self.live.swap_remove(n);
            return Some(Fired { id, owner, due: Nanos(due), times: 1, is_over: true });
        };
        let (hint, floor) = (self.hint, self.floor(owner));
        let entry = &mut self.live[n];
        let times = (now.0 - due) / period.span().0 + 1;
        entry.reported += times;
        entry.fired_from = Some(entry.earliest);
        entry.compute_window(hint, floor);
        Some(Fired { id, owner, due: Nanos(due), times, is_over: false })
    }
}

/// Both, side by side.
struct Pair {
    random: Random,
    timers: Timers,
    naive: Naive,
    owners: u64,
    now: Nanos,
    /// Every id there has been.
    issued: Vec<(TaskId, TimerId)>,
    distinct: BTreeSet<TimerId>,
}

impl Pair {
    fn new(seed: u64) -> Self {
        let mut random = Random::seeded(seed);
        let capacity = random.pick(&[1, 8, 30, 30, 100]);
        let owners = random.pick(&[1, 2, 5, 20]);
        let naive = Naive { capacity, ..Naive::default() };
        let timers = Timers::with_capacity(capacity);
        let (issued, distinct) = (Vec::new(), BTreeSet::new());
        Self { random, timers, naive, owners, now: Nanos(0), issued, distinct }
    }

    /// Some of the owners share a bucket, and one has the number of another.
    fn owner(&mut self) -> TaskId {
        match self.random.below(self.owners) as u32 {
            0 => TaskId::new(1, 2),
            n => TaskId::new(n % 5 + 4096 * (n / 5), 1),
        }
    }

    fn ask(&mut self) -> Ask {
        let span = self.random.pick(&[10, 1_000, ms(1).0, ms(30).0, ms(1_000).0]);
        let early = self.random.pick(&[0, 0, 0, span]);
        let due = Nanos((self.now.0 + self.random.below(span)).saturating_sub(early));
        let mut ask =
            Ask::at(due).late_by(Nanos(self.random.pick(&[0, 0, 0, 1, 100, ms(3).0, ms(100).0, u64::MAX])));
        if self.random.below(3) == 0 {
            let period = ms(1).0 + self.random.below(span);
            ask = ask.every(Period::new(Nanos(period)).expect("not zero"));
        }
        if self.random.below(8) == 0 { ask.as_alarm_clock() } else { ask }
    }

    fn note(&mut self, owner: TaskId, id: TimerId) {
        assert!(self.distinct.insert(id), "an id is given twice");
        self.issued.push((owner, id));
    }

    /// Some id of the past or present, often a live one.
    fn some_id(&mut self) -> Option<(TaskId, TimerId)> {
        if self.issued.is_empty() {
            return None;
        }
        if !self.naive.live.is_empty() && self.random.below(4) > 0 {
            let entry = self.naive.live[self.random.below(self.naive.live.len() as u64) as usize];
            return Some((entry.owner, entry.id));
        }
        let issued = self.issued[self.random.below(self.issued.len() as u64) as usize];
        Some(issued)
    }

    fn register(&mut self) {
        let (owner, class, ask) = (self.owner(), self.random.pick(&QosClass::ALL), self.ask());
        let expected = self.naive.refusal(owner);
        match self.timers.register(owner, class, ask, self.now) {
            Ok(id) => {
                assert_eq!(expected, None);
                self.note(owner, id);
                self.naive.set(id, owner, class, ask, self.now);
            }
            Err(refusal) => assert_eq!(Some(refusal), expected),
        }
    }

    fn rearm(&mut self) {
        let Some((owner, id)) = self.some_id() else { return };
        let (class, ask) = (self.random.pick(&QosClass::ALL), self.ask());
        let position = self.naive.position(id);
        let expected = if position.is_some() { None } else { self.naive.refusal(owner) };
        match self.timers.rearm(owner, class, id, ask, self.now) {
            Ok(rearmed) => {
                assert_eq!((expected, rearmed.was_live), (None, position.is_some()));
                position.map(|n| self.naive.live.swap_remove(n));
                self.note(owner, rearmed.id);
                self.naive.set(rearmed.id, owner, class, ask, self.now);
            }
            Err(refusal) => assert_eq!(Some(refusal), expected),
        }
    }

    fn cancel(&mut self) {
        let Some((owner, id)) = self.some_id() else { return };
        let stranger = self.owner();
        if stranger.index() != owner.index() {
            assert_eq!(self.timers.cancel(stranger, id), Err(Refusal::NotFound));
        }
        let position = self.naive.position(id);
        assert_eq!(self.timers.cancel(owner, id), Ok(position.is_some()));
        position.map(|n| self.naive.live.swap_remove(n));
    }

    /// Time passes, and what is due fires, perhaps not all of it.
    fn fire(&mut self) {
        let next = self.naive.next_wakeup();
        self.now = match self.random.below(3) {
            0 if next != Nanos::NEVER => self.now.max(next),
            1 => self.now,
            _ => {
                let span = self.random.pick(&[100, ms(1).0, ms(100).0]);
                self.now.after(Nanos(self.random.below(span)))
            }
        };
        for _ in 0..self.random.pick(&[1, 1_000, 1_000]) {
            let expected = self.naive.fire(self.now);
            assert_eq!(self.timers.fire(self.now), expected);
            if expected.is_none() {
                return;
            }
        }
    }

    fn purge(&mut self) {
        let owner = self.owner();
        let mut gone = BTreeSet::new();
        self.timers.purge(owner, |id| assert!(gone.insert(id)));
        let expected = self.naive.live.iter().filter(|entry| entry.owner == owner).map(|entry| entry.id);
        assert_eq!(gone, expected.collect());
        self.naive.live.retain(|entry| entry.owner != owner);
        self.naive.floors.remove(&owner);
    }

    fn change_the_rules(&mut self) {
        if self.random.below(2) == 0 {
            self.naive.hint = self.random.pick(&[0, 20, 50].map(ms));
            self.timers.set_hint(self.naive.hint);
        } else {
            let (owner, floor) = (self.owner(), ms(self.random.pick(&[0, 1, 60, 1_000])));
            self.timers.set_floor(owner, floor).expect("there is room");
            self.naive.floors.insert(owner, floor);
        }
        self.naive.recompute();
    }

    fn compare(&self) {
        let mut live = self.naive.live.clone();
        live.sort_by_key(|entry| entry.id.slot());
        for (pending, entry) in self.timers.list_from(0).zip(&live) {
            assert_eq!((pending.id, pending.owner, pending.class), (entry.id, entry.owner, entry.class));
            let window = (pending.window.earliest().0, pending.window.latest().0);
            assert_eq!((pending.ask.due.0, window), (entry.due(), (entry.earliest, entry.latest)));
            assert_eq!(self.timers.get(entry.owner, entry.id), Ok(Some(pending)));
        }
        for owner in live.iter().map(|entry| entry.owner) {
            let own = live.iter().filter(|entry| entry.owner == owner).count();
            assert_eq!(self.timers.list_of(owner).count(), own);
            assert_eq!(self.timers.len_of(owner), own);
        }
    }
}

fn history(seed: u64) {
    let mut pair = Pair::new(seed);
    for step in 0..OPERATIONS {
        match pair.random.below(100) {
            0..35 => pair.register(),
            35..50 => pair.rearm(),
            50..70 => pair.cancel(),
            70..97 => pair.fire(),
            97 => pair.purge(),
            _ => pair.change_the_rules(),
        }
        assert_eq!(pair.timers.next_wakeup(), pair.naive.next_wakeup());
        assert_eq!(pair.timers.len(), pair.naive.live.len());
        if step % 64 == 0 {
            pair.compare();
        }
    }
}

fn histories(seeds: impl Iterator<Item = u64>) {
    for seed in seeds {
        if catch_unwind(|| history(seed)).is_err() {
            panic!("repeat with TIMER_FUZZ_SEED={seed}");
        }
    }
}

#[test]
fn a_million_random_operations_match_a_naive_model() {
    match env::var("TIMER_FUZZ_SEED").ok().and_then(|seed| seed.parse().ok()) {
        Some(seed) => histories([seed].into_iter()),
        None => histories(0..HISTORIES),
    }
}

#[test]
#[ignore = "takes minutes"]
fn many_more_random_operations_match_a_naive_model() {
    println!("seeds {HISTORIES}..{}", HISTORIES + HISTORIES_LONG);
    histories(HISTORIES..HISTORIES + HISTORIES_LONG);
}
