//! A program: what of an ELF file the kernel believes, and nothing else.
//!
//! Believed is a 64-bit little-endian RISC-V executable with at most [`SEGMENTS_MAX`] loadable segments,
//! page aligned in file and memory, inside the user half, never writable and executable at once, whose
//! entry lies in executable memory. Anything else is "not a program": there is no partial credit.

use elf::ElfBytes;
use elf::abi::{EM_RISCV, ET_EXEC, PF_W, PF_X, PT_LOAD};
use elf::endian::LittleEndian;
use nexus_abi::{PAGE_SIZE, USER_BASE, USER_END};

use crate::mm::page_table::Access;
use crate::platform::table::Table;

/// Most loadable segments.
pub const SEGMENTS_MAX: usize = 4;
/// Largest segment: 64 MiB.
const SEGMENT_PAGES_MAX: u64 = 16_384;

/// A program that can be started.
#[derive(Clone, Debug)]
pub struct Program {
    /// Where it starts.
    pub entry: usize,
    segments: Table<Segment, SEGMENTS_MAX>,
}

/// A piece of a program.
#[derive(Clone, Copy, Debug)]
pub struct Segment {
    /// First address.
    pub start: usize,
    /// Pages in memory.
    pub pages: u32,
    /// First page in the file.
    pub file_page: u32,
    /// Bytes in the file.
    pub file_len: usize,
    /// For what.
    pub access: Access,
}

impl Segment {
    const NONE: Self = Self { start: 0, pages: 0, file_page: 0, file_len: 0, access: Access::USER_READ };

    /// Its initial contents in the program's file.
    pub fn contents<'a>(&self, file: &'a [u8]) -> &'a [u8] {
        let start = self.file_page as usize * PAGE_SIZE;
        file.get(start..start + self.file_len).unwrap_or(&[])
    }
}

impl Program {
    /// Reads a program; `None` when it is not one.
    pub fn parse(file: &[u8]) -> Option<Self> {
        let elf = ElfBytes::<LittleEndian>::minimal_parse(file).ok()?;
        if elf.ehdr.e_machine != EM_RISCV || elf.ehdr.e_type != ET_EXEC {
            return None;
        }
        let mut segments = Table::new(Segment::NONE);
        for header in elf.segments()?.iter().filter(|header| header.p_type == PT_LOAD && header.p_memsz > 0) {
            let page = PAGE_SIZE as u64;
            let end = header.p_vaddr.checked_add(header.p_memsz)?;
            let file_end = header.p_offset.checked_add(header.p_filesz)?;
            let access = match (header.p_flags & PF_W != 0, header.p_flags & PF_X != 0) {
                (true, true) => return None,
                (true, false) => Access::USER_WRITE,
                (false, true) => Access::USER_EXECUTE,
                (false, false) => Access::USER_READ,
            };
            let pages = header.p_memsz.div_ceil(page);
            let sound = header.p_vaddr.is_multiple_of(page)
                && header.p_offset.is_multiple_of(page)
                && header.p_vaddr >= USER_BASE as u64
                && end <= USER_END as u64
                && header.p_filesz <= header.p_memsz
                && (access == Access::USER_WRITE || header.p_filesz == header.p_memsz)
                && file_end <= file.len() as u64
                && pages <= SEGMENT_PAGES_MAX;
            if !sound {
                return None;
            }
            let segment = Segment {
                start: header.p_vaddr as usize,
                pages: pages as u32,
                file_page: (header.p_offset / page) as u32,
                file_len: header.p_filesz as usize,
                access,
            };
            segments.push(segment).ok()?;
        }
        let entry = usize::try_from(elf.ehdr.e_entry).ok()?;
        let program = Self { entry, segments };
        let entry_is_code = program.segments().any(|segment| {
            segment.access == Access::USER_EXECUTE
                && entry >= segment.start
                && entry - segment.start < segment.file_len
        });
        entry_is_code.then_some(program)
    }

    /// Its segments, in the file's order.
    pub fn segments(&self) -> impl Iterator<Item = &Segment> {
        self.segments.iter()
    }

    /// Those with memory of their own.
    pub fn writable(&self) -> impl Iterator<Item = &Segment> {
        self.segments().filter(|segment| segment.access == Access::USER_WRITE)
    }

    /// Its lowest address.
    pub fn lowest(&self) -> usize {
        self.segments().map(|segment| segment.start).min().unwrap_or(0)
    }
}
