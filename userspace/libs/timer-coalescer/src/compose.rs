//! How late a timer may be: the one place where class, governor, standby and alarm clocks meet.
//!
//! 1. An alarm-clock alarm fires at its moment, whatever else holds.
//! 2. A standby floor lengthens a delay that is shorter than it.
//! 3. PerfBurst and Interactive have the window of their class.
//! 4. Normal and Idle have the window of their class or the governor's hint, whichever is longer; of the hint no more
//!    than the delay, so that the governor at most doubles a wait.
//! 5. Who asks for a wider window gets it; a narrower one is not to be had.

use nexus_abi::{Nanos, QosClass};

/// Longest hint of a governor: what is later than this looks broken, however much it saves.
pub const HINT_MAX: Nanos = Nanos::from_millis(1_000);

/// The window that comes with a class.
///
/// Zero where milliseconds are the work itself; for what a person waits for, less than a sixteenth of a frame; for
/// the rest no more than a turn of the scheduler or two.
pub const fn class_window(class: QosClass) -> Nanos {
    match class {
        QosClass::PerfBurst => Nanos(0),
        QosClass::Interactive => Nanos::from_millis(1),
        QosClass::Normal => Nanos::from_millis(4),
        QosClass::Idle => Nanos::from_millis(8),
    }
}

/// What a timer is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Tier {
    /// Anything.
    #[default]
    Ordinary,
    /// Somebody wants to be woken by it.
    AlarmClock,
}

/// What is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Terms {
    /// The class of the task that asks.
    pub class: QosClass,
    /// What the timer is for.
    pub tier: Tier,
    /// How long it shall wait.
    pub delay: Nanos,
    /// How late it may be at least as far as the task is concerned; zero is no wish.
    pub wish: Nanos,
}

/// What holds for the moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Regime {
    /// The governor's hint.
    pub hint: Nanos,
    /// The standby floor of the task that asks; zero is none.
    pub floor: Nanos,
}

/// What is promised: it fires after the delay, and at most the window later.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Promise {
    /// How long it waits.
    pub delay: Nanos,
    /// How late it may be.
    pub window: Nanos,
}

/// The promise. O(1).
#[inline]
pub fn compose(terms: Terms, regime: Regime) -> Promise {
    let Terms { class, tier, delay, wish } = terms;
    if tier == Tier::AlarmClock {
        return Promise { delay, window: Nanos(0) };
    }
    let delay = delay.max(regime.floor);
    let base = class_window(class);
    let window = match class {
        QosClass::PerfBurst | QosClass::Interactive => base,
        QosClass::Normal | QosClass::Idle => base.max(regime.hint.min(delay)),
    };
    Promise { delay, window: window.max(wish) }
}
