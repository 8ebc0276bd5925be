//! The line editor: keys in, echo and finished lines out.
//!
//! Knows a little of every terminal: printable characters, backspace, Ctrl-A/E/K/U/W/L/C, and the arrow,
//! home, end and delete keys as escape sequences. Echo is kept small for the common case, a character at the
//! end of the line; any other change redraws the line.

use alloc::collections::VecDeque;
use alloc::string::{String, ToString};
use core::fmt::Write;

/// Longest line, in characters. Further ones ring the bell.
pub const LINE_MAX: usize = 240;
/// Lines remembered; older ones are forgotten.
const HISTORY_MAX: usize = 50;

/// A line while it is being typed. All characters are printable ASCII, so bytes are columns.
#[derive(Debug)]
pub struct Editor {
    prompt: &'static str,
    line: String,
    cursor: usize,
    /// Latest first.
    history: VecDeque<String>,
    /// How far back in the history the line comes from; 0 is the line being written.
    browsing: usize,
    /// What was being written before browsing began.
    draft: String,
    escape: Escape,
    after_return: bool,
}

/// How far into an escape sequence the input is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Escape {
    Outside,
    Begun,
    /// After the introducer; holds the number read so far.
    Sequence(u8),
}

impl Editor {
    /// An empty line behind `prompt`, which the caller shows the first time.
    pub const fn new(prompt: &'static str) -> Self {
        Self {
            prompt,
            line: String::new(),
            cursor: 0,
            history: VecDeque::new(),
            browsing: 0,
            draft: String::new(),
            escape: Escape::Outside,
            after_return: false,
        }
    }

    /// Takes one byte from the terminal and adds to `echo` what it should show. A finished line is returned.
    pub fn key(&mut self, byte: u8, echo: &mut String) -> Option<String> {
        let after_return = core::mem::replace(&mut self.after_return, byte == b'\r');
        let second_half = after_return && byte == b'\n';
        match self.escape {
            Escape::Outside => {}
            Escape::Begun | Escape::Sequence(_) => {
                self.escape(byte, echo);
                return None;
            }
        }
        match byte {
            // A terminal sends CR, a pipe LF, some both.
            b'\n' if second_half => {}
            b'\r' | b'\n' => return Some(self.finish(echo)),
            0x1b => self.escape = Escape::Begun,
            0x01 => self.place(0, echo),
            0x05 => self.place(self.line.len(), echo),
            0x02 => self.place(self.cursor.saturating_sub(1), echo),
            0x06 => self.place(self.cursor + 1, echo),
            0x03 => self.cancel(echo),
            0x04 => self.delete(self.cursor, self.cursor + 1, echo),
            0x08 | 0x7f => self.delete(self.cursor.saturating_sub(1), self.cursor, echo),
            0x0b => self.delete(self.cursor, self.line.len(), echo),
            0x0c => self.clear_screen(echo),
            0x0e => self.browse(self.browsing.saturating_sub(1), echo),
            0x10 => self.browse(self.browsing + 1, echo),
            0x15 => self.delete(0, self.cursor, echo),
            0x17 => self.delete(self.word_start(), self.cursor, echo),
            b' '..=b'~' => self.insert(char::from(byte), echo),
            // Other control characters and what is not ASCII have no meaning here.
            _ => {}
        }
        None
    }

    /// Redraws prompt and line, for after something else was printed.
    pub fn redraw(&self, echo: &mut String) {
        // Writing to a string cannot fail.
        let _infallible = write!(echo, "\r{}{}\x1b[K", self.prompt, self.line);
        let back = self.line.len() - self.cursor;
        if back > 0 {
            let _infallible = write!(echo, "\x1b[{back}D");
        }
    }

    fn escape(&mut self, byte: u8, echo: &mut String) {
        self.escape = match (self.escape, byte) {
            (Escape::Begun, b'[' | b'O') => Escape::Sequence(0),
            (Escape::Sequence(number), b'0'..=b'9') => {
                Escape::Sequence(number.saturating_mul(10).saturating_add(byte - b'0'))
            }
            (Escape::Sequence(_), b';') => Escape::Sequence(0),
            (Escape::Sequence(number), final_byte) => {
                self.named_key(final_byte, number, echo);
                Escape::Outside
            }
            (Escape::Begun | Escape::Outside, _) => Escape::Outside,
        };
    }

    fn named_key(&mut self, final_byte: u8, number: u8, echo: &mut String) {
        match (final_byte, number) {
            (b'A', _) => self.browse(self.browsing + 1, echo),
            (b'B', _) => self.browse(self.browsing.saturating_sub(1), echo),
            (b'C', _) => self.place(self.cursor + 1, echo),
            (b'D', _) => self.place(self.cursor.saturating_sub(1), echo),
            (b'H', _) | (b'~', 1 | 7) => self.place(0, echo),
            (b'F', _) | (b'~', 4 | 8) => self.place(self.line.len(), echo),
            (b'~', 3) => self.delete(self.cursor, self.cursor + 1, echo),
            _ => {}
        }
    }

    fn insert(&mut self, character: char, echo: &mut String) {
        if self.line.len() >= LINE_MAX {
            echo.push('\x07');
            return;
        }
        let at_end = self.cursor == self.line.len();
        self.line.insert(self.cursor, character);
        self.cursor += 1;
        if at_end { echo.push(character) } else { self.redraw(echo) }
    }

    /// Removes what is between two columns and leaves the cursor there.
    fn delete(&mut self, from: usize, to: usize, echo: &mut String) {
        let to = to.min(self.line.len());
        if from >= to {
            return;
        }
        let was_last = to == self.line.len() && to - from == 1 && self.cursor == to;
        self.line.replace_range(from..to, "");
        self.cursor = from;
        if was_last { echo.push_str("\x08 \x08") } else { self.redraw(echo) }
    }

    fn place(&mut self, column: usize, echo: &mut String) {
        let column = column.min(self.line.len());
        if column != self.cursor {
            self.cursor = column;
            self.redraw(echo);
        }
    }

    fn word_start(&self) -> usize {
        let before = self.line.get(..self.cursor).unwrap_or("").trim_end();
        before.rfind(' ').map_or(0, |space| space + 1)
    }

    fn browse(&mut self, to: usize, echo: &mut String) {
        if to == self.browsing || to > self.history.len() {
            return;
        }
        if self.browsing == 0 {
            self.draft = core::mem::take(&mut self.line);
        }
        self.browsing = to;
        self.line = match to.checked_sub(1).and_then(|back| self.history.get(back)) {
            Some(earlier) => earlier.clone(),
            None => core::mem::take(&mut self.draft),
        };
        self.cursor = self.line.len();
        self.redraw(echo);
    }

    fn finish(&mut self, echo: &mut String) -> String {
        echo.push('\n');
        let line = core::mem::take(&mut self.line);
        self.reset();
        let text = line.trim();
        if !text.is_empty() && self.history.front().map(String::as_str) != Some(text) {
            self.history.truncate(HISTORY_MAX - 1);
            self.history.push_front(text.to_string());
        }
        line
    }

    fn cancel(&mut self, echo: &mut String) {
        self.line.clear();
        self.reset();
        echo.push_str("^C\n");
        echo.push_str(self.prompt);
    }

    fn clear_screen(&self, echo: &mut String) {
        echo.push_str("\x1b[2J\x1b[H");
        self.redraw(echo);
    }

    fn reset(&mut self) {
        (self.cursor, self.browsing) = (0, 0);
        self.draft.clear();
    }
}

#[cfg(test)]
#[path = "editor_tests.rs"]
mod tests;
