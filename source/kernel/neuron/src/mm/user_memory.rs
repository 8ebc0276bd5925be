//! Reading and writing a task's memory from the kernel, through the direct map.
//!
//! A user address is an allegation. Each page of it is looked up in the task's own page table, made
//! resident if the mapping allows the access, and only then copied, at its kernel address: the kernel never
//! runs with access to user pages, so a wild pointer can at worst produce [`Error::BadAddress`].
//!
//! Between the look-up and the end of the copy the hart takes no lock, so it does not sleep and cannot
//! acknowledge a flush: a page being copied is not freed by a revocation on another hart.
#![expect(unsafe_code, reason = "copies between pages that were looked up just before")]

use core::mem::MaybeUninit;

use nexus_abi::{Error, PAGE_SIZE, USER_BASE, USER_END};

use super::page_table::Access;
use crate::sched::Hart;
use crate::task::OwnedTask;

/// Types for which any bytes are a valid value, so they can come from user memory.
///
/// # Safety
///
/// The type is `repr(C)` or a primitive, without padding that matters, references or niches.
pub unsafe trait Plain: Copy {}

// SAFETY: integers only.
unsafe impl Plain for nexus_abi::SpawnArgs {}
// SAFETY: integers only.
unsafe impl Plain for nexus_abi::info::MachineInfo {}
// SAFETY: integers only.
unsafe impl Plain for nexus_abi::info::HartInfo {}
// SAFETY: integers and bytes only.
unsafe impl Plain for nexus_abi::info::TaskInfo {}
// SAFETY: integers only.
unsafe impl Plain for nexus_abi::info::ConsoleInfo {}
// SAFETY: integers only.
unsafe impl Plain for nexus_abi::info::WallClockInfo {}
// SAFETY: integers only.
unsafe impl Plain for nexus_abi::info::TraceEvent {}

/// Checks that `len` bytes at `address` can be accessed, and makes them resident.
pub fn prepare(
    hart: &mut Hart,
    task: &mut OwnedTask,
    address: usize,
    len: usize,
    access: Access,
) -> Result<(), Error> {
    for (start, _) in pages(address, len)? {
        resident(hart, task, start, access)?;
    }
    Ok(())
}

/// Copies from the task's memory.
pub fn read(hart: &mut Hart, task: &mut OwnedTask, address: usize, out: &mut [u8]) -> Result<(), Error> {
    let mut done = 0;
    for (start, len) in pages(address, out.len())? {
        let from = resident(hart, task, start, Access::USER_READ)?;
        // SAFETY: `from` is `len` bytes of a resident page; `out` has room, as the lengths sum to its own.
        unsafe { from.copy_to_nonoverlapping(out.as_mut_ptr().add(done), len) };
        done += len;
    }
    Ok(())
}

/// Copies to the task's memory.
pub fn write(hart: &mut Hart, task: &mut OwnedTask, address: usize, bytes: &[u8]) -> Result<(), Error> {
    let mut done = 0;
    for (start, len) in pages(address, bytes.len())? {
        let to = resident(hart, task, start, Access::USER_WRITE)?;
        // SAFETY: as in `read`, the other way round.
        unsafe { to.copy_from_nonoverlapping(bytes.as_ptr().add(done), len) };
        done += len;
    }
    Ok(())
}

/// Reads a record.
pub fn read_value<T: Plain>(hart: &mut Hart, task: &mut OwnedTask, address: usize) -> Result<T, Error> {
    let mut value = MaybeUninit::<T>::zeroed();
    // SAFETY: the bytes of `value` are initialised to zero, and any bytes make a `T`.
    unsafe {
        let bytes = core::slice::from_raw_parts_mut(value.as_mut_ptr().cast(), size_of::<T>());
        read(hart, task, address, bytes)?;
        Ok(value.assume_init())
    }
}

/// The bytes of a record.
pub fn bytes_of<T: Plain>(value: &T) -> &[u8] {
    // SAFETY: `Plain` types have no padding that matters and live as long as the borrow.
    unsafe { core::slice::from_raw_parts(core::ptr::from_ref(value).cast(), size_of::<T>()) }
}

/// Copies `len` bytes between two tasks. Whose fault a failure is tells the error.
pub fn copy_between(
    hart: &mut Hart,
    (from, from_address): (&mut OwnedTask, usize),
    (to, to_address): (&mut OwnedTask, usize),
    len: usize,
) -> Result<(), Side> {
    let mut done = 0;
    while done < len {
        let (source, target) = (from_address + done, to_address + done);
        let step = (len - done).min(PAGE_SIZE - source % PAGE_SIZE).min(PAGE_SIZE - target % PAGE_SIZE);
        resident(hart, from, source, Access::USER_READ).map_err(Side::From)?;
        resident(hart, to, target, Access::USER_WRITE).map_err(Side::To)?;
        // Making the second resident may have slept on a lock and let a revocation take the first back.
        let (Some(a), Some(b)) =
            (look_up(from, source, Access::USER_READ), look_up(to, target, Access::USER_WRITE))
        else {
            continue;
        };
        // SAFETY: both ranges lie inside resident pages of different tasks or of one task's message to
        // itself, which cannot be: a task waits in one place at a time.
        unsafe { a.copy_to(b, step) };
        done += step;
    }
    Ok(())
}

/// Which side of a copy failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// The task that is read.
    From(Error),
    /// The task that is written.
    To(Error),
}

/// Splits a range at page borders; refuses what is not in the user half.
fn pages(address: usize, len: usize) -> Result<impl Iterator<Item = (usize, usize)>, Error> {
    let end = address.checked_add(len).ok_or(Error::BadAddress)?;
    if len > 0 && (address < USER_BASE || end > USER_END) {
        return Err(Error::BadAddress);
    }
    let mut at = address;
    Ok(core::iter::from_fn(move || {
        if at >= end {
            return None;
        }
        let step = (PAGE_SIZE - at % PAGE_SIZE).min(end - at);
        let piece = (at, step);
        at += step;
        Some(piece)
    }))
}

/// The kernel address of a user address whose page is there now. Device registers have none: reading one may
/// change the device, and where a page is larger than its device the bus answers with a fault, which in the
/// kernel would be fatal.
fn look_up(task: &OwnedTask, address: usize, access: Access) -> Option<*mut u8> {
    let entry = task.own().space.table().lookup(address);
    let allowed = entry.is_leaf() && !entry.is_device() && entry.access().allows(access);
    allowed.then(|| entry.frame().as_ptr::<u8>().wrapping_add(address % PAGE_SIZE))
}

/// The kernel address of a user address, after making its page resident.
fn resident(hart: &mut Hart, task: &mut OwnedTask, address: usize, access: Access) -> Result<*mut u8, Error> {
    if !(USER_BASE..USER_END).contains(&address) {
        return Err(Error::BadAddress);
    }
    if let Some(pointer) = look_up(task, address, access) {
        return Ok(pointer);
    }
    task.fault(hart, address, access)?;
    look_up(task, address, access).ok_or(Error::BadAddress)
}
