//! What becomes of locks.

use nexus_abi::Nanos;

use crate::lock::Lock;

/// Why a lock is held no longer.
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
/// let Released::Ended(ended) = locks.release(TaskId::new(7, 1), grant.id)? else { panic!() };
/// assert_eq!((ended.why, ended.why.name()), (End::Released, "released"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum End {
    /// By its last release.
    Released,
    /// Its hold was over.
    Expired,
    /// Its holder is no more.
    HolderDied,
}

impl End {
    /// The name, for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Expired => "expired",
            Self::HolderDied => "holder died",
        }
    }
}

/// A lock that is held no longer.
///
/// ```
/// use nexus_abi::{Nanos, TaskId};
/// use wakelock::{Attribution, End, Kind, Permit, Request, WakeLocks};
///
/// let who = Attribution {
///     task: TaskId::new(7, 1),
///     app: "messenger".try_into()?,
///     name: "sync".try_into()?,
///     on_behalf_of: None,
/// };
/// let mut locks = WakeLocks::default();
/// locks.acquire(Request::new(who, Kind::Partial), Permit::default())?;
/// let ended = locks.holder_died(TaskId::new(7, 1));
/// assert_eq!((ended.len(), ended[0].why), (1, End::HolderDied));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ended {
    /// As it was.
    pub lock: Lock,
    /// What ended it.
    pub why: End,
    /// When it ended.
    pub at: Nanos,
}

/// What time has brought about.
///
/// ```
/// use nexus_abi::Nanos;
/// use wakelock::WakeLocks;
///
/// for event in WakeLocks::default().advance(Nanos(1)) {
///     panic!("at {:?} to {:?}", event.at(), event.lock().who());
/// }
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// A hold is over.
    Ended(Ended),
    /// A lock has counted for too long while its app was in the background.
    HeldTooLong {
        /// The lock.
        lock: Lock,
        /// When it became too long.
        at: Nanos,
    },
}

impl Event {
    /// When it happened.
    pub const fn at(&self) -> Nanos {
        match self {
            Self::Ended(ended) => ended.at,
            Self::HeldTooLong { at, .. } => *at,
        }
    }

    /// The lock it happened to.
    pub const fn lock(&self) -> &Lock {
        match self {
            Self::Ended(ended) => &ended.lock,
            Self::HeldTooLong { lock, .. } => lock,
        }
    }
}
