//! The table of keys.

use core::fmt;

use alarm_queue::{Quota, RINGS_MAX};
use nexus_abi::Nanos;
use power_governor::{Costs, Hints, Percent, Rules as Governor};
use power_residency::{Range, Windows};
use standby::Config as Standby;
use timer_coalescer::compose::HINT_MAX;
use wakelock::{LOCKS_MAX, LOCKS_PER_TASK, Rules as WakeLocks};

use crate::config::Screen;

/// A number that a person may change. The order is that of [`KEYS`].
///
/// ```
/// use power_config::Key;
///
/// assert_eq!(Key::named("standby", "bg_inactive_min"), Some(Key::BgInactive));
/// assert_eq!(Key::BgInactive.to_string(), "standby.bg_inactive_min");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[expect(missing_docs, reason = "each is explained in its row of the table, for people too")]
pub enum Key {
    BalancedHint,
    BalancedL2After,
    PerformanceHint,
    FrugalHint,
    FrugalL2After,
    L1Exit,
    L2Exit,
    Tick,
    LowEnter,
    LowLeave,
    HoldDefault,
    HoldMax,
    ReportAfter,
    LocksPerTask,
    LocksInAll,
    StatusWindow,
    GraphWindow,
    BgInactive,
    TimerFloor,
    Maintenance,
    QuotaRings,
    QuotaWindow,
    ScreenTimeout,
    ScreenDim,
}

/// What a key counts. The name of a key ends in it.
///
/// ```
/// use nexus_abi::Nanos;
/// use power_config::Unit;
///
/// assert_eq!(Unit::Minutes.span(2), Nanos::from_millis(120_000));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Unit {
    /// Millionths of a second.
    Micros,
    /// Thousandths of a second.
    Millis,
    /// Seconds.
    Seconds,
    /// Minutes.
    Minutes,
    /// Parts of a hundred.
    Percent,
    /// Things.
    Count,
}

impl Unit {
    /// So many of a unit of time; what is no time is taken as nanoseconds, so that it can be compared.
    pub const fn span(self, value: u32) -> Nanos {
        Nanos(value as u64 * self.nanos())
    }

    /// How many of it a span is, for defaults: exact, or it is not a default.
    const fn of(self, span: Nanos) -> u32 {
        assert!(span.0.is_multiple_of(self.nanos()) && span.0 / self.nanos() <= u32::MAX as u64);
        (span.0 / self.nanos()) as u32
    }

    const fn nanos(self) -> u64 {
        match self {
            Self::Micros => 1_000,
            Self::Millis => 1_000_000,
            Self::Seconds => 1_000_000_000,
            Self::Minutes => 60_000_000_000,
            Self::Percent | Self::Count => 1,
        }
    }
}

/// A row of the table.
///
/// ```
/// use power_config::Key;
///
/// let entry = Key::ScreenTimeout.entry();
/// assert_eq!((entry.section, entry.name), ("screen", "timeout_s"));
/// assert_eq!((entry.min, entry.max, entry.default), (15, 1800, 60));
/// assert!(entry.allows(15) && !entry.allows(14));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Which.
    pub key: Key,
    /// The table of the recipe that it stands in.
    pub section: &'static str,
    /// Its name there.
    pub name: &'static str,
    /// What it counts.
    pub unit: Unit,
    /// The least that is allowed.
    pub min: u32,
    /// The most.
    pub max: u32,
    /// Only multiples of this.
    pub step: u32,
    /// What holds without it.
    pub default: u32,
    /// What it says, for people.
    pub meaning: &'static str,
}

impl Entry {
    /// True for a value that the key may have.
    pub const fn allows(&self, value: u32) -> bool {
        self.min <= value && value <= self.max && value.is_multiple_of(self.step)
    }

    /// The same as a sentence's end, for people.
    pub const fn allowed(&self) -> impl fmt::Display {
        Allowed(*self)
    }
}

struct Allowed(Entry);

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(Entry { min, max, step, .. }) = *self;
        write!(f, "a number from {min} to {max}")?;
        if step > 1 { write!(f, ", a multiple of {step}") } else { Ok(()) }
    }
}

impl Key {
    /// Its row.
    pub const fn entry(self) -> &'static Entry {
        &KEYS[self as usize]
    }

    /// The key of this name, if there is one.
    pub fn named(section: &str, name: &str) -> Option<Self> {
        let found = KEYS.iter().find(|entry| entry.section == section && entry.name == name);
        found.map(|entry| entry.key)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Entry { section, name, .. } = self.entry();
        write!(f, "{section}.{name}")
    }
}

