//! What policyd allows happens, what it does not is refused, and nobody but execd can ask in another's name.

use alloc::format;

use nexus_abi::QosClass;
use nexus_wire::execd::{self, Change, Image, Refusal, Spawn};
use nexus_wire::policyd::{self, Action, Decision, Denial, May};

use crate::check::{Verdict, same};
use crate::partner::Partner;
use crate::services::{self, execd};

pub fn run() -> Verdict {
    questions()?;
    raises()?;
    others()
}

/// This test is not execd, whatever its messages say.
fn questions() -> Verdict {
    let name = |text: &str| Image::try_from(text).map_err(|_| "a name too long");
    let refused = policyd::Answer::Decided(Decision::Deny(Denial::NotPrivileged));
    for subject in ["execd", "shell", "selftest-client"] {
        let may = May { subject: name(subject)?, action: Action::QosRaise, object: name("shell")? };
        same(
            "a question in another's name",
            services::policyd(&policyd::Request::May(may))?,
            refused.clone(),
        )?;
    }
    Ok(())
}

/// A spawner gets the class it may ask for, and no other.
fn raises() -> Verdict {
    let spawn = Spawn::new("tiny", "").ok_or("too long for execd")?;
    let raised = execd(&execd::Request::Spawn(spawn.clone().at(QosClass::Interactive)))?;
    let execd::Answer::Spawned { job, .. } = raised else {
        return Err(format!("a raise with a rule: {raised:?}"));
    };
    match execd(&execd::Request::Wait { job })? {
        execd::Answer::Ended(_) => {}
        other => return Err(format!("waiting for a raised program: {other:?}")),
    }
    let burst = execd(&execd::Request::Spawn(spawn.at(QosClass::PerfBurst)))?;
    let no_rule = Refusal::Denied(Denial::NoRuleForAction);
    same("PerfBurst without a rule", burst, execd::Answer::Refused(no_rule))
}

/// Another task's class, through execd: by rule, and within it.
fn others() -> Verdict {
    let peer = Partner::spawn()?;
    let task = peer.id().to_wire();
    let set = |task, class| execd(&execd::Request::Schedule { task, change: Change::Class(class) });
    let class = |peer: &Partner| peer.status().map(|record| record.class);
    let interactive = QosClass::Interactive.to_wire();
    same("a class by rule", set(task, interactive)?, execd::Answer::Scheduled { stored: interactive })?;
    same("the class in the record", class(&peer)?, interactive)?;
    for (what, target, value, refusal) in [
        (
            "PerfBurst without a rule",
            task,
            QosClass::PerfBurst.to_wire(),
            Refusal::Denied(Denial::NoRuleForAction),
        ),
        ("a class out of range", task, 4, Refusal::Invalid),
        ("a task of an earlier generation", task ^ 1 << 40, 0, Refusal::NoSuchTask),
        ("a task that never was", u64::MAX, 0, Refusal::NoSuchTask),
        ("oneself", 0, 0, Refusal::Denied(Denial::NoRuleForAction)),
    ] {
        same(what, set(target, value)?, execd::Answer::Refused(refusal))?;
        same("the class after a refusal", class(&peer)?, interactive)?;
    }
    peer.end()?;
    same("a dead task's class", set(task, 0)?, execd::Answer::Refused(Refusal::NoSuchTask))
}
