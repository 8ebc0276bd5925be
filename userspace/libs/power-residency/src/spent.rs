//! Spans of time by idle level.

use core::ops::AddAssign;

use nexus_abi::{IdleLevel, Nanos};

/// How long a hart has been idle, by level: a counter, or what one has grown by.
///
/// ```
/// use nexus_abi::Nanos;
/// use power_residency::Idle;
///
/// let mut idle = Idle { l1: Nanos(2), l2: Nanos(5) };
/// idle += Idle { l1: Nanos(1), l2: Nanos(0) };
/// assert_eq!(idle, Idle { l1: Nanos(3), l2: Nanos(5) });
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Idle {
    /// In L1.
    pub l1: Nanos,
    /// In L2.
    pub l2: Nanos,
}

impl AddAssign for Idle {
    fn add_assign(&mut self, other: Self) {
        self.l1 = self.l1.after(other.l1);
        self.l2 = self.l2.after(other.l2);
    }
}

/// Where a span of time went.
///
/// ```
/// use nexus_abi::{IdleLevel, Nanos};
/// use power_residency::{Idle, Spent};
///
/// let spent = Spent::of_span(Nanos(9), Idle { l1: Nanos(3), l2: Nanos(3) });
/// assert_eq!(spent.at(IdleLevel::L0), Nanos(3));
/// assert_eq!(spent.percent(), [34, 33, 33]);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Spent([Nanos; IdleLevel::ALL.len()]);

impl Spent {
    /// A span with so much idleness in it: the rest went to running.
    pub const fn of_span(span: Nanos, idle: Idle) -> Self {
        Self([span.since(idle.l1).since(idle.l2), idle.l1, idle.l2])
    }

    /// What went to a level.
    pub const fn at(self, level: IdleLevel) -> Nanos {
        self.0[level as usize]
    }

    /// The length of the span.
    pub fn total(self) -> Nanos {
        self.0.into_iter().fold(Nanos(0), Nanos::after)
    }

    /// Percent by level, which add up to 100; all zero for an empty span.
    ///
    /// Each is rounded down, and what is then missing goes to those with the largest remainders, of equal ones to the
    /// shallower level.
    pub fn percent(self) -> [u8; IdleLevel::ALL.len()] {
        let total = u128::from(self.total().0);
        if total == 0 {
            return [0; IdleLevel::ALL.len()];
        }
        let hundredfold = self.0.map(|span| u128::from(span.0) * 100);
        // A part of a hundred fits into a byte.
        let mut percent = hundredfold.map(|part| (part / total) as u8);
        let mut remainders = hundredfold.map(|part| part % total);
        for _ in percent.iter().sum::<u8>()..100 {
            let largest = remainders.iter().max().copied().unwrap_or(0);
            let level = remainders.iter().position(|remainder| *remainder == largest).unwrap_or(0);
            percent[level] += 1;
            remainders[level] = 0;
        }
        percent
    }
}

impl AddAssign for Spent {
    fn add_assign(&mut self, other: Self) {
        for (mine, its) in self.0.iter_mut().zip(other.0) {
            *mine = mine.after(its);
        }
    }
}
