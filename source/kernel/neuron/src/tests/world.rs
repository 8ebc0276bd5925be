//! A machine made by a test: real memory, a boot image, harts that run in turns on one thread.
//!
//! Each hart has a task of class Idle of its own, pinned to it, so that it always has something to run and
//! never sleeps unless a test wants it to. A world that ends checks that everything came back: when all
//! other tasks are dead, frames, objects and tasks are exactly what they were before the first of them.
#![expect(unsafe_code, reason = "gives the machine its memory, and harts their records")]

use core::sync::atomic::Ordering;
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::boxed::Box;
use std::cell::RefCell;
use std::vec::Vec;

use nexus_abi::{ExitReason, HARTS_MAX, HartMask, PAGE_SIZE, QosClass, SpawnArgs};

use super::actor::Actor;
use super::image;
use super::machine::{PHYSICAL_BASE, machine};
use crate::arch;
use crate::cap::Ref;
use crate::machine::Machine;
use crate::sched::{Hart, Outcome};
use crate::task::{Task, death, spawn};

/// Programs of the boot image, by index.
pub const IMAGES: [&str; 4] = ["idler", "execd", "app", "shell"];
/// The index of the privileged one.
pub const EXECD: u32 = 1;
/// The index of one without an identity.
pub const APP: u32 = 2;

/// Time of a tick, on the board of the fixture.
pub const TICK_NS: u64 = 100;

std::thread_local! {
    /// The harts of the world of this thread, for whoever waits for the others.
    static HARTS: RefCell<Vec<*mut Hart>> = const { RefCell::new(Vec::new()) };
}

/// What must come back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Counts {
    pub frames: usize,
    pub objects: usize,
    pub tasks: u32,
}

/// The machine.
pub struct World {
    pub machine: &'static Machine,
    harts: Vec<*mut Hart>,
    here: usize,
    /// The first task: execd, with every right to the system at startup slot 1.
    pub root: Actor,
    pub(super) actors: Vec<Ref<Task>>,
    idlers: Vec<Ref<Task>>,
    baseline: Counts,
    memory: (*mut u8, Layout),
}

impl World {
    /// One hart and 8 MiB.
    pub fn new() -> Self {
        Self::with(1, 2048)
    }

    /// `harts` harts and `frames` frames.
    pub fn with(harts: usize, frames: usize) -> Self {
        Self::booted_at(0, harts, frames)
    }

