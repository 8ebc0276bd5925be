//! How much of the audit is told: enough to see who misbehaves, too little to flood a log.

use nexus_abi::Nanos;

/// Decisions told in one second; of the others only the number is.
pub const AUDIT_PER_SECOND: u32 = 8;

const SECOND: Nanos = Nanos::from_millis(1000);

/// What may still be told.
#[derive(Debug, Default)]
pub(crate) struct AuditBudget {
    since: Nanos,
    told: u32,
    untold: u32,
}

impl AuditBudget {
    /// Whether a decision may be told at `now`, and how many could not be since the last that was.
    #[inline]
    pub(crate) fn take(&mut self, now: Nanos) -> Option<u32> {
        if now.since(self.since) >= SECOND {
            (self.since, self.told) = (now, 0);
        }
        if self.told >= AUDIT_PER_SECOND {
            self.untold = self.untold.saturating_add(1);
            return None;
        }
        self.told += 1;
        Some(core::mem::take(&mut self.untold))
    }
}
