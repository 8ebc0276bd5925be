//! What is told about an app, what is to be done, and why.

use core::fmt;

use heapless::String;
use nexus_abi::info::NAME_MAX;
use nexus_abi::{Error, ExitReason, Nanos, TaskId};

/// The name of an app.
pub type App = String<NAME_MAX>;

/// Something happened to an app, or is asked for.
///
/// ```
/// use lifecycle::{App, Event, Lifecycle, Refusal, Restart};
/// use nexus_abi::Nanos;
///
/// let chat = App::try_from("org.chat").map_err(|_| "long")?;
/// let mut apps = Lifecycle::new();
/// assert_eq!(apps.install(&chat, Restart::Never, Nanos(0)), Ok(vec![]));
/// assert_eq!(apps.event(&chat, Event::Hide, Nanos(1)), Err(Refusal::NotInForeground));
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// Somebody opens it. What runs already comes to the front if that was a person.
    Open(Opener),
    /// The task that was asked for exists.
    Spawned(TaskId),
    /// It could not be made.
    SpawnFailed(Error),
    /// The task says that it has started.
    Ready(TaskId),
    /// The app leaves the screen.
    Hide,
    /// It begins a foreground service, as it may while it is on the screen.
    ServiceBegins,
    /// The service ends.
    ServiceEnds,
    /// It entered standby.
    StandbyBegins,
    /// It left standby.
    StandbyEnds,
    /// It is to end.
    Kill(KillReason),
    /// A task ended.
    Died(TaskId, ExitReason),
}

/// Who opens an app.
///
/// ```
/// use lifecycle::{Cause, Opener};
///
/// assert_eq!(Cause::Opened(Opener::System).to_string(), "the system opened it");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Opener {
    /// A person, who wants to see it.
    Person,
    /// An alarm, a message, another app: it starts in background.
    System,
}

/// Why an app is made to end.
///
/// ```
/// # use lifecycle::KillReason;
/// assert!(KillReason::NotResponding.is_the_apps_fault());
/// assert!(!KillReason::LowMemory.is_the_apps_fault());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KillReason {
    /// A person ended it.
    Person,
    /// Others need the memory more.
    LowMemory,
    /// It did not get ready within [`crate::START_MAX`].
    StartTimeout,
    /// It does not answer.
    NotResponding,
    /// It did what a policy forbids: held the machine awake for too long, for example.
    Policy,
    /// Another version of it is about to run.
    Update,
    /// It is no longer installed.
    Uninstalled,
}

impl KillReason {
    /// True when such an end counts as a crash.
    pub const fn is_the_apps_fault(self) -> bool {
        matches!(self, Self::StartTimeout | Self::NotResponding)
    }

    /// For people.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Person => "a person ended it",
            Self::LowMemory => "memory was needed",
            Self::StartTimeout => "it did not start in time",
            Self::NotResponding => "it did not respond",
            Self::Policy => "a policy ended it",
            Self::Update => "it was updated",
            Self::Uninstalled => "it was uninstalled",
        }
    }
}

/// The state of an app.
///
/// ```
/// use lifecycle::State;
/// use nexus_abi::Nanos;
///
/// assert!(State::Standby.is_alive());
/// assert!(!State::BackOff { until: Nanos(5) }.is_alive());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// A task is being made, or has not said yet that it is ready.
    Starting,
    /// It is on the screen; at most one app is.
    Foreground,
    /// It is not on the screen and does something that a person knows of: music, navigation.
    ForegroundService,
    /// It runs, and nobody sees it.
    Background,
    /// It runs, and is held back.
    Standby,
    /// It does not run, and nothing is wrong.
    Stopped,
    /// It crashed, and its recipe does not want it started again. Before this moment only a person opens it.
    Crashed {
        /// The end of the pause.
        until: Nanos,
    },
    /// It crashed, and is started again then.
    BackOff {
        /// The end of the pause.
        until: Nanos,
    },
    /// It crashed too often: only a person opens it.
    Blocked,
}

impl State {
    /// True when a task of it exists or is being made.
    pub const fn is_alive(self) -> bool {
        use State::*;
        matches!(self, Starting | Foreground | ForegroundService | Background | Standby)
    }
}