/// The tables of the recipe, in their order, and what each is about.
pub const SECTIONS: [(&str, &str); 10] = [
    ("balanced", "The mode of a device that nobody has told otherwise."),
    ("performance", "The mode for speed. Harts go no deeper than L1 in it."),
    ("frugal", "The mode for endurance; a low battery and heat choose it too."),
    ("idle", "What idle levels cost, and how coarsely deep idle keeps time."),
    ("battery", "When a battery is low."),
    ("wakelocks", "How long the machine may be kept awake, and by how many."),
    ("residency", "Over how much time idle levels are summed up."),
    ("standby", "When an app that nobody uses is held back, and how."),
    ("alarms", "How often an app may be rung for."),
    ("screen", "What a person finds as the settings of the screen."),
];

/// Every key.
pub const KEYS: [Entry; 24] = [
    row(Key::BalancedHint, "balanced", "hint_ms", Unit::Millis)
        .range(0, Unit::Millis.of(HINT_MAX), Unit::Millis.of(Hints::BALANCED))
        .says("how much later than asked for an ordinary timer may fire"),
    row(Key::BalancedL2After, "balanced", "l2_after_ms", Unit::Millis)
        .range(1, 10_000, Unit::Millis.of(Costs::L2_AFTER_BALANCED))
        .says("expected idleness from which on a hart goes to deep idle"),
    row(Key::PerformanceHint, "performance", "hint_ms", Unit::Millis)
        .range(0, Unit::Millis.of(HINT_MAX), Unit::Millis.of(Hints::PERFORMANCE))
        .says("how much later than asked for an ordinary timer may fire; harts never go to deep idle"),
    row(Key::FrugalHint, "frugal", "hint_ms", Unit::Millis)
        .range(0, Unit::Millis.of(HINT_MAX), Unit::Millis.of(Hints::FRUGAL))
        .says("how much later than asked for an ordinary timer may fire"),
    row(Key::FrugalL2After, "frugal", "l2_after_ms", Unit::Millis)
        .range(1, 10_000, Unit::Millis.of(Costs::L2_AFTER_FRUGAL))
        .says("expected idleness from which on a hart goes to deep idle"),
    row(Key::L1Exit, "idle", "l1_exit_us", Unit::Micros)
        .range(0, 1_000, Unit::Micros.of(Costs::L1_EXIT))
        .says("what leaving L1 takes: who cannot wait so long keeps harts out of it"),
    row(Key::L2Exit, "idle", "l2_exit_us", Unit::Micros)
        .range(0, 100_000, Unit::Micros.of(Costs::L2_EXIT))
        .says("what leaving deep idle is stated to take: it is simulated"),
    row(Key::Tick, "idle", "tick_ms", Unit::Millis)
        .range(50, 1_000, Unit::Millis.of(Costs::TICK))
        .every(50)
        .says("ordinary wake-ups of a hart in deep idle wait for the next multiple of this"),
    row(Key::LowEnter, "battery", "low_enter_percent", Unit::Percent)
        .range(0, 99, Governor::LOW_ENTER.get() as u32)
        .says("a discharging battery at or below this is low, which makes the mode frugal"),
    row(Key::LowLeave, "battery", "low_leave_percent", Unit::Percent)
        .range(1, Percent::FULL.get() as u32, Governor::LOW_LEAVE.get() as u32)
        .says("a low battery at or above this is low no longer"),
    row(Key::HoldDefault, "wakelocks", "hold_default_s", Unit::Seconds)
        .range(1, 86_400, Unit::Seconds.of(WakeLocks::HOLD_STANDARD.span()))
        .says("how long a wake lock is held at most whose holder does not say"),
    row(Key::HoldMax, "wakelocks", "hold_max_s", Unit::Seconds)
        .range(1, 86_400, Unit::Seconds.of(WakeLocks::HOLD_MAX))
        .says("the longest hold that needs no rule in `policies/`"),
    row(Key::ReportAfter, "wakelocks", "report_after_s", Unit::Seconds)
        .range(1, 86_400, Unit::Seconds.of(WakeLocks::REPORT_AFTER))
        .says("a wake lock that counts for longer while its app is in background is reported"),
    row(Key::LocksPerTask, "wakelocks", "per_task", Unit::Count)
        .range(1, LOCKS_PER_TASK as u32, LOCKS_PER_TASK as u32)
        .says("most wake locks of one task"),
    row(Key::LocksInAll, "wakelocks", "in_all", Unit::Count)
        .range(1, LOCKS_MAX as u32, LOCKS_MAX as u32)
        .says("most wake locks at once"),
    row(Key::StatusWindow, "residency", "status_window_s", Unit::Seconds)
        .range(6, 600, Unit::Seconds.of(Windows::DEFAULT.length(Range::Status)))
        .every(6)
        .says("the time over which idle levels are summed up, in 60 buckets"),
    row(Key::GraphWindow, "residency", "graph_window_s", Unit::Seconds)
        .range(6, 3_600, Unit::Seconds.of(Windows::DEFAULT.length(Range::Graph)))
        .every(6)
        .says("the time that the graph shows, in 60 buckets"),
    row(Key::BgInactive, "standby", "bg_inactive_min", Unit::Minutes)
        .range(
            *standby::BG_INACTIVE_MIN.start(),
            *standby::BG_INACTIVE_MIN.end(),
            Unit::Minutes.of(Standby::DEFAULT.bg_inactive()),
        )
        .says("an app in background that nothing exempts and nobody uses for this long enters standby"),
    row(Key::TimerFloor, "standby", "timer_floor_ms", Unit::Millis)
        .range(
            *standby::TIMER_FLOOR_MS.start(),
            *standby::TIMER_FLOOR_MS.end(),
            Unit::Millis.of(Standby::DEFAULT.hold().floor()),
        )
        .says("the shortest delay of a timer of an app in standby"),
    row(Key::Maintenance, "standby", "maintenance_min", Unit::Minutes)
        .range(
            *standby::MAINTENANCE_MIN.start(),
            *standby::MAINTENANCE_MIN.end(),
            Unit::Minutes.of(Standby::DEFAULT.hold().window_every()),
        )
        .says("the time between two moments at which held timers of all apps in standby come out together"),
    row(Key::QuotaRings, "alarms", "quota_rings", Unit::Count)
        .range(1, RINGS_MAX as u32, Quota::IN_USE.rings() as u32)
        .says("how often an app may be rung for in `quota_window_s`, alarm clocks apart"),
    row(Key::QuotaWindow, "alarms", "quota_window_s", Unit::Seconds)
        .range(1, 86_400, Unit::Seconds.of(Quota::IN_USE.window()))
        .says("the time in which rings are counted"),
    row(Key::ScreenTimeout, "screen", "timeout_s", Unit::Seconds)
        .range(15, 1_800, Unit::Seconds.of(Screen::TIMEOUT))
        .says("the screen goes off when nobody has touched it for so long"),
    row(Key::ScreenDim, "screen", "dim_s", Unit::Seconds)
        .range(5, 600, Unit::Seconds.of(Screen::DIM))
        .says("the screen goes dim when nobody has touched it for so long"),
];

