//! A task's fault ends that task only, and its supervisor hears which it was.

use alloc::format;

use nexus_abi::{ExitReason, PAGE_SIZE, SpawnArgs};
use selftest_client::raw::{DIRECT_MAP, HOLE, KERNEL_CODE};
use selftest_client::script::PROGRAM;
use selftest_client::{Misdeed, Op};

use crate::check::{Verdict, same, within};
use crate::ledger::leaves_nothing;
use crate::partner::Partner;

const JUMP: u8 = 12;
const LOAD: u8 = 13;
const STORE: u8 = 15;
const ILLEGAL: u8 = 2;
const BREAK: u8 = 3;
const STACK_TOP: usize = PROGRAM - PAGE_SIZE;
const STACK: usize = SpawnArgs::STACK_PAGES as usize * PAGE_SIZE;

/// Where the fault must be.
enum At {
    Exactly(usize),
    Between(usize, usize),
    /// What the hardware says of it: the instruction, or nothing.
    Anything,
}

pub fn run() -> Verdict {
    leaves_nothing("every fault there is", || Misdeed::ALL.into_iter().try_for_each(punished))?;
    same("exit codes", exit_code(-7)?, ExitReason::Exited(-7))?;
    same("exit codes", exit_code(i32::MAX)?, ExitReason::Exited(i32::MAX))
}

/// The peer faults, its supervisor learns cause and address, and the test goes on.
fn punished(misdeed: Misdeed) -> Verdict {
    let (cause, at) = expected(misdeed);
    let bystander = Partner::spawn()?;
    let peer = Partner::spawn()?;
    peer.ask(Op::Misbehave, &[misdeed as u64])?;
    let reason = peer.ended()?;
    let ExitReason::Fault { cause: seen, pc, address } = reason else {
        return Err(format!("{misdeed:?} ended with {reason:?}"));
    };
    same(&format!("cause of {misdeed:?}"), seen, cause)?;
    match at {
        At::Exactly(wanted) => same(&format!("address of {misdeed:?}"), address, wanted as u64)?,
        At::Between(least, most) => {
            within(&format!("address of {misdeed:?}"), address, least as u64, most as u64 - 1)?;
        }
        At::Anything => {}
    }
    let in_code = if cause == JUMP { address } else { PROGRAM as u64 };
    within(&format!("pc of {misdeed:?}"), pc, in_code, in_code.saturating_add(1 << 20))?;
    peer.bury()?;
    same("a bystander", bystander.ask(Op::Qos, &[0, 0, 0])?, (1, 0))?;
    bystander.end()
}

fn expected(misdeed: Misdeed) -> (u8, At) {
    match misdeed {
        Misdeed::ReadNull => (LOAD, At::Exactly(0)),
        Misdeed::WriteNull => (STORE, At::Exactly(0)),
        Misdeed::JumpNull => (JUMP, At::Exactly(0)),
        Misdeed::WriteCode => (STORE, At::Exactly(PROGRAM)),
        Misdeed::WriteConst => (STORE, At::Between(PROGRAM + PAGE_SIZE, PROGRAM + (1 << 20))),
        Misdeed::ExecConst => (JUMP, At::Between(PROGRAM + PAGE_SIZE, PROGRAM + (1 << 20))),
        Misdeed::ExecStack => (JUMP, At::Between(STACK_TOP - STACK, STACK_TOP)),
        Misdeed::UnderStack => (STORE, At::Exactly(STACK_TOP - STACK - 8)),
        Misdeed::OverStack => (STORE, At::Exactly(STACK_TOP)),
        Misdeed::Recurse => (STORE, At::Between(STACK_TOP - STACK - PAGE_SIZE, STACK_TOP - STACK)),
        Misdeed::ReadKernel => (LOAD, At::Exactly(KERNEL_CODE)),
        Misdeed::WriteDirectMap => (STORE, At::Exactly(DIRECT_MAP)),
        Misdeed::JumpKernel => (JUMP, At::Exactly(KERNEL_CODE)),
        Misdeed::ReadHole => (LOAD, At::Exactly(HOLE)),
        Misdeed::ReadUnmapped => (LOAD, At::Exactly(nexus_abi::USER_BASE)),
        Misdeed::Illegal | Misdeed::ReadCycle | Misdeed::ReadControl | Misdeed::ReturnFromTrap => {
            (ILLEGAL, At::Anything)
        }
        Misdeed::Break => (BREAK, At::Anything),
    }
}

fn exit_code(code: i32) -> Result<ExitReason, crate::check::Why> {
    let peer = Partner::spawn()?;
    peer.ask(Op::Exit, &[code as u32 as u64])?;
    let reason = peer.ended()?;
    peer.bury()?;
    Ok(reason)
}
