//! The loop: one event after the other, and after each the rules.
//!
//! ```text
//!   until the next event or timed's deadline: time passes ─▶ harts idle, energy flows
//!     the event ─▶ services settle: what is due is done, bells are set ─▶ check
//! ```

mod alarms;
mod apps;
mod check;
mod days;
mod faults;
mod power;

use std::cell::RefCell;
use std::rc::Rc;

use alarm_queue::{AlarmQueue, Wakeup, Wall, Zone};
use explain::{Log, Origin, clipped};
use lifecycle::Lifecycle;
use nexus_abi::{IdleLevel, Nanos, ServiceId, TaskId};
use nexus_service::Caller;
use nexus_wire::timed::{Answer, Govern, Request};
use power_config::PowerConfig;
use power_governor::{Costs, Percent};
use power_residency::Residency;

use crate::battery::{Battery, Curve, Energy};
use crate::bell::Bell;
use crate::bus::{Bus, identity};
use crate::event::{Event, Queue, Step, Trace};
use crate::firmware::{Firmware, Powerd, Standbyd};
use crate::harts::{Ahead, Harts};
use crate::record::{Kind, Recorder, record};
use crate::scenario::{Policy, Scenario};
use crate::stats::{Cause, Stats, Stretch};
use crate::violation::Violation;
use crate::world::apps::App;
use crate::world::days::Days;

/// A day.
pub const DAY: Nanos = Nanos::from_millis(24 * 60 * 60 * 1_000);
/// The first midnight, a Monday's.
const FIRST_MIDNIGHT: Wall = Wall(1_767_571_200_000_000_000);
/// What a hart does for an interrupt: trap, timed, a switch or two.
const HANDLER: Nanos = Nanos::from_micros(30);

/// What is simulated.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// The settings, maybe other ones than the scenario's.
    pub policy: Policy,
    /// What chance depends on.
    pub seed: u64,
    /// For how many days.
    pub days: u32,
}

/// Lives through a plan.
pub fn run(
    plan: Plan<'_>,
    firmware: &dyn Firmware,
    recorder: &mut dyn Recorder,
) -> Result<Stats, Box<Violation>> {
    let mut world = World::new(plan, firmware, recorder);
    world.queue.plan(Nanos(0), Event::Boot, Step(0));
    world.queue.plan(Nanos(0), Event::NewDay, Step(0));
    let end = Nanos(DAY.0 * u64::from(plan.days));
    while world.now < end {
        if let Err(violation) = world.step(end) {
            return Err(Box::new(world.explained(violation)));
        }
    }
    world.stats.messages = world.bus.borrow().messages;
    world.stats.events = world.trace.count();
    Ok(world.stats)
}

/// Whether the device is on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Supply {
    On,
    /// Until somebody switches it on again.
    Off,
}

/// Where alarms are kept.
#[derive(Debug, Default)]
struct Disk {
    file: Option<Vec<u8>>,
    full_until: Nanos,
}

struct World<'a> {
    plan: Plan<'a>,
    /// What the plan's policy comes to.
    config: PowerConfig,
    firmware: &'a dyn Firmware,
    recorder: &'a mut dyn Recorder,
    now: Nanos,
    /// The event that is being handled.
    step: Step,
    queue: Queue,
    trace: Trace,
    log: Log,
    bus: Rc<RefCell<Bus>>,
    supply: Supply,
    harts: Harts,
    exits: Costs,
    battery: Battery,
    /// What the gauge showed last.
    gauge: Percent,
    charging: bool,
    /// The screen is lit until then.
    lit_until: Nanos,
    /// Times that the person has picked the device up, and works that were begun under a lock.
    visit: u64,
    works: u64,
    powerd: Box<dyn Powerd>,
    standbyd: Box<dyn Standbyd>,
    alarms: AlarmQueue,
    appmgrd: Lifecycle,
    residency: Residency,
    /// How long the device has been off in all.
    off: Nanos,
    /// When standby and alarms want to be asked again, as of their last change.
    standby_due: Option<Nanos>,
    alarms_due: Option<Wakeup>,
    bells: [Bell; 4],
    apps: Vec<App<'a>>,
    days: Days,
    disk: Disk,
    /// What the device's clock is ahead of the true time.
    clock_ahead: i64,
    /// True while timed is dead and not started again.
    timed_is_down: bool,
    /// Messages are late until then.
    slow_until: Nanos,
    /// When an alarm could last be late without anybody's fault.
    disturbed: Nanos,
    stats: Stats,
}

