//! Device registers.
//!
//! [`Mmio`] is the one place where the kernel turns a number into a device: whoever makes one promises
//! that the range is a device's registers (or, in tests, a buffer nobody else touches) for as long as the
//! value lives. Everything above it is safe code. An access outside the range, or one that is not
//! aligned, reads as zero and writes nothing: the drivers compute offsets from the device tree, and a
//! wrong tree must not become a wild store.
//!
//! Access is volatile, in program order, uncached; it does not order ordinary memory against the device.

#![expect(unsafe_code, reason = "device registers are reached through raw pointers")]

/// A device's registers, mapped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mmio {
    base: usize,
    len: usize,
}

impl Mmio {
    /// The `len` bytes at virtual address `base`.
    ///
    /// # Safety
    ///
    /// 1. For the life of this value and its copies the range is mapped readable and writable, and holds
    ///    device registers, or memory that is accessed in no other way.
    /// 2. The device tolerates whatever interleaving of accesses the callers' own locking permits.
    pub const unsafe fn new(base: usize, len: usize) -> Self {
        Self { base, len }
    }

    /// Reads a byte register.
    pub fn read8(&self, offset: usize) -> u8 {
        match self.register::<u8>(offset) {
            // SAFETY: `register` checked range and alignment; the range is accessible by `new`.
            Some(register) => unsafe { register.read_volatile() },
            None => 0,
        }
    }

    /// Writes a byte register.
    pub fn write8(&self, offset: usize, value: u8) {
        if let Some(register) = self.register::<u8>(offset) {
            // SAFETY: `register` checked range and alignment; the range is accessible by `new`.
            unsafe { register.write_volatile(value) }
        }
    }

    /// Reads a word register.
    pub fn read32(&self, offset: usize) -> u32 {
        match self.register::<u32>(offset) {
            // SAFETY: `register` checked range and alignment; the range is accessible by `new`.
            Some(register) => unsafe { register.read_volatile() },
            None => 0,
        }
    }

    /// Writes a word register.
    pub fn write32(&self, offset: usize, value: u32) {
        if let Some(register) = self.register::<u32>(offset) {
            // SAFETY: `register` checked range and alignment; the range is accessible by `new`.
            unsafe { register.write_volatile(value) }
        }
    }

    fn register<T>(&self, offset: usize) -> Option<*mut T> {
        let end = offset.checked_add(size_of::<T>())?;
        let address = self.base.checked_add(offset)?;
        (end <= self.len && address.is_multiple_of(align_of::<T>()))
            .then(|| core::ptr::with_exposed_provenance_mut(address))
    }
}

/// A buffer that stands for a device in tests.
#[cfg(test)]
pub(crate) mod fake {
    use super::Mmio;
    use std::boxed::Box;
    use std::vec;

    /// Registers of `len` bytes, all zero. Leaked: tests are short.
    pub(crate) fn registers(len: usize) -> Mmio {
        let words: &'static mut [u64] = Box::leak(vec![0_u64; len.div_ceil(8)].into_boxed_slice());
        // SAFETY: the buffer is leaked, at least `len` bytes, and only reached through this value.
        unsafe { Mmio::new(words.as_mut_ptr().expose_provenance(), len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_hold_what_is_written() {
        let device = fake::registers(16);
        device.write32(4, 0x1234_5678);
        device.write8(0, 0xff);
        assert_eq!((device.read32(4), device.read8(0), device.read8(4)), (0x1234_5678, 0xff, 0x78));
    }

    #[test]
    fn access_outside_or_unaligned_reads_zero_and_writes_nothing() {
        let device = fake::registers(8);
        for offset in [1, 2, 5, 6, 8, usize::MAX - 3, usize::MAX] {
            device.write32(offset, u32::MAX);
            assert_eq!(device.read32(offset), 0);
        }
        device.write8(8, 0xff);
        assert_eq!((device.read8(8), device.read32(0), device.read32(4)), (0, 0, 0));
    }
}
