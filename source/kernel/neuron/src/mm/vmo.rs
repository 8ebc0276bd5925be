//! Virtual memory objects: pages that can be mapped, shared, and taken back.
//!
//! A VMO's pages are charged to the task that made it, as they are touched, by whomever. They are kept in a
//! small array first and in one or two levels of tables when there are more:
//!
//! ```text
//! page 0..24      in the object itself
//! page 24..       root frame ─► table frames of 1,024 page numbers each (4 MiB of memory apiece)
//! ```
//!
//! *Revoking* empties the object and every mapping of it, on all harts, before the pages are freed; the
//! mappings stay and read as zeros. The owner's death revokes.

use core::sync::atomic::Ordering;

use nexus_abi::Error;

use super::addr::Frame;
use super::space::MappingList;
use crate::cap::object::{Counted, Header, Kind};
use crate::sched::Hart;
use crate::sync::{Lock, Rank};
use crate::task::Account;

/// Largest VMO: 1 GiB.
pub const PAGES_MAX: u32 = 262_144;
const INLINE: usize = 24;
const PER_TABLE: usize = 1024;
const TABLES: usize = PAGES_MAX as usize / PER_TABLE;
const _: () = assert!(TABLES <= PER_TABLE, "the root is one frame");

/// The object.
#[derive(Debug)]
#[repr(C)]
pub struct Vmo {
    header: Header,
    pages: u32,
    pub(crate) state: Lock<State, { Rank::VMO }>,
}

// SAFETY: `repr(C)` with the header first.
#[expect(unsafe_code, reason = "states the layout that `Ref` relies on")]
unsafe impl Counted for Vmo {
    fn header(&self) -> &Header {
        &self.header
    }
}

/// Where the pages are, and who has them mapped.
#[derive(Debug)]
pub struct State {
    pub(crate) backing: Backing,
    pub(crate) mappings: MappingList,
    /// Entries were emptied that harts may still remember: flush before freeing.
    unflushed: bool,
}

impl State {
    /// From now on nobody gets a page of it any more.
    fn begin_revoke(&mut self) {
        self.backing = match core::mem::replace(&mut self.backing, Backing::Revoked) {
            Backing::Paged(store) => {
                self.unflushed = self.mappings.clear_all();
                Backing::Draining(store)
            }
            other => other,
        };
    }
}

/// Where the pages are.
#[derive(Debug)]
pub enum Backing {
    /// Frames in a row that nobody ever frees: the boot image.
    Fixed(Frame),
    /// A device's registers: what the kernel itself never reads or writes on a task's behalf.
    Device(Frame),
    /// Frames that come as they are touched.
    Paged(PageStore),
    /// Taken back from everybody, and being freed.
    Draining(PageStore),
    /// Taken back.
    Revoked,
}

/// Pages freed in one step of a revocation.
const DRAIN_STEP: usize = 256;

/// How far a revocation is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Drained {
    /// Call again.
    Partly,
    /// All pages are free.
    Wholly,
}

impl Vmo {
    /// Takes the pages back from every mapping and frees some of them; repeat until [`Drained::Wholly`].
    /// The first step flushes every hart if anybody had it mapped; each step is bounded.
    ///
    /// `dying` is the owner's account when this is the owner's death. Anybody else leaves the VMO of a
    /// dying owner to it.
    pub fn revoke_step(&self, hart: &mut Hart, dying: Option<&Account>) -> Drained {
        let mut state = self.state.lock();
        let Some(payer) = dying.or_else(|| self.payer()) else { return Drained::Wholly };
        state.begin_revoke();
        if state.unflushed {
            drop(state);
            hart.flush_everywhere();
            // Whoever else flushes at the same time says the same: nothing was entered since.
            self.state.lock().unflushed = false;
            return Drained::Partly;
        }
        match core::mem::replace(&mut state.backing, Backing::Revoked) {
            Backing::Draining(mut store) => {
                for _ in 0..DRAIN_STEP {
                    let Some(frame) = store.take_next() else { return Drained::Wholly };
                    hart.give_charged_frame(payer, frame);
                }
                state.backing = Backing::Draining(store);
                Drained::Partly
            }
            other => {
                state.backing = other;
                Drained::Wholly
            }
        }
    }

    /// The owner is about to be detached: from now on nobody is given a page that it would pay for.
    pub(crate) fn close_to_new_pages(&self) {
        self.state.lock().begin_revoke();
    }

    /// Frees what pages are left of an object that nobody refers to any more.
    pub(crate) fn drain_unmapped(&mut self, hart: &mut Hart, payer: Option<&Account>) {
        if let Backing::Paged(store) | Backing::Draining(store) = &mut self.state.get_mut().backing {
            while let Some(frame) = store.take_next() {
                match payer {
                    Some(payer) => hart.give_charged_frame(payer, frame),
                    None => hart.give_frame(frame),
                }
            }
        }
    }
}

impl Vmo {
    /// `pages` zeroed pages that come as they are touched.
    pub fn paged(pages: u32) -> Self {
        Self::with(pages, Backing::Paged(PageStore::new()))
    }

