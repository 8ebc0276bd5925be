//! Tasks: one thread, one address space, one table of handles, and somebody who owns it.
//!
//! A [`Task`] is one page of memory. Part of it is *shared*: words that any hart may read, and a few that
//! any hart may set (a kill, a class), which the owner applies at its next safe point. The rest is *owned*:
//! only the holder of the task's [`OwnedTask`] token reaches it, and there is one token.
//!
//! ```text
//! where the token is          who gets it out
//! a hart's `current`          that hart
//! a hart's run queue          that hart
//! a hart's mailbox            that hart
//! a port's queue              whoever holds the port's lock
//! nowhere: awaiting a reply   whoever wins the exchange on `call_state`
//! ```

pub mod account;
pub mod death;
pub mod history;
pub mod loan;
pub mod owned;
pub mod program;
pub mod reclaim;
pub mod registers;
pub mod schedule;
pub mod spawn;
pub mod spending;
pub mod table;

use core::cell::UnsafeCell;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, Ordering};

use nexus_abi::ipc::Stamp;
use nexus_abi::{ExitReason, HARTS_MAX, HartMask, Nanos, PAGE_SIZE, QosClass, ServiceId, TaskId};
use sched_policy::{Entity, Settings, Tempo};
use timer_coalescer::compose::class_window;
use timer_coalescer::queue::{Node, Window};

pub use account::{Account, account_of};
pub use history::History;
pub use loan::{Lent, Loan};
pub use owned::{OwnedTask, TaskPtr};
pub use registers::Registers;
pub use schedule::Schedule;
pub use spending::{Spending, Spent};
pub use table::TaskTable;

use crate::arch;
use crate::cap::object::{Counted, Header};
use crate::cap::{HandleTable, Ref};
use crate::ipc::port::Port;
use crate::mm::Frame;
use crate::mm::space::AddressSpace;
use crate::time::Ticks;

/// Length of a task's name, padded with zeros.
pub const NAME_LEN: usize = 24;

/// A task. The registers come first: the trap code finds them at the task's own address.
#[derive(Debug)]
#[repr(C)]
pub struct Task {
    registers: UnsafeCell<Registers>,
    header: Header,
    /// [`Flags`].
    flags: AtomicU32,
    /// The hart that runs it, has it queued, or holds its deadline.
    hart: AtomicU32,
    /// Harts whose remembered translations of this space are good: a clear bit means flush first.
    pub(crate) tlb_ok: AtomicU64,
    /// Harts that have had its space loaded.
    pub(crate) ran_on: AtomicU64,
    /// `call number << 1 | awaiting`: see [`crate::ipc::reply`].
    pub(crate) call_state: AtomicU64,
    /// The port in whose queue it is; changes under that port's lock.
    pub(crate) waiting_at: AtomicPtr<Port>,
    /// Service and class, as stamped on messages.
    stamp: AtomicU64,
    schedule: Schedule,
    /// For whom it works.
    pub(crate) loan: Loan,
    pub(crate) history: History,
    pub(crate) spending: Spending,
    pub(crate) switches: AtomicU64,
    /// A [`nexus_abi::info::TaskState`], for people; decisions never read it.
    pub(crate) state: AtomicU8,
    /// Handles held, as of its last call; for people.
    handles_seen: AtomicU32,
    /// Where its death is reported, and with which bits: constant once it is in the table of tasks. The
    /// reference that keeps the port alive is the owner's.
    supervisor: AtomicPtr<Port>,
    death_bits: AtomicU64,
    precise_time: bool,
    id: TaskId,
    space_id: SpaceId,
    root: Frame,
    pub(crate) account: Account,
    name: [u8; NAME_LEN],
    /// The objects it pays for; under its owner stripe.
    pub(crate) owned: AtomicPtr<Header>,
    /// The link that mailboxes use.
    mail: AtomicPtr<Task>,
    /// The link of those that carry news of it.
    pub(crate) changed: AtomicPtr<Task>,
    /// Such news is in a mailbox.
    pub(crate) is_on_its_way: AtomicBool,
    /// The bit of the hart in whose queue it waits, else 0; written by that hart.
    pub(crate) queued_on: AtomicU8,
    /// The links of the queue it is in.
    links: UnsafeCell<Links>,
    /// Its claim to time: in its hart's queue, or with its token.
    claim: UnsafeCell<Entity<TaskPtr>>,
    /// Its place among its hart's deadlines.
    timer: UnsafeCell<Node<TaskPtr, Ticks>>,
    /// The deadline that is armed, else never; written by whoever has the token.
    waits_until: AtomicU64,
    /// Floating-point registers, while they are not in the hart.
    fpu: UnsafeCell<arch::FpuState>,
    /// How it ended; valid once the state says dead.
    exit: UnsafeCell<ExitReason>,
    own: UnsafeCell<Own>,
}

