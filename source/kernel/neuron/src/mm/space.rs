//! A task's address space: its page table and the list of what is mapped where.
//!
//! A task is the only user of its address space, and one hart at a time owns the task; so mapping,
//! unmapping and faulting need no lock of their own. The exception is revocation: whoever revokes a VMO
//! clears the entries of *other* tasks' mappings. Both sides touch the entries of a mapping only while they
//! hold its VMO's lock, and the tables above the entries stay in place as long as the mapping.
//!
//! ```text
//! Vmo ──mappings──► Mapping ◄─next/prev─► Mapping       one list per VMO, under the VMO's lock
//!                   in task A              in task B
//! ```
#![expect(unsafe_code, reason = "mappings are linked across tasks")]

use core::cell::UnsafeCell;
use core::ptr::{self, NonNull};
use core::sync::atomic::Ordering;

use nexus_abi::{Error, PAGE_SIZE, Rights, USER_BASE, USER_END};

use super::addr::Frame;
use super::page_table::{Access, ENTRIES, Entry, PageTable, index};
use super::vmo::{Backing, Vmo};
use crate::arch;
use crate::cap::Ref;
use crate::sched::Hart;
use crate::task::Task;

/// Most mappings of one task.
pub const MAPPINGS_MAX: usize = 48;
/// Empty page tables a space keeps: one for each level below the root, so that mapping and unmapping a buffer
/// over and over zeroes no table.
const SPARE_TABLES: usize = 2;
/// Where the kernel begins to look for room: 1 GiB, above any program.
const PLACE_FROM: usize = 1 << 30;

/// The space.
#[derive(Debug)]
pub struct AddressSpace {
    table: PageTable,
    mappings: [UnsafeCell<Option<Mapping>>; MAPPINGS_MAX],
    /// Slots at and after this index have never been used.
    high: usize,
    /// Empty tables, on the task's account.
    spare_tables: [Option<Frame>; SPARE_TABLES],
}

/// One range of an object, mapped. Its first four fields do not change while it is in the VMO's list.
#[derive(Debug)]
struct Mapping {
    start: usize,
    pages: u32,
    task: NonNull<Task>,
    vmo: Ref<Vmo>,
    first: u32,
    access: Access,
    next: *const UnsafeCell<Option<Mapping>>,
    prev: *const UnsafeCell<Option<Mapping>>,
}

/// The mappings of a VMO; part of what its lock protects.
#[derive(Debug)]
pub struct MappingList {
    head: *const UnsafeCell<Option<Mapping>>,
}

// SAFETY: the pointers are followed only under the VMO's lock.
unsafe impl Send for MappingList {}

/// A request to map, decoded.
#[derive(Debug)]
pub struct MapRequest {
    /// What.
    pub vmo: Ref<Vmo>,
    /// First page of the object.
    pub first: u32,
    /// How many pages.
    pub pages: u32,
    /// For what.
    pub access: Access,
    /// Where; `None` lets the kernel choose.
    pub at: Option<usize>,
}

/// Why an access cannot be made possible.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Nothing is mapped there, or not for this.
    Forbidden,
    /// The page cannot be had.
    Memory(Error),
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Forbidden => Self::BadAddress,
            Fault::Memory(error) => error,
        }
    }
}

/// The access that `rights` ask for; writing and executing exclude each other.
pub fn access_of(rights: Rights) -> Option<Access> {
    if rights == Rights::READ {
        Some(Access::USER_READ)
    } else if rights == Rights::READ | Rights::WRITE {
        Some(Access::USER_WRITE)
    } else if rights == Rights::READ | Rights::EXECUTE {
        Some(Access::USER_EXECUTE)
    } else {
        None
    }
}

impl AddressSpace {
    /// A space with nothing mapped over the root table `root`.
    pub const fn new(root: Frame) -> Self {
        let mappings = [const { UnsafeCell::new(None) }; MAPPINGS_MAX];
        Self { table: PageTable::new(root), mappings, high: 0, spare_tables: [None; SPARE_TABLES] }
    }

    /// The page table.
    pub const fn table(&self) -> PageTable {
        self.table
    }

