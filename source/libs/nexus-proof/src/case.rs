//! The cases of `selftest-client`, in the order in which it runs them.

/// One thing that a selftest run proves on the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Case {
    name: &'static str,
    /// On fewer harts there is nothing to prove.
    min_harts: u32,
}

impl Case {
    /// The clock advances and is as coarse as promised.
    pub const CLOCK: Case = Case::always("clock");
    /// Memory that was freed is used again.
    pub const HEAP: Case = Case::always("heap");
    /// Handles copy, move and close, and lose no right they should keep nor gain one.
    pub const HANDLES: Case = Case::always("handles");
    /// Calls and replies carry words, bytes and one handle between address spaces.
    pub const IPC: Case = Case::always("ipc");
    /// Bits arrive and are taken once.
    pub const NOTIFY: Case = Case::always("notify");
    /// A wait ends at its deadline and not before.
    pub const DEADLINE: Case = Case::always("deadline");
    /// Mapping, sharing and unmapping do what they say.
    pub const MEMORY: Case = Case::always("memory");
    /// A task's fault ends that task only, with its reason.
    pub const FAULT: Case = Case::always("fault");
    /// Peers of a dead task learn of it, and its resources return.
    pub const DEATH: Case = Case::always("death");
    /// A full table or quota is a typed error that loses nothing.
    pub const QUOTA: Case = Case::always("quota");
    /// Classes are set, and refused, as the contract says.
    pub const QOS: Case = Case::always("qos");
    /// Floating-point registers are each task's own.
    pub const FPU: Case = Case::always("fpu");
    /// A device's interrupt arrives as bits, once for each acknowledgement.
    pub const CONSOLE: Case = Case::always("console");
    /// A supervised service comes back.
    pub const RESTART: Case = Case::always("restart");
    /// What policyd does not allow is refused, and nobody asks it in another's name.
    pub const POLICY: Case = Case::always("policy");
    /// What timed promises each of its clients, and that it can be started again.
    pub const TIMED: Case = Case::always("timed");
    /// Timers that can share a wake-up do.
    pub const COALESCE: Case = Case::always("timed coalesce");
    /// A sleeping machine takes no timer interrupt.
    pub const IDLE: Case = Case::always("idle");
    /// Thousands of tasks begin and end, and nothing is missing afterwards.
    pub const CYCLES: Case = Case::always("cycles");
    /// Tasks that only run share a hart in the ratio of their shares.
    pub const SHARES: Case = Case::always("qos shares ratio");
    /// A class that is passed over waits as long as its bound, and no longer.
    pub const STARVATION: Case = Case::always("qos starvation bounds");
    /// A server runs as urgently as those who wait for it, on their time.
    pub const DONATION: Case = Case::always("qos donation");
    /// User tasks ran on every hart.
    pub const SMP: Case = Case::from_harts("smp", 2);
    /// A task runs where it was told to.
    pub const AFFINITY: Case = Case::from_harts("affinity applied", 2);

    /// Every case, in order.
    pub const ALL: &'static [Case] = &[
        Case::CLOCK,
        Case::HEAP,
        Case::HANDLES,
        Case::IPC,
        Case::NOTIFY,
        Case::DEADLINE,
        Case::MEMORY,
        Case::FAULT,
        Case::DEATH,
        Case::QUOTA,
        Case::QOS,
        Case::FPU,
        Case::CONSOLE,
        Case::RESTART,
        Case::POLICY,
        Case::TIMED,
        Case::COALESCE,
        Case::IDLE,
        Case::CYCLES,
        Case::SHARES,
        Case::STARVATION,
        Case::DONATION,
        Case::SMP,
        Case::AFFINITY,
    ];

    /// Those that run on `harts` harts, in order.
    pub fn on(harts: u32) -> impl Iterator<Item = Case> {
        Case::ALL.iter().copied().filter(move |case| case.runs_on(harts))
    }

    /// Whether there is anything to prove on `harts` harts.
    pub const fn runs_on(self, harts: u32) -> bool {
        self.min_harts <= harts
    }

    /// Its name in the marker.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// The case of that name.
    pub fn named(name: &str) -> Option<Case> {
        Case::ALL.iter().copied().find(|case| case.name == name)
    }

    const fn always(name: &'static str) -> Case {
        Case { name, min_harts: 1 }
    }

    const fn from_harts(name: &'static str, min_harts: u32) -> Case {
        Case { name, min_harts }
    }
}

#[cfg(test)]
mod tests {
    use super::Case;

    #[test]
    fn names_are_distinct_and_cannot_be_taken_for_an_end_line() {
        for (index, case) in Case::ALL.iter().enumerate() {
            assert_eq!(Case::named(case.name()), Some(*case));
            assert!(Case::ALL[..index].iter().all(|earlier| earlier.name() != case.name()));
            assert!(!case.name().starts_with("end "));
        }
    }
}
