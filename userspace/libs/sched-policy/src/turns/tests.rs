//! The queue against a plain model: a vector per class.

extern crate std;

use std::collections::VecDeque;
use std::vec;
use std::vec::Vec;

use super::*;

struct Arena(Vec<Option<usize>>);

impl Links<usize> for Arena {
    fn next(&self, id: usize) -> Option<usize> {
        self.0[id]
    }
    fn set_next(&mut self, id: usize, next: Option<usize>) {
        self.0[id] = next;
    }
}

fn arena() -> Arena {
    Arena(vec![None; 64])
}

#[test]
fn a_higher_class_runs_first_and_a_class_in_order_of_arrival() {
    let (mut queue, mut links) = (RunQueue::new(), arena());
    queue.push_back(QosClass::Normal, 1, &mut links);
    queue.push_back(QosClass::Idle, 2, &mut links);
    queue.push_back(QosClass::PerfBurst, 3, &mut links);
    queue.push_back(QosClass::Normal, 4, &mut links);
    let order: Vec<_> = core::iter::from_fn(|| queue.pop(&links)).collect();
    assert_eq!(order, [3, 1, 4, 2]);
    assert!(queue.is_empty());
}

#[test]
fn a_preempted_task_keeps_its_turn() {
    let (mut queue, mut links) = (RunQueue::new(), arena());
    queue.push_back(QosClass::Normal, 1, &mut links);
    queue.push_front(QosClass::Normal, 2, &mut links);
    assert_eq!(queue.pop(&links), Some(2));
    assert_eq!(queue.pop(&links), Some(1));
}

#[test]
fn surplus_is_the_last_of_the_highest_class_the_taker_may_run() {
    let (mut queue, mut links) = (RunQueue::new(), arena());
    for id in [1, 2, 3] {
        queue.push_back(QosClass::Interactive, id, &mut links);
    }
    queue.push_back(QosClass::Normal, 4, &mut links);
    assert_eq!(queue.take_surplus(16, &mut links, |id| id != 3), Some(2));
    assert_eq!(queue.take_surplus(16, &mut links, |id| id == 4), Some(4));
    assert_eq!(queue.take_surplus(16, &mut links, |_| false), None);
    assert_eq!(queue.take_surplus(1, &mut links, |id| id == 3), None, "the bound holds");
    assert_eq!([queue.pop(&links), queue.pop(&links), queue.pop(&links)], [Some(1), Some(3), None]);
}

/// 200,000 random operations, each compared with the model; the seed is fixed, so a failure repeats.
#[test]
fn random_operations_match_the_model() {
    let (mut queue, mut links) = (RunQueue::new(), arena());
    let mut model: [VecDeque<usize>; CLASSES] = Default::default();
    let mut free: Vec<usize> = (0..64).collect();
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move |bound: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % bound as u64) as usize
    };
    for _ in 0..200_000 {
        let class = QosClass::ALL[random(CLASSES)];
        match random(5) {
            4 if !model[class as usize].is_empty() && !free.is_empty() => {
                let id = free.swap_remove(random(free.len()));
                model[class as usize].push_back(id);
                let expected = model[class as usize].pop_front();
                assert_eq!(queue.rotate(class, id, &mut links), expected);
                free.extend(expected);
            }
            0 | 1 if !free.is_empty() => {
                let id = free.swap_remove(random(free.len()));
                if random(2) == 0 {
                    queue.push_back(class, id, &mut links);
                    model[class as usize].push_back(id);
                } else {
                    queue.push_front(class, id, &mut links);
                    model[class as usize].push_front(id);
                }
            }
            2 => {
                let expected = model.iter_mut().rev().find_map(VecDeque::pop_front);
                assert_eq!(queue.pop(&links), expected);
                free.extend(expected);
            }
            _ => {
                let parity = random(2);
                let expected = model.iter_mut().rev().find_map(|fifo| {
                    let at = fifo.iter().rposition(|id| id % 2 == parity)?;
                    fifo.remove(at)
                });
                assert_eq!(queue.take_surplus(64, &mut links, |id| id % 2 == parity), expected);
                free.extend(expected);
            }
        }
        assert_eq!(queue.len(), model.iter().map(VecDeque::len).sum::<usize>());
        let highest = QosClass::ALL.into_iter().rev().find(|c| !model[*c as usize].is_empty());
        assert_eq!(queue.highest(), highest);
    }
}