/// Something to do, and why.
///
/// ```
/// use lifecycle::{Act, App, Cause, Effect, Opener};
///
/// let app = App::try_from("org.chat").map_err(|_| "long")?;
/// let effect = Effect { app, act: Act::Spawn, cause: Cause::Opened(Opener::Person) };
/// assert_eq!(effect.cause.to_string(), "a person opened it");
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

/// What is done.
///
/// ```
/// use lifecycle::{Act, App, Event, Lifecycle, Opener, Restart, State};
/// use nexus_abi::Nanos;
///
/// let chat = App::try_from("org.chat").map_err(|_| "long")?;
/// let mut apps = Lifecycle::new();
/// assert_eq!(apps.install(&chat, Restart::Never, Nanos(0)), Ok(vec![]));
/// let effects = apps.event(&chat, Event::Open(Opener::System), Nanos(1)).map_err(|_| "refused")?;
/// let acts: Vec<Act> = effects.into_iter().map(|effect| effect.act).collect();
/// assert_eq!(acts, [Act::Spawn, Act::Moved { from: State::Stopped, to: State::Starting }]);
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Act {
    /// Make a task of it; answer with [`Event::Spawned`] or [`Event::SpawnFailed`].
    Spawn,
    /// End this task.
    Kill(TaskId),
    /// Tell everybody: its state is another.
    Moved {
        /// The state it had.
        from: State,
        /// The state it has.
        to: State,
    },
}

/// Why something is done.
///
/// ```
/// # use lifecycle::{Cause, KillReason};
/// assert_eq!(Cause::Killed(KillReason::LowMemory).to_string(), "memory was needed");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// It was opened.
    Opened(Opener),
    /// It said that it is ready.
    Ready,
    /// It left the screen.
    Hidden,
    /// Another app came to the screen.
    Covered,
    /// Its foreground service ended.
    ServiceEnded,
    /// It was held back.
    StandbyBegan,
    /// It was let go.
    StandbyEnded,
    /// It was made to end.
    Killed(KillReason),
    /// Somebody other than the lifecycle ended it.
    KilledOutside,
    /// It ended on its own.
    Died(ExitReason),
    /// No task could be made.
    SpawnFailed(Error),
    /// The pause after a crash is over.
    PauseOver,
    /// Nobody wants this task any more.
    Unwanted,
    /// Another version of it was installed.
    Replaced,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opened(Opener::Person) => f.write_str("a person opened it"),
            Self::Opened(Opener::System) => f.write_str("the system opened it"),
            Self::Ready => f.write_str("it has started"),
            Self::Hidden => f.write_str("it left the screen"),
            Self::Covered => f.write_str("another app came to the screen"),
            Self::ServiceEnded => f.write_str("its foreground service ended"),
            Self::StandbyBegan => f.write_str("it entered standby"),
            Self::StandbyEnded => f.write_str("it left standby"),
            Self::Killed(reason) => f.write_str(reason.text()),
            Self::KilledOutside => f.write_str("its task was killed"),
            Self::Died(reason) => write!(f, "its task ended: {reason}"),
            Self::SpawnFailed(error) => write!(f, "no task could be made: {error}"),
            Self::PauseOver => f.write_str("the pause after its crash is over"),
            Self::Unwanted => f.write_str("it was started for nobody"),
            Self::Replaced => f.write_str("another version was installed"),
        }
    }
}

/// Why a request was refused. Nothing has changed then.
///
/// ```
/// # use lifecycle::Refusal;
/// assert_eq!(Refusal::Unknown.to_string(), "no such app is installed");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// It is not installed.
    Unknown,
    /// [`crate::APPS_MAX`] apps are installed.
    TooManyApps,
    /// It crashed, and the system does not open it before then.
    Pausing {
        /// The end of the pause.
        until: Nanos,
    },
    /// It crashed too often, and the system does not open it.
    Blocked,
    /// That needs an app on the screen.
    NotInForeground,
    /// That needs an app in background.
    NotInBackground,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("no such app is installed"),
            Self::TooManyApps => write!(f, "{} apps are installed: remove one first", crate::APPS_MAX),
            Self::Pausing { .. } => f.write_str("the app crashed and pauses: open it by hand, or wait"),
            Self::Blocked => f.write_str("the app crashed too often: open it by hand to try again"),
            Self::NotInForeground => f.write_str("the app is not on the screen"),
            Self::NotInBackground => f.write_str("the app is not in background"),
        }
    }
}