    /// As [`Self::with`], but it took until `ticks` before the first task could run.
    pub fn booted_at(ticks: u64, harts: usize, frames: usize) -> Self {
        assert!(harts <= HARTS_MAX);
        assert!(HARTS.with_borrow(Vec::is_empty), "one world at a time: they would share their memory");
        let archive = image::archive(&IMAGES);
        let image_pages = archive.len().div_ceil(PAGE_SIZE);
        let layout = Layout::from_size_align((frames + image_pages) * PAGE_SIZE, PAGE_SIZE).unwrap();
        // SAFETY: the layout is not empty.
        let memory = unsafe { alloc_zeroed(layout) };
        arch::power_on(memory, PHYSICAL_BASE, Some(run_other_harts));
        arch::set_ticks(ticks);
        // SAFETY: the memory is larger than the archive and nobody else's; the frames begin behind it.
        let bytes: &'static [u8] = unsafe {
            memory.copy_from_nonoverlapping(archive.as_ptr(), archive.len());
            core::slice::from_raw_parts(memory, archive.len())
        };
        let first = (PHYSICAL_BASE / PAGE_SIZE as u64) as u32 + image_pages as u32;
        let machine = machine(bytes, first..first + frames as u32);
        machine.online.store((1 << harts) - 1, Ordering::Relaxed);
        let records: Vec<*mut Hart> = (0..harts)
            .map(|index| std::ptr::from_mut(Box::leak(Box::new(Hart::new(machine, index).unwrap()))))
            .collect();
        HARTS.set(records.clone());
        let memory = (memory, layout);
        let baseline = Counts { frames: 0, objects: 0, tasks: 0 };
        let root = Actor::of(std::ptr::NonNull::dangling());
        let mut world = Self {
            machine,
            harts: records,
            here: 0,
            root,
            actors: Vec::new(),
            idlers: Vec::new(),
            baseline,
            memory,
        };
        world.boot(harts);
        world
    }

    /// Starts the idle tasks with the help of a first task that then goes, and the first task proper.
    fn boot(&mut self, harts: usize) {
        spawn::spawn_first(self.hart(), EXECD).unwrap();
        self.hart().begin();
        self.root = self.current();
        let maker = self.machine.tasks.lock().get(self.root.id()).unwrap();
        for index in 0..harts {
            let mut args = SpawnArgs::new(0);
            args.class = QosClass::Idle as u32;
            args.affinity = HartMask(1 << index);
            self.spawn_by(self.root, args);
            self.idlers.extend(self.actors.pop());
        }
        death::kill(self.hart(), &maker);
        self.hart().release_task(maker);
        for index in 0..harts {
            self.here = index;
            match self.hart().take_current() {
                Some(task) => self.hart().settle(Outcome::Resume(task)),
                None => self.hart().begin(),
            }
        }
        self.here = 0;
        self.baseline = self.counts();
        spawn::spawn_first(self.hart(), EXECD).unwrap();
        self.interrupt(0);
        self.root = self.current();
        self.set_class(self.root, QosClass::Normal);
        let root = self.machine.tasks.lock().get(self.root.id()).unwrap();
        self.actors.push(root);
    }

    /// The hart at hand.
    pub fn hart(&mut self) -> &mut Hart {
        self.hart_at(self.here)
    }

    /// Some hart, which is at hand from now on.
    pub fn hart_at(&mut self, index: usize) -> &mut Hart {
        self.here = index;
        arch::set_this_hart(self.harts[index]);
        // SAFETY: records are leaked, and whoever borrows one borrows the world.
        unsafe { &mut *self.harts[index] }
    }

    /// Which hart is at hand.
    pub fn here(&self) -> usize {
        self.here
    }

    /// Who runs on the hart at hand.
    pub fn current(&mut self) -> Actor {
        Actor::of(self.hart().current().expect("an idle task is always there").as_ptr())
    }

    /// Another hart, a device or the timer interrupts a hart.
    pub fn interrupt(&mut self, index: usize) {
        let hart = self.hart_at(index);
        arch::raise_software_interrupt();
        crate::syscall::trap(hart, arch::Trap::Interrupt);
    }

    /// Interrupts every hart, twice, so that whatever one asked of another is done.
    pub fn interrupt_all(&mut self) {
        for index in (0..self.harts.len()).chain(0..self.harts.len()) {
            self.interrupt(index);
        }
    }

    /// Moves the clock and lets every hart's timer fire.
    pub fn pass(&mut self, ns: u64) {
        arch::set_ticks(arch::ticks() + ns.div_ceil(TICK_NS));
        self.interrupt_all();
    }

    /// All that ran is charged.
    pub fn charge_all(&mut self) {
        for index in 0..self.harts.len() {
            self.hart_at(index);
            let current = self.current();
            self.hart().charge(current.shared());
        }
    }

    /// What is in use and what is free.
    pub fn counts(&self) -> Counts {
        let machine = self.machine;
        Counts {
            frames: machine.frames.free(),
            objects: machine.objects(),
            tasks: machine.tasks.lock().used(),
        }
    }

    /// Sets a task's class, as the kernel does for a privileged caller.
    pub fn set_class(&mut self, actor: Actor, class: QosClass) {
        actor.shared().set_class(class);
        self.hart().spread_own(actor.shared());
    }

    /// The idle task of the hart at hand waits until `moment`: nobody is left but the tasks of the test.
    pub fn hush(&mut self, moment: u64) {
        let idler = Actor::of(self.idlers[self.here].as_ptr());
        let current = self.current();
        self.begin(idler, nexus_abi::Call::Wait, &[0, moment]);
        self.run(current);
    }

    /// Kills a task and waits until it is gone: how it ended.
    pub fn bury(&mut self, actor: Actor) -> ExitReason {
        let task = self.machine.tasks.lock().get(actor.id());
        if let Some(task) = task {
            death::kill(self.hart(), &task);
            self.hart().release_task(task);
        }
        for _ in 0..4096 {
            if let Some(reason) = actor.shared().exit_reason() {
                return reason;
            }
            for index in 0..self.harts.len() {
                self.interrupt(index);
            }
            self.hart_at(actor.shared().hart()).bring(actor.shared());
        }
        panic!("{actor:?} does not die")
    }

    /// The running task goes behind the others of its class.
    pub fn rotate(&mut self) {
        if let Some(task) = self.hart().take_current() {
            self.hart().settle(Outcome::Yield(task));
        }
    }

    /// The kernel keeps this many frames for good, as it keeps every page of the table of tasks.
    pub fn forgo(&mut self, frames: usize) {
        self.baseline.frames -= frames;
    }

    /// Buries every task but the idle ones, and checks that everything came back.
    fn finish(&mut self) {
        for at in 0..self.actors.len() {
            let task = self.actors[at].share();
            death::kill(self.hart(), &task);
            self.hart().release_task(task);
        }
        for at in 0..self.actors.len() {
            self.bury(Actor::of(self.actors[at].as_ptr()));
        }
        for task in core::mem::take(&mut self.actors) {
            self.hart().release_task(task);
        }
        assert_eq!(self.counts(), self.baseline, "something did not come back");
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.finish();
        }
        arch::set_this_hart(std::ptr::null());
        HARTS.take();
        // SAFETY: allocated with this layout in `with`; the machine and its harts are never used again.
        unsafe { dealloc(self.memory.0, self.memory.1) };
    }
}

/// What the others do while one waits for them: they see its interrupt.
fn run_other_harts() {
    let me = arch::this_hart();
    for other in HARTS.with_borrow(Clone::clone) {
        if !core::ptr::eq(other, me) {
            arch::set_this_hart(other);
            // SAFETY: the record is leaked; the hart that waits holds a borrow of its own record only.
            unsafe { &mut *other }.on_ipi();
        }
    }
}
