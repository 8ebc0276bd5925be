//! What timed has promised, reckoned anew from its messages: the slow and simple way, against which timed is checked.
//!
//! It reads what goes over the bus and knows of nothing else. From the rules of the contract it predicts when timed must
//! wake up, which timers have fired, and what `Fired` answers. Every operation is O(timers), on purpose: there is nothing
//! in it that could be wrong in the same way as a heap.

use std::collections::BTreeMap;

use nexus_abi::{Nanos, QosClass, TaskId};
use nexus_service::Caller;
use nexus_wire::timed::{Answer, Expiry, FIRED_PAGE, Govern, Request, Tier, Timer};

use crate::violation::{Invariant, Violation};

/// A timer that is set.
#[derive(Clone, Copy, Debug)]
struct Live {
    id: u64,
    caller: Caller,
    timer: Timer,
    /// How long it was asked to wait, and from when.
    delay: Nanos,
    since: Nanos,
    /// From these two, under the rules of the moment.
    earliest: Nanos,
    latest: Nanos,
}

/// Why a timer fired later than it was due.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Late {
    /// It was not.
    OnTime,
    /// The window of its class.
    Class,
    /// The governor's hint.
    Hint,
    /// The window it asked for.
    Wish,
    /// The floor of standby.
    Standby,
    /// It had been set too late, because messages were late or timed was being started.
    SetLate,
}

impl Late {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::OnTime, Self::Class, Self::Hint, Self::Wish, Self::Standby, Self::SetLate];

    /// For people.
    pub const fn text(self) -> &'static str {
        match self {
            Self::OnTime => "on time",
            Self::Class => "window of its class",
            Self::Hint => "governor's hint",
            Self::Wish => "window it asked for",
            Self::Standby => "floor of standby",
            Self::SetLate => "set too late",
        }
    }
}

/// A timer has fired.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fired {
    /// Whose.
    pub task: TaskId,
    /// Which.
    pub id: u64,
    /// By how much, of several occurrences the first.
    pub late: Nanos,
    /// Why.
    pub why: Late,
    /// True when this one had to fire now: the machine woke up for it.
    pub is_forced: bool,
}

/// The model.
#[derive(Debug, Default)]
pub struct Promise {
    live: Vec<Live>,
    unread: BTreeMap<(TaskId, u64), Expiry>,
    hint: Nanos,
    floors: BTreeMap<TaskId, Nanos>,
    fired: Vec<Fired>,
    /// The least of the ends of windows.
    deadline: Option<Nanos>,
}

impl Promise {
    /// When timed must wake up.
    pub fn deadline(&self) -> Nanos {
        self.deadline.unwrap_or(Nanos::NEVER)
    }

    /// What has fired since this was asked last.
    pub fn take_fired(&mut self) -> Vec<Fired> {
        std::mem::take(&mut self.fired)
    }

    /// The floor of a task.
    pub fn floor(&self, task: TaskId) -> Nanos {
        self.floors.get(&task).copied().unwrap_or_default()
    }

    /// timed looks at the clock.
    pub fn tick(&mut self, now: Nanos) {
        let deadline = self.deadline();
        let mut changed = false;
        let mut place = 0;
        while let Some(live) = self.live.get(place).copied() {
            if live.earliest > now || live.earliest == Nanos::NEVER {
                place += 1;
                continue;
            }
            changed = true;
            let is_over = live.timer.period_ns.is_none();
            self.note(&live, deadline, now);
            if is_over {
                self.live.remove(place);
            } else {
                self.go_on(place, now);
                place += 1;
            }
        }
        if changed {
            self.settle();
        }
    }

    /// timed has answered.
    pub fn heard(
        &mut self,
        caller: Caller,
        request: &Request,
        answer: &Answer,
        now: Nanos,
    ) -> Result<(), Violation> {
        match (request, answer) {
            (_, Answer::Refused(_)) => {}
            (Request::Set(timer), Answer::Set { id, .. }) => self.set(caller, *id, *timer, now),
            (Request::Rearm { id: old, timer }, Answer::Rearmed { id, was_live, .. }) => {
                self.expect_live(caller.task, *old, *was_live, now)?;
                self.forget(caller.task, *old);
                self.set(caller, *id, *timer, now);
            }
            (Request::Cancel { id }, Answer::Cancelled { was_live, .. }) => {
                self.expect_live(caller.task, *id, *was_live, now)?;
                self.forget(caller.task, *id);
            }
            (Request::Fired, Answer::Fired { expiries, .. }) => self.read(caller.task, expiries, now)?,
            (Request::Govern(govern), Answer::Done) => self.govern(*govern),
            (Request::Listen { .. }, Answer::Listening { .. }) => {}
            (asked, answered) => {
                let what = format!("{asked:?} was answered {answered:?}");
                return Err(Violation::new(Invariant::Answers, now, what));
            }
        }
        self.settle();
        // timed looks at the clock after every message.
        self.tick(now);
        Ok(())
    }

    fn set(&mut self, caller: Caller, id: u64, timer: Timer, now: Nanos) {
        let delay = Nanos(timer.due_ns).since(now);
        let live =
            Live { id, caller, timer, delay, since: now, earliest: Nanos::NEVER, latest: Nanos::NEVER };
        self.live.push(live);
        let place = self.live.len() - 1;
        self.compose(place);
    }

