//! When the machine woke for many sleepers, from the moments at which each of them did.
//!
//! Nobody is awake just to look: the sleepers remember when they woke, to a step of [`COARSE_CLOCK`]. Whoever is woken
//! together runs one after the other, so a crowd fills one step or some in a row, and an empty step between two of them
//! says that the machine slept there.

use alloc::vec::Vec;

use nexus_abi::{COARSE_CLOCK, Nanos};

/// How long a stretch of time is looked at.
pub const STRETCH: Nanos = Nanos::from_millis(100);

/// The moments within the stretch from `begin` at which the machine woke, counted from there, in order.
pub fn of_machine(begin: Nanos, woke: impl Iterator<Item = u64>) -> Vec<Nanos> {
    let mut steps: Vec<u64> = woke.map(|moment| moment / COARSE_CLOCK.0).collect();
    steps.sort_unstable();
    // A crowd that was awake before the stretch began is none of its wake-ups, so the steps before it stay until here.
    let mut awake_until = None;
    let mut moments = Vec::new();
    for step in steps {
        let is_awake = awake_until.is_some_and(|until| step <= until + 1);
        awake_until = Some(step);
        let moment = Nanos(step * COARSE_CLOCK.0);
        if !is_awake && moment >= begin && moment < begin.after(STRETCH) {
            moments.push(moment.since(begin));
        }
    }
    moments
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGIN: Nanos = Nanos::from_millis(1_000);
    const MS: u64 = 1_000_000;

    fn moments(woke: &[u64]) -> Vec<u64> {
        of_machine(BEGIN, woke.iter().map(|after| BEGIN.0 + after)).iter().map(|it| it.0).collect()
    }

    #[test]
    fn a_crowd_is_one_wake_up_and_a_step_asleep_begins_another() {
        let step = COARSE_CLOCK.0;
        assert_eq!(moments(&[3 * step, step, step, 2 * step, 5 * step]), [step, 5 * step]);
    }

    #[test]
    fn the_stretch_has_its_begin_and_not_its_end() {
        assert_eq!(moments(&[0, 50 * MS, 100 * MS]), [0, 50 * MS]);
        let before = [BEGIN.0 - COARSE_CLOCK.0, BEGIN.0, BEGIN.0 + MS];
        assert_eq!(of_machine(BEGIN, before.into_iter()), [Nanos(MS)]);
        assert_eq!(moments(&[]), []);
    }
}
