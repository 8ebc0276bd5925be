//! What one timer was asked to do, and where it stands.
//!
//! ```text
//!   since          due, first of the grid      due + period             due + 2 periods
//!     ├──── delay ────┤- window -)───── period ────┤- window -)──────────────┤- window -)
//!     ├──────────── floor ────────────┤            ▲ the first of the grid that the floor allows
//! ```
//!
//! Every occurrence of a periodic timer is a whole number of periods after the first, whenever the earlier ones fired
//! and whatever the floor was: nothing adds up.

use core::num::NonZeroU64;

use nexus_abi::{Error, Nanos, QosClass};

use crate::compose::{Promise, Regime, Terms, Tier, compose};
use crate::queue::Window;

/// The span between two occurrences. Never zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(transparent)]
pub struct Period(NonZeroU64);

impl Period {
    /// A period of this span; zero is refused, because it would never let go.
    pub const fn new(span: Nanos) -> Result<Self, Error> {
        match NonZeroU64::new(span.0) {
            None => Err(Error::Invalid),
            Some(span) => Ok(Self(span)),
        }
    }

    /// The span.
    pub const fn span(self) -> Nanos {
        Nanos(self.0.get())
    }
}

/// What a timer is asked to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ask {
    /// When it shall fire first. A moment that has passed is now; [`Nanos::NEVER`] does not come.
    pub due: Nanos,
    /// When it shall fire after that, if it shall.
    pub period: Option<Period>,
    /// How late it may be as far as the task is concerned; zero is no wish. With [`Nanos::NEVER`] it waits until
    /// the machine is awake for another reason.
    pub wish: Nanos,
    /// What it is for.
    pub tier: Tier,
}

impl Ask {
    /// Once, at this moment, with no wish.
    pub const fn at(due: Nanos) -> Self {
        Self { due, period: None, wish: Nanos(0), tier: Tier::Ordinary }
    }

    /// First at the same moment, then every period.
    pub const fn every(self, period: Period) -> Self {
        Self { period: Some(period), ..self }
    }

    /// As late as this.
    pub const fn late_by(self, wish: Nanos) -> Self {
        Self { wish, ..self }
    }

    /// As an alarm clock.
    pub const fn as_alarm_clock(self) -> Self {
        Self { tier: Tier::AlarmClock, ..self }
    }
}

/// The course of a timer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Course {
    /// The first occurrence that has not been reported.
    pub(crate) due: Nanos,
    pub(crate) period: Option<Period>,
    /// As asked.
    wish: Nanos,
    /// How long that occurrence is asked to wait.
    delay: Nanos,
    /// From when on a floor counts.
    since: Nanos,
    pub(crate) class: QosClass,
    tier: Tier,
}

impl Course {
    /// Field by field: a copy of what was asked with its padding would be one byte by byte.
    #[inline]
    pub(crate) const fn new(class: QosClass, ask: Ask, now: Nanos) -> Self {
        let Ask { due, period, wish, tier } = ask;
        Self { due, period, wish, delay: due.since(now), since: now, class, tier }
    }

    /// What was asked, from that occurrence on.
    pub(crate) const fn ask(&self) -> Ask {
        Ask { due: self.due, period: self.period, wish: self.wish, tier: self.tier }
    }

    /// When it may and must fire.
    #[inline]
    pub(crate) fn window(&self, regime: Regime) -> Window<Nanos> {
        let terms = Terms { class: self.class, tier: self.tier, delay: self.delay, wish: self.wish };
        let Promise { delay, window } = compose(terms, regime);
        let earliest = if delay > self.delay { self.not_before(self.since.after(delay)) } else { self.due };
        Window::new(earliest, earliest.after(window))
    }

    /// The first moment it is due, from `moment` on.
    #[cold]
    fn not_before(&self, moment: Nanos) -> Nanos {
        let due = self.due;
        match self.period {
            None => due.max(moment),
            Some(period) => {
                let steps = moment.since(due).0.div_ceil(period.span().0);
                due.after(Nanos(steps.saturating_mul(period.span().0)))
            }
        }
    }

    /// It fires at `now`, not before `earliest` of its window: how many occurrences that covers. A periodic one goes
    /// on to the first occurrence after `now`.
    pub(crate) fn fire(&mut self, earliest: Nanos, now: Nanos) -> u64 {
        let Some(period) = self.period.map(Period::span) else { return 1 };
        let times = now.since(self.due).0 / period.0 + 1;
        self.due = self.due.after(Nanos(times.saturating_mul(period.0)));
        (self.delay, self.since) = (period, earliest);
        times
    }
}
