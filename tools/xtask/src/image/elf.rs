//! Checking and stripping a device ELF file.
//!
//! Stripping is a cut: the linker writes what is loaded first and everything else (symbols, line tables, section
//! headers) after it, so an ELF header without a section table and the bytes up to the end of the last segment are
//! a complete program.

use object::elf::{EM_RISCV, FileHeader64, PF_W, PF_X, PT_DYNAMIC, PT_INTERP, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{LittleEndian, endian::Endian};
use thiserror::Error;

/// Byte ranges of the ELF header that speak of sections: `e_shoff`, and `e_shentsize`, `e_shnum`, `e_shstrndx`.
const SECTION_TABLE_OFFSET: std::ops::Range<usize> = 40..48;
const SECTION_TABLE_COUNTS: std::ops::Range<usize> = 58..64;

/// Why a file must not go into the image. Each is a mistake of the build, not of the program.
#[derive(Debug, Error)]
pub enum BadElf {
    #[error("not a 64-bit little-endian ELF file: {0}")]
    Unreadable(#[from] object::Error),
    #[error("built for another machine (e_machine {0}): is riscv.toml in force?")]
    NotRiscv(u16),
    #[error("dynamically linked: link it statically")]
    Dynamic,
    #[error("a segment at {0:#x} is writable and executable: the linker script mixes code and data")]
    WritableCode(u64),
    #[error("nothing to load: is the linker script in force?")]
    NothingToLoad,
    #[error("a segment lies outside the file")]
    Truncated,
}

/// The program without symbols and section table.
pub fn strip(file: &[u8]) -> Result<Vec<u8>, BadElf> {
    let header = FileHeader64::<LittleEndian>::parse(file)?;
    let endian = header.endian()?;
    let machine = header.e_machine(endian);
    if machine != EM_RISCV {
        return Err(BadElf::NotRiscv(machine.0));
    }
    let mut end = 0;
    let segments = header.program_headers(endian, file)?;
    for segment in segments {
        check_segment(endian, segment)?;
        if segment.p_type(endian) == PT_LOAD {
            let (offset, size) = segment.file_range(endian);
            end = end.max(offset.saturating_add(size));
        }
    }
    if end == 0 {
        return Err(BadElf::NothingToLoad);
    }
    let table_end = header.e_phoff(endian) + size_of_val(segments) as u64;
    let end = usize::try_from(end.max(table_end)).map_err(|_| BadElf::Truncated)?;
    let mut stripped = file.get(..end).ok_or(BadElf::Truncated)?.to_vec();
    stripped[SECTION_TABLE_OFFSET].fill(0);
    stripped[SECTION_TABLE_COUNTS].fill(0);
    Ok(stripped)
}

fn check_segment<E: Endian>(endian: E, segment: &impl ProgramHeader<Endian = E>) -> Result<(), BadElf> {
    let flags = segment.p_flags(endian);
    match segment.p_type(endian) {
        PT_INTERP | PT_DYNAMIC => Err(BadElf::Dynamic),
        PT_LOAD if flags.contains(PF_W) && flags.contains(PF_X) => {
            Err(BadElf::WritableCode(segment.p_vaddr(endian).into()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_program_is_refused() {
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert!(matches!(strip(&own), Err(BadElf::NotRiscv(_))));
    }

    #[test]
    fn text_is_refused() {
        assert!(matches!(strip(b"no program at all"), Err(BadElf::Unreadable(_))));
    }
}
