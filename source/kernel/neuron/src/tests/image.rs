//! A boot image with programs that are as small as programs can be.
//!
//! Every program has the same shape: a page of code, then two pages of data of which the first begins with
//! [`DATA_BYTES`]. What the code is does not matter, because nobody executes it: the test says what a
//! program does by writing its registers.

use std::format;
use std::vec::Vec;

use nexus_abi::PAGE_SIZE;

/// Where code begins; the stack ends a page below.
pub const CODE: usize = 0x10_0000;
/// Where data begins: two pages.
pub const DATA: usize = CODE + PAGE_SIZE;
/// The initial contents of the data.
pub const DATA_BYTES: &[u8] = b"initial data";

const READ: u32 = 4;
const WRITE: u32 = 2;
const EXECUTE: u32 = 1;
const ELF_HEADER: usize = 64;

/// A loadable piece of a program, as the file states it.
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    pub flags: u32,
    pub offset: u64,
    pub address: u64,
    pub in_file: u64,
    pub in_memory: u64,
}

/// The pieces of the ordinary program.
pub const ORDINARY: [Piece; 2] = [
    Piece { flags: READ | EXECUTE, offset: 0x1000, address: CODE as u64, in_file: 0x1000, in_memory: 0x1000 },
    Piece {
        flags: READ | WRITE,
        offset: 0x2000,
        address: DATA as u64,
        in_file: DATA_BYTES.len() as u64,
        in_memory: 0x2000,
    },
];

/// The ordinary program.
pub fn program() -> Vec<u8> {
    elf(&ORDINARY, CODE as u64)
}

/// A RISC-V executable of these pieces.
pub fn elf(pieces: &[Piece], entry: u64) -> Vec<u8> {
    let mut file = Vec::new();
    file.extend_from_slice(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    for half in [2_u16, 243] {
        file.extend(half.to_le_bytes());
    }
    file.extend(1_u32.to_le_bytes());
    for word in [entry, ELF_HEADER as u64, 0] {
        file.extend(word.to_le_bytes());
    }
    file.extend(0_u32.to_le_bytes());
    for half in [ELF_HEADER as u16, 56, pieces.len() as u16, 64, 0, 0] {
        file.extend(half.to_le_bytes());
    }
    for piece in pieces {
        file.extend(1_u32.to_le_bytes());
        file.extend(piece.flags.to_le_bytes());
        let places = [piece.offset, piece.address, piece.address, piece.in_file, piece.in_memory, 0x1000];
        file.extend(places.iter().flat_map(|word| word.to_le_bytes()));
    }
    file.resize(0x2000, 0);
    file.extend_from_slice(DATA_BYTES);
    file
}

/// An archive of programs called `bin/<name>`, each beginning on a page.
pub fn archive(names: &[&str]) -> Vec<u8> {
    let mut archive = Vec::new();
    for name in names {
        entry(&mut archive, &format!("bin/{name}"), &program());
    }
    entry(&mut archive, "recipes/readme", b"not a program");
    entry(&mut archive, "bin/broken", b"not a program either");
    entry(&mut archive, "TRAILER!!!", b"");
    archive
}

fn entry(archive: &mut Vec<u8>, name: &str, data: &[u8]) {
    const HEADER: usize = 110;
    let data_at = (archive.len() + HEADER + name.len() + 1).next_multiple_of(PAGE_SIZE);
    let name_size = data_at - archive.len() - HEADER;
    archive.extend_from_slice(b"070701");
    for field in [1, 0o100_644, 0, 0, 1, 0, data.len(), 0, 0, 0, 0, name_size, 0] {
        archive.extend_from_slice(format!("{field:08X}").as_bytes());
    }
    archive.extend_from_slice(name.as_bytes());
    archive.resize(data_at, 0);
    archive.extend_from_slice(data);
    archive.resize(archive.len().next_multiple_of(4), 0);
}
