//! The boot image: programs and configuration, in an archive ordinary tools can list (cpio "newc").
//!
//! ```text
//! header (110 bytes, hexadecimal) │ name NUL [NUL…] │ pad to 4 │ data │ pad to 4 │ next header …
//! ```
//!
//! [`BootImage::open`] checks the whole archive once; afterwards every [`File`] is a range inside it and
//! nothing can fail. Names may be padded with more NULs, which is how the packer puts a file's data on a
//! page border. Only regular files count: directories and links are checked and passed over. The number
//! of a file is its place among them, and is what a spawner names a program by.

/// Most files an image may hold.
pub const FILES_MAX: usize = 256;

const MAGIC: &[u8] = b"070701";
const HEADER_LEN: usize = 110;
/// Places of the header's fields, eight hexadecimal digits each, after the magic.
const MODE: usize = 14;
const FILE_SIZE: usize = 54;
const NAME_SIZE: usize = 94;
const TRAILER: &str = "TRAILER!!!";
const MODE_KIND: u32 = 0o170_000;
const MODE_REGULAR: u32 = 0o100_000;

/// A file of the image.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct File {
    /// Its number.
    pub index: usize,
    /// Where its data begins in the archive.
    pub offset: usize,
    /// Bytes of data.
    pub len: usize,
}

/// An archive that has been checked.
#[derive(Clone)]
pub struct BootImage<'a> {
    bytes: &'a [u8],
    entries: [Entry; FILES_MAX],
    count: usize,
}

/// Narrow on purpose: the whole index is one page.
#[derive(Clone, Copy)]
struct Entry {
    name: u32,
    name_len: u32,
    offset: u32,
    len: u32,
}

/// What is wrong with an archive, and where the header of the entry in question begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ImageError {
    /// There are no bytes, or no file is in them.
    Empty,
    /// It is larger than 4 GiB.
    TooLarge,
    /// No header where one should be.
    BadMagic(usize),
    /// A header field is not a number.
    BadNumber(usize),
    /// The archive ends inside this entry.
    Truncated(usize),
    /// A name is empty, unterminated or not UTF-8.
    BadName(usize),
    /// Two files have this entry's name.
    Duplicate(usize),
    /// It ends without the entry that says so.
    NoTrailer,
    /// Something follows the end.
    TrailingData(usize),
    /// More than [`FILES_MAX`].
    TooManyFiles,
}

impl<'a> BootImage<'a> {
    /// Checks an archive. O(bytes of headers and names + files²), once at boot.
    pub fn open(bytes: &'a [u8]) -> Result<Self, ImageError> {
        if bytes.is_empty() {
            return Err(ImageError::Empty);
        }
        if u32::try_from(bytes.len()).is_err() {
            return Err(ImageError::TooLarge);
        }
        let nothing = Entry { name: 0, name_len: 0, offset: 0, len: 0 };
        let mut image = Self { bytes, entries: [nothing; FILES_MAX], count: 0 };
        let mut at = 0;
        loop {
            let member = Member::read(bytes, at)?;
            if member.name == TRAILER {
                return image.finish(member.end);
            }
            if member.is_regular {
                image.add(at, &member)?;
            }
            at = member.end;
        }
    }

    /// The file with this name. O(files).
    pub fn find(&self, name: &str) -> Option<File> {
        self.files().find(|file| self.name(file.index) == Some(name))
    }

    /// The file with this number. O(1).
    pub fn get(&self, index: usize) -> Option<File> {
        let entry = self.entry(index)?;
        Some(File { index, offset: entry.offset as usize, len: entry.len as usize })
    }

