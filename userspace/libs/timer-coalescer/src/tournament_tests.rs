//! Random operations against a list and against the queue of the kernel, with every match checked as they go; and what
//! an operation costs.
//!
//! ```text
//! cargo test -p timer-coalescer --lib tournament -- --nocapture
//! ```

extern crate std;

use std::println;
use std::vec::Vec;

use super::*;
use crate::queue::{Node, Nodes, Queue};

/// xorshift: the same numbers everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }

    /// Equal moments, windows that contain each other, and moments that never come are among them.
    fn window(&mut self, now: u64, spread: u64) -> Window<Nanos> {
        if self.below(64) == 0 {
            return Window::new(Nanos::NEVER, Nanos::NEVER);
        }
        let earliest = now + self.below(spread);
        Window::new(Nanos(earliest), Nanos(earliest + [0, 4, 8, 50][self.below(4) as usize]))
    }
}

/// The same elements in a list.
#[derive(Default)]
struct Naive {
    /// Slot, arrival, window.
    all: Vec<(usize, u64, Window<Nanos>)>,
    arrivals: u64,
}

impl Naive {
    fn insert(&mut self, slot: usize, window: Window<Nanos>) {
        self.all.push((slot, self.arrivals, window));
        self.arrivals += 1;
    }

    fn first_due(&self, now: Nanos) -> Option<usize> {
        let due = self.all.iter().filter(|(.., window)| window.earliest() <= now);
        due.min_by_key(|(_, arrival, window)| (window.earliest(), *arrival)).map(|(slot, ..)| *slot)
    }

    fn as_good_from(&self) -> Option<Nanos> {
        let met = self.all.iter().map(|(.., window)| window.earliest());
        met.filter(|earliest| *earliest <= self.next_wakeup()).max()
    }

    fn next_wakeup(&self) -> Nanos {
        self.all.iter().map(|(.., window)| window.latest()).min().unwrap_or(Nanos::NEVER)
    }
}

/// The same elements in a queue.
struct Arena(Vec<Node<usize, Nanos>>);

impl Nodes for Arena {
    type Id = usize;
    type Moment = Nanos;

    fn node(&mut self, id: usize) -> &mut Node<usize, Nanos> {
        &mut self.0[id]
    }
}

fn at(slot: usize) -> Slot {
    Slot::at(slot).expect("a small number")
}

/// Every place holds the winners of the match below it, and rounds that are not in use have not been touched.
fn check(tournament: &Tournament) {
    let Tournament { slots, rounds, height, winner, .. } = tournament;
    let (used, unused) = rounds.split_at(*height);
    let mut below = slots;
    for round in used {
        let matches: Vec<Best> = below.iter().map(Best::of).collect();
        let (held, rest) = round.as_flattened().split_at(matches.len());
        assert_eq!(held, matches);
        assert!(rest.iter().all(|place| *place == Best::NOBODY));
        below = round;
    }
    let [last] = below.as_slice() else { panic!("the last round is one match") };
    assert_eq!(Best::of(last), *winner);
    assert!(unused.iter().flatten().flatten().all(|place| *place == Best::NOBODY));
}

/// All places.
fn places(tournament: &Tournament) -> impl Iterator<Item = &Best> {
    let Tournament { winner, slots, rounds, .. } = tournament;
    slots.iter().chain(rounds.iter().flatten()).flatten().chain([winner])
}

/// Places that differ.
fn touched(before: &Tournament, after: &Tournament) -> usize {
    places(before).zip(places(after)).filter(|(before, after)| before != after).count()
}

impl Clone for Tournament {
    fn clone(&self) -> Self {
        Self { slots: self.slots.clone(), rounds: self.rounds.clone(), ..*self }
    }
}

