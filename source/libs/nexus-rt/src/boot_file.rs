//! Reading files of the boot image.
#![expect(unsafe_code, reason = "a file is mapped, copied and unmapped")]

extern crate alloc;

use alloc::vec::Vec;
use core::{ptr, slice};

use nexus_abi::{Error, Handle, PAGE_SIZE, Rights, user};

use crate::startup::SYSTEM;

/// The contents of the file at `path`. Needs READ on the system handle. O(length).
pub fn read(path: &str) -> Result<Vec<u8>, Error> {
    let (file, vmo) = user::boot_file(SYSTEM, path)?;
    let contents = copy(vmo, usize::try_from(file.len).map_err(|_| Error::TooLong)?);
    // The copy is made or has failed; either way nothing needs the pages any more.
    let _closed = user::handle_close(vmo);
    contents
}

fn copy(vmo: Handle, len: usize) -> Result<Vec<u8>, Error> {
    if len == 0 {
        return Ok(Vec::new());
    }
    let address = user::vmo_map(vmo, 0, len.div_ceil(PAGE_SIZE), Rights::READ, 0)?;
    // SAFETY: 1. the kernel has just mapped this many readable bytes here; 2. nobody writes to the boot image; 3.
    // the borrow ends with this statement, before the mapping does.
    let contents = unsafe { slice::from_raw_parts(ptr::with_exposed_provenance(address), len) }.to_vec();
    // SAFETY: nothing refers to the mapping any more.
    unsafe { user::vm_unmap(address) }?;
    Ok(contents)
}