const _: () = assert!(size_of::<Task>() <= PAGE_SIZE, "a task is one page");

#[expect(unsafe_code, reason = "states who may touch what from where")]
// SAFETY: the `UnsafeCell`s are reached only by the holder of the token (registers, own), by the structure
// that holds the task in a queue (links), by its hart's deadline queue (timer) and run queue (claim), or after the state was
// published as dead (exit). Everything else is atomic or constant.
unsafe impl Sync for Task {}

#[expect(unsafe_code, reason = "states the layout that `Ref` relies on")]
// SAFETY: tasks are never in an owner's list, which is all the header's position matters for.
unsafe impl Counted for Task {
    fn header(&self) -> &Header {
        &self.header
    }
}

/// What only the owner reaches. The handles come first, where one instruction reaches them.
#[derive(Debug)]
#[repr(C)]
pub struct Own {
    /// Its handles.
    pub handles: HandleTable,
    /// Its memory.
    pub space: AddressSpace,
    /// Who hears of its death.
    pub supervisor: Option<Ref<Port>>,
    /// How far dying has come.
    pub dying: Option<death::Phase>,
}

/// Neighbours in a queue.
#[derive(Debug, Default)]
pub struct Links {
    pub(crate) next: Option<TaskPtr>,
    pub(crate) prev: Option<TaskPtr>,
    /// Which of a port's lists it is in.
    pub(crate) list: u8,
}

/// What others may want of a task, or its owner must not forget.
#[derive(Debug)]
pub struct Flags;

impl Flags {
    /// Die at the next safe point.
    pub const KILL: u32 = 1;
    /// The floating-point registers are in use.
    pub const FPU: u32 = 1 << 1;
    /// Its deadline has passed while it ran, or while its token was on its way somewhere.
    pub const EXPIRED: u32 = 1 << 3;
    /// Where it may run has changed: look before it goes on.
    pub const MOVE: u32 = 1 << 4;
    /// How much of the hart it may have has changed: look before it goes on.
    pub const WEIGH: u32 = 1 << 5;
    /// It may have what is not its own: its client lends it something, or somebody of a higher class urges it.
    pub const LENT: u32 = 1 << 6;
    /// Its server keeps it waiting and works for another: whoever answers it must take note.
    pub const KEPT: u32 = 1 << 7;
    /// What a task must not go on with.
    pub const LOOK: u32 = Self::KILL | Self::MOVE | Self::WEIGH;
    /// A deadline of it is armed, on the hart of that bit: it waits, or runs, on that hart, and becomes ready there and
    /// nowhere else. Above them is no other flag.
    pub const ANCHORED: u32 = ((1 << HARTS_MAX) - 1) << Self::ANCHOR_SHIFT;
    const ANCHOR_SHIFT: u32 = 8;

    /// All but [`Self::ANCHORED`].
    pub const OTHERS: u32 = (1 << Self::ANCHOR_SHIFT) - 1;

    /// Of [`Self::ANCHORED`], the bit of this hart.
    pub const fn anchor(hart: usize) -> u32 {
        1 << (Self::ANCHOR_SHIFT + hart as u32)
    }
}

/// What the hardware needs to know to use the space: the value of `satp`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct SpaceId(pub u64);

/// What a spawner decides and the kernel stamps.
#[derive(Debug)]
pub struct Identity {
    /// Never reused.
    pub id: TaskId,
    /// From the boot image.
    pub service: ServiceId,
    /// Class at the start.
    pub class: QosClass,
    /// Harts it may run on.
    pub affinity: HartMask,
    /// Image name.
    pub name: [u8; NAME_LEN],
    /// Exact clock and deadlines.
    pub precise_time: bool,
    /// Of the clock that its time is counted by.
    pub tempo: Tempo,
}

impl Task {
    /// Byte offset of the id, which the trap code knows.
    pub const ID_OFFSET: usize = core::mem::offset_of!(Self, id);
    /// Byte offset of the stamp, which the trap code knows.
    pub const STAMP_OFFSET: usize = core::mem::offset_of!(Self, stamp);

