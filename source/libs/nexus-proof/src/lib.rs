//! Markers: the lines by which a run proves what happened, and the only place where their texts exist.
//!
//! The device prints a [`Marker`] through its `Display`; the test runner reads it back with [`Marker::parse`] and
//! compares with [`expected`]. A line that [`looks_like_marker`] but does not parse is an error of whoever printed
//! it. Markers are evidence: each is printed at one place, after the thing is true, once per change of state.
//!
//! | marker | printed by | when |
//! |---|---|---|
//! | `neuron: boot harts=<n> memory=<n>MiB` | kernel | every hart runs, before the first task |
//! | `neuron: idle enter L1`, `neuron: idle leave L1` | kernel | first transition of a boot |
//! | `init: ready`, `execd: ready`, `policyd: ready`, `timed: ready`, `shell: ready` | the service | it serves |
//! | `timed: audit register decision=<allow or deny> reason=<why> caller=<name> pid=<n>` | timed | it has decided about a timer; of many, ` untold=<n>` were not told before |
//! | `execd: affinity set (svc=<name> mask=<hex> policy=<p>)` | execd | the kernel has placed a new task as its recipe says |
//! | `execd: qos set (svc=<name> class=<c> shares=<n> lat=<ms> burst=<ms>)` | execd | the kernel schedules a new task as its recipe says |
//! | `SELFTEST: <case> ok` | selftest-client | the case has been asserted |
//! | `SELFTEST: <case> FAIL <why>` | selftest-client | it has been refuted |
//! | `SELFTEST: end pass=<n> fail=<n>` | selftest-client | all cases are through |
//! | `PANIC <task>: <message>` | the runtime | a user task gives up |
//! | `neuron: cannot boot: <why>` | kernel | the machine or its image is not usable |
//! | `neuron: PANIC <message>` | kernel | the kernel gives up |
//!
//! Texts that are made while failing borrow nothing: [`Failure`], [`UserPanic`], [`BootFailure`] and [`KernelPanic`] take anything
//! that can be displayed, `format_args!` included.

#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

mod case;
mod parse;

pub use case::Case;
pub use parse::looks_like_marker;

use core::fmt::{self, Display, Formatter};

use nexus_abi::{AffinityPolicy, BurstHint, HartMask, LatencyHint, QosClass, Shares};

/// What the shell prints before it reads a line. No marker: it has no line of its own.
pub const SHELL_PROMPT: &str = "nexus> ";

/// A line of evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Marker<'a> {
    /// Every hart runs.
    Boot {
        /// Harts online.
        harts: u32,
        /// Memory of the machine.
        memory_mib: u64,
    },
    /// A hart went to sleep for the first time.
    IdleEnterL1,
    /// A hart was woken for the first time.
    IdleLeaveL1,
    /// A service serves.
    Ready(Service),
    /// A new task is placed as its recipe says.
    AffinitySet {
        /// Its image.
        svc: &'a str,
        /// What the kernel stored: the harts online of those the recipe names.
        mask: HartMask,
        /// How strictly they are meant.
        policy: AffinityPolicy,
    },
    /// A new task is scheduled as its recipe says.
    QosSet {
        /// Its image.
        svc: &'a str,
        /// Its class.
        class: QosClass,
        /// What the kernel stored.
        shares: Shares,
        /// What the kernel stored.
        latency: LatencyHint,
        /// What the kernel stored.
        burst: BurstHint,
    },
    /// timed has decided about a timer.
    TimerAudit {
        /// `allow` or `deny`.
        decision: &'a str,
        /// Why.
        reason: &'a str,
        /// The program that asked.
        caller: &'a str,
        /// Its task's short number.
        pid: u32,
        /// Decisions before it that were too many to be told.
        untold: u32,
    },
    /// A case was asserted.
    Passed(Case),
    /// A case was refuted.
    Failed {
        /// Its name: a log may hold one that this build does not know.
        case: &'a str,
        /// What was seen instead.
        why: &'a str,
    },
    /// All cases are through.
    End {
        /// Cases asserted.
        pass: u32,
        /// Cases refuted.
        fail: u32,
    },
    /// A user task gave up.
    UserPanic {
        /// Its name.
        task: &'a str,
        /// Its last words.
        message: &'a str,
    },
    /// The machine or its image is not usable.
    BootFailure {
        /// What is wrong with it.
        why: &'a str,
    },
    /// The kernel gave up.
    KernelPanic {
        /// Its last words.
        message: &'a str,
    },
}

/// Who can be ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// The first task.
    Init,
    /// Spawns and supervises.
    Execd,
    /// Decides who may do what.
    Policyd,
    /// Every timer.
    Timed,
    /// The console.
    Shell,
}

