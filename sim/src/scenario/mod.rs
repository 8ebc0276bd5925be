//! What is simulated: a device, its apps and the person who uses it, as a TOML file.
//!
//! The file says what happens, never what the device makes of it: that is up to the policies. Reading it stops at the
//! first mistake, with the file, the line, the value and what is allowed ([`Mistake`]).

mod mistake;
mod policy;
mod values;

use std::path::Path;

use serde::Deserialize;

pub use crate::scenario::mistake::Mistake;
pub use crate::scenario::policy::{Mode, Policy, Setting};
pub use crate::scenario::values::{Class, Name, Percent, Period, Rate, Span, TimeOfDay};

/// The whole file.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// A title.
    pub title: String,
    /// What it is good for.
    pub about: String,
    /// The machine.
    #[serde(default)]
    pub device: Device,
    /// What the settings and recipes of the device say.
    #[serde(default)]
    pub policy: Policy,
    /// The person.
    pub user: User,
    /// When it is plugged in.
    #[serde(default)]
    pub charge: Vec<Charge>,
    /// The apps.
    pub app: Vec<App>,
    /// What goes wrong.
    #[serde(default)]
    pub faults: Faults,
}

/// The machine. Costs are in model units, which stand for nothing in the world: only their proportions count.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Device {
    /// Harts.
    pub harts: Harts,
    /// Units per second of a hart at L0, L1 and L2.
    pub l0: u32,
    #[expect(missing_docs, reason = "as above")]
    pub l1: u32,
    #[expect(missing_docs, reason = "as above")]
    pub l2: u32,
    /// Units for leaving L1 and L2: caches to fill, clocks to start.
    pub leave_l1: u32,
    #[expect(missing_docs, reason = "as above")]
    pub leave_l2: u32,
    /// Units per second of the screen while it is on.
    pub screen: u32,
    /// Units for a use of the network, and of a sensor.
    pub network: u32,
    #[expect(missing_docs, reason = "as above")]
    pub sensor: u32,
    /// Units per second of all that is never off.
    pub base: u32,
    /// Units per second that a charger delivers.
    pub charger: u32,
}

impl Default for Device {
    fn default() -> Self {
        Self {
            harts: Harts(2),
            l0: 2_400,
            l1: 420,
            l2: 10,
            leave_l1: 0,
            leave_l2: 1,
            screen: 1_500,
            network: 600,
            sensor: 250,
            base: 60,
            charger: 6_000,
        }
    }
}

/// How many harts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(try_from = "u64")]
pub struct Harts(pub usize);

impl TryFrom<u64> for Harts {
    type Error = String;

    fn try_from(number: u64) -> Result<Self, String> {
        match number {
            1..=8 => Ok(Self(number as usize)),
            _ => Err(format!("{number} harts: allowed is 1 to 8")),
        }
    }
}

/// The person: when awake, how often the device is picked up just like that, and what for on purpose.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// Gets up.
    pub wakes: TimeOfDay,
    /// Goes to bed.
    pub sleeps: TimeOfDay,
    /// Picks the device up so often in an hour, for no reason that the scenario knows.
    #[serde(default)]
    pub glances_per_hour: Rate,
    /// For so long on average.
    #[serde(default)]
    pub glance_for: Span,
    /// To look at one of these.
    #[serde(default)]
    pub glances_at: Vec<toml::Spanned<Name>>,
    /// What is done on purpose.
    #[serde(default)]
    pub visit: Vec<Visit>,
}

/// An app is used.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Visit {
    /// Which.
    pub app: toml::Spanned<Name>,
    /// When.
    pub at: TimeOfDay,
    /// Give or take.
    #[serde(default)]
    pub jitter: Span,
    /// How long it is on the screen.
    #[serde(rename = "for")]
    pub length: Period,
    /// How long its foreground service goes on from the beginning: music plays, a way is shown.
    #[serde(default)]
    pub service_for: Span,
    /// On how many days of a hundred.
    #[serde(default = "always")]
    pub chance: Percent,
}

const fn always() -> Percent {
    Percent(100)
}

/// The charger is plugged in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Charge {
    /// From.
    pub from: TimeOfDay,
    /// To, maybe on the next day.
    pub to: TimeOfDay,
    /// On how many days of a hundred.
    #[serde(default = "always")]
    pub chance: Percent,
}

/// An app.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct App {
    /// Its name.
    pub name: toml::Spanned<Name>,
    /// The class of its task.
    #[serde(default)]
    pub class: Class,
    /// Whether it runs from boot on, or when it is opened first.
    #[serde(default)]
    pub starts: Starts,
    /// What it does before it is ready.
    #[serde(default = "launch")]
    pub launch: Period,
    /// On the person's list of apps that standby leaves alone.
    #[serde(default)]
    pub exempt: bool,
    /// What it does again and again.
    #[serde(default)]
    pub beat: Vec<Beat>,
    /// What comes over the network.
    #[serde(default)]
    pub push: Vec<Push>,
    /// Its alarms.
    #[serde(default)]
    pub alarm: Vec<Alarm>,
}

const fn launch() -> Period {
    Period(nexus_abi::Nanos::from_millis(300))
}

/// When an app is started.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Starts {
    /// With the device, and again after a crash.
    AtBoot,
    /// When somebody opens it.
    #[default]
    WhenOpened,
}

