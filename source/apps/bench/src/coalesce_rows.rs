//! Many tasks that each sleep in a rhythm of their own: how often the machine wakes up for them, how often it would
//! have to, and what a wake-up costs.
//!
//! The tasks see the time as any ordinary task does, in steps of 100 µs, and all their moments are whole steps. So what
//! they call early is early, and what they call late is late by a step or more.

use alloc::format;
use alloc::vec::Vec;

use bench::Role;
use bench::load::{LAST, Order, Report, Way};
use bench::moments::{self, STRETCH};
use nexus_abi::user::{self, Incoming, Message, Outgoing};
use nexus_abi::{COARSE_CLOCK, Handle, HartMask, Nanos, QosClass, Rights};
use nexus_rt::startup::{SYSTEM, TIMED};
use timer_coalescer::compose::class_window;
use timer_coalescer::queue::{Node, Nodes, Queue, Window};

use crate::crew::Crew;
use crate::measure::{self, During, Trouble};

/// How long each set is watched.
const SPAN: Nanos = Nanos::from_millis(10_000);
/// Until the first of them wakes all have their orders; after the last has woken all sleep again.
const LEAD: Nanos = Nanos::from_millis(200);

/// So many tasks, in such a rhythm.
struct Load {
    name: &'static str,
    tasks: u64,
    period: Nanos,
    /// What they ask for beyond their class.
    late_by: Nanos,
    /// Every other one is Idle; else all are Normal.
    is_mixed: bool,
    way: Way,
}

const FAST: Nanos = Nanos::from_millis(50);
const SLOW: Nanos = Nanos::from_millis(500);
const WIDE: Nanos = Nanos::from_millis(50);
const NONE: Nanos = Nanos(0);
const NANOS_A_MICRO: u64 = 1_000;

const LOADS: [Load; 6] = [
    Load { name: "200x20hz_class", tasks: 200, period: FAST, late_by: NONE, is_mixed: true, way: Way::Timed },
    Load { name: "200x20hz_4ms", tasks: 200, period: FAST, late_by: NONE, is_mixed: false, way: Way::Timed },
    Load { name: "200x20hz_50ms", tasks: 200, period: FAST, late_by: WIDE, is_mixed: false, way: Way::Timed },
    Load { name: "20x2hz_4ms", tasks: 20, period: SLOW, late_by: NONE, is_mixed: false, way: Way::Timed },
    Load { name: "200x2hz_4ms", tasks: 200, period: SLOW, late_by: NONE, is_mixed: false, way: Way::Timed },
    Load {
        name: "200x20hz_kernel",
        tasks: 200,
        period: FAST,
        late_by: NONE,
        is_mixed: false,
        way: Way::Kernel,
    },
];

/// Every load.
pub fn loads() -> Result<(), Trouble> {
    LOADS.iter().try_for_each(watch)
}

fn watch(load: &Load) -> Result<(), Trouble> {
    let (orders, gate) = (user::endpoint_create().during("an endpoint")?, user::notification_create());
    let gate = gate.during("a gate")?;
    let mut crew = Crew::new()?;
    let handles = [(orders, Rights::CALL), (TIMED, Rights::CALL), (gate, Rights::RECEIVE)];
    (0..load.tasks).try_for_each(|_| crew.add(Role::Sleeper, HartMask::ANY, &handles))?;
    let asking: Vec<Message> = messages(orders, load.tasks).collect::<Result<_, _>>()?;

    let start = user::clock_now().after(LEAD).after(LEAD).0;
    let start = start - start % COARSE_CLOCK.0;
    let plan = plan(load, start);
    for (message, order) in asking.iter().zip(&plan) {
        let out = Outgoing { words: order.to_words(), ..Outgoing::default() };
        user::reply(message.reply, out).during("giving orders")?;
    }
    user::sleep_until(Nanos(start - LEAD.0));
    let before = Seen::now()?;
    user::sleep_until(Nanos(start).after(SPAN).after(WIDE).after(LEAD));
    let seen = Seen::now()?.since(&before);

    (0..load.tasks).try_for_each(|_| user::notify(gate, 1)).during("opening the gate")?;
    let reports: Vec<Message> = messages(orders, load.tasks).collect::<Result<_, _>>()?;
    let told: Vec<Report> = reports.iter().map(|it| Report::from_words(it.words)).collect();
    // They wait for an answer until they die.
    crew.dismiss()?;
    for message in reports {
        user::handle_close(message.reply).during("closing a reply")?;
    }
    user::handle_close(gate).during("closing the gate")?;
    user::handle_close(orders).during("closing")?;
    tell(load, &plan, &seen, &told)?;
    tell_moments(load, start, &told)
}

fn tell(load: &Load, plan: &[Order], seen: &Seen, told: &[Report]) -> Result<(), Trouble> {
    let harts = user::machine_info(SYSTEM).during("machine info")?.harts;
    let woken = plan.iter().map(|order| order.turns).sum::<u64>().max(1);
    let row = |what: &str, unit: &str, value: u64| {
        measure::exact(&format!("timers_{}_{what}_h{harts}", load.name), unit, value);
    };
    // One interrupt is the one that ended the measurement.
    row("irqs", "count", seen.timer_irqs - 1);
    row("least", "count", least(plan));
    row("sleeps", "count", seen.sleeps);
    row("early", "count", told.iter().map(|report| report.early).sum());
    row("late", "count", told.iter().map(|report| report.late).sum());
    row("woken", "count", woken);
    if harts == 1 {
        // On several a hart is also awake while the emulator lets another one run.
        row("cost", "instr", seen.busy.div_ceil(woken));
    }
    Ok(())
}