/// A refuted case, for printing.
#[derive(Debug, Clone, Copy)]
pub struct Failure<W>(pub Case, pub W);

/// The last words of a task, for printing: its name and the message.
#[derive(Debug, Clone, Copy)]
pub struct UserPanic<T, W>(pub T, pub W);

/// Why the kernel cannot boot here, for printing.
#[derive(Debug, Clone, Copy)]
pub struct BootFailure<W>(pub W);

/// The last words of the kernel, for printing.
#[derive(Debug, Clone, Copy)]
pub struct KernelPanic<W>(pub W);

/// What a complete selftest run on `harts` harts prints, in order. Only markers whose order is a fact are listed:
/// idle transitions and `timed: ready` may come anywhere, and what execd prints of recipes depends on the recipes.
pub fn expected(harts: u32, memory_mib: u64) -> impl Iterator<Item = Marker<'static>> {
    let ready = [Service::Init, Service::Execd, Service::Policyd].map(Marker::Ready);
    let boot = core::iter::once(Marker::Boot { harts, memory_mib }).chain(ready);
    boot.chain(Case::on(harts).map(Marker::Passed))
}

impl Service {
    /// In the order in which they become ready.
    pub const ALL: [Service; 5] =
        [Service::Init, Service::Execd, Service::Policyd, Service::Timed, Service::Shell];

    /// Its name in markers, recipes and the boot image.
    pub const fn name(self) -> &'static str {
        match self {
            Service::Init => "init",
            Service::Execd => "execd",
            Service::Policyd => "policyd",
            Service::Timed => "timed",
            Service::Shell => "shell",
        }
    }
}

pub(crate) const KERNEL: &str = "neuron: ";
pub(crate) const BOOT_FAILURE: &str = "neuron: cannot boot: ";
pub(crate) const KERNEL_PANIC: &str = "neuron: PANIC ";
pub(crate) const USER_PANIC: &str = "PANIC ";
pub(crate) const SELFTEST: &str = "SELFTEST: ";
pub(crate) const AFFINITY_SET: &str = "execd: affinity set (svc=";
pub(crate) const QOS_SET: &str = "execd: qos set (svc=";
pub(crate) const TIMER_AUDIT: &str = "timed: audit register decision=";
pub(crate) const UNTOLD: &str = " untold=";

impl Display for Marker<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        match *self {
            Marker::Boot { harts, memory_mib } => {
                write!(f, "{KERNEL}boot harts={harts} memory={memory_mib}MiB")
            }
            Marker::IdleEnterL1 => write!(f, "{KERNEL}idle enter L1"),
            Marker::IdleLeaveL1 => write!(f, "{KERNEL}idle leave L1"),
            Marker::Ready(service) => write!(f, "{}: ready", service.name()),
            Marker::AffinitySet { svc, mask, policy } => {
                write!(f, "{AFFINITY_SET}{svc} mask={:#x} policy={})", mask.0, policy.name())
            }
            Marker::QosSet { svc, class, shares, latency, burst } => write!(
                f,
                "{QOS_SET}{svc} class={} shares={} lat={} burst={})",
                class.name(),
                shares.get(),
                latency.as_ms(),
                burst.as_ms()
            ),
            Marker::TimerAudit { decision, reason, caller, pid, untold } => {
                write!(f, "{TIMER_AUDIT}{decision} reason={reason} caller={caller} pid={pid}")?;
                if untold > 0 { write!(f, "{UNTOLD}{untold}") } else { Ok(()) }
            }
            Marker::Passed(case) => write!(f, "{SELFTEST}{} ok", case.name()),
            Marker::Failed { case, why } => write!(f, "{SELFTEST}{case} FAIL {why}"),
            Marker::End { pass, fail } => write!(f, "{SELFTEST}end pass={pass} fail={fail}"),
            Marker::UserPanic { task, message } => UserPanic(task, message).fmt(f),
            Marker::BootFailure { why } => BootFailure(why).fmt(f),
            Marker::KernelPanic { message } => KernelPanic(message).fmt(f),
        }
    }
}

impl<W: Display> Display for Failure<W> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        write!(f, "{SELFTEST}{} FAIL {}", self.0.name(), self.1)
    }
}

impl<T: Display, W: Display> Display for UserPanic<T, W> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        write!(f, "{USER_PANIC}{}: {}", self.0, self.1)
    }
}

impl<W: Display> Display for BootFailure<W> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        write!(f, "{BOOT_FAILURE}{}", self.0)
    }
}

impl<W: Display> Display for KernelPanic<W> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        write!(f, "{KERNEL_PANIC}{}", self.0)
    }
}
