//! Sv39 page tables as data: three levels of 512 entries, walked through the direct map.
//!
//! Accessed and dirty bits are set from the start, so hardware that would fault to have them set never
//! does. The kernel's half is shared: a user root begins as a copy of the kernel's top-level entries, which
//! never change after boot.
#![expect(unsafe_code, reason = "entries live in page frames reached through the direct map")]

use nexus_abi::{Error, PAGE_SIZE};

use super::addr::{Frame, PhysAddr};

/// Entries of a table.
pub const ENTRIES: usize = 512;

/// What an entry allows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Access(u64);

impl Access {
    const VALID: u64 = 1;
    const READ: u64 = 1 << 1;
    const WRITE: u64 = 1 << 2;
    const EXECUTE: u64 = 1 << 3;
    const USER: u64 = 1 << 4;
    const GLOBAL: u64 = 1 << 5;
    const ACCESSED_DIRTY: u64 = 1 << 6 | 1 << 7;

    /// Kernel data.
    pub const KERNEL_DATA: Self = Self(Self::READ | Self::WRITE | Self::GLOBAL);
    /// Kernel constants, and the direct map of kernel code.
    pub const KERNEL_CONST: Self = Self(Self::READ | Self::GLOBAL);
    /// Kernel code.
    pub const KERNEL_CODE: Self = Self(Self::READ | Self::EXECUTE | Self::GLOBAL);
    /// User constants.
    pub const USER_READ: Self = Self(Self::READ | Self::USER);
    /// User data.
    pub const USER_WRITE: Self = Self(Self::READ | Self::WRITE | Self::USER);
    /// User code.
    pub const USER_EXECUTE: Self = Self(Self::READ | Self::EXECUTE | Self::USER);

    /// True when an access of `needed` would be allowed.
    pub const fn allows(self, needed: Self) -> bool {
        self.0 & needed.0 == needed.0
    }
}

/// A page-table entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct Entry(u64);

impl Entry {
    /// Maps nothing.
    pub const EMPTY: Self = Self(0);
    /// Software bit: the frame belongs to this mapping alone, not to a VMO.
    const PRIVATE: u64 = 1 << 8;

    /// Software bit: a device's registers, not memory.
    const DEVICE: u64 = 1 << 9;

    /// An entry that maps `frame` (or a larger aligned block) with `access`.
    pub const fn leaf(frame: Frame, access: Access) -> Self {
        let number = (frame.number() as u64) << 10;
        Self(number | access.0 | Access::ACCESSED_DIRTY | Access::VALID)
    }

    /// An entry that points to the next table.
    pub const fn table(frame: Frame) -> Self {
        Self((frame.number() as u64) << 10 | Access::VALID)
    }

    /// The same entry, marked private.
    pub const fn private(self) -> Self {
        Self(self.0 | Self::PRIVATE)
    }

    /// True when marked private.
    pub const fn is_private(self) -> bool {
        self.0 & Self::PRIVATE != 0
    }

    /// The same entry, marked as a device's.
    pub const fn device(self) -> Self {
        Self(self.0 | Self::DEVICE)
    }

    /// True when marked as a device's.
    pub const fn is_device(self) -> bool {
        self.0 & Self::DEVICE != 0
    }

    /// True when it maps or points to something.
    pub const fn is_valid(self) -> bool {
        self.0 & Access::VALID != 0
    }

    /// True when it maps memory.
    pub const fn is_leaf(self) -> bool {
        self.is_valid() && self.0 & (Access::READ | Access::EXECUTE) != 0
    }

    /// The frame it names.
    pub const fn frame(self) -> Frame {
        Frame::containing(PhysAddr((self.0 >> 10) * PAGE_SIZE as u64))
    }

    /// What it allows.
    pub const fn access(self) -> Access {
        let all = Access::READ | Access::WRITE | Access::EXECUTE | Access::USER | Access::GLOBAL;
        Access(self.0 & all)
    }
}

/// A page table: its root frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PageTable {
    root: Frame,
}

impl PageTable {
    /// The table with this root, a zeroed frame or an existing root.
    pub const fn new(root: Frame) -> Self {
        Self { root }
    }

    /// The root frame.
    pub const fn root(self) -> Frame {
        self.root
    }

    /// The entry at index `at` of table `table`.
    pub fn entry(table: Frame, at: usize) -> Entry {
        // SAFETY: tables are frames owned by the page table, and `at` is reduced to the table's size.
        unsafe { table.as_ptr::<Entry>().add(at % ENTRIES).read_volatile() }
    }

    /// Writes the entry at index `at` of table `table`.
    pub fn set_entry(table: Frame, at: usize, entry: Entry) {
        // SAFETY: as in `entry`.
        unsafe { table.as_ptr::<Entry>().add(at % ENTRIES).write_volatile(entry) }
    }

    /// The last-level table for `address`, if there is one. O(1): two loads.
    pub fn last_level(self, address: usize) -> Option<Frame> {
        let middle = Self::entry(self.root, index(address, 2));
        if !middle.is_valid() || middle.is_leaf() {
            return None;
        }
        let last = Self::entry(middle.frame(), index(address, 1));
        (last.is_valid() && !last.is_leaf()).then(|| last.frame())
    }

    /// The last-level table for `address`, made with frames from `take` where it is missing.
    pub fn make_last_level(
        self,
        address: usize,
        mut take: impl FnMut() -> Result<Frame, Error>,
    ) -> Result<Frame, Error> {
        let mut table = self.root;
        for level in [2, 1] {
            let at = index(address, level);
            let entry = Self::entry(table, at);
            table = if entry.is_valid() {
                entry.frame()
            } else {
                let fresh = take()?;
                Self::set_entry(table, at, Entry::table(fresh));
                fresh
            };
        }
        Ok(table)
    }

    /// What maps the page at `address`.
    pub fn lookup(self, address: usize) -> Entry {
        self.last_level(address).map_or(Entry::EMPTY, |table| Self::entry(table, index(address, 0)))
    }

    /// Sets what maps the page at `address`; the tables above must exist.
    pub fn set(self, address: usize, entry: Entry) {
        if let Some(table) = self.last_level(address) {
            Self::set_entry(table, index(address, 0), entry);
        }
    }
}

/// The index into the table of `level` (2 is the root) for `address`.
pub const fn index(address: usize, level: usize) -> usize {
    address >> (12 + 9 * level) & (ENTRIES - 1)
}
