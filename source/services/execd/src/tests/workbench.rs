//! The machine that records what is asked of it, a policyd that allows what a test says, and callers.

use super::*;

#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) spawned: Vec<(String, String, Profile, HartMask, u64, Option<Handle>)>,
    pub(super) alive: BTreeMap<u64, Option<ExitReason>>,
    pub(super) closed: Vec<Handle>,
    pub(super) log: Vec<String>,
    pub(super) refuse: Option<Error>,
    pub(super) orphans: Vec<Orphan>,
    /// What the kernel was told about tasks, in order.
    pub(super) set: Vec<(TaskId, String)>,
    /// Refuses to set anything.
    pub(super) set_fails: Option<Error>,
    /// Whatever is started has ended before anybody looks.
    pub(super) at_once_gone: bool,
    /// What policyd allows: subject, action, object.
    pub(super) allowed: Vec<(&'static str, Action, &'static str)>,
    /// What policyd was asked.
    pub(super) asked: Vec<(String, Action, String)>,
    /// It does not answer.
    pub(super) silent: bool,
    /// Whom timed was told to forget.
    pub(super) forgotten: Vec<TaskId>,
}

/// Harts of the machine.
pub(super) const ONLINE: u64 = 0b11;

impl World {
    fn note(&mut self, task: TaskId, what: String) -> Result<(), Error> {
        if let Some(error) = self.set_fails {
            return Err(error);
        }
        self.set.push((task, what));
        Ok(())
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Fake(pub(super) Rc<RefCell<World>>);

impl Machine for Fake {
    fn spawn(&mut self, launch: &Launch<'_>) -> Result<(Handle, TaskId), Error> {
        let mut world = self.0.borrow_mut();
        if let Some(error) = world.refuse {
            return Err(error);
        }
        if launch.image == "missing" {
            return Err(Error::NotFound);
        }
        if launch.harts.0 & ONLINE == 0 {
            return Err(Error::Invalid);
        }
        let said = (launch.image.to_string(), launch.args.to_string());
        let profile = launch.profile.clone();
        world.spawned.push((said.0, said.1, profile, launch.harts, launch.death_bit, launch.extra));
        let n = world.spawned.len() as u32;
        let task = Handle::new(n as u16, 7);
        world.alive.insert(task.to_wire(), None);
        Ok((task, TaskId::new(n, 1)))
    }

    fn kill(&mut self, task: Handle) -> Result<(), Error> {
        let mut world = self.0.borrow_mut();
        match world.alive.get_mut(&task.to_wire()) {
            Some(state @ None) => {
                *state = Some(ExitReason::Killed);
                Ok(())
            }
            _ => Err(Error::Dead),
        }
    }

    fn ended(&mut self, task: Handle) -> Option<ExitReason> {
        *self.0.borrow().alive.get(&task.to_wire())?
    }

    fn orphan(&mut self, from: u32) -> Option<Orphan> {
        let mut world = self.0.borrow_mut();
        let found = world.orphans.iter().find(|orphan| orphan.id.index() >= from)?.clone();
        world.alive.insert(found.task.to_wire(), None);
        Some(found)
    }

    /// Tasks are numbered as they are started; 77 is one that somebody else has started.
    fn image_of(&mut self, task: TaskId) -> Option<Image> {
        let world = self.0.borrow();
        if world.at_once_gone {
            return None;
        }
        let started =
            world.spawned.get((task.index() as usize).wrapping_sub(1)).filter(|_| task.generation() == 1);
        let name =
            started.map(|spawned| spawned.0.as_str()).or((task == TaskId::new(77, 1)).then_some("foreign"));
        Image::try_from(name?).ok()
    }

    fn set_class(&mut self, task: TaskId, class: QosClass) -> Result<(), Error> {
        self.0.borrow_mut().note(task, format!("class {}", class.name()))
    }

    fn set_affinity(&mut self, task: TaskId, place: Placement) -> Result<HartMask, Error> {
        let stored = place.harts.0 & ONLINE;
        if stored == 0 {
            return Err(Error::Invalid);
        }
        self.0.borrow_mut().note(task, format!("harts {stored:#x} {}", place.policy.name()))?;
        Ok(HartMask(stored))
    }

    fn set_shares(&mut self, task: TaskId, shares: Shares) -> Result<Shares, Error> {
        self.0.borrow_mut().note(task, format!("shares {}", shares.get())).map(|()| shares)
    }

    fn set_latency(&mut self, task: TaskId, latency: LatencyHint) -> Result<LatencyHint, Error> {
        self.0.borrow_mut().note(task, format!("latency {}", latency.as_ms())).map(|()| latency)
    }

    fn set_burst(&mut self, task: TaskId, burst: BurstHint) -> Result<BurstHint, Error> {
        self.0.borrow_mut().note(task, format!("burst {}", burst.as_ms())).map(|()| burst)
    }

    fn decide(&mut self, may: &May) -> Option<Decision> {
        let mut world = self.0.borrow_mut();
        world.asked.push((may.subject.to_string(), may.action, may.object.to_string()));
        if world.silent {
            return None;
        }
        let same = |(subject, action, object): &(&str, Action, &str)| {
            may.subject == *subject && may.action == *action && may.object == *object
        };
        Some(match world.allowed.iter().any(same) {
            true => Decision::Allow("so it is".chars().collect()),
            false => Decision::Deny(Denial::NoRuleForAction),
        })
    }

    fn forget_timers(&mut self, task: TaskId) {
        self.0.borrow_mut().forgotten.push(task);
    }

    fn close(&mut self, handle: Handle) {
        self.0.borrow_mut().closed.push(handle);
    }

    fn log(&mut self, line: core::fmt::Arguments<'_>) {
        self.0.borrow_mut().log.push(line.to_string());
    }
}

pub(super) struct Rig {
    pub(super) bench: Bench<Execd<Fake>>,
    pub(super) world: Rc<RefCell<World>>,
}

pub(super) fn entry(name: &str, start: Start) -> Entry {
    let name = Image::try_from(name).expect("short");
    Entry { name, start, profile: Profile::DEFAULT, affinity: None, qos: None }
}

/// policyd starts at boot, the shell when nothing else is asked for; shell and selftests may start programs, and so
/// says the recipe of a program that cannot prove to be itself.
pub(super) fn recipe() -> Recipe {
    let privileged = |name, start| {
        let mut entry = entry(name, start);
        entry.profile.uses = [Endpoint::Execd].into_iter().collect();
        entry.profile.privileges = [Privilege::Programs].into_iter().collect();
        entry
    };
    let mut services: heapless::Vec<Entry, { nexus_wire::recipe::SERVICES_MAX }> = heapless::Vec::new();
    services.extend([
        privileged("shell", Start::Default),
        privileged("selftest-client", Start::Asked),
        privileged("app", Start::Asked),
        entry("policyd", Start::Boot),
    ]);
    Recipe { services }
}

impl Rig {
    pub(super) fn new() -> Self {
        Self::with(recipe())
    }

    pub(super) fn with(recipe: Recipe) -> Self {
        let fake = Fake::default();
        Self { world: fake.0.clone(), bench: Bench::new(Execd::new(fake, recipe)) }
    }

    pub(super) fn ask(&mut self, request: Request) -> Answer {
        let id = self.bench.call(shell(), &request);
        self.answer(id).expect("an answer at once")
    }

    pub(super) fn answer(&self, id: CallId) -> Option<Answer> {
        match self.bench.outcome(id) {
            Ok(Outcome::Answered(answer)) => Some(answer),
            Ok(Outcome::Waiting) => None,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn spawn(&mut self, image: &str, restart: Restart) -> (u32, u64) {
        let spawn = Spawn::new(image, "").expect("short").restarting(restart);
        match self.ask(Request::Spawn(spawn)) {
            Answer::Spawned { job, task } => (job, task),
            other => panic!("{other:?}"),
        }
    }

    /// The `n`-th task ever started ends; the kernel sets its bit.
    pub(super) fn dies(&mut self, n: usize, reason: ExitReason) {
        self.world.borrow_mut().alive.insert(Handle::new(n as u16, 7).to_wire(), Some(reason));
        let bit = self.world.borrow().spawned[n - 1].4;
        self.bench.bits(bit);
    }

    pub(super) fn count(&self) -> usize {
        self.world.borrow().spawned.len()
    }

    pub(super) fn jobs(&mut self) -> Vec<(u32, u64, u32)> {
        let Answer::Jobs(jobs) = self.ask(Request::List { from: 0 }) else { panic!() };
        jobs.iter().map(|job| (job.job, job.task, job.restarts)).collect()
    }

    pub(super) fn advance(&mut self, ms: u64) {
        let until = self.bench.now().after(Nanos::from_millis(ms));
        self.bench.run_until(until);
    }
}

pub(super) fn by(service: ServiceId, task: u32) -> Caller {
    Caller { task: TaskId::new(task, 9), service, class: QosClass::Normal }
}

pub(super) fn shell() -> Caller {
    by(ServiceId::SHELL, 100)
}
