//! Many runs over all cores: results come in the order of the jobs, whoever did which.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many threads pay on this machine.
pub fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Does `jobs` jobs on `threads` threads. `done` hears of each that is done, as it is.
pub fn many<T: Send>(
    jobs: usize,
    threads: usize,
    done: impl Fn() + Sync,
    job: impl Fn(usize) -> T + Sync,
) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, jobs.max(1)) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= jobs {
                        return;
                    }
                    let result = job(number);
                    // A thread that has panicked ends the scope anyway.
                    results.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push((number, result));
                    done();
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    results.sort_by_key(|(number, _)| *number);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_jobs() {
        for threads in [0, 1, 2, 7] {
            let done = AtomicUsize::new(0);
            let count = || {
                done.fetch_add(1, Ordering::Relaxed);
            };
            let squares: Vec<usize> = (0..50).map(|number| number * number).collect();
            assert_eq!(many(50, threads, count, |number| number * number), squares);
            assert_eq!(done.into_inner(), 50);
        }
        assert!(many(0, 4, || (), |number| number).is_empty());
    }
}
