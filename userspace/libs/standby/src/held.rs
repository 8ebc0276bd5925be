//! The timers that standby holds back, until their maintenance window or until their app is let out.

use alloc::collections::BTreeMap;
use core::fmt;

use nexus_abi::Nanos;

use crate::config::Hold;
use crate::signal::App;

/// Most timers held at once: as many as the device may have.
pub const HELD_MAX: usize = 4_096;

/// A timer that is held, with whatever its owner knows it by.
///
/// ```
/// use nexus_abi::Nanos;
/// use standby::{App, Held};
///
/// let held = Held { app: App::new(), token: 7, due: Nanos(5) };
/// assert_eq!(held.token, 7);
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Held<T> {
    /// Whose.
    pub app: App,
    /// Which.
    pub token: T,
    /// When it would have fired.
    pub due: Nanos,
}

/// [`HELD_MAX`] timers are held. This one is not: it keeps its own moment.
///
/// ```
/// assert_eq!(standby::HeldFull.to_string(), "4096 timers are held");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HeldFull;

impl fmt::Display for HeldFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{HELD_MAX} timers are held")
    }
}

/// All timers that are held.
///
/// ```
/// use nexus_abi::Nanos;
/// use standby::{App, Config, HeldTimers};
///
/// let minute = |minutes: u64| Nanos::from_millis(minutes * 60_000);
/// let app = |name: &str| App::try_from(name).map_err(|_| "long");
/// let hold = Config::DEFAULT.hold();
/// let mut held = HeldTimers::new();
/// held.hold(app("chat")?, 'c', minute(0), minute(2), hold).map_err(|_| "full")?;
/// held.hold(app("mail")?, 'm', minute(1), minute(14), hold).map_err(|_| "full")?;
///
/// // Both come out in one window.
/// assert_eq!(held.next_window(), Some(minute(15)));
/// let released: Vec<char> = core::iter::from_fn(|| held.release(minute(15))).map(|held| held.token).collect();
/// assert_eq!(released, ['c', 'm']);
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HeldTimers<T> {
    /// By window, then by moment, then in the order in which they came. At most [`HELD_MAX`].
    timers: BTreeMap<(Nanos, Nanos, u64), Held<T>>,
    /// How many have come.
    count: u64,
}

impl<T: PartialEq> HeldTimers<T> {
    /// None.
    pub const fn new() -> Self {
        Self { timers: BTreeMap::new(), count: 0 }
    }

    /// Holds a timer that was set at `set` for `due`. Answers the window in which it comes out. O(log timers).
    pub fn hold(
        &mut self,
        app: App,
        token: T,
        set: Nanos,
        due: Nanos,
        hold: Hold,
    ) -> Result<Nanos, HeldFull> {
        if self.timers.len() >= HELD_MAX {
            return Err(HeldFull);
        }
        let window = hold.release(set, due);
        self.timers.insert((window, due, self.count), Held { app, token, due });
        self.count += 1;
        Ok(window)
    }

    /// Forgets a timer that its app took back; false when it was not held. O(timers).
    pub fn cancel(&mut self, app: &App, token: &T) -> bool {
        let found = self.timers.iter().find(|(_, held)| held.app == *app && held.token == *token);
        let Some(key) = found.map(|(key, _)| *key) else { return false };
        self.timers.remove(&key).is_some()
    }

    /// The next window in which something comes out. O(log timers).
    pub fn next_window(&self) -> Option<Nanos> {
        self.timers.keys().next().map(|(window, _, _)| *window)
    }

    /// The next timer whose window has come. Call until there is none; the others may change in between.
    /// O(log timers).
    pub fn release(&mut self, now: Nanos) -> Option<Held<T>> {
        let first = self.timers.first_entry().filter(|first| first.key().0 <= now)?;
        Some(first.remove())
    }

    /// The next timer of an app that is let out of standby, whether its window has come or not: who holds it fires it
    /// or arms it anew for its moment. Call until there is none; the others may change in between. O(timers).
    pub fn let_out(&mut self, app: &App) -> Option<Held<T>> {
        let key = self.timers.iter().find(|(_, held)| held.app == *app).map(|(key, _)| *key)?;
        self.timers.remove(&key)
    }

    /// How many are held of `app`. O(timers).
    pub fn count(&self, app: &App) -> usize {
        self.timers.values().filter(|held| held.app == *app).count()
    }
}

impl<T: PartialEq> Default for HeldTimers<T> {
    fn default() -> Self {
        Self::new()
    }
}
