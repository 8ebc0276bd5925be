//! Who wanted to start or end programs without the privilege, in the log.

use nexus_abi::Nanos;

/// Lines a second. A person sees who tries; whoever tries without end does not push the boot out of the log.
const LINES_A_SECOND: u32 = 8;
const SECOND: Nanos = Nanos::from_millis(1_000);

/// How much of the current second's allowance is used up.
#[derive(Debug, Default)]
pub(crate) struct Denials {
    begin: Nanos,
    said: u32,
}

impl Denials {
    /// Whether there is a line left for what happens now.
    pub(crate) fn take(&mut self, now: Nanos) -> bool {
        if now.since(self.begin) >= SECOND {
            *self = Self { begin: now, said: 0 };
        }
        let left = self.said < LINES_A_SECOND;
        self.said += u32::from(left);
        left
    }
}
