//! Archives made here, by `cpio`, and broken in every place.

use super::*;
use proptest::prelude::*;
use std::format;
use std::string::String;
use std::vec::Vec;

const REGULAR: u32 = 0o100_644;
const DIRECTORY: u32 = 0o040_755;

fn entry(archive: &mut Vec<u8>, name: &str, padding: usize, mode: u32, data: &[u8]) {
    let name_size = name.len() + 1 + padding;
    archive.extend_from_slice(MAGIC);
    for field in [1, mode, 0, 0, 1, 0, data.len() as u32, 0, 0, 0, 0, name_size as u32, 0] {
        archive.extend_from_slice(format!("{field:08X}").as_bytes());
    }
    archive.extend_from_slice(name.as_bytes());
    archive.resize(archive.len() + 1 + padding, 0);
    archive.resize(archive.len().next_multiple_of(4), 0);
    archive.extend_from_slice(data);
    archive.resize(archive.len().next_multiple_of(4), 0);
}

fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = Vec::new();
    files.iter().for_each(|(name, data)| entry(&mut archive, name, 0, REGULAR, data));
    entry(&mut archive, TRAILER, 0, 0, &[]);
    archive
}

fn error(bytes: &[u8]) -> ImageError {
    BootImage::open(bytes).map(|image| image.len()).unwrap_err()
}

#[test]
fn files_are_found_by_name_and_number() {
    let bytes = archive(&[("bin/init", b"ELF1"), ("bin/execd", b""), ("boot/neuron.sym", b"0 _start\n")]);
    let image = BootImage::open(&bytes).unwrap();
    assert_eq!(image.len(), 3);
    let file = image.find("boot/neuron.sym").unwrap();
    assert_eq!(
        (file.index, image.data(file), image.name(2)),
        (2, &b"0 _start\n"[..], Some("boot/neuron.sym"))
    );
    assert_eq!(image.get(1).map(|file| file.len), Some(0));
    assert_eq!((image.find("bin/ini"), image.get(3), image.name(3)), (None, None, None));
}

#[test]
fn names_padded_with_nuls_put_data_on_a_page_border() {
    let mut bytes = Vec::new();
    entry(&mut bytes, "bin/init", 4096 - HEADER_LEN - 9, REGULAR, &[0xaa; 5000]);
    entry(&mut bytes, TRAILER, 0, 0, &[]);
    let image = BootImage::open(&bytes).unwrap();
    let file = image.find("bin/init").unwrap();
    assert_eq!((file.offset, file.len), (4096, 5000));
    assert!(image.data(file).iter().all(|byte| *byte == 0xaa));
}

#[test]
fn directories_are_passed_over_and_do_not_count() {
    let mut bytes = Vec::new();
    entry(&mut bytes, "bin", 0, DIRECTORY, &[]);
    entry(&mut bytes, "bin/init", 0, REGULAR, b"x");
    entry(&mut bytes, TRAILER, 0, 0, &[]);
    let image = BootImage::open(&bytes).unwrap();
    assert_eq!((image.len(), image.find("bin"), image.find("bin/init").map(|f| f.index)), (1, None, Some(0)));
}

#[test]
fn an_archive_made_by_cpio_opens() {
    // `printf hello >a; printf 'x%.0s' {1..9} >b; printf 'a\nb\n' | cpio -o -H newc`, padded to 512 by it.
    let bytes = include_bytes!("../../../fixtures/gnu.cpio");
    let image = BootImage::open(bytes).unwrap();
    let names: Vec<_> =
        image.files().map(|file| (image.name(file.index).unwrap(), image.data(file))).collect();
    assert_eq!(names, [("a", &b"hello"[..]), ("b", &b"xxxxxxxxx"[..])]);
}

