//! Programs: what of a file the kernel believes.

use proptest::prelude::*;

use super::image::{self, CODE, ORDINARY, Piece};
use crate::mm::page_table::Access;
use crate::task::program::Program;

const PAGE: u64 = 4096;

type Change = fn(&mut Piece);

#[test]
fn the_ordinary_program_is_one() {
    let program = Program::parse(&image::program()).unwrap();
    assert_eq!((program.entry, program.lowest()), (CODE, CODE));
    let access: std::vec::Vec<Access> = program.segments().map(|segment| segment.access).collect();
    assert_eq!(access, [Access::USER_EXECUTE, Access::USER_WRITE]);
    assert_eq!(program.writable().map(|segment| segment.pages).sum::<u32>(), 2);
}

#[test]
fn a_piece_that_is_not_sound_spoils_the_program() {
    let changes: [(&str, Change); 11] = [
        ("writable and executable", |piece| piece.flags = 7),
        ("unaligned in memory", |piece| piece.address += 8),
        ("unaligned in the file", |piece| piece.offset += 8),
        ("in the null guard", |piece| piece.address = 0),
        ("in the kernel's half", |piece| piece.address = 1 << 38),
        ("around the end of addresses", |piece| piece.address = u64::MAX - PAGE + 1),
        ("behind the file", |piece| piece.offset = 1 << 20),
        ("around the end of the file", |piece| piece.offset = u64::MAX - PAGE + 1),
        ("larger in the file than in memory", |piece| piece.in_file = piece.in_memory + 1),
        ("code with a tail of zeros", |piece| piece.in_memory += PAGE),
        ("too large", |piece| piece.in_memory = 1 << 30),
    ];
    for (what, change) in changes {
        let mut pieces = ORDINARY;
        change(&mut pieces[0]);
        assert!(Program::parse(&image::elf(&pieces, CODE as u64)).is_none(), "{what}");
    }
}

#[test]
fn the_entry_must_be_code_that_is_in_the_file() {
    for entry in [0, CODE - 1, CODE + 4096, CODE + 4100, usize::MAX] {
        assert!(Program::parse(&image::elf(&ORDINARY, entry as u64)).is_none(), "{entry:#x}");
    }
    assert!(Program::parse(&image::elf(&ORDINARY, CODE as u64 + 4092)).is_some());
}

#[test]
fn more_pieces_than_there_is_room_for_are_refused() {
    let piece = |n: u64| Piece { address: ORDINARY[0].address + n * PAGE, ..ORDINARY[0] };
    let four: std::vec::Vec<Piece> = (0..4).map(piece).collect();
    let five: std::vec::Vec<Piece> = (0..5).map(piece).collect();
    assert!(Program::parse(&image::elf(&four, CODE as u64)).is_some());
    assert!(Program::parse(&image::elf(&five, CODE as u64)).is_none());
}

/// What must hold of everything that is believed.
fn check(file: &[u8]) {
    let Some(program) = Program::parse(file) else { return };
    for segment in program.segments() {
        let end = segment.start as u64 + u64::from(segment.pages) * PAGE;
        assert!(segment.start >= nexus_abi::USER_BASE && end <= nexus_abi::USER_END as u64);
        assert!(segment.start.is_multiple_of(4096) && segment.pages > 0);
        assert_eq!(segment.contents(file).len(), segment.file_len);
    }
    assert!(program.segments().count() <= 4);
}

#[test]
fn a_program_cut_off_anywhere_is_refused() {
    let file = image::program();
    for len in 0..file.len() {
        assert!(Program::parse(&file[..len]).is_none(), "{len} bytes");
    }
}

#[test]
fn every_byte_of_the_headers_changed_never_panics() {
    let file = image::program();
    for at in 0..64 + 2 * 56 {
        for value in [0, 1, 0x7f, 0x80, 0xff, file[at].wrapping_add(1)] {
            let mut broken = file.clone();
            broken[at] = value;
            check(&broken);
        }
    }
}

proptest! {
    #[test]
    fn random_headers_never_panic_and_what_is_believed_is_sound(
        changes in prop::collection::vec((0_usize..64 + 2 * 56, any::<u8>()), 1..12),
    ) {
        let mut file = image::program();
        for (at, value) in changes {
            file[at] = value;
        }
        check(&file);
    }
}
