//! What happens next, and what led to it.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use nexus_abi::{Nanos, TaskId};

use crate::bus::Death;
use crate::violation::Moment;

/// Something that happens in the world.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Event {
    /// The device is switched on.
    Boot,
    /// Midnight: what the person will do and what will go wrong is planned.
    NewDay,
    /// timed's deadline has come.
    Timer,
    /// A message comes over the network.
    Push { app: usize, push: usize },
    /// The person opens an app.
    Pick { app: usize, length: Nanos, service_for: Nanos },
    /// The person puts the device away.
    Put { visit: u64 },
    /// What a foreground service is for is over.
    ServiceEnds { app: usize, task: TaskId },
    /// An app has started.
    Ready { app: usize, task: TaskId },
    /// Work under a lock is done.
    Done { app: usize, task: TaskId, work: u64 },
    /// The charger is plugged in or out.
    Plug { begins: bool },
    /// An app hears, late, that timers of its have fired.
    Read { app: usize },
    /// An app asks, late, for the timers that its state takes.
    Beats { app: usize, task: TaskId },
    /// Something goes wrong.
    Fault(Fault),
    /// execd has started timed again.
    TimedBack,
    /// The person corrects the clock.
    ClockRight,
}

/// What goes wrong.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Fault {
    TimedDies { messages: u64, before: bool },
    PowerdDies,
    StandbydDies,
    AlarmsdDies,
    AppDies { app: usize },
    Delays { lasts: Nanos },
    ClockSet { minutes: i64 },
    DiskFull { lasts: Nanos },
    PowerCut,
}

impl Fault {
    /// When timed dies.
    pub const fn death(before: bool) -> Death {
        if before { Death::Before } else { Death::After }
    }

    /// For people.
    pub const fn text(self) -> &'static str {
        match self {
            Self::TimedDies { before: true, .. } => "timed is to die before it reads a message",
            Self::TimedDies { before: false, .. } => "timed is to die before it answers a message",
            Self::PowerdDies => "powerd dies",
            Self::StandbydDies => "standbyd dies",
            Self::AlarmsdDies => "alarmsd dies",
            Self::AppDies { .. } => "an app crashes",
            Self::Delays { .. } => "messages are late for a while",
            Self::ClockSet { .. } => "the clock is set wrong",
            Self::DiskFull { .. } => "the disk is full for a while",
            Self::PowerCut => "the power fails",
        }
    }
}

impl Event {
    /// For people, who know the apps by name.
    pub fn text(self, name: impl Fn(usize) -> String) -> String {
        match self {
            Self::Boot => "the device is switched on".to_owned(),
            Self::NewDay => "midnight".to_owned(),
            Self::Timer => "a timer of timed".to_owned(),
            Self::Push { app, .. } => format!("a message from the network for {}", name(app)),
            Self::Pick { app, .. } => format!("the person opens {}", name(app)),
            Self::Put { .. } => "the person puts the device away".to_owned(),
            Self::ServiceEnds { app, .. } => format!("the foreground service of {} ends", name(app)),
            Self::Ready { app, .. } => format!("{} has started", name(app)),
            Self::Done { app, .. } => format!("{} is done with its work under a lock", name(app)),
            Self::Plug { begins: true } => "the charger is plugged in".to_owned(),
            Self::Plug { begins: false } => "the charger is unplugged".to_owned(),
            Self::Read { app } => format!("{} hears late of its timers", name(app)),
            Self::Beats { app, .. } => format!("{} asks late for its timers", name(app)),
            Self::Fault(Fault::AppDies { app }) => format!("{} crashes", name(app)),
            Self::Fault(fault) => fault.text().to_owned(),
            Self::TimedBack => "timed is started again".to_owned(),
            Self::ClockRight => "the clock is set right".to_owned(),
        }
    }
}

/// A number of an event in the trace.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Step(pub u64);

/// Events to come: by moment, then in the order in which they were planned.
#[derive(Debug, Default)]
pub struct Queue {
    events: BinaryHeap<Reverse<(Nanos, u64, Event, Step)>>,
    planned: u64,
}

impl Queue {
    /// Plans an event that follows from `because`.
    pub fn plan(&mut self, at: Nanos, event: Event, because: Step) {
        self.planned += 1;
        self.events.push(Reverse((at, self.planned, event, because)));
    }

    /// When the next one happens.
    pub fn next_at(&self) -> Nanos {
        self.events.peek().map_or(Nanos::NEVER, |Reverse((at, ..))| *at)
    }

    /// The next one.
    pub fn pop(&mut self) -> Option<(Event, Step)> {
        self.events.pop().map(|Reverse((_, _, event, because))| (event, because))
    }
}

/// Events that a trace remembers.
const REMEMBERED: usize = 4_096;
/// Longest chain that is told.
const CHAIN_MAX: usize = 16;

/// The latest events, each with the one it follows from.
#[derive(Debug, Default)]
pub struct Trace {
    events: VecDeque<(Nanos, Event, Step)>,
    count: u64,
}

impl Trace {
    /// An event happens.
    pub fn note(&mut self, at: Nanos, event: Event, because: Step) -> Step {
        if self.events.len() == REMEMBERED {
            self.events.pop_front();
        }
        self.events.push_back((at, event, because));
        self.count += 1;
        Step(self.count)
    }

    /// How many there have been.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// From an event back to where it began.
    pub fn chain(&self, from: Step, name: impl Fn(usize) -> String) -> Vec<String> {
        let mut chain = Vec::new();
        let mut step = from;
        while let Some((at, event, because)) = self.find(step)
            && chain.len() < CHAIN_MAX
        {
            chain.push(format!("{}: {}", Moment(at), event.text(&name)));
            step = because;
        }
        chain
    }

    fn find(&self, step: Step) -> Option<(Nanos, Event, Step)> {
        let first = self.count + 1 - self.events.len() as u64;
        let place = step.0.checked_sub(first)?;
        self.events.get(usize::try_from(place).ok()?).copied()
    }
}