    /// Its name. O(length of the name).
    pub fn name(&self, index: usize) -> Option<&'a str> {
        let entry = self.entry(index)?;
        let bytes = self.bytes.get(entry.name as usize..)?.get(..entry.name_len as usize)?;
        core::str::from_utf8(bytes).ok()
    }

    /// Its data. O(1).
    pub fn data(&self, file: File) -> &'a [u8] {
        self.bytes.get(file.offset..).and_then(|rest| rest.get(..file.len)).unwrap_or(&[])
    }

    /// All files, by number.
    pub fn files(&self) -> impl Iterator<Item = File> + '_ {
        (0..self.count).filter_map(|index| self.get(index))
    }

    /// How many files there are.
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Never: an image without files does not open.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn entry(&self, index: usize) -> Option<&Entry> {
        self.entries.get(..self.count)?.get(index)
    }

    fn add(&mut self, at: usize, member: &Member<'_>) -> Result<(), ImageError> {
        if self.find(member.name).is_some() {
            return Err(ImageError::Duplicate(at));
        }
        // All of these lie inside the archive, whose length fits.
        *self.entries.get_mut(self.count).ok_or(ImageError::TooManyFiles)? = Entry {
            name: (at + HEADER_LEN) as u32,
            name_len: member.name.len() as u32,
            offset: member.data as u32,
            len: member.len as u32,
        };
        self.count += 1;
        Ok(())
    }

    /// After the trailer come at most the NULs that fill the last block.
    fn finish(self, end: usize) -> Result<Self, ImageError> {
        let rest = self.bytes.get(end..).unwrap_or(&[]);
        if let Some(at) = rest.iter().position(|byte| *byte != 0) {
            return Err(ImageError::TrailingData(end + at));
        }
        if self.count == 0 { Err(ImageError::Empty) } else { Ok(self) }
    }
}

/// One entry of the archive, inside its bounds.
struct Member<'a> {
    name: &'a str,
    is_regular: bool,
    data: usize,
    len: usize,
    end: usize,
}

impl<'a> Member<'a> {
    fn read(bytes: &'a [u8], at: usize) -> Result<Self, ImageError> {
        let rest = bytes.get(at..).filter(|rest| !rest.is_empty()).ok_or(ImageError::NoTrailer)?;
        if rest.iter().zip(MAGIC).any(|(found, expected)| found != expected) {
            return Err(ImageError::BadMagic(at));
        }
        let header = rest.get(..HEADER_LEN).ok_or(ImageError::Truncated(at))?;
        let field = |place| number(header, place).ok_or(ImageError::BadNumber(at));
        let (mode, len) = (field(MODE)?, field(FILE_SIZE)? as usize);
        let name_end = HEADER_LEN + field(NAME_SIZE)? as usize;

        let padded = rest.get(HEADER_LEN..name_end).ok_or(ImageError::Truncated(at))?;
        let name = core::ffi::CStr::from_bytes_until_nul(padded).ok().and_then(|name| name.to_str().ok());
        let name = name.filter(|name| !name.is_empty()).ok_or(ImageError::BadName(at))?;

        // 64-bit sums of 32-bit fields: nothing here wraps.
        let data = at + name_end.next_multiple_of(4);
        if bytes.len() < data + len {
            return Err(ImageError::Truncated(at));
        }
        let end = (data + len).next_multiple_of(4);
        Ok(Self { name, is_regular: mode & MODE_KIND == MODE_REGULAR, data, len, end })
    }
}

/// Eight hexadecimal digits.
fn number(header: &[u8], place: usize) -> Option<u32> {
    header.get(place..place + 8)?.iter().try_fold(0, |value, digit| {
        let digit = (*digit as char).to_digit(16)?;
        Some(value << 4 | digit)
    })
}

impl core::fmt::Display for ImageError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Empty => f.write_str("no files"),
            Self::TooLarge => f.write_str("larger than 4 GiB"),
            Self::BadMagic(at) => write!(f, "no cpio header at {at:#x}"),
            Self::BadNumber(at) => write!(f, "bad number in the header at {at:#x}"),
            Self::Truncated(at) => write!(f, "cut off inside the entry at {at:#x}"),
            Self::BadName(at) => write!(f, "bad name in the entry at {at:#x}"),
            Self::Duplicate(at) => write!(f, "the name of the entry at {at:#x} is there already"),
            Self::NoTrailer => f.write_str("cut off before its end entry"),
            Self::TrailingData(at) => write!(f, "data after its end, at {at:#x}"),
            Self::TooManyFiles => write!(f, "more than {FILES_MAX} files"),
        }
    }
}

#[cfg(test)]
mod tests;