/// The bells, by service.
const POWERD: usize = 0;
const STANDBYD: usize = 1;
const ALARMSD: usize = 2;
const APPMGRD: usize = 3;
const SERVICES: [ServiceId; 4] = [identity::POWERD, identity::STANDBYD, identity::ALARMSD, identity::APPMGRD];

/// The handles that services and apps are told by. Zero is none.
const fn handle(client: usize) -> nexus_abi::Handle {
    nexus_abi::Handle::from_wire(client as u64 + 1)
}

impl<'a> World<'a> {
    fn new(plan: Plan<'a>, firmware: &'a dyn Firmware, recorder: &'a mut dyn Recorder) -> Self {
        let Plan { scenario, policy, seed, days } = plan;
        let now = Nanos(0);
        let config = policy.config();
        let bus = Rc::new(RefCell::new(Bus::new(now)));
        let curve = Curve::fixture();
        #[expect(clippy::expect_used, reason = "the curve is part of this program, and a test reads it")]
        let battery = Battery::full(curve.expect("the battery's curve is right"));
        let names = scenario.app.iter().map(|app| app.name.get_ref().as_str().to_owned()).collect();
        let harts = Harts::new(scenario.device, now);
        Self {
            plan,
            firmware,
            recorder,
            now,
            step: Step(0),
            queue: Queue::default(),
            trace: Trace::default(),
            log: Log::new(),
            supply: Supply::Off,
            exits: config.governor.costs,
            config,
            gauge: battery.percent(),
            battery,
            charging: false,
            lit_until: now,
            visit: 0,
            works: 0,
            powerd: firmware.powerd(&config),
            standbyd: firmware.standbyd(config.standby),
            alarms: AlarmQueue::new(Zone::UTC),
            appmgrd: Lifecycle::new(),
            residency: residency(&config, &harts, now),
            harts,
            off: Nanos(0),
            standby_due: None,
            alarms_due: None,
            bells: [0, 1, 2, 3].map(|place| Bell::new(SERVICES[place], handle(place))),
            apps: scenario.app.iter().enumerate().map(|(place, spec)| App::new(spec, place, seed)).collect(),
            days: Days::new(seed),
            disk: Disk::default(),
            clock_ahead: 0,
            timed_is_down: false,
            slow_until: now,
            disturbed: now,
            stats: Stats::new(Nanos(DAY.0 * u64::from(days)), names),
            bus,
        }
    }