/// Periodic work, by a timer of timed.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beat {
    /// The period.
    pub every: Period,
    /// How long a hart works.
    pub work: Span,
    /// In which states of the app.
    #[serde(default)]
    pub during: During,
    /// The window it asks for, if wider than its class gives.
    #[serde(default)]
    pub late_by: Span,
    /// What else it uses.
    #[serde(default)]
    pub uses: Vec<Resource>,
    /// The lock it holds while it works.
    pub lock: Option<LockUse>,
}

/// In which states an app does something.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum During {
    /// Whenever it runs.
    #[default]
    Running,
    /// On the screen.
    Foreground,
    /// With its foreground service, on the screen or not.
    Service,
    /// Not on the screen and without a service.
    Background,
}

/// What work needs besides a hart. Standby denies both.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// A connection.
    Network,
    /// Position, motion.
    Sensor,
}

/// A wake lock around work.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockUse {
    /// What the holder calls it.
    pub name: Name,
    /// The longest hold; what the rules say if it does not.
    pub hold: Option<Period>,
    /// What becomes of it.
    #[serde(default)]
    pub after: After,
}

/// What becomes of a lock when the work is done.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum After {
    /// It is released.
    #[default]
    Released,
    /// It is forgotten: only its end of hold or the holder's death frees it.
    Forgotten,
}

/// Messages from the network, at random.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Push {
    /// On average.
    pub per_hour: Rate,
    /// Only from then on.
    pub from: TimeOfDay,
    /// Until then.
    pub to: TimeOfDay,
    /// How long a hart works on one.
    pub work: Span,
    /// The lock it holds while it works.
    pub lock: Option<LockUse>,
}

/// An alarm that is set once and repeats every week.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alarm {
    /// When.
    pub at: TimeOfDay,
    /// On which days.
    #[serde(default)]
    pub days: Days,
    /// How punctual.
    pub kind: AlarmKind,
    /// What for.
    pub label: Name,
    /// How long it rings: the screen is on.
    #[serde(default)]
    pub rings_for: Span,
}

/// How punctual an alarm is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlarmKind {
    /// Within ten minutes.
    Inexact,
    /// On time, unless in standby.
    Exact,
    /// On time.
    AlarmClock,
}

impl From<AlarmKind> for alarm_queue::Kind {
    fn from(kind: AlarmKind) -> Self {
        match kind {
            AlarmKind::Inexact => Self::Inexact,
            AlarmKind::Exact => Self::Exact,
            AlarmKind::AlarmClock => Self::AlarmClock,
        }
    }
}

/// On which days.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Days {
    /// On all.
    #[default]
    Daily,
    /// Monday to Friday.
    Workdays,
    /// Saturday and Sunday.
    Weekend,
}

impl From<Days> for alarm_queue::Days {
    fn from(days: Days) -> Self {
        match days {
            Days::Daily => Self::ALL,
            Days::Workdays => {
                Self::of(&[Self::MONDAY, Self::TUESDAY, Self::WEDNESDAY, Self::THURSDAY, Self::FRIDAY])
            }
            Days::Weekend => Self::of(&[Self::SATURDAY, Self::SUNDAY]),
        }
    }
}

/// What goes wrong, how often a day on average.
#[derive(Clone, Copy, PartialEq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Faults {
    /// timed dies at one of the next messages, before it has read it or after it has carried it out.
    pub timed_dies: Rate,
    /// powerd, standbyd or alarmsd loses all it knows.
    pub service_dies: Rate,
    /// An app crashes.
    pub app_dies: Rate,
    /// Messages to and from timed are late for a while.
    pub delays: Rate,
    /// By as much as this.
    pub delay_max: Span,
    /// Somebody sets the clock, by up to an hour either way.
    pub clock_set: Rate,
    /// The disk is full for a while.
    pub disk_full: Rate,
    /// The power fails; the device boots again a minute later.
    pub power_cut: Rate,
}

impl Faults {
    /// Enough of everything that a day does not pass without.
    pub const SWARM: Self = Self {
        timed_dies: Rate(12.0),
        service_dies: Rate(8.0),
        app_dies: Rate(24.0),
        delays: Rate(8.0),
        delay_max: Span(nexus_abi::Nanos::from_millis(200)),
        clock_set: Rate(3.0),
        disk_full: Rate(3.0),
        power_cut: Rate(2.0),
    };
}

impl Scenario {
    /// Reads a file.
    pub fn load(path: &Path) -> anyhow::Result<(Self, String)> {
        use anyhow::Context;
        let text = std::fs::read_to_string(path);
        let text = text.with_context(|| format!("cannot read the scenario {}", path.display()))?;
        let scenario = Self::parse(&path.display().to_string(), &text)?;
        Ok((scenario, text))
    }

    /// Reads the text of a file called `file`.
    pub fn parse(file: &str, text: &str) -> Result<Self, Mistake> {
        let scenario: Self = toml::from_str(text).map_err(|error| Mistake::of_toml(file, text, &error))?;
        mistake::check(&scenario, file, text)?;
        Ok(scenario)
    }

    /// The app of this name. Names were checked when the file was read.
    pub fn index_of(&self, name: &Name) -> Option<usize> {
        self.app.iter().position(|app| app.name.get_ref() == name)
    }
}
