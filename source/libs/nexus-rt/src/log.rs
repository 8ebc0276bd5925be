//! Printing through the system handle, if the program has one; without it, text goes nowhere.

use core::fmt;

use nexus_abi::info::Output;
use nexus_abi::{LOG_LINE_MAX, user};

use crate::line::Line;
use crate::startup::SYSTEM;

/// Prints one line: formatted like `format!`, cut to the kernel's limit.
#[macro_export]
macro_rules! log {
    ($($text:tt)*) => { $crate::log::line(::core::format_args!($($text)*)) };
}

/// Prints one line with one system call. Markers go this way too.
pub fn line(text: impl fmt::Display) {
    write(Line::of(text).finish(), Output::Kept);
}

/// Shows text to whoever sits at the console, as it is, in as few calls as it takes; the log does not keep it. Lines
/// are not torn, unless one is too long for a call.
pub fn show(text: &str) {
    let mut rest = text;
    while !rest.is_empty() {
        let (part, later) = rest.split_at(piece(rest));
        write(part.as_bytes(), Output::Shown);
        rest = later;
    }
}

/// How much of `rest` goes into the next call: up to the last line end that fits, or all that fits.
fn piece(rest: &str) -> usize {
    if rest.len() <= LOG_LINE_MAX {
        return rest.len();
    }
    let most = rest.floor_char_boundary(LOG_LINE_MAX);
    rest.get(..most).and_then(|fits| fits.rfind('\n')).map_or(most, |end| end + 1)
}

fn write(bytes: &[u8], output: Output) {
    // Who has no right to print has nobody to tell.
    let _unheard = user::log_write(SYSTEM, bytes, output);
}
