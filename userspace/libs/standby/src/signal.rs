//! What standby is told, what it does, and why.

use core::fmt;

use heapless::String;
use nexus_abi::Nanos;
use nexus_abi::info::NAME_MAX;

use crate::config::Hold;

/// The name of an app.
pub type App = String<NAME_MAX>;

/// What is known of an app has changed.
///
/// ```
/// use nexus_abi::Nanos;
/// use standby::{Activity, App, Config, Exemption, Signal, Standby, State};
///
/// let music = App::try_from("org.music").map_err(|_| "long")?;
/// let mut standby = Standby::new(Config::DEFAULT);
/// for signal in [Signal::Background, Signal::Media(Activity::Begins)] {
///     assert_eq!(standby.signal(&music, signal, Nanos(0)), Ok(vec![]));
/// }
/// assert_eq!(standby.state(&music, Nanos(0)), State::Exempt(Exemption::Media));
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Signal {
    /// It is on the screen.
    Foreground,
    /// It runs and is not on the screen.
    Background,
    /// It no longer runs.
    Gone,
    /// Its media session plays.
    Media(Activity),
    /// It has a foreground service.
    Service(Activity),
    /// It is on the list of apps that a person has exempted.
    AllowList(Activity),
    /// Its next alarm-clock alarm is due then; none is set.
    AlarmClock(Option<Nanos>),
    /// Its notification was tapped.
    Tapped,
    /// A person asks for the end of standby, with `nx`.
    ExitAsked,
}

/// Something begins or ends.
///
/// ```
/// use nexus_abi::Nanos;
/// use standby::{Activity, Config, Standby};
///
/// let mut standby = Standby::new(Config::DEFAULT);
/// assert_eq!(standby.charging(Activity::Begins, Nanos(0)), [], "no app is in standby that this lets out");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Activity {
    /// From now on.
    Begins,
    /// No longer.
    Ends,
}

/// What keeps an app in background out of standby. The first that applies, in this order, is the one named.
///
/// ```
/// # use standby::Exemption;
/// assert_eq!(Exemption::Media.text(), "it plays media");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exemption {
    /// The device is charging.
    Charging,
    /// A person has exempted it.
    AllowList,
    /// It plays media.
    Media,
    /// It has a foreground service.
    Service,
    /// Its alarm-clock alarm is due within the time of inactivity.
    AlarmClock,
}

impl Exemption {
    /// For people.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Charging => "the device is charging",
            Self::AllowList => "it is on the list of exempted apps",
            Self::Media => "it plays media",
            Self::Service => "it has a foreground service",
            Self::AlarmClock => "its alarm clock is due soon",
        }
    }
}

/// Why an app entered or left standby, or is held otherwise than before.
///
/// ```
/// # use standby::{Cause, Exemption};
/// assert_eq!(Cause::Inactive.text(), "it was in background and inactive");
/// assert_eq!(Cause::Exempt(Exemption::Charging).text(), "the device is charging");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// In: nothing happened for the time of inactivity.
    Inactive,
    /// In or out: a person asked.
    Asked,
    /// Out: it came to the screen.
    Foreground,
    /// Out: its notification was tapped.
    Tapped,
    /// Out: it is exempt now.
    Exempt(Exemption),
    /// Out: it no longer runs.
    Gone,
    /// Held: the floor is another.
    Configured,
}

impl Cause {
    /// For people.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Inactive => "it was in background and inactive",
            Self::Asked => "a person asked for it",
            Self::Foreground => "it came to the foreground",
            Self::Tapped => "its notification was tapped",
            Self::Exempt(exemption) => exemption.text(),
            Self::Gone => "it no longer runs",
            Self::Configured => "the configuration changed",
        }
    }
}

/// What an app in standby does without.
///
/// ```
/// use standby::{Act, Resource};
///
/// let lifted = [Resource::Sensors, Resource::Network].map(Act::Allow);
/// assert_eq!(lifted[1], Act::Allow(Resource::Network));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Resource {
    /// Position, motion, light, camera, microphone.
    Sensors,
    /// Every connection.
    Network,
}

/// Something to do about an app, and why.
///
/// ```
/// use standby::{Act, App, Cause, Effect};
///
/// let app = App::try_from("org.chat").map_err(|_| "long")?;
/// let effect = Effect { app, act: Act::Entered, cause: Cause::Inactive };
/// assert_eq!(effect.cause.text(), "it was in background and inactive");
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use]
pub struct Effect {
    /// To whom.
    pub app: App,
    /// What.
    pub act: Act,
    /// Why.
    pub cause: Cause,
}

/// What is done. Effects come in the order in which they are to be carried out: announcing is last, when it is true.
///
/// ```
/// use nexus_abi::Nanos;
/// use standby::*;
///
/// let chat = App::try_from("org.chat").map_err(|_| "long")?;
/// let mut standby = Standby::new(Config::DEFAULT);
/// let refused = |_| "refused";
/// assert_eq!(standby.signal(&chat, Signal::Background, Nanos(0)).map_err(refused)?, []);
/// let entered = standby.enter(&chat, Nanos(1)).map_err(refused)?;
/// assert_eq!(entered.last().map(|effect| effect.act), Some(Act::Entered));
/// let left = standby.signal(&chat, Signal::Tapped, Nanos(2)).map_err(refused)?;
/// assert_eq!(left.last().map(|effect| effect.act), Some(Act::Left));
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Act {
    /// `policyd` denies it from now on.
    Deny(Resource),
    /// `policyd` decides as usual again.
    Allow(Resource),
    /// `timed` holds its timers like this.
    HoldTimers(Hold),
    /// `timed` lets its timers go.
    ReleaseTimers,
    /// It is in standby.
    Entered,
    /// It is out of standby.
    Left,
}

/// Why a request was refused. Nothing has changed then.
///
/// ```
/// # use standby::{Exemption, Refusal};
/// let refusal = Refusal::Exempt(Exemption::Media);
/// assert_eq!(refusal.to_string(), "the app cannot enter standby: it plays media");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// No such app is in background.
    NotInBackground,
    /// Something keeps it out.
    Exempt(Exemption),
    /// [`crate::APPS_MAX`] apps are known: one more is never put into standby.
    TooManyApps,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotInBackground => {
                f.write_str("the app is not in background: only such an app enters standby")
            }
            Self::Exempt(exemption) => {
                write!(f, "the app cannot enter standby: {}", exemption.text())
            }
            Self::TooManyApps => {
                write!(f, "{} apps are known: this one will not enter standby", crate::APPS_MAX)
            }
        }
    }
}