    /// Maps a range; its pages come as they are touched. O(mappings), at most [`MAPPINGS_MAX`].
    ///
    /// On refusal the reference to the VMO comes back.
    pub fn map(&mut self, task: NonNull<Task>, request: MapRequest) -> Result<usize, (Error, Ref<Vmo>)> {
        let MapRequest { vmo, first, pages, access, at } = request;
        let inside = first.checked_add(pages).is_some_and(|end| pages > 0 && end <= vmo.pages());
        if !inside {
            return Err((Error::Invalid, vmo));
        }
        let place = match at {
            Some(at) => self.check_place(at, pages),
            None => self.find_place(pages),
        };
        let start = match place {
            Ok(start) => start,
            Err(error) => return Err((error, vmo)),
        };
        let Some(slot) = self.free_slot() else { return Err((Error::NoSpace, vmo)) };
        let (next, prev) = (ptr::null(), ptr::null());
        // SAFETY: the slot is free and in no list, so nobody else refers to it until it is linked below.
        unsafe { (*slot).get().write(Some(Mapping { start, pages, task, vmo, first, access, next, prev })) };
        match Self::link(slot) {
            Ok(()) => Ok(start),
            // SAFETY: as above: it was not linked.
            Err(error) => match unsafe { (*(*slot).get()).take() } {
                Some(mapping) => Err((error, mapping.vmo)),
                None => Ok(start),
            },
        }
    }

    /// Puts a mapping, complete but unknown so far, into its VMO's list: from then on revokers see it.
    fn link(slot: *const UnsafeCell<Option<Mapping>>) -> Result<(), Error> {
        // SAFETY: the slot was filled just before by the owner of the space. `next` and `prev`, here and in
        // the head of the list, change under the VMO's lock only.
        unsafe {
            let Some(mapping) = (*(*slot).get()).as_mut() else { return Err(Error::Invalid) };
            let vmo: *const Vmo = &*mapping.vmo;
            let mut state = (*vmo).state.lock();
            if matches!(state.backing, Backing::Revoked | Backing::Draining(_)) {
                return Err(Error::Dead);
            }
            let head = state.mappings.head;
            mapping.next = head;
            if let Some(Some(head)) = head.as_ref().map(|head| &mut *head.get()) {
                head.prev = slot;
            }
            state.mappings.head = slot;
        }
        Ok(())
    }

    /// Undoes the mapping that starts at `start`.
    pub fn unmap(&mut self, hart: &mut Hart, task: &Task, start: usize) -> Result<(), Error> {
        let slot = self.slots().find(|slot| mapping(slot).is_some_and(|m| m.start == start));
        let slot = ptr::from_ref(slot.ok_or(Error::NotFound)?);
        let pages = self.remove(hart, task, slot);
        let freed = self.give_tables(hart, task, start, start + pages as usize * PAGE_SIZE);
        // Other harts flush before they run the task again; this one now, page by page while that is cheaper.
        // Flushing pages one by one would leave the path to a freed table remembered.
        task.tlb_ok.store(task.trustworthy_on(hart.bit()), Ordering::SeqCst);
        if pages <= 16 && freed == Freed::Nothing {
            for page in 0..pages as usize {
                arch::flush_page(start + page * PAGE_SIZE, task.asid());
            }
        } else {
            arch::flush_space(task.asid());
        }
        Ok(())
    }

    /// Undoes some mapping, for a dying task; false when none is left.
    pub fn unmap_any(&mut self, hart: &mut Hart, task: &Task) -> bool {
        let Some(slot) = self.slots().find(|slot| mapping(slot).is_some()).map(ptr::from_ref) else {
            return false;
        };
        let (start, end) = {
            // SAFETY: the slot is in use, and `&mut self` keeps others from changing it.
            let Some(m) = (unsafe { mapping(&*slot) }) else { return false };
            (m.start, m.start + m.pages as usize * PAGE_SIZE)
        };
        self.remove(hart, task, slot);
        self.give_tables(hart, task, start, end);
        true
    }

