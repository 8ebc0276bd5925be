//! What holders ask for, and what they get.

use nexus_abi::Nanos;

use crate::event::Ended;
use crate::lock::{Attribution, Kind, LockId, Standing};
use crate::rules::MaxHold;

/// What a holder asks for.
///
/// ```
/// # use nexus_abi::TaskId;
/// use wakelock::{Attribution, Kind, MaxHold, Request};
///
/// # let who = Attribution {
/// #     task: TaskId::new(7, 1),
/// #     app: "clock".try_into()?,
/// #     name: "ring".try_into()?,
/// #     on_behalf_of: None,
/// # };
/// let request = Request { hold: Some(MaxHold::NONE), ..Request::new(who, Kind::Full) };
/// # Ok::<(), heapless::CapacityError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Request {
    /// Whose the lock is, and what for.
    pub who: Attribution,
    /// What it keeps from sleeping.
    pub kind: Kind,
    /// How long it may be held; [`crate::Rules::hold_standard`] when the holder does not say.
    pub hold: Option<MaxHold>,
    /// What the app it is charged to is doing. Other locks charged to it follow.
    pub standing: Standing,
}

impl Request {
    /// With the standard hold, of an app in the foreground.
    pub const fn new(who: Attribution, kind: Kind) -> Self {
        Self { who, kind, hold: None, standing: Standing::Foreground }
    }
}

/// What a holder got.
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
/// assert_eq!((grant.references, grant.end), (1, Nanos::from_millis(600_000)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Grant {
    /// To renew and to release with.
    pub id: LockId,
    /// How many releases it takes now.
    pub references: u16,
    /// When its hold is over now.
    pub end: Nanos,
}

/// What a release did.
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
/// locks.acquire(Request::new(who.clone(), Kind::Partial), Permit::default())?;
/// let grant = locks.acquire(Request::new(who, Kind::Partial), Permit::default())?;
/// assert_eq!(locks.release(TaskId::new(7, 1), grant.id)?, Released::Held(1));
/// assert!(matches!(locks.release(TaskId::new(7, 1), grant.id)?, Released::Ended(_)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use]
pub enum Released {
    /// So many references are left.
    Held(u16),
    /// It was the last one.
    Ended(Ended),
}
