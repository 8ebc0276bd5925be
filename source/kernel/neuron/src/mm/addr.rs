//! Physical addresses and page frames.
#![expect(unsafe_code, reason = "the direct map turns a frame into memory")]

use nexus_abi::PAGE_SIZE;

use crate::arch;

/// A physical address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(transparent)]
pub struct PhysAddr(pub u64);

impl PhysAddr {
    /// Where the kernel sees it.
    pub fn to_virtual(self) -> *mut u8 {
        arch::direct_map(self.0)
    }

    /// The address `bytes` further on.
    pub const fn add(self, bytes: u64) -> Self {
        Self(self.0 + bytes)
    }
}

/// A page frame: 4 KiB of memory, page aligned.
///
/// A frame is a name, not an owner: whoever took it from [`super::frames::Frames`] gives it back once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct Frame(u32);

impl Frame {
    /// The frame that holds `address`.
    pub const fn containing(address: PhysAddr) -> Self {
        Self((address.0 / PAGE_SIZE as u64) as u32)
    }

    /// The frame with this number; 0 is never memory we own, so it can stand for "none" in tables.
    pub const fn from_number(number: u32) -> Option<Self> {
        if number == 0 { None } else { Some(Self(number)) }
    }

    /// Its number.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The frame `count` further on.
    pub const fn add(self, count: u32) -> Self {
        Self(self.0 + count)
    }

    /// Its physical address.
    pub const fn address(self) -> PhysAddr {
        PhysAddr(self.0 as u64 * PAGE_SIZE as u64)
    }

    /// Where the kernel sees it.
    pub fn as_ptr<T>(self) -> *mut T {
        const { assert!(align_of::<T>() <= PAGE_SIZE) };
        self.address().to_virtual().cast()
    }

    /// Fills it with zeros: 4 KiB in about 640 instructions.
    pub fn zero(self) {
        // SAFETY: the direct map covers every frame the allocator knows, and the caller owns this one.
        unsafe { arch::zero_page(self.as_ptr()) }
    }

    /// Copies `bytes` to `offset` in the frame; the part that does not fit is left out.
    pub fn write(self, offset: usize, bytes: &[u8]) {
        let room = PAGE_SIZE.saturating_sub(offset).min(bytes.len());
        // SAFETY: `offset + room` stays inside the frame, which the caller owns.
        unsafe {
            core::ptr::copy_nonoverlapping(bytes.as_ptr(), self.as_ptr::<u8>().add(offset), room);
        }
    }
}
