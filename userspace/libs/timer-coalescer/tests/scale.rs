//! What an operation costs: elements touched, for queues of four sizes.
//!
//! ```text
//! cargo test -p timer-coalescer --test scale -- --nocapture
//! ```

#![expect(clippy::expect_used, reason = "a helper of tests may expect like a test")]

mod machine;

use machine::Random;
use timer_coalescer::queue::{Node, Nodes, Queue, Window};

/// Elements, and how often they were touched.
struct Arena {
    nodes: Vec<Node<usize, u64>>,
    touched: u64,
}

impl Nodes for Arena {
    type Id = usize;
    type Moment = u64;

    fn node(&mut self, id: usize) -> &mut Node<usize, u64> {
        self.touched += 1;
        &mut self.nodes[id]
    }
}

/// The most that one operation touched, and how often it was done.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    most: u64,
    sum: u64,
    times: u64,
}

impl Cost {
    fn note(&mut self, arena: &mut Arena) {
        let touched = std::mem::take(&mut arena.touched);
        self.most = self.most.max(touched);
        self.sum += touched;
        self.times += 1;
    }
}

/// Costs of inserting, removing and firing while `count` elements wait, in orders from friendly to hostile.
fn costs(count: usize) -> [Cost; 3] {
    let mut random = Random::seeded(count as u64);
    let mut costs = [Cost::default(); 3];
    for spread in [0, 1, count as u64, 1 << 40] {
        let mut arena = Arena { nodes: vec![Node::new(Window::default()); count], touched: 0 };
        let mut queue = Queue::new();
        let mut now = 0;
        let window = |now: u64, random: &mut Random| {
            let earliest = now + if spread == 0 { 0 } else { random.below(spread) };
            Window::new(earliest, earliest + random.pick(&[0, 4, 8, 50]))
        };
        for id in 0..count {
            queue.insert(id, window(id as u64, &mut random), &mut arena);
            costs[0].note(&mut arena);
        }
        for round in 0..20_000 {
            if round % 2 == 0 {
                let id = random.below(count as u64) as usize;
                queue.remove(id, &mut arena);
                costs[1].note(&mut arena);
                queue.insert(id, window(now, &mut random), &mut arena);
                costs[0].note(&mut arena);
            } else if let Some(next) = queue.next_wakeup() {
                now = now.max(next);
                let id = queue.first_due(now, &mut arena).expect("a window has come to its end");
                queue.change(id, window(now + 1, &mut random), &mut arena);
                costs[2].note(&mut arena);
            }
        }
    }
    costs
}

#[test]
fn every_operation_grows_with_the_logarithm_only() {
    println!("| elements | insert | remove | fire and set anew |");
    for count in [10, 100, 1_000, 10_000] {
        let costs = costs(count);
        let cells = costs.map(|cost| format!("{} ({})", cost.sum / cost.times, cost.most));
        println!("| {count} | {} |", cells.join(" | "));
        // In each of two trees one path is walked down, which is at most half as long again as the logarithm, and
        // repaired upwards; where levels are exchanged, neighbours are touched too. The rest is the element itself.
        let bound = 2 * (2 * 3 + 1) * (u64::from(count.ilog2()) + 1) + 8;
        assert!(costs[..2].iter().all(|cost| cost.most <= bound), "{count}: {costs:?}");
        assert!(costs[2].most <= 2 * bound, "{count}: {costs:?}");
    }
}