    /// Up to the next event, and through it; not beyond `end`.
    fn step(&mut self, end: Nanos) -> Result<(), Violation> {
        let deadline = self.bus.borrow().deadline().max(self.now);
        let planned = self.queue.next_at();
        let at = planned.min(deadline).min(end);
        self.pass(at, deadline);
        self.note_who_is_spared();
        if planned.min(deadline) > end || at == end {
            self.now = end;
            return self.check();
        }
        if deadline <= planned {
            self.step = self.trace.note(at, Event::Timer, Step(0));
            self.timer_rings();
        } else if let Some((event, because)) = self.queue.pop() {
            self.step = self.trace.note(at, event, because);
            self.handle(event);
        }
        self.settle()?;
        self.check()
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Boot => self.boot(),
            Event::NewDay => self.new_day(),
            Event::Plug { begins } => self.plug(begins),
            Event::Fault(fault) => self.fault(fault),
            // Of a device that is off nothing else comes to pass.
            _ if self.supply == Supply::Off => self.missed(event),
            Event::Timer => {}
            Event::Push { app, push } => self.push(app, push),
            Event::Pick { app, length, service_for } => self.pick(app, length, service_for),
            Event::Put { visit } => self.put(visit),
            Event::ServiceEnds { app, task } => self.service_ends(app, task),
            Event::Ready { app, task } => self.ready(app, task),
            Event::Done { app, task, work } => self.done(app, task, work),
            Event::Read { app } => self.read(app),
            Event::Beats { app, task } if self.apps[app].task == Some(task) => self.settle_beats(app, true),
            Event::Beats { .. } => {}
            Event::TimedBack => self.timed_back(),
            Event::ClockRight => self.set_clock(0),
        }
    }

    /// Time passes.
    fn pass(&mut self, to: Nanos, deadline: Nanos) {
        let from = self.now;
        let span = to.since(from);
        let costs = self.plan.scenario.device;
        let before = self.levels();
        let is_off = self.supply == Supply::Off;
        if is_off {
            self.off = self.off.after(span);
            self.harts.skip(to);
        } else {
            let powerd = &self.powerd;
            self.harts.pass(to, Ahead { deadline }, |expected| powerd.idle(expected));
        }
        let lit = match is_off {
            true => Nanos(0),
            false if self.powerd.locks().demand() == Some(wakelock::Kind::Full) => span,
            false => self.lit_until.since(from).min(span),
        };
        let mut used = self.harts.take_used();
        if !is_off {
            used += Energy::spent(costs.base.into(), span);
        }
        used += Energy::spent(costs.screen.into(), lit);
        let charged =
            if self.charging { Energy::spent(costs.charger.into(), span) } else { Energy::default() };
        self.battery.flow(charged, used);
        self.stats.used += used;
        self.now = to;
        if span > Nanos(0) {
            let after = self.levels();
            let levels = [0, 1, 2].map(|level| after[level] - before[level]);
            let (battery, charging, off) = (self.gauge.get(), self.charging, is_off);
            let stretch = Stretch { from, to, battery, levels, screen: lit.0, charging, off };
            self.stats.pass(stretch, self.apps.iter().map(|app| (app.locks_count, app.in_standby)));
        }
        self.bus.borrow_mut().now = to;
    }

    fn levels(&self) -> [u64; IdleLevel::ALL.len()] {
        let mut sums = [0; IdleLevel::ALL.len()];
        for spent in self.harts.spent() {
            sums.iter_mut().zip(spent).for_each(|(sum, level)| *sum += level.0);
        }
        sums
    }

    /// Something outside demands attention: the machine is awake from here on.
    fn interrupt(&mut self, cause: Cause, who: &str) {
        let (level, exits) = (self.harts.level(), self.exits);
        if self.harts.interrupt(HANDLER, false, |level| exits.exit_latency(level)) {
            self.woke(cause, who, level);
        }
        self.bus.borrow_mut().wake(self.now);
    }

    /// timed's deadline has come.
    fn timer_rings(&mut self) {
        let (level, exits) = (self.harts.level(), self.exits);
        let is_wakeup = self.harts.interrupt(HANDLER, true, |level| exits.exit_latency(level));
        self.bus.borrow_mut().wake(self.now);
        let fired = self.bus.borrow_mut().promise.take_fired();
        if is_wakeup {
            let forced = fired.iter().find(|fired| fired.is_forced).map(|fired| fired.task);
            let (cause, who) = self.who(forced);
            self.woke(cause, &who, level);
            if let Some(app) = forced.and_then(|task| self.app_of(task)) {
                self.stats.apps[app].wakeups += 1;
            }
        }
        self.note_late(&fired);
    }

    fn woke(&mut self, cause: Cause, who: &str, from: IdleLevel) {
        for bucket in self.stats.at(self.now) {
            bucket.wakeups[cause as usize] += 1;
        }
        let what = cause.text();
        self.recorder.record(&record(self.now, Kind::Wakeup, who, what, from.to_wire()));
    }

    /// What a task is to the statistics.
    fn who(&self, task: Option<TaskId>) -> (Cause, String) {
        let Some(task) = task else { return (Cause::Timer, String::new()) };
        match self.bells.iter().position(|bell| bell.caller().task == task) {
            Some(ALARMSD) => (Cause::Alarm, "alarmsd".to_owned()),
            Some(bell) => (Cause::Timer, ["powerd", "standbyd", "alarmsd", "appmgrd"][bell].to_owned()),
            None => {
                (Cause::Timer, self.app_of(task).map_or(String::new(), |app| self.apps[app].name.to_string()))
            }
        }
    }

    fn app_of(&self, task: TaskId) -> Option<usize> {
        self.apps.iter().position(|app| app.task == Some(task))
    }

    /// Does what is due, and tells timed when to wake whom. Ends: each turn takes what has been told.
    fn settle(&mut self) -> Result<(), Violation> {
        if self.supply == Supply::Off {
            return Ok(());
        }
        self.read_gauge();
        if self.supply == Supply::Off {
            return Ok(());
        }
        loop {
            let told = self.bus.borrow_mut().take_notes();
            if told.is_empty() {
                break;
            }
            told.into_iter().for_each(|handle| self.told(handle));
        }
        self.powerd_is_due();
        self.standbyd_is_due();
        self.appmgrd_is_due();
        self.alarmsd_is_due()?;
        self.set_bells();
        let fired = self.bus.borrow_mut().promise.take_fired();
        self.note_late(&fired);
        self.sample_residency()?;
        self.note_locks();
        self.look_after_timed();
        Ok(())
    }

    /// A service or an app is told that timers of its have fired.
    fn told(&mut self, by: nexus_abi::Handle) {
        let client = (by.to_wire() as usize).wrapping_sub(1);
        if let Some(bell) = self.bells.get_mut(client) {
            return bell.read(&mut self.bus.borrow_mut());
        }
        let app = client - SERVICES.len();
        if self.now < self.slow_until {
            let late = self.days.late(self.plan.scenario.faults.delay_max.0);
            self.queue.plan(self.now.after(late), Event::Read { app }, self.step);
        } else {
            self.read(app);
        }
    }

    /// Asks timed for something on behalf of a service.
    fn govern(&mut self, service: usize, request: Govern) -> bool {
        let caller = self.bells[service].caller();
        matches!(self.bus.borrow_mut().ask(caller, &Request::Govern(request), None), Ok(Answer::Done))
    }

    /// execd tells timed that a task has ended.
    fn bury(&mut self, task: TaskId) {
        let execd = Caller {
            task: TaskId::new(ServiceId::EXECD.0, 1),
            service: ServiceId::EXECD,
            class: nexus_abi::QosClass::Normal,
        };
        let ended = Request::Govern(Govern::Ended { task: task.to_wire() });
        // When timed dies over this, it has forgotten the task too.
        let _done = self.bus.borrow_mut().ask(execd, &ended, None);
    }

    /// The wall clock of the device.
    fn wall(&self) -> Wall {
        let read = i128::from(FIRST_MIDNIGHT.0) + i128::from(self.now.0) + i128::from(self.clock_ahead);
        Wall(read.clamp(0, u64::MAX.into()) as u64)
    }

    /// Where a chain of the log begins that the current event has begun.
    fn origin(&self) -> Origin {
        let name = |app: usize| self.plan.scenario.app[app].name.get_ref().as_str().to_owned();
        Origin::Event(clipped(&self.trace.chain(self.step, name).first().cloned().unwrap_or_default()))
    }

    fn explained(&self, violation: Violation) -> Violation {
        let name = |app: usize| self.plan.scenario.app[app].name.get_ref().as_str().to_owned();
        let mut chain = self.trace.chain(self.step, name);
        for question in [explain::Question::Awake, explain::Question::Mode] {
            let answer = self.log.why(question);
            if answer.holds {
                chain.extend(answer.text(self.now).lines().map(str::to_owned));
            }
        }
        Violation { event: self.trace.count(), chain, ..violation }
    }
}

fn residency(config: &PowerConfig, harts: &Harts, now: Nanos) -> Residency {
    let counters = harts.counters();
    #[expect(clippy::expect_used, reason = "a device has 1 to 8 harts, which is what residency takes")]
    Residency::with_windows(config.residency, now, &counters).expect("a device has harts")
}
