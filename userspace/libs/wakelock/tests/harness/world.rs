//! The library beside a naive account of who holds what, and every step that can be taken.

use std::collections::BTreeMap;

use nexus_abi::{Nanos, TaskId};
use wakelock::{Attribution, Event, Kind, LockId, MaxHold, Refusal, Released, Request, Standing, WakeLocks};

use super::{MAY_HOLD_LONG, name};

/// Something happens. Tasks and locks are numbers; the app of a task has the task's number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Step {
    Acquire { task: u32, lock: u32, kind: Kind, hold: u64 },
    Renew { task: u32, lock: u32, hold: u64 },
    Release { task: u32, lock: u32 },
    Die { task: u32 },
    Stand { task: u32, standing: Standing },
    Pass { span: u64 },
}

/// A lock as its holder remembers it; nobody strikes it from this list but the holder, or its death.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Memory {
    id: LockId,
    kind: Kind,
    references: u16,
    end: Nanos,
}

/// The library, and what it should say.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct World {
    pub locks: WakeLocks,
    pub now: Nanos,
    /// How often each task has been replaced by another; those that never were are missing.
    pub deaths: BTreeMap<u32, u32>,
    /// Locks that were ever acquired.
    pub acquired: u64,
    standings: BTreeMap<u32, Standing>,
    memories: BTreeMap<(TaskId, u32), Memory>,
}

impl World {
    pub fn new() -> Self {
        Self {
            locks: WakeLocks::default(),
            now: Nanos(0),
            deaths: BTreeMap::new(),
            acquired: 0,
            standings: BTreeMap::new(),
            memories: BTreeMap::new(),
        }
    }

    /// The strongest lock of a live holder that is neither over nor suspended.
    pub fn owed(&self) -> Option<Kind> {
        let counts = |(task, _): &(TaskId, u32), memory: &Memory| {
            let alive = task.generation() == self.task(task.index()).generation();
            alive && memory.end > self.now && self.standing(task.index()) != Standing::Suspended
        };
        self.memories.iter().filter(|(key, memory)| counts(key, memory)).map(|(_, memory)| memory.kind).max()
    }

    /// What is wrong with what the library says.
    pub fn wrong(&self) -> Option<String> {
        let live = |memory: &&Memory| memory.end > self.now;
        let known: Vec<_> =
            self.locks.iter().map(|lock| (lock.id(), lock.references(), lock.end())).collect();
        let mut expected: Vec<_> = self.memories.values().filter(live).map(Memory::seen).collect();
        expected.sort_by_key(|(id, ..)| *id);
        let ends = self.memories.values().filter(live).map(|memory| memory.end).min();
        let deadline = self.locks.deadline();
        if self.locks.demand() != self.owed() {
            Some(format!("demands {:?}, owed is {:?}", self.locks.demand(), self.owed()))
        } else if known != expected {
            Some(format!("knows {known:?}, held are {expected:?}"))
        } else if deadline > ends.unwrap_or(Nanos::NEVER) || deadline <= self.now {
            Some(format!("wants to be asked at {deadline:?}, the next end is {ends:?}"))
        } else {
            None
        }
    }

    pub fn take(&mut self, step: Step) {
        match step {
            Step::Acquire { task, lock, kind, hold } => self.acquire(task, lock, kind, hold),
            Step::Renew { task, lock, hold } => self.renew(task, lock, hold),
            Step::Release { task, lock } => self.release(task, lock),
            Step::Die { task } => {
                let dead = self.task(task);
                let ended = self.locks.holder_died(dead).len();
                assert_eq!(ended, self.live_of(dead));
                self.memories.retain(|(holder, _), _| *holder != dead);
                *self.deaths.entry(task).or_default() += 1;
            }
            Step::Stand { task, standing } => self.stand(task, standing),
            Step::Pass { span } => self.pass(Nanos(span)),
        }
    }

