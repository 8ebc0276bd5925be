//! The direct map, and zeroing a page.
#![expect(unsafe_code, reason = "addresses become pointers here")]

use core::arch::asm;

/// Where the kernel sees physical address 0.
pub const DIRECT_MAP: usize = 0xffff_ffc0_0000_0000;

/// Where the kernel sees physical memory.
#[inline(always)]
pub fn direct_map(physical: u64) -> *mut u8 {
    core::ptr::with_exposed_provenance_mut(DIRECT_MAP + physical as usize)
}

/// The physical address of memory seen through the direct map.
#[inline(always)]
pub fn physical(pointer: *const u8) -> u64 {
    (pointer as usize - DIRECT_MAP) as u64
}

/// Zeroes a page: 16 stores a round, because a `memset` costs three times as much.
///
/// # Safety
///
/// `page` points to 4 KiB, page aligned, that nobody else uses.
pub unsafe fn zero_page(page: *mut u8) {
    // SAFETY: by contract.
    unsafe {
        asm!(
            "li {end}, 4096",
            "add {end}, {page}, {end}",
            "1:",
            "sd zero, 0({page})", "sd zero, 8({page})", "sd zero, 16({page})", "sd zero, 24({page})",
            "sd zero, 32({page})", "sd zero, 40({page})", "sd zero, 48({page})", "sd zero, 56({page})",
            "sd zero, 64({page})", "sd zero, 72({page})", "sd zero, 80({page})", "sd zero, 88({page})",
            "sd zero, 96({page})", "sd zero, 104({page})", "sd zero, 112({page})", "sd zero, 120({page})",
            "addi {page}, {page}, 128",
            "bne {page}, {end}, 1b",
            page = inout(reg) page => _,
            end = out(reg) _,
            options(nostack)
        );
    }
}

/// Distance from where the kernel image runs to where it lies.
const IMAGE_OFFSET: usize = 0xffff_ffff_0000_0000;

/// The physical address of something in the kernel image.
pub fn image_physical(address: usize) -> u64 {
    (address - IMAGE_OFFSET) as u64
}

/// Where the linker put the image: code, constants, data, end.
pub fn image_bounds() -> [usize; 4] {
    unsafe extern "C" {
        static __text_start: u8;
        static __rodata_start: u8;
        static __data_start: u8;
        static __kernel_end: u8;
    }
    [
        (&raw const __text_start) as usize,
        (&raw const __rodata_start) as usize,
        (&raw const __data_start) as usize,
        (&raw const __kernel_end) as usize,
    ]
}