#[test]
fn each_fault_has_its_own_error() {
    let good = archive(&[("a", b"12345"), ("b", b"")]);
    let with = |place: usize, bytes: &[u8]| {
        let mut broken = good.clone();
        broken[place..place + bytes.len()].copy_from_slice(bytes);
        error(&broken)
    };
    let second = 112 + 8;
    assert_eq!(error(b""), ImageError::Empty);
    assert_eq!(error(&archive(&[])), ImageError::Empty);
    assert_eq!(with(5, b"2"), ImageError::BadMagic(0));
    assert_eq!(with(second, b"X"), ImageError::BadMagic(second));
    assert_eq!(with(FILE_SIZE, b"0000000g"), ImageError::BadNumber(0));
    assert_eq!(with(FILE_SIZE, b"+0000005"), ImageError::BadNumber(0));
    assert_eq!(with(FILE_SIZE, b"FFFFFFFF"), ImageError::Truncated(0));
    assert_eq!(with(NAME_SIZE, b"FFFFFFFF"), ImageError::Truncated(0));
    assert_eq!(with(NAME_SIZE, b"00000000"), ImageError::BadName(0));
    assert_eq!(with(NAME_SIZE, b"00000001"), ImageError::BadName(0));
    assert_eq!(with(HEADER_LEN, b"\0"), ImageError::BadName(0));
    assert_eq!(with(HEADER_LEN, b"\xff"), ImageError::BadName(0));
    assert_eq!(error(&archive(&[("a", b""), ("b", b""), ("a", b"")])), ImageError::Duplicate(224));
    let garbage = [&good[..], b"\0\0\0x"].concat();
    assert_eq!(error(&garbage), ImageError::TrailingData(good.len() + 3));
    assert_eq!(error(&good[..second]), ImageError::NoTrailer);
}

#[test]
fn files_up_to_the_bound_and_not_one_more() {
    let names: Vec<String> = (0..=FILES_MAX).map(|number| format!("bin/{number}")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b"x"[..])).collect();
    assert_eq!(BootImage::open(&archive(&files[..FILES_MAX])).unwrap().len(), FILES_MAX);
    assert_eq!(error(&archive(&files)), ImageError::TooManyFiles);
}

#[test]
fn no_truncation_opens() {
    let good = archive(&[("bin/init", b"12345"), ("bin/execd", b"123"), ("x", b"")]);
    for len in 0..good.len() {
        let found = error(&good[..len]);
        let told = matches!(found, ImageError::Truncated(_) | ImageError::NoTrailer | ImageError::Empty);
        assert!(told, "{len}: {found:?}");
    }
}

#[test]
fn errors_say_where() {
    assert_eq!(format!("{}", ImageError::Truncated(0x1000)), "cut off inside the entry at 0x1000");
}

/// What opens can be used: nothing lies outside.
fn check(bytes: &[u8]) {
    if let Ok(image) = BootImage::open(bytes) {
        assert!(!image.is_empty() && image.len() <= FILES_MAX);
        for file in image.files() {
            assert!(file.offset + file.len <= bytes.len());
            assert_eq!(image.data(file).len(), file.len);
            assert_eq!(image.find(image.name(file.index).unwrap()), Some(file));
        }
    }
}

#[test]
fn every_single_byte_changed_in_several_ways_never_panics() {
    let good = archive(&[("bin/init", b"12345"), ("bin/execd", b"123"), ("x", b"")]);
    for place in 0..good.len() {
        for value in [0, b'0', b'1', b'f', b'F', b'~', 0xff] {
            let mut broken = good.clone();
            broken[place] = value;
            check(&broken);
        }
    }
}

proptest! {
    #[test]
    fn whatever_was_put_in_is_found_again(
        files in proptest::collection::btree_map("[a-z]{1,8}(/[a-z.]{1,40})?", (any::<Vec<u8>>(), 0_usize..70), 1..20),
    ) {
        let mut bytes = Vec::new();
        for (name, (data, padding)) in &files {
            entry(&mut bytes, name, *padding, REGULAR, data);
        }
        entry(&mut bytes, TRAILER, 0, 0, &[]);
        let image = BootImage::open(&bytes).unwrap();
        prop_assert_eq!(image.len(), files.len());
        for (index, (name, (data, _))) in files.iter().enumerate() {
            let file = image.find(name).unwrap();
            prop_assert_eq!((file.index, image.data(file)), (index, &data[..]));
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes: Vec<u8>) {
        check(&bytes);
    }

    #[test]
    fn random_bytes_behind_a_magic_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        check(&[MAGIC, &bytes[..]].concat());
    }
}