    fn acquire(&mut self, task: u32, lock: u32, kind: Kind, hold: u64) {
        let who = Attribution {
            task: self.task(task),
            app: name(&task.to_string()),
            name: name(&lock.to_string()),
            on_behalf_of: None,
        };
        let key = (who.task, lock);
        let fresh = self.memories.get(&key).is_none_or(|memory| memory.end <= self.now);
        let hold = MaxHold::of(Nanos(hold));
        let standing = self.standing(task);
        let request = Request { who, kind, hold: Some(hold), standing };
        match self.locks.acquire(request, MAY_HOLD_LONG) {
            Ok(grant) if fresh => {
                self.acquired += 1;
                let end = hold.end(self.now);
                self.memories.insert(key, Memory { id: grant.id, kind, references: 1, end });
            }
            Ok(grant) => {
                let memory = self.memories.get_mut(&key).unwrap();
                memory.references += 1;
                memory.end = memory.end.max(hold.end(self.now));
                assert_eq!((grant.id, grant.references, grant.end), memory.seen());
            }
            Err(Refusal::Differs) => assert!(!fresh && self.memories[&key].kind != kind),
            Err(Refusal::TaskFull) => assert!(fresh && self.live_of(key.0) == wakelock::LOCKS_PER_TASK),
            Err(Refusal::TableFull) => assert!(fresh && self.locks.iter().len() == wakelock::LOCKS_MAX),
            Err(refusal) => panic!("{refusal}"),
        }
    }

    fn renew(&mut self, task: u32, lock: u32, hold: u64) {
        let key = (self.task(task), lock);
        let Some(memory) = self.memories.get_mut(&key) else { return };
        let hold = MaxHold::of(Nanos(hold));
        let renewed = self.locks.renew(key.0, memory.id, Some(hold), MAY_HOLD_LONG);
        if memory.end > self.now {
            memory.end = memory.end.max(hold.end(self.now));
            assert_eq!(renewed, Ok(memory.end));
        } else {
            assert_eq!(renewed, Err(Refusal::NotHeld));
        }
    }

    fn release(&mut self, task: u32, lock: u32) {
        let key = (self.task(task), lock);
        let Some(memory) = self.memories.get_mut(&key) else { return };
        let released = self.locks.release(key.0, memory.id);
        memory.references -= 1;
        if memory.end <= self.now {
            assert_eq!(released, Err(Refusal::NotHeld));
        } else if memory.references > 0 {
            assert_eq!(released, Ok(Released::Held(memory.references)));
            return;
        } else {
            assert!(matches!(released, Ok(Released::Ended(_))));
        }
        self.memories.remove(&key);
    }

    fn stand(&mut self, task: u32, standing: Standing) {
        let app = task.to_string();
        let its = self.locks.iter().filter(|lock| lock.who().charged() == app).count();
        let expected = if its == 0 { Err(Refusal::UnknownApp) } else { Ok(its) };
        assert_eq!(self.locks.stand(&app, standing), expected);
        self.standings.insert(task, standing);
    }

    fn pass(&mut self, span: Nanos) {
        let before = self.now;
        self.now = self.now.after(span);
        let over = |memory: &&Memory| memory.end > before && memory.end <= self.now;
        let expected = self.memories.values().filter(over).count();
        let events = self.locks.advance(self.now);
        assert!(events.iter().all(|event| event.at() > before && event.at() <= self.now));
        assert!(events.is_sorted_by_key(Event::at));
        assert_eq!(events.iter().filter(|event| matches!(event, Event::Ended(_))).count(), expected);
    }

    /// The task that has this number at the moment.
    fn task(&self, task: u32) -> TaskId {
        TaskId::new(task, 1 + self.deaths.get(&task).copied().unwrap_or(0))
    }

    fn standing(&self, task: u32) -> Standing {
        self.standings.get(&task).copied().unwrap_or_default()
    }

    fn live_of(&self, task: TaskId) -> usize {
        self.memories.iter().filter(|((holder, _), memory)| *holder == task && memory.end > self.now).count()
    }
}

impl Memory {
    fn seen(&self) -> (LockId, u16, Nanos) {
        (self.id, self.references, self.end)
    }
}
