//! All tasks by id: slots with generations, in pages that come as they are needed.
//!
//! The table holds one reference to each task until the task is wholly dead, so an id can be turned into
//! a reference and a stale id cannot. All of it is under one lock, off every hot path; O(1).
#![expect(unsafe_code, reason = "slots live in page frames reached through the direct map")]

use nexus_abi::{Error, PAGE_SIZE, TASKS_MAX, TaskId};

use super::Task;
use crate::cap::Ref;
use crate::mm::Frame;
use crate::sched::Hart;

const SLOTS: usize = PAGE_SIZE / size_of::<Slot>();
const PAGES: usize = TASKS_MAX / SLOTS;

/// The table.
#[derive(Debug)]
pub struct TaskTable {
    pages: [Option<Frame>; PAGES],
    free: Option<u32>,
    /// Slots below this index have been used at least once.
    high: u32,
    used: u32,
}

#[repr(C)]
struct Slot {
    task: Option<Ref<Task>>,
    generation: u32,
    next_free: u32,
}

const NO_SLOT: u32 = u32::MAX;

impl TaskTable {
    /// An empty table.
    pub const fn new() -> Self {
        Self { pages: [None; PAGES], free: None, high: 0, used: 0 }
    }

    /// Tasks alive, or dying.
    pub fn used(&self) -> u32 {
        self.used
    }

    /// An id for a new task; `fill` or `cancel` comes next.
    pub fn reserve(&mut self, hart: &mut Hart) -> Result<TaskId, Error> {
        let index = match self.free {
            Some(index) => index,
            None => {
                let page = self.pages.get_mut(self.high as usize / SLOTS).ok_or(Error::NoSpace)?;
                if page.is_none() {
                    *page = Some(hart.take_zeroed_frame()?);
                }
                self.high += 1;
                self.high - 1
            }
        };
        let reused = self.free == Some(index);
        let slot = self.slot(index).ok_or(Error::NoSpace)?;
        slot.generation = slot.generation.checked_add(1).unwrap_or(1);
        let (generation, next_free) = (slot.generation, slot.next_free);
        if reused {
            self.free = (next_free != NO_SLOT).then_some(next_free);
        }
        self.used += 1;
        Ok(TaskId::new(index, generation))
    }

    /// The id is this task's.
    pub fn fill(&mut self, id: TaskId, task: Ref<Task>) {
        if let Some(slot) = self.slot(id.index()) {
            slot.task = Some(task);
        }
    }

    /// The id is free again: the table's reference, if the slot was filled.
    pub fn remove(&mut self, id: TaskId) -> Option<Ref<Task>> {
        let next_free = self.free.unwrap_or(NO_SLOT);
        let slot = self.slot(id.index())?;
        if slot.generation != id.generation() {
            return None;
        }
        slot.next_free = next_free;
        let task = slot.task.take();
        self.free = Some(id.index());
        self.used -= 1;
        task
    }

    /// The task with this id.
    pub fn get(&mut self, id: TaskId) -> Option<Ref<Task>> {
        let slot = self.slot(id.index())?;
        let task = slot.task.as_ref().filter(|_| slot.generation == id.generation())?;
        Some(task.share())
    }

    /// Handles open in all tasks together, as of their last calls. O(tasks).
    pub fn handles(&mut self) -> u64 {
        (0..self.high)
            .filter_map(|index| self.slot(index)?.task.as_ref().map(|task| u64::from(task.handles_seen())))
            .sum()
    }

    /// The first task at or after slot `from`.
    pub fn first_from(&mut self, from: u32) -> Option<Ref<Task>> {
        (from..self.high).find_map(|index| self.slot(index)?.task.as_ref().map(Ref::share))
    }

    fn slot(&mut self, index: u32) -> Option<&mut Slot> {
        if index >= self.high {
            return None;
        }
        let page = (*self.pages.get(index as usize / SLOTS)?)?;
        // SAFETY: the page is the table's, began as zeros (a valid slot), and `&mut self` is exclusive.
        Some(unsafe { &mut *page.as_ptr::<Slot>().add(index as usize % SLOTS) })
    }
}

impl Default for TaskTable {
    fn default() -> Self {
        Self::new()
    }
}
