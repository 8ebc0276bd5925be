//! The kernel's log, from a moment on.

use alloc::string::String;
use alloc::vec::Vec;

use nexus_abi::user;
use nexus_rt::startup::SYSTEM;

use crate::check::{Because, Why};

/// Bytes the kernel copies at once.
const PIECE: usize = 4096;

/// A position in the log.
#[derive(Clone, Copy, Debug)]
pub struct Journal(u64);

impl Journal {
    /// The log's end.
    pub fn end() -> Result<Self, Why> {
        let mut journal = Self(0);
        journal.read()?;
        Ok(journal)
    }

    /// What has been written since this was called last.
    pub fn read(&mut self) -> Result<String, Why> {
        let mut bytes = Vec::new();
        let mut piece = alloc::vec![0; PIECE];
        while let (len @ 1.., next) = user::log_read(SYSTEM, self.0, &mut piece).because("reading the log")? {
            bytes.extend_from_slice(&piece[..len]);
            self.0 = next;
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}