/// So long before the end of the load begins the stretch in which the sleepers' wake-ups are looked at: all of them still
/// sleep in it, and they remember all of it, whatever had been due before and woke late.
const LOOK: Nanos = Nanos::from_millis(140);
const _: () = assert!(LOOK.0 > STRETCH.0 && LOOK.0 + WIDE.0 < LAST as u64 * FAST.0);

/// When the machine woke in a stretch of the load; of the slow ones too little is known.
fn tell_moments(load: &Load, start: u64, told: &[Report]) -> Result<(), Trouble> {
    let harts = user::machine_info(SYSTEM).during("machine info")?.harts;
    if load.period != FAST || harts > 1 {
        return Ok(());
    }
    let woke = told.iter().flat_map(|report| report.last);
    let moments = moments::of_machine(Nanos(start + SPAN.0 - LOOK.0), woke);
    let at: Vec<_> = moments.iter().map(|moment| format!("{}", moment.0 / NANOS_A_MICRO)).collect();
    nexus_rt::log!("M {} n={} at_us={}", load.name, at.len(), at.join(","));
    Ok(())
}

/// What each of them shall do: phases as in the comparator's `coalesce`, in steps of the tasks' clock.
fn plan(load: &Load, start: u64) -> Vec<Order> {
    let steps = load.period.0 / COARSE_CLOCK.0;
    let mut seed: u32 = 12_345;
    let mut order = |n: u64| {
        seed = seed.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        let phase = u64::from(seed >> 8) % steps * COARSE_CLOCK.0;
        let class = if load.is_mixed && n % 2 == 1 { QosClass::Idle } else { QosClass::Normal };
        Order {
            first: start + phase,
            period: load.period.0,
            turns: SPAN.0 / load.period.0,
            window: class_window(class).max(load.late_by).0,
            late_by: load.late_by.0,
            class: class.to_wire(),
            way: load.way,
        }
    };
    (0..load.tasks).map(&mut order).collect()
}

/// How often one has to wake up for all of it, by the library.
fn least(plan: &[Order]) -> u64 {
    let mut sleeps = Sleeps(plan.iter().map(|_| (Node::new(Window::new(0, 0)), 0)).collect());
    let mut queue = Queue::new();
    let window = |index: usize, turn: u64| {
        let order = plan.get(index).filter(|order| turn < order.turns)?;
        let due = order.first + turn * order.period;
        Some(Window::new(due, due + order.window))
    };
    for index in 0..plan.len() {
        if let Some(window) = window(index, 0) {
            queue.insert(index, window, &mut sleeps);
        }
    }
    let mut wakeups = 0;
    while let Some(now) = queue.next_wakeup() {
        wakeups += 1;
        while let Some(index) = queue.first_due(now, &mut sleeps) {
            queue.remove(index, &mut sleeps);
            sleeps.0[index].1 += 1;
            if let Some(window) = window(index, sleeps.0[index].1) {
                queue.insert(index, window, &mut sleeps);
            }
        }
    }
    wakeups
}

/// Each sleeper's place in the queue, and how often it has slept.
struct Sleeps(Vec<(Node<usize, u64>, u64)>);

impl Nodes for Sleeps {
    type Id = usize;
    type Moment = u64;
    fn node(&mut self, id: usize) -> &mut Node<usize, u64> {
        &mut self.0[id].0
    }
}

/// So many messages that come to `endpoint`.
fn messages(endpoint: Handle, count: u64) -> impl Iterator<Item = Result<Message, Trouble>> {
    let next = move |_| loop {
        match user::receive(endpoint, &mut [], Nanos::NEVER).during("hearing a sleeper") {
            Ok(Incoming::Message(message)) => return Ok(message),
            Ok(Incoming::Bits(_)) => {}
            Err(trouble) => return Err(trouble),
        }
    };
    (0..count).map(next)
}

/// What all harts have done.
struct Seen {
    timer_irqs: u64,
    /// Times a hart fell asleep, whatever had woken it.
    sleeps: u64,
    /// Instructions.
    busy: u64,
}

impl Seen {
    fn now() -> Result<Self, Trouble> {
        let mut seen = Self { timer_irqs: 0, sleeps: 0, busy: 0 };
        for hart in 0..user::machine_info(SYSTEM).during("machine info")?.harts {
            let hart = user::hart_info(SYSTEM, hart as usize).during("hart info")?;
            seen.timer_irqs += hart.timer_irqs;
            seen.sleeps += hart.idle_entries;
            seen.busy += hart.busy_ns;
        }
        Ok(seen)
    }

    fn since(&self, before: &Self) -> Self {
        Self {
            timer_irqs: self.timer_irqs - before.timer_irqs,
            sleeps: self.sleeps - before.sleeps,
            busy: self.busy - before.busy,
        }
    }
}
