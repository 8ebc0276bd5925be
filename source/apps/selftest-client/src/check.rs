//! How a case says what it saw.

use alloc::format;
use alloc::string::String;
use core::fmt::Debug;

use nexus_abi::Error;

/// What was seen instead of what should have been.
pub type Why = String;

/// How a case ends.
pub type Verdict = Result<(), Why>;

/// Both values are the same.
pub fn same<T: PartialEq + Debug>(what: &str, seen: T, wanted: T) -> Verdict {
    if seen == wanted { Ok(()) } else { Err(format!("{what}: {seen:?} instead of {wanted:?}")) }
}

/// The statement is true.
pub fn holds(what: &str, truth: bool) -> Verdict {
    if truth { Ok(()) } else { Err(format!("not so: {what}")) }
}

/// `seen` is within the range.
pub fn within(what: &str, seen: u64, least: u64, most: u64) -> Verdict {
    if (least..=most).contains(&seen) {
        Ok(())
    } else {
        Err(format!("{what}: {seen} is not in {least}..={most}"))
    }
}

/// The call was refused, and with this error.
pub fn refused<T: Debug>(what: &str, result: Result<T, Error>, wanted: Error) -> Verdict {
    match result {
        Err(error) if error == wanted => Ok(()),
        Err(error) => Err(format!("{what}: {error:?} instead of {wanted:?}")),
        Ok(value) => Err(format!("{what}: accepted with {value:?} instead of {wanted:?}")),
    }
}

/// Says what was tried when a call fails.
pub trait Because<T> {
    /// The value, or what failed and why.
    fn because(self, what: &str) -> Result<T, Why>;
}

impl<T> Because<T> for Result<T, Error> {
    fn because(self, what: &str) -> Result<T, Why> {
        self.map_err(|error| format!("{what}: {error:?}"))
    }
}
