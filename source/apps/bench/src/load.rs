//! What many sleepers are told, and what they tell: the words of their messages.

use nexus_abi::Nanos;

/// The words of a message.
type Words = [u64; 8];

/// Who wakes them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// timed.
    Timed,
    /// The deadline of a wait in the kernel.
    Kernel,
}

/// What a sleeper shall do; spans and moments in nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Order {
    /// The end of its first sleep.
    pub first: u64,
    /// From the end of one sleep to that of the next.
    pub period: u64,
    /// How often.
    pub turns: u64,
    /// How late it may wake.
    pub window: u64,
    /// What it asks for beyond its class.
    pub late_by: u64,
    /// In which class.
    pub class: u64,
    /// By whom.
    pub way: Way,
}

impl Order {
    /// As words.
    pub const fn to_words(self) -> Words {
        let Self { first, period, turns, window, late_by, class, way } = self;
        [first, period, turns, window, late_by, class, matches!(way, Way::Kernel) as u64, 0]
    }

    /// From words.
    pub const fn from_words(words: Words) -> Option<Self> {
        let [first, period, turns, window, late_by, class, way, _] = words;
        let way = match way {
            0 => Way::Timed,
            1 => Way::Kernel,
            _ => return None,
        };
        Some(Self { first, period, turns, window, late_by, class, way })
    }
}

/// Wake-ups at its end that a report still knows.
pub const LAST: usize = 4;

/// How early and how late it woke, and when it did last, by its own clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Report {
    /// Times it woke before the moment.
    pub early: u64,
    /// Times it woke after the window.
    pub late: u64,
    /// The latest, after the moment.
    pub worst: u64,
    /// The moments of its last wake-ups.
    pub last: [u64; LAST],
}

impl Report {
    /// It woke once more.
    pub fn note(&mut self, due: Nanos, woke: Nanos, window: Nanos) {
        let late = woke.since(due);
        self.early += u64::from(woke < due);
        self.late += u64::from(late > window);
        self.worst = self.worst.max(late.0);
    }

    /// As words.
    pub const fn to_words(self) -> Words {
        let [a, b, c, d] = self.last;
        [self.early, self.late, self.worst, a, b, c, d, 0]
    }

    /// From words.
    pub const fn from_words(words: Words) -> Self {
        let [early, late, worst, a, b, c, d, _] = words;
        Self { early, late, worst, last: [a, b, c, d] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_and_reports_come_out_of_their_words_as_they_went_in() {
        for way in [Way::Timed, Way::Kernel] {
            let order = Order { first: 1, period: 2, turns: 3, window: 4, late_by: 5, class: 1, way };
            assert_eq!(Order::from_words(order.to_words()), Some(order));
        }
        assert_eq!(Order::from_words([2; 8]), None);
        let report = Report { early: 1, late: 2, worst: 3, last: [4, 5, 6, 7] };
        assert_eq!(Report::from_words(report.to_words()), report);
    }

    #[test]
    fn the_ends_of_a_window_belong_to_it() {
        let mut report = Report::default();
        for woke in [99, 100, 104, 105] {
            report.note(Nanos(100), Nanos(woke), Nanos(4));
        }
        assert_eq!(report, Report { early: 1, late: 1, worst: 5, last: [0; LAST] });
    }
}
