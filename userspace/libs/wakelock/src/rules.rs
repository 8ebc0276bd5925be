//! How long a lock may be held, and who may do more.

use nexus_abi::Nanos;

use crate::{LOCKS_MAX, LOCKS_PER_TASK};

/// What holds for every lock.
///
/// ```
/// use wakelock::{MaxHold, Rules};
/// use nexus_abi::Nanos;
///
/// let rules = Rules::default();
/// assert_eq!(rules.hold_standard, MaxHold::of(Nanos::from_millis(600_000)));
/// assert!(rules.report_after < rules.hold_max);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Rules {
    /// The maximum hold of a request that names none.
    pub hold_standard: MaxHold,
    /// The longest hold that takes no policy rule.
    pub hold_max: Nanos,
    /// A lock that counts for longer than this while its app is in the background is reported.
    pub report_after: Nanos,
    /// Most locks of one task, at most [`LOCKS_PER_TASK`].
    pub per_task: usize,
    /// Most locks at once, at most [`LOCKS_MAX`].
    pub in_all: usize,
}

impl Rules {
    /// Ten minutes: longer than an upload or a voice message, short enough that a forgotten lock costs one percent
    /// of a day's battery and not all of it.
    pub const HOLD_STANDARD: MaxHold = MaxHold::of(Nanos::from_millis(600_000));
    /// An hour: who works longer renews, and thereby shows to be alive.
    pub const HOLD_MAX: Nanos = Nanos::from_millis(3_600_000);
    /// Five minutes: nobody is looking at the app, and most honest background work is done by then.
    pub const REPORT_AFTER: Nanos = Nanos::from_millis(300_000);

    /// True when a hold takes [`Permit::long_hold`].
    ///
    /// ```
    /// use wakelock::{MaxHold, Rules};
    /// use nexus_abi::Nanos;
    ///
    /// let rules = Rules::default();
    /// assert!(!rules.needs_permit(MaxHold::of(Rules::HOLD_MAX)));
    /// assert!(rules.needs_permit(MaxHold::NONE));
    /// ```
    pub fn needs_permit(&self, hold: MaxHold) -> bool {
        hold == MaxHold::NONE || hold.0 > self.hold_max
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            hold_standard: Self::HOLD_STANDARD,
            hold_max: Self::HOLD_MAX,
            report_after: Self::REPORT_AFTER,
            per_task: LOCKS_PER_TASK,
            in_all: LOCKS_MAX,
        }
    }
}

/// How long a lock may be held without being renewed.
///
/// ```
/// use wakelock::MaxHold;
/// use nexus_abi::Nanos;
///
/// assert_eq!(MaxHold::of(Nanos(5)).end(Nanos(100)), Nanos(105));
/// assert_eq!(MaxHold::of(Nanos(0)), MaxHold::NONE);
/// assert_eq!(MaxHold::of(Nanos(5)).span(), Nanos(5));
/// assert_eq!(MaxHold::NONE.end(Nanos(100)), Nanos::NEVER);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct MaxHold(Nanos);

impl MaxHold {
    /// No maximum.
    pub const NONE: Self = Self(Nanos(0));

    /// At most `span`; zero means no maximum.
    pub const fn of(span: Nanos) -> Self {
        Self(span)
    }

    /// The span; zero for none.
    pub const fn span(self) -> Nanos {
        self.0
    }

    /// When a hold that begins at `now` is over; [`Nanos::NEVER`] without a maximum.
    pub fn end(self, now: Nanos) -> Nanos {
        if self == Self::NONE { Nanos::NEVER } else { now.after(self.0) }
    }
}

/// What the policies allow a holder beyond the ordinary. The caller asks policyd; this library does not.
///
/// ```
/// use wakelock::Permit;
///
/// # use nexus_abi::TaskId;
/// # use wakelock::{Attribution, Kind, Refusal, Request, WakeLocks};
/// # let who = Attribution {
/// #     task: TaskId::new(7, 1),
/// #     app: "mediasessd".try_into()?,
/// #     name: "playback".try_into()?,
/// #     on_behalf_of: Some("player".try_into()?),
/// # };
/// # let mut locks = WakeLocks::default();
/// let request = Request::new(who, Kind::Partial);
/// assert_eq!(locks.acquire(request.clone(), Permit::default()), Err(Refusal::ForOthers));
/// let served = Permit { for_others: true, ..Permit::default() };
/// assert!(locks.acquire(request, served).is_ok());
/// # Ok::<(), heapless::CapacityError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Permit {
    /// Holds without a maximum, or beyond [`Rules::hold_max`].
    pub long_hold: bool,
    /// Locks that are charged to another app.
    pub for_others: bool,
}