    /// Makes an access at `address` possible: the page is found or made, and entered. O(mappings).
    pub fn fault(
        &mut self,
        hart: &mut Hart,
        task: &Task,
        address: usize,
        needed: Access,
    ) -> Result<(), Fault> {
        let page = address & !(PAGE_SIZE - 1);
        let table = self.table;
        let (spare_tables, mappings, high) = (&mut self.spare_tables, &self.mappings, self.high);
        let mapping = mappings
            .iter()
            .take(high)
            .filter_map(mapping)
            .find(|m| page >= m.start && page - m.start < m.pages as usize * PAGE_SIZE)
            .filter(|m| m.access.allows(needed))
            .ok_or(Fault::Forbidden)?;
        let take = || match spare_tables.iter_mut().find_map(Option::take) {
            Some(table) => Ok(table),
            None => hart.take_charged_frame(&task.account),
        };
        let last = table.make_last_level(page, take).map_err(Fault::Memory)?;
        let at = index(page, 0);
        let mut state = mapping.vmo.state.lock();
        // Entered already: the hart remembered an older, empty entry, which flushing cures.
        if !PageTable::entry(last, at).is_valid() {
            let number = mapping.first + ((page - mapping.start) / PAGE_SIZE) as u32;
            let entry = match &mut state.backing {
                Backing::Fixed(first) => Entry::leaf(first.add(number), mapping.access),
                Backing::Device(first) => Entry::leaf(first.add(number), mapping.access).device(),
                Backing::Paged(store) => {
                    let payer = mapping.vmo.payer().ok_or(Fault::Memory(Error::Dead))?;
                    let frame = store.page(number, hart, payer).map_err(Fault::Memory)?;
                    Entry::leaf(frame, mapping.access)
                }
                Backing::Draining(_) | Backing::Revoked => {
                    let frame = hart.take_charged_frame(&task.account).map_err(Fault::Memory)?;
                    Entry::leaf(frame, mapping.access).private()
                }
            };
            PageTable::set_entry(last, at, entry);
        }
        drop(state);
        arch::flush_page(page, task.asid());
        Ok(())
    }

    /// Takes a mapping out of its VMO's list and clears its entries: its size in pages.
    fn remove(&mut self, hart: &mut Hart, task: &Task, slot: *const UnsafeCell<Option<Mapping>>) -> u32 {
        // SAFETY: the slot is one of ours and in use; the neighbours are reached under the VMO's lock. The
        // mapping is moved out only after it has left the list.
        let mapping = unsafe {
            let Some(m) = &*(*slot).get() else { return 0 };
            let mut state = m.vmo.state.lock();
            clear_entries(self.table, m.start, m.pages, |frame| {
                hart.give_charged_frame(&task.account, frame);
            });
            match m.prev.as_ref().map(|p| &mut *p.get()) {
                Some(Some(prev)) => prev.next = m.next,
                _ => state.mappings.head = m.next,
            }
            if let Some(Some(next)) = m.next.as_ref().map(|n| &mut *n.get()) {
                next.prev = m.prev;
            }
            drop(state);
            (*(*slot).get()).take()
        };
        let Some(mapping) = mapping else { return 0 };
        let pages = mapping.pages;
        hart.release_vmo(mapping.vmo);
        pages
    }

    /// Gives back the tables that map nothing any more now that nothing is mapped at `start..end`.
    ///
    /// Whoever revokes a VMO walks the tables of that VMO's mappings only, and those stay. O(range / 2 MiB ×
    /// mappings).
    fn give_tables(&mut self, hart: &mut Hart, task: &Task, start: usize, end: usize) -> Freed {
        const LAST_SPAN: usize = PAGE_SIZE * ENTRIES;
        const MIDDLE_SPAN: usize = LAST_SPAN * ENTRIES;
        let root = self.table.root();
        let mut freed = Freed::Nothing;
        for at in (start & !(LAST_SPAN - 1)..end).step_by(LAST_SPAN) {
            let middle = PageTable::entry(root, index(at, 2));
            if middle.is_valid() && self.overlapping(at, at + LAST_SPAN).is_none() {
                freed = freed.or(self.take_table(hart, task, middle.frame(), index(at, 1)));
            }
        }
        for at in (start & !(MIDDLE_SPAN - 1)..end).step_by(MIDDLE_SPAN) {
            if self.overlapping(at, at + MIDDLE_SPAN).is_none() {
                freed = freed.or(self.take_table(hart, task, root, index(at, 2)));
            }
        }
        freed
    }

    /// Takes out the table that an entry points to, if it does. It is empty, which makes it as good as new for
    /// the next range: a few are kept.
    fn take_table(&mut self, hart: &mut Hart, task: &Task, table: Frame, at: usize) -> Freed {
        let entry = PageTable::entry(table, at);
        if !entry.is_valid() {
            return Freed::Nothing;
        }
        PageTable::set_entry(table, at, Entry::EMPTY);
        match self.spare_tables.iter_mut().find(|spare| spare.is_none()) {
            Some(spare) => *spare = Some(entry.frame()),
            None => hart.give_charged_frame(&task.account, entry.frame()),
        }
        Freed::Tables
    }

