//! What a day brings: the person's visits and glances, the charger, and what goes wrong.
//!
//! Person, faults and each app have streams of chance of their own: another policy sees the same day.

use fastrand::Rng;
use nexus_abi::Nanos;

use crate::event::{Event, Fault, Queue, Step};
use crate::scenario::{Rate, Scenario};
use crate::world::{DAY, World};

/// Chance.
#[derive(Debug)]
pub struct Days {
    person: Rng,
    faults: Rng,
    delays: Rng,
}

/// A stream of its own for each use of a seed.
pub fn stream(seed: u64, of: u64) -> Rng {
    Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(of))
}

/// The time until something that happens `rate` times in `span`: any moment is as good as any other.
pub fn wait(rng: &mut Rng, rate: Rate, span: Nanos) -> Nanos {
    if rate.0 <= 0.0 {
        return Nanos::NEVER;
    }
    let spans = -(1.0 - rng.f64()).ln() / rate.0;
    Nanos((spans * span.0 as f64) as u64)
}

impl Days {
    /// Of a seed.
    pub fn new(seed: u64) -> Self {
        Self { person: stream(seed, 1), faults: stream(seed, 2), delays: stream(seed, 3) }
    }

    /// How late a message is.
    pub fn late(&mut self, most: Nanos) -> Nanos {
        Nanos(self.delays.u64(0..=most.0))
    }

    fn happens(&mut self, percent: u8) -> bool {
        self.person.u8(0..100) < percent
    }

    /// Whether the person presses the button, or lets the screen go off by itself.
    pub fn presses_button(&mut self) -> bool {
        self.person.bool()
    }

    fn person(&mut self, scenario: &Scenario, from: Nanos, queue: &mut Queue, because: Step) {
        let user = &scenario.user;
        for visit in &user.visit {
            if !self.happens(visit.chance.0) {
                continue;
            }
            let jitter = visit.jitter.0.0;
            let at = from.after(visit.at.nanos()).after(Nanos(self.person.u64(0..=2 * jitter)));
            let at = at.since(Nanos(jitter)).max(from);
            let Some(app) = scenario.index_of(visit.app.get_ref()) else { continue };
            let pick = Event::Pick { app, length: visit.length.0, service_for: visit.service_for.0 };
            queue.plan(at, pick, because);
        }
        let hour = Nanos::from_millis(3_600_000);
        let mut at = wait(&mut self.person, user.glances_per_hour, hour);
        while at < DAY {
            let place = self.person.usize(0..user.glances_at.len());
            let length = wait(&mut self.person, Rate(1.0), user.glance_for.0).max(Nanos::from_millis(2_000));
            if user.wakes.spans(user.sleeps, at)
                && let Some(app) = scenario.index_of(user.glances_at[place].get_ref())
            {
                let pick = Event::Pick { app, length, service_for: Nanos(0) };
                queue.plan(from.after(at), pick, because);
            }
            at = at.after(wait(&mut self.person, user.glances_per_hour, hour));
        }
        for charge in &scenario.charge {
            if !self.happens(charge.chance.0) {
                continue;
            }
            let (begin, end) = (charge.from.nanos(), charge.to.nanos());
            let end = if end > begin { end } else { end.after(DAY) };
            queue.plan(from.after(begin), Event::Plug { begins: true }, because);
            queue.plan(from.after(end), Event::Plug { begins: false }, because);
        }
    }

    fn faults(&mut self, scenario: &Scenario, from: Nanos, queue: &mut Queue, because: Step) {
        let faults = scenario.faults;
        let apps = scenario.app.len();
        let minutes = |rng: &mut Rng, most: u64| Nanos::from_millis(rng.u64(1..=most) * 60_000);
        type Make<'a> = &'a dyn Fn(&mut Rng) -> Fault;
        let kinds: [(Rate, Make); 7] = [
            (faults.timed_dies, &|rng| Fault::TimedDies { messages: rng.u64(0..40), before: rng.bool() }),
            (faults.service_dies, &|rng| {
                [Fault::PowerdDies, Fault::StandbydDies, Fault::AlarmsdDies][rng.usize(0..3)]
            }),
            (faults.app_dies, &|rng| Fault::AppDies { app: rng.usize(0..apps) }),
            (faults.delays, &|rng| Fault::Delays { lasts: minutes(rng, 20) }),
            (faults.clock_set, &|rng| Fault::ClockSet { minutes: rng.i64(-60..=60) }),
            (faults.disk_full, &|rng| Fault::DiskFull { lasts: minutes(rng, 120) }),
            (faults.power_cut, &|_| Fault::PowerCut),
        ];
        for (rate, make) in kinds {
            let mut at = wait(&mut self.faults, rate, DAY);
            while at < DAY {
                queue.plan(from.after(at), Event::Fault(make(&mut self.faults)), because);
                at = at.after(wait(&mut self.faults, rate, DAY));
            }
        }
    }
}

impl World<'_> {
    pub(super) fn new_day(&mut self) {
        let (scenario, now, step) = (self.plan.scenario, self.now, self.step);
        self.days.person(scenario, now, &mut self.queue, step);
        self.days.faults(scenario, now, &mut self.queue, step);
        for place in 0..self.apps.len() {
            self.plan_pushes(place);
        }
        self.queue.plan(now.after(DAY), Event::NewDay, step);
    }

    /// The messages of a day for an app.
    fn plan_pushes(&mut self, app: usize) {
        let hour = Nanos::from_millis(3_600_000);
        for (place, push) in self.apps[app].spec.push.iter().enumerate() {
            let chance = &mut self.apps[app].chance;
            let mut at = wait(chance, push.per_hour, hour);
            while at < DAY {
                if push.from.spans(push.to, at) {
                    self.queue.plan(self.now.after(at), Event::Push { app, push: place }, self.step);
                }
                at = at.after(wait(chance, push.per_hour, hour));
            }
        }
    }
}
