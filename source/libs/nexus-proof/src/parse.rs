//! Reading markers back. A marker parses if and only if printing the result gives the same line.

use nexus_abi::{AffinityPolicy, BurstHint, HartMask, LatencyHint, QosClass, Shares};

use crate::{
    AFFINITY_SET, BOOT_FAILURE, Case, KERNEL, KERNEL_PANIC, Marker, QOS_SET, SELFTEST, Service, TIMER_AUDIT,
    UNTOLD, USER_PANIC,
};

impl<'a> Marker<'a> {
    /// The marker that `line` is. Allocates nothing.
    pub fn parse(line: &'a str) -> Option<Self> {
        if let Some(message) = line.strip_prefix(KERNEL_PANIC) {
            return Some(Marker::KernelPanic { message });
        }
        if let Some(why) = line.strip_prefix(BOOT_FAILURE) {
            return Some(Marker::BootFailure { why });
        }
        if let Some(rest) = line.strip_prefix(KERNEL) {
            return parse_kernel(rest);
        }
        if let Some(rest) = line.strip_prefix(SELFTEST) {
            return parse_selftest(rest);
        }
        if let Some(rest) = line.strip_prefix(USER_PANIC) {
            let (task, message) = rest.split_once(": ")?;
            return Some(Marker::UserPanic { task, message });
        }
        if let Some(rest) = line.strip_prefix(AFFINITY_SET) {
            return parse_affinity(rest);
        }
        if let Some(rest) = line.strip_prefix(QOS_SET) {
            return parse_qos(rest);
        }
        if let Some(rest) = line.strip_prefix(TIMER_AUDIT) {
            return parse_timer_audit(rest);
        }
        let name = line.strip_suffix(": ready")?;
        Service::ALL.into_iter().find(|service| service.name() == name).map(Marker::Ready)
    }
}

/// Whether a line claims to be a marker: it begins like one. Such a line must parse.
pub fn looks_like_marker(line: &str) -> bool {
    let begins = |prefix: &str| line.starts_with(prefix);
    let of_service =
        |service: Service| line.strip_prefix(service.name()).is_some_and(|rest| rest.starts_with(": "));
    begins(KERNEL) || begins(SELFTEST) || begins(USER_PANIC) || Service::ALL.into_iter().any(of_service)
}

fn parse_kernel<'a>(rest: &'a str) -> Option<Marker<'a>> {
    match rest {
        "idle enter L1" => return Some(Marker::IdleEnterL1),
        "idle leave L1" => return Some(Marker::IdleLeaveL1),
        _ => {}
    }
    let (harts, memory) = rest.strip_prefix("boot harts=")?.split_once(" memory=")?;
    Some(Marker::Boot { harts: decimal(harts)?, memory_mib: decimal(memory.strip_suffix("MiB")?)? })
}

fn parse_selftest<'a>(rest: &'a str) -> Option<Marker<'a>> {
    if let Some(counts) = rest.strip_prefix("end pass=") {
        let (pass, fail) = counts.split_once(" fail=")?;
        return Some(Marker::End { pass: decimal(pass)?, fail: decimal(fail)? });
    }
    if let Some(name) = rest.strip_suffix(" ok") {
        return Case::named(name).map(Marker::Passed);
    }
    let (case, why) = rest.split_once(" FAIL ")?;
    Some(Marker::Failed { case, why })
}

fn parse_affinity(rest: &str) -> Option<Marker<'_>> {
    let (svc, rest) = rest.split_once(" mask=0x")?;
    let (mask, policy) = rest.strip_suffix(')')?.split_once(" policy=")?;
    let canonical = !mask.starts_with(['+', '0']) && !mask.contains(|digit: char| digit.is_ascii_uppercase());
    let mask = canonical.then(|| u64::from_str_radix(mask, 16).ok()).flatten().map(HartMask)?;
    let policy = AffinityPolicy::ALL.into_iter().find(|known| known.name() == policy)?;
    Some(Marker::AffinitySet { svc, mask, policy })
}

fn parse_qos(rest: &str) -> Option<Marker<'_>> {
    let (svc, rest) = rest.split_once(" class=")?;
    let (class, rest) = rest.strip_suffix(')')?.split_once(" shares=")?;
    let (shares, rest) = rest.split_once(" lat=")?;
    let (latency, burst) = rest.split_once(" burst=")?;
    Some(Marker::QosSet {
        svc,
        class: QosClass::ALL.into_iter().find(|known| known.name() == class)?,
        shares: Shares::exact(decimal(shares)?)?,
        latency: LatencyHint::exact_ms(decimal(latency)?)?,
        burst: BurstHint::exact_ms(decimal(burst)?)?,
    })
}

fn parse_timer_audit(rest: &str) -> Option<Marker<'_>> {
    let (decision, rest) = rest.split_once(" reason=")?;
    let (reason, rest) = rest.split_once(" caller=")?;
    let (caller, rest) = rest.split_once(" pid=")?;
    let (pid, untold) = match rest.split_once(UNTOLD) {
        Some((pid, untold)) => (pid, Some(decimal(untold)?).filter(|untold| *untold > 0)?),
        None => (rest, 0),
    };
    let is_known = matches!((decision, reason), ("allow", "applied") | ("deny", _));
    is_known.then_some(Marker::TimerAudit { decision, reason, caller, pid: decimal(pid)?, untold })
}

