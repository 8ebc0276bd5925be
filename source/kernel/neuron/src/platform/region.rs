//! Ranges of physical addresses.
//!
//! A [`Region`] is never empty and never wraps: whoever holds one may add base and length. Every address
//! that comes out of the device tree becomes one, or an error, before anybody computes with it.

use nexus_abi::PAGE_SIZE;

const PAGE: u64 = PAGE_SIZE as u64;

/// A non-empty range of physical addresses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Region {
    base: u64,
    len: u64,
}

impl Region {
    /// One past the last physical address of RV64.
    pub const LIMIT: u64 = 1 << 56;

    /// `None` when it would be empty or reach beyond [`Self::LIMIT`].
    pub const fn new(base: u64, len: u64) -> Option<Self> {
        match base.checked_add(len) {
            Some(end) if len > 0 && end <= Self::LIMIT => Some(Self { base, len }),
            _ => None,
        }
    }

    /// The range from `base` up to, not including, `end`.
    pub const fn between(base: u64, end: u64) -> Option<Self> {
        match end.checked_sub(base) {
            Some(len) => Self::new(base, len),
            None => None,
        }
    }

    /// First address.
    pub const fn base(&self) -> u64 {
        self.base
    }

    /// Bytes.
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Never: an empty region cannot be made.
    pub const fn is_empty(&self) -> bool {
        false
    }

    /// One past the last address.
    pub const fn end(&self) -> u64 {
        self.base + self.len
    }

    /// True when all of `other` lies inside.
    pub const fn contains(&self, other: &Self) -> bool {
        self.base <= other.base && other.end() <= self.end()
    }

    /// True when at least one address is in both.
    pub const fn overlaps(&self, other: &Self) -> bool {
        self.base < other.end() && other.base < self.end()
    }

    /// Grown outwards to page borders: what must be left alone to leave this alone.
    pub const fn pages_around(&self) -> Self {
        let base = self.base & !(PAGE - 1);
        // The limit is itself a page border, so rounding the end up cannot pass it.
        Self { base, len: self.end().next_multiple_of(PAGE) - base }
    }

    /// Shrunk inwards to page borders: the frames that are wholly inside.
    pub const fn pages_within(&self) -> Option<Self> {
        Self::between(self.base.next_multiple_of(PAGE), self.end() & !(PAGE - 1))
    }

    /// The smallest region with both in it.
    pub(crate) fn hull(&self, other: &Self) -> Self {
        let base = self.base.min(other.base);
        Self { base, len: self.end().max(other.end()) - base }
    }
}

impl core::fmt::Display for Region {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:#x}..{:#x}", self.base, self.end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(base: u64, len: u64) -> Region {
        Region::new(base, len).unwrap()
    }

    #[test]
    fn empty_and_wrapping_ranges_cannot_be_made() {
        assert_eq!(Region::new(0x1000, 0), None);
        assert_eq!(Region::new(u64::MAX, 2), None);
        assert_eq!(Region::new(Region::LIMIT - 1, 2), None);
        assert_eq!(Region::between(5, 5), None);
        assert_eq!(Region::between(6, 5), None);
        assert!(Region::new(0, Region::LIMIT).is_some());
    }

    #[test]
    fn neighbours_do_not_overlap() {
        assert!(!region(0, 4).overlaps(&region(4, 4)));
        assert!(region(0, 5).overlaps(&region(4, 4)));
        assert!(region(0, 8).contains(&region(4, 4)));
        assert!(!region(0, 8).contains(&region(4, 5)));
    }

    #[test]
    fn pages_round_outwards_or_inwards() {
        assert_eq!(region(0x1234, 1).pages_around(), region(0x1000, 0x1000));
        assert_eq!(region(0x1fff, 2).pages_around(), region(0x1000, 0x2000));
        assert_eq!(region(0x1001, 0x1fff).pages_within(), Some(region(0x2000, 0x1000)));
        assert_eq!(region(0x1001, 0x1ffe).pages_within(), None);
        assert_eq!(region(Region::LIMIT - 1, 1).pages_around().end(), Region::LIMIT);
    }
}