    /// Frames that exist already.
    pub fn fixed(first: Frame, pages: u32) -> Self {
        Self::with(pages, Backing::Fixed(first))
    }

    /// The registers of a device.
    pub fn device(first: Frame, pages: u32) -> Self {
        Self::with(pages, Backing::Device(first))
    }

    fn with(pages: u32, backing: Backing) -> Self {
        let state = Lock::new(State { backing, mappings: MappingList::new(), unflushed: false });
        Self { header: Header::new(Kind::Vmo), pages, state }
    }

    /// Its size.
    pub fn pages(&self) -> u32 {
        self.pages
    }

    /// True when its pages are nobody's to take back: the boot image, a device.
    pub fn is_fixed(&self) -> bool {
        matches!(self.state.lock().backing, Backing::Fixed(_) | Backing::Device(_))
    }

    /// True once its pages were taken back and are free.
    pub fn is_revoked(&self) -> bool {
        matches!(self.state.lock().backing, Backing::Revoked)
    }

    /// Who pays for a page that is touched now.
    ///
    /// Call it with the state locked and not revoked: then the owner is alive, because its death revokes
    /// first.
    #[expect(unsafe_code, reason = "the owner is a raw pointer")]
    pub(crate) fn payer(&self) -> Option<&Account> {
        let owner = self.header.owner.load(Ordering::Acquire);
        // SAFETY: as said above, null or alive.
        unsafe { crate::task::account_of(owner) }
    }
}

/// Pages by number.
#[derive(Debug)]
pub struct PageStore {
    inline: [Option<FrameNumber>; INLINE],
    root: Option<Frame>,
    /// How far `take_next` has come: tables emptied, and entries of the next one.
    emptied: usize,
    cursor: usize,
}

type FrameNumber = core::num::NonZeroU32;

impl PageStore {
    const fn new() -> Self {
        Self { inline: [None; INLINE], root: None, emptied: 0, cursor: 0 }
    }

    /// The frame of page `at`, made of zeros and charged to `payer` when it does not exist. O(1).
    pub fn page(&mut self, at: u32, hart: &mut Hart, payer: &Account) -> Result<Frame, Error> {
        if let Some(frame) = self.get(at) {
            return Ok(frame);
        }
        let frame = hart.take_charged_frame(payer)?;
        match self.put(at, frame, hart, payer) {
            Ok(()) => Ok(frame),
            Err(error) => {
                hart.give_charged_frame(payer, frame);
                Err(error)
            }
        }
    }

    /// Takes out the next frame, pages first and then the tables that held them; `None` when all is gone.
    /// O(1) per page, and a scan of 1,024 entries per table.
    pub fn take_next(&mut self) -> Option<Frame> {
        if let Some(number) = self.inline.iter_mut().find_map(Option::take) {
            return Frame::from_number(number.get());
        }
        let root = self.root?;
        while self.emptied < TABLES {
            let Some(table) = read(root, self.emptied) else {
                self.emptied += 1;
                continue;
            };
            if let Some(at) = (self.cursor..PER_TABLE).find(|at| read(table, *at).is_some()) {
                let page = read(table, at);
                write(table, at, 0);
                self.cursor = at + 1;
                return page;
            }
            (self.emptied, self.cursor) = (self.emptied + 1, 0);
            return Some(table);
        }
        self.root.take()
    }

    fn get(&self, at: u32) -> Option<Frame> {
        match self.inline.get(at as usize) {
            Some(number) => number.and_then(|n| Frame::from_number(n.get())),
            None => {
                let at = at as usize - INLINE;
                read(read(self.root?, at / PER_TABLE)?, at % PER_TABLE)
            }
        }
    }

    fn put(&mut self, at: u32, frame: Frame, hart: &mut Hart, payer: &Account) -> Result<(), Error> {
        if let Some(slot) = self.inline.get_mut(at as usize) {
            *slot = FrameNumber::new(frame.number());
            return Ok(());
        }
        let at = at as usize - INLINE;
        let root = match self.root {
            Some(root) => root,
            None => *self.root.insert(hart.take_charged_frame(payer)?),
        };
        let table = match read(root, at / PER_TABLE) {
            Some(table) => table,
            None => {
                let table = hart.take_charged_frame(payer)?;
                write(root, at / PER_TABLE, table.number());
                table
            }
        };
        write(table, at % PER_TABLE, frame.number());
        Ok(())
    }
}

/// Entry `at` of a table of frame numbers.
#[expect(unsafe_code, reason = "tables are page frames reached through the direct map")]
fn read(table: Frame, at: usize) -> Option<Frame> {
    // SAFETY: the frame is one of the store's tables, and the index is reduced to its entries.
    Frame::from_number(unsafe { table.as_ptr::<u32>().add(at % PER_TABLE).read() })
}

/// Sets entry `at` of a table of frame numbers.
#[expect(unsafe_code, reason = "as in `read`")]
fn write(table: Frame, at: usize, number: u32) {
    // SAFETY: as in `read`, and the VMO's lock keeps others away.
    unsafe { table.as_ptr::<u32>().add(at % PER_TABLE).write(number) }
}
