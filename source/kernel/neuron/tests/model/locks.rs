//! The lock: harts that find it taken sleep until it is given back.
#![expect(unsafe_code, reason = "loom's cells hand out pointers")]

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

use crate::smp;
use crate::sync::Lock;

/// `harts` harts count to `each` together, one step at a time under the lock.
fn everybody_gets_in_alone(harts: usize, each: usize) {
    let lock = Arc::new(Lock::<UnsafeCell<usize>, 0>::new(UnsafeCell::new(0)));
    drop(lock.lock());
    let work = move |hart: usize, lock: &Lock<UnsafeCell<usize>, 0>| {
        smp::become_hart(hart);
        for _ in 0..each {
            // SAFETY: loom checks that nobody else is here.
            lock.lock().with_mut(|count| unsafe { *count += 1 });
        }
    };
    let threads: Vec<_> = (1..harts)
        .map(|hart| {
            let lock = Arc::clone(&lock);
            thread::spawn(move || work(hart, &lock))
        })
        .collect();
    work(0, &lock);
    for thread in threads {
        thread.join().unwrap();
    }
    // SAFETY: the others are gone.
    assert_eq!(lock.lock().with(|count| unsafe { *count }), harts * each);
}

#[test]
fn two_harts_exclude_each_other_and_no_sleeper_is_forgotten() {
    crate::check(|| everybody_gets_in_alone(2, 2));
}

#[test]
fn three_harts_exclude_each_other_and_no_sleeper_is_forgotten() {
    crate::check(|| everybody_gets_in_alone(3, 1));
}
