//! Measuring: batches of operations against the virtual clock, one instruction a nanosecond.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Display;

use nexus_abi::Error;
use nexus_abi::user;

/// Batches that count; one more runs first to warm up.
const BATCHES: usize = 9;

/// Why something could not be measured.
pub type Trouble = String;

/// Says what was being done when the kernel refused.
pub trait During<T> {
    /// The value, or what failed.
    fn during(self, what: impl Display) -> Result<T, Trouble>;
}

impl<T> During<T> for Result<T, Error> {
    fn during(self, what: impl Display) -> Result<T, Trouble> {
        self.map_err(|error| alloc::format!("{what}: {error}"))
    }
}

/// Prints a row of `count` operations per batch, each of which is `parts` of what the row names.
pub fn row(
    id: &str,
    count: u64,
    parts: u64,
    mut batch: impl FnMut(u64) -> Result<u64, Trouble>,
) -> Result<(), Trouble> {
    let mut per_operation = Vec::new();
    for n in 0..=BATCHES {
        let spent = batch(count)?;
        if n > 0 {
            per_operation.push(spent.div_ceil(count * parts));
        }
    }
    per_operation.sort_unstable();
    print(id, "instr", count, &per_operation);
    Ok(())
}

/// Times `count` repetitions of `operation`.
pub fn time(count: u64, mut operation: impl FnMut() -> Result<(), Trouble>) -> Result<u64, Trouble> {
    let start = user::clock_now();
    for _ in 0..count {
        operation()?;
    }
    Ok(user::clock_now().since(start).0)
}

/// Prints a figure that is known exactly.
pub fn exact(id: &str, unit: &str, value: u64) {
    print(id, unit, 1, &[value]);
}

/// Prints a row of which the least, the middle and the greatest of `count` samples are known.
pub fn spread(id: &str, count: u64, figures: [u64; 3]) {
    print(id, "instr", count, &figures);
}

fn print(id: &str, unit: &str, count: u64, sorted: &[u64]) {
    let (Some(min), Some(med), Some(max)) = (sorted.first(), sorted.get(sorted.len() / 2), sorted.last())
    else {
        return;
    };
    nexus_rt::log!("R {id} unit={unit} n={count} min={min} med={med} max={max}");
}
