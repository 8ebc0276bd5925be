//! How a task asks to be scheduled: where, how much, how soon, how long at a time.
//!
//! Words in the task's shared part, set from any hart and read by the task's own when it next decides. Each
//! is valid by itself; nobody relies on two of them having changed together.

use core::sync::atomic::{AtomicU8, AtomicU16, AtomicU64, Ordering};

use nexus_abi::{Affinity, AffinityPolicy, BurstHint, HartMask, LatencyHint, Shares};

/// The words.
#[derive(Debug)]
pub struct Schedule {
    /// Harts it may run on.
    allowed: AtomicU64,
    /// Harts it goes to while they are free; the same, unless some are preferred.
    preferred: AtomicU64,
    policy: AtomicU8,
    shares: AtomicU16,
    latency_ms: AtomicU16,
    burst_ms: AtomicU16,
}

impl Schedule {
    /// A new task's: harts as its spawner says, the rest by default.
    pub fn new(harts: HartMask) -> Self {
        let policy = if harts == HartMask::ANY { AffinityPolicy::Any } else { AffinityPolicy::Pin };
        Self {
            allowed: AtomicU64::new(harts.0),
            preferred: AtomicU64::new(harts.0),
            policy: AtomicU8::new(policy as u8),
            shares: AtomicU16::new(Shares::DEFAULT.get()),
            latency_ms: AtomicU16::new(LatencyHint::NONE.as_ms()),
            burst_ms: AtomicU16::new(BurstHint::NONE.as_ms()),
        }
    }

    /// Harts it may run on.
    #[inline(always)]
    pub fn allowed(&self) -> HartMask {
        HartMask(self.allowed.load(Ordering::Relaxed))
    }

    /// Harts it goes to while they are free.
    #[inline(always)]
    pub fn preferred(&self) -> HartMask {
        HartMask(self.preferred.load(Ordering::Relaxed))
    }

    /// Where it runs, as it was set.
    pub fn affinity(&self) -> Affinity {
        let policy =
            AffinityPolicy::from_wire(self.policy.load(Ordering::Relaxed).into()).unwrap_or_default();
        Affinity { harts: self.preferred(), policy }
    }

    /// Sets where it runs. The caller sees to it that the task leaves a hart it may not run on.
    pub fn set_affinity(&self, affinity: Affinity) {
        let allowed = match affinity.policy {
            AffinityPolicy::Pin => affinity.harts,
            AffinityPolicy::Prefer | AffinityPolicy::Any => HartMask::ANY,
        };
        self.preferred.store(affinity.harts.0, Ordering::Relaxed);
        self.policy.store(affinity.policy as u8, Ordering::Relaxed);
        self.allowed.store(allowed.0, Ordering::SeqCst);
    }

    /// Its weight.
    pub fn shares(&self) -> Shares {
        Shares::exact(self.shares.load(Ordering::Relaxed).into()).unwrap_or_default()
    }

    /// True when the other has the same weight.
    #[inline(always)]
    pub fn has_same_shares(&self, other: &Self) -> bool {
        self.shares.load(Ordering::Relaxed) == other.shares.load(Ordering::Relaxed)
    }

    /// Sets its weight.
    pub fn set_shares(&self, shares: Shares) {
        self.shares.store(shares.get(), Ordering::Relaxed);
    }

    /// How long it is willing to wait.
    pub fn latency(&self) -> LatencyHint {
        LatencyHint::clamped_ms(self.latency_ms.load(Ordering::Relaxed).into())
    }

    /// Sets how long it is willing to wait.
    pub fn set_latency(&self, latency: LatencyHint) {
        self.latency_ms.store(latency.as_ms(), Ordering::Relaxed);
    }

    /// How long it wants to run at a time.
    pub fn burst(&self) -> BurstHint {
        BurstHint::clamped_ms(self.burst_ms.load(Ordering::Relaxed).into())
    }

    /// Sets how long it wants to run at a time.
    pub fn set_burst(&self, burst: BurstHint) {
        self.burst_ms.store(burst.as_ms(), Ordering::Relaxed);
    }
}
