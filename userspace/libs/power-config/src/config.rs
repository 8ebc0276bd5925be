//! The configuration: what every library is given.

use alarm_queue::Quota;
use nexus_abi::Nanos;
use power_governor::{Costs, Hints, Percent};
use power_residency::{BUCKETS, Windows};
use wakelock::MaxHold;

use crate::keys::Key;
use crate::values::{Mistake, Values};

/// What the whole power stack runs with. There is none that breaks a rule.
///
/// ```
/// use nexus_abi::Nanos;
/// use power_config::{Key, PowerConfig, Values};
/// use power_governor::Governor;
///
/// let config = PowerConfig::try_from(&Values::DEFAULT.with(Key::FrugalHint, 100))?;
/// let mut governor = Governor::new(config.governor);
/// governor.speak();
/// assert_eq!(governor.hint(), Nanos::from_millis(20));
/// # Ok::<(), power_config::Mistake>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PowerConfig {
    /// For [`power_governor::Governor::new`].
    pub governor: power_governor::Rules,
    /// For [`wakelock::WakeLocks::new`].
    pub wakelocks: wakelock::Rules,
    /// For [`power_residency::Residency::with_windows`].
    pub residency: Windows,
    /// For [`standby::Standby::new`] and [`standby::Standby::configure`].
    pub standby: standby::Config,
    /// For [`alarm_queue::AlarmQueue::set_quota`].
    pub alarms: Quota,
    /// For whoever owns the screen.
    pub screen: Screen,
}

/// When the screen goes dim, and when off.
///
/// ```
/// use nexus_abi::Nanos;
/// use power_config::PowerConfig;
///
/// let screen = PowerConfig::default().screen;
/// assert_eq!([screen.dim, screen.timeout].map(|span| span.0 / 1_000_000_000), [30, 60]);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Screen {
    /// Off after so long without a touch.
    pub timeout: Nanos,
    /// Dim after so long: always before it goes off.
    pub dim: Nanos,
}

impl Screen {
    /// Long enough to read a page, short enough to forget the device on the table.
    pub const TIMEOUT: Nanos = Nanos::from_millis(60_000);
    /// Half of it: time to notice, and to touch.
    pub const DIM: Nanos = Nanos::from_millis(30_000);
}

impl TryFrom<&Values> for PowerConfig {
    type Error = Mistake;

    /// All of it, or the first mistake.
    fn try_from(values: &Values) -> Result<Self, Mistake> {
        match values.mistakes().next() {
            Some(mistake) => Err(mistake),
            None => Self::of_right_ones(values),
        }
    }
}

impl Default for PowerConfig {
    fn default() -> Self {
        Self {
            governor: power_governor::Rules::default(),
            wakelocks: wakelock::Rules::default(),
            residency: Windows::DEFAULT,
            standby: standby::Config::DEFAULT,
            alarms: Quota::IN_USE,
            screen: Screen { timeout: Screen::TIMEOUT, dim: Screen::DIM },
        }
    }
}

impl PowerConfig {
    /// Of values without a mistake. What the libraries check once more they blame on the key that it is about.
    fn of_right_ones(values: &Values) -> Result<Self, Mistake> {
        let wrong = |key| move || Mistake::OutOfRange(key);
        // The table keeps percentages and counts far below what their types hold.
        let percent = |key| Percent::clamped(values.get(key) as u8);
        let rings = values.get(Key::QuotaRings) as u16;
        let bucket = |key| Nanos(values.span(key).0 / BUCKETS as u64);
        let standby = standby::Config::new(
            values.get(Key::BgInactive),
            values.get(Key::TimerFloor),
            values.get(Key::Maintenance),
        );
        Ok(Self {
            governor: power_governor::Rules {
                low_enter: percent(Key::LowEnter),
                low_leave: percent(Key::LowLeave),
                hints: Hints {
                    balanced: values.span(Key::BalancedHint),
                    performance: values.span(Key::PerformanceHint),
                    frugal: values.span(Key::FrugalHint),
                },
                costs: Costs {
                    l1_exit: values.span(Key::L1Exit),
                    l2_exit: values.span(Key::L2Exit),
                    l2_after_balanced: values.span(Key::BalancedL2After),
                    l2_after_frugal: values.span(Key::FrugalL2After),
                    tick: values.span(Key::Tick),
                },
            },
            wakelocks: wakelock::Rules {
                hold_standard: MaxHold::of(values.span(Key::HoldDefault)),
                hold_max: values.span(Key::HoldMax),
                report_after: values.span(Key::ReportAfter),
                per_task: values.get(Key::LocksPerTask) as usize,
                in_all: values.get(Key::LocksInAll) as usize,
            },
            residency: Windows::new(bucket(Key::StatusWindow), bucket(Key::GraphWindow))
                .ok_or_else(wrong(Key::StatusWindow))?,
            standby: standby.map_err(|_| Mistake::OutOfRange(Key::BgInactive))?,
            alarms: Quota::new(rings, values.span(Key::QuotaWindow)).ok_or_else(wrong(Key::QuotaRings))?,
            screen: Screen { timeout: values.span(Key::ScreenTimeout), dim: values.span(Key::ScreenDim) },
        })
    }
}
