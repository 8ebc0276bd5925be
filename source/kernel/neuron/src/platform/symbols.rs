//! Names of kernel functions, for a panic message.
//!
//! The table travels in the boot image as `boot/neuron.sym`, made from the kernel's ELF by the build. It is
//! plain text, one function a line, ascending by address:
//!
//! ```text
//! <offset from the start of the kernel, hexadecimal, no prefix> <demangled name>\n
//! 0 _start
//! 4c2 <neuron::sched::Hart as core::fmt::Debug>::fmt
//! ```
//!
//! The name is the rest of the line. Equal offsets are allowed (the last one wins). Text, because a person
//! can read it with ordinary tools, and because a panicking kernel must not trust a format: whatever the
//! bytes are, [`Symbols::resolve`] answers something or nothing, and never fails.

/// A symbol table.
#[derive(Clone, Copy, Debug)]
pub struct Symbols<'a> {
    text: &'a [u8],
}

impl<'a> Symbols<'a> {
    /// Reads nothing yet: there is nothing to check.
    pub const fn new(text: &'a [u8]) -> Self {
        Self { text }
    }

    /// The function that contains `offset`, and how far inside it is. O(log size); the last function has
    /// no known end, so the caller asks only for offsets inside the kernel's text.
    pub fn resolve(&self, offset: u64) -> Option<(&'a str, u64)> {
        // Byte positions of line starts: `low` begins a line at or below the offset, `high` is beyond it.
        let (mut low, mut high) = (0, self.text.len());
        let mut best = None;
        while low < high {
            let start = self.line_start(low, low + (high - low) / 2);
            let line = self.line(start);
            match parse(line) {
                Some((base, name)) if base <= offset => {
                    best = Some((name, offset - base));
                    low = start + line.len() + 1;
                }
                Some(_) => high = start,
                // Garbage: give up rather than guess.
                None => return None,
            }
        }
        let (name, delta) = best?;
        core::str::from_utf8(name).ok().map(|name| (name, delta))
    }

    /// Start of the line `inside` is in, not before `low`, which starts one.
    fn line_start(&self, low: usize, inside: usize) -> usize {
        let before = self.text.get(low..inside).unwrap_or(&[]);
        before.iter().rposition(|byte| *byte == b'\n').map_or(low, |at| low + at + 1)
    }

    fn line(&self, start: usize) -> &'a [u8] {
        let rest = self.text.get(start..).unwrap_or(&[]);
        rest.split(|byte| *byte == b'\n').next().unwrap_or(rest)
    }
}

fn parse(line: &[u8]) -> Option<(u64, &[u8])> {
    let space = line.iter().position(|byte| *byte == b' ')?;
    let (digits, name) = line.split_at_checked(space)?;
    let digits = core::str::from_utf8(digits).ok()?;
    Some((u64::from_str_radix(digits, 16).ok()?, name.get(1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::format;
    use std::string::String;

    const TABLE: &[u8] = b"0 _start\n4c <A as B>::f\n4c alias\n200 neuron::panic\n";

    #[test]
    fn an_offset_resolves_to_the_function_around_it() {
        let symbols = Symbols::new(TABLE);
        assert_eq!(symbols.resolve(0), Some(("_start", 0)));
        assert_eq!(symbols.resolve(0x4b), Some(("_start", 0x4b)));
        assert_eq!(symbols.resolve(0x1ff), Some(("alias", 0x1b3)));
        assert_eq!(symbols.resolve(u64::MAX), Some(("neuron::panic", u64::MAX - 0x200)));
    }

    #[test]
    fn below_the_first_function_there_is_nothing() {
        assert_eq!(Symbols::new(b"10 f\n").resolve(0xf), None);
        assert_eq!(Symbols::new(b"").resolve(0), None);
    }

    #[test]
    fn a_last_line_without_its_end_still_counts() {
        assert_eq!(Symbols::new(b"0 a\n8 b").resolve(9), Some(("b", 1)));
    }

    #[test]
    fn every_truncation_answers_something_or_nothing() {
        for len in 0..TABLE.len() {
            for offset in [0, 0x4c, 0x200, u64::MAX] {
                Symbols::new(&TABLE[..len]).resolve(offset);
            }
        }
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in proptest::collection::vec(any::<u8>(), 0..200), offset: u64) {
            Symbols::new(&text).resolve(offset);
        }

        #[test]
        fn text_like_garbage_never_panics(text in "[0-9a-f \n]{0,200}", offset: u64) {
            Symbols::new(text.as_bytes()).resolve(offset);
        }

        #[test]
        fn binary_search_agrees_with_reading_every_line(
            mut bases in proptest::collection::vec(0_u64..5000, 1..60),
            offset in 0_u64..6000,
        ) {
            bases.sort_unstable();
            let mut table = String::new();
            for (index, base) in bases.iter().enumerate() {
                table += &format!("{base:x} f{index} of {}\n", "x".repeat(index % 7));
            }
            let expected = bases.iter().rposition(|base| *base <= offset)
                .map(|index| (format!("f{index} of {}", "x".repeat(index % 7)), offset - bases[index]));
            let found = Symbols::new(table.as_bytes()).resolve(offset)
                .map(|(name, delta)| (String::from(name), delta));
            prop_assert_eq!(found, expected);
        }
    }
}
