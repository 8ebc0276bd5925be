//! What an alarm is, who may set which, and why one is refused.

use core::fmt;

use heapless::String;
use nexus_abi::Nanos;
use nexus_abi::info::NAME_MAX;

use crate::repeat::Weekly;
use crate::zone::Wall;

/// Longest label, in bytes: a line of a notification.
pub const LABEL_MAX: usize = 64;
/// Most alarms of one app: as many as a task may have timers.
pub const ALARMS_PER_APP: usize = 64;
/// Most alarms in all: eight apps that use all they may.
pub const ALARMS_MAX: usize = 512;
/// How late an inexact alarm may ring, so that it can ring with others.
pub const INEXACT_WINDOW: Nanos = Nanos::from_millis(10 * 60 * 1_000);

/// The name of an app. Alarms outlive tasks, so a task's id would not do.
pub type App = String<NAME_MAX>;
/// What the alarm is for, in the app's words.
pub type Label = String<LABEL_MAX>;

/// An alarm, for its whole life and never again, not even after a reboot.
///
/// ```
/// # use alarm_queue::AlarmId;
/// assert!(AlarmId(7) < AlarmId(8), "later alarms have higher numbers");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(transparent)]
pub struct AlarmId(pub u64);

/// How punctual an alarm is. Stored values are append-only.
///
/// ```
/// use alarm_queue::{INEXACT_WINDOW, Kind};
/// use nexus_abi::Nanos;
///
/// assert_eq!(Kind::Exact.window(), Nanos(0));
/// assert_eq!(Kind::Inexact.window(), INEXACT_WINDOW);
/// assert!(Kind::AlarmClock.passes_standby());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[repr(u8)]
pub enum Kind {
    /// Within [`INEXACT_WINDOW`]: costs no wake-up of its own if anything else wakes the machine by then.
    #[default]
    Inexact = 0,
    /// On time while its app is in use; standby and quotas delay it.
    Exact = 1,
    /// On time, always: a person relies on it.
    AlarmClock = 2,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Inexact, Self::Exact, Self::AlarmClock];

    /// How late it may ring.
    pub const fn window(self) -> Nanos {
        match self {
            Self::Inexact => INEXACT_WINDOW,
            Self::Exact | Self::AlarmClock => Nanos(0),
        }
    }

    /// True when neither standby nor a quota delays it.
    pub const fn passes_standby(self) -> bool {
        matches!(self, Self::AlarmClock)
    }

    /// Reads the stored value.
    pub fn from_wire(value: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == value)
    }
}

/// When an alarm rings.
///
/// ```
/// use alarm_queue::{Wall, When};
/// use nexus_abi::Nanos;
///
/// let in_a_minute = When::Elapsed(Nanos::from_millis(60_000));
/// let at_new_year_2030 = When::Wall(Wall::from_secs(1_893_456_000));
/// assert_ne!(in_a_minute, at_new_year_2030);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum When {
    /// Once, at this moment since boot, whatever happens to the wall clock. After a reboot the moment is as far away
    /// as it was; while the machine was off counts as far as the wall clock tells.
    Elapsed(Nanos),
    /// Once, at this moment of wall-clock time.
    Wall(Wall),
    /// Every week, in civil time.
    Weekly(Weekly),
}

/// An alarm as an app asks for it.
///
/// ```
/// use alarm_queue::{Alarm, App, Kind, Label, When};
/// use nexus_abi::Nanos;
///
/// let tea = Alarm {
///     app: App::try_from("org.kitchen").map_err(|_| "long")?,
///     label: Label::try_from("Tea").map_err(|_| "long")?,
///     kind: Kind::Exact,
///     when: When::Elapsed(Nanos::from_millis(180_000)),
/// };
/// assert_eq!(tea.label, "Tea");
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Alarm {
    /// Whose it is.
    pub app: App,
    /// What for.
    pub label: Label,
    /// How punctual.
    pub kind: Kind,
    /// When.
    pub when: When,
}

/// What policy lets an app do, as the caller has found out.
///
/// ```
/// use alarm_queue::{Grants, Kind, Permission};
///
/// let timer_app = Grants { notifications: true, exact_alarms: false };
/// assert_eq!(timer_app.missing_for(Kind::Inexact), None);
/// assert_eq!(timer_app.missing_for(Kind::AlarmClock), Some(Permission::ExactAlarms));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Grants {
    /// It may show notifications, which is how an alarm rings.
    pub notifications: bool,
    /// It may wake the machine at a moment it chooses.
    pub exact_alarms: bool,
}

impl Grants {
    /// What is missing for an alarm of `kind`, if anything.
    pub const fn missing_for(self, kind: Kind) -> Option<Permission> {
        match kind {
            _ if !self.notifications => Some(Permission::Notifications),
            Kind::Exact | Kind::AlarmClock if !self.exact_alarms => Some(Permission::ExactAlarms),
            _ => None,
        }
    }
}

/// A right that alarms need.
///
/// ```
/// # use alarm_queue::Permission;
/// assert_eq!(Permission::ExactAlarms.name(), "alarms.exact");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Permission {
    /// Every alarm needs it.
    Notifications,
    /// Exact and alarm-clock alarms need it too.
    ExactAlarms,
}

impl Permission {
    /// The name in policies.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Notifications => "notifications",
            Self::ExactAlarms => "alarms.exact",
        }
    }
}

/// Why a request was refused. Nothing has changed then.
///
/// ```
/// use alarm_queue::{Permission, Refusal};
///
/// let refusal = Refusal::NotPermitted(Permission::Notifications);
/// assert_eq!(refusal.to_string(), "the app lacks the permission `notifications`");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// The app lacks a right.
    NotPermitted(Permission),
    /// The app has [`ALARMS_PER_APP`] alarms.
    AppFull,
    /// There are [`ALARMS_MAX`] alarms.
    QueueFull,
    /// [`crate::APPS_MAX`] apps have alarms, have been paced, or have recently been rung for.
    TooManyApps,
    /// The app has no such alarm. Whether another has is not said.
    NotFound,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotPermitted(permission) => {
                write!(f, "the app lacks the permission `{}`", permission.name())
            }
            Self::AppFull => write!(f, "the app has {ALARMS_PER_APP} alarms: cancel one first"),
            Self::QueueFull => write!(f, "the device has {ALARMS_MAX} alarms: cancel one first"),
            Self::TooManyApps => write!(f, "{} apps use alarms: try again later", crate::APPS_MAX),
            Self::NotFound => f.write_str("the app has no such alarm: it may have rung"),
        }
    }
}