/// A number as `Display` prints it: no sign, no leading zero.
fn decimal<N: core::str::FromStr>(text: &str) -> Option<N> {
    let canonical = text == "0" || text.starts_with(|first: char| ('1'..='9').contains(&first));
    canonical.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Failure, KernelPanic, UserPanic, expected};
    use std::string::ToString;
    use std::vec::Vec;

    #[test]
    fn every_marker_reads_back_as_itself() {
        let mut all: Vec<Marker> = expected(4, 256).collect();
        all.extend(Service::ALL.map(Marker::Ready));
        all.extend([
            Marker::IdleEnterL1,
            Marker::IdleLeaveL1,
            Marker::AffinitySet { svc: "timed", mask: HartMask(0x1f), policy: AffinityPolicy::Pin },
            Marker::QosSet {
                svc: "timed",
                class: QosClass::PerfBurst,
                shares: Shares::MAX,
                latency: LatencyHint::clamped_ms(1),
                burst: BurstHint::NONE,
            },
            Marker::TimerAudit { decision: "allow", reason: "applied", caller: "shell", pid: 5, untold: 0 },
            Marker::TimerAudit { decision: "deny", reason: "over_limit", caller: "app", pid: 9, untold: 17 },
            Marker::Failed { case: "ipc", why: "reply took too long" },
            Marker::End { pass: 12, fail: 0 },
            Marker::UserPanic { task: "shell", message: "index out of range" },
            Marker::BootFailure { why: "no device tree" },
            Marker::KernelPanic { message: "hart=1 task=7: lost token" },
        ]);
        for marker in all {
            let line = marker.to_string();
            assert!(looks_like_marker(&line), "{line}");
            assert_eq!(Marker::parse(&line), Some(marker), "{line}");
        }
    }

    #[test]
    fn printed_failures_read_back() {
        let why = Failure(Case::ALL[0], "no reply").to_string();
        assert_eq!(Marker::parse(&why), Some(Marker::Failed { case: Case::ALL[0].name(), why: "no reply" }));
        let user = UserPanic("bench", 7).to_string();
        assert_eq!(Marker::parse(&user), Some(Marker::UserPanic { task: "bench", message: "7" }));
        let kernel = KernelPanic("gone").to_string();
        assert_eq!(Marker::parse(&kernel), Some(Marker::KernelPanic { message: "gone" }));
    }

    #[test]
    fn what_execd_sets_reads_as_the_contract_says() {
        let affinity = Marker::AffinitySet { svc: "timed", mask: HartMask(1), policy: AffinityPolicy::Pin };
        assert_eq!(affinity.to_string(), "execd: affinity set (svc=timed mask=0x1 policy=pin)");
        let (latency, burst) = (LatencyHint::clamped_ms(1), BurstHint::clamped_ms(2));
        let class = QosClass::PerfBurst;
        let qos = Marker::QosSet { svc: "timed", class, shares: Shares::DEFAULT, latency, burst };
        assert_eq!(qos.to_string(), "execd: qos set (svc=timed class=perf_burst shares=100 lat=1 burst=2)");
    }

    #[test]
    fn what_timed_decides_reads_as_the_contract_says() {
        let audit = |decision, reason, untold| {
            Marker::TimerAudit { decision, reason, caller: "app", pid: 7, untold }.to_string()
        };
        let line = "timed: audit register decision=allow reason=applied caller=app pid=7";
        assert_eq!(audit("allow", "applied", 0), line);
        let line = "timed: audit register decision=deny reason=invalid_args caller=app pid=7 untold=3";
        assert_eq!(audit("deny", "invalid_args", 3), line);
    }

    #[test]
    fn what_only_begins_like_a_marker_is_caught() {
        for line in [
            "neuron: boot harts=02 memory=256MiB",
            "neuron: boot harts=2 memory=256 MiB",
            "neuron: idle enter L9",
            "SELFTEST: no such case ok",
            "SELFTEST: end pass=1",
            "SELFTEST: ",
            "init: reedy",
            "execd: ready ",
            "execd: affinity set (svc=x mask=0x policy=pin)",
            "execd: affinity set (svc=x mask=0x01 policy=pin)",
            "execd: affinity set (svc=x mask=0xF policy=pin)",
            "execd: affinity set (svc=x mask=0x1 policy=some)",
            "execd: qos set (svc=x class=normal shares=0 lat=0 burst=0)",
            "execd: qos set (svc=x class=normal shares=100 lat=0 burst=0",
            "execd: qos set (svc=x class=high shares=100 lat=0 burst=0)",
            "timed: audit register decision=allow reason=over_limit caller=app pid=1",
            "timed: audit register decision=maybe reason=applied caller=app pid=1",
            "timed: audit register decision=allow reason=applied caller=app pid=1 untold=0",
        ] {
            assert!(looks_like_marker(line) && Marker::parse(line).is_none(), "{line}");
        }
        for line in
            ["hello", "initial: ready", "nexus> ready", "R null_call unit=instr n=1 min=1 med=1 max=1"]
        {
            assert!(!looks_like_marker(line), "{line}");
        }
    }
}
