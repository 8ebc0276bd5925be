//! What spawner and program agree on besides the kernel's contract.

use nexus_abi::Handle;

/// `execd`'s endpoint with CALL, if the program may ask it for something. For execd itself: its endpoint with
/// every right.
pub const EXECD: Handle = Handle::startup(EXECD_SLOT);
/// The system handle, with the rights the program deserves; absent if it deserves none.
pub const SYSTEM: Handle = Handle::startup(SYSTEM_SLOT);
/// Whatever else the program was given: its meaning is between it and whoever asked for the spawn.
pub const EXTRA: Handle = Handle::startup(EXTRA_SLOT);

/// `policyd`'s endpoint with CALL, if the program may ask it. For policyd itself: the endpoint it serves. For execd:
/// the endpoint with every right.
pub const POLICYD: Handle = Handle::startup(POLICYD_SLOT);

/// `timed`'s endpoint with CALL, if the program may ask it. For timed itself: the endpoint it serves. For execd: the
/// endpoint with every right.
pub const TIMED: Handle = Handle::startup(TIMED_SLOT);

/// Slot of [`EXECD`].
pub const EXECD_SLOT: usize = 0;
/// Slot of [`SYSTEM`].
pub const SYSTEM_SLOT: usize = 1;
/// Slot of [`EXTRA`].
pub const EXTRA_SLOT: usize = 2;
/// Slot of [`POLICYD`].
pub const POLICYD_SLOT: usize = 3;
/// Slot of [`TIMED`].
pub const TIMED_SLOT: usize = 4;

/// Exit code of a program that panicked.
pub const EXIT_PANIC: i32 = 101;

/// The value of the word `key=value` of a command line, the last one if there are several.
pub fn option<'a>(command_line: &'a str, key: &str) -> Option<&'a str> {
    command_line.split_ascii_whitespace().rev().find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_found_by_their_whole_key() {
        let line = "app=bench  seed=7 apps=no app=shell quiet seed";
        assert_eq!(option(line, "app"), Some("shell"));
        assert_eq!(option(line, "seed"), Some("7"));
        assert_eq!(option(line, "ap"), None);
        assert_eq!(option(line, "quiet"), None);
        assert_eq!(option("app=", "app"), Some(""));
    }
}
