//! Memory: frames, page tables, objects, VMOs and the address spaces made of them.
//!
//! ```text
//! 0                     USER_BASE          IMAGE_BASE                       USER_END
//! │ null guard (64 KiB) │ … guard │ stack │ program │ mappings the kernel places … │
//!
//! 0xffff_ffc0_0000_0000  direct map: all memory, and the devices, at physical address + this
//! 0xffff_ffe0_0000_0000  per hart: guard page, kernel stack, hart record
//! 0xffff_ffff_8020_0000  the kernel image: code, constants, data, each with its own rights
//! ```
//!
//! Every page a task owns is in a VMO that it pays for, in its page tables, or in its handle table; so
//! memory can be counted, and all of it comes back when the task dies.

pub mod addr;
pub mod frames;
pub mod page_table;
pub mod slab;
pub mod space;
pub mod user_memory;
pub mod vmo;

pub use addr::{Frame, PhysAddr};