    /// A task that has never run.
    pub fn new(identity: Identity, root: Frame, registers: Registers, account: Account, own: Own) -> Self {
        let Identity { id, service, class, affinity, name, precise_time, tempo } = identity;
        Self {
            registers: UnsafeCell::new(registers),
            header: Header::new(crate::cap::object::Kind::Task),
            flags: AtomicU32::new(0),
            hart: AtomicU32::new(0),
            tlb_ok: AtomicU64::new(0),
            ran_on: AtomicU64::new(0),
            call_state: AtomicU64::new(0),
            waiting_at: AtomicPtr::new(core::ptr::null_mut()),
            stamp: AtomicU64::new(Stamp::of(service, class).0),
            schedule: Schedule::new(affinity),
            loan: Loan::new(),
            history: History::new(),
            spending: Spending::new(),
            switches: AtomicU64::new(0),
            state: AtomicU8::new(nexus_abi::info::TaskState::Ready as u8),
            handles_seen: AtomicU32::new(0),
            supervisor: AtomicPtr::new(core::ptr::null_mut()),
            death_bits: AtomicU64::new(0),
            precise_time,
            id,
            space_id: arch::space_id(root, id.index()),
            root,
            account,
            name,
            owned: AtomicPtr::new(core::ptr::null_mut()),
            mail: AtomicPtr::new(core::ptr::null_mut()),
            changed: AtomicPtr::new(core::ptr::null_mut()),
            is_on_its_way: AtomicBool::new(false),
            queued_on: AtomicU8::new(0),
            links: UnsafeCell::new(Links::default()),
            claim: UnsafeCell::new(Entity::new(tempo, Settings { class, ..Settings::default() })),
            timer: UnsafeCell::new(Node::new(Window::new(Ticks::NEVER, Ticks::NEVER))),
            waits_until: AtomicU64::new(Nanos::NEVER.0),
            fpu: UnsafeCell::new(arch::FpuState::new()),
            exit: UnsafeCell::new(ExitReason::Killed),
            own: UnsafeCell::new(own),
        }
    }

    /// Its id.
    #[inline(always)]
    pub fn id(&self) -> TaskId {
        self.id
    }

    /// Its name, padded with zeros.
    pub fn name(&self) -> &[u8; NAME_LEN] {
        &self.name
    }

    /// True when it sees the exact time.
    #[inline(always)]
    pub fn precise_time(&self) -> bool {
        self.precise_time
    }

    /// Service and class, as receivers see them.
    #[inline(always)]
    pub fn stamp(&self) -> Stamp {
        Stamp(self.stamp.load(Ordering::Relaxed))
    }

    /// Its class as a number, for comparing.
    #[inline(always)]
    pub fn class_index(&self) -> u8 {
        (self.stamp.load(Ordering::Relaxed) >> 32 & 3) as u8
    }

    /// Its class.
    #[inline(always)]
    pub fn class(&self) -> QosClass {
        // Two bits, written by `set_class` alone: no value to refuse.
        match self.class_index() {
            0 => QosClass::Idle,
            1 => QosClass::Normal,
            2 => QosClass::Interactive,
            _ => QosClass::PerfBurst,
        }
    }

    /// Sets its class. The caller tells its hart.
    pub fn set_class(&self, class: QosClass) {
        self.stamp.store(Stamp::of(self.stamp().service(), class).0, Ordering::Relaxed);
    }

    /// How late its deadlines may be: nobody gets more exact ones than timed gives, but who has the right.
    pub fn slack(&self) -> Nanos {
        if self.precise_time { Nanos(0) } else { class_window(self.class()) }
    }

    /// True when what it may have is not its own: its client lends it something, or it is urged to more than its class.
    pub fn has_more_than_its_own(&self) -> bool {
        self.loan.lent().is_some() || self.loan.urged() > self.class()
    }

    /// What it may have of a hart: while it works for a client, what the client may; and the class of whoever urges
    /// it, if that is higher.
    pub fn settings(&self) -> Settings {
        let schedule = &self.schedule;
        let urged = self.loan.urged();
        match self.loan.lent() {
            Some(Lent { class, shares }) => {
                Settings { class: class.max(urged), shares, ..Settings::default() }
            }
            None if urged > self.class() => {
                Settings { class: urged, shares: schedule.shares(), ..Settings::default() }
            }
            None => Settings {
                class: self.class(),
                shares: schedule.shares(),
                latency: schedule.latency(),
                burst: schedule.burst(),
            },
        }
    }

    /// Handles held, as of its last call.
    pub fn handles_seen(&self) -> u32 {
        self.handles_seen.load(Ordering::Relaxed)
    }

