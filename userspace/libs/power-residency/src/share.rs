//! Handing out the idleness of a span, piece by piece.

use nexus_abi::Nanos;

use crate::spent::Idle;

/// A span with idleness that is still to be handed out. Never more idleness than span.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rest {
    span: u64,
    idle: Idle,
}

impl Rest {
    /// As much of `idle` as fits into `span`, L1 first.
    pub fn fitting(span: Nanos, idle: Idle) -> Self {
        let l1 = idle.l1.min(span);
        let l2 = idle.l2.min(span.since(l1));
        Self { span: span.0, idle: Idle { l1, l2 } }
    }

    /// The idleness left.
    pub const fn idle(&self) -> Idle {
        self.idle
    }

    /// Takes the next `span`, at most what is left, with its part of the idleness.
    ///
    /// L1 gets its part of the span, L2 its part of what L1 left of both. Rounding each down keeps three things: no
    /// part exceeds what is left of it, the parts fit into the span, and what is left fits into what is left of it.
    pub fn take(&mut self, span: Nanos) -> Idle {
        let l1 = part(self.idle.l1.0, span.0, self.span);
        let l2 = part(self.idle.l2.0, span.0 - l1, self.span - self.idle.l1.0);
        let taken = Idle { l1: Nanos(l1), l2: Nanos(l2) };
        self.span -= span.0;
        self.idle = Idle { l1: self.idle.l1.since(taken.l1), l2: self.idle.l2.since(taken.l2) };
        taken
    }
}

/// `amount · of / whole`, rounded down; zero of nothing.
fn part(amount: u64, of: u64, whole: u64) -> u64 {
    let product = u128::from(amount) * u128::from(of);
    // No more than `amount`, because `of` is no more than `whole`.
    product.checked_div(u128::from(whole)).unwrap_or(0) as u64
}