    fn govern(&mut self, govern: Govern) {
        match govern {
            Govern::Hint { hint_ns } => self.hint = Nanos(hint_ns),
            Govern::Floor { task, floor_ns: 0 } => drop(self.floors.remove(&TaskId::from_wire(task))),
            Govern::Floor { task, floor_ns } => {
                self.floors.insert(TaskId::from_wire(task), Nanos(floor_ns));
            }
            Govern::Ended { task } => {
                let task = TaskId::from_wire(task);
                self.floors.remove(&task);
                self.live.retain(|live| live.caller.task != task);
                self.unread.retain(|(owner, _), _| *owner != task);
            }
            Govern::SetWall { .. } | Govern::List { .. } => return,
        }
        (0..self.live.len()).for_each(|place| self.compose(place));
    }

    /// The window of a timer, from the words of the contract.
    fn compose(&mut self, place: usize) {
        let (hint, floor) = (self.hint, self.floor(self.live[place].caller.task));
        let live = &mut self.live[place];
        let due = Nanos(live.timer.due_ns);
        if live.timer.tier == Tier::AlarmClock {
            (live.earliest, live.latest) = (due, due);
            return;
        }
        let delay = live.delay.max(floor);
        live.earliest = if delay == live.delay { due } else { on_grid(&live.timer, live.since.after(floor)) };
        let window = match live.caller.class {
            class @ (QosClass::PerfBurst | QosClass::Interactive) => class_window(class),
            class => class_window(class).max(hint.min(delay)),
        };
        live.latest = live.earliest.after(window.max(Nanos(live.timer.late_by_ns)));
    }

    /// A periodic timer has fired: to its first occurrence after `now`.
    fn go_on(&mut self, place: usize, now: Nanos) {
        let live = &mut self.live[place];
        let period = live.timer.period_ns.unwrap_or(u64::MAX);
        let times = times(&live.timer, now);
        live.timer.due_ns = live.timer.due_ns.saturating_add(times.saturating_mul(period));
        (live.delay, live.since) = (Nanos(period), live.earliest);
        self.compose(place);
    }

    fn note(&mut self, live: &Live, deadline: Nanos, now: Nanos) {
        let due = Nanos(live.timer.due_ns);
        let class = class_window(live.caller.class);
        let why = match now.since(due) {
            Nanos(0) => Late::OnTime,
            _ if live.earliest > due => Late::Standby,
            _ if live.delay == Nanos(0) && due < live.since => Late::SetLate,
            late if late <= class => Late::Class,
            late if late <= self.hint.max(class) => Late::Hint,
            _ => Late::Wish,
        };
        let task = live.caller.task;
        let is_forced = live.latest == deadline && deadline <= now;
        self.fired.push(Fired { task, id: live.id, late: now.since(due), why, is_forced });
        let expiry = Expiry { id: live.id, due_ns: due.0, times: times(&live.timer, now) };
        let unread = self.unread.entry((task, live.id));
        unread.and_modify(|unread| unread.times += expiry.times).or_insert(expiry);
    }

    fn expect_live(&self, task: TaskId, id: u64, said: bool, now: Nanos) -> Result<(), Violation> {
        let is_live = self.live.iter().any(|live| live.caller.task == task && live.id == id);
        if is_live == said {
            return Ok(());
        }
        let what =
            format!("timed says that timer {id:#x} of {task:?} was live: {said}, and it is the other way");
        Err(Violation::new(Invariant::FiresOnce, now, what))
    }

    fn read(&mut self, task: TaskId, expiries: &[Expiry], now: Nanos) -> Result<(), Violation> {
        for expiry in expiries {
            let expected = self.unread.remove(&(task, expiry.id));
            if expected == Some(*expiry) {
                continue;
            }
            let waits = self.live.iter().find(|live| live.id == expiry.id && live.earliest > now);
            let (invariant, what) = match (waits, expected) {
                (Some(live), None) => {
                    let early = live.earliest.since(now).0;
                    (
                        Invariant::NeverEarly,
                        format!("timer {:#x} of {task:?} fired {early} ns early", live.id),
                    )
                }
                (_, expected) => {
                    let what = format!("{task:?} read {expiry:?} where {expected:?} was due");
                    (Invariant::FiresOnce, what)
                }
            };
            return Err(Violation::new(invariant, now, what));
        }
        let left = || self.unread.range((task, 0)..=(task, u64::MAX)).next();
        match left() {
            Some((_, lost)) if expiries.len() < FIRED_PAGE => {
                let what = format!("{lost:?} of {task:?} was not told");
                Err(Violation::new(Invariant::FiresOnce, now, what))
            }
            _ => Ok(()),
        }
    }

    fn forget(&mut self, task: TaskId, id: u64) {
        self.live.retain(|live| live.caller.task != task || live.id != id);
        self.unread.remove(&(task, id));
    }

    fn settle(&mut self) {
        self.deadline = self.live.iter().map(|live| live.latest).min();
    }
}

/// How many occurrences have come at `now`.
fn times(timer: &Timer, now: Nanos) -> u64 {
    timer.period_ns.map_or(1, |period| now.since(Nanos(timer.due_ns)).0 / period + 1)
}

/// The first occurrence that is not before `moment`.
fn on_grid(timer: &Timer, moment: Nanos) -> Nanos {
    let due = Nanos(timer.due_ns);
    match timer.period_ns {
        None => due.max(moment),
        Some(period) => due.after(Nanos(moment.since(due).0.div_ceil(period).saturating_mul(period))),
    }
}

/// As promised, and on purpose not from the library that is checked.
const fn class_window(class: QosClass) -> Nanos {
    Nanos::from_millis(match class {
        QosClass::PerfBurst => 0,
        QosClass::Interactive => 1,
        QosClass::Normal => 4,
        QosClass::Idle => 8,
    })
}