    /// How it asks to be scheduled, besides its class.
    #[inline(always)]
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// Harts it may run on.
    #[inline(always)]
    pub fn affinity(&self) -> HartMask {
        self.schedule.allowed()
    }

    /// The hart it belongs to at the moment.
    #[inline(always)]
    pub fn hart(&self) -> usize {
        self.hart.load(Ordering::Relaxed) as usize
    }

    /// It belongs to `hart` now.
    #[inline(always)]
    pub fn set_hart(&self, hart: usize) {
        self.hart.store(hart as u32, Ordering::Relaxed);
    }

    /// Sets where it runs. A hart that it may not run on forgets its translations, and so lets it go nowhere
    /// without looking; one that runs it must be interrupted.
    pub fn set_affinity(&self, affinity: nexus_abi::Affinity) {
        self.schedule.set_affinity(affinity);
        self.tlb_ok.fetch_and(self.affinity().0, Ordering::SeqCst);
        self.set_flag(Flags::MOVE);
    }

    /// True when a deadline is armed for it.
    #[inline(always)]
    pub fn is_anchored(&self) -> bool {
        self.flags() >> Flags::ANCHOR_SHIFT != 0
    }

    /// The deadline that is armed for it; never, if there is none.
    #[inline(always)]
    pub fn waits_until(&self) -> Nanos {
        Nanos(self.waits_until.load(Ordering::Relaxed))
    }

    /// A deadline is armed for it on hart `hart`.
    #[inline(always)]
    pub fn anchor(&self, hart: usize, deadline: Nanos) {
        self.waits_until.store(deadline.0, Ordering::Relaxed);
        self.set_flag(Flags::anchor(hart));
    }

    /// No deadline is armed for it any more.
    #[inline(always)]
    pub fn lift_anchor(&self) {
        self.waits_until.store(Nanos::NEVER.0, Ordering::Relaxed);
        self.clear_flag(Flags::ANCHORED | Flags::EXPIRED);
    }

    /// Its [`Flags`].
    #[inline(always)]
    pub fn flags(&self) -> u32 {
        self.flags.load(Ordering::Relaxed)
    }

    /// Its flags, read after everything this hart did before is visible to whoever sets one.
    #[inline(always)]
    pub fn flags_after_publishing(&self) -> u32 {
        core::sync::atomic::fence(Ordering::SeqCst);
        self.flags()
    }

    /// Sets a flag: the flags before.
    pub fn set_flag(&self, flag: u32) -> u32 {
        self.flags.fetch_or(flag, Ordering::SeqCst)
    }

    /// Clears a flag.
    pub fn clear_flag(&self, flag: u32) {
        self.flags.fetch_and(!flag, Ordering::SeqCst);
    }

    /// The bits its death will set, if `port` is where it is reported.
    ///
    /// The caller holds a reference to `port`. A task that is not dead holds one to its supervisor, so the
    /// address is not a later port's.
    pub fn death_bits_at(&self, port: &Port) -> Option<u64> {
        let reported_here = core::ptr::eq(self.supervisor.load(Ordering::Relaxed), port);
        let dead = nexus_abi::info::TaskState::Dead as u8;
        (reported_here && self.state.load(Ordering::Acquire) != dead)
            .then(|| self.death_bits.load(Ordering::Relaxed))
    }

    /// The value of `satp` that selects its space.
    #[inline(always)]
    pub fn space_id(&self) -> SpaceId {
        self.space_id
    }

    /// The number its translations are tagged with.
    pub fn asid(&self) -> arch::Asid {
        arch::asid_of(self.space_id)
    }

    /// Of `harts`, those on which what is remembered of its space stays good once it has been flushed. None, if
    /// the tag is shared: the next to run there may be another space of the same tag.
    pub(crate) fn trustworthy_on(&self, harts: u64) -> u64 {
        if self.asid() == arch::Asid::SHARED { 0 } else { harts }
    }

    /// The root of its page table.
    pub fn root(&self) -> Frame {
        self.root
    }

    /// A counted reference to it.
    #[inline(always)]
    #[expect(unsafe_code, reason = "adopts the reference it has just counted")]
    pub fn share(&self) -> Ref<Self> {
        self.header.retain();
        // SAFETY: the reference was counted above, and the task is alive because it is borrowed.
        unsafe { Ref::adopt(self.as_ptr()) }
    }

    /// Where it lives.
    pub fn as_ptr(&self) -> NonNull<Self> {
        NonNull::from(self)
    }
}
