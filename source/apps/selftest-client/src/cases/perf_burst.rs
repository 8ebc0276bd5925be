//! The highest class, and many shares: a recipe that asks for it and a rule that allows it; neither alone will do.

use alloc::format;
use alloc::vec::Vec;

use nexus_abi::{BurstHint, HartMask, LatencyHint, QosClass, SchedField, ServiceId, Shares};
use nexus_proof::Marker;
use nexus_wire::execd::{Answer, Change, Refusal, Request, Spawn};
use nexus_wire::policyd::{Action, Decision, Denial, Question, Record};
use selftest_client::Op;

use crate::check::{Verdict, Why, holds, same};
use crate::journal::Journal;
use crate::partner::{Hireling, Partner};
use crate::services::{audit, audit_end, execd, schedule};

/// The program whose recipe asks for it.
pub const PROGRAM: &str = "peer";
const BURST: u64 = QosClass::PerfBurst as u64;
/// What its recipe asks for besides the class.
const SHARES: u64 = 600;
const LATENCY_MS: u64 = 1;
const BURST_MS: u64 = 1;

pub fn run() -> Verdict {
    by_recipe_and_rule()?;
    without_a_rule()
}

/// execd asks policyd, the kernel accepts, the log says so, and the task runs like that until it dies.
fn by_recipe_and_rule() -> Verdict {
    let (mut journal, from) = (Journal::end()?, audit_end()?);
    let peer = Hireling::hire(PROGRAM, HartMask::ANY)?;
    same("its class, as it reads it", peer.ask(Op::Qos, &[0, 0, 0])?.0, BURST)?;
    let record = peer.status()?;
    same("its class and shares in the record", (record.class, record.shares), (BURST, SHARES))?;
    for (field, value) in
        [(SchedField::Shares, SHARES), (SchedField::LatencyMs, LATENCY_MS), (SchedField::BurstMs, BURST_MS)]
    {
        same("a field, as it reads it", peer.ask(Op::Sched, &[field.to_wire()])?, (value, 0))?;
    }
    let marker = Marker::QosSet {
        svc: PROGRAM,
        class: QosClass::PerfBurst,
        shares: Shares::exact(SHARES).ok_or("no shares")?,
        latency: LatencyHint::clamped_ms(LATENCY_MS),
        burst: BurstHint::clamped_ms(BURST_MS),
    };
    let line = format!("{marker}");
    holds("execd has said so", journal.read()?.lines().any(|said| said == line))?;
    let asked = decisions(from)?;
    let asked: Vec<_> = asked.iter().map(|(action, allowed)| (*action, allowed.is_ok())).collect();
    same("policyd's answers", asked, [(Action::QosPerfBurst, true), (Action::SharesAbove500, true)].into())?;
    peer.dismiss()
}

/// Each refusal is in the audit, and the task is as it was.
fn without_a_rule() -> Verdict {
    let from = audit_end()?;
    let no_rule = || Answer::Refused(Refusal::Denied(Denial::NoRuleForAction));
    for image in [PROGRAM, "tiny"] {
        let spawn = Spawn::new(image, "").ok_or("too long for execd")?.at(QosClass::PerfBurst);
        same("PerfBurst in the spawner's own name", execd(&Request::Spawn(spawn))?, no_rule())?;
    }
    // Of that name, but not started by execd from that recipe.
    let peer = Partner::spawn()?;
    same("PerfBurst for another", schedule(peer.id(), Change::Class(BURST))?, no_rule())?;
    same("the class after a refusal", peer.status()?.class, QosClass::Normal.to_wire())?;
    peer.end()?;
    let denied = (Action::QosPerfBurst, Err(Denial::NoRuleForAction));
    let answers = decisions(from)?.into_iter().filter(|(action, _)| *action == Action::QosPerfBurst);
    same("policyd's answers", answers.collect::<Vec<_>>(), [denied; 3].into())
}

/// What was asked, and the answer.
type Decided = (Action, Result<(), Denial>);

/// What execd has asked since record `from`, each as often as it was asked.
fn decisions(from: u32) -> Result<Vec<Decided>, Why> {
    let asked = audit(from)?.into_iter().filter(|record| record.service == ServiceId::EXECD.0);
    let each = |record: Record| {
        let Question::May(may) = record.question else { return Vec::new() };
        let answer = match record.decision {
            Decision::Allow(_) => Ok(()),
            Decision::Deny(denial) => Err(denial),
        };
        alloc::vec![(may.action, answer); record.times as usize]
    };
    Ok(asked.flat_map(each).collect())
}