    /// Gives the spare tables back, for a dying task.
    pub fn give_spare_tables(&mut self, hart: &mut Hart, task: &Task) {
        for table in self.spare_tables.iter_mut().filter_map(Option::take) {
            hart.give_charged_frame(&task.account, table);
        }
    }

    fn check_place(&self, at: usize, pages: u32) -> Result<usize, Error> {
        let end = at.checked_add(pages as usize * PAGE_SIZE).ok_or(Error::Invalid)?;
        if !at.is_multiple_of(PAGE_SIZE) || at < USER_BASE || end > USER_END {
            return Err(Error::Invalid);
        }
        if self.overlapping(at, end).is_some() { Err(Error::NoSpace) } else { Ok(at) }
    }

    /// Room for `pages` pages with an unmapped page on either side, so that running off the end faults.
    fn find_place(&self, pages: u32) -> Result<usize, Error> {
        let len = pages as usize * PAGE_SIZE;
        let mut at = PLACE_FROM;
        while at + len < USER_END {
            match self.overlapping(at - PAGE_SIZE, at + len + PAGE_SIZE) {
                None => return Ok(at),
                Some(end) => at = end + PAGE_SIZE,
            }
        }
        Err(Error::NoSpace)
    }

    /// The end of some mapping that overlaps `start..end`.
    fn overlapping(&self, start: usize, end: usize) -> Option<usize> {
        self.slots().filter_map(mapping).find_map(|m| {
            let m_end = m.start + m.pages as usize * PAGE_SIZE;
            (m.start < end && start < m_end).then_some(m_end)
        })
    }

    fn free_slot(&mut self) -> Option<*const UnsafeCell<Option<Mapping>>> {
        let at = self.mappings.iter_mut().position(|slot| slot.get_mut().is_none())?;
        self.high = self.high.max(at + 1);
        self.mappings.get(at).map(ptr::from_ref)
    }

    fn slots(&self) -> impl Iterator<Item = &UnsafeCell<Option<Mapping>>> {
        self.mappings.iter().take(self.high)
    }
}

/// The mapping in a slot of the space that the caller owns.
fn mapping(slot: &UnsafeCell<Option<Mapping>>) -> Option<&Mapping> {
    // SAFETY: only the owner of the space fills and empties slots; a revoker merely reads, and changes
    // `next` and `prev`, which the owner reads under the VMO's lock alone.
    unsafe { (*slot.get()).as_ref() }
}

/// Whether page tables went away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Freed {
    Nothing,
    Tables,
}

impl Freed {
    fn or(self, other: Self) -> Self {
        if other == Self::Tables { other } else { self }
    }
}

impl Default for MappingList {
    fn default() -> Self {
        Self::new()
    }
}

impl MappingList {
    /// No mappings.
    pub const fn new() -> Self {
        Self { head: ptr::null() }
    }

    /// Clears the entries of every mapping, for revocation; the caller holds the VMO's lock and flushes
    /// every hart's translations before it frees anything. True when there were any.
    pub(crate) fn clear_all(&self) -> bool {
        let mut at = self.head;
        // SAFETY: the list is stable under the lock; each mapping's task, and so its page table, lives at
        // least until the mapping has left the list.
        while let Some(Some(mapping)) = unsafe { at.as_ref().map(|slot| &*slot.get()) } {
            // SAFETY: as above.
            let task = unsafe { mapping.task.as_ref() };
            clear_entries(PageTable::new(task.root()), mapping.start, mapping.pages, |_| ());
            task.tlb_ok.store(0, Ordering::SeqCst);
            at = mapping.next;
        }
        !self.head.is_null()
    }
}

/// Empties the entries of a range and hands private frames to `give`.
fn clear_entries(table: PageTable, start: usize, pages: u32, mut give: impl FnMut(Frame)) {
    let mut page = 0;
    while page < pages as usize {
        let address = start + page * PAGE_SIZE;
        let first = index(address, 0);
        let count = (ENTRIES - first).min(pages as usize - page);
        if let Some(last) = table.last_level(address) {
            for at in first..first + count {
                let entry = PageTable::entry(last, at);
                if entry.is_valid() {
                    PageTable::set_entry(last, at, Entry::EMPTY);
                    if entry.is_private() {
                        give(entry.frame());
                    }
                }
            }
        }
        page += count;
    }
}
