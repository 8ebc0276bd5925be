//! Which windows there are, and how long.

use nexus_abi::Nanos;

use crate::BUCKETS;

/// Which of the two windows.
///
/// ```
/// use nexus_abi::Nanos;
/// use power_residency::{Range, Windows};
///
/// assert_eq!(Windows::DEFAULT.length(Range::Status), Nanos::from_millis(60_000));
/// assert_eq!(Windows::DEFAULT.bucket(Range::Graph), Nanos::from_millis(10_000));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Range {
    /// The short one: how the machine is doing.
    Status,
    /// The long one: the graph.
    Graph,
}

/// How wide the buckets of each window are.
///
/// ```
/// use nexus_abi::Nanos;
/// use power_residency::Windows;
///
/// let ms = Nanos::from_millis;
/// assert_eq!(Windows::new(ms(1_000), ms(10_000)), Some(Windows::DEFAULT));
/// assert_eq!(Windows::new(ms(1_000), ms(2_500)), None, "no number of buckets makes one of the other");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Windows {
    status: Nanos,
    graph: Nanos,
}

impl Windows {
    /// A minute, in seconds, and ten minutes.
    pub const DEFAULT: Self = Self { status: Nanos::from_millis(1_000), graph: Nanos::from_millis(10_000) };

    /// Buckets of these widths: those of the graph a multiple of the others, so that every end of one is an end of both.
    pub const fn new(status: Nanos, graph: Nanos) -> Option<Self> {
        let fits = status.0 > 0 && graph.0 > 0 && graph.0.is_multiple_of(status.0);
        if fits { Some(Self { status, graph }) } else { None }
    }

    /// The width of a bucket.
    pub const fn bucket(&self, range: Range) -> Nanos {
        match range {
            Range::Status => self.status,
            Range::Graph => self.graph,
        }
    }

    /// The length of the window once enough time has passed.
    pub const fn length(&self, range: Range) -> Nanos {
        Nanos(self.bucket(range).0.saturating_mul(BUCKETS as u64))
    }
}
