//! What time it is for people: an anchor, and the monotonic clock since.

use nexus_abi::Nanos;

/// The wall clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WallClock {
    /// A moment, and what time it was then; none if nobody knows.
    anchor: Option<(Nanos, u64)>,
}

impl WallClock {
    pub(crate) const fn new(wall_ns: Option<u64>, now: Nanos) -> Self {
        match wall_ns {
            None => Self { anchor: None },
            Some(wall_ns) => Self { anchor: Some((now, wall_ns)) },
        }
    }

    /// Nanoseconds since 1970.
    pub(crate) fn at(&self, moment: Nanos) -> Option<u64> {
        self.anchor.map(|(anchor, wall)| match moment >= anchor {
            true => wall.saturating_add(moment.since(anchor).0),
            false => wall.saturating_sub(anchor.since(moment).0),
        })
    }
}