const fn row(key: Key, section: &'static str, name: &'static str, unit: Unit) -> Entry {
    Entry { key, section, name, unit, min: 0, max: 0, step: 1, default: 0, meaning: "" }
}

impl Entry {
    const fn range(self, min: u32, max: u32, default: u32) -> Self {
        Self { min, max, default, ..self }
    }

    const fn every(self, step: u32) -> Self {
        Self { step, ..self }
    }

    const fn says(self, meaning: &'static str) -> Self {
        Self { meaning, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table is made when this is compiled; what it is made with holds when it runs, too.
    #[test]
    fn a_row_says_what_it_was_made_of() {
        let made =
            row(Key::Tick, "idle", "tick_ms", Unit::Millis).range(50, 1_000, 100).every(50).says("why");
        let expected = Entry {
            key: Key::Tick,
            section: "idle",
            name: "tick_ms",
            unit: Unit::Millis,
            min: 50,
            max: 1_000,
            step: 50,
            default: 100,
            meaning: "why",
        };
        assert_eq!(made, expected);
        assert_eq!(row(Key::Tick, "idle", "tick_ms", Unit::Millis).range(0, 3, 1).step, 1);
    }

    #[test]
    fn a_default_is_counted_in_its_unit() {
        assert_eq!(Unit::Millis.of(Nanos::from_millis(7)), 7);
        assert_eq!(Unit::Minutes.of(Nanos::from_millis(120_000)), 2);
    }

    #[test]
    #[should_panic(expected = "assertion failed")]
    fn a_default_that_is_no_whole_number_of_its_unit_is_none() {
        Unit::Seconds.of(Nanos::from_millis(1_500));
    }

    #[test]
    #[should_panic(expected = "assertion failed")]
    fn a_default_that_is_too_long_to_be_written_is_none() {
        Unit::Micros.of(Nanos::from_millis(u64::from(u32::MAX)));
    }
}