#[test]
fn random_operations_match_a_list_and_the_queue_of_the_kernel() {
    for (count, spread) in [(1, 10), (4, 10), (5, 3), (16, 1), (17, 60), (100, 20), (300, 1 << 40)] {
        let mut random = Random(count as u64 | 1 << 33);
        let mut tournament = Tournament::with_capacity(count);
        let mut arena = Arena(std::vec![Node::new(Window::default()); count]);
        let (mut naive, mut queue) = (Naive::default(), Queue::new());
        let (mut used, mut now) = (0, 0);
        for step in 0..20_000 {
            // Slots begin to be used in their order.
            let slot = random.below(count as u64).min(used) as usize;
            let window = random.window(now, spread);
            match naive.all.iter().position(|(of, ..)| *of == slot) {
                None => {
                    used = used.max(slot as u64 + 1);
                    naive.insert(slot, window);
                    tournament.insert(at(slot), window);
                    queue.insert(slot, window, &mut arena);
                }
                Some(n) if random.below(3) == 0 => {
                    naive.all[n].2 = window;
                    tournament.change(at(slot), window);
                    queue.change(slot, window, &mut arena);
                }
                Some(n) => {
                    assert_eq!(tournament.window(at(slot)), naive.all[n].2);
                    naive.all.swap_remove(n);
                    tournament.remove(at(slot));
                    let was_only = queue.remove_only();
                    assert_eq!(was_only, naive.all.is_empty());
                    if !was_only {
                        queue.remove(slot, &mut arena);
                    }
                }
            }
            now += random.below(3);
            assert_eq!(tournament.next_wakeup(), naive.next_wakeup());
            assert_eq!(tournament.next_wakeup(), queue.next_wakeup().unwrap_or(Nanos::NEVER));
            assert_eq!(queue.as_good_from(&mut arena), naive.as_good_from());
            for moment in [Nanos(now), Nanos(Nanos::NEVER.0 - 1)] {
                let first = tournament.first_due(moment).map(Slot::index);
                assert_eq!(first, naive.first_due(moment));
                assert_eq!(first, queue.first_due(moment, &mut arena));
            }
            if step % 16 == 0 {
                check(&tournament);
            }
        }
    }
}

#[test]
fn of_equal_ones_the_one_that_came_first_is_first_wherever_it_is() {
    let mut tournament = Tournament::with_capacity(64);
    let same = Window::new(Nanos(5), Nanos(9));
    for slot in 0..64 {
        tournament.insert(at(slot), Window::new(Nanos(1), Nanos(1)));
    }
    for slot in (0..64).map(|n| n * 29 % 64) {
        tournament.remove(at(slot));
        tournament.insert(at(slot), same);
    }
    for slot in (0..64).map(|n| n * 29 % 64) {
        assert_eq!(tournament.first_due(Nanos(5)), Some(at(slot)));
        tournament.change(at(slot), Window::new(Nanos(6), Nanos(9)));
    }
    assert_eq!(tournament.first_due(Nanos(6)), Some(at(0)), "a change is no arrival");
}

/// The average and the most.
fn cell(costs: &[usize]) -> std::string::String {
    let average = costs.iter().sum::<usize>() as f64 / costs.len() as f64;
    std::format!("{average:.1} ({})", costs.iter().max().unwrap_or(&0))
}

/// One place in each round at the most, and the rounds grow with the logarithm; in orders from friendly to hostile.
#[test]
fn every_operation_touches_one_place_of_a_round() {
    println!("| timers | rounds | set | cancel | fire and set anew |");
    for (count, rounds) in [(10, 2), (100, 4), (1_000, 5), (4_096, 6)] {
        let (mut sets, mut cancels, mut fires) = (Vec::new(), Vec::new(), Vec::new());
        for spread in [1, 2, count, 1 << 40] {
            let mut random = Random(spread | 1 << 33);
            let mut tournament = Tournament::with_capacity(count as usize);
            (0..count).for_each(|slot| tournament.insert(at(slot as usize), random.window(slot, spread)));
            let mut now = Nanos(0);
            let mut step = |costs: &mut Vec<usize>, act: &mut dyn FnMut(&mut Tournament)| {
                let before = tournament.clone();
                act(&mut tournament);
                costs.push(touched(&before, &tournament));
            };
            for _ in 0..200 {
                let slot = at(random.below(count) as usize);
                step(&mut cancels, &mut |it| it.remove(slot));
                step(&mut sets, &mut |it| it.insert(slot, random.window(now.0, spread)));
                step(&mut fires, &mut |it| {
                    now = now.max(it.next_wakeup());
                    if let Some(first) = it.first_due(now) {
                        it.change(first, random.window(now.0 + 1, spread));
                    }
                });
            }
            assert_eq!(tournament.height + 1, rounds);
        }
        println!("| {count} | {rounds} | {} | {} | {} |", cell(&sets), cell(&cancels), cell(&fires));
        assert!(sets.iter().chain(&cancels).all(|cost| *cost <= rounds + 1));
        assert!(fires.iter().all(|cost| *cost <= 2 * (rounds + 1)));
    }
}
