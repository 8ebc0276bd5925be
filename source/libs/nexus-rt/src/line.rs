//! One log line, formatted in place.
//!
//! The kernel prints what one call hands over without mixing it with other output, up to
//! [`LOG_LINE_MAX`] bytes. A [`Line`] therefore never exceeds that: what does not fit is cut at a character's
//! edge and the cut is shown. No heap, so that a panic for want of memory can still be reported.

use core::fmt;

use nexus_abi::LOG_LINE_MAX;

/// Shown where a line was cut.
const CUT: &str = "…";
const END: &str = "\n";
/// Room for text, so that the cut mark and the line end always fit.
const TEXT_MAX: usize = LOG_LINE_MAX - CUT.len() - END.len();

/// Text of one line.
#[derive(Clone, Debug)]
pub struct Line {
    bytes: [u8; LOG_LINE_MAX],
    len: usize,
    cut: bool,
}

impl Line {
    /// An empty line.
    pub const fn new() -> Self {
        Self { bytes: [0; LOG_LINE_MAX], len: 0, cut: false }
    }

    /// The line that `text` makes. Line ends inside become spaces: one call, one line.
    pub fn of(text: impl fmt::Display) -> Self {
        let mut line = Self::new();
        // Writing to a line cuts and never fails.
        let _infallible = fmt::write(&mut line, format_args!("{text}"));
        line
    }

    /// The bytes to print, with the line end.
    pub fn finish(&mut self) -> &[u8] {
        for mark in [if self.cut { CUT } else { "" }, END] {
            self.bytes[self.len..self.len + mark.len()].copy_from_slice(mark.as_bytes());
            self.len += mark.len();
        }
        let finished = &self.bytes[..self.len];
        (self.len, self.cut) = (0, false);
        finished
    }
}

impl Default for Line {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            let mut encoded = [0; 4];
            let shown = if character == '\n' { ' ' } else { character };
            let encoded = shown.encode_utf8(&mut encoded).as_bytes();
            if self.cut || self.len + encoded.len() > TEXT_MAX {
                self.cut = true;
                break;
            }
            self.bytes[self.len..self.len + encoded.len()].copy_from_slice(encoded);
            self.len += encoded.len();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(mut line: Line) -> String {
        String::from_utf8(line.finish().to_vec()).expect("a line is text")
    }

    #[test]
    fn a_line_ends_once_and_stays_one_line() {
        assert_eq!(text(Line::of("hello")), "hello\n");
        assert_eq!(text(Line::of(format_args!("a\nb {}", 7))), "a b 7\n");
        assert_eq!(text(Line::of("")), "\n");
    }

    #[test]
    fn what_does_not_fit_is_cut_between_characters_and_shown() {
        for character in ["x", "ä", "€", "😀"] {
            let line = text(Line::of(character.repeat(300)));
            assert!(line.len() <= LOG_LINE_MAX && line.ends_with("…\n"), "{line}");
        }
        let exact = "x".repeat(TEXT_MAX);
        assert_eq!(text(Line::of(&exact)), exact + "\n");
    }

    #[test]
    fn nothing_is_added_after_a_cut() {
        let line = text(Line::of(format_args!("{}{}", "x".repeat(300), "tail")));
        assert!(!line.contains("tail"));
    }

    #[test]
    fn a_finished_line_can_be_used_again() {
        let mut line = Line::of("one");
        line.finish();
        assert_eq!(line.finish(), b"\n");
    }
}
