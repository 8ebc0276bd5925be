//! One lock: whose, what for, since when and until when.

use heapless::String;
use nexus_abi::info::NAME_MAX;
use nexus_abi::{Nanos, TaskId};

use crate::rules::Rules;

/// The name of an app or of a lock.
pub type Name = String<NAME_MAX>;

/// What a lock keeps from sleeping. The stronger is the greater.
///
/// ```
/// use wakelock::Kind;
///
/// assert!(Kind::Partial < Kind::Full);
/// assert_eq!(Kind::Full.name(), "full");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// The harts: no deep idle.
    Partial,
    /// The harts and the screen.
    Full,
}

impl Kind {
    /// The name, for people and markers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Partial => "partial",
            Self::Full => "full",
        }
    }
}

/// A lock, for its whole life and never again.
///
/// ```
/// # use nexus_abi::{Nanos, TaskId};
/// # use wakelock::{Attribution, End, Kind, Permit, Released, Request, Standing, WakeLocks};
/// # let who = Attribution {
/// #     task: TaskId::new(7, 1),
/// #     app: "messenger".try_into()?,
/// #     name: "sync".try_into()?,
/// #     on_behalf_of: None,
/// # };
/// # let mut locks = WakeLocks::default();
/// let grant = locks.acquire(Request::new(who, Kind::Partial), Permit::default())?;
/// let travelled = wakelock::LockId::from_wire(grant.id.to_wire());
/// assert!(matches!(locks.release(TaskId::new(7, 1), travelled)?, Released::Ended(_)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LockId(u64);

impl LockId {
    /// The id of the first lock.
    pub(crate) const FIRST: Self = Self(1);

    /// The one after this. At a million locks a second they last for half a million years.
    pub(crate) const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The value that travels.
    pub const fn to_wire(self) -> u64 {
        self.0
    }

    /// Reads a value that travelled.
    pub const fn from_wire(value: u64) -> Self {
        Self(value)
    }
}

/// Whose a lock is, and what for.
///
/// ```
/// use nexus_abi::TaskId;
/// use wakelock::Attribution;
///
/// let mut who = Attribution {
///     task: TaskId::new(7, 1),
///     app: "mediasessd".try_into()?,
///     name: "playback".try_into()?,
///     on_behalf_of: None,
/// };
/// assert_eq!(who.charged(), "mediasessd");
/// who.on_behalf_of = Some("player".try_into()?);
/// assert_eq!(who.charged(), "player");
/// # Ok::<(), heapless::CapacityError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Attribution {
    /// The holder, as the kernel stamped it.
    pub task: TaskId,
    /// The holder's program.
    pub app: Name,
    /// What the holder calls the lock.
    pub name: Name,
    /// The app it is held for, when that is not the holder's own.
    pub on_behalf_of: Option<Name>,
}

impl Attribution {
    /// The app that has to answer for the lock.
    pub fn charged(&self) -> &str {
        self.on_behalf_of.as_ref().unwrap_or(&self.app)
    }
}

/// What the app that a lock is charged to is doing.
///
/// ```
/// # use nexus_abi::{Nanos, TaskId};
/// # use wakelock::{Attribution, End, Kind, Permit, Released, Request, Standing, WakeLocks};
/// # let who = Attribution {
/// #     task: TaskId::new(7, 1),
/// #     app: "messenger".try_into()?,
/// #     name: "sync".try_into()?,
/// #     on_behalf_of: None,
/// # };
/// # let mut locks = WakeLocks::default();
/// locks.acquire(Request::new(who, Kind::Partial), Permit::default())?;
/// locks.stand("messenger", Standing::Suspended)?;
/// assert_eq!(locks.demand(), None);
/// locks.stand("messenger", Standing::Background)?;
/// assert_eq!(locks.demand(), Some(Kind::Partial));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Standing {
    /// A person knows of it: on screen, a foreground service, active media.
    #[default]
    Foreground,
    /// Nobody is looking.
    Background,
    /// In the background, and policy holds it back: its locks do not count.
    Suspended,
}

/// A lock that is held.
///
/// ```
/// # use nexus_abi::{Nanos, TaskId};
/// # use wakelock::{Attribution, Kind, Permit, Request, Standing, WakeLocks};
/// # let mut locks = WakeLocks::default();
/// # let who = Attribution {
/// #     task: TaskId::new(7, 1),
/// #     app: "messenger".try_into()?,
/// #     name: "sync".try_into()?,
/// #     on_behalf_of: None,
/// # };
/// locks.advance(Nanos(1000));
/// locks.acquire(Request::new(who, Kind::Partial), Permit::default())?;
/// for lock in locks.iter() {
///     assert_eq!((lock.who().charged(), lock.held_for(Nanos(1500))), ("messenger", Nanos(500)));
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Lock {
    pub(crate) id: LockId,
    pub(crate) who: Attribution,
    pub(crate) kind: Kind,
    pub(crate) references: u16,
    pub(crate) since: Nanos,
    pub(crate) end: Nanos,
    pub(crate) standing: Standing,
    pub(crate) watch: Watch,
}

/// How far the stretch has come in which a lock counts though its app is in the background.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Watch {
    /// There is none.
    Off,
    /// It has lasted since then.
    Since(Nanos),
    /// It has been reported.
    Reported,
}

impl Lock {
    /// Its id.
    pub const fn id(&self) -> LockId {
        self.id
    }

    /// Whose it is.
    pub const fn who(&self) -> &Attribution {
        &self.who
    }

    /// What it keeps from sleeping.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// How many releases it takes to end it.
    pub const fn references(&self) -> u16 {
        self.references
    }

    /// When it was acquired first.
    pub const fn since(&self) -> Nanos {
        self.since
    }

    /// When its hold is over; [`Nanos::NEVER`] if it has no maximum.
    pub const fn end(&self) -> Nanos {
        self.end
    }

    /// What its app is doing.
    pub const fn standing(&self) -> Standing {
        self.standing
    }

    /// How long it has been held.
    pub const fn held_for(&self, now: Nanos) -> Nanos {
        now.since(self.since)
    }

    /// True when it keeps something from sleeping.
    pub fn counts(&self) -> bool {
        self.standing != Standing::Suspended
    }

    /// The moment from which it has been held too long, if it lives to see it.
    pub(crate) fn report_due(&self, rules: &Rules) -> Option<Nanos> {
        let Watch::Since(since) = self.watch else { return None };
        // "Longer than" begins one unit of time after "as long as".
        let due = since.after(rules.report_after).after(Nanos(1));
        (due < self.end).then_some(due)
    }

    /// The app's standing, another than before, from `now` on.
    pub(crate) fn stand(&mut self, standing: Standing, now: Nanos) {
        self.standing = standing;
        self.watch = Watch::of(standing, now);
    }
}

impl Watch {
    pub(crate) fn of(standing: Standing, now: Nanos) -> Self {
        if standing == Standing::Background { Self::Since(now) } else { Self::Off }
    }
}
