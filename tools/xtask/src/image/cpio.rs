//! A cpio archive in the "newc" format, whose file data starts on pages.
//!
//! ```text
//! | header 110 | name NUL NUL … NUL | data, page aligned | pad to 4 | header …
//!              '---- namesize -----'
//! ```
//!
//! Aligned data lets the kernel map a program's pages out of the archive as they lie. The padding is NULs after
//! the name, counted in the name's size: readers stop at the first NUL, so `cpio -t` lists such an archive like
//! any other (Linux's `gen_init_cpio -a` does the same). Names are sorted, times are 0, owners are root.

use std::collections::BTreeMap;

use thiserror::Error;

/// A page of the device: what file data is aligned to.
const ALIGNMENT: usize = 4096;

const HEADER: usize = 110;
const REGULAR_FILE_READABLE: u32 = 0o100_444;
const TRAILER: &str = "TRAILER!!!";

/// Files by name; the map's order is the archive's.
#[derive(Debug, Default)]
pub struct Archive {
    files: BTreeMap<String, Vec<u8>>,
}

/// The format counts bytes in 32 bits.
#[derive(Debug, Error)]
#[error("`{name}` does not fit into a cpio archive: it has {size} bytes, the limit is 4 GiB")]
pub struct TooLarge {
    name: String,
    size: usize,
}

impl Archive {
    /// Adds or replaces a file.
    pub fn add(&mut self, name: &str, data: Vec<u8>) {
        self.files.insert(name.to_owned(), data);
    }

    pub fn entries(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files.iter().map(|(name, data)| (name.as_str(), data.as_slice()))
    }

    /// The archive's bytes.
    pub fn finish(&self) -> Result<Vec<u8>, TooLarge> {
        let mut out = Vec::new();
        for (inode, (name, data)) in (1u32..).zip(self.entries()) {
            let size = u32::try_from(data.len())
                .map_err(|_| TooLarge { name: name.to_owned(), size: data.len() })?;
            let unpadded = out.len() + HEADER + name.len() + 1;
            let name_size = name.len() + 1 + (unpadded.next_multiple_of(ALIGNMENT) - unpadded);
            header(&mut out, inode, REGULAR_FILE_READABLE, size, name, name_size);
            out.extend_from_slice(data);
            pad(&mut out, 4);
        }
        header(&mut out, 0, 0, 0, TRAILER, TRAILER.len() + 1);
        pad(&mut out, 4);
        Ok(out)
    }
}

/// Thirteen fields of eight hexadecimal digits after the magic, then the name and its NULs.
fn header(out: &mut Vec<u8>, inode: u32, mode: u32, size: u32, name: &str, name_size: usize) {
    let (user, group, links, time, device) = (0, 0, 1, 0, 0);
    out.extend_from_slice(b"070701");
    let fields = [inode, mode, user, group, links, time, size, device, device, device, device];
    for field in fields {
        out.extend_from_slice(format!("{field:08x}").as_bytes());
    }
    let checksum = 0;
    out.extend_from_slice(format!("{name_size:08x}{checksum:08x}").as_bytes());
    let end = out.len() + name_size;
    out.extend_from_slice(name.as_bytes());
    out.resize(end, 0);
    pad(out, 4);
}

fn pad(out: &mut Vec<u8>, to: usize) {
    out.resize(out.len().next_multiple_of(to), 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        let mut archive = Archive::default();
        archive.add("bin/shell", vec![0xAB; 5000]);
        archive.add("bin/init", b"first by name, added last".to_vec());
        archive.finish().unwrap()
    }

    /// Reads an archive the way any reader does: (name, offset of the data, size).
    fn list(bytes: &[u8]) -> Vec<(String, usize, usize)> {
        let mut entries = Vec::new();
        let mut at = 0;
        loop {
            let field = |index: usize| {
                let start = at + 6 + index * 8;
                usize::from_str_radix(std::str::from_utf8(&bytes[start..start + 8]).unwrap(), 16).unwrap()
            };
            assert_eq!(&bytes[at..at + 6], b"070701");
            let (size, name_size) = (field(6), field(11));
            let name = &bytes[at + HEADER..at + HEADER + name_size];
            let name = name.split(|byte| *byte == 0).next().unwrap();
            let data = (at + HEADER + name_size).next_multiple_of(4);
            if name == TRAILER.as_bytes() {
                return entries;
            }
            entries.push((String::from_utf8(name.to_vec()).unwrap(), data, size));
            at = (data + size).next_multiple_of(4);
        }
    }

    #[test]
    fn entries_are_sorted_and_their_data_starts_on_pages() {
        let bytes = sample();
        let entries = list(&bytes);
        let names: Vec<_> = entries.iter().map(|(name, ..)| name.as_str()).collect();
        assert_eq!(names, ["bin/init", "bin/shell"]);
        assert!(entries.iter().all(|(_, offset, _)| offset % ALIGNMENT == 0));
        let (_, offset, size) = entries[1];
        assert_eq!(&bytes[offset..offset + size], &[0xAB; 5000]);
    }

    #[test]
    fn the_same_files_give_the_same_bytes() {
        assert_eq!(sample(), sample());
    }

    #[test]
    fn an_empty_archive_is_a_trailer() {
        let bytes = Archive::default().finish().unwrap();
        assert_eq!(bytes.len(), (HEADER + TRAILER.len() + 1).next_multiple_of(4));
        assert!(list(&bytes).is_empty());
    }
}
